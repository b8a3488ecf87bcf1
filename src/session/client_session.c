/* Opening a session as a client: the channel, the environment, then shell, command or subsystem. (RFC 4254 6.1 to 6.5)
 */
#include <string.h>

#include <sshio/constants.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "io/options.h"
#include "io/task.h"
#include "session/chan.h"

#define FIELDS_MAX (256u * 1024)

void sshio_session_options_init(sshio_session_options *options)
{
    OPTIONS_TAKE(options, NULL);
}

/* ---- options: those of the call, else of the connection ---- */

static const char *choose(const char *given, const char *otherwise)
{
    return given == sshio_none ? NULL : given != NULL ? given : otherwise;
}

static int set_texts(sshio_chan *chan, const sshio_session_options *o)
{
    const struct settings *s = chan->conn->settings;
    const char *command = choose(o->command, s->command);
    const char *subsystem = choose(o->subsystem, s->subsystem);
    const char *const *env = o->env != NULL ? o->env : texts_items(&s->env);
    if (o->subsystem != NULL && o->command == NULL)
        command = NULL; /* the call's subsystem is not run as the connection's command */
    bool wants_command = command != NULL && command[0] != '\0';
    if (wants_command && (chan->command = mem_strdup(command)) == NULL)
        return fail_nomem();
    if (!wants_command && subsystem != NULL && (chan->subsystem = mem_strdup(subsystem)) == NULL)
        return fail_nomem();
    if ((const void *)env == sshio_none)
        return 0;
    for (size_t i = 0; env[i] != NULL; i++)
        if (strchr(env[i], '=') == NULL || env[i][0] == '=')
            return fail(SSHIO_EINVAL, "environment entry is not NAME=value: %s", env[i]);
    return texts_copy(&chan->env, env) ? 0 : fail_nomem();
}

/* ---- waiting for the peer ---- */

static void cancel_waiting(struct completion *c, int code)
{
    sshio_chan *chan = c->user;
    chan->waiting = NULL;
    completion_complete(c, code);
}

/* The completion's result; when the channel ended meanwhile, its error is the caller's. */
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
    if (error_code(&chan->error) == 0)
        error_set_reason(&chan->error, SSHIO_ECHANNEL_OPEN, SSHIO_OPEN_CONNECT_FAILED, "SSH connection closed");
    return fail_with(&chan->error);
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
    return wait_peer(chan);
}

/* ---- requests ---- */

static int send_fields(sshio_chan *chan, const char *name, bool want_reply, struct writer *fields)
{
    int rc = writer_failed(fields) ? SSHIO_ELIMIT : channel_request(chan->ch, name, want_reply, writer_span(fields));
    writer_done(fields);
    return rc == 0 ? 0 : fail(rc, "request \"%s\" could not be sent: %s", name, sshio_error_text(rc));
}

static int send_env(sshio_chan *chan)
{
    for (size_t i = 0; i < chan->env.count; i++) {
        const char *entry = chan->env.items[i];
        size_t name_len = strcspn(entry, "=");
        struct writer fields;
        writer_init(&fields, FIELDS_MAX);
        put_string(&fields, entry, name_len);
        put_text(&fields, entry + name_len + 1);
        int rc = send_fields(chan, "env", false, &fields);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int start_program(sshio_chan *chan)
{
    const char *text = chan->command != NULL ? chan->command : chan->subsystem;
    const char *name = chan->command != NULL ? "exec" : chan->subsystem != NULL ? "subsystem" : "shell";
    struct writer fields;
    writer_init(&fields, FIELDS_MAX);
    if (text != NULL)
        put_text(&fields, text);
    chan->starting = true;
    int rc = send_fields(chan, name, true, &fields);
    if (rc == 0)
        rc = wait_peer(chan);
    chan->starting = false;
    if (rc == 0) {
        rc = error_set_reason(last_error(), SSHIO_ECHANNEL_OPEN, SSHIO_OPEN_REQUEST_SESSION_FAILED,
                              "Session request failed: the server refused to start %s%s%s", name,
                              text != NULL ? " " : "", text != NULL ? text : "");
    }
    return rc < 0 ? rc : 0;
}

static int open_session(sshio_chan *chan, const sshio_session_options *o)
{
    int rc = set_texts(chan, o);
    if (rc == 0)
        rc = open_channel(chan, o);
    if (rc != 0)
        return rc;
    chan_made(chan);
    rc = chan->ch != NULL ? send_env(chan) : wait_peer(chan);
    if (rc == 0)
        rc = chan->ch != NULL ? start_program(chan) : wait_peer(chan);
    if (rc == 0)
        chan_deliver(chan);
    return rc;
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
        return error_set_reason(last_error(), SSHIO_ECHANNEL_OPEN, SSHIO_OPEN_CONNECT_FAILED, "SSH connection closed");
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
