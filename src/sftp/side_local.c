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
#include "sftp/side_local.h"

int local_failed(const char *what, const char *path)
{
    return error_set_errno(last_error(), errno, "%s %s", what, path);
}

int local_refuse(const char *path, const char *text)
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
        return local_failed("stat", l->path);
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
        return errno == ENOENT ? 0 : local_failed("stat", l->path);
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
        return local_failed("open", l->path);
    while (rc == 0 && (errno = 0, entry = readdir(dir)) != NULL)
        rc = add_entry(l, dir, entry->d_name);
    if (rc == 0 && errno != 0)
        rc = local_failed("read", l->path);
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
        return local_failed("readlink", t->path);
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
        return local_failed("resolve", t->path);
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

int spot_dir(const struct spot *spot)
{
    return spot->folder != NULL ? spot->folder->fd : AT_FDCWD;
}

bool spot_at_once(const struct spot *spot)
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
    int dir = m->spot != NULL ? spot_dir(m->spot) : AT_FDCWD;
    const char *name = m->spot != NULL ? m->spot->name : m->path[0] != '\0' ? m->path : ".";
    int nofollow = m->spot != NULL && m->spot->folder != NULL ? O_NOFOLLOW : 0;
    mode_t mode = m->spot != NULL && m->spot->mode != 0 ? m->spot->mode : 0777;
    bool is_new = m->make && mkdirat(dir, name, mode) == 0;
    if (m->make && !is_new && errno != EEXIST)
        return local_failed("mkdir", m->path);
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | nofollow);
    if (fd < 0 && nofollow != 0 && (errno == ELOOP || errno == ENOTDIR))
        return local_refuse(m->path, "is in the way, and is no directory");
    if (fd < 0)
        return local_failed("open", m->path);
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
    int rc = local_run(spot != NULL && spot_at_once(spot), run_folder, &m);
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
    const facts *attrs;           /* set_link */
};

static int run_link(void *arg)
{
    struct making *m = arg;
    return symlinkat(m->text, spot_dir(m->spot), m->spot->name) == 0 ? 0 : local_failed("symlink", m->spot->path);
}

static int make_link(sshio_sftp *s, const struct spot *spot, const char *text)
{
    (void)s;
    struct making m = { .spot = spot, .text = text };
    return local_run(spot_at_once(spot), run_link, &m);
}

void facts_times(const facts *f, struct timespec times[2])
{
    bool ns = (f->valid & SSHIO_FILEXFER_ATTR_SUBSECOND_TIMES) != 0;
    times[0] = (struct timespec){ .tv_sec = f->atime, .tv_nsec = ns ? f->atime_ns : 0 };
    times[1] = (struct timespec){ .tv_sec = f->mtime, .tv_nsec = ns ? f->mtime_ns : 0 };
    if ((f->valid & SSHIO_FILEXFER_ATTR_ACCESSTIME) == 0)
        times[0].tv_nsec = UTIME_OMIT;
    if ((f->valid & SSHIO_FILEXFER_ATTR_MODIFYTIME) == 0)
        times[1].tv_nsec = UTIME_OMIT;
}

/* By its descriptor: its name may stand for something else by now. */
static int set_folder(sshio_sftp *s, const struct folder *folder, const facts *attrs)
{
    const struct open_file directory = { .fd = folder->fd, .at_once = folder->at_once, .path = folder->path };
    return side_local_fset(s, &directory, attrs);
}

/* A link has no permissions of its own, and its times can be set by its name alone. */
static int run_set_link(void *arg)
{
    struct making *m = arg;
    struct timespec times[2];
    facts_times(m->attrs, times);
    return utimensat(spot_dir(m->spot), m->spot->name, times, AT_SYMLINK_NOFOLLOW) == 0
               ? 0
               : local_failed("utime", m->spot->path);
}

static int set_link(sshio_sftp *s, const struct spot *spot, const facts *attrs)
{
    (void)s;
    struct making m = { .spot = spot, .attrs = attrs };
    return local_run(spot_at_once(spot), run_set_link, &m);
}

static int run_rename(void *arg)
{
    struct making *m = arg;
    int rc = renameat(spot_dir(m->spot), m->spot->name, spot_dir(m->to), m->to->name);
    return rc == 0 ? 0 : local_failed("rename to", m->to->path);
}

static int rename_over(sshio_sftp *s, const struct spot *from, const struct spot *to)
{
    (void)s;
    struct making m = { .spot = from, .to = to };
    return local_run(spot_at_once(from), run_rename, &m);
}

static int run_remove(void *arg)
{
    struct making *m = arg;
    return unlinkat(spot_dir(m->spot), m->spot->name, 0) == 0 ? 0 : local_failed("remove", m->spot->path);
}

static int remove_spot(sshio_sftp *s, const struct spot *spot)
{
    (void)s;
    struct making m = { .spot = spot };
    return local_run(spot_at_once(spot), run_remove, &m);
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
    .set_folder = set_folder,
    .set_link = set_link,
    .rename = rename_over,
    .remove = remove_spot,
    .open = side_local_open,
    .create = side_local_create,
    .close = side_local_close,
    .fset = side_local_fset,
    .sync = side_local_sync,
    .measure = side_local_measure,
    .read = side_local_read,
    .ranges = side_local_ranges,
};
