/* Attributes in the local file system, both ways; see local.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/attrs.h"
#include "sftp/local.h"

#define SETTABLE                                                                                                       \
    (SSHIO_FILEXFER_ATTR_SIZE | SSHIO_FILEXFER_ATTR_UIDGID | SSHIO_FILEXFER_ATTR_OWNERGROUP |                          \
     SSHIO_FILEXFER_ATTR_PERMISSIONS | SSHIO_FILEXFER_ATTR_ACCESSTIME | SSHIO_FILEXFER_ATTR_MODIFYTIME |               \
     SSHIO_FILEXFER_ATTR_SUBSECOND_TIMES | SSHIO_FILEXFER_ATTR_EXTENDED)

/* ---- getting ---- */

static void set_time(int64_t *seconds, uint32_t *ns, struct statx_timestamp t)
{
    *seconds = t.tv_sec;
    *ns = t.tv_nsec;
}

static void from_statx(struct local *local, const struct statx *st, struct local_attrs *to)
{
    sshio_sftp_attrs *a = &to->attrs;
    *a = (sshio_sftp_attrs){ .struct_size = sizeof *a };
    a->valid = SSHIO_FILEXFER_ATTR_SIZE | SSHIO_FILEXFER_ATTR_UIDGID | SSHIO_FILEXFER_ATTR_OWNERGROUP |
               SSHIO_FILEXFER_ATTR_PERMISSIONS | SSHIO_FILEXFER_ATTR_ACCESSTIME | SSHIO_FILEXFER_ATTR_CREATETIME |
               SSHIO_FILEXFER_ATTR_MODIFYTIME | SSHIO_FILEXFER_ATTR_CTIME | SSHIO_FILEXFER_ATTR_SUBSECOND_TIMES |
               SSHIO_FILEXFER_ATTR_LINK_COUNT;
    a->type = attrs_type_of_mode(st->stx_mode);
    a->permissions = st->stx_mode;
    a->size = st->stx_size;
    a->uid = st->stx_uid;
    a->gid = st->stx_gid;
    a->nlink = st->stx_nlink;
    set_time(&a->atime, &a->atime_ns, st->stx_atime);
    set_time(&a->mtime, &a->mtime_ns, st->stx_mtime);
    set_time(&a->ctime, &a->ctime_ns, st->stx_ctime);
    set_time(&a->crtime, &a->crtime_ns, (st->stx_mask & STATX_BTIME) != 0 ? st->stx_btime : st->stx_mtime);
    local_user_name(local, a->uid, to->owner, sizeof to->owner);
    local_group_name(local, a->gid, to->group, sizeof to->group);
    a->owner = to->owner;
    a->group = to->group;
}

static int get(struct local *local, int dir, const char *name, int flags, struct local_attrs *attrs)
{
    struct statx st;
    if (statx(dir, name, flags, STATX_BASIC_STATS | STATX_BTIME, &st) != 0)
        return local_fail("stat");
    from_statx(local, &st, attrs);
    return 0;
}

int local_stat(struct local *local, const char *path, enum place_follow follow, struct local_attrs *attrs)
{
    struct place place;
    int rc = place_find(local, path, follow, &place);
    if (rc != 0)
        return rc;
    bool as_link = place.confined || follow == PLACE_LINK;
    rc = get(local, place.dir, place.name, as_link ? AT_SYMLINK_NOFOLLOW : 0, attrs);
    place_done(&place);
    return rc;
}

int local_fstat(struct local *local, const struct local_file *file, struct local_attrs *attrs)
{
    return get(local, file->fd, "", AT_EMPTY_PATH, attrs);
}

int local_stat_entry(struct local *local, int dir, const char *name, struct local_attrs *attrs)
{
    return get(local, dir, name, AT_SYMLINK_NOFOLLOW, attrs);
}

/* ---- setting ---- */

struct change {
    const sshio_sftp_attrs *attrs;
    uint32_t uid, gid;
    bool owner, mode, times, size;
    struct timespec at[2]; /* access, modification */
};

static int find_owner(const sshio_sftp_attrs *a, struct change *c)
{
    if ((a->valid & SSHIO_FILEXFER_ATTR_UIDGID) != 0) {
        c->uid = a->uid;
        c->gid = a->gid;
        return 0;
    }
    if (!local_find_user(a->owner, &c->uid))
        return error_set(last_error(), SSHIO_ESFTP_OWNER_INVALID, "Invalid owner: %s", a->owner);
    if (!local_find_group(a->group, &c->gid))
        return error_set(last_error(), SSHIO_ESFTP_GROUP_INVALID, "Invalid group: %s", a->group);
    return 0;
}

static struct timespec time_of(const sshio_sftp_attrs *a, uint32_t bit, int64_t seconds, uint32_t ns)
{
    struct timespec t = { .tv_nsec = UTIME_OMIT };
    if ((a->valid & bit) == 0)
        return t;
    t.tv_sec = seconds;
    t.tv_nsec = (a->valid & SSHIO_FILEXFER_ATTR_SUBSECOND_TIMES) != 0 ? ns : 0;
    return t;
}

/* Everything is looked at before anything is changed. */
static int prepare(const sshio_sftp_attrs *a, struct change *c)
{
    const uint32_t owner = SSHIO_FILEXFER_ATTR_UIDGID | SSHIO_FILEXFER_ATTR_OWNERGROUP;
    const uint32_t times = SSHIO_FILEXFER_ATTR_ACCESSTIME | SSHIO_FILEXFER_ATTR_MODIFYTIME;
    *c = (struct change){ .attrs = a };
    if ((a->valid & ~SETTABLE) != 0)
        return local_fail_sftp(SSHIO_FX_OP_UNSUPPORTED, "Attributes that cannot be set");
    c->size = (a->valid & SSHIO_FILEXFER_ATTR_SIZE) != 0;
    c->mode = (a->valid & SSHIO_FILEXFER_ATTR_PERMISSIONS) != 0;
    c->owner = (a->valid & owner) != 0;
    c->times = (a->valid & times) != 0;
    c->at[0] = time_of(a, SSHIO_FILEXFER_ATTR_ACCESSTIME, a->atime, a->atime_ns);
    c->at[1] = time_of(a, SSHIO_FILEXFER_ATTR_MODIFYTIME, a->mtime, a->mtime_ns);
    if (c->size && a->size > INT64_MAX) {
        errno = EFBIG;
        return local_fail("truncate");
    }
    return c->owner ? find_owner(a, c) : 0;
}

static int truncate_at(const struct place *place, uint64_t size)
{
    int fd = place_open(place, O_WRONLY | O_NONBLOCK | O_NOCTTY, 0);
    int rc = fd < 0 || ftruncate(fd, (off_t)size) != 0 ? local_fail("truncate") : 0;
    if (fd >= 0)
        close(fd);
    return rc;
}

/* Permissions of what a descriptor stands for, which may not be open for reading or writing. */
static int chmod_at(const struct place *place, uint32_t mode)
{
    char path[64];
    if (!place->confined)
        return fchmodat(place->dir, place->name, mode & 07777, 0) != 0 ? local_fail("chmod") : 0;
    int fd = place_open(place, O_PATH, 0);
    struct stat st;
    if (fd < 0)
        return local_fail("chmod");
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int rc = fstat(fd, &st) != 0 ? -1 : S_ISLNK(st.st_mode) ? (errno = ELOOP, -1) : chmod(path, mode & 07777);
    rc = rc != 0 ? local_fail("chmod") : 0;
    close(fd);
    return rc;
}

static int set_at(const struct place *place, enum place_follow follow, const struct change *c)
{
    int flags = place->confined || follow == PLACE_LINK ? AT_SYMLINK_NOFOLLOW : 0;
    int rc = c->size ? truncate_at(place, c->attrs->size) : 0;
    if (rc == 0 && c->owner && fchownat(place->dir, place->name, c->uid, c->gid, flags) != 0)
        rc = local_fail("chown");
    if (rc == 0 && c->mode)
        rc = chmod_at(place, c->attrs->permissions);
    if (rc == 0 && c->times && utimensat(place->dir, place->name, c->at, flags) != 0)
        rc = local_fail("utime");
    return rc;
}

/* The system has no permissions of links, and they have no size that could be set. */
static int fit_to_link(const struct place *place, struct change *c)
{
    struct stat st;
    if (fstatat(place->dir, place->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return local_fail("setstat");
    if (!S_ISLNK(st.st_mode))
        return 0;
    c->mode = false;
    return c->size ? local_fail_sftp(SSHIO_FX_INVALID_PARAMETER, "A symbolic link has no size to set") : 0;
}

int local_setstat(struct local *local, const char *path, enum place_follow follow, const sshio_sftp_attrs *attrs)
{
    struct place place;
    struct change change;
    int rc = prepare(attrs, &change);
    if (rc == 0)
        rc = place_find(local, path, follow, &place);
    if (rc != 0)
        return rc;
    if (follow == PLACE_LINK)
        rc = fit_to_link(&place, &change);
    if (rc == 0)
        rc = set_at(&place, follow, &change);
    place_done(&place);
    return rc;
}

int local_fsetstat(struct local *local, const struct local_file *file, const sshio_sftp_attrs *attrs)
{
    struct change c;
    int rc = prepare(attrs, &c);
    (void)local;
    if (rc == 0 && c.size && ftruncate(file->fd, (off_t)attrs->size) != 0)
        rc = local_fail("truncate");
    if (rc == 0 && c.owner && fchown(file->fd, c.uid, c.gid) != 0)
        rc = local_fail("chown");
    if (rc == 0 && c.mode && fchmod(file->fd, attrs->permissions & 07777) != 0)
        rc = local_fail("chmod");
    if (rc == 0 && c.times && futimens(file->fd, c.at) != 0)
        rc = local_fail("utime");
    return rc;
}

/* ---- file systems ---- */

static void from_statvfs(const struct statvfs *fs, sshio_sftp_vfs_attrs *vfs)
{
    *vfs = (sshio_sftp_vfs_attrs){
        .bsize = fs->f_bsize,
        .frsize = fs->f_frsize,
        .blocks = fs->f_blocks,
        .bfree = fs->f_bfree,
        .bavail = fs->f_bavail,
        .files = fs->f_files,
        .ffree = fs->f_ffree,
        .favail = fs->f_favail,
        .fsid = fs->f_fsid,
        .flags = ((fs->f_flag & ST_RDONLY) != 0 ? SSHIO_FXE_STATVFS_ST_RDONLY : 0) |
                 ((fs->f_flag & ST_NOSUID) != 0 ? SSHIO_FXE_STATVFS_ST_NOSUID : 0),
        .namemax = fs->f_namemax,
    };
}

static int get_vfs(int fd, sshio_sftp_vfs_attrs *vfs)
{
    struct statvfs fs;
    if (fstatvfs(fd, &fs) != 0)
        return local_fail("statvfs");
    from_statvfs(&fs, vfs);
    return 0;
}

int local_statvfs(struct local *local, const char *path, sshio_sftp_vfs_attrs *vfs)
{
    struct place place;
    int rc = place_find(local, path, PLACE_FOLLOW, &place);
    if (rc != 0)
        return rc;
    int fd = place_open(&place, O_PATH, 0);
    rc = fd >= 0 ? get_vfs(fd, vfs) : local_fail("statvfs");
    if (fd >= 0)
        close(fd);
    place_done(&place);
    return rc;
}

int local_fstatvfs(const struct local_file *file, sshio_sftp_vfs_attrs *vfs)
{
    return get_vfs(file->fd, vfs);
}
