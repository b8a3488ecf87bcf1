/* Redirection; see redirect.h. Each is a stream over the descriptor, joined to a writer or to a reader's sink. */
#include "session/redirect.h"

#include <errno.h>
#include <fcntl.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "io/stream.h"

#define TARGET_HIGH (256u * 1024) /* bytes that wait for a slow target before the channel is paused … */
#define TARGET_LOW (64u * 1024)   /* … and when it goes on */

struct redirect {
    int refs;                /* the owner's, the stream's */
    struct streams *streams; /* held while attached */
    struct stream *stream;   /* NULL = discards, or closed */
    sshio_writer *writer;    /* of a source */
    sshio_reader *reader;    /* of a target */
    struct reader_sink sink;
    struct read_buffer queue; /* for a target */
    bool no_eof;              /* of a source: its end is not passed on */
    bool paused;              /* the channel, because of the queue */
    bool ending;              /* nothing more comes: close when the queue is written */
    bool done;
    struct waiters waiters;
};

static void release(struct redirect *r)
{
    if (--r->refs > 0)
        return;
    read_buffer_done(&r->queue);
    streams_release(r->streams);
    mem_free(r);
}

static void finish(struct redirect *r)
{
    struct stream *stream = r->stream;
    r->stream = NULL;
    r->done = true;
    if (stream != NULL)
        stream_close(stream);
    waiters_wake(&r->waiters, 0);
}

/* ---- sources ---- */

static size_t source_received(void *owner, uint8_t *data, size_t len)
{
    struct redirect *r = owner;
    if (r->done)
        return len;
    if (sshio_write(r->writer, data, len) != 0) {
        finish(r);
        return len;
    }
    if (r->streams->chan->writing_paused)
        stream_read_stop(r->stream);
    return len;
}

static void source_writable(void *user)
{
    struct redirect *r = user;
    if (r->stream != NULL)
        stream_read_start(r->stream);
}

/* A source that fails counts as one that ends. */
static void source_ended(void *owner, const struct error *error)
{
    struct redirect *r = owner;
    if (error != NULL)
        log_warning(sshio_chan_logger(r->streams->chan), "a redirected input failed: %s", error_message(error));
    if (r->done)
        return;
    if (!r->no_eof)
        sshio_write_eof(r->writer);
    finish(r);
}

/* ---- targets ---- */

static bool target_data(void *user, const void *bytes, size_t len)
{
    struct redirect *r = user;
    if (r->stream == NULL)
        return true; /* discarded */
    if (!read_buffer_append(&r->queue, bytes, len)) {
        sshio_chan_abort(r->streams->chan);
        return true;
    }
    stream_want_write(r->stream);
    r->paused = read_buffer_len(&r->queue) >= TARGET_HIGH;
    return !r->paused;
}

static void finish_when_written(struct redirect *r)
{
    if (r->ending && read_buffer_len(&r->queue) == 0 && !r->done)
        finish(r);
}

static void target_end(void *user)
{
    struct redirect *r = user;
    r->ending = true;
    finish_when_written(r);
}

static struct span target_output(void *owner)
{
    struct redirect *r = owner;
    return read_buffer_head(&r->queue);
}

static void target_sent(void *owner, size_t len)
{
    struct redirect *r = owner;
    read_buffer_drop(&r->queue, len);
    if (r->paused && read_buffer_len(&r->queue) <= TARGET_LOW) {
        r->paused = false;
        streams_resume(r->streams);
    }
    finish_when_written(r);
}

/* What cannot be written any more is discarded; the channel stays usable. */
static void target_ended(void *owner, const struct error *error)
{
    struct redirect *r = owner;
    if (error != NULL)
        log_warning(sshio_chan_logger(r->streams->chan), "a redirected output failed: %s", error_message(error));
    if (r->done)
        return;
    read_buffer_done(&r->queue);
    finish(r);
    if (r->paused)
        streams_resume(r->streams);
    r->paused = false;
}

static void stream_is_closed(void *owner)
{
    release(owner);
}

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

/* ---- making them ---- */

static struct redirect *redirect_new(struct streams *s)
{
    struct redirect *r = mem_zalloc(sizeof *r);
    if (r == NULL)
        return NULL;
    r->refs = 1;
    r->streams = s;
    streams_hold(s);
    waiters_init(&r->waiters);
    read_buffer_init(&r->queue, &loop_engine_buffers(s->chan->conn->loop)->queue);
    return r;
}

static int open_stream(struct redirect *r, int fd, bool source)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0)
        return error_set_errno(last_error(), errno, "descriptor %d cannot be redirected", fd);
    struct loop *loop = r->streams->chan->conn->loop;
    int rc = stream_from_fd(loop, copy, &r->stream, last_error());
    if (rc != 0)
        return rc;
    r->refs++;
    stream_set_owner(r->stream, source ? &source_events : &target_events, r);
    return 0;
}

int redirect_source(sshio_writer *writer, const sshio_io *io, struct redirect **redirect)
{
    struct redirect *r = redirect_new(writer->streams);
    if (r == NULL)
        return fail_nomem();
    r->writer = writer;
    int rc = open_stream(r, io->fd, true);
    if (rc != 0) {
        release(r);
        return rc;
    }
    writer->writable = source_writable;
    writer->user = r;
    stream_read_start(r->stream);
    *redirect = r;
    return 0;
}

int redirect_output(sshio_writer *writer, const sshio_io *io, struct redirect **redirect)
{
    int rc = redirect_source(writer, io, redirect);
    if (rc == 0)
        (*redirect)->no_eof = true;
    return rc;
}

int redirect_target(sshio_reader *reader, const sshio_io *io, struct redirect **redirect)
{
    struct redirect *r = redirect_new(reader->streams);
    if (r == NULL)
        return fail_nomem();
    r->reader = reader;
    int rc = io->kind == SSHIO_IO_DEVNULL ? 0 : open_stream(r, io->fd, false);
    if (rc != 0) {
        release(r);
        return rc;
    }
    *redirect = r;
    r->sink = (struct reader_sink){ .data = target_data, .end = target_end, .user = r };
    streams_sink(reader, &r->sink);
    return 0;
}

int redirect_wait(struct redirect *r)
{
    int rc = 0;
    while (rc == 0 && r != NULL && !r->done)
        rc = waiters_wait(&r->waiters);
    return rc;
}

void redirect_free(struct redirect *r)
{
    if (r == NULL)
        return;
    if (r->writer != NULL)
        r->writer->writable = NULL;
    if (r->reader != NULL)
        r->reader->sink = NULL;
    if (!r->done)
        finish(r);
    release(r);
}
