/* get and put of sftp; see sftp.h. */
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sftp.h"
#include "talk.h"

static int out_of_memory(void)
{
    say("out of memory");
    return SSHIO_ENOMEM;
}

static void set_up(struct sftp *sftp, const struct call *call, bool resume)
{
    struct copying *c = &sftp->copying;

    c->recurse = sftp->recurse || call_has(call, 'r') || call_has(call, 'R');
    c->preserve = sftp->preserve || call_has(call, 'p') || call_has(call, 'P');
    c->resume = sftp->resume || resume || call_has(call, 'a');
    c->flush = sftp->flush || call_has(call, 'f');
}

static bool is_over(int rc)
{
    return rc == SSHIO_ECANCELED || rc == SSHIO_ENOMEM || remote_is_lost(rc);
}

/* Where a source goes: into a folder by its name, or to a new name. into: is there a folder? */
static char *target_of(const char *source, const char *target, bool into)
{
    char *name = path_last(source);
    char *path = name == NULL ? NULL : target == NULL ? strdup(name) : into ? path_join(target, name) : strdup(target);
    free(name);
    return path;
}

/* ---- get ---- */

static int get_one(struct sftp *sftp, const char *source, const char *target, bool into)
{
    char *path = target_of(source, target, into);
    char *shown = remote_is_folder(sftp->sftp, source) ? path_join(source, "") : strdup(source);

    if (path == NULL || shown == NULL) {
        free(path);
        free(shown);
        return out_of_memory();
    }
    if (!sftp->quiet)
        printf("%s %s to %s\n", sftp->copying.resume ? "Resuming" : "Fetching", shown, path);
    int rc = copying_get(&sftp->copying, sftp->sftp, source, path);
    free(path);
    free(shown);
    return rc;
}

static int get(struct sftp *sftp, const struct call *call, bool resume)
{
    const char *target = call->operand_count > 1 ? call->operands[1].text : NULL;
    bool into = target != NULL && path_is_local_folder(target);
    sshio_texts paths = { 0, NULL };

    set_up(sftp, call, resume);
    int rc = remote_expand(sftp, &call->operands[0], "File ", &paths);
    if (rc == 0 && paths.count > 1 && target != NULL && !into) {
        say("Multiple source paths, but destination \"%s\" is not a directory", target);
        rc = SSHIO_EINVAL;
    } else {
        for (size_t i = 0; i < paths.count && !is_over(rc); i++) {
            int one = get_one(sftp, paths.items[i], target, into);
            rc = one != 0 ? one : rc;
        }
    }
    sshio_texts_free(&paths);
    return rc;
}

int sftp_get(struct sftp *sftp, const struct call *call)
{
    return get(sftp, call, false);
}

int sftp_reget(struct sftp *sftp, const struct call *call)
{
    return get(sftp, call, true);
}

/* ---- put ---- */

static int put_one(struct sftp *sftp, const char *source, const char *target, bool into)
{
    struct stat st;
    char *name = target_of(source, target, into);
    char *path = name != NULL ? remote_path(sftp, name) : NULL;
    int rc = 0;

    free(name);
    if (path == NULL)
        return out_of_memory();
    if (stat(source, &st) != 0) {
        say("stat %s: %s", source, strerror(errno));
        rc = SSHIO_ESYSTEM;
    } else {
        if (!sftp->quiet)
            printf("%s %s to %s\n", sftp->copying.resume ? "Resuming upload of" : "Uploading", source, path);
        rc = copying_put(&sftp->copying, sftp->sftp, source, path);
    }
    free(path);
    return rc;
}

static int put_found(struct sftp *sftp, const glob_t *found, const char *target)
{
    char *path = target != NULL ? remote_path(sftp, target) : NULL;
    int rc = 0;

    if (target != NULL && path == NULL)
        return out_of_memory();
    bool into = path != NULL && remote_is_folder(sftp->sftp, path);
    if (found->gl_pathc > 1 && path != NULL && !into) {
        say("Multiple paths match, but destination \"%s\" is not a directory", path);
        rc = SSHIO_EINVAL;
    } else {
        for (size_t i = 0; i < found->gl_pathc && !is_over(rc); i++) {
            int one = put_one(sftp, found->gl_pathv[i], path, into);
            rc = one != 0 ? one : rc;
        }
    }
    free(path);
    return rc;
}

static int put(struct sftp *sftp, const struct call *call, bool resume)
{
    const struct word *source = &call->operands[0];
    glob_t found = { 0 };

    set_up(sftp, call, resume);
    int failed = glob(source->pattern, GLOB_MARK, NULL, &found);
    int rc = 0;
    if (failed == GLOB_NOMATCH) {
        say("stat %s: %s", source->text, strerror(ENOENT));
        rc = SSHIO_ESYSTEM;
    } else if (failed != 0) {
        say("File \"%s\" not found.", source->text);
        rc = SSHIO_ESYSTEM;
    } else {
        rc = put_found(sftp, &found, call->operand_count > 1 ? call->operands[1].text : NULL);
    }
    globfree(&found);
    return rc;
}

int sftp_put(struct sftp *sftp, const struct call *call)
{
    return put(sftp, call, false);
}

int sftp_reput(struct sftp *sftp, const struct call *call)
{
    return put(sftp, call, true);
}

/* ---- what the program was called with ---- */

static int run_words(struct sftp *sftp, const char *name, const char *path, const char *local)
{
    struct word operands[] = { { (char *)path, words_quote_pattern(path) }, { (char *)local, (char *)local } };
    struct call call = { .command = command_find(name), .operands = operands, .operand_count = local != NULL ? 2 : 1 };
    int rc = operands[0].pattern != NULL ? call.command->run(sftp, &call) : out_of_memory();
    free(operands[0].pattern);
    return rc;
}

int sftp_begin(struct sftp *sftp, const char *path, const char *local, bool *transferred)
{
    char *whole = remote_path(sftp, path);

    if (whole == NULL)
        return out_of_memory();
    *transferred = local != NULL || !remote_is_folder(sftp->sftp, whole);
    if (!*transferred && !sftp->quiet)
        printf("Changing to: %s\n", whole);
    int rc = run_words(sftp, *transferred ? "get" : "cd", whole, local);
    free(whole);
    return rc;
}
