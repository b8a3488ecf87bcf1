/* What each request asks the application's handlers. SSHIO_DEFAULT where there is none: then it is worked on here. See
 * server.h. */
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "conn/request.h"
#include "io/last_error.h"
#include "io/worker.h"
#include "sftp/attrs.h"
#include "sftp/server.h"
#include "sftp/status.h"

#define PIECE (64u * 1024) /* of a copy through handlers */

/* The handler of this name, or else the default. */
#define ASK(q, name, ...)                                                                                              \
    ((q)->server->handlers.name != NULL ? (q)->server->handlers.name((q)->server, __VA_ARGS__, (q)->server->user)      \
                                        : SSHIO_DEFAULT)

static void *file_of(const struct sftp_request *q)
{
    return q->handle->file;
}

/* ---- files ---- */

int ask_open(struct sftp_request *q)
{
    if (q->server->dialect.version >= 5)
        return ASK(q, open56, q->path, q->access, q->flags, q->attrs, &q->file);
    return ASK(q, open, q->path, q->flags, q->attrs, &q->file);
}

int ask_close(struct sftp_request *q)
{
    if (!q->handle->is_dir)
        return ASK(q, close, file_of(q));
    listing_close(q->handle->listing);
    bool ours = q->handle->listing == NULL;
    q->handle->listing = NULL;
    return ours ? SSHIO_DEFAULT : 0;
}

int ask_read(struct sftp_request *q)
{
    int rc = ASK(q, read, file_of(q), q->offset, q->block + SERVER_DATA_HEAD, q->length, &q->got);
    if (rc == 0 && q->got > q->length)
        return fail(SSHIO_EINVAL, "an SFTP read handler gave more than was asked");
    if (rc == 0 && q->got == 0 && q->length != 0)
        return local_fail_sftp(SSHIO_FX_EOF, sshio_error_text(SSHIO_ESFTP_EOF));
    return rc;
}

int ask_write(struct sftp_request *q)
{
    return ASK(q, write, file_of(q), q->offset, q->data.data, q->data.len);
}

int ask_fsync(struct sftp_request *q)
{
    return ASK(q, fsync, file_of(q));
}

int ask_block(struct sftp_request *q)
{
    return ASK(q, lock, file_of(q), q->offset, q->length, q->flags);
}

int ask_unblock(struct sftp_request *q)
{
    return ASK(q, unlock, file_of(q), q->offset, q->length);
}

/* ---- attributes ---- */

/* A handler that answers with sshio_answer_attrs. */
static int answered_attrs(struct sftp_request *q,
                          int (*handler)(sshio_sftp_server *server, const char *path, sshio_request *req, void *user))
{
    sshio_request req;
    if (handler == NULL)
        return SSHIO_DEFAULT;
    request_init(&req, NULL, TAKES_ATTRS);
    req.place = &q->out_attrs_own;
    int rc = handler(q->server, q->path, &req, q->server->user);
    if (rc == SSHIO_ANSWERED)
        rc = 0;
    else if (rc == 0)
        rc = local_fail_sftp(SSHIO_FX_NO_SUCH_FILE, "No such file");
    request_done(&req);
    return rc;
}

int ask_stat(struct sftp_request *q)
{
    return answered_attrs(q, q->server->handlers.stat);
}

int ask_lstat(struct sftp_request *q)
{
    return answered_attrs(q, q->server->handlers.lstat);
}

int ask_fstat(struct sftp_request *q)
{
    sshio_request req;
    if (q->server->handlers.fstat == NULL)
        return SSHIO_DEFAULT;
    request_init(&req, NULL, TAKES_ATTRS);
    req.place = &q->out_attrs_own;
    int rc = q->server->handlers.fstat(q->server, file_of(q), &req, q->server->user);
    request_done(&req);
    return rc == SSHIO_ANSWERED ? 0 : rc == 0 ? local_fail_sftp(SSHIO_FX_FAILURE, "No attributes") : rc;
}

int ask_setstat(struct sftp_request *q)
{
    return ASK(q, setstat, q->path, q->attrs);
}

int ask_lsetstat(struct sftp_request *q)
{
    return ASK(q, lsetstat, q->path, q->attrs);
}

int ask_fsetstat(struct sftp_request *q)
{
    return ASK(q, fsetstat, file_of(q), q->attrs);
}

int ask_statvfs(struct sftp_request *q)
{
    return ASK(q, statvfs, q->path, &q->vfs);
}

int ask_fstatvfs(struct sftp_request *q)
{
    return ASK(q, fstatvfs, file_of(q), &q->vfs);
}

/* ---- names ---- */

int ask_remove(struct sftp_request *q)
{
    return ASK(q, remove, q->path);
}

int ask_rmdir(struct sftp_request *q)
{
    return ASK(q, rmdir, q->path);
}

int ask_mkdir(struct sftp_request *q)
{
    return ASK(q, mkdir, q->path, q->attrs);
}

int ask_rename(struct sftp_request *q)
{
    return q->flags != 0 ? ask_posix_rename(q) : ASK(q, rename, q->path, q->path2);
}

int ask_posix_rename(struct sftp_request *q)
{
    return ASK(q, posix_rename, q->path, q->path2);
}

int ask_link(struct sftp_request *q)
{
    return q->symbolic ? ASK(q, symlink, q->path, q->path2) : ASK(q, link, q->path, q->path2);
}

/* A handler that answers with sshio_answer_text: *text is replaced. */
static int answered_text(sshio_sftp_server *server, const char *path,
                         int (*handler)(sshio_sftp_server *server, const char *path, sshio_request *req, void *user),
                         char **text)
{
    sshio_request req;
    if (handler == NULL)
        return SSHIO_DEFAULT;
    request_init(&req, NULL, TAKES_TEXT);
    int rc = handler(server, path, &req, server->user);
    if (rc == SSHIO_ANSWERED && req.answered) {
        char *copy = mem_strdup(req.texts.items[0]);
        rc = copy != NULL ? 0 : fail_nomem();
        if (copy != NULL) {
            mem_free(*text);
            *text = copy;
        }
    } else if (rc == 0) {
        rc = local_fail_sftp(SSHIO_FX_NO_SUCH_FILE, "No such file");
    }
    request_done(&req);
    return rc;
}

int ask_readlink(struct sftp_request *q)
{
    return answered_text(q->server, q->path, q->server->handlers.readlink, &q->text);
}

int ask_realpath(struct sftp_request *q)
{
    return answered_text(q->server, q->path, q->server->handlers.realpath, &q->text);
}

int ask_paths(struct sftp_request *q)
{
    (void)q;
    return SSHIO_DEFAULT;
}

static int map_one(sshio_sftp_server *server, const char *path, char **mapped)
{
    return path != NULL ? answered_text(server, path, server->handlers.map_path, mapped) : SSHIO_DEFAULT;
}

/* What a symbolic link says is no path. */
int ask_map_paths(struct sftp_request *q)
{
    int rc = q->symbolic ? SSHIO_DEFAULT : map_one(q->server, q->path, &q->mapped);
    if (rc >= 0)
        rc = map_one(q->server, q->path2, &q->mapped2);
    return rc > 0 ? 0 : rc;
}

int ask_reverse_map(struct sftp_request *q)
{
    if (q->server->handlers.reverse_map_path == NULL)
        return 0;
    int rc = answered_text(q->server, q->text, q->server->handlers.reverse_map_path, &q->text);
    if (rc != SSHIO_DEFAULT)
        return rc;
    char *shown;
    rc = local_reverse_map(q->server->local, q->text, &shown);
    if (rc != 0)
        return rc;
    mem_free(q->text);
    q->text = shown;
    return 0;
}

/* ---- directories ---- */

int ask_opendir(struct sftp_request *q)
{
    return listing_start(q);
}

int ask_readdir(struct sftp_request *q)
{
    return q->handle->listing != NULL ? listing_take(q) : SSHIO_DEFAULT;
}

typedef int (*owner_fn)(sshio_sftp_server *server, int64_t number, sshio_request *req, void *user);

/* The name of an owner as the handler has it, or else as the attributes have it, or as a number. */
static int owner_text(sshio_sftp_server *server, const sshio_sftp_attrs *a, bool is_user, char **text)
{
    owner_fn handler = is_user ? server->handlers.format_user : server->handlers.format_group;
    bool numbered = (a->valid & SSHIO_FILEXFER_ATTR_UIDGID) != 0;
    bool named = (a->valid & SSHIO_FILEXFER_ATTR_OWNERGROUP) != 0;
    uint32_t number = is_user ? a->uid : a->gid;
    sshio_request req;
    int rc = SSHIO_DEFAULT;
    if (handler != NULL) {
        request_init(&req, NULL, TAKES_TEXT);
        rc = handler(server, numbered ? (int64_t)number : -1, &req, server->user);
        if (rc == SSHIO_ANSWERED && req.answered && (*text = mem_strdup(req.texts.items[0])) == NULL)
            rc = fail_nomem();
        request_done(&req);
    }
    if (rc != SSHIO_DEFAULT)
        return rc == SSHIO_ANSWERED && *text != NULL ? 0
               : rc < 0                              ? rc
               : (*text = mem_strdup("")) != NULL    ? 0
                                                     : fail_nomem();
    if (named)
        return (*text = mem_strdup(is_user ? a->owner : a->group)) != NULL ? 0 : fail_nomem();
    return (is_user ? sshio_sftp_server_format_user
                    : sshio_sftp_server_format_group)(server, numbered ? (int64_t)number : -1, text);
}

static int longname_text(sshio_sftp_server *server, const sshio_sftp_name *name, char **line)
{
    char *user = NULL, *group = NULL;
    sshio_request req;
    int rc = SSHIO_DEFAULT;
    if (server->handlers.format_longname != NULL) {
        request_init(&req, NULL, TAKES_TEXT);
        rc = server->handlers.format_longname(server, name, &req, server->user);
        if (rc == SSHIO_ANSWERED && req.answered)
            rc = (*line = mem_strdup(req.texts.items[0])) != NULL ? 0 : fail_nomem();
        request_done(&req);
    }
    if (rc != SSHIO_DEFAULT)
        return rc;
    rc = owner_text(server, &name->attrs, true, &user);
    if (rc == 0)
        rc = owner_text(server, &name->attrs, false, &group);
    if (rc == 0)
        rc = local_longname(name, user, group, time(NULL), line);
    mem_free(user);
    mem_free(group);
    return rc;
}

int ask_longnames(struct sftp_request *q)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && q->server->dialect.version == 3 && i < q->names.count; i++) {
        sshio_sftp_name *name = q->names.items[i];
        struct attrs_wire wire;
        char *line = NULL;
        if (name->longname[0] != '\0')
            continue;
        rc = longname_text(q->server, name, &line);
        attrs_to_wire(&name->attrs, &wire);
        sshio_sftp_name *longer = rc == 0 ? name_new(span_of(name->filename), span_of(line), &wire) : NULL;
        if (rc == 0 && longer == NULL)
            rc = fail_nomem();
        if (longer != NULL) {
            sshio_sftp_name_free(name);
            q->names.items[i] = longer;
        }
        mem_free(line);
    }
    return rc;
}

/* ---- extensions that reads and writes of a handler have to go through ---- */

bool goes_through_handlers(const struct sftp_request *q, const struct sftp_handle *handle)
{
    return handle->local == NULL || q->server->handlers.read != NULL || q->server->handlers.write != NULL;
}

int ask_ranges(struct sftp_request *q)
{
    if (!goes_through_handlers(q, q->handle))
        return SSHIO_DEFAULT;
    q->ranges = mem_array(1, sizeof *q->ranges);
    if (q->ranges == NULL)
        return fail_nomem();
    q->ranges[0] = (struct local_range){ q->offset, q->length };
    q->got = 1;
    q->at_end = true;
    return 0;
}

int ask_piece(struct sftp_request *q, uint64_t offset, void *buffer, size_t size, size_t *got)
{
    sshio_sftp_server *server = q->server;
    int rc = ASK(q, read, q->handle->file, offset, buffer, size, got);
    return rc == SSHIO_DEFAULT ? sshio_sftp_server_read(server, q->handle->file, offset, buffer, size, got) : rc;
}

static int write_piece(struct sftp_request *q, uint64_t offset, const void *data, size_t len)
{
    sshio_sftp_server *server = q->server;
    int rc = ASK(q, write, q->handle2->file, offset, data, len);
    return rc == SSHIO_DEFAULT ? sshio_sftp_server_write(server, q->handle2->file, offset, data, len) : rc;
}

int ask_copy_data(struct sftp_request *q)
{
    uint64_t left = q->length != 0 ? q->length : UINT64_MAX, done = 0;
    if (!goes_through_handlers(q, q->handle) && !goes_through_handlers(q, q->handle2))
        return SSHIO_DEFAULT;
    if (q->handle == q->handle2)
        return local_fail_sftp(SSHIO_FX_INVALID_PARAMETER, "A file cannot be copied to itself");
    void *buffer = mem_alloc(PIECE);
    int rc = buffer != NULL ? 0 : fail_nomem();
    while (rc == 0 && left != 0 && !q->server->stop) {
        size_t got = 0;
        rc = ask_piece(q, q->offset + done, buffer, left < PIECE ? (size_t)left : PIECE, &got);
        if (rc != 0 || got == 0)
            break;
        rc = write_piece(q, q->offset2 + done, buffer, got);
        done += got;
        left -= got;
    }
    mem_free(buffer);
    if (rc == 0 && q->length != 0 && left != 0)
        return local_fail_sftp(SSHIO_FX_EOF, "End of file");
    return rc;
}
