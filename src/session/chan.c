/* Channels: life, writing, reading control, closing; see chan.h. */
#include "session/chan.h"

#include <stdio.h>
#include <string.h>

#include <sshio/constants.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "io/stream.h"
#include "io/task.h"

#define WRITE_HIGH_DEFAULT (64u * 1024)
#define LARGE_WRITE 4096u /* from here on it is worth a system call to be able to seal without a copy */

/* ---- life ---- */

static void resume_later(struct deferred *d);
static void end_later(struct deferred *d);

sshio_chan *chan_new(sshio_conn *conn, const sshio_session_handlers *handlers, void *user)
{
    sshio_chan *chan = mem_zalloc(sizeof *chan);
    if (chan == NULL)
        return NULL;
    chan->refs = 1;
    chan->conn = conn;
    chan->server = conn->server;
    chan->user = user;
    chan->exit_status = SSHIO_NO_STATUS;
    if (handlers != NULL)
        chan->handlers = *handlers;
    error_init(&chan->error);
    waiters_init(&chan->closed);
    deferred_init(&chan->resume, resume_later);
    deferred_init(&chan->end, end_later);
    conn_hold(conn);
    return chan;
}

static void chan_free(sshio_chan *chan)
{
    deferred_cancel(&chan->resume);
    deferred_cancel(&chan->end);
    if (chan->logger != NULL && chan->logger != chan->conn->logger)
        logger_unref(chan->logger);
    error_clear(&chan->error);
    texts_done(&chan->env);
    texts_done(&chan->extra);
    encoding_unref(chan->encoding);
    terminal_done(&chan->terminal);
    mem_free((char *)chan->local.host);
    mem_free((char *)chan->remote.host);
    mem_free(chan->command);
    mem_free(chan->subsystem);
    mem_free(chan->signal_name);
    mem_free(chan->signal_msg);
    mem_free(chan->signal_lang);
    conn_release(chan->conn);
    mem_free(chan);
}

void chan_hold(sshio_chan *chan)
{
    chan->refs++;
}

void chan_release(sshio_chan *chan)
{
    if (--chan->refs == 0)
        chan_free(chan);
}

sshio_chan *sshio_chan_ref(sshio_chan *chan)
{
    if (chan->user_refs++ == 0)
        chan_hold(chan);
    return chan;
}

void sshio_chan_unref(sshio_chan *chan)
{
    if (chan == NULL || --chan->user_refs > 0)
        return;
    if (!chan->server)
        sshio_chan_close(chan);
    chan_release(chan);
}

void chan_made(sshio_chan *chan)
{
    chan->made = true;
    if (chan->handlers.connection_made != NULL)
        chan->handlers.connection_made(chan, chan->user);
}

void chan_start(sshio_chan *chan)
{
    chan->started = true;
    if (chan->ch != NULL)
        channel_set_reader(chan->ch, true);
    if (chan->handlers.session_started != NULL)
        chan->handlers.session_started(chan, chan->user);
}

void chan_deliver(sshio_chan *chan)
{
    loop_defer(chan->conn->loop, &chan->resume);
}

/* ---- events of the engine's channel ---- */

static void complete_waiting(sshio_chan *chan, int result)
{
    struct completion *waiting = chan->waiting;
    chan->waiting = NULL;
    if (waiting != NULL)
        completion_complete(waiting, result);
}

static void opened(struct channel *ch, void *user, struct span data)
{
    (void)data;
    channel_pause(ch); /* until the program has started */
    complete_waiting(user, 1);
}

static void finish(sshio_chan *chan)
{
    if (chan->counted)
        chan->conn->sessions--;
    chan->counted = false;
    chan->ch = NULL;
    chan->closing = true;
    chan->ended = true;
    loop_defer(chan->conn->loop, &chan->end);
}

static void open_failed(struct channel *ch, void *user, uint32_t code, struct span reason, struct span lang)
{
    sshio_chan *chan = user;
    char escaped[512];
    (void)ch, (void)lang;
    error_set_reason(&chan->error, SSHIO_ECHANNEL_OPEN, code, "%s", log_escaped(reason, escaped, sizeof escaped));
    finish(chan);
    complete_waiting(chan, SSHIO_ECHANNEL_OPEN);
}

/* What arrives after the connection was told to close is not delivered any more. */
static bool delivers(const sshio_chan *chan)
{
    return conn_is_open(chan->conn);
}

static void data(struct channel *ch, void *user, uint32_t type, const uint8_t *bytes, size_t len)
{
    sshio_chan *chan = user;
    (void)ch;
    if (chan->encoding != NULL && (chan->raw_types >> type & 1) == 0)
        chan_text_received(chan, type, SPAN(bytes, len));
    else if (chan->handlers.data_received != NULL && delivers(chan))
        chan->handlers.data_received(chan, bytes, len, (int)type, chan->user);
}

/* A session goes on, since its exit status may still come; of others nobody would hear again. */
static void close_if_both_ended(sshio_chan *chan)
{
    if (chan->kind != CHAN_SESSION && chan->eof_told && chan->eof_asked)
        sshio_chan_close(chan);
}

static void tell_eof(sshio_chan *chan)
{
    chan->eof_early = false;
    if (chan->encoding != NULL)
        chan_text_ended(chan);
    if (!delivers(chan) || chan->text_failed)
        return;
    bool keep_open = chan->handlers.eof_received != NULL && chan->handlers.eof_received(chan, chan->user) > 0;
    chan->eof_told = true;
    if (!keep_open)
        sshio_chan_write_eof(chan);
    close_if_both_ended(chan);
}

static void eof(struct channel *ch, void *user)
{
    sshio_chan *chan = user;
    (void)ch;
    if (chan->started)
        tell_eof(chan);
    else
        chan->eof_early = true;
}

static void request(struct channel *ch, void *user, struct span name, bool want_reply, struct span fields)
{
    (void)ch, (void)want_reply;
    session_request(user, name, fields);
}

static void replied(struct channel *ch, void *user, bool ok)
{
    sshio_chan *chan = user;
    (void)ch;
    if (chan->starting && ok)
        chan_start(chan);
    chan->starting = false;
    complete_waiting(chan, ok ? 1 : 0);
}

static void writable(struct channel *ch, void *user)
{
    sshio_chan *chan = user;
    (void)ch;
    if (!chan->writing_paused)
        return;
    chan->writing_paused = false;
    if (chan->handlers.resume_writing != NULL)
        chan->handlers.resume_writing(chan, chan->user);
}

/* What had arrived before the connection ended still counts, though its program had just been started or its reader was
 * slow. A user who has paused the channel wants no calls. */
static void deliver_rest(sshio_chan *chan, struct channel *ch)
{
    uint32_t type;
    struct span rest;
    if (!chan->started || (chan->reading_paused && !chan->buffers_all))
        return;
    while (channel_take_undelivered(ch, &type, &rest))
        data(ch, chan, type, rest.data, rest.len);
}

static void closed(struct channel *ch, void *user, const struct error *error)
{
    sshio_chan *chan = user;
    deliver_rest(chan, ch);
    if (chan->encoding != NULL)
        chan_text_ended(chan);
    if (error != NULL)
        error_copy(&chan->error, error);
    finish(chan);
    complete_waiting(chan, error_code(&chan->error)); /* without an error it counts as no */
}

const struct channel_events chan_events = {
    .opened = opened,
    .open_failed = open_failed,
    .data = data,
    .eof = eof,
    .request = request,
    .replied = replied,
    .writable = writable,
    .closed = closed,
};

/* The last thing that happens: the engine's reference goes. */
static void end_later(struct deferred *d)
{
    sshio_chan *chan = LIST_ENTRY(d, sshio_chan, end);
    chan->is_closed = true;
    if (chan->made && !chan->lost) {
        chan->lost = true;
        if (chan->handlers.connection_lost != NULL)
            chan->handlers.connection_lost(chan, error_code(&chan->error) != 0 ? &chan->error.pub : NULL, chan->user);
    }
    waiters_wake(&chan->closed, 0);
    chan_release(chan);
}

/* ---- reading ---- */

static void resume_later(struct deferred *d)
{
    sshio_chan *chan = LIST_ENTRY(d, sshio_chan, resume);
    chan_hold(chan);
    bool due = chan->started && !chan->reading_paused;
    if (due && chan->ch != NULL)
        channel_resume(chan->ch);
    if (due && chan->eof_early && chan->ch != NULL)
        tell_eof(chan);
    chan_release(chan);
}

void sshio_chan_pause_reading(sshio_chan *chan)
{
    chan->reading_paused = true;
    if (chan->ch != NULL)
        channel_pause(chan->ch);
}

void sshio_chan_resume_reading(sshio_chan *chan)
{
    if (!chan->reading_paused)
        return;
    chan->reading_paused = false;
    loop_defer(chan->conn->loop, &chan->resume);
}

/* ---- writing ---- */

bool sshio_chan_can_write_eof(const sshio_chan *chan)
{
    (void)chan;
    return true;
}

size_t sshio_chan_get_write_buffer_size(const sshio_chan *chan)
{
    return chan->ch != NULL ? channel_queued(chan->ch) : 0;
}

/* Nobody should wait for a way to be filled step by step when it is known from the start how it will be used. */
void chan_expect_bulk(sshio_chan *chan)
{
    const uint32_t far = 32u * 1024 * 1024, near = 4u * 1024 * 1024;
    if (chan->ch != NULL && chan->conn->settings->window == CHANNEL_WINDOW_DEFAULT)
        channel_widen_window(chan->ch, engine_way_is_long(chan->conn->engine) ? far : near);
}

int sshio_chan_set_write_buffer_limits(sshio_chan *chan, size_t high, size_t low)
{
    if (high == 0)
        high = low != 0 ? 4 * low : WRITE_HIGH_DEFAULT;
    if (low == 0)
        low = high / 4;
    if (low > high)
        return fail(SSHIO_EINVAL, "low write mark %zu is above the high one %zu", low, high);
    if (chan->ch != NULL)
        channel_set_marks(chan->ch, high, low);
    return 0;
}

/* A large write finds an output that is nearly full: send that now, so that the write is sealed from where it lies. */
static void make_room(sshio_chan *chan, size_t len)
{
    sshio_conn *conn = chan->conn;
    if (len >= LARGE_WRITE && !conn->stream_gone &&
        engine_unsent(conn->engine) + len > conn->settings->engine.limits.output_high)
        stream_flush(conn->stream);
}

static void pause_if_full(sshio_chan *chan)
{
    if (chan->ch == NULL || chan->writing_paused || !channel_above_high(chan->ch))
        return;
    chan->writing_paused = true;
    if (chan->handlers.pause_writing != NULL)
        chan->handlers.pause_writing(chan, chan->user);
}

int chan_write_bytes(sshio_chan *chan, const void *bytes, size_t len, int datatype)
{
    bool has_stderr = chan->server && chan->kind == CHAN_SESSION;
    bool allowed = datatype == 0 || (has_stderr && datatype == SSHIO_EXTENDED_DATA_STDERR);
    if (!allowed)
        return fail(SSHIO_EINVAL, "invalid extended data type %d", datatype);
    if (chan->ch == NULL || chan->closing || !conn_is_open(chan->conn))
        return fail(SSHIO_ECLOSED, "channel is not open for writing");
    if (len == 0)
        return 0;
    make_room(chan, len);
    if (chan->ch == NULL)
        return fail(SSHIO_ECLOSED, "channel is not open for writing");
    int rc = channel_write(chan->ch, (uint32_t)datatype, bytes, len);
    if (rc != 0)
        return fail(rc, "channel could not be written to: %s", sshio_error_text(rc));
    pause_if_full(chan);
    return 0;
}

int sshio_chan_write(sshio_chan *chan, const void *bytes, size_t len, int datatype)
{
    if (chan->encoding == NULL)
        return chan_write_bytes(chan, bytes, len, datatype);
    return chan_text_write(chan, bytes, len, datatype);
}

int sshio_chan_puts(sshio_chan *chan, const char *text)
{
    return sshio_chan_write(chan, text, strlen(text), 0);
}

int chan_vprintf(sshio_chan *chan, int datatype, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = len >= 0 ? mem_alloc((size_t)len + 1) : NULL;
    if (text == NULL)
        return len < 0 ? fail(SSHIO_EINVAL, "bad format: %s", format) : fail_nomem();
    vsnprintf(text, (size_t)len + 1, format, args);
    int rc = sshio_chan_write(chan, text, (size_t)len, datatype);
    mem_free(text);
    return rc;
}

int sshio_chan_printf(sshio_chan *chan, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int rc = chan_vprintf(chan, 0, format, args);
    va_end(args);
    return rc;
}

int sshio_chan_writelines(sshio_chan *chan, const sshio_span *parts, size_t count, int datatype)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = sshio_chan_write(chan, parts[i].data, parts[i].len, datatype);
    return rc;
}

int sshio_chan_write_stderr(sshio_chan *chan, const void *bytes, size_t len)
{
    return sshio_chan_write(chan, bytes, len, SSHIO_EXTENDED_DATA_STDERR);
}

int sshio_chan_writelines_stderr(sshio_chan *chan, const sshio_span *parts, size_t count)
{
    return sshio_chan_writelines(chan, parts, count, SSHIO_EXTENDED_DATA_STDERR);
}

/* ---- closing ---- */

int sshio_chan_write_eof(sshio_chan *chan)
{
    if (chan->ch == NULL || chan->closing)
        return 0;
    if (chan->encoding != NULL)
        chan_text_finish(chan);
    chan->closing = chan->eof_asked = true;
    channel_eof(chan->ch);
    close_if_both_ended(chan);
    return 0;
}

void sshio_chan_close(sshio_chan *chan)
{
    chan->closing = true;
    if (chan->ch != NULL)
        channel_close(chan->ch);
}

void sshio_chan_abort(sshio_chan *chan)
{
    chan->closing = true;
    if (chan->ch != NULL)
        channel_abort(chan->ch);
}

bool sshio_chan_is_closing(const sshio_chan *chan)
{
    return chan->closing;
}

int sshio_chan_wait_closed(sshio_chan *chan)
{
    int rc = completion_can_wait();
    if (rc != 0 || chan->is_closed)
        return chan->is_closed ? 0 : rc;
    chan_hold(chan);
    rc = waiters_wait(&chan->closed);
    chan_release(chan);
    return rc;
}
