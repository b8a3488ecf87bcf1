/* See tunnel.h.
 *
 *     opening → open → (EOF, the channel's end) ended → (stream_close) closing → gone
 *
 * What arrives is gathered in a block of the loop's pool and handed on from a fresh stack, since the connection above
 * works with the same buffers of the loop as the one below. While much of it is unused the channel is paused, so that
 * the peer's window stays shut; output is asked for only while the channel's queue is below its high mark. The tunnel
 * lives until its owner has closed it and the channel has ended. */
#include "conn/tunnel.h"

#include <string.h>

#include <sshio/constants.h>

#include "base/memory.h"
#include "conn/conn.h"

#define HOST_MAX_LEN 1024u
#define PORT_MAX 65535
#define UNUSED_MAX (128u * 1024) /* arrived and not used, before the channel is paused */

struct tunnel {
    struct stream base;
    sshio_conn *via;    /* a user's reference; NULL when the stream is closed */
    struct channel *ch; /* NULL: gone */
    struct completion *opening;
    uint8_t *block;    /* of the pool; NULL while it would be empty */
    size_t start, len; /* of the block: arrived and not used */
    bool reading;
    bool paused;   /* the channel */
    bool eof;      /* nothing more arrives */
    bool ended;    /* the owner was told */
    bool shutting; /* EOF after what is to be written */
    bool closing;
    bool closed; /* the owner was told, or there never was one */
    struct error error;
    struct deferred step; /* delivers, writes, closes: whatever is due */
};

static struct tunnel *self_of(struct stream *s)
{
    return LIST_ENTRY(s, struct tunnel, base);
}

static void again_soon(struct tunnel *t)
{
    loop_defer(t->base.loop, &t->step);
}

static void give_back_block(struct tunnel *t)
{
    pool_give(loop_input_pool(t->base.loop), t->block);
    t->block = NULL;
    t->start = t->len = 0;
}

static void free_when_over(struct tunnel *t)
{
    if (t->ch != NULL || !t->closed)
        return;
    deferred_cancel(&t->step);
    give_back_block(t);
    error_clear(&t->error);
    mem_free(t);
}

/* ---- events of the channel ---- */

static void complete_opening(struct tunnel *t, int result)
{
    struct completion *opening = t->opening;
    t->opening = NULL;
    if (opening != NULL)
        completion_complete(opening, result);
}

static void opened(struct channel *ch, void *user, struct span data)
{
    (void)ch, (void)data;
    complete_opening(user, 0);
}

static void open_failed(struct channel *ch, void *user, uint32_t code, struct span reason, struct span lang)
{
    struct tunnel *t = user;
    char escaped[512];
    (void)ch, (void)lang;
    error_set_reason(&t->error, SSHIO_ECHANNEL_OPEN, code, "%s", log_escaped(reason, escaped, sizeof escaped));
    t->ch = NULL;
    complete_opening(t, SSHIO_ECHANNEL_OPEN);
    free_when_over(t);
}

/* False: there is no room, or no memory. */
static bool gather(struct tunnel *t, const uint8_t *bytes, size_t len)
{
    if (t->block == NULL)
        t->block = pool_take(loop_input_pool(t->base.loop));
    if (t->block == NULL || len > LOOP_INPUT_BLOCK - t->len)
        return false;
    if (len > LOOP_INPUT_BLOCK - t->start - t->len) {
        memmove(t->block, t->block + t->start, t->len);
        t->start = 0;
    }
    memcpy(t->block + t->start + t->len, bytes, len);
    t->len += len;
    return true;
}

/* More than the pause allows can only be one packet more, and that fits. */
static void data(struct channel *ch, void *user, uint32_t type, const uint8_t *bytes, size_t len)
{
    struct tunnel *t = user;
    (void)type;
    if (t->closing)
        return;
    if (!gather(t, bytes, len)) {
        error_nomem(&t->error);
        channel_abort(ch);
        return;
    }
    if (t->len >= UNUSED_MAX && !t->paused) {
        t->paused = true;
        channel_pause(ch);
    }
    again_soon(t);
}

static void eof(struct channel *ch, void *user)
{
    struct tunnel *t = user;
    (void)ch;
    t->eof = true;
    again_soon(t);
}

static void request(struct channel *ch, void *user, struct span name, bool want_reply, struct span fields)
{
    (void)user, (void)name, (void)want_reply, (void)fields;
    channel_reply(ch, false);
}

static void writable(struct channel *ch, void *user)
{
    (void)ch;
    again_soon(user);
}

static void closed(struct channel *ch, void *user, const struct error *error)
{
    struct tunnel *t = user;
    uint32_t type;
    struct span rest;
    while (!t->closing && channel_take_undelivered(ch, &type, &rest) && gather(t, rest.data, rest.len))
        ;
    if (error != NULL && error_code(&t->error) == 0)
        error_copy(&t->error, error);
    t->ch = NULL;
    t->eof = true;
    again_soon(t);
    complete_opening(t, SSHIO_ECLOSED);
    free_when_over(t);
}

static const struct channel_events channel_events = {
    .opened = opened,
    .open_failed = open_failed,
    .data = data,
    .eof = eof,
    .request = request,
    .writable = writable,
    .closed = closed,
};

/* ---- what is due ---- */

static void deliver(struct tunnel *t)
{
    while (t->reading && !t->closing && t->len != 0) {
        size_t used = t->base.events->received(t->base.owner, t->block + t->start, t->len);
        t->start += used;
        t->len -= used;
        if (used == 0)
            break;
    }
    if (t->len == 0)
        give_back_block(t);
    if (t->paused && !t->closing && t->ch != NULL && t->len < UNUSED_MAX) {
        t->paused = false;
        channel_resume(t->ch);
    }
}

/* The end comes behind what is still to be used; an owner that stops in the middle of something gets it as well, when
 * nothing can follow any more. */
static void tell_end(struct tunnel *t)
{
    if (!t->eof || t->ended || t->closing || !t->reading)
        return;
    t->ended = true;
    t->base.events->ended(t->base.owner, error_code(&t->error) != 0 ? &t->error : NULL);
}

static void write_output(struct tunnel *t)
{
    while (!t->closing && t->ch != NULL && channel_can_write(t->ch) && !channel_above_high(t->ch)) {
        struct span piece = t->base.events->output(t->base.owner);
        if (piece.len == 0)
            break;
        if (channel_write(t->ch, 0, piece.data, piece.len) != 0)
            return;
        t->base.events->sent(t->base.owner, piece.len);
    }
    if (t->shutting && !t->closing && t->ch != NULL && t->base.events->output(t->base.owner).len == 0)
        channel_eof(t->ch);
}

/* What was handed to the channel still goes out; nobody waits for it. */
static void finish(struct tunnel *t)
{
    if (t->closed)
        return;
    t->closed = true;
    sshio_conn *via = t->via;
    struct channel *ch = t->ch;
    t->via = NULL;
    t->base.events->closed(t->base.owner);
    if (ch != NULL)
        channel_close(ch);
    else
        free_when_over(t);
    sshio_conn_unref(via);
}

static void run_step(struct deferred *d)
{
    struct tunnel *t = LIST_ENTRY(d, struct tunnel, step);
    if (t->base.events == NULL)
        return; /* whoever waits for it comes next */
    if (!t->closing)
        deliver(t);
    if (!t->closing)
        write_output(t);
    tell_end(t);
    if (t->closing)
        finish(t);
}

/* ---- the stream ---- */

static void read_start(struct stream *s)
{
    self_of(s)->reading = true;
    again_soon(self_of(s));
}

static void read_stop(struct stream *s)
{
    self_of(s)->reading = false;
}

static void wake(struct stream *s)
{
    again_soon(self_of(s));
}

static void flush(struct stream *s)
{
    write_output(self_of(s));
}

static void shut_down(struct stream *s)
{
    self_of(s)->shutting = true;
    again_soon(self_of(s));
}

static void close_tunnel(struct stream *s)
{
    self_of(s)->closing = true;
    again_soon(self_of(s));
}

static int names(struct stream *s, struct sshio_address *local, struct sshio_address *peer, char *texts, size_t size)
{
    (void)s, (void)texts, (void)size;
    *local = *peer = (struct sshio_address){ .host = "" };
    return 0;
}

static const struct stream_ops ops = {
    .read_start = read_start,
    .read_stop = read_stop,
    .want_write = wake,
    .flush = flush,
    .again = wake,
    .shutdown = shut_down,
    .close = close_tunnel,
    .names = names,
};

/* ---- opening ---- */

static int open_channel(struct tunnel *t, const char *host, int port, struct error *e)
{
    const struct settings *s = t->via->settings;
    struct writer fields;
    writer_init(&fields, HOST_MAX_LEN + 32);
    put_text(&fields, host);
    put_u32(&fields, (uint32_t)port);
    put_text(&fields, "");
    put_u32(&fields, 0);
    int rc = writer_failed(&fields) ? error_nomem(e)
                                    : channel_open(t->via->engine, "direct-tcpip", s->window, s->max_packet,
                                                   writer_span(&fields), &channel_events, t, &t->ch, e);
    writer_done(&fields);
    return rc;
}

static void cancel_opening(struct completion *c, int code)
{
    struct tunnel *t = c->user;
    t->opening = NULL;
    completion_complete(c, code);
}

static int wait_for_opening(struct tunnel *t, const char *host, int port, struct error *e)
{
    struct completion c;
    completion_init(&c, cancel_opening, t);
    t->opening = &c;
    int rc = completion_wait(&c);
    if (rc == 0)
        return 0;
    if (error_code(&t->error) != 0)
        return error_set_reason(e, error_code(&t->error), t->error.pub.reason, "%s port %d through a tunnel: %s", host,
                                port, error_message(&t->error));
    return error_set(e, rc, "%s port %d through a tunnel: %s", host, port, sshio_error_text(rc));
}

/* It never got an owner. */
static void give_up(struct tunnel *t)
{
    sshio_conn *via = t->via;
    struct channel *ch = t->ch;
    t->via = NULL;
    t->closing = t->closed = true;
    if (ch != NULL)
        channel_abort(ch);
    else
        free_when_over(t);
    sshio_conn_unref(via);
}

static int check(const struct loop *loop, const sshio_conn *via, const char *host, int port, struct error *e)
{
    if (via->server || via->loop != loop)
        return error_set(e, SSHIO_EINVAL, "a tunnel is a client's connection of this thread");
    if (host == NULL || strlen(host) > HOST_MAX_LEN || port < 0 || port > PORT_MAX)
        return error_set(e, SSHIO_EINVAL, "no host behind the tunnel, or a name of more than %u bytes", HOST_MAX_LEN);
    if (!conn_is_open(via))
        return error_set(e, SSHIO_ECLOSED, "the connection that is the tunnel to %s is not open", host);
    return 0;
}

int tunnel_connect(struct loop *loop, sshio_conn *via, const char *host, int port, struct stream **stream,
                   struct error *e)
{
    int rc = check(loop, via, host, port, e);
    if (rc != 0)
        return rc;
    struct tunnel *t = mem_zalloc(sizeof *t);
    if (t == NULL)
        return error_nomem(e);
    t->base.ops = &ops;
    t->base.loop = loop;
    t->via = sshio_conn_ref(via);
    error_init(&t->error);
    deferred_init(&t->step, run_step);
    rc = open_channel(t, host, port, e);
    if (rc == 0)
        rc = wait_for_opening(t, host, port, e);
    if (rc == 0)
        *stream = &t->base;
    else
        give_up(t);
    return rc;
}
