/* Open files of the local file system; see local.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/local.h"
#include "sftp/local_io.h"

#define FILE_MODE 0666
#define OFFSET_MAX INT64_MAX
#define FXF_BLOCKS                                                                                                     \
    (uint32_t)(SSHIO_FXF_BLOCK_READ | SSHIO_FXF_BLOCK_WRITE | SSHIO_FXF_BLOCK_DELETE | SSHIO_FXF_BLOCK_ADVISORY)

/* ---- opening ---- */

static mode_t mode_of(const struct local *local, const sshio_sftp_attrs *attrs)
{
    bool given = attrs != NULL && (attrs->valid & SSHIO_FILEXFER_ATTR_PERMISSIONS) != 0;
    return (given ? attrs->permissions & 07777 : FILE_MODE) & ~local->no_mode;
}

static void look_at(struct local_file *file)
{
    struct stat st;
    if (fstat(file->fd, &st) != 0)
        return;
    file->dev = st.st_dev;
    file->ino = st.st_ino;
    file->regular = S_ISREG(st.st_mode);
    file->never_waits = file->regular && local_is_memory(file->fd);
}

static int file_new(int fd, bool append, struct local_file **opened)
{
    struct local_file *file = mem_zalloc(sizeof *file);
    if (file == NULL) {
        close(fd);
        return fail_nomem();
    }
    file->fd = fd;
    file->append = append;
    list_init(&file->link);
    list_init(&file->locks);
    look_at(file);
    *opened = file;
    return 0;
}

/* After a failure, which stays the last error. */
static void close_quietly(struct local_file *file)
{
    struct error e;
    error_init(&e);
    error_copy(&e, last_error());
    local_close(file);
    fail_with(&e);
    error_clear(&e);
}

/* A pipe or a device makes nobody wait, neither who opens it nor who reads or writes it: workers are few, and
 * everybody's. */
static int open_place(const struct place *place, int flags, mode_t mode)
{
    return place_open(place, flags | O_NONBLOCK | O_NOCTTY, mode);
}

int local_open_as(struct local *local, const char *mapped, int flags, const sshio_sftp_attrs *attrs,
                  struct local_file **file)
{
    struct place place;
    bool as_it_is = (flags & (O_EXCL | O_NOFOLLOW)) != 0;
    int rc = place_find(local, mapped, as_it_is ? PLACE_LINK : PLACE_FOLLOW, &place);
    if (rc != 0)
        return rc;
    int fd = open_place(&place, flags, mode_of(local, attrs));
    rc = fd >= 0 ? file_new(fd, (flags & O_APPEND) != 0, file) : local_fail("open");
    place_done(&place);
    return rc;
}

static int access_flags(bool reads, bool writes)
{
    return writes ? reads ? O_RDWR : O_WRONLY : O_RDONLY;
}

int local_open(struct local *local, const char *mapped, uint32_t pflags, const sshio_sftp_attrs *attrs,
               struct local_file **file)
{
    int flags = access_flags((pflags & SSHIO_FXF_READ) != 0, (pflags & SSHIO_FXF_WRITE) != 0);
    if ((pflags & SSHIO_FXF_APPEND) != 0)
        flags |= O_APPEND;
    if ((pflags & (SSHIO_FXF_CREAT | SSHIO_FXF_EXCL)) != 0)
        flags |= O_CREAT;
    if ((pflags & SSHIO_FXF_EXCL) != 0)
        flags |= O_EXCL;
    if ((pflags & SSHIO_FXF_TRUNC) != 0)
        flags |= O_TRUNC;
    return local_open_as(local, mapped, flags, attrs, file);
}

/* The name goes with the file, for when that is closed. A directory has other ways to be removed. */
static int doom(struct local *local, const char *mapped, struct local_file *file)
{
    struct stat st;
    if (fstat(file->fd, &st) != 0 || S_ISDIR(st.st_mode)) {
        errno = EISDIR;
        return local_fail("open");
    }
    int rc = place_find(local, mapped, PLACE_LINK, &file->doomed);
    file->is_doomed = rc == 0;
    return rc;
}

/* What is locked by others is not emptied: that is done last. */
static int open_specially(struct local *local, const char *mapped, uint32_t flags, int os_flags,
                          const sshio_sftp_attrs *attrs, struct local_file **file)
{
    struct local_file *made;
    uint32_t locks = flags & FXF_BLOCKS;
    int late = locks != 0 ? os_flags & O_TRUNC : 0;
    int rc = local_open_as(local, mapped, os_flags & ~late, attrs, &made);
    if (rc != 0)
        return rc;
    if (locks != 0)
        rc = local_lock(made, 0, 0, locks);
    if (rc == SSHIO_ESFTP_BYTE_RANGE_LOCK_REFUSED)
        rc = local_fail_sftp(SSHIO_FX_LOCK_CONFLICT, "File is locked");
    if (rc == 0 && late != 0 && ftruncate(made->fd, 0) != 0)
        rc = local_fail("open");
    if (rc == 0 && (flags & SSHIO_FXF_DELETE_ON_CLOSE) != 0)
        rc = doom(local, mapped, made);
    if (rc == 0)
        *file = made;
    else
        close_quietly(made);
    return rc;
}

int local_open56(struct local *local, const char *mapped, uint32_t access, uint32_t flags,
                 const sshio_sftp_attrs *attrs, struct local_file **file)
{
    static const int dispositions[] = { O_CREAT | O_EXCL, O_CREAT | O_TRUNC, 0, O_CREAT, O_TRUNC };
    uint32_t disposition = flags & SSHIO_FXF_ACCESS_DISPOSITION;
    if (disposition > SSHIO_FXF_TRUNCATE_EXISTING)
        return local_fail_sftp(SSHIO_FX_INVALID_PARAMETER, "Unsupported access disposition");
    bool appends = (access & SSHIO_ACE4_APPEND_DATA) != 0 ||
                   (flags & (SSHIO_FXF_APPEND_DATA | SSHIO_FXF_APPEND_DATA_ATOMIC)) != 0;
    bool writes = (access & (SSHIO_ACE4_WRITE_DATA | SSHIO_ACE4_APPEND_DATA)) != 0;
    int os_flags = access_flags((access & SSHIO_ACE4_READ_DATA) != 0, writes) | dispositions[disposition];
    os_flags |= appends ? O_APPEND : 0;
    if ((flags & (SSHIO_FXF_NOFOLLOW | SSHIO_FXF_DELETE_ON_CLOSE)) != 0)
        os_flags |= O_NOFOLLOW;
    if ((flags & (FXF_BLOCKS | SSHIO_FXF_DELETE_ON_CLOSE)) != 0)
        return open_specially(local, mapped, flags, os_flags, attrs, file);
    return local_open_as(local, mapped, os_flags, attrs, file);
}

/* Whoever has put something else there in the meantime keeps it. */
static int remove_doomed(struct local_file *file)
{
    const struct place *place = &file->doomed;
    struct stat st;
    bool is_it = fstatat(place->dir, place->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_dev == file->dev &&
                 st.st_ino == file->ino;
    int rc = is_it && unlinkat(place->dir, place->name, 0) != 0 ? local_fail("remove") : 0;
    place_done(&file->doomed);
    return rc;
}

int local_close(struct local_file *file)
{
    int removed = file->is_doomed ? remove_doomed(file) : 0;
    int rc = close(file->fd) != 0 && errno != EINTR ? local_fail("close") : removed;
    struct list *node;
    while ((node = list_take(&file->locks)) != NULL)
        mem_free(LIST_ENTRY(node, struct local_lock, link));
    list_remove(&file->link);
    mem_free(file);
    return rc;
}

/* ---- reading and writing ---- */

int local_read(const struct local_file *file, uint64_t offset, void *buffer, size_t size, size_t *got)
{
    size_t have = 0;
    if (offset > OFFSET_MAX - size) {
        *got = 0; /* no file is that long */
        return 0;
    }
    while (have < size) {
        char *at = (char *)buffer + have;
        ssize_t n = file->regular ? pread(file->fd, at, size - have, (off_t)(offset + have))
                                  : read(file->fd, at, size - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return local_fail("read");
        have += (size_t)n;
        if (n == 0 || !file->regular)
            break;
    }
    *got = have;
    return 0;
}

bool local_read_now(const struct local_file *file, uint64_t offset, void *buffer, size_t size, size_t *got)
{
    size_t have = 0;
    if (!file->regular || offset > OFFSET_MAX - size)
        return false;
    while (have < size) {
        struct iovec part = { (char *)buffer + have, size - have };
        ssize_t n = preadv2(file->fd, &part, 1, (off_t)(offset + have), file->never_waits ? 0 : RWF_NOWAIT);
        if (n < 0)
            return false;
        if (n == 0)
            break;
        have += (size_t)n;
    }
    *got = have;
    return true;
}

int local_write(const struct local_file *file, uint64_t offset, const void *data, size_t len)
{
    size_t done = 0;
    bool anywhere = file->append || !file->regular;
    if (!anywhere && offset > OFFSET_MAX - len) {
        errno = EFBIG;
        return local_fail("write");
    }
    while (done < len) {
        const char *at = (const char *)data + done;
        ssize_t n = anywhere ? write(file->fd, at, len - done)
                             : pwrite(file->fd, at, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return local_fail("write");
        done += (size_t)n;
    }
    return 0;
}

int local_fsync(const struct local_file *file)
{
    return fsync(file->fd) != 0 ? local_fail("fsync") : 0;
}

/* ---- locks of byte ranges: those of the open file, which another open of the same file meets ---- */

static int set_lock(const struct local_file *file, short type, uint64_t offset, uint64_t length)
{
    struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)offset, .l_len = (off_t)length };
    if (offset > OFFSET_MAX || length > OFFSET_MAX - offset)
        return local_fail_sftp(SSHIO_FX_INVALID_PARAMETER, "Byte range is beyond what a file can have");
    if (fcntl(file->fd, F_OFD_SETLK, &lock) == 0)
        return 0;
    if (errno == EAGAIN || errno == EACCES)
        return local_fail_sftp(SSHIO_FX_BYTE_RANGE_LOCK_REFUSED, "Byte range is locked");
    return local_fail("lock");
}

int local_lock(struct local_file *file, uint64_t offset, uint64_t length, uint32_t flags)
{
    const uint32_t can = SSHIO_FXF_BLOCK_READ | SSHIO_FXF_BLOCK_WRITE | SSHIO_FXF_BLOCK_ADVISORY;
    if ((flags & ~can) != 0 || (flags & SSHIO_FXF_BLOCK_ADVISORY) == 0 || flags == SSHIO_FXF_BLOCK_ADVISORY)
        return local_fail_sftp(SSHIO_FX_OP_UNSUPPORTED, "Only advisory byte range locks are supported");
    if (file->lock_count >= LOCAL_LOCKS_MAX)
        return local_fail_sftp(SSHIO_FX_FAILURE, "Too many byte range locks");
    struct local_lock *lock = mem_alloc(sizeof *lock);
    if (lock == NULL)
        return fail_nomem();
    int rc = set_lock(file, (flags & SSHIO_FXF_BLOCK_READ) != 0 ? F_WRLCK : F_RDLCK, offset, length);
    if (rc != 0) {
        mem_free(lock);
        return rc;
    }
    lock->offset = offset;
    lock->length = length;
    list_append(&file->locks, &lock->link);
    file->lock_count++;
    return 0;
}

int local_unlock(struct local_file *file, uint64_t offset, uint64_t length)
{
    LIST_EACH_SAFE(node, &file->locks)
    {
        struct local_lock *lock = LIST_ENTRY(node, struct local_lock, link);
        if (lock->offset != offset || lock->length != length)
            continue;
        list_remove(&lock->link);
        mem_free(lock);
        file->lock_count--;
        return set_lock(file, F_UNLCK, offset, length);
    }
    return local_fail_sftp(SSHIO_FX_NO_MATCHING_BYTE_RANGE_LOCK, "Byte range was not locked through this handle");
}

/* ---- where a file has data ---- */

static off_t seek_to(const struct local_file *file, uint64_t offset, int whence)
{
    return offset <= OFFSET_MAX ? lseek(file->fd, (off_t)offset, whence) : (errno = ENXIO, -1);
}

/* The descriptor's own position is nobody's: reads and writes name theirs. */
int local_ranges(const struct local_file *file, uint64_t offset, uint64_t length, struct local_range *ranges,
                 size_t max, size_t *count, bool *at_end)
{
    uint64_t end = length <= OFFSET_MAX && offset <= OFFSET_MAX - length ? offset + length : OFFSET_MAX;
    *count = 0;
    *at_end = false;
    if (!file->regular)
        return local_fail_sftp(SSHIO_FX_OP_UNSUPPORTED, "Only regular files have ranges of data");
    while (*count < max && offset < end) {
        off_t data = seek_to(file, offset, SEEK_DATA);
        if (data < 0 && errno != ENXIO)
            return local_fail("seek");
        if (data < 0 || (uint64_t)data >= end)
            break;
        off_t hole = seek_to(file, (uint64_t)data, SEEK_HOLE);
        if (hole < 0)
            return local_fail("seek");
        uint64_t stop = (uint64_t)hole < end ? (uint64_t)hole : end;
        ranges[(*count)++] = (struct local_range){ (uint64_t)data, stop - (uint64_t)data };
        offset = stop;
    }
    *at_end = *count < max;
    return *count != 0 ? 0 : local_fail_sftp(SSHIO_FX_EOF, "No more data");
}
