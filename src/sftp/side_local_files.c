/* The local side of a transfer: files; see side.h. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/local_io.h"
#include "sftp/side_local.h"

#define RANGES_MAX 128u

struct opening {
    const struct spot *spot; /* NULL = a source */
    bool follow, keep;
    struct open_file *file;
};

static int take_file(struct opening *o, int fd)
{
    struct open_file *file = o->file;
    struct stat st;
    if (fstat(fd, &st) != 0)
        return local_failed("stat", file->path);
    if (!S_ISREG(st.st_mode))
        return local_refuse(file->path, "not a regular file");
    if (o->spot != NULL && !o->keep && st.st_size != 0 && ftruncate(fd, 0) != 0)
        return local_failed("truncate", file->path);
    file->fd = fd;
    file->size = (uint64_t)st.st_size;
    file->has_holes = (uint64_t)st.st_blocks * 512 < (uint64_t)st.st_size;
    file->at_once = local_is_memory(fd);
    file->is_open = true;
    return 0;
}

/* A fifo must not make it wait, nor a device do anything. */
static int run_open(void *arg)
{
    struct opening *o = arg;
    const char *path = o->file->path;
    int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    bool nofollow = o->spot != NULL ? o->spot->folder != NULL : !o->follow;
    flags |= (o->spot == NULL ? O_RDONLY : O_CREAT | (o->keep ? O_RDWR : O_WRONLY)) | (nofollow ? O_NOFOLLOW : 0);
    mode_t mode = o->spot != NULL && o->spot->mode != 0 ? o->spot->mode : 0666;
    int fd = openat(o->spot != NULL ? spot_dir(o->spot) : AT_FDCWD, o->spot != NULL ? o->spot->name : path, flags,
                    mode);
    if (fd < 0 && errno == ELOOP && nofollow)
        return local_refuse(path, "is a symbolic link, which is not followed");
    if (fd < 0)
        return local_failed("open", path);
    int rc = take_file(o, fd);
    if (rc != 0)
        close(fd);
    return rc;
}

static int run_opening(struct opening *o, bool now)
{
    int rc = local_run(now, run_open, o);
    if (rc != 0 && o->file->is_open) {
        close(o->file->fd); /* cancelled when it was open */
        o->file->is_open = false;
    }
    return rc;
}

int side_local_open(sshio_sftp *s, const char *path, bool follow, struct open_file *file)
{
    (void)s;
    struct opening o = { .follow = follow, .file = file };
    *file = (struct open_file){ .path = path, .fd = -1 };
    return run_opening(&o, false);
}

int side_local_create(sshio_sftp *s, const struct spot *spot, bool keep, struct open_file *file)
{
    (void)s;
    struct opening o = { .spot = spot, .keep = keep, .file = file };
    *file = (struct open_file){ .path = spot->path, .fd = -1 };
    return run_opening(&o, spot_at_once(spot));
}

static int run_close(void *arg)
{
    struct open_file *file = arg;
    int fd = file->fd;
    file->fd = -1;
    return close(fd) == 0 ? 0 : local_failed("close", file->path);
}

/* What a slow disk has to say about what was written is heard on a worker. Calling that off does not call off closing.
 */
int side_local_close(sshio_sftp *s, struct open_file *file, bool written)
{
    (void)s;
    if (!file->is_open)
        return 0;
    file->is_open = false;
    int rc = local_run(file->at_once || !written, run_close, file);
    if (file->fd >= 0)
        run_close(file);
    return rc;
}

struct setting {
    int fd;
    const facts *attrs;
    const char *path;
};

static int run_fset(void *arg)
{
    const struct setting *m = arg;
    const facts *f = m->attrs;
    struct timespec times[2];
    facts_times(f, times);
    if ((f->valid & SSHIO_FILEXFER_ATTR_SIZE) != 0 && ftruncate(m->fd, (off_t)f->size) != 0)
        return local_failed("truncate", m->path);
    if ((f->valid & SSHIO_FILEXFER_ATTR_PERMISSIONS) != 0 && fchmod(m->fd, f->permissions & 07777) != 0)
        return local_failed("chmod", m->path);
    if (futimens(m->fd, times) != 0)
        return local_failed("utime", m->path);
    return 0;
}

int side_local_fset(sshio_sftp *s, const struct open_file *file, const facts *attrs)
{
    (void)s;
    struct setting set = { file->fd, attrs, file->path };
    return local_run(file->at_once, run_fset, &set);
}

static int run_sync(void *arg)
{
    const struct open_file *file = arg;
    return fsync(file->fd) == 0 ? 0 : local_failed("fsync", file->path);
}

int side_local_sync(sshio_sftp *s, const struct open_file *file)
{
    (void)s;
    struct open_file copy = *file;
    return local_run(false, run_sync, &copy);
}

struct size_asked {
    const struct open_file *file;
    uint64_t size;
};

static int run_measure(void *arg)
{
    struct size_asked *m = arg;
    struct stat st;
    if (fstat(m->file->fd, &st) != 0)
        return local_failed("stat", m->file->path);
    m->size = (uint64_t)st.st_size;
    return 0;
}

int side_local_measure(sshio_sftp *s, const struct open_file *file, uint64_t *size)
{
    (void)s;
    struct size_asked m = { file, 0 };
    int rc = local_run(file->at_once, run_measure, &m);
    *size = m.size;
    return rc;
}

struct reading {
    const struct open_file *file;
    uint64_t offset;
    uint8_t *data;
    size_t len, got;
};

static int run_read(void *arg)
{
    struct reading *r = arg;
    ssize_t n = 1;
    while (r->got < r->len && n != 0) {
        n = pread(r->file->fd, r->data + r->got, r->len - r->got, (off_t)(r->offset + r->got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return local_failed("read", r->file->path);
        r->got += (size_t)n;
    }
    return 0;
}

int side_local_read(sshio_sftp *s, const struct open_file *file, uint64_t offset, uint8_t *data, size_t *len)
{
    (void)s;
    struct reading r = { file, offset, data, *len, 0 };
    int rc = local_run(file->at_once, run_read, &r);
    if (rc == 0)
        *len = r.got;
    return rc;
}

/* ---- where a file has data ---- */

struct measuring {
    int fd;
    const char *path;
    uint64_t offset, end;
    struct ranges *ranges;
};

static int run_ranges(void *arg)
{
    struct measuring *m = arg;
    struct ranges *r = m->ranges;
    off_t at = (off_t)m->offset, end = (off_t)m->end;
    r->items = mem_array(RANGES_MAX, sizeof *r->items);
    if (r->items == NULL)
        return fail_nomem();
    while (r->count < RANGES_MAX && at < end) {
        off_t data = lseek(m->fd, at, SEEK_DATA);
        off_t hole = data >= 0 ? lseek(m->fd, data, SEEK_HOLE) : -1;
        if (data < 0 && errno == ENXIO)
            data = end; /* a hole up to the end */
        if (data < 0 || (hole < 0 && data < end))
            return local_failed("seek", m->path);
        if (data >= end)
            break;
        at = hole < end ? hole : end;
        r->items[r->count++] = (struct range){ (uint64_t)data, (uint64_t)(at - data) };
    }
    r->at_end = r->count < RANGES_MAX;
    return 0;
}

int side_local_ranges(sshio_sftp *s, const struct open_file *file, uint64_t offset, uint64_t len, struct ranges *ranges)
{
    (void)s;
    struct measuring m = { file->fd, file->path, offset, offset + len, ranges };
    *ranges = (struct ranges){ .at_end = false };
    int rc = local_run(file->at_once, run_ranges, &m);
    if (rc != 0)
        ranges_done(ranges);
    return rc;
}
