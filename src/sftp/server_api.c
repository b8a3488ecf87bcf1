/* SFTPServer as applications see it: what a session is, and what happens without a handler. See server.h. */
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "conn/request.h"
#include "io/last_error.h"
#include "io/options.h"
#include "io/worker.h"
#include "session/chan.h"
#include "sftp/attrs.h"
#include "sftp/server.h"
#include "sftp/status.h"

void sshio_sftp_server_options_init(sshio_sftp_server_options *options)
{
    OPTIONS_TAKE(options, NULL);
}

int sshio_raise_sftp(uint32_t fx_code, const char *message)
{
    int code = error_of_status(fx_code);
    if (code == 0)
        return fail(SSHIO_EINVAL, "sshio_raise_sftp: FX_OK is no error");
    return error_set_reason(last_error(), code, fx_code, "%s", message != NULL ? message : sshio_error_text(code));
}

sshio_chan *sshio_sftp_server_channel(const sshio_sftp_server *server)
{
    return server->chan;
}

sshio_conn *sshio_sftp_server_connection(const sshio_sftp_server *server)
{
    return server->chan != NULL ? server->chan->conn : NULL;
}

const char *const *sshio_sftp_server_env(const sshio_sftp_server *server)
{
    return texts_items(&server->env);
}

sshio_logger *sshio_sftp_server_logger(const sshio_sftp_server *server)
{
    return server->logger;
}

void sshio_sftp_server_set_user(sshio_sftp_server *server, void *user)
{
    server->user = user;
}

/* ---- requests that come from here ---- */

/* A request of our own: its row has just the work. path2 may be NULL. */
static struct sftp_request *own_request(sshio_sftp_server *server, const char *path, const char *path2)
{
    struct sftp_request *q = mem_zalloc(sizeof *q);
    if (q == NULL) {
        fail_nomem();
        return NULL;
    }
    q->server = server;
    q->path = (char *)path;
    q->path2 = (char *)path2;
    q->control = SSHIO_FXRP_NO_CHECK;
    return q;
}

static void own_free(struct sftp_request *q)
{
    sshio_sftp_names_free(&q->names);
    mem_free(q->mapped);
    mem_free(q->mapped2);
    mem_free(q->text);
    mem_free(q);
}

static int run(struct sftp_request *q, int (*work)(struct sftp_request *q))
{
    const struct request_row row = { .extension = EXT_COUNT, .work = work };
    q->row = &row;
    int rc = ask_map_paths(q);
    if (rc == 0)
        rc = worker_run(request_work, q);
    q->row = NULL;
    return rc;
}

static int with_paths(sshio_sftp_server *server, const char *path, const char *path2,
                      int (*work)(struct sftp_request *q), bool symbolic)
{
    struct sftp_request *q = own_request(server, path, path2);
    if (q == NULL)
        return SSHIO_ENOMEM;
    q->symbolic = symbolic;
    int rc = run(q, work);
    own_free(q);
    return rc;
}

/* A request about a file of ours. */
static int file_request(sshio_sftp_server *server, void *file, struct sftp_request **q)
{
    struct local_file *local = sftp_server_local_file(server, file);
    if (local == NULL)
        return local_fail_sftp(SSHIO_FX_OP_UNSUPPORTED, "Operation not supported");
    *q = own_request(server, NULL, NULL);
    if (*q == NULL)
        return SSHIO_ENOMEM;
    (*q)->local = local;
    return 0;
}

/* ---- files ---- */

static int keep_opened(struct sftp_request *q, int rc, void **file)
{
    if (q->opened != NULL && rc != 0) { /* the wait was cancelled */
        local_close(q->opened);
    } else if (rc == 0) {
        list_append(&q->server->files, &q->opened->link);
        *file = q->opened;
    }
    own_free(q);
    return rc;
}

int sshio_sftp_server_open(sshio_sftp_server *server, const char *path, uint32_t pflags, const sshio_sftp_attrs *attrs,
                           void **file)
{
    struct sftp_request *q = own_request(server, path, NULL);
    if (q == NULL)
        return SSHIO_ENOMEM;
    q->flags = pflags;
    q->attrs = attrs;
    return keep_opened(q, run(q, work_open_flags), file);
}

int sshio_sftp_server_open56(sshio_sftp_server *server, const char *path, uint32_t desired_access, uint32_t flags,
                             const sshio_sftp_attrs *attrs, void **file)
{
    struct sftp_request *q = own_request(server, path, NULL);
    if (q == NULL)
        return SSHIO_ENOMEM;
    q->access = desired_access;
    q->flags = flags;
    q->attrs = attrs;
    return keep_opened(q, run(q, work_open56), file);
}

int sshio_sftp_server_close(sshio_sftp_server *server, void *file)
{
    struct sftp_request *q = NULL;
    int rc = file_request(server, file, &q);
    if (rc != 0)
        return rc;
    list_remove(&q->local->link);
    handles_forget(server, q->local);
    rc = run(q, work_close);
    own_free(q);
    return rc;
}

/* Straight into the caller's memory. */
struct transfer {
    const struct local_file *file;
    uint64_t offset;
    void *to;
    const void *from;
    size_t size;
    size_t *got;
};

static int transfer(void *arg)
{
    const struct transfer *t = arg;
    return t->to != NULL ? local_read(t->file, t->offset, t->to, t->size, t->got)
                         : local_write(t->file, t->offset, t->from, t->size);
}

/* What is in memory is copied here, as a way to a worker and back takes longer. */
static bool transfer_now(struct transfer *t, int *rc)
{
    *rc = 0;
    if (t->file->never_waits)
        *rc = transfer(t);
    return t->file->never_waits || (t->to != NULL && local_read_now(t->file, t->offset, t->to, t->size, t->got));
}

static int run_transfer(sshio_sftp_server *server, void *file, struct transfer *t)
{
    int rc;
    t->file = sftp_server_local_file(server, file);
    if (t->file == NULL)
        return local_fail_sftp(SSHIO_FX_OP_UNSUPPORTED, "Operation not supported");
    return transfer_now(t, &rc) ? rc : worker_run(transfer, t);
}

int sshio_sftp_server_read(sshio_sftp_server *server, void *file, uint64_t offset, void *buffer, size_t size,
                           size_t *got)
{
    struct transfer t = { .offset = offset, .to = buffer, .size = size, .got = got };
    return run_transfer(server, file, &t);
}

int sshio_sftp_server_write(sshio_sftp_server *server, void *file, uint64_t offset, const void *data, size_t len)
{
    struct transfer t = { .offset = offset, .from = data, .size = len };
    return run_transfer(server, file, &t);
}

static int with_file(sshio_sftp_server *server, void *file, uint64_t offset, uint64_t length, uint32_t flags,
                     int (*work)(struct sftp_request *q))
{
    struct sftp_request *q;
    int rc = file_request(server, file, &q);
    if (rc != 0)
        return rc;
    q->offset = offset;
    q->length = length;
    q->flags = flags;
    rc = run(q, work);
    own_free(q);
    return rc;
}

int sshio_sftp_server_lock(sshio_sftp_server *server, void *file, uint64_t offset, uint64_t length, uint32_t flags)
{
    return with_file(server, file, offset, length, flags, work_block);
}

int sshio_sftp_server_unlock(sshio_sftp_server *server, void *file, uint64_t offset, uint64_t length)
{
    return with_file(server, file, offset, length, 0, work_unblock);
}

int sshio_sftp_server_fsync(sshio_sftp_server *server, void *file)
{
    return with_file(server, file, 0, 0, 0, work_fsync);
}

/* ---- names ---- */

int sshio_sftp_server_rename(sshio_sftp_server *server, const char *oldpath, const char *newpath)
{
    return with_paths(server, oldpath, newpath, work_rename, false);
}

int sshio_sftp_server_posix_rename(sshio_sftp_server *server, const char *oldpath, const char *newpath)
{
    return with_paths(server, oldpath, newpath, work_posix_rename, false);
}

int sshio_sftp_server_remove(sshio_sftp_server *server, const char *path)
{
    return with_paths(server, path, NULL, work_remove, false);
}

int sshio_sftp_server_rmdir(sshio_sftp_server *server, const char *path)
{
    return with_paths(server, path, NULL, work_rmdir, false);
}

int sshio_sftp_server_symlink(sshio_sftp_server *server, const char *oldpath, const char *newpath)
{
    return with_paths(server, oldpath, newpath, work_link, true);
}

int sshio_sftp_server_link(sshio_sftp_server *server, const char *oldpath, const char *newpath)
{
    return with_paths(server, oldpath, newpath, work_link, false);
}

static int text_of(sshio_sftp_server *server, const char *path, int (*work)(struct sftp_request *q), char **text)
{
    struct sftp_request *q = own_request(server, path, NULL);
    if (q == NULL)
        return SSHIO_ENOMEM;
    int rc = run(q, work);
    if (rc == 0 && work == work_realpath)
        rc = ask_reverse_map(q);
    if (rc == 0) {
        *text = q->text;
        q->text = NULL;
    }
    own_free(q);
    return rc;
}

int sshio_sftp_server_readlink(sshio_sftp_server *server, const char *path, char **target)
{
    return text_of(server, path, work_readlink, target);
}

int sshio_sftp_server_realpath(sshio_sftp_server *server, const char *path, char **real)
{
    return text_of(server, path, work_realpath, real);
}

/* ---- attributes ---- */

static int take_attrs(struct sftp_request *q, int rc, sshio_sftp_attrs **attrs)
{
    struct attrs_wire wire;
    if (rc == 0) {
        attrs_to_wire(&q->out_attrs.attrs, &wire);
        sshio_sftp_attrs *copy = attrs_new(&wire);
        rc = copy != NULL ? 0 : fail_nomem();
        if (rc == 0)
            *attrs = copy;
    }
    own_free(q);
    return rc;
}

int sshio_sftp_server_stat(sshio_sftp_server *server, const char *path, sshio_sftp_attrs **attrs)
{
    struct sftp_request *q = own_request(server, path, NULL);
    return q != NULL ? take_attrs(q, run(q, work_stat), attrs) : SSHIO_ENOMEM;
}

int sshio_sftp_server_lstat(sshio_sftp_server *server, const char *path, sshio_sftp_attrs **attrs)
{
    struct sftp_request *q = own_request(server, path, NULL);
    return q != NULL ? take_attrs(q, run(q, work_lstat), attrs) : SSHIO_ENOMEM;
}

int sshio_sftp_server_fstat(sshio_sftp_server *server, void *file, sshio_sftp_attrs **attrs)
{
    struct sftp_request *q;
    int rc = file_request(server, file, &q);
    return rc == 0 ? take_attrs(q, run(q, work_fstat), attrs) : rc;
}

static int set_attrs(sshio_sftp_server *server, const char *path, const sshio_sftp_attrs *attrs,
                     int (*work)(struct sftp_request *q))
{
    struct sftp_request *q = own_request(server, path, NULL);
    if (q == NULL)
        return SSHIO_ENOMEM;
    q->attrs = attrs;
    int rc = run(q, work);
    own_free(q);
    return rc;
}

int sshio_sftp_server_setstat(sshio_sftp_server *server, const char *path, const sshio_sftp_attrs *attrs)
{
    return set_attrs(server, path, attrs, work_setstat);
}

int sshio_sftp_server_lsetstat(sshio_sftp_server *server, const char *path, const sshio_sftp_attrs *attrs)
{
    return set_attrs(server, path, attrs, work_lsetstat);
}

int sshio_sftp_server_mkdir(sshio_sftp_server *server, const char *path, const sshio_sftp_attrs *attrs)
{
    return set_attrs(server, path, attrs, work_mkdir);
}

int sshio_sftp_server_fsetstat(sshio_sftp_server *server, void *file, const sshio_sftp_attrs *attrs)
{
    struct sftp_request *q;
    int rc = file_request(server, file, &q);
    if (rc != 0)
        return rc;
    q->attrs = attrs;
    rc = run(q, work_fsetstat);
    own_free(q);
    return rc;
}

static int take_vfs(struct sftp_request *q, int rc, sshio_sftp_vfs_attrs *attrs)
{
    if (rc == 0)
        *attrs = q->vfs;
    own_free(q);
    return rc;
}

int sshio_sftp_server_statvfs(sshio_sftp_server *server, const char *path, sshio_sftp_vfs_attrs *attrs)
{
    struct sftp_request *q = own_request(server, path, NULL);
    return q != NULL ? take_vfs(q, run(q, work_statvfs), attrs) : SSHIO_ENOMEM;
}

int sshio_sftp_server_fstatvfs(sshio_sftp_server *server, void *file, sshio_sftp_vfs_attrs *attrs)
{
    struct sftp_request *q;
    int rc = file_request(server, file, &q);
    return rc == 0 ? take_vfs(q, run(q, work_fstatvfs), attrs) : rc;
}

/* ---- directories ---- */

static int add_names(struct listing *listing, const sshio_sftp_names *names)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < names->count; i++)
        rc = listing_add(listing, names->items[i]);
    return rc;
}

static int list(struct sftp_request *q, struct listing *listing)
{
    int rc = run(q, work_opendir);
    struct sftp_handle handle = { .is_dir = true, .dir = q->opened_dir };
    q->handle = &handle;
    while (rc == 0 && !handle.ended) {
        rc = run(q, work_readdir);
        if (rc == 0)
            rc = add_names(listing, &q->names);
        sshio_sftp_names_free(&q->names);
    }
    local_closedir(q->opened_dir);
    return rc == SSHIO_ESFTP_EOF ? 0 : rc;
}

int sshio_sftp_server_scandir(sshio_sftp_server *server, const char *path, sshio_request *req)
{
    int rc = request_begin_answer(req, TAKES_NAMES, "sshio_sftp_server_scandir");
    struct sftp_request *q = rc == 0 ? own_request(server, path, NULL) : NULL;
    if (q == NULL)
        return rc != 0 ? rc : SSHIO_ENOMEM;
    rc = list(q, req->place);
    own_free(q);
    return rc != 0 ? rc : SSHIO_ANSWERED;
}

/* ---- texts ---- */

static int format_owner(sshio_sftp_server *server, int64_t number, bool is_user, char **text)
{
    char name[64] = "";
    if (number >= 0 && number <= UINT32_MAX && is_user)
        local_user_name(server->local, (uint32_t)number, name, sizeof name);
    else if (number >= 0 && number <= UINT32_MAX)
        local_group_name(server->local, (uint32_t)number, name, sizeof name);
    char *copy = mem_strdup(name);
    if (copy == NULL)
        return fail_nomem();
    *text = copy;
    return 0;
}

int sshio_sftp_server_format_user(sshio_sftp_server *server, int64_t uid, char **text)
{
    return format_owner(server, uid, true, text);
}

int sshio_sftp_server_format_group(sshio_sftp_server *server, int64_t gid, char **text)
{
    return format_owner(server, gid, false, text);
}

int sshio_sftp_server_format_longname(sshio_sftp_server *server, const sshio_sftp_name *name, char **text)
{
    char *user = NULL, *group = NULL;
    bool numbered = (name->attrs.valid & SSHIO_FILEXFER_ATTR_UIDGID) != 0;
    int rc = format_owner(server, numbered ? (int64_t)name->attrs.uid : -1, true, &user);
    if (rc == 0)
        rc = format_owner(server, numbered ? (int64_t)name->attrs.gid : -1, false, &group);
    if (rc == 0)
        rc = local_longname(name, user, group, time(NULL), text);
    mem_free(user);
    mem_free(group);
    return rc;
}

int sshio_sftp_server_map_path(sshio_sftp_server *server, const char *path, char **mapped)
{
    return local_map(server->local, path, mapped);
}

int sshio_sftp_server_reverse_map_path(sshio_sftp_server *server, const char *path, char **mapped)
{
    return local_reverse_map(server->local, path, mapped);
}
