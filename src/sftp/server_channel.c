/* SFTP sessions on a channel: who serves them, and how bytes come and go. See server.h. */
#include <sshio/server.h>

#include <string.h>

#include "base/memory.h"
#include "conn/request.h"
#include "engine/quirks.h"
#include "io/last_error.h"
#include "io/task.h"
#include "session/chan.h"
#include "sftp/server.h"

#define WRITE_HIGH (512u * 1024) /* unsent replies above which none is made */
#define WRITE_LOW (128u * 1024)

/* What the session was before, in the eyes of whom it belonged to: it only hears of the end. */
struct sftp_session {
    sshio_chan *chan; /* held: handlers may ask for it until exit, which comes after the end of the channel */
    sshio_session_handlers before;
    void *user_before;
    sshio_sftp_server *server; /* NULL = not decided yet */
    uint8_t *rest;             /* received, and not used yet */
    size_t rest_len;
    struct deferred feed;
    bool eof, lost, cleaned, deciding;
};

static void session_free(struct sftp_session *s)
{
    sshio_chan *chan = s->chan;
    deferred_cancel(&s->feed);
    sftp_server_release(s->server);
    mem_free(s->rest);
    mem_free(s);
    chan_release(chan);
}

static void free_if_over(struct sftp_session *s)
{
    bool nobody = s->server == NULL || s->cleaned;
    if (s->lost && nobody && !s->deciding)
        session_free(s);
}

/* ---- the port ---- */

static void port_write(sshio_sftp_server *server, const void *data, size_t len)
{
    struct sftp_session *s = server->port_user;
    if (chan_write_bytes(s->chan, data, len, 0) != 0)
        log_debug(server->logger, 1, "a reply was not sent: %s", sshio_error_message());
}

static void port_read_on(sshio_sftp_server *server)
{
    struct sftp_session *s = server->port_user;
    loop_defer(s->chan->conn->loop, &s->feed);
}

static void port_cleaned(sshio_sftp_server *server, int status)
{
    struct sftp_session *s = server->port_user;
    s->cleaned = true;
    if (!s->lost && s->chan->ch != NULL)
        sshio_chan_exit(s->chan, status);
    free_if_over(s);
}

static const struct sftp_port_ops channel_port = { port_write, port_read_on, port_cleaned };

/* ---- bytes ---- */

static void keep_rest(struct sftp_session *s, const uint8_t *data, size_t len)
{
    uint8_t *rest = mem_grow(s->rest, s->rest_len + len);
    if (rest == NULL) {
        sshio_chan_abort(s->chan);
        return;
    }
    memcpy(rest + s->rest_len, data, len);
    s->rest = rest;
    s->rest_len += len;
    sshio_chan_pause_reading(s->chan);
}

static void data_received(sshio_chan *chan, const void *data, size_t len, int datatype, void *user)
{
    struct sftp_session *s = user;
    (void)chan;
    if (datatype != 0)
        return;
    size_t used = s->server != NULL && s->rest_len == 0 ? sftp_server_feed(s->server, data, len) : 0;
    if (used < len)
        keep_rest(s, (const uint8_t *)data + used, len - used);
}

static void feed_rest(struct deferred *d)
{
    struct sftp_session *s = LIST_ENTRY(d, struct sftp_session, feed);
    uint8_t *rest = s->rest;
    size_t len = s->rest_len;
    s->rest = NULL;
    s->rest_len = 0;
    size_t used = sftp_server_feed(s->server, rest, len);
    if (used < len)
        keep_rest(s, rest + used, len - used);
    mem_free(rest);
    if (s->rest_len != 0)
        return;
    if (s->eof)
        sftp_server_eof(s->server);
    else
        sshio_chan_resume_reading(s->chan);
}

static int eof_received(sshio_chan *chan, void *user)
{
    struct sftp_session *s = user;
    (void)chan;
    s->eof = true;
    if (s->server != NULL && s->rest_len == 0)
        sftp_server_eof(s->server);
    return 1; /* what is under way is still answered */
}

static void pause_writing(sshio_chan *chan, void *user)
{
    struct sftp_session *s = user;
    (void)chan;
    if (s->server != NULL)
        sftp_server_port_full(s->server, true);
}

static void resume_writing(sshio_chan *chan, void *user)
{
    struct sftp_session *s = user;
    (void)chan;
    if (s->server != NULL)
        sftp_server_port_full(s->server, false);
}

static void connection_lost(sshio_chan *chan, const sshio_error *error, void *user)
{
    struct sftp_session *s = user;
    if (s->before.connection_lost != NULL)
        s->before.connection_lost(chan, error, s->user_before);
    s->lost = true;
    deferred_cancel(&s->feed);
    if (s->server != NULL && !s->cleaned && !s->deciding)
        sftp_server_lost(s->server); /* port_cleaned comes after that, perhaps at once */
    else
        free_if_over(s);
}

/* ---- who serves it ---- */

int sftp_server_decide(sshio_chan *chan, sshio_sftp_server **server)
{
    const struct settings *settings = chan->conn->settings;
    sshio_request req;
    request_init(&req, chan->conn, TAKES_SFTP_SERVER);
    req.place = server;
    *server = NULL;
    int rc = settings->sftp_factory != NULL ? settings->sftp_factory(chan, &req, chan->conn->user)
                                            : sshio_answer_sftp_server(&req, &settings->sftp_server->options);
    if (rc == SSHIO_ACCEPT && *server == NULL)
        rc = sshio_answer_sftp_server(&req, NULL);
    request_done(&req);
    return rc < 0 ? rc : 0;
}

static int decide(void *arg)
{
    struct sftp_session *s = arg;
    return sftp_server_decide(s->chan, &s->server);
}

static void begin(struct sftp_session *s)
{
    sshio_chan *chan = s->chan;
    const struct settings *settings = chan->conn->settings;
    sftp_server_serve_channel(s->server, chan);
    s->server->target_first = (engine_peer_quirks(chan->conn->engine) & QUIRK_SYMLINK_TARGET_FIRST) != 0;
    texts_copy(&s->server->env, texts_items(&chan->env));
    sshio_chan_set_write_buffer_limits(chan, WRITE_HIGH, WRITE_LOW);
    chan_expect_bulk(chan);
    sftp_server_start(s->server, &channel_port, s, sshio_chan_logger(chan), settings->sftp_version);
    port_read_on(s->server);
}

static void decided(int result, void *arg)
{
    struct sftp_session *s = arg;
    s->deciding = false;
    if (s->server != NULL && !s->lost) {
        begin(s);
        return;
    }
    if (result < 0)
        log_warning(sshio_chan_logger(s->chan), "an SFTP session was not served: %s", sshio_error_text(result));
    if (!s->lost)
        sshio_chan_exit(s->chan, 1);
    s->cleaned = true;
    free_if_over(s);
}

static void session_started(sshio_chan *chan, void *user)
{
    struct sftp_session *s = user;
    struct error e;
    error_init(&e);
    s->deciding = true;
    if (task_start(chan->conn->loop, decide, s, decided, NULL, &e) != 0)
        decided(error_code(&e), s);
    error_clear(&e);
}

static const sshio_session_handlers sftp_handlers = {
    .session_started = session_started,
    .data_received = data_received,
    .eof_received = eof_received,
    .connection_lost = connection_lost,
    .pause_writing = pause_writing,
    .resume_writing = resume_writing,
};

bool sftp_is_served(const struct settings *settings)
{
    return settings->sftp_factory != NULL || settings->sftp_server != NULL;
}

bool sftp_take_session(sshio_chan *chan)
{
    struct sftp_session *s = mem_zalloc(sizeof *s);
    if (s == NULL)
        return false;
    s->chan = chan;
    chan_hold(chan);
    s->before = chan->handlers;
    s->user_before = chan->user;
    deferred_init(&s->feed, feed_rest);
    chan->handlers = sftp_handlers;
    chan->user = s;
    chan->buffers_all = false;
    encoding_unref(chan->encoding); /* file contents are bytes */
    chan->encoding = NULL;
    return true;
}
