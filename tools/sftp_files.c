/* Commands of sftp that change files over there, or tell of the session; see sftp.h. */
#include <stdlib.h>
#include <string.h>

#include "sftp.h"
#include "talk.h"

#define SPECIAL_BITS 07777u

/* ---- paths ---- */

char *remote_path(const struct sftp *sftp, const char *path)
{
    return path[0] == '/' ? strdup(path) : path_join(sftp->directory, path);
}

char *remote_pattern(const struct sftp *sftp, const char *pattern)
{
    if (pattern[0] == '/')
        return strdup(pattern);
    char *directory = words_quote_pattern(sftp->directory);
    char *whole = directory != NULL ? path_join(directory, pattern) : NULL;
    free(directory);
    return whole;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int out_of_memory(void)
{
    say("out of memory");
    return SSHIO_ENOMEM;
}

int remote_expand(const struct sftp *sftp, const struct word *word, const char *message, sshio_texts *paths)
{
    char *pattern = remote_pattern(sftp, word->pattern), *path = remote_path(sftp, word->text);
    int rc = pattern != NULL && path != NULL ? sshio_sftp_glob(sftp->sftp, SSHIO_LIST(pattern), paths)
                                             : out_of_memory();

    if (rc == 0)
        qsort(paths->items, paths->count, sizeof *paths->items, by_name);
    else if (rc == SSHIO_ESFTP_NO_SUCH_FILE || rc == SSHIO_ESFTP_NO_SUCH_PATH)
        say("%s\"%s\" not found%s", message, path, strcmp(message, "File ") == 0 ? "." : "");
    else if (rc != SSHIO_ENOMEM)
        say("\"%s\": %s", path, remote_reason());
    free(pattern);
    free(path);
    return rc;
}

bool remote_is_folder(sshio_sftp *sftp, const char *path)
{
    bool result = false;
    return sshio_sftp_isdir(sftp, path, &result) == 0 && result;
}

/* ---- directories ---- */

static int enter(struct sftp *sftp, char *path)
{
    sshio_sftp_attrs *attrs = NULL;
    char *real = NULL;
    int rc = sshio_sftp_realpath(sftp->sftp, path, &real);

    if (rc == 0)
        rc = sshio_sftp_stat(sftp->sftp, real, &attrs);
    if (rc != 0) {
        say("stat remote: %s", remote_reason());
    } else if (attrs->type != SSHIO_FILEXFER_TYPE_DIRECTORY) {
        say("Can't change directory: \"%s\" is not a directory", real);
        rc = SSHIO_EINVAL;
    } else {
        sshio_free(sftp->directory);
        sftp->directory = real;
        real = NULL;
    }
    sshio_free(real);
    sshio_sftp_attrs_free(attrs);
    return rc;
}

/* Without an operand it goes to where the session began. */
int sftp_cd(struct sftp *sftp, const struct call *call)
{
    char *path = call->operand_count > 0 ? remote_path(sftp, call->operands[0].text) : strdup(".");
    int rc = path != NULL ? enter(sftp, path) : out_of_memory();
    free(path);
    return rc;
}

int sftp_pwd(struct sftp *sftp, const struct call *call)
{
    (void)call;
    printf("Remote working directory: %s\n", sftp->directory);
    return 0;
}

/* One path, one request. */
static int on_path(struct sftp *sftp, const struct call *call, const char *what,
                   int (*act)(sshio_sftp *sftp, const char *path))
{
    char *path = remote_path(sftp, call->operands[0].text);
    int rc = path != NULL ? act(sftp->sftp, path) : out_of_memory();

    if (rc != 0 && path != NULL)
        say("remote %s \"%s\": %s", what, path, remote_reason());
    free(path);
    return rc;
}

static int make_directory(sshio_sftp *sftp, const char *path)
{
    return sshio_sftp_mkdir(sftp, path,
                            SSHIO_SFTP_ATTRS(.valid = SSHIO_FILEXFER_ATTR_PERMISSIONS, .permissions = 0777));
}

int sftp_mkdir(struct sftp *sftp, const struct call *call)
{
    return on_path(sftp, call, "mkdir", make_directory);
}

int sftp_rmdir(struct sftp *sftp, const struct call *call)
{
    return on_path(sftp, call, "rmdir", sshio_sftp_rmdir);
}

/* ---- all that match ---- */

/* 0 goes on; what failed was said. */
typedef int (*each_fn)(struct sftp *sftp, const char *path, const struct call *call);

/* A path that is no pattern is not looked for: what is done with it tells whether it is there. */
static int find(const struct sftp *sftp, const struct word *word, sshio_texts *paths)
{
    char *literal = words_quote_pattern(word->text);
    bool is_plain = literal != NULL && strcmp(literal, word->pattern) == 0;

    free(literal);
    if (!is_plain)
        return remote_expand(sftp, word, "File ", paths);
    paths->items = calloc(2, sizeof *paths->items);
    if (paths->items == NULL || (paths->items[0] = remote_path(sftp, word->text)) == NULL)
        return out_of_memory();
    paths->count = 1;
    return 0;
}

static int for_each(struct sftp *sftp, const struct call *call, each_fn act)
{
    sshio_texts paths = { 0, NULL };
    int rc = find(sftp, &call->operands[0], &paths);

    for (size_t i = 0; i < paths.count && rc != SSHIO_ECANCELED && !remote_is_lost(rc); i++) {
        int one = act(sftp, paths.items[i], call);
        rc = one != 0 ? one : rc;
    }
    sshio_texts_free(&paths);
    return rc;
}

static void tell(const struct sftp *sftp, const char *what, const char *path)
{
    if (!sftp->quiet)
        printf("%s %s\n", what, path);
}

static int remove_one(struct sftp *sftp, const char *path, const struct call *call)
{
    (void)call;
    tell(sftp, "Removing", path);
    int rc = sshio_sftp_remove(sftp->sftp, path);
    if (rc != 0)
        say("remote delete %s: %s", path, remote_reason());
    return rc;
}

int sftp_rm(struct sftp *sftp, const struct call *call)
{
    return for_each(sftp, call, remove_one);
}

static sshio_tri follows(const struct call *call)
{
    return call_has(call, 'h') ? SSHIO_NO : SSHIO_YES;
}

static int say_setstat(const struct call *call, const char *path, int rc)
{
    if (rc != 0)
        say("remote %ssetstat \"%s\": %s", call_has(call, 'h') ? "l" : "", path, remote_reason());
    return rc;
}

static int chmod_one(struct sftp *sftp, const char *path, const struct call *call)
{
    tell(sftp, "Changing mode on", path);
    return say_setstat(call, path, sshio_sftp_chmod(sftp->sftp, path, call->number & SPECIAL_BITS, follows(call)));
}

/* Version 3 sets owner and group together: the other one has to be known. */
static int change_owner(struct sftp *sftp, const char *path, const struct call *call, bool is_group)
{
    sshio_sftp_attrs *attrs = NULL;
    int rc = call_has(call, 'h') ? sshio_sftp_lstat(sftp->sftp, path, &attrs)
                                 : sshio_sftp_stat(sftp->sftp, path, &attrs);

    if (rc != 0 || (attrs->valid & SSHIO_FILEXFER_ATTR_UIDGID) == 0) {
        say("Can't get current ownership of remote file \"%s\"", path);
        sshio_sftp_attrs_free(attrs);
        return rc != 0 ? rc : SSHIO_ESFTP_OP_UNSUPPORTED;
    }
    tell(sftp, is_group ? "Changing group on" : "Changing owner on", path);
    rc = sshio_sftp_chown(sftp->sftp, path, is_group ? attrs->uid : call->number, is_group ? call->number : attrs->gid,
                          follows(call));
    sshio_sftp_attrs_free(attrs);
    return say_setstat(call, path, rc);
}

static int chown_one(struct sftp *sftp, const char *path, const struct call *call)
{
    return change_owner(sftp, path, call, false);
}

static int chgrp_one(struct sftp *sftp, const char *path, const struct call *call)
{
    return change_owner(sftp, path, call, true);
}

int sftp_chmod(struct sftp *sftp, const struct call *call)
{
    return for_each(sftp, call, chmod_one);
}

int sftp_chown(struct sftp *sftp, const struct call *call)
{
    return for_each(sftp, call, chown_one);
}

int sftp_chgrp(struct sftp *sftp, const struct call *call)
{
    return for_each(sftp, call, chgrp_one);
}

/* ---- two paths ---- */

static int on_two(struct sftp *sftp, const struct call *call, const char *message,
                  int (*act)(sshio_sftp *sftp, const char *from, const char *to))
{
    bool is_text = act == sshio_sftp_symlink; /* what a link says is relative to the link */
    char *from = is_text ? strdup(call->operands[0].text) : remote_path(sftp, call->operands[0].text);
    char *to = remote_path(sftp, call->operands[1].text);
    int rc = from != NULL && to != NULL ? act(sftp->sftp, from, to) : out_of_memory();

    if (rc != 0 && rc != SSHIO_ENOMEM)
        say("%s \"%s\" to \"%s\": %s", message, from, to, remote_reason());
    free(from);
    free(to);
    return rc;
}

static int rename_plainly(sshio_sftp *sftp, const char *from, const char *to)
{
    return sshio_sftp_rename(sftp, from, to, 0);
}

/* As rename(2) where the server has that. */
static int rename_over(sshio_sftp *sftp, const char *from, const char *to)
{
    int rc = sshio_sftp_posix_rename(sftp, from, to);
    return rc == SSHIO_ESFTP_OP_UNSUPPORTED ? rename_plainly(sftp, from, to) : rc;
}

int sftp_rename(struct sftp *sftp, const struct call *call)
{
    return on_two(sftp, call, "remote rename", call_has(call, 'l') ? rename_plainly : rename_over);
}

int sftp_symlink(struct sftp *sftp, const struct call *call)
{
    return on_two(sftp, call, "remote symlink file", sshio_sftp_symlink);
}

int sftp_ln(struct sftp *sftp, const struct call *call)
{
    if (call_has(call, 's'))
        return sftp_symlink(sftp, call);
    return on_two(sftp, call, "remote link", sshio_sftp_link);
}

static int copy_there(sshio_sftp *sftp, const char *from, const char *to)
{
    return sshio_sftp_copy(sftp, from, to, SSHIO_COPY(.remote_only = true, .follow_symlinks = true));
}

int sftp_copy(struct sftp *sftp, const struct call *call)
{
    if (!sshio_sftp_supports_remote_copy(sftp->sftp)) {
        say("Server does not support copy-data extension");
        return SSHIO_ESFTP_OP_UNSUPPORTED;
    }
    return on_two(sftp, call, "Couldn't copy file", copy_there);
}

int sftp_version(struct sftp *sftp, const struct call *call)
{
    (void)call;
    printf("SFTP protocol version %d\n", sshio_sftp_version(sftp->sftp));
    return 0;
}
