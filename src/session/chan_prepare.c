/* Channels that a server's application makes before it accepts them: with options of their own, and known before they
 * are open. Until then they are as one that is closed. */
#include <sshio/connection.h>
#include <sshio/constants.h>

#include "io/last_error.h"
#include "io/options.h"
#include "session/chan.h"

/* A session's text is that of the server, unless it is said otherwise; what comes from other hosts is bytes. */
static int use_encoding(sshio_chan *chan, const sshio_channel_options *o)
{
    const struct settings *s = chan->conn->settings;
    bool session = chan->kind == CHAN_SESSION;
    const char *encoding = o->encoding == NULL && session ? s->encoding : o->encoding;
    sshio_text_errors errors = o->errors == SSHIO_ERRORS_UNSET && session ? s->errors : o->errors;
    return chan_use_encoding(chan, encoding, errors);
}

static int prepare(sshio_conn *conn, enum chan_kind kind, const sshio_channel_options *options, sshio_chan **out)
{
    sshio_channel_options known;
    int rc = OPTIONS_TAKE(&known, options);
    if (rc != 0)
        return rc;
    if (!conn->server)
        return fail(SSHIO_EINVAL, "a client's channels are made by opening them");
    sshio_chan *chan = chan_new(conn, NULL, NULL);
    if (chan == NULL)
        return fail_nomem();
    chan->kind = kind;
    chan->prepared = chan->is_closed = true;
    chan->window = known.window;
    chan->max_packet = known.max_pktsize;
    rc = use_encoding(chan, &known);
    if (rc == 0)
        *out = sshio_chan_ref(chan);
    chan_release(chan);
    return rc;
}

int sshio_create_server_channel(sshio_conn *conn, const sshio_channel_options *options, sshio_chan **chan)
{
    return prepare(conn, CHAN_SESSION, options, chan);
}

int sshio_create_tcp_channel(sshio_conn *conn, const sshio_channel_options *options, sshio_chan **chan)
{
    return prepare(conn, CHAN_TCP, options, chan);
}

sshio_chan *chan_of_prepared(sshio_chan *prepared, const sshio_session_handlers *handlers, void *user)
{
    chan_hold(prepared);
    sshio_chan_unref(prepared);
    prepared->prepared = prepared->is_closed = false;
    prepared->handlers = *handlers;
    prepared->user = user;
    return prepared;
}
