/* Relays; see relay.h. */
#include "forward/relay.h"

#include <sshio/constants.h>

#include "base/memory.h"
#include "engine/byte_queue.h"
#include "io/stream.h"
#include "io/timer.h"

#define QUEUE_HIGH (256u * 1024) /* bytes that wait for a slow socket before the channel is paused … */
#define QUEUE_LOW (64u * 1024)   /* … and when it goes on */

struct relay {
    int refs; /* of the channel, of the stream */
    sshio_conn *conn;
    struct channel *ch;      /* NULL = gone */
    struct stream *stream;   /* NULL = was told to close */
    struct byte_queue queue; /* for the stream */
    struct loop_object object;
    struct timer *linger; /* the channel is gone, and the queue has until then */
    bool paused;          /* the channel, because of the queue */
    bool stream_ended, channel_ended;
};

static void release(struct relay *r)
{
    if (--r->refs > 0)
        return;
    timer_free(r->linger);
    byte_queue_done(&r->queue);
    conn_release(r->conn);
    mem_free(r);
}

static void close_stream(struct relay *r)
{
    struct stream *stream = r->stream;
    r->stream = NULL;
    if (stream != NULL)
        stream_close(stream);
}

/* A session may stay half-open for ever; of a relay with nothing left to carry nobody would hear again. (RFC 4254 5.3)
 */
static void close_if_both_ended(struct relay *r)
{
    if (r->ch != NULL && r->stream_ended && r->channel_ended)
        channel_close(r->ch);
}

/* ---- the channel's side ---- */

static void data(struct channel *ch, void *user, uint32_t type, const uint8_t *bytes, size_t len)
{
    struct relay *r = user;
    (void)type;
    if (r->stream == NULL)
        return;
    if (!byte_queue_add(&r->queue, 0, bytes, len)) {
        log_error(r->conn->logger, "out of memory: a forwarded connection was closed");
        close_stream(r);
        channel_abort(ch);
        return;
    }
    stream_want_write(r->stream);
    r->paused = r->queue.len >= QUEUE_HIGH;
    if (r->paused)
        channel_pause(ch);
}

static void eof(struct channel *ch, void *user)
{
    struct relay *r = user;
    (void)ch;
    r->channel_ended = true;
    if (r->stream != NULL)
        stream_shutdown(r->stream);
    close_if_both_ended(r);
}

static void request(struct channel *ch, void *user, struct span name, bool want_reply, struct span fields)
{
    (void)user, (void)name, (void)want_reply, (void)fields;
    channel_reply(ch, false);
}

static void writable(struct channel *ch, void *user)
{
    struct relay *r = user;
    (void)ch;
    if (r->stream != NULL && !r->stream_ended)
        stream_read_start(r->stream);
}

static void linger_over(void *user)
{
    close_stream(user);
}

/* What the peer had sent before it closed the channel is still for the socket; what a lost connection leaves is written
 * as far as the kernel takes it at once. */
static void drain(struct relay *r)
{
    if (engine_ended(r->conn->engine) && r->queue.len != 0)
        stream_flush(r->stream);
    if (r->queue.len != 0 && !engine_ended(r->conn->engine))
        r->linger = timer_new(r->conn->loop, linger_over, r);
    if (r->linger == NULL) {
        close_stream(r);
        return;
    }
    stream_read_stop(r->stream);
    timer_at(r->linger, loop_now_ms(r->conn->loop) + r->conn->settings->linger_ms);
}

static void closed(struct channel *ch, void *user, const struct error *error)
{
    struct relay *r = user;
    (void)ch, (void)error;
    r->ch = NULL;
    if (r->stream != NULL)
        drain(r);
    release(r);
}

static const struct channel_events channel_side = {
    .data = data,
    .eof = eof,
    .request = request,
    .writable = writable,
    .closed = closed,
};

/* ---- the stream's side ---- */

static size_t received(void *owner, uint8_t *bytes, size_t len)
{
    struct relay *r = owner;
    if (r->ch == NULL || r->stream == NULL)
        return len;
    if (channel_write(r->ch, 0, bytes, len) == SSHIO_ENOMEM) {
        close_stream(r);
        channel_abort(r->ch);
    } else if (r->ch != NULL && channel_above_high(r->ch)) {
        stream_read_stop(r->stream);
    }
    return len;
}

/* A socket that fails, for reading or writing, has nothing more to carry either way. */
static void ended(void *owner, const struct error *error)
{
    struct relay *r = owner;
    r->stream_ended = true;
    if (error != NULL) {
        log_debug(r->conn->logger, 1, "A forwarded connection failed: %s", error_message(error));
        close_stream(r);
        if (r->ch != NULL)
            channel_close(r->ch);
    } else if (r->ch != NULL) {
        channel_eof(r->ch);
        close_if_both_ended(r);
    }
}

static struct span output(void *owner)
{
    struct relay *r = owner;
    uint8_t type;
    struct span head;
    return byte_queue_head(&r->queue, &type, &head) ? head : SPAN(NULL, 0);
}

static void sent(void *owner, size_t len)
{
    struct relay *r = owner;
    byte_queue_take(&r->queue, len);
    if (r->paused && r->queue.len <= QUEUE_LOW && r->ch != NULL) {
        r->paused = false;
        channel_resume(r->ch);
    }
    if (r->ch == NULL && r->linger != NULL && byte_queue_is_empty(&r->queue))
        close_stream(r);
}

static void stream_gone(void *owner)
{
    struct relay *r = owner;
    loop_object_remove(&r->object);
    release(r);
}

static const struct stream_events stream_side = {
    .received = received,
    .ended = ended,
    .output = output,
    .sent = sent,
    .closed = stream_gone,
};

/* ---- coupling ---- */

/* The loop is given up. */
static void close_object(struct loop_object *object)
{
    close_stream(LIST_ENTRY(object, struct relay, object));
}

void relay_accept(sshio_conn *conn, struct channel *ch, struct stream *stream)
{
    const struct settings *s = conn->settings;
    struct relay *r = mem_zalloc(sizeof *r);
    if (r == NULL) {
        channel_refuse(ch, SSHIO_OPEN_RESOURCE_SHORTAGE, "Out of memory");
        stream_drop(stream);
        return;
    }
    *r = (struct relay){ .refs = 2, .conn = conn, .ch = ch, .stream = stream };
    byte_queue_init(&r->queue, &loop_engine_buffers(conn->loop)->queue);
    r->object = (struct loop_object){ .close = close_object };
    list_init(&r->object.link);
    loop_object_add(conn->loop, &r->object);
    conn_hold(conn);
    stream_set_owner(stream, &stream_side, r);
    channel_accept(ch, s->window, s->max_packet, SPAN(NULL, 0), &channel_side, r);
    if (r->ch != NULL)
        stream_read_start(stream);
}
