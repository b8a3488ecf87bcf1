/* Streams over a channel: how data gets to readers, and how both ends of their life are handled; see streams.h. */
#include "session/streams.h"

#include <sshio/constants.h>

#include "base/memory.h"

struct streams *streams_new(sshio_conn *conn, size_t limit)
{
    struct streams *s = mem_zalloc(sizeof *s);
    if (s == NULL)
        return NULL;
    s->refs = 1;
    s->limit = limit;
    error_init(&s->error);
    waiters_init(&s->writable);
    for (size_t i = 0; i < STREAMS_READERS; i++) {
        s->readers[i].streams = s;
        read_buffer_init(&s->readers[i].buffer, &loop_engine_buffers(conn->loop)->queue);
        waiters_init(&s->readers[i].waiters);
    }
    for (size_t i = 0; i < STREAMS_WRITERS; i++)
        s->writers[i] = (struct sshio_writer){ .streams = s, .datatype = (int)i };
    return s;
}

void streams_hold(struct streams *s)
{
    s->refs++;
}

void streams_release(struct streams *s)
{
    if (s == NULL || --s->refs > 0)
        return;
    for (size_t i = 0; i < STREAMS_READERS; i++) {
        read_buffer_done(&s->readers[i].buffer);
        mem_free(s->readers[i].lent);
    }
    error_clear(&s->error);
    if (s->chan != NULL)
        chan_release(s->chan);
    mem_free(s);
}

void streams_user_ref(struct streams *s)
{
    if (s->user_refs++ == 0)
        streams_hold(s);
}

void streams_user_unref(struct streams *s)
{
    if (--s->user_refs > 0)
        return;
    sshio_chan_close(s->chan);
    streams_release(s);
}

void streams_attach(struct streams *s, sshio_chan *chan)
{
    s->chan = chan;
    chan->buffers_all = true;
    chan_hold(chan);
}

/* ---- the limit ---- */

static size_t counted(const struct streams *s)
{
    size_t count = 0;
    for (size_t i = 0; i < STREAMS_READERS; i++) {
        size_t len = read_buffer_len(&s->readers[i].buffer), wanted = s->readers[i].wanted;
        count += len > wanted ? len - wanted : 0;
    }
    return count;
}

static void check_limit(struct streams *s)
{
    bool full = counted(s) >= s->limit;
    if (full == s->full || s->chan == NULL)
        return;
    s->full = full;
    if (full)
        sshio_chan_pause_reading(s->chan);
    else
        sshio_chan_resume_reading(s->chan);
}

void streams_set_limit(struct streams *s, size_t limit)
{
    s->limit = limit;
    check_limit(s);
}

void streams_took(struct streams *s, size_t len)
{
    s->buffered -= len;
    check_limit(s);
}

void streams_want(struct sshio_reader *reader, size_t wanted)
{
    reader->wanted = wanted;
    check_limit(reader->streams);
}

/* ---- arrival ---- */

static void out_of_memory(struct streams *s)
{
    error_nomem(&s->error);
    if (s->chan != NULL)
        sshio_chan_abort(s->chan);
}

static bool over_ceiling(struct streams *s, size_t len)
{
    if (s->ceiling == 0 || s->buffered + len <= s->ceiling)
        return false;
    error_set(&s->error, SSHIO_ELIMIT, "more than %zu bytes of output", s->ceiling);
    sshio_chan_abort(s->chan);
    return true;
}

void streams_set_ceiling(struct streams *s, size_t ceiling)
{
    s->ceiling = ceiling;
    if (s->chan != NULL)
        over_ceiling(s, 0);
}

static void buffer_data(struct streams *s, struct sshio_reader *reader, const void *data, size_t len)
{
    if (over_ceiling(s, len))
        return;
    if (!read_buffer_append(&reader->buffer, data, len)) {
        out_of_memory(s);
        return;
    }
    s->buffered += len;
    check_limit(s);
    waiters_wake(&reader->waiters, 0);
}

static void data_received(sshio_chan *chan, const void *data, size_t len, int datatype, void *user)
{
    struct streams *s = user;
    struct sshio_reader *reader = &s->readers[datatype == SSHIO_EXTENDED_DATA_STDERR ? 1 : 0];
    if (reader->sink == NULL)
        buffer_data(s, reader, data, len);
    else if (!reader->sink->data(reader->sink->user, data, len))
        sshio_chan_pause_reading(chan);
}

void streams_resume(struct streams *s)
{
    if (s->chan != NULL && !s->full)
        sshio_chan_resume_reading(s->chan);
}

static void end_of_input(struct streams *s)
{
    if (s->eof)
        return;
    s->eof = true;
    for (size_t i = 0; i < STREAMS_READERS; i++) {
        const struct reader_sink *sink = s->readers[i].sink;
        if (sink != NULL)
            sink->end(sink->user);
        waiters_wake(&s->readers[i].waiters, 0);
    }
}

void streams_sink(struct sshio_reader *reader, const struct reader_sink *sink)
{
    struct streams *s = reader->streams;
    reader->sink = sink;
    bool more = true;
    while (read_buffer_len(&reader->buffer) != 0) {
        struct span head = read_buffer_head(&reader->buffer);
        more = sink->data(sink->user, head.data, head.len);
        read_buffer_drop(&reader->buffer, head.len);
        streams_took(s, head.len);
    }
    if (!more)
        sshio_chan_pause_reading(s->chan);
    if (s->eof)
        sink->end(sink->user);
}

/* Half-open: the end of their data is not the end of ours. */
static int eof_received(sshio_chan *chan, void *user)
{
    (void)chan;
    end_of_input(user);
    return 1;
}

/* From here until connection_lost the channel refers to the streams. */
static void connection_made(sshio_chan *chan, void *user)
{
    (void)chan;
    streams_hold(user);
}

static void session_started(sshio_chan *chan, void *user)
{
    struct streams *s = user;
    (void)chan;
    if (s->started != NULL)
        s->started(s->user);
}

/* ---- room to write ---- */

static void wake_writers(struct streams *s)
{
    waiters_wake(&s->writable, 0);
    for (size_t i = 0; i < STREAMS_WRITERS; i++)
        if (s->writers[i].writable != NULL)
            s->writers[i].writable(s->writers[i].user);
}

static void resume_writing(sshio_chan *chan, void *user)
{
    (void)chan;
    wake_writers(user);
}

static void connection_lost(sshio_chan *chan, const sshio_error *error, void *user)
{
    struct streams *s = user;
    if (error != NULL)
        error_copy(&s->error, &chan->error);
    end_of_input(s);
    wake_writers(s);
    if (s->ended != NULL)
        s->ended(s->user);
    streams_release(s);
}

const sshio_session_handlers streams_handlers = {
    .connection_made = connection_made,
    .session_started = session_started,
    .data_received = data_received,
    .eof_received = eof_received,
    .connection_lost = connection_lost,
    .resume_writing = resume_writing,
};
