/* Parts of local files; see local_io.h. */
#include "sftp/local_io.h"

#include <errno.h>
#include <linux/magic.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "io/last_error.h"
#include "io/worker.h"

bool local_is_memory(int fd)
{
    struct statfs fs;
    if (fstatfs(fd, &fs) != 0)
        return false;
    return fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC;
}

static ssize_t one_part(const struct local_io *io)
{
    uint8_t *data = io->data + io->done;
    size_t len = io->len - io->done;
    off_t offset = (off_t)(io->offset + io->done);
    return io->writes ? pwrite(io->fd, data, len, offset) : pread(io->fd, data, len, offset);
}

static int run(void *arg)
{
    struct local_io *io = arg;
    while (io->done < io->len) {
        ssize_t n = one_part(io);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            io->os_errno = errno;
        if (n == 0 && io->writes)
            io->os_errno = EIO;
        if (n <= 0)
            break;
        io->done += (size_t)n;
    }
    return 0;
}

static void run_done(int result, void *arg)
{
    struct local_io *io = arg;
    (void)result;
    io->done_fn(io);
}

/* What the page cache holds. What it does not hold whole goes to a worker, as do files of systems that cannot tell. */
static bool read_cached(struct local_io *io, bool *missed)
{
    struct iovec part = { .iov_base = io->data, .iov_len = io->len };
    ssize_t n = *missed ? -1 : preadv2(io->fd, &part, 1, (off_t)io->offset, RWF_NOWAIT);
    *missed |= n < 0 && errno == EOPNOTSUPP;
    io->done = n > 0 ? (size_t)n : 0;
    return io->done == io->len;
}

void local_io_start(struct local_io *io, bool at_once, bool *missed)
{
    if (at_once)
        run(io);
    if (!at_once && (io->writes || !read_cached(io, missed))) {
        if (worker_submit(run, io, run_done) == 0)
            return;
        io->os_errno = ENOMEM;
    }
    io->done_fn(io);
}

int local_io_wait(struct local_io *io, bool at_once, bool *missed)
{
    if (at_once || (!io->writes && read_cached(io, missed)))
        return at_once ? run(io) : 0;
    return worker_run(run, io);
}

int local_run(bool at_once, int (*fn)(void *arg), void *arg)
{
    return at_once ? fn(arg) : worker_run(fn, arg);
}
