/* What a server does with the contents of files by itself: copies, and checksums; see local.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/local.h"

#define COPY_PIECE (256u * 1024)

static bool is_same(const struct local_file *a, const struct local_file *b)
{
    return a == b || (a->dev == b->dev && a->ino == b->ino);
}

/* One piece: 1 = go on, 0 = the end of the source. */
static int copy_piece(const struct local_file *from, uint64_t from_offset, size_t size, const struct local_file *to,
                      uint64_t to_offset, void *buffer, size_t *copied)
{
    int rc = local_read(from, from_offset, buffer, size, copied);
    if (rc == 0 && *copied != 0)
        rc = local_write(to, to_offset, buffer, *copied);
    return rc != 0 ? rc : *copied != 0;
}

int local_copy(const struct local_file *from, uint64_t from_offset, uint64_t length, const struct local_file *to,
               uint64_t to_offset, const bool *stop)
{
    if (is_same(from, to))
        return local_fail_sftp(SSHIO_FX_INVALID_PARAMETER, "A file cannot be copied to itself");
    void *buffer = mem_alloc(COPY_PIECE);
    uint64_t left = length != 0 ? length : UINT64_MAX;
    int rc = buffer != NULL ? 1 : fail_nomem();
    while (rc == 1 && left != 0 && !__atomic_load_n(stop, __ATOMIC_RELAXED)) {
        size_t copied = 0;
        rc = copy_piece(from, from_offset, left < COPY_PIECE ? (size_t)left : COPY_PIECE, to, to_offset, buffer,
                        &copied);
        from_offset += copied;
        to_offset += copied;
        left -= copied;
    }
    mem_free(buffer);
    if (rc == 0 && length != 0)
        return local_fail_sftp(SSHIO_FX_EOF, "End of file");
    return rc < 0 ? rc : 0;
}

/* ---- by name ---- */

static int only_regular(const struct local_file *file)
{
    struct stat st;
    if (file->regular)
        return 0;
    if (fstat(file->fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        errno = EISDIR;
        return local_fail("open");
    }
    return local_fail_sftp(SSHIO_FX_OP_UNSUPPORTED, "Only regular files can be read as a whole");
}

int local_open_whole(struct local *local, const char *mapped, struct local_file **file)
{
    struct local_file *made;
    int rc = local_open_as(local, mapped, O_RDONLY, NULL, &made);
    if (rc != 0)
        return rc;
    rc = only_regular(made);
    if (rc == 0)
        *file = made;
    else
        local_close(made);
    return rc;
}

/* It is emptied when it is sure that it is not the source. */
static int fill_with(struct local_file *to, const struct local_file *from, const bool *stop)
{
    int rc = only_regular(to);
    if (rc == 0 && is_same(from, to))
        rc = local_fail_sftp(SSHIO_FX_INVALID_PARAMETER, "A file cannot be copied to itself");
    if (rc == 0 && ftruncate(to->fd, 0) != 0)
        rc = local_fail("truncate");
    return rc == 0 ? local_copy(from, 0, 0, to, 0, stop) : rc;
}

static int copy_open(struct local *local, const struct local_file *from, const char *to, int flags, const bool *stop)
{
    struct local_file *target;
    struct stat st;
    struct error e;
    if (fstat(from->fd, &st) != 0)
        return local_fail("stat");
    const sshio_sftp_attrs mode = { .struct_size = sizeof mode,
                                    .valid = SSHIO_FILEXFER_ATTR_PERMISSIONS,
                                    .permissions = st.st_mode & 0777 };
    int rc = local_open_as(local, to, O_WRONLY | O_CREAT | flags, &mode, &target);
    if (rc != 0)
        return rc;
    error_init(&e);
    rc = fill_with(target, from, stop);
    if (rc != 0)
        error_copy(&e, last_error());
    int closed = local_close(target);
    rc = rc != 0 ? fail_with(&e) : closed;
    error_clear(&e);
    return rc;
}

int local_copy_file(struct local *local, const char *from, const char *to, bool overwrite, const bool *stop)
{
    struct local_file *source;
    int rc = local_open_whole(local, from, &source);
    if (rc != 0)
        return rc;
    rc = copy_open(local, source, to, overwrite ? 0 : O_EXCL, stop);
    local_close(source);
    return rc;
}
