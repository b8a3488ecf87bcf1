/* Streams over descriptors that cannot be polled: regular files and devices like /dev/null. Reads and writes run on
 * workers, one of each at a time; the owner sees the same events as with a socket. */
#include "io/stream_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/pool.h"
#include "io/loop.h"
#include "io/worker.h"

struct transfer { /* what a worker does */
    int fd;
    uint8_t *data;
    size_t len;
    ssize_t moved;
    int os_errno;
    bool busy;
};

struct file_stream {
    struct stream base;
    int fd;
    struct transfer in, out;
    size_t start, len; /* of in.data: arrived and not used */
    bool reading, ended, closing;
    struct deferred step; /* delivers, reads, writes, closes: whatever is due */
};

static struct file_stream *self_of(struct stream *s)
{
    return LIST_ENTRY(s, struct file_stream, base);
}

static int read_job(void *arg)
{
    struct transfer *t = arg;
    t->moved = read(t->fd, t->data, t->len);
    t->os_errno = errno;
    return 0;
}

static int write_job(void *arg)
{
    struct transfer *t = arg;
    t->moved = write(t->fd, t->data, t->len);
    t->os_errno = errno;
    return 0;
}

static void fail(struct file_stream *s, int os_errno, const char *what)
{
    struct error e;
    if (s->ended || s->closing)
        return;
    s->ended = true;
    error_init(&e);
    error_set_errno(&e, os_errno, "%s", what);
    s->base.events->ended(s->base.owner, &e);
    error_clear(&e);
}

static void again_soon(struct file_stream *s)
{
    loop_defer(s->base.loop, &s->step);
}

static void read_done(int result, void *arg)
{
    struct file_stream *s = LIST_ENTRY(arg, struct file_stream, in);
    (void)result;
    s->in.busy = false;
    s->start = 0;
    s->len = s->in.moved > 0 ? (size_t)s->in.moved : 0;
    if (s->in.moved < 0)
        fail(s, s->in.os_errno, "read");
    if (s->in.moved == 0 && !s->ended && !s->closing) {
        s->ended = true;
        s->base.events->ended(s->base.owner, NULL);
    }
    again_soon(s);
}

static void write_done(int result, void *arg)
{
    struct file_stream *s = LIST_ENTRY(arg, struct file_stream, out);
    (void)result;
    s->out.busy = false;
    pool_give(loop_input_pool(s->base.loop), s->out.data);
    s->out.data = NULL;
    if (s->out.moved < 0)
        fail(s, s->out.os_errno, "write");
    else if (!s->closing)
        s->base.events->sent(s->base.owner, (size_t)s->out.moved);
    again_soon(s);
}

static void start_reading(struct file_stream *s)
{
    if (!s->reading || s->in.busy || s->len != 0 || s->ended)
        return;
    if (s->in.data == NULL)
        s->in.data = pool_take(loop_input_pool(s->base.loop));
    s->in.fd = s->fd;
    s->in.len = s->base.piece != 0 && s->base.piece < LOOP_INPUT_BLOCK ? s->base.piece : LOOP_INPUT_BLOCK;
    s->in.busy = s->in.data != NULL && worker_submit(read_job, &s->in, read_done) == 0;
    if (!s->in.busy)
        fail(s, ENOMEM, "read");
}

static void start_writing(struct file_stream *s)
{
    if (s->out.busy || s->ended || s->base.events->output == NULL)
        return;
    struct span piece = s->base.events->output(s->base.owner);
    if (piece.len == 0 || s->closing)
        return;
    s->out.fd = s->fd;
    s->out.data = pool_take(loop_input_pool(s->base.loop));
    s->out.len = piece.len < LOOP_INPUT_BLOCK ? piece.len : LOOP_INPUT_BLOCK;
    if (s->out.data != NULL) { /* the owner's memory may move while a worker writes */
        memcpy(s->out.data, piece.data, s->out.len);
        s->out.busy = worker_submit(write_job, &s->out, write_done) == 0;
    }
    if (!s->out.busy) {
        pool_give(loop_input_pool(s->base.loop), s->out.data);
        s->out.data = NULL;
        fail(s, ENOMEM, "write");
    }
}

static void deliver(struct file_stream *s)
{
    if (!s->reading || s->len == 0)
        return;
    size_t used = s->base.events->received(s->base.owner, s->in.data + s->start, s->len);
    s->start += used;
    s->len -= used;
}

static void finish(struct file_stream *s)
{
    if (s->in.busy || s->out.busy)
        return;
    deferred_cancel(&s->step); /* it may have been closed from within this very step */
    pool_give(loop_input_pool(s->base.loop), s->in.data);
    close(s->fd);
    s->base.events->closed(s->base.owner);
    mem_free(s);
}

static void step(struct deferred *d)
{
    struct file_stream *s = LIST_ENTRY(d, struct file_stream, step);
    if (!s->closing)
        deliver(s);
    if (!s->closing)
        start_reading(s);
    if (!s->closing)
        start_writing(s);
    if (s->closing)
        finish(s);
}

static void read_start(struct stream *stream)
{
    self_of(stream)->reading = true;
    again_soon(self_of(stream));
}

static void read_stop(struct stream *stream)
{
    self_of(stream)->reading = false;
}

static void go_on(struct stream *stream)
{
    again_soon(self_of(stream));
}

static void shut(struct stream *stream)
{
    (void)stream; /* a file has no other end that could be told */
}

static void close_stream(struct stream *stream)
{
    self_of(stream)->closing = true;
    again_soon(self_of(stream));
}

static int names(struct stream *stream, sshio_address *local, sshio_address *peer, char *texts, size_t size)
{
    (void)stream, (void)local, (void)peer, (void)texts, (void)size;
    return SSHIO_EINVAL;
}

static const struct stream_ops file_ops = {
    .read_start = read_start,
    .read_stop = read_stop,
    .want_write = go_on,
    .flush = go_on,
    .again = go_on,
    .shutdown = shut,
    .close = close_stream,
    .names = names,
};

int stream_from_file(struct loop *loop, int fd, struct stream **out, struct error *e)
{
    struct file_stream *s = mem_zalloc(sizeof *s);
    if (s == NULL) {
        close(fd);
        return error_nomem(e);
    }
    s->base.ops = &file_ops;
    s->base.loop = loop;
    s->fd = fd;
    deferred_init(&s->step, step);
    *out = &s->base;
    return 0;
}
