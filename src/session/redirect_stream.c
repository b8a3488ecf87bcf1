/* Redirection from and to a stream: descriptors, files, uv streams of the program; see redirect.h. */
#include <sys/socket.h>

#include <errno.h>

#include <sshio/constants.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "io/pty.h"
#include "io/stream.h"
#include "session/redirect.h"

#define TARGET_HIGH (256u * 1024) /* bytes that wait for a slow target before the channel is held back … */
#define TARGET_LOW (64u * 1024)   /* … and when it goes on */

/* Referred to by its owner and, while that is open, by the stream. */
struct piping {
    struct redirect base;
    struct stream *stream; /* NULL = discards, or closed */
    int fd;                /* of a target, below the stream; -1 = unknown */
    bool pass_eof;
    bool holding;             /* the channel back, because of the queue */
    bool ending;              /* nothing more comes: done when the queue is written */
    unsigned raw;             /* the bit that it set in the channel's raw types */
    struct read_buffer queue; /* for a target */
};

static void stop(struct redirect *r)
{
    struct piping *p = (struct piping *)r;
    struct stream *stream = p->stream;
    p->stream = NULL;
    if (p->holding)
        streams_let_go(r->streams);
    p->holding = false;
    r->streams->chan->raw_types &= ~p->raw;
    read_buffer_done(&p->queue);
    if (stream != NULL)
        stream_close(stream);
}

static void free_queue(struct redirect *r)
{
    read_buffer_done(&((struct piping *)r)->queue);
}

static void stream_is_closed(void *owner)
{
    redirect_release(owner);
}

/* ---- sources ---- */

static size_t source_received(void *owner, uint8_t *data, size_t len)
{
    struct piping *p = owner;
    sshio_writer *writer = p->base.writer;
    if (p->base.done)
        return len;
    if (chan_write_bytes(writer->streams->chan, data, len, writer->datatype) != 0)
        redirect_finish(&p->base);
    else if (writer->streams->chan->writing_paused)
        stream_read_stop(p->stream);
    return len;
}

static void source_writable(void *user)
{
    struct piping *p = user;
    if (p->stream != NULL)
        stream_read_start(p->stream);
}

/* A source that fails counts as one that ends. A terminal whose other end was closed says EIO. */
static void source_ended(void *owner, const struct error *error)
{
    struct piping *p = owner;
    if (error != NULL && error->pub.os_errno != EIO)
        log_warning(sshio_chan_logger(p->base.streams->chan), "a redirected input failed: %s", error_message(error));
    if (p->base.done)
        return;
    if (p->pass_eof)
        sshio_write_eof(p->base.writer);
    redirect_finish(&p->base);
}

/* ---- targets ---- */

static void hold_back_while_full(struct piping *p)
{
    size_t len = read_buffer_len(&p->queue);
    if (!p->holding && len >= TARGET_HIGH) {
        p->holding = true;
        streams_hold_back(p->base.streams);
    } else if (p->holding && len <= TARGET_LOW) {
        p->holding = false;
        streams_let_go(p->base.streams);
    }
}

static void target_data(void *user, const void *bytes, size_t len)
{
    struct piping *p = user;
    if (p->stream == NULL)
        return; /* discarded */
    if (!read_buffer_append(&p->queue, bytes, len)) {
        sshio_chan_abort(p->base.streams->chan);
        return;
    }
    stream_want_write(p->stream);
    hold_back_while_full(p);
}

/* A socket's peer is to see the end although the caller's descriptor stays open. */
static void finish_when_written(struct piping *p)
{
    if (!p->ending || read_buffer_len(&p->queue) != 0 || p->base.done)
        return;
    if (p->pass_eof && p->fd >= 0)
        shutdown(p->fd, SHUT_WR);
    else if (p->pass_eof && p->stream != NULL)
        stream_shutdown(p->stream);
    redirect_finish(&p->base);
}

static void target_end(void *user)
{
    struct piping *p = user;
    p->ending = true;
    finish_when_written(p);
}

static void set_size(const struct piping *p, const sshio_term_size *size)
{
    if (p->fd >= 0 && !p->base.done)
        pty_set_size(p->fd, size);
}

static void target_in_band(void *user, const struct in_band *event)
{
    if (event->code == SSHIO_ETERMINAL_SIZE_CHANGED)
        set_size(user, &event->term_size);
}

static struct span target_output(void *owner)
{
    struct piping *p = owner;
    return read_buffer_head(&p->queue);
}

static void target_sent(void *owner, size_t len)
{
    struct piping *p = owner;
    if (p->base.done)
        return;
    read_buffer_drop(&p->queue, len);
    hold_back_while_full(p);
    finish_when_written(p);
}

/* What cannot be written any more is discarded; the channel stays usable. */
static void target_ended(void *owner, const struct error *error)
{
    struct piping *p = owner;
    if (error != NULL)
        log_warning(sshio_chan_logger(p->base.streams->chan), "a redirected output failed: %s", error_message(error));
    redirect_finish(&p->base);
}

/* ---- making them ---- */

static const struct stream_events source_events = {
    .received = source_received,
    .ended = source_ended,
    .closed = stream_is_closed,
};
static const struct stream_events target_events = {
    .output = target_output,
    .sent = target_sent,
    .ended = target_ended,
    .closed = stream_is_closed,
};

static void closed_unowned(void *owner)
{
    (void)owner;
}

static struct piping *piping_new(struct streams *s, struct stream *stream)
{
    static const struct stream_events silent = { .closed = closed_unowned };
    struct piping *p = mem_zalloc(sizeof *p);
    if (p == NULL) {
        fail_nomem();
        if (stream != NULL) {
            stream_set_owner(stream, &silent, NULL);
            stream_close(stream);
        }
        return NULL;
    }
    redirect_init(&p->base, s);
    p->base.stop = stop;
    p->base.free = free_queue;
    p->stream = stream;
    p->fd = -1;
    read_buffer_init(&p->queue, &loop_engine_buffers(s->chan->conn->loop)->queue);
    return p;
}

static void own_stream(struct piping *p, const struct stream_events *events)
{
    if (p->stream == NULL)
        return;
    p->base.refs++;
    stream_set_owner(p->stream, events, p);
}

int redirect_from_stream(sshio_writer *writer, struct stream *stream, const struct redirect_options *o,
                         struct redirect **redirect)
{
    struct piping *p = piping_new(writer->streams, stream);
    if (p == NULL)
        return SSHIO_ENOMEM;
    own_stream(p, &source_events);
    p->pass_eof = o->send_eof;
    int rc = redirect_feed(&p->base, writer, source_writable);
    if (rc != 0) {
        redirect_free(&p->base);
        return rc;
    }
    stream_set_piece(stream, o->bufsize);
    if (!writer->streams->chan->writing_paused)
        stream_read_start(stream);
    *redirect = &p->base;
    return 0;
}

int redirect_to_stream(sshio_reader *reader, struct stream *stream, int fd, const struct redirect_options *o,
                       struct redirect **redirect)
{
    static const struct reader_sink sink = { .data = target_data, .in_band = target_in_band, .end = target_end };
    struct streams *s = reader->streams;
    struct piping *p = piping_new(s, stream);
    if (p == NULL)
        return SSHIO_ENOMEM;
    own_stream(p, &target_events);
    p->fd = fd;
    p->pass_eof = o->recv_eof;
    unsigned raw = 1u << (reader == &s->readers[1] ? SSHIO_EXTENDED_DATA_STDERR : 0);
    p->raw = raw & ~s->chan->raw_types;
    s->chan->raw_types |= p->raw;
    *redirect = &p->base;
    int rc = redirect_empty(&p->base, reader, &sink);
    if (rc != 0) {
        *redirect = NULL;
        redirect_free(&p->base);
        return rc;
    }
    if (s->chan->server)
        set_size(p, &s->chan->terminal.size);
    return 0;
}
