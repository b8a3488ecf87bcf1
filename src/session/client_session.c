/* Opening a session as a client: the channel, the environment, the terminal, then shell, command or subsystem. (RFC
 * 4254 6.1 to 6.5) */
#include <string.h>

#include <sshio/constants.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "io/options.h"
#include "io/task.h"
#include "session/chan.h"

void sshio_session_options_init(sshio_session_options *options)
{
    OPTIONS_TAKE(options, NULL);
}

/* ---- waiting for the peer ---- */

static void cancel_waiting(struct completion *c, int code)
{
    sshio_chan *chan = c->user;
    chan->waiting = NULL;
    completion_complete(c, code);
}

/* 1 = yes; 0 = no, or the channel was closed instead of an answer; or the error that ended it. */
static int wait_peer(sshio_chan *chan)
{
    struct completion c;
    if (!chan->ended) {
        completion_init(&c, cancel_waiting, chan);
        chan->waiting = &c;
        int rc = completion_wait(&c);
        if (rc == SSHIO_ECANCELED || rc == SSHIO_ETIMEDOUT)
            return fail(rc, "%s while a session was being opened", sshio_error_text(rc));
        if (rc >= 0)
            return rc; /* the answer came, even if the end has come right behind it */
    }
    return error_code(&chan->error) != 0 ? fail_with(&chan->error) : 0;
}

static int fail_open(uint32_t reason, const char *text)
{
    return error_set_reason(last_error(), SSHIO_ECHANNEL_OPEN, reason, "%s", text);
}

static int open_channel(sshio_chan *chan, const sshio_session_options *o)
{
    const struct settings *s = chan->conn->settings;
    uint32_t window = o->window != 0 ? o->window : s->window;
    uint32_t max_packet = o->max_pktsize != 0 ? o->max_pktsize : s->max_packet;
    chan_hold(chan); /* for the engine's channel */
    int rc = channel_open(chan->conn->engine, "session", window, max_packet, SPAN(NULL, 0), &chan_events, chan,
                          &chan->ch, last_error());
    if (rc != 0) {
        chan->ch = NULL;
        chan->ended = chan->is_closed = true;
        chan_release(chan);
        return rc;
    }
    channel_allow_extended(chan->ch, 1u << SSHIO_EXTENDED_DATA_STDERR);
    rc = wait_peer(chan);
    return rc == 0 ? fail_open(SSHIO_OPEN_CONNECT_FAILED, "SSH connection closed") : rc;
}

/* ---- requests ---- */

static int ask_peer(sshio_chan *chan, const char *name, struct writer *fields)
{
    if (chan->ended) {
        writer_done(fields);
        return wait_peer(chan);
    }
    int rc = session_send(chan, name, true, fields);
    return rc == 0 ? wait_peer(chan) : rc;
}

static int send_env(sshio_chan *chan)
{
    for (size_t i = 0; i < chan->env.count && !chan->ended; i++) {
        const char *entry = chan->env.items[i];
        size_t name_len = strcspn(entry, "=");
        struct writer fields;
        writer_init(&fields, SESSION_FIELDS_MAX);
        put_string(&fields, entry, name_len);
        put_text(&fields, entry + name_len + 1);
        int rc = session_send(chan, "env", false, &fields);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int ask_terminal(sshio_chan *chan)
{
    struct writer fields;
    writer_init(&fields, SESSION_FIELDS_MAX);
    put_text(&fields, chan->terminal.type);
    put_term_size(&fields, &chan->terminal.size);
    put_term_modes(&fields, terminal_modes(&chan->terminal));
    int rc = ask_peer(chan, "pty-req", &fields);
    return rc == 0 ? fail_open(SSHIO_OPEN_REQUEST_PTY_FAILED, "PTY request failed") : rc;
}

static int start_program(sshio_chan *chan)
{
    const char *text = chan->command != NULL ? chan->command : chan->subsystem;
    const char *name = chan->command != NULL ? "exec" : chan->subsystem != NULL ? "subsystem" : "shell";
    struct writer fields;
    writer_init(&fields, SESSION_FIELDS_MAX);
    if (text != NULL)
        put_text(&fields, text);
    chan->starting = true;
    int rc = ask_peer(chan, name, &fields);
    chan->starting = false;
    if (rc == 0) {
        rc = error_set_reason(last_error(), SSHIO_ECHANNEL_OPEN, SSHIO_OPEN_REQUEST_SESSION_FAILED,
                              "Session request failed: the server refused to start %s%s%s", name,
                              text != NULL ? " " : "", text != NULL ? text : "");
    }
    return rc;
}

static int open_session(sshio_chan *chan, const sshio_session_options *o)
{
    int rc = session_args_take(chan, o);
    if (rc == 0)
        rc = open_channel(chan, o);
    if (rc < 0)
        return rc;
    chan_made(chan);
    rc = send_env(chan);
    if (rc == 0 && chan->terminal.type != NULL)
        rc = ask_terminal(chan);
    if (rc >= 0)
        rc = start_program(chan);
    if (rc < 0)
        return rc;
    chan_deliver(chan);
    return 0;
}

int client_session_open(sshio_conn *conn, const sshio_session_handlers *handlers, void *user,
                        const sshio_session_options *options, sshio_chan **out)
{
    int rc = completion_can_wait();
    if (rc != 0)
        return rc;
    if (conn->server)
        return fail(SSHIO_EINVAL, "a server opens no sessions");
    if (!conn_is_open(conn))
        return fail_open(SSHIO_OPEN_CONNECT_FAILED, "SSH connection closed");
    sshio_chan *chan = chan_new(conn, handlers, user);
    if (chan == NULL)
        return fail_nomem();
    rc = open_session(chan, options);
    if (rc == 0) {
        *out = chan;
        return 0;
    }
    sshio_chan_abort(chan);
    chan_release(chan);
    return rc;
}

int sshio_create_session(sshio_conn *conn, const sshio_session_handlers *handlers, void *user,
                         const sshio_session_options *options, sshio_chan **chan)
{
    sshio_chan *opened = NULL;
    sshio_session_options known;
    int rc = OPTIONS_TAKE(&known, options);
    if (rc == 0)
        rc = client_session_open(conn, handlers, user, &known, &opened);
    if (rc != 0)
        return rc;
    *chan = sshio_chan_ref(opened);
    chan_release(opened);
    return 0;
}
