/* The requests of session channels, of both sides, in one table: fields, who sends them, what is done. (RFC 4254
 * section 6) */
#include <stdlib.h>
#include <string.h>

#include <sshio/constants.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "session/chan.h"
#include "session/signals.h"

#define EXIT_MASK 0xffu
#define SUBSYSTEM_MAX_LEN 255u
#define SIGNAL_MAX_LEN 64u
#define UNKNOWN_SIGNAL (-99) /* return code for a signal that this system does not have */

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
    return texts_addf(&chan->env, "%.*s=%.*s", (int)name.len, (const char *)name.data, (int)value.len,
                      (const char *)value.data);
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
    if (bad_fields(r) || name.len == 0 || name.len > SIGNAL_MAX_LEN || !chan->started)
        return false;
    char *text = span_dup_text(name);
    if (text == NULL)
        return false;
    if (chan->handlers.signal_received != NULL)
        chan->handlers.signal_received(chan, text, chan->user);
    mem_free(text);
    return true;
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

static bool on_exit_signal(sshio_chan *chan, struct reader *r)
{
    struct span name = read_text(r);
    bool core_dumped = read_bool(r);
    struct span msg = read_text(r), lang = read_text(r);
    if (bad_fields(r))
        return false;
    chan_set_exit_signal(chan, name, core_dumped, msg, lang);
    if (chan->handlers.exit_signal_received != NULL && chan->signal_name != NULL)
        chan->handlers.exit_signal_received(chan, &chan->exit_signal, chan->user);
    return true;
}

static bool on_xon_xoff(sshio_chan *chan, struct reader *r)
{
    (void)chan;
    read_bool(r);
    return !bad_fields(r);
}

static const struct request_row rows[] = {
    { "env", true, true, on_env },
    { "shell", true, true, on_shell },
    { "exec", true, true, on_exec },
    { "subsystem", true, true, on_subsystem },
    { "signal", true, false, on_signal },
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
        if (!span_is(name, row->name) || row->from_client != chan->server)
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

/* ---- exit information ---- */

void chan_set_exit_signal(sshio_chan *chan, struct span name, bool core_dumped, struct span msg, struct span lang)
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

int sshio_chan_get_returncode(const sshio_chan *chan)
{
    if (chan->exit_status != SSHIO_NO_STATUS || chan->signal_name == NULL)
        return chan->exit_status;
    int number = signal_number(chan->signal_name);
    return number != 0 ? -number : UNKNOWN_SIGNAL;
}

/* ---- requests that we send ---- */

static int send_request(sshio_chan *chan, const char *name, struct writer *fields)
{
    int rc = writer_failed(fields) ? SSHIO_ENOMEM : channel_request(chan->ch, name, false, writer_span(fields));
    writer_done(fields);
    return rc == 0 ? 0 : fail(rc, "%s could not be sent: %s", name, sshio_error_text(rc));
}

int sshio_chan_send_signal(sshio_chan *chan, const char *signal)
{
    struct writer fields;
    if (chan->server || signal == NULL || signal[0] == '\0' || strlen(signal) > SIGNAL_MAX_LEN)
        return fail(SSHIO_EINVAL, "no signal can be sent here, or none was named");
    if (chan->ch == NULL)
        return fail(SSHIO_ECLOSED, "channel is not open");
    writer_init(&fields, 4 + SIGNAL_MAX_LEN);
    put_text(&fields, signal);
    return send_request(chan, "signal", &fields);
}

int sshio_chan_terminate(sshio_chan *chan)
{
    return sshio_chan_send_signal(chan, "TERM");
}

int sshio_chan_kill(sshio_chan *chan)
{
    return sshio_chan_send_signal(chan, "KILL");
}

static int check_exit(const sshio_chan *chan)
{
    if (!chan->server)
        return fail(SSHIO_EINVAL, "only a server's session sends an exit status or signal");
    if (chan->ch == NULL)
        return fail(SSHIO_ECLOSED, "channel is not open");
    return 0;
}

int sshio_chan_exit(sshio_chan *chan, int status)
{
    struct writer fields;
    int rc = check_exit(chan);
    if (rc != 0 || chan->exit_sent)
        return rc;
    chan->exit_sent = true;
    writer_init(&fields, 4);
    put_u32(&fields, (uint32_t)status & EXIT_MASK);
    rc = send_request(chan, "exit-status", &fields);
    sshio_chan_close(chan);
    return rc;
}

int sshio_chan_exit_with_signal(sshio_chan *chan, const sshio_exit_signal *signal)
{
    struct writer fields;
    int rc = check_exit(chan);
    if (rc != 0 || chan->exit_sent)
        return rc;
    if (signal == NULL || signal->name == NULL)
        return fail(SSHIO_EINVAL, "no signal was named");
    chan->exit_sent = true;
    writer_init(&fields, 32 * 1024);
    put_text(&fields, signal->name);
    put_bool(&fields, signal->core_dumped);
    put_text(&fields, signal->msg != NULL ? signal->msg : "");
    put_text(&fields, signal->lang != NULL ? signal->lang : "en-US");
    rc = send_request(chan, "exit-signal", &fields);
    sshio_chan_close(chan);
    return rc;
}
