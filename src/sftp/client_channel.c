/* SFTP clients on a channel of a connection, where the subsystem sftp runs; see client.h. */
#include "base/log.h"
#include "engine/quirks.h"
#include "io/last_error.h"
#include "session/chan.h"
#include "sftp/client.h"

/* ---- the port ---- */

static sshio_chan *chan_of(const sshio_sftp *s)
{
    return s->carrier;
}

static int port_write(sshio_sftp *s, const void *data, size_t len)
{
    return chan_write_bytes(chan_of(s), data, len, 0);
}

static bool port_is_full(const sshio_sftp *s)
{
    return chan_of(s)->writing_paused;
}

static bool port_is_far(const sshio_sftp *s)
{
    return engine_way_is_long(chan_of(s)->conn->engine);
}

static void port_read_stop(sshio_sftp *s)
{
    sshio_chan_pause_reading(chan_of(s));
}

static void port_read_start(sshio_sftp *s)
{
    sshio_chan_resume_reading(chan_of(s));
}

static void port_eof(sshio_sftp *s)
{
    sshio_chan_write_eof(chan_of(s));
}

static void port_close(sshio_sftp *s, bool at_once)
{
    if (at_once)
        sshio_chan_abort(chan_of(s));
    else
        sshio_chan_close(chan_of(s));
}

static int port_wait_closed(sshio_sftp *s)
{
    return sshio_chan_wait_closed(chan_of(s));
}

static void port_release(sshio_sftp *s)
{
    chan_release(chan_of(s));
}

static const struct client_port channel_port = {
    .write = port_write,
    .is_full = port_is_full,
    .is_far = port_is_far,
    .read_stop = port_read_stop,
    .read_start = port_read_start,
    .eof = port_eof,
    .close = port_close,
    .wait_closed = port_wait_closed,
    .release = port_release,
};

/* ---- handlers of the channel ---- */

static void connection_made(sshio_chan *chan, void *user)
{
    sshio_sftp *s = user;
    s->port = &channel_port;
    s->carrier = chan;
    s->quirks = engine_peer_quirks(chan->conn->engine);
    chan->buffers_all = true;
    chan_hold(chan);
    client_hold(s);
}

/* What a server writes to stderr is for people. (draft-ietf-secsh-filexfer-04 section 3.1) */
static void data_received(sshio_chan *chan, const void *data, size_t len, int datatype, void *user)
{
    sshio_sftp *s = user;
    char text[1024];
    (void)chan;
    if (datatype == 0)
        client_received(s, SPAN(data, len));
    else
        log_debug(s->logger, 1, "The server says: %s", log_escaped(SPAN(data, len), text, sizeof text));
}

static int eof_received(sshio_chan *chan, void *user)
{
    (void)chan;
    client_lose(user, "Connection closed");
    return 0;
}

static void connection_lost(sshio_chan *chan, const sshio_error *error, void *user)
{
    sshio_sftp *s = user;
    char text[512];
    (void)chan;
    snprintf(text, sizeof text, "%s", error != NULL ? error->message : "Connection closed");
    client_lose(s, text);
    client_release(s);
}

static void resume_writing(sshio_chan *chan, void *user)
{
    (void)chan;
    client_run_blocked(user);
}

static const sshio_session_handlers handlers = {
    .connection_made = connection_made,
    .data_received = data_received,
    .eof_received = eof_received,
    .connection_lost = connection_lost,
    .resume_writing = resume_writing,
};

/* ---- starting ---- */

static int open_channel(sshio_sftp *s, sshio_conn *conn, const sshio_sftp_options *o)
{
    sshio_session_options session;
    sshio_chan *chan = NULL;
    sshio_session_options_init(&session);
    session.subsystem = "sftp";
    session.request_pty = SSHIO_REQUEST_PTY_NO;
    session.env = o->env;
    session.send_env = o->send_env;
    session.encoding = SSHIO_NONE;
    int rc = client_session_open(conn, &handlers, s, &session, &chan);
    if (rc != 0)
        return rc;
    chan_expect_bulk(chan);
    s->lenient = conn->settings->engine.text_errors > SSHIO_ERRORS_STRICT;
    sshio_chan_set_write_buffer_limits(chan, CLIENT_QUEUE_HIGH, CLIENT_QUEUE_HIGH / 4);
    chan_release(chan); /* the client's is that of connection_made */
    return 0;
}

int sshio_start_sftp_client(sshio_conn *conn, const sshio_sftp_options *options, sshio_sftp **sftp)
{
    sshio_sftp_options known;
    sshio_sftp *s = NULL;
    if (sftp == NULL)
        return fail(SSHIO_EINVAL, "sshio_start_sftp_client: no place for the result");
    int rc = client_prepare(options, &known, conn->loop, conn->logger, &s);
    return rc == 0 ? client_begin(s, &known, open_channel(s, conn, &known), sftp) : rc;
}
