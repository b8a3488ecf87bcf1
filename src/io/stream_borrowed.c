/* Streams over a uv_stream_t that belongs to the program. Reading stops and goes on with its owner; of output one piece
 * is under way at a time, copied, because the program's handle may finish it after we are gone. */
#include <string.h>

#include <uv.h>

#include "base/memory.h"
#include "io/loop.h"
#include "io/stream.h"

struct borrowed_stream {
    struct stream base;
    uv_stream_t *uv;
    void *data_before; /* of uv, while it is read */
    uint8_t *in, *out; /* blocks of the pool */
    size_t start, len; /* of in: arrived and not used */
    bool reading;      /* wanted by the owner */
    bool started;      /* uv reads */
    bool writing, ended, closing;
    uv_write_t write;
    struct deferred step; /* delivers, reads, writes, closes: whatever is due */
};

static struct borrowed_stream *self_of(struct stream *s)
{
    return LIST_ENTRY(s, struct borrowed_stream, base);
}

static void again_soon(struct borrowed_stream *s)
{
    loop_defer(s->base.loop, &s->step);
}

static void end(struct borrowed_stream *s, int uv_error, const char *what)
{
    struct error e;
    if (s->ended || s->closing)
        return;
    s->ended = true;
    error_init(&e);
    if (uv_error != 0)
        error_set_errno(&e, -uv_error, "%s", what);
    s->base.events->ended(s->base.owner, uv_error != 0 ? &e : NULL);
    error_clear(&e);
}

/* ---- reading ---- */

static void stop(struct borrowed_stream *s)
{
    if (!s->started)
        return;
    s->started = false;
    uv_read_stop(s->uv);
    s->uv->data = s->data_before;
}

static void alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct borrowed_stream *s = handle->data;
    size_t piece = s->base.piece != 0 && s->base.piece < LOOP_INPUT_BLOCK ? s->base.piece : LOOP_INPUT_BLOCK;
    (void)suggested;
    if (s->in == NULL)
        s->in = pool_take(loop_input_pool(s->base.loop));
    *buffer = uv_buf_init((char *)s->in, s->in != NULL ? (unsigned)piece : 0);
}

static void deliver(struct borrowed_stream *s)
{
    if (!s->reading || s->len == 0)
        return;
    size_t used = s->base.events->received(s->base.owner, s->in + s->start, s->len);
    s->start += used;
    s->len -= used;
}

static void give_back(struct borrowed_stream *s)
{
    if (s->len != 0)
        return;
    pool_give(loop_input_pool(s->base.loop), s->in);
    s->in = NULL;
}

static void arrived(uv_stream_t *uv, ssize_t n, const uv_buf_t *buffer)
{
    struct borrowed_stream *s = uv->data;
    (void)buffer;
    if (n < 0) {
        stop(s);
        end(s, n == UV_EOF ? 0 : (int)n, "read");
        return;
    }
    s->start = 0;
    s->len = (size_t)n;
    deliver(s);
    if (s->closing || !s->reading || s->len != 0)
        stop(s);
    give_back(s);
    again_soon(s);
}

static void start_reading(struct borrowed_stream *s)
{
    if (!s->reading || s->started || s->ended || s->len != 0)
        return;
    s->data_before = s->uv->data;
    s->uv->data = s;
    s->started = true;
    int rc = uv_read_start(s->uv, alloc, arrived);
    if (rc == 0)
        return;
    s->started = false;
    s->uv->data = s->data_before;
    end(s, rc, "read");
}

/* ---- writing ---- */

static void written(uv_write_t *request, int status)
{
    struct borrowed_stream *s = request->data;
    s->writing = false;
    pool_give(loop_input_pool(s->base.loop), s->out);
    s->out = NULL;
    if (status < 0)
        end(s, status, "write");
    again_soon(s);
}

static void start_writing(struct borrowed_stream *s)
{
    if (s->writing || s->ended || s->base.events->output == NULL)
        return;
    struct span piece = s->base.events->output(s->base.owner);
    if (piece.len == 0 || s->closing)
        return;
    size_t len = piece.len < LOOP_INPUT_BLOCK ? piece.len : LOOP_INPUT_BLOCK;
    s->out = pool_take(loop_input_pool(s->base.loop));
    if (s->out == NULL) {
        end(s, UV_ENOMEM, "write");
        return;
    }
    memcpy(s->out, piece.data, len);
    uv_buf_t buffer = uv_buf_init((char *)s->out, (unsigned)len);
    s->write.data = s;
    s->writing = true;
    int rc = uv_write(&s->write, s->uv, &buffer, 1, written);
    if (rc == 0) {
        s->base.events->sent(s->base.owner, len);
        return;
    }
    s->writing = false;
    pool_give(loop_input_pool(s->base.loop), s->out);
    s->out = NULL;
    end(s, rc, "write");
}

/* ---- operations ---- */

static void finish(struct borrowed_stream *s)
{
    if (s->writing)
        return;
    deferred_cancel(&s->step);
    pool_give(loop_input_pool(s->base.loop), s->in);
    s->base.events->closed(s->base.owner);
    mem_free(s);
}

static void step(struct deferred *d)
{
    struct borrowed_stream *s = LIST_ENTRY(d, struct borrowed_stream, step);
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
    stop(self_of(stream));
}

static void go_on(struct stream *stream)
{
    again_soon(self_of(stream));
}

static void shut_done(uv_shutdown_t *request, int status)
{
    (void)status;
    mem_free(request);
}

/* Behind what is being written; that the other end is told needs nobody any more. */
static void shut(struct stream *stream)
{
    uv_shutdown_t *request = mem_zalloc(sizeof *request);
    if (request != NULL && uv_shutdown(request, self_of(stream)->uv, shut_done) != 0)
        mem_free(request);
}

static void close_stream(struct stream *stream)
{
    struct borrowed_stream *s = self_of(stream);
    s->closing = true;
    stop(s);
    again_soon(s);
}

static int names(struct stream *stream, sshio_address *local, sshio_address *peer, char *texts, size_t size)
{
    (void)stream, (void)local, (void)peer, (void)texts, (void)size;
    return SSHIO_EINVAL;
}

static const struct stream_ops borrowed_ops = {
    .read_start = read_start,
    .read_stop = read_stop,
    .want_write = go_on,
    .flush = go_on,
    .again = go_on,
    .shutdown = shut,
    .close = close_stream,
    .names = names,
};

int stream_from_uv(struct loop *loop, void *uv_stream, struct stream **out, struct error *e)
{
    uv_stream_t *uv = uv_stream;
    if (uv == NULL || uv->loop != loop_uv(loop))
        return error_set(e, SSHIO_EINVAL, "a stream to redirect is not there, or not on this thread's loop");
    struct borrowed_stream *s = mem_zalloc(sizeof *s);
    if (s == NULL)
        return error_nomem(e);
    s->base.ops = &borrowed_ops;
    s->base.loop = loop;
    s->uv = uv;
    deferred_init(&s->step, step);
    *out = &s->base;
    return 0;
}
