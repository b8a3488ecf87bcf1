/* The local side of a transfer. Calls that may have to wait for a disk run on a worker, with all that they need in one
 * struct; see side.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/attrs.h"
#include "sftp/local_io.h"
#include "sftp/side.h"

#define RANGES_MAX 128u

static int failed(const char *what, const char *path)
{
    return error_set_errno(last_error(), errno, "%s %s", what, path);
}

static int refuse(const char *path, const char *text)
{
    return error_set_reason(last_error(), SSHIO_ESFTP_FAILURE, SSHIO_FX_FAILURE, "%s: %s", path, text);
}

/* ---- looking ---- */

static void facts_of(const struct stat *st, facts *f)
{
    *f = (facts){ .struct_size = sizeof *f,
                  .valid = SSHIO_FILEXFER_ATTR_SIZE | SSHIO_FILEXFER_ATTR_PERMISSIONS | SSHIO_FILEXFER_ATTR_ACCESSTIME |
                           SSHIO_FILEXFER_ATTR_MODIFYTIME | SSHIO_FILEXFER_ATTR_SUBSECOND_TIMES,
                  .type = attrs_type_of_mode(st->st_mode),
                  .size = (uint64_t)st->st_size,
                  .permissions = st->st_mode,
                  .atime = st->st_atim.tv_sec,
                  .atime_ns = (uint32_t)st->st_atim.tv_nsec,
                  .mtime = st->st_mtim.tv_sec,
                  .mtime_ns = (uint32_t)st->st_mtim.tv_nsec };
}

struct looking {
    const char *path;
    bool follow;
    facts *found;
};

static int run_look(void *arg)
{
    struct looking *l = arg;
    struct stat st;
    if ((l->follow ? stat(l->path, &st) : lstat(l->path, &st)) != 0)
        return failed("stat", l->path);
    facts_of(&st, l->found);
    return 0;
}

static int look(sshio_sftp *s, const char *path, bool follow, facts *found)
{
    (void)s;
    struct looking l = { path, follow, found };
    return local_run(false, run_look, &l);
}

struct listing {
    const char *path;
    struct name_list *list;
};

static int add_entry(struct listing *l, DIR *dir, const char *name)
{
    struct stat st;
    struct attrs_wire wire = { .attrs.struct_size = sizeof wire.attrs };
    if (fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : failed("stat", l->path);
    facts_of(&st, &wire.attrs);
    sshio_sftp_name *entry = name_new(span_of(name), SPAN("", 0), &wire);
    return entry != NULL ? name_list_add(l->list, entry, last_error()) : fail_nomem();
}

static int run_list(void *arg)
{
    struct listing *l = arg;
    const struct dirent *entry;
    int rc = 0;
    DIR *dir = opendir(l->path[0] != '\0' ? l->path : ".");
    if (dir == NULL)
        return failed("open", l->path);
    while (rc == 0 && (errno = 0, entry = readdir(dir)) != NULL)
        rc = add_entry(l, dir, entry->d_name);
    if (rc == 0 && errno != 0)
        rc = failed("read", l->path);
    closedir(dir);
    return rc;
}

static int list_names(sshio_sftp *s, const char *path, struct name_list *list)
{
    (void)s;
    struct listing l = { path, list };
    *list = (struct name_list){ .count = 0 };
    int rc = local_run(false, run_list, &l);
    if (rc != 0)
        name_list_done(list);
    return rc;
}

struct text_of {
    const char *path;
    char **text;
};

static int run_readlink(void *arg)
{
    struct text_of *t = arg;
    char text[PATH_MAX];
    ssize_t len = readlink(t->path, text, sizeof text - 1);
    if (len < 0)
        return failed("readlink", t->path);
    text[len] = '\0';
    *t->text = mem_strdup(text);
    return *t->text != NULL ? 0 : fail_nomem();
}

static int read_link(sshio_sftp *s, const char *path, char **text)
{
    (void)s;
    struct text_of t = { path, text };
    return local_run(false, run_readlink, &t);
}

static int run_real(void *arg)
{
    struct text_of *t = arg;
    char text[PATH_MAX];
    if (realpath(t->path, text) == NULL)
        return failed("resolve", t->path);
    *t->text = mem_strdup(text);
    return *t->text != NULL ? 0 : fail_nomem();
}

static int real_of(sshio_sftp *s, const char *path, char **real)
{
    (void)s;
    struct text_of t = { path, real };
    return local_run(false, run_real, &t);
}

/* ---- making ---- */

static int dir_of(const struct spot *spot)
{
    return spot->folder != NULL ? spot->folder->fd : AT_FDCWD;
}

static bool at_once(const struct spot *spot)
{
    return spot->folder != NULL && spot->folder->at_once;
}

struct folder_making {
    const struct spot *spot;
    const char *path;
    bool make;
    struct folder *folder;
};

/* What is there already has to be a directory; a link to one only where the caller named it. */
static int run_folder(void *arg)
{
    struct folder_making *m = arg;
    int dir = m->spot != NULL ? dir_of(m->spot) : AT_FDCWD;
    const char *name = m->spot != NULL ? m->spot->name : m->path[0] != '\0' ? m->path : ".";
    int nofollow = m->spot != NULL && m->spot->folder != NULL ? O_NOFOLLOW : 0;
    mode_t mode = m->spot != NULL && m->spot->mode != 0 ? m->spot->mode : 0777;
    bool is_new = m->make && mkdirat(dir, name, mode) == 0;
    if (m->make && !is_new && errno != EEXIST)
        return failed("mkdir", m->path);
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | nofollow);
    if (fd < 0 && nofollow != 0 && (errno == ELOOP || errno == ENOTDIR))
        return refuse(m->path, "is in the way, and is no directory");
    if (fd < 0)
        return failed("open", m->path);
    *m->folder = (struct folder){
        .refs = 1, .fd = fd, .at_once = local_is_memory(fd), .is_new = is_new, .path = m->folder->path
    };
    return 0;
}

static int get_folder(const struct spot *spot, const char *path, bool make, struct folder **out)
{
    struct folder_making m = { .spot = spot, .path = path, .make = make, .folder = mem_zalloc(sizeof *m.folder) };
    char *copy = mem_strdup(path);
    if (m.folder == NULL || copy == NULL) {
        mem_free(m.folder);
        mem_free(copy);
        return fail_nomem();
    }
    m.folder->path = copy;
    int rc = local_run(spot != NULL && at_once(spot), run_folder, &m);
    if (rc == 0) {
        *out = m.folder;
        return 0;
    }
    if (m.folder->refs != 0)
        close(m.folder->fd); /* cancelled when it was open */
    mem_free(copy);
    mem_free(m.folder);
    return rc;
}

static int make_folder(sshio_sftp *s, const struct spot *spot, struct folder **folder)
{
    (void)s;
    return get_folder(spot, spot->path, true, folder);
}

static int open_folder(sshio_sftp *s, const char *path, struct folder **folder)
{
    (void)s;
    return get_folder(NULL, path, false, folder);
}

struct making {                   /* one of these: */
    const struct spot *spot, *to; /* rename */
    const char *text;             /* link */
    const facts *attrs;           /* set */
    bool is_link;
    int fd; /* fset */
    const char *path;
};

static int run_link(void *arg)
{
    struct making *m = arg;
    return symlinkat(m->text, dir_of(m->spot), m->spot->name) == 0 ? 0 : failed("symlink", m->spot->path);
}

static int make_link(sshio_sftp *s, const struct spot *spot, const char *text)
{
    (void)s;
    struct making m = { .spot = spot, .text = text };
    return local_run(at_once(spot), run_link, &m);
}

static void times_of(const facts *f, struct timespec times[2])
{
    bool ns = (f->valid & SSHIO_FILEXFER_ATTR_SUBSECOND_TIMES) != 0;
    times[0] = (struct timespec){ .tv_sec = f->atime, .tv_nsec = ns ? f->atime_ns : 0 };
    times[1] = (struct timespec){ .tv_sec = f->mtime, .tv_nsec = ns ? f->mtime_ns : 0 };
    if ((f->valid & SSHIO_FILEXFER_ATTR_ACCESSTIME) == 0)
        times[0].tv_nsec = UTIME_OMIT;
    if ((f->valid & SSHIO_FILEXFER_ATTR_MODIFYTIME) == 0)
        times[1].tv_nsec = UTIME_OMIT;
}

/* A link has no permissions of its own. */
static int run_set(void *arg)
{
    struct making *m = arg;
    struct timespec times[2];
    times_of(m->attrs, times);
    if (!m->is_link && (m->attrs->valid & SSHIO_FILEXFER_ATTR_PERMISSIONS) != 0 &&
        fchmodat(dir_of(m->spot), m->spot->name, m->attrs->permissions & 07777, 0) != 0)
        return failed("chmod", m->spot->path);
    if (utimensat(dir_of(m->spot), m->spot->name, times, m->is_link ? AT_SYMLINK_NOFOLLOW : 0) != 0)
        return failed("utime", m->spot->path);
    return 0;
}

static int set(sshio_sftp *s, const struct spot *spot, const facts *attrs, bool is_link)
{
    (void)s;
    struct making m = { .spot = spot, .attrs = attrs, .is_link = is_link };
    return local_run(at_once(spot), run_set, &m);
}

static int run_rename(void *arg)
{
    struct making *m = arg;
    int rc = renameat(dir_of(m->spot), m->spot->name, dir_of(m->to), m->to->name);
    return rc == 0 ? 0 : failed("rename to", m->to->path);
}

static int rename_over(sshio_sftp *s, const struct spot *from, const struct spot *to)
{
    (void)s;
    struct making m = { .spot = from, .to = to };
    return local_run(at_once(from), run_rename, &m);
}

static int run_remove(void *arg)
{
    struct making *m = arg;
    return unlinkat(dir_of(m->spot), m->spot->name, 0) == 0 ? 0 : failed("remove", m->spot->path);
}

static int remove_spot(sshio_sftp *s, const struct spot *spot)
{
    (void)s;
    struct making m = { .spot = spot };
    return local_run(at_once(spot), run_remove, &m);
}

/* ---- files ---- */

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
        return failed("stat", file->path);
    if (!S_ISREG(st.st_mode))
        return refuse(file->path, "not a regular file");
    if (o->spot != NULL && !o->keep && st.st_size != 0 && ftruncate(fd, 0) != 0)
        return failed("truncate", file->path);
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
    int fd = openat(o->spot != NULL ? dir_of(o->spot) : AT_FDCWD, o->spot != NULL ? o->spot->name : path, flags, mode);
    if (fd < 0 && errno == ELOOP && nofollow)
        return refuse(path, "is a symbolic link, which is not followed");
    if (fd < 0)
        return failed("open", path);
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

static int open_source(sshio_sftp *s, const char *path, bool follow, struct open_file *file)
{
    (void)s;
    struct opening o = { .follow = follow, .file = file };
    *file = (struct open_file){ .path = path, .fd = -1 };
    return run_opening(&o, false);
}

static int create(sshio_sftp *s, const struct spot *spot, bool keep, struct open_file *file)
{
    (void)s;
    struct opening o = { .spot = spot, .keep = keep, .file = file };
    *file = (struct open_file){ .path = spot->path, .fd = -1 };
    return run_opening(&o, at_once(spot));
}

static int run_close(void *arg)
{
    struct open_file *file = arg;
    int fd = file->fd;
    file->fd = -1;
    return close(fd) == 0 ? 0 : failed("close", file->path);
}

/* What a slow disk has to say about what was written is heard on a worker. Calling that off does not call off closing.
 */
static int close_file(sshio_sftp *s, struct open_file *file, bool written)
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

static int run_fset(void *arg)
{
    struct making *m = arg;
    const facts *f = m->attrs;
    struct timespec times[2];
    times_of(f, times);
    if ((f->valid & SSHIO_FILEXFER_ATTR_SIZE) != 0 && ftruncate(m->fd, (off_t)f->size) != 0)
        return failed("truncate", m->path);
    if ((f->valid & SSHIO_FILEXFER_ATTR_PERMISSIONS) != 0 && fchmod(m->fd, f->permissions & 07777) != 0)
        return failed("chmod", m->path);
    if (futimens(m->fd, times) != 0)
        return failed("utime", m->path);
    return 0;
}

static int fset(sshio_sftp *s, const struct open_file *file, const facts *attrs)
{
    (void)s;
    struct making m = { .fd = file->fd, .attrs = attrs, .path = file->path };
    return local_run(file->at_once, run_fset, &m);
}

static int run_sync(void *arg)
{
    const struct open_file *file = arg;
    return fsync(file->fd) == 0 ? 0 : failed("fsync", file->path);
}

static int sync_file(sshio_sftp *s, const struct open_file *file)
{
    (void)s;
    struct open_file copy = *file;
    return local_run(false, run_sync, &copy);
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
            return failed("read", r->file->path);
        r->got += (size_t)n;
    }
    return 0;
}

static int read_some(sshio_sftp *s, const struct open_file *file, uint64_t offset, uint8_t *data, size_t *len)
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
            return failed("seek", m->path);
        if (data >= end)
            break;
        at = hole < end ? hole : end;
        r->items[r->count++] = (struct range){ (uint64_t)data, (uint64_t)(at - data) };
    }
    r->at_end = r->count < RANGES_MAX;
    return 0;
}

static int ranges_of(sshio_sftp *s, const struct open_file *file, uint64_t offset, uint64_t len, struct ranges *ranges)
{
    (void)s;
    struct measuring m = { file->fd, file->path, offset, offset + len, ranges };
    *ranges = (struct ranges){ .at_end = false };
    int rc = local_run(file->at_once, run_ranges, &m);
    if (rc != 0)
        ranges_done(ranges);
    return rc;
}

const struct side side_local = {
    .is_remote = false,
    .stat = look,
    .list = list_names,
    .readlink = read_link,
    .real = real_of,
    .make_folder = make_folder,
    .open_folder = open_folder,
    .make_link = make_link,
    .set = set,
    .rename = rename_over,
    .remove = remove_spot,
    .open = open_source,
    .create = create,
    .close = close_file,
    .fset = fset,
    .sync = sync_file,
    .read = read_some,
    .ranges = ranges_of,
};
