/* Making directories with all that is above them, and removing them with all that is in them; see client.h. */
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/client.h"
#include "sftp/client_dirs.h"
#include "sftp/gang.h"
#include "sftp/path.h"

#define DEPTH_MAX 128u
#define REMOVALS 64u /* under way at a time */

/* An error of version 6, which is a plain failure in the others. */
int client_fail_v6(sshio_sftp *s, int code, const char *path, const char *text)
{
    uint32_t reason = (uint32_t)(SSHIO_ESFTP - code);
    bool known = s->dialect.version >= 6;
    char name[512];
    return error_set_reason(last_error(), known ? code : SSHIO_ESFTP_FAILURE, known ? reason : SSHIO_FX_FAILURE,
                            "%s %s", log_escaped(span_of(path), name, sizeof name), text);
}

/* ---- makedirs ---- */

/* One of the directories on the way; *made is set when it was not there. */
static int make_one(sshio_sftp *s, const char *path, const sshio_sftp_attrs *attrs, bool is_last, bool *made)
{
    bool is_dir = false;
    int rc = sshio_sftp_mkdir(s, path, attrs);
    if (rc == 0)
        *made = true;
    if (rc == SSHIO_ESFTP_PERMISSION_DENIED && !is_last)
        return 0;
    if (rc != SSHIO_ESFTP_FAILURE && rc != SSHIO_ESFTP_FILE_ALREADY_EXISTS)
        return rc;
    rc = sshio_sftp_isdir(s, path, &is_dir);
    if (rc == 0 && !is_dir)
        rc = client_fail_v6(s, SSHIO_ESFTP_NOT_A_DIRECTORY, path, "is not a directory");
    return rc;
}

int sshio_sftp_makedirs(sshio_sftp *sftp, const char *path, const sshio_sftp_attrs *attrs, bool exist_ok)
{
    bool made = false;
    int rc = 0;
    if (path == NULL || path[0] == '\0')
        return fail(SSHIO_EINVAL, "sshio_sftp_makedirs: no path was given");
    char *part = mem_strdup(path);
    size_t len = strlen(path);
    if (part == NULL)
        return fail_nomem();
    while (len > 1 && part[len - 1] == '/')
        part[--len] = '\0';
    for (size_t i = 1; rc == 0 && i <= len; i++) {
        if ((part[i] != '/' && part[i] != '\0') || part[i - 1] == '/')
            continue;
        char end = part[i];
        part[i] = '\0';
        rc = make_one(sftp, part, attrs, i == len, &made);
        part[i] = end;
    }
    mem_free(part);
    if (rc == 0 && !made && !exist_ok)
        rc = client_fail_v6(sftp, SSHIO_ESFTP_FILE_ALREADY_EXISTS, path, "already exists");
    return rc;
}

/* ---- rmtree ---- */

struct removing {
    sshio_sftp *sftp;
    bool ignore_errors;
    sshio_rmtree_error_fn onerror;
    void *user;
    struct gang gang;
    struct gang_error failed; /* the first one that counts */
};

static bool goes_on(const struct removing *r)
{
    return error_code(&r->failed.error) == 0;
}

/* What became of one step, told to who wants to know. */
static void note(struct removing *r, const char *function, const char *path, int rc)
{
    if (rc == 0 || (r->ignore_errors && client_is_status(rc)))
        return;
    if (r->onerror != NULL && client_is_status(rc))
        rc = r->onerror(function, path, &last_error()->pub, r->user);
    if (rc != 0)
        gang_error_note(&r->failed, rc);
}

struct removal {
    struct removing *removing;
    char *path;
};

static int remove_file(void *arg)
{
    struct removal *removal = arg;
    struct removing *r = removal->removing;
    if (goes_on(r))
        note(r, "unlink", removal->path, sshio_sftp_remove(r->sftp, removal->path));
    mem_free(removal->path);
    mem_free(removal);
    return 0;
}

/* Removes it while the walk goes on. The path is taken. */
static void remove_later(struct removing *r, char *path)
{
    struct removal *removal = mem_alloc(sizeof *removal);
    if (removal == NULL) {
        mem_free(path);
        gang_error_note(&r->failed, fail_nomem());
        return;
    }
    *removal = (struct removal){ r, path };
    int rc = gang_start(&r->gang, remove_file, removal);
    if (rc != 0) {
        gang_error_note(&r->failed, rc);
        mem_free(path);
        mem_free(removal);
    }
}

static void remove_directory(struct removing *r, const char *path, unsigned depth);

static void remove_entry(struct removing *r, const char *path, const sshio_sftp_name *name, unsigned depth)
{
    if (!path_entry_is_taken(name->filename, r->sftp->logger))
        return;
    char *whole = path_append(path, name->filename);
    if (whole == NULL) {
        gang_error_note(&r->failed, fail_nomem());
    } else if (client_is_directory(r->sftp, whole, &name->attrs)) {
        remove_directory(r, whole, depth + 1);
        mem_free(whole);
    } else {
        remove_later(r, whole);
    }
}

/* One that is cancelled meanwhile removes no more. */
static void wait_for_removals(struct removing *r)
{
    int rc = gang_wait(&r->gang);
    if (rc != 0)
        gang_error_note(&r->failed, rc);
}

/* Its entries are gone before it goes itself. */
static void remove_directory(struct removing *r, const char *path, unsigned depth)
{
    struct name_list list;
    if (depth > DEPTH_MAX) {
        note(r, "scandir", path, client_fail_v6(r->sftp, SSHIO_ESFTP_FAILURE, path, "is nested too deeply"));
        return;
    }
    int rc = client_list(r->sftp, path, &list);
    note(r, "scandir", path, rc);
    for (size_t i = 0; rc == 0 && goes_on(r) && i < list.count; i++)
        remove_entry(r, path, list.items[i], depth);
    name_list_done(&list);
    wait_for_removals(r);
    if (rc == 0 && goes_on(r))
        note(r, "rmdir", path, sshio_sftp_rmdir(r->sftp, path));
}

static int check_root(sshio_sftp *s, const char *path)
{
    char name[512];
    bool is_link = false;
    int rc = sshio_sftp_islink(s, path, &is_link);
    if (rc == 0 && is_link)
        rc = error_set_reason(last_error(), SSHIO_ESFTP_NO_SUCH_FILE, SSHIO_FX_NO_SUCH_FILE, "%s must not be a symlink",
                              log_escaped(span_of(path), name, sizeof name));
    return rc;
}

int sshio_sftp_rmtree(sshio_sftp *sftp, const char *path, bool ignore_errors, sshio_rmtree_error_fn onerror, void *user)
{
    struct removing r = { .sftp = sftp, .ignore_errors = ignore_errors, .onerror = onerror, .user = user };
    gang_init(&r.gang, sftp->one_at_a_time ? 1 : REMOVALS);
    gang_error_init(&r.failed);
    client_hold(sftp);
    int rc = check_root(sftp, path);
    note(&r, "islink", path, rc);
    if (rc == 0)
        remove_directory(&r, path, 0);
    wait_for_removals(&r);
    rc = gang_error_raise(&r.failed);
    client_release(sftp);
    return rc;
}
