/* The remote side of a transfer: what the server has; see side.h. */
#include <fcntl.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/side.h"

/* ---- looking ---- */

static int look(sshio_sftp *s, const char *path, bool follow, facts *found)
{
    sshio_sftp_attrs *attrs = NULL;
    int rc = follow ? sshio_sftp_stat(s, path, &attrs) : sshio_sftp_lstat(s, path, &attrs);
    if (rc == 0)
        facts_take(found, attrs);
    sshio_sftp_attrs_free(attrs);
    return rc;
}

static int real_of(sshio_sftp *s, const char *path, char **real)
{
    return sshio_sftp_realpath(s, path, real);
}

/* ---- making ---- */

static int new_folder(const char *path, struct folder **out)
{
    struct folder *folder = mem_alloc(sizeof *folder);
    char *copy = mem_strdup(path);
    if (folder == NULL || copy == NULL) {
        mem_free(folder);
        mem_free(copy);
        return fail_nomem();
    }
    *folder = (struct folder){ .refs = 1, .fd = AT_FDCWD, .path = copy };
    *out = folder;
    return 0;
}

/* NULL = what the server finds usual. */
static const sshio_sftp_attrs *mode_of(const struct spot *spot, sshio_sftp_attrs *attrs)
{
    *attrs = (sshio_sftp_attrs){ .struct_size = sizeof *attrs,
                                 .valid = SSHIO_FILEXFER_ATTR_PERMISSIONS,
                                 .permissions = spot->mode };
    return spot->mode != 0 ? attrs : NULL;
}

static int make_folder(sshio_sftp *s, const struct spot *spot, struct folder **folder)
{
    sshio_sftp_attrs mode;
    bool is_dir = false;
    struct error e;
    error_init(&e);
    int rc = sshio_sftp_mkdir(s, spot->path, mode_of(spot, &mode));
    if (client_is_status(rc)) {
        error_copy(&e, last_error());
        int asked = sshio_sftp_isdir(s, spot->path, &is_dir);
        rc = asked != 0 ? asked : is_dir ? 0 : fail_with(&e);
    }
    error_clear(&e);
    return rc == 0 ? new_folder(spot->path, folder) : rc;
}

static int open_folder(sshio_sftp *s, const char *path, struct folder **folder)
{
    (void)s;
    return new_folder(path, folder);
}

static int make_link(sshio_sftp *s, const struct spot *spot, const char *text)
{
    return sshio_sftp_symlink(s, text, spot->path);
}

#define TIMES (SSHIO_FILEXFER_ATTR_ACCESSTIME | SSHIO_FILEXFER_ATTR_MODIFYTIME | SSHIO_FILEXFER_ATTR_SUBSECOND_TIMES)

/* Version 3 has both times or none, in 32 bits without a sign. */
static bool times_fit_v3(const facts *f)
{
    uint32_t both = SSHIO_FILEXFER_ATTR_ACCESSTIME | SSHIO_FILEXFER_ATTR_MODIFYTIME;
    return (f->valid & both) == both && f->atime >= 0 && f->atime <= UINT32_MAX && f->mtime >= 0 &&
           f->mtime <= UINT32_MAX;
}

/* What the version cannot carry is left out. */
static facts settable(const sshio_sftp *s, const facts *attrs, uint32_t bits)
{
    facts f = *attrs;
    if (s->dialect.version == 3)
        bits &= ~(times_fit_v3(attrs) ? (uint32_t)SSHIO_FILEXFER_ATTR_SUBSECOND_TIMES : (uint32_t)TIMES);
    f.valid &= bits;
    f.type = 0;
    f.permissions &= 07777;
    return f;
}

static int set_folder(sshio_sftp *s, const struct folder *folder, const facts *attrs)
{
    facts f = settable(s, attrs, TIMES | SSHIO_FILEXFER_ATTR_PERMISSIONS);
    return f.valid != 0 ? sshio_sftp_setstat(s, folder->path, &f, SSHIO_YES) : 0;
}

/* That is more than many servers can. */
static int set_link(sshio_sftp *s, const struct spot *spot, const facts *attrs)
{
    facts f = settable(s, attrs, TIMES);
    int rc = f.valid != 0 ? sshio_sftp_setstat(s, spot->path, &f, SSHIO_NO) : 0;
    return rc == SSHIO_ESFTP_OP_UNSUPPORTED ? 0 : rc;
}

static int rename_over(sshio_sftp *s, const struct spot *from, const struct spot *to)
{
    int rc = sshio_sftp_posix_rename(s, from->path, to->path);
    if (rc != SSHIO_ESFTP_OP_UNSUPPORTED)
        return rc;
    sshio_sftp_remove(s, to->path); /* there may be none */
    return sshio_sftp_rename(s, from->path, to->path, 0);
}

static int remove_spot(sshio_sftp *s, const struct spot *spot)
{
    return sshio_sftp_remove(s, spot->path);
}

/* ---- files ---- */

static int open_source(sshio_sftp *s, const char *path, bool follow, struct open_file *file)
{
    (void)follow; /* no version can say */
    *file = (struct open_file){ .path = path, .fd = -1, .has_holes = true };
    int rc = client_open(s, path, SSHIO_FXF_READ, NULL, &file->handle);
    file->is_open = rc == 0;
    return rc;
}

static int create(sshio_sftp *s, const struct spot *spot, bool keep, struct open_file *file)
{
    sshio_sftp_attrs *attrs = NULL, mode;
    uint32_t flags = SSHIO_FXF_WRITE | SSHIO_FXF_CREAT | (keep ? (uint32_t)SSHIO_FXF_READ : SSHIO_FXF_TRUNC);
    *file = (struct open_file){ .path = spot->path, .fd = -1 };
    int rc = client_open(s, spot->path, flags, mode_of(spot, &mode), &file->handle);
    file->is_open = rc == 0;
    if (rc == 0 && keep)
        rc = client_fstat(s, &file->handle, spot->path, &attrs);
    if (attrs != NULL)
        file->size = attrs->size;
    sshio_sftp_attrs_free(attrs);
    return rc;
}

/* What was only read is closed without anybody waiting for it. */
static int close_file(sshio_sftp *s, struct open_file *file, bool written)
{
    bool was_open = file->is_open && !s->ended;
    int rc = 0;
    file->is_open = false;
    if (was_open && written)
        rc = client_close(s, &file->handle, file->path);
    else if (was_open)
        client_close_later(s, &file->handle);
    return rc;
}

static int fset(sshio_sftp *s, const struct open_file *file, const facts *attrs)
{
    facts f = settable(s, attrs, TIMES | SSHIO_FILEXFER_ATTR_PERMISSIONS | SSHIO_FILEXFER_ATTR_SIZE);
    return f.valid != 0 ? client_fsetstat(s, &file->handle, file->path, &f) : 0;
}

static int sync_file(sshio_sftp *s, const struct open_file *file)
{
    bool can = (s->extensions & EXT_BIT(EXT_FSYNC)) != 0;
    return can ? client_fsync(s, &file->handle, file->path) : 0;
}

static int measure(sshio_sftp *s, const struct open_file *file, uint64_t *size)
{
    sshio_sftp_attrs *attrs = NULL;
    int rc = client_fstat(s, &file->handle, file->path, &attrs);
    if (rc == 0 && (attrs->valid & SSHIO_FILEXFER_ATTR_SIZE) != 0)
        *size = attrs->size;
    sshio_sftp_attrs_free(attrs);
    return rc;
}

static int read_some(sshio_sftp *s, const struct open_file *file, uint64_t offset, uint8_t *data, size_t *len)
{
    struct range range = { offset, *len };
    struct blocks b = { .sftp = s, .ranges = &range, .range_count = 1, .what = file->path };
    b.from = side_end(&side_remote, file);
    b.to = (struct end){ .kind = END_MEMORY, .memory = data, .base = offset };
    b.block = blocks_size(s, true, false, 0);
    int rc = blocks_run(&b);
    if (rc == 0 && b.eof < offset + *len)
        *len = b.eof > offset ? (size_t)(b.eof - offset) : 0;
    return rc;
}

static int ranges_of(sshio_sftp *s, const struct open_file *file, uint64_t offset, uint64_t len, struct ranges *ranges)
{
    return client_ranges(s, &file->handle, offset, len, file->path, ranges);
}

const struct side side_remote = {
    .is_remote = true,
    .stat = look,
    .list = client_list,
    .readlink = sshio_sftp_readlink,
    .real = real_of,
    .make_folder = make_folder,
    .open_folder = open_folder,
    .make_link = make_link,
    .set_folder = set_folder,
    .set_link = set_link,
    .rename = rename_over,
    .remove = remove_spot,
    .open = open_source,
    .create = create,
    .close = close_file,
    .fset = fset,
    .sync = sync_file,
    .measure = measure,
    .read = read_some,
    .ranges = ranges_of,
};
