/* Copying by SFTP, to and from a host; see scp.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "scp.h"
#include "talk.h"
#include "words.h"

const char *place_path(const struct place *place)
{
    const char *path = place->destination.path;

    if (path == NULL || path[0] == '\0' || strcmp(path, "~") == 0 || strcmp(path, "~/") == 0)
        return ".";
    if (path[0] != '~')
        return path;
    if (path[1] == '/')
        return path + 2;
    say("%s: names of other users' homes are not known in SFTP mode; -O has the shell over there look", path);
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int scp_expand(struct scp *scp, struct place *source, sshio_texts *paths)
{
    sshio_sftp *sftp = place_sftp(scp, source);
    const char *path = sftp != NULL ? place_path(source) : NULL;

    if (path == NULL)
        return SCP_FATAL;
    char *pattern = words_pattern(path);
    int rc = pattern != NULL ? sshio_sftp_glob(sftp, SSHIO_LIST(pattern), paths) : SSHIO_ENOMEM;
    free(pattern);
    if (rc == 0) {
        qsort(paths->items, paths->count, sizeof *paths->items, by_name);
        return 0;
    }
    say("%s: %s", source->destination.path, remote_reason());
    return remote_is_lost(rc) ? SCP_FATAL : SCP_FAILED;
}

bool scp_check_target(struct scp *scp, sshio_sftp *sftp, const char *path, bool *into)
{
    *into = false;
    if (sshio_sftp_isdir(sftp, path, into) != 0)
        return true; /* what is wrong will be said of the file */
    if (*into || scp->source_count == 1)
        return true;
    if (sshio_sftp_mkdir(sftp, path, NULL) != 0) {
        say("remote mkdir \"%s\": %s", path, remote_reason());
        return false;
    }
    *into = true;
    return true;
}

/* The name of a source in a folder; that of ".." is none. */
static char *in_folder(const char *folder, const char *source)
{
    char *name = path_last(source);
    char *path = name != NULL ? path_join(folder, strcmp(name, "..") == 0 ? "." : name) : NULL;
    free(name);
    return path;
}

int scp_upload(struct scp *scp, struct place *source)
{
    sshio_sftp *sftp = place_sftp(scp, scp->target);
    const char *target = sftp != NULL ? place_path(scp->target) : NULL;
    struct stat st;
    bool into;

    if (target == NULL)
        return SCP_FATAL;
    if (stat(source->text, &st) != 0) {
        say("stat local \"%s\": %s", source->text, strerror(errno));
        return SCP_FATAL;
    }
    if (!scp_check_target(scp, sftp, target, &into))
        return SCP_FATAL;
    char *path = into ? in_folder(target, source->text) : strdup(target);
    int rc = path != NULL ? copying_put(&scp->copying, sftp, source->text, path) : SSHIO_ENOMEM;
    if (rc != 0)
        say("failed to upload %s %s to %s", S_ISDIR(st.st_mode) && scp->recurse > 0 ? "directory" : "file",
            source->text, scp->target->destination.path != NULL ? scp->target->destination.path : "");
    free(path);
    return rc == 0 ? 0 : remote_is_lost(rc) ? SCP_FATAL : SCP_FAILED;
}

/* Many files make the folder that they go to, if nothing is in its place. */
static bool is_target_folder(const char *target, size_t count)
{
    if (count > 1)
        mkdir(target, 0777);
    return path_is_local_folder(target);
}

int scp_download(struct scp *scp, struct place *source)
{
    const char *target = scp->target->text;
    sshio_texts paths = { 0, NULL };
    int status = scp_expand(scp, source, &paths);
    bool into = is_target_folder(target, paths.count);

    if (status == 0 && paths.count > 1 && !into) {
        say("Multiple files match pattern, but destination \"%s\" is not a directory", target);
        status = SCP_FAILED;
    } else {
        for (size_t i = 0; i < paths.count && status != SCP_FATAL; i++) {
            char *path = into ? in_folder(target, paths.items[i]) : strdup(target);
            int rc = path != NULL ? copying_get(&scp->copying, place_sftp(scp, source), paths.items[i], path)
                                  : SSHIO_ENOMEM;
            if (rc != 0)
                status = remote_is_lost(rc) ? SCP_FATAL : SCP_FAILED;
            free(path);
        }
    }
    sshio_texts_free(&paths);
    return status;
}
