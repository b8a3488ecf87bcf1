/* What each request does in the local file system: on workers. See server.h and local.h. */
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/attrs.h"
#include "sftp/server.h"
#include "sftp/status.h"

int work_nothing(struct sftp_request *q)
{
    (void)q;
    return 0;
}

/* ---- paths ---- */

static struct local *local_of(const struct sftp_request *q)
{
    return q->server->local;
}

/* A client's path on this host, as a handler mapped it, or as we do. */
static int map(const struct sftp_request *q, const char *path, const char *by_handler, char **mapped)
{
    if (by_handler == NULL)
        return local_map(local_of(q), path, mapped);
    *mapped = mem_strdup(by_handler);
    return *mapped != NULL ? 0 : fail_nomem();
}

/* Runs act with the path of the request on this host. */
int request_with_path(struct sftp_request *q, int (*act)(struct sftp_request *q, const char *path))
{
    char *mapped;
    int rc = map(q, q->path, q->mapped, &mapped);
    if (rc != 0)
        return rc;
    rc = act(q, mapped);
    mem_free(mapped);
    return rc;
}

int request_with_paths(struct sftp_request *q, int (*act)(struct sftp_request *q, const char *from, const char *to))
{
    char *from, *to;
    int rc = map(q, q->path, q->mapped, &from);
    if (rc != 0)
        return rc;
    rc = map(q, q->path2, q->mapped2, &to);
    if (rc == 0) {
        rc = act(q, from, to);
        mem_free(to);
    }
    mem_free(from);
    return rc;
}

/* What a handler opened cannot be worked on here. */
static struct local_file *file_of(const struct sftp_request *q)
{
    struct local_file *file = request_file(q);
    if (file == NULL)
        local_fail_sftp(SSHIO_FX_OP_UNSUPPORTED, "Operation not supported");
    return file;
}

/* ---- files ---- */

static int open_old(struct sftp_request *q, const char *path)
{
    return local_open(local_of(q), path, q->flags, q->attrs, &q->opened);
}

static int open_new(struct sftp_request *q, const char *path)
{
    return local_open56(local_of(q), path, q->access, q->flags, q->attrs, &q->opened);
}

int work_open(struct sftp_request *q)
{
    return q->server->dialect.version >= 5 ? work_open56(q) : work_open_flags(q);
}

int work_open_flags(struct sftp_request *q)
{
    return request_with_path(q, open_old);
}

int work_open56(struct sftp_request *q)
{
    return request_with_path(q, open_new);
}

int work_close(struct sftp_request *q)
{
    struct sftp_handle *handle = q->handle;
    if (handle != NULL && handle->is_dir) {
        local_closedir(handle->dir);
        handle->dir = NULL;
        return 0;
    }
    struct local_file *file = file_of(q);
    if (file == NULL)
        return SSHIO_ESFTP_OP_UNSUPPORTED;
    if (handle != NULL)
        handle->local = NULL;
    return local_close(file);
}

int work_read(struct sftp_request *q)
{
    const struct local_file *file = file_of(q);
    if (file == NULL)
        return SSHIO_ESFTP_OP_UNSUPPORTED;
    int rc = local_read(file, q->offset, q->block + SERVER_DATA_HEAD, q->length, &q->got);
    if (rc == 0 && q->got == 0 && q->length != 0)
        return local_fail_sftp(SSHIO_FX_EOF, sshio_error_text(SSHIO_ESFTP_EOF));
    q->at_end = q->got < q->length && file->regular;
    return rc;
}

int work_write(struct sftp_request *q)
{
    const struct local_file *file = file_of(q);
    return file != NULL ? local_write(file, q->offset, q->data.data, q->data.len) : SSHIO_ESFTP_OP_UNSUPPORTED;
}

int work_fsync(struct sftp_request *q)
{
    const struct local_file *file = file_of(q);
    return file != NULL ? local_fsync(file) : SSHIO_ESFTP_OP_UNSUPPORTED;
}

int work_block(struct sftp_request *q)
{
    struct local_file *file = file_of(q);
    return file != NULL ? local_lock(file, q->offset, q->length, q->flags) : SSHIO_ESFTP_OP_UNSUPPORTED;
}

int work_unblock(struct sftp_request *q)
{
    struct local_file *file = file_of(q);
    return file != NULL ? local_unlock(file, q->offset, q->length) : SSHIO_ESFTP_OP_UNSUPPORTED;
}

int work_copy_data(struct sftp_request *q)
{
    const struct local_file *from = file_of(q), *to = q->handle2->local;
    if (from == NULL || to == NULL)
        return local_fail_sftp(SSHIO_FX_OP_UNSUPPORTED, "Operation not supported");
    return local_copy(from, q->offset, q->length, to, q->offset2, &q->server->stop);
}

int work_ranges(struct sftp_request *q)
{
    const struct local_file *file = file_of(q);
    if (file == NULL)
        return SSHIO_ESFTP_OP_UNSUPPORTED;
    q->ranges = mem_array(SERVER_BATCH, sizeof *q->ranges);
    if (q->ranges == NULL)
        return fail_nomem();
    return local_ranges(file, q->offset, q->length, q->ranges, SERVER_BATCH, &q->got, &q->at_end);
}

/* ---- attributes ---- */

static int stat_path(struct sftp_request *q, const char *path)
{
    return local_stat(local_of(q), path, PLACE_FOLLOW, &q->out_attrs);
}

static int lstat_path(struct sftp_request *q, const char *path)
{
    return local_stat(local_of(q), path, PLACE_LINK, &q->out_attrs);
}

int work_stat(struct sftp_request *q)
{
    return request_with_path(q, stat_path);
}

int work_lstat(struct sftp_request *q)
{
    return request_with_path(q, lstat_path);
}

int work_fstat(struct sftp_request *q)
{
    const struct local_file *file = file_of(q);
    return file != NULL ? local_fstat(local_of(q), file, &q->out_attrs) : SSHIO_ESFTP_OP_UNSUPPORTED;
}

static int setstat_path(struct sftp_request *q, const char *path)
{
    return local_setstat(local_of(q), path, PLACE_FOLLOW, q->attrs);
}

static int lsetstat_path(struct sftp_request *q, const char *path)
{
    return local_setstat(local_of(q), path, PLACE_LINK, q->attrs);
}

int work_setstat(struct sftp_request *q)
{
    return request_with_path(q, setstat_path);
}

int work_lsetstat(struct sftp_request *q)
{
    return request_with_path(q, lsetstat_path);
}

int work_fsetstat(struct sftp_request *q)
{
    const struct local_file *file = file_of(q);
    return file != NULL ? local_fsetstat(local_of(q), file, q->attrs) : SSHIO_ESFTP_OP_UNSUPPORTED;
}

static int statvfs_path(struct sftp_request *q, const char *path)
{
    return local_statvfs(local_of(q), path, &q->vfs);
}

int work_statvfs(struct sftp_request *q)
{
    return request_with_path(q, statvfs_path);
}

int work_fstatvfs(struct sftp_request *q)
{
    const struct local_file *file = file_of(q);
    return file != NULL ? local_fstatvfs(file, &q->vfs) : SSHIO_ESFTP_OP_UNSUPPORTED;
}

/* ---- names ---- */

static int remove_path(struct sftp_request *q, const char *path)
{
    return local_remove(local_of(q), path);
}

static int rmdir_path(struct sftp_request *q, const char *path)
{
    return local_rmdir(local_of(q), path);
}

static int mkdir_path(struct sftp_request *q, const char *path)
{
    return local_mkdir(local_of(q), path, q->attrs);
}

static int readlink_path(struct sftp_request *q, const char *path)
{
    return local_readlink(local_of(q), path, &q->text);
}

int work_remove(struct sftp_request *q)
{
    return request_with_path(q, remove_path);
}

int work_rmdir(struct sftp_request *q)
{
    return request_with_path(q, rmdir_path);
}

int work_mkdir(struct sftp_request *q)
{
    return request_with_path(q, mkdir_path);
}

int work_readlink(struct sftp_request *q)
{
    return request_with_path(q, readlink_path);
}

static int rename_paths(struct sftp_request *q, const char *from, const char *to)
{
    return local_rename(local_of(q), from, to);
}

static int posix_rename_paths(struct sftp_request *q, const char *from, const char *to)
{
    return local_posix_rename(local_of(q), from, to);
}

static int link_paths(struct sftp_request *q, const char *from, const char *to)
{
    return local_link(local_of(q), from, to);
}

int work_rename(struct sftp_request *q)
{
    return request_with_paths(q, q->flags != 0 ? posix_rename_paths : rename_paths);
}

int work_posix_rename(struct sftp_request *q)
{
    return request_with_paths(q, posix_rename_paths);
}

/* What a symbolic link says is no path to be mapped here. */
int work_link(struct sftp_request *q)
{
    char *link;
    if (!q->symbolic)
        return request_with_paths(q, link_paths);
    int rc = map(q, q->path2, q->mapped2, &link);
    if (rc != 0)
        return rc;
    rc = local_symlink(local_of(q), q->path, link);
    mem_free(link);
    return rc;
}

static int check_real(struct sftp_request *q, const char *path)
{
    if (q->control <= SSHIO_FXRP_NO_CHECK)
        return 0;
    int rc = stat_path(q, path);
    return rc != 0 && q->control == SSHIO_FXRP_STAT_IF_EXISTS ? 0 : rc;
}

/* With a handler for the way back the text stays a path of this host. */
static int realpath_path(struct sftp_request *q, const char *path)
{
    char *real;
    int rc = local_realpath(local_of(q), path, &real);
    if (rc == 0 && q->server->handlers.reverse_map_path != NULL) {
        q->text = real;
        return check_real(q, path);
    }
    if (rc == 0) {
        rc = local_reverse_map(local_of(q), real, &q->text);
        mem_free(real);
    }
    return rc == 0 ? check_real(q, path) : rc;
}

int work_realpath(struct sftp_request *q)
{
    return request_with_path(q, realpath_path);
}

/* ---- directories ---- */

static int opendir_path(struct sftp_request *q, const char *path)
{
    return local_opendir(local_of(q), path, &q->opened_dir);
}

int work_opendir(struct sftp_request *q)
{
    return request_with_path(q, opendir_path);
}

/* In version 3 a name has a line of ls -l, unless a handler makes it. */
static sshio_sftp_name *make_name(struct sftp_request *q, const char *filename, const struct local_attrs *attrs)
{
    const sshio_sftp_server_handlers *h = &q->server->handlers;
    bool by_handler = h->format_longname != NULL || h->format_user != NULL || h->format_group != NULL;
    const sshio_sftp_name plain = { filename, "", attrs->attrs };
    char *line = NULL;
    struct attrs_wire wire;
    if (q->server->dialect.version == 3 && !by_handler &&
        local_longname(&plain, attrs->owner, attrs->group, time(NULL), &line) != 0)
        return NULL;
    attrs_to_wire(&attrs->attrs, &wire);
    sshio_sftp_name *name = name_new(span_of(filename), span_of(line), &wire);
    mem_free(line);
    return name;
}

static int read_entries(struct sftp_request *q, struct local_dir *dir)
{
    size_t bytes = 0;
    while (q->names.count < SERVER_BATCH && bytes < SERVER_BATCH_LEN) {
        struct local_attrs attrs;
        const char *filename;
        int rc = local_readdir(local_of(q), dir, &filename, &attrs);
        if (rc != 0)
            return rc;
        sshio_sftp_name *name = make_name(q, filename, &attrs);
        rc = name != NULL ? names_add(&q->names, name) : fail_nomem();
        if (rc != 0)
            return rc;
        bytes += 2 * strlen(filename) + 128;
    }
    return 0;
}

int work_readdir(struct sftp_request *q)
{
    struct sftp_handle *handle = q->handle;
    int rc = handle->dir == NULL || handle->ended ? SSHIO_EEOF : read_entries(q, handle->dir);
    if (rc == SSHIO_EEOF)
        handle->ended = q->at_end = true;
    if (rc != 0 && (rc != SSHIO_EEOF || q->names.count == 0))
        return rc == SSHIO_EEOF ? local_fail_sftp(SSHIO_FX_EOF, sshio_error_text(SSHIO_ESFTP_EOF)) : rc;
    return 0;
}
