/* The requests of session channels, of both sides, in one table: fields, who sends them, what is done. (RFC 4254
 * section 6) */
#include <limits.h>
#include <string.h>

#include <sshio/constants.h>

#include "base/memory.h"
#include "engine/peer_text.h"
#include "io/last_error.h"
#include "session/chan.h"

#define EXIT_MASK 0xffu
#define SUBSYSTEM_MAX_LEN 255u

/* A handler reads its fields, answers true or false, and leaves the check of the rest to its caller. */
struct request_row {
    const char *name;
    bool from_client;
    bool before_start_only; /* part of setting the session up */
    bool (*handle)(sshio_chan *chan, struct reader *r);
};

static bool bad_fields(struct reader *r)
{
    return !reader_done(r);
}

/* ---- from clients ---- */

static bool on_env(sshio_chan *chan, struct reader *r)
{
    const struct limits *limits = &chan->conn->settings->engine.limits;
    struct span name = read_text(r), value = read_text(r);
    if (bad_fields(r) || name.len == 0 || memchr(name.data, '=', name.len) != NULL)
        return false;
    if (chan->env.count >= limits->env_count || name.len + value.len > limits->env_len)
        return false;
    return texts_set(&chan->env, (const char *)name.data, name.len, (const char *)value.data, value.len);
}

static bool on_shell(sshio_chan *chan, struct reader *r)
{
    return !bad_fields(r) && server_session_start(chan, NULL, NULL);
}

/* Starts with one text, which the session keeps only if the start succeeds. */
static bool start_with(sshio_chan *chan, struct span text, bool is_command)
{
    char *copy = span_dup_text(text);
    if (copy == NULL)
        return false;
    char **place = is_command ? &chan->command : &chan->subsystem;
    *place = copy;
    if (server_session_start(chan, is_command ? copy : NULL, is_command ? NULL : copy))
        return true;
    *place = NULL;
    mem_free(copy);
    return false;
}

static bool on_exec(sshio_chan *chan, struct reader *r)
{
    struct span command = read_text(r);
    return !bad_fields(r) && start_with(chan, command, true);
}

static bool on_subsystem(sshio_chan *chan, struct reader *r)
{
    struct span name = read_text(r);
    return !bad_fields(r) && name.len <= SUBSYSTEM_MAX_LEN && start_with(chan, name, false);
}

static bool on_signal(sshio_chan *chan, struct reader *r)
{
    struct span name = read_text(r);
    if (bad_fields(r) || name.len == 0 || name.len > SIGNAL_NAME_MAX_LEN || !chan->started)
        return false;
    char *text = span_dup_text(name);
    if (text == NULL)
        return false;
    if (chan->handlers.signal_received != NULL)
        chan->handlers.signal_received(chan, text, chan->user);
    mem_free(text);
    return true;
}

/* RFC 4335. A length that no int holds is longer than anybody waits. */
static bool on_break(sshio_chan *chan, struct reader *r)
{
    uint32_t msec = read_u32(r);
    if (bad_fields(r) || !chan->started || chan->handlers.break_received == NULL)
        return false;
    return chan->handlers.break_received(chan, msec <= INT_MAX ? (int)msec : INT_MAX, chan->user) > 0;
}

/* ---- from both ---- */

/* Sent to tell that no more data will be read; a sender may go on all the same. */
static bool on_end_of_write(sshio_chan *chan, struct reader *r)
{
    (void)chan, (void)r;
    return false;
}

/* ---- from servers ---- */

static bool on_exit_status(sshio_chan *chan, struct reader *r)
{
    uint32_t status = read_u32(r);
    if (bad_fields(r))
        return false;
    chan->exit_status = (int)(status & EXIT_MASK);
    if (chan->handlers.exit_status_received != NULL)
        chan->handlers.exit_status_received(chan, chan->exit_status, chan->user);
    return true;
}

static void set_exit_signal(sshio_chan *chan, struct span name, bool core_dumped, struct span msg, struct span lang)
{
    mem_free(chan->signal_name);
    mem_free(chan->signal_msg);
    mem_free(chan->signal_lang);
    chan->signal_name = span_dup_text(name);
    chan->signal_msg = span_dup_text(msg);
    chan->signal_lang = span_dup_text(lang);
    chan->exit_signal = (sshio_exit_signal){
        .name = chan->signal_name,
        .core_dumped = core_dumped,
        .msg = chan->signal_msg != NULL ? chan->signal_msg : "",
        .lang = chan->signal_lang != NULL ? chan->signal_lang : "",
    };
}

static bool on_exit_signal(sshio_chan *chan, struct reader *r)
{
    struct span name = read_text(r);
    bool core_dumped = read_bool(r);
    struct span msg = read_text(r), lang = read_text(r);
    struct peer_text text;
    if (bad_fields(r) || chan->ch == NULL || !peer_text_read(&text, channel_engine(chan->ch), "exit-signal", msg, lang))
        return false;
    set_exit_signal(chan, name, core_dumped, text.text, lang);
    peer_text_done(&text);
    if (chan->handlers.exit_signal_received != NULL && chan->signal_name != NULL)
        chan->handlers.exit_signal_received(chan, &chan->exit_signal, chan->user);
    return true;
}

static bool on_xon_xoff(sshio_chan *chan, struct reader *r)
{
    bool client_can_do = read_bool(r);
    if (bad_fields(r))
        return false;
    if (chan->handlers.xon_xoff_requested != NULL)
        chan->handlers.xon_xoff_requested(chan, client_can_do, chan->user);
    return true;
}

static const struct request_row rows[] = {
    { "env", true, true, on_env },
    { "pty-req", true, true, on_pty_req },
    { "shell", true, true, on_shell },
    { "exec", true, true, on_exec },
    { "subsystem", true, true, on_subsystem },
    { "window-change", true, false, on_window_change },
    { "signal", true, false, on_signal },
    { "break", true, false, on_break },
    { "eow@openssh.com", true, false, on_end_of_write },
    { "eow@openssh.com", false, false, on_end_of_write },
    { "exit-status", false, false, on_exit_status },
    { "exit-signal", false, false, on_exit_signal },
    { "xon-xoff", false, false, on_xon_xoff },
};

void session_request(sshio_chan *chan, struct span name, struct span data)
{
    char escaped[128];
    bool ok = false, known = false;
    chan_hold(chan);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct request_row *row = &rows[i];
        if (chan->kind != CHAN_SESSION || !span_is(name, row->name) || row->from_client != chan->server)
            continue;
        struct reader r;
        reader_init(&r, data.data, data.len);
        known = true;
        ok = !(row->before_start_only && chan->started) && row->handle(chan, &r);
    }
    if (!known)
        log_debug(sshio_chan_logger(chan), 1, "Unknown channel request: %s",
                  log_escaped(name, escaped, sizeof escaped));
    if (chan->ch != NULL)
        channel_reply(chan->ch, ok);
    if (ok && chan->server && chan->start_pending) {
        chan->start_pending = false;
        chan_start(chan);
        chan_deliver(chan);
    }
    chan_release(chan);
}
