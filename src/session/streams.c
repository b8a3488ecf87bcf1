/* Streams over a channel: how data gets to readers, and how both ends of their life are handled; see streams.h. */
#include "session/streams.h"

#include <sshio/constants.h>

#include "base/memory.h"

static void init_reader(struct sshio_reader *reader, struct streams *s, struct pool *pool)
{
    reader->streams = s;
    read_buffer_init(&reader->buffer, pool);
    in_band_init(&reader->in_band);
    list_init(&reader->calls);
    waiters_init(&reader->waiters);
}

struct streams *streams_new(sshio_conn *conn, size_t limit)
{
    struct streams *s = mem_zalloc(sizeof *s);
    if (s == NULL)
        return NULL;
    s->refs = 1;
    s->limit = limit;
    error_init(&s->error);
    waiters_init(&s->writable);
    for (size_t i = 0; i < STREAMS_READERS; i++)
        init_reader(&s->readers[i], s, &loop_engine_buffers(conn->loop)->queue);
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
        in_band_done(&s->readers[i].in_band);
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

/* ---- when the channel is paused ---- */

static size_t counted(const struct streams *s)
{
    size_t count = 0;
    for (size_t i = 0; i < STREAMS_READERS; i++) {
        size_t len = read_buffer_len(&s->readers[i].buffer), wanted = s->readers[i].wanted;
        count += len > wanted ? len - wanted : 0;
    }
    return count;
}

bool streams_full(const struct streams *s)
{
    return counted(s) >= s->limit;
}

static void update(struct streams *s)
{
    bool pause = s->held_back != 0 || streams_full(s);
    if (pause == s->paused || s->chan == NULL)
        return;
    s->paused = pause;
    if (pause)
        sshio_chan_pause_reading(s->chan);
    else
        sshio_chan_resume_reading(s->chan);
}

void streams_attach(struct streams *s, sshio_chan *chan)
{
    if (s->chan != NULL)
        return;
    s->chan = chan;
    chan->buffers_all = true;
    chan_hold(chan);
    update(s);
}

void streams_set_limit(struct streams *s, size_t limit)
{
    s->limit = limit;
    update(s);
}

void streams_hold_back(struct streams *s)
{
    s->held_back++;
    update(s);
}

void streams_let_go(struct streams *s)
{
    s->held_back--;
    update(s);
}

void reader_took(sshio_reader *reader, size_t len)
{
    reader->taken += len;
    reader->streams->buffered -= len;
    update(reader->streams);
}

void reader_want(sshio_reader *reader, size_t wanted)
{
    reader->wanted = wanted;
    update(reader->streams);
}

size_t reader_available(const sshio_reader *reader)
{
    size_t len = read_buffer_len(&reader->buffer);
    uint64_t at;
    if (in_band_first(&reader->in_band, &at) && at - reader->taken < len)
        return (size_t)(at - reader->taken);
    return len;
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

int streams_feed(sshio_reader *reader, const void *data, size_t len)
{
    struct streams *s = reader->streams;
    if (reader->sink != NULL) {
        reader->sink->data(reader->sink->user, data, len);
        return 0;
    }
    if (over_ceiling(s, len))
        return SSHIO_ELIMIT;
    if (!read_buffer_append(&reader->buffer, data, len)) {
        out_of_memory(s);
        return SSHIO_ENOMEM;
    }
    s->buffered += len;
    update(s);
    waiters_wake(&reader->waiters, 0);
    return 0;
}

static void data_received(sshio_chan *chan, const void *data, size_t len, int datatype, void *user)
{
    struct streams *s = user;
    bool is_second = datatype == SSHIO_EXTENDED_DATA_STDERR && !s->merged;
    (void)chan;
    streams_feed(&s->readers[is_second ? 1 : 0], data, len);
}

void streams_feed_eof(struct streams *s)
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

/* Half-open: the end of their data is not the end of ours. */
static int eof_received(sshio_chan *chan, void *user)
{
    (void)chan;
    streams_feed_eof(user);
    return 1;
}

/* ---- in-band events, all on the first reader ---- */

static void too_many_events(struct streams *s)
{
    struct error e;
    error_init(&e);
    error_set_reason(&e, SSHIO_EPROTOCOL, SSHIO_DISC_PROTOCOL_ERROR,
                     "more than %u breaks, signals and terminal sizes wait to be read", IN_BAND_MAX);
    conn_fail_later(s->chan->conn, &e);
    error_clear(&e);
}

void streams_in_band(struct streams *s, const struct in_band *event)
{
    sshio_reader *reader = &s->readers[0];
    if (s->on_in_band != NULL) {
        s->on_in_band(s->on_in_band_user, event);
        return;
    }
    if (reader->sink != NULL) {
        if (reader->sink->in_band != NULL)
            reader->sink->in_band(reader->sink->user, event);
        return;
    }
    int rc = in_band_add(&reader->in_band, event, reader->taken + read_buffer_len(&reader->buffer));
    if (rc == SSHIO_ELIMIT)
        too_many_events(s);
    else if (rc != 0)
        out_of_memory(s);
    waiters_wake(&reader->waiters, 0);
}

static int break_received(sshio_chan *chan, int msec, void *user)
{
    (void)chan;
    streams_in_band(user, &(struct in_band){ .code = SSHIO_EBREAK_RECEIVED, .msec = msec });
    return 1;
}

static void signal_received(sshio_chan *chan, const char *signal, void *user)
{
    (void)chan;
    streams_in_band(user, &(struct in_band){ .code = SSHIO_ESIGNAL_RECEIVED, .signal = signal });
}

static void terminal_size_changed(sshio_chan *chan, const sshio_term_size *size, void *user)
{
    (void)chan;
    streams_in_band(user, &(struct in_band){ .code = SSHIO_ETERMINAL_SIZE_CHANGED, .term_size = *size });
}

/* ---- sinks ---- */

/* What the reader holds goes to its sink, events at their places. */
static void move_to_sink(sshio_reader *reader)
{
    const struct reader_sink *sink = reader->sink;
    while (read_buffer_len(&reader->buffer) != 0 || reader->in_band.count != 0) {
        size_t available = reader_available(reader);
        if (available != 0) {
            struct span head = read_buffer_head(&reader->buffer);
            size_t len = head.len < available ? head.len : available;
            sink->data(sink->user, head.data, len);
            read_buffer_drop(&reader->buffer, len);
            reader_took(reader, len);
            continue;
        }
        if (sink->in_band != NULL)
            sink->in_band(sink->user, in_band_head(&reader->in_band));
        in_band_drop(&reader->in_band);
    }
}

void reader_set_sink(sshio_reader *reader, const struct reader_sink *sink)
{
    reader->sink = sink;
    if (sink == NULL)
        return;
    move_to_sink(reader);
    if (reader->streams->eof)
        sink->end(sink->user);
}

/* Both readers are the streams' own, so that a block may go from one to the other. */
void streams_merge(struct streams *s, bool merged)
{
    sshio_reader *from = &s->readers[1];
    s->merged = merged;
    while (merged && read_buffer_len(&from->buffer) != 0) {
        struct span head = read_buffer_head(&from->buffer);
        size_t len = head.len;
        s->buffered -= len;
        from->taken += len;
        int rc = streams_feed(&s->readers[0], head.data, len);
        read_buffer_drop(&from->buffer, len);
        if (rc != 0)
            return;
    }
}

/* ---- life of the channel ---- */

/* From here until connection_lost the channel refers to the streams. */
static void connection_made(sshio_chan *chan, void *user)
{
    struct streams *s = user;
    streams_attach(s, chan);
    streams_hold(s);
}

static void session_started(sshio_chan *chan, void *user)
{
    struct streams *s = user;
    (void)chan;
    if (s->started != NULL)
        s->started(s->user);
}

void streams_wake_writers(struct streams *s)
{
    waiters_wake(&s->writable, 0);
    for (size_t i = 0; i < STREAMS_WRITERS; i++) {
        const struct writer_source *source = s->writers[i].source;
        if (source != NULL)
            source->writable(source->user);
    }
}

static void resume_writing(sshio_chan *chan, void *user)
{
    (void)chan;
    streams_wake_writers(user);
}

static void connection_lost(sshio_chan *chan, const sshio_error *error, void *user)
{
    struct streams *s = user;
    if (error != NULL)
        error_copy(&s->error, &chan->error);
    streams_feed_eof(s);
    for (size_t i = 0; i < STREAMS_WRITERS; i++) {
        const struct writer_source *source = s->writers[i].source;
        if (source != NULL)
            source->lost(source->user);
    }
    streams_wake_writers(s);
    streams_release(s);
}

const sshio_session_handlers streams_handlers = {
    .connection_made = connection_made,
    .session_started = session_started,
    .data_received = data_received,
    .eof_received = eof_received,
    .connection_lost = connection_lost,
    .resume_writing = resume_writing,
    .break_received = break_received,
    .signal_received = signal_received,
    .terminal_size_changed = terminal_size_changed,
};
