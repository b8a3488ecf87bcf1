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

/* ---- requests ---- */

static int ask_peer(sshio_chan *chan, const char *name, struct writer *fields)
{
    if (chan->ended) {
        writer_done(fields);
        return chan_wait_peer(chan);
    }
    int rc = session_send(chan, name, true, fields);
    return rc == 0 ? chan_wait_peer(chan) : rc;
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
    return rc == 0 ? chan_fail_open(SSHIO_OPEN_REQUEST_PTY_FAILED, "PTY request failed") : rc;
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
        rc = chan_open(chan, "session", o->window, o->max_pktsize, SPAN(NULL, 0));
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
    if (chan == NULL)
        return fail(SSHIO_EINVAL, "sshio_create_session: no place for the channel");
    int rc = OPTIONS_TAKE(&known, options);
    if (rc == 0)
        rc = client_session_open(conn, handlers, user, &known, &opened);
    if (rc != 0)
        return rc;
    *chan = sshio_chan_ref(opened);
    chan_release(opened);
    return 0;
}
