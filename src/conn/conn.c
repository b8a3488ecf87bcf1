/* Connections: the life of one, and the glue between its engine and its stream. The states are drawn in conn.h. */
#include "conn/conn.h"
#include "conn/proxy.h"

#include <string.h>

#include <sshio/authorized_keys.h>
#include <sshio/constants.h>

#include "base/memory.h"
#include "conn/channel_type.h"
#include "io/last_error.h"
#include "io/task.h"

static void follow_up(struct deferred *d);

/* ---- references ---- */

void conn_hold(sshio_conn *conn)
{
    conn->refs++;
}

static void conn_free(sshio_conn *conn)
{
    engine_free(conn->engine);
    mem_free(conn->host_key_algs);
    timer_free(conn->timer);
    deferred_cancel(&conn->after);
    loop_object_remove(&conn->object);
    settings_unref(conn->settings);
    sshio_key_unref(conn->host_key);
    sshio_authorized_keys_unref(conn->authorized_keys);
    auth_server_free(conn);
    logger_unref(conn->logger);
    error_clear(&conn->error);
    error_clear(&conn->failing);
    texts_done(&conn->extra);
    mem_free(conn->close_text);
    mem_free(conn->close_lang);
    mem_free(conn->host);
    mem_free(conn->username);
    mem_free(conn->auth_methods);
    mem_free(conn->names);
    mem_free(conn);
}

void conn_release(sshio_conn *conn)
{
    if (--conn->refs == 0)
        conn_free(conn);
}

/* All references of users together hold one of the inner ones. */
sshio_conn *sshio_conn_ref(sshio_conn *conn)
{
    if (conn->user_refs++ == 0)
        conn_hold(conn);
    return conn;
}

void sshio_conn_unref(sshio_conn *conn)
{
    if (conn == NULL || --conn->user_refs > 0)
        return;
    if (conn->listener == NULL && conn->state != CONN_CLOSED) {
        sshio_conn_close(conn);
        if (sshio_task_self() == NULL && !loop_is_running(conn->loop))
            sshio_conn_wait_closed(conn);
    }
    conn_release(conn);
}

/* ---- output and input ---- */

static void output_ready(void *owner)
{
    sshio_conn *conn = owner;
    if (!conn->stream_gone)
        stream_want_write(conn->stream);
}

static struct span stream_output(void *owner)
{
    sshio_conn *conn = owner;
    return engine_output(conn->engine, loop_now_ms(conn->loop));
}

static void stream_sent(void *owner, size_t len)
{
    sshio_conn *conn = owner;
    engine_sent(conn->engine, len);
    if (conn->state == CONN_CLOSING || conn->state == CONN_ENDED)
        loop_defer(conn->loop, &conn->after);
}

static void set_timer(sshio_conn *conn)
{
    uint64_t at = engine_ended(conn->engine) ? UINT64_MAX : engine_deadline(conn->engine);
    if (conn->linger_until_ms != 0 && !conn->stream_closing && conn->linger_until_ms < at)
        at = conn->linger_until_ms;
    timer_at(conn->timer, at);
}

/* Before login a question does not stop the reading: what comes meanwhile stays with the stream, up to a block of it,
 * and a peer that goes away is noticed while a handler is still being asked about it. */
static void set_reading(sshio_conn *conn)
{
    bool held = engine_waiting(conn->engine) && conn->authenticated;
    bool wanted = !held && !engine_ended(conn->engine);
    if (wanted == conn->reading || conn->stream_gone)
        return;
    conn->reading = wanted;
    if (wanted)
        stream_read_start(conn->stream);
    else
        stream_read_stop(conn->stream);
}

static size_t stream_received(void *owner, uint8_t *data, size_t len)
{
    sshio_conn *conn = owner;
    size_t used = engine_receive(conn->engine, data, len, loop_now_ms(conn->loop));
    set_reading(conn);
    set_timer(conn);
    return used;
}

void conn_verdict_given(sshio_conn *conn)
{
    if (conn->stream_gone || engine_ended(conn->engine))
        return;
    set_reading(conn);
    if (conn->reading)
        stream_read_again(conn->stream);
    set_timer(conn);
}

static void stream_ended(void *owner, const struct error *error)
{
    sshio_conn *conn = owner;
    conn->stream_gone = true;
    if (engine_ended(conn->engine)) {
        loop_defer(conn->loop, &conn->after);
        return;
    }
    struct error lost;
    error_init(&lost);
    error_set(&lost, SSHIO_ECONNECTION_LOST, error != NULL ? "Connection lost: %s" : "Connection lost",
              error != NULL ? error_message(error) : "");
    engine_lost(conn->engine, conn->state == CONN_CLOSING ? NULL : &lost);
    error_clear(&lost);
}

static void timer_fired(void *user)
{
    sshio_conn *conn = user;
    if (!engine_ended(conn->engine))
        engine_tick(conn->engine, loop_now_ms(conn->loop));
    loop_defer(conn->loop, &conn->after); /* sets the timer again */
}

/* ---- closing ---- */

static void tell_owner_lost(sshio_conn *conn)
{
    const sshio_error *error = error_code(&conn->error) != 0 ? &conn->error.pub : NULL;
    if (!conn->owner_told)
        return;
    conn->owner_told = false;
    if (conn->server && conn->settings->handlers.connection_lost != NULL)
        conn->settings->handlers.connection_lost(conn, error, conn->user);
    if (!conn->server && conn->settings->client.connection_lost != NULL)
        conn->settings->client.connection_lost(conn, error, conn->user);
}

static void complete_ready(sshio_conn *conn, int result)
{
    struct completion *ready = conn->ready;
    conn->ready = NULL;
    if (ready != NULL)
        completion_complete(ready, result);
}

static void stream_closed(void *owner)
{
    sshio_conn *conn = owner;
    conn->stream = NULL;
    conn->state = CONN_CLOSED;
    proxy_end(conn->proxy);
    conn->proxy = NULL;
    if (error_code(&conn->error) != 0)
        log_info(conn->logger, "Connection failure: %s", error_message(&conn->error));
    else
        log_info(conn->logger, "Connection closed");
    sshio_listener *listener = conn->listener;
    if (listener != NULL && !conn->authenticated && conn->settings->error_handler != NULL)
        conn->settings->error_handler(conn, error_code(&conn->error) != 0 ? &conn->error.pub : NULL, conn->user);
    tell_owner_lost(conn);
    if (listener != NULL)
        listener_conn_gone(listener, conn);
    complete_ready(conn, error_code(&conn->error) != 0 ? error_code(&conn->error) : SSHIO_ECLOSED);
    waiters_wake(&conn->closed, 0);
    loop_object_remove(&conn->object);
    deferred_cancel(&conn->after);
    timer_stop(conn->timer);
    conn_release(conn);
}

/* The engine's event: channels were told already. */
static void engine_event_ended(void *owner, const struct error *error)
{
    sshio_conn *conn = owner;
    if (error != NULL)
        error_copy(&conn->error, error);
    conn->state = CONN_ENDED;
    auth_client_end(conn);
    auth_server_end(conn);
    if (conn->helper != NULL)
        sshio_cancel(conn->helper);
    if (conn->linger_until_ms == 0)
        conn->linger_until_ms = loop_now_ms(conn->loop) + conn->settings->linger_ms;
    loop_defer(conn->loop, &conn->after);
}

static bool linger_is_over(const sshio_conn *conn)
{
    return conn->linger_until_ms != 0 && loop_now_ms(conn->loop) >= conn->linger_until_ms;
}

static void abort_now(sshio_conn *conn)
{
    conn->stream_gone = true;
    engine_lost(conn->engine, NULL);
}

/* Channels close behind what they have queued; then DISCONNECT ends it all. */
static void step_of_closing(sshio_conn *conn)
{
    if (!conn->channels_closed) {
        conn->channels_closed = true;
        engine_close_channels(conn->engine);
        output_ready(conn);
    }
    if (linger_is_over(conn) || conn->stream_gone || !engine_has_queued(conn->engine)) {
        const char *text = conn->close_text != NULL ? conn->close_text : "Disconnected by application";
        engine_disconnect(conn->engine, conn->close_reason, text, conn->close_lang);
    }
}

static void step_of_end(sshio_conn *conn)
{
    bool written = conn->stream_gone || engine_unsent(conn->engine) == 0;
    if (!written && !linger_is_over(conn)) {
        stream_want_write(conn->stream);
        return;
    }
    conn->stream_closing = true;
    conn->stream_gone = true;
    stream_close(conn->stream);
}

/* What follows from events and calls, from a fresh stack, a step at a time. */
static void follow_up(struct deferred *d)
{
    sshio_conn *conn = LIST_ENTRY(d, sshio_conn, after);
    conn_hold(conn);
    if (!engine_ended(conn->engine) && conn->aborting)
        abort_now(conn);
    if (!engine_ended(conn->engine) && error_code(&conn->failing) != 0)
        engine_fail(conn->engine, &conn->failing);
    if (conn->state == CONN_CLOSING)
        step_of_closing(conn);
    if (conn->state == CONN_ENDED && !conn->stream_closing) {
        step_of_end(conn);
    }
    if (conn->state != CONN_CLOSED)
        set_timer(conn);
    conn_release(conn);
}

static void start_closing(sshio_conn *conn, uint32_t reason, const char *text, const char *lang)
{
    if (conn->state != CONN_OPENING && conn->state != CONN_OPEN)
        return;
    conn->state = CONN_CLOSING;
    conn->close_reason = reason;
    conn->close_text = mem_strdup(text);
    conn->close_lang = mem_strdup(lang);
    conn->linger_until_ms = loop_now_ms(conn->loop) + conn->settings->linger_ms;
    loop_defer(conn->loop, &conn->after);
}

void sshio_conn_close(sshio_conn *conn)
{
    start_closing(conn, SSHIO_DISC_BY_APPLICATION, NULL, NULL);
}

void sshio_conn_disconnect(sshio_conn *conn, uint32_t code, const char *reason, const char *lang)
{
    start_closing(conn, code, reason != NULL ? reason : "", lang);
}

/* Not from inside the user's call: the engine tells the channels, and they tell the user. */
void sshio_conn_abort(sshio_conn *conn)
{
    if (conn->state == CONN_CLOSED || conn->stream_gone)
        return;
    conn->aborting = true;
    loop_defer(conn->loop, &conn->after);
}

int sshio_conn_wait_closed(sshio_conn *conn)
{
    int rc = completion_can_wait();
    if (rc != 0 || conn->state == CONN_CLOSED)
        return conn->state == CONN_CLOSED ? 0 : rc;
    conn_hold(conn);
    rc = waiters_wait(&conn->closed);
    conn_release(conn);
    return rc;
}

void conn_fail_later(sshio_conn *conn, const struct error *error)
{
    if (engine_ended(conn->engine) || error_code(&conn->failing) != 0)
        return;
    error_copy(&conn->failing, error);
    loop_defer(conn->loop, &conn->after);
}

void conn_handler_failed(sshio_conn *conn, int code, const struct error *raised)
{
    struct error e;
    error_init(&e);
    if (raised != NULL && error_code(raised) == code)
        error_copy(&e, raised);
    else
        error_set(&e, code, "a handler failed: %s", sshio_error_text(code));
    conn_fail_later(conn, &e);
    error_clear(&e);
}

bool conn_is_open(const sshio_conn *conn)
{
    return conn->state == CONN_OPEN;
}

/* ---- events of the engine ---- */

static void version_received(void *owner, const char *line)
{
    sshio_conn *conn = owner;
    log_debug(conn->logger, 1, "%s version: %s", conn->server ? "Client" : "Server", line);
}

static void debug_received(void *owner, bool always_display, struct span msg, struct span lang)
{
    sshio_conn *conn = owner;
    char escaped[1024];
    log_debug(conn->logger, 1, "Debug message from peer: %s", log_escaped(msg, escaped, sizeof escaped));
    void (*tell)(sshio_conn *, const char *, const char *, bool,
                 void *) = conn->server ? conn->settings->handlers.debug_msg_received
                                        : conn->settings->client.debug_msg_received;
    if (tell == NULL)
        return;
    char *text = span_dup_text(msg), *language = span_dup_text(lang);
    if (text != NULL && language != NULL)
        tell(conn, text, language, always_display, conn->user);
    mem_free(text);
    mem_free(language);
}

static void host_key_received(void *owner, struct span blob, const struct sig_alg *alg)
{
    host_key_decide(owner, blob, alg);
}

static void sign_exchange(void *owner, void *key, const struct sig_alg *alg, struct span hash)
{
    host_key_sign(owner, key, alg, hash);
}

static void compute(void *owner, struct engine_job *job)
{
    conn_compute(owner, job);
}

static void keys_changed(void *owner, bool first)
{
    sshio_conn *conn = owner;
    log_debug(conn->logger, 1, first ? "Completed key exchange" : "Completed key re-exchange");
    if (first && conn->settings->probe == PROBE_HOST_KEY)
        abort_now(conn);
}

static void auth_asked(void *owner)
{
    auth_client_ready(owner);
}

static void auth_failed(void *owner, struct span methods, bool partial_success)
{
    auth_client_failed(owner, methods, partial_success);
}

static void auth_key_accepted(void *owner, struct span alg, struct span blob)
{
    auth_client_key_accepted(owner, alg, blob);
}

static void auth_password_change(void *owner, struct span prompt, struct span lang)
{
    auth_client_password_change(owner, prompt, lang);
}

static void auth_challenged(void *owner, const struct auth_challenge *challenge)
{
    auth_client_challenged(owner, challenge);
}

static void auth_banner(void *owner, struct span msg, struct span lang)
{
    auth_client_banner(owner, msg, lang);
}

static void auth_requested(void *owner, const struct auth_request *request)
{
    auth_server_requested(owner, request);
}

static void channel_requested(void *owner, struct channel *ch, struct span type, struct span data)
{
    sshio_conn *conn = owner;
    char escaped[128];
    for (const struct channel_type *row = channel_types; row->name != NULL; row++) {
        if (!span_is(type, row->name))
            continue;
        if (row->client_opens == conn->server)
            row->requested(conn, ch, data);
        else
            channel_refuse(ch, SSHIO_OPEN_ADMINISTRATIVELY_PROHIBITED, "Channel type not accepted here");
        return;
    }
    log_debug(conn->logger, 1, "Unknown channel type: %s", log_escaped(type, escaped, sizeof escaped));
    channel_refuse(ch, SSHIO_OPEN_UNKNOWN_CHANNEL_TYPE, "Unknown channel type");
}

static void global_request(void *owner, struct span name, bool want_reply, struct span data)
{
    sshio_conn *conn = owner;
    char escaped[128];
    (void)want_reply, (void)data;
    bool keepalive = span_is(name, "keepalive@openssh.com");
    if (!keepalive)
        log_debug(conn->logger, 1, "Unknown global request: %s", log_escaped(name, escaped, sizeof escaped));
    engine_global_reply(conn->engine, keepalive, SPAN(NULL, 0));
}

/* ---- authentication is over ---- */

static void let_in(sshio_conn *conn)
{
    conn->let_in = true;
    if (conn->listener != NULL)
        listener_conn_authenticated(conn->listener);
    complete_ready(conn, 0);
}

/* Server: the handlers that may wait; the peer's messages wait for them. */
static int run_auth_completed(void *arg)
{
    sshio_conn *conn = arg;
    const struct settings *s = conn->settings;
    if (s->handlers.auth_completed != NULL)
        s->handlers.auth_completed(conn, conn->user);
    if (!conn_is_open(conn))
        return 0;
    let_in(conn);
    engine_hold(conn->engine, false);
    conn_verdict_given(conn);
    return s->acceptor != NULL && conn->listener != NULL ? s->acceptor(conn, conn->user) : 0;
}

static void auth_completed_done(int result, void *arg)
{
    sshio_conn *conn = arg;
    conn->helper = NULL;
    if (result < 0)
        conn_handler_failed(conn, result, NULL);
    conn_release(conn);
}

static void server_authenticated(sshio_conn *conn)
{
    const struct settings *s = conn->settings;
    if (s->handlers.auth_completed == NULL && (s->acceptor == NULL || conn->listener == NULL)) {
        let_in(conn);
        return;
    }
    struct error e;
    error_init(&e);
    engine_hold(conn->engine, true);
    conn_hold(conn);
    if (task_start(conn->loop, run_auth_completed, conn, auth_completed_done, &conn->helper, &e) != 0) {
        conn_fail_later(conn, &e);
        conn_release(conn);
    }
    error_clear(&e);
}

static void authenticated(void *owner)
{
    sshio_conn *conn = owner;
    if (!conn->server && !auth_client_success(conn))
        return;
    conn->authenticated = true;
    if (conn->state == CONN_OPENING)
        conn->state = CONN_OPEN;
    log_info(conn->logger, "Auth for user %s succeeded", conn->username != NULL ? conn->username : "");
    if (conn->server) {
        server_authenticated(conn);
        return;
    }
    if (conn->settings->client.auth_completed != NULL)
        conn->settings->client.auth_completed(conn, conn->user);
    let_in(conn);
}

static const struct engine_events engine_events = {
    .version_received = version_received,
    .host_key_received = host_key_received,
    .sign_exchange = sign_exchange,
    .compute = compute,
    .keys_changed = keys_changed,
    .debug_received = debug_received,
    .ended = engine_event_ended,
    .auth_asked = auth_asked,
    .auth_failed = auth_failed,
    .auth_key_accepted = auth_key_accepted,
    .auth_password_change = auth_password_change,
    .auth_challenged = auth_challenged,
    .auth_banner = auth_banner,
    .auth_requested = auth_requested,
    .authenticated = authenticated,
    .channel_requested = channel_requested,
    .global_request = global_request,
    .output_ready = output_ready,
};

static const struct stream_events stream_events = {
    .received = stream_received,
    .ended = stream_ended,
    .output = stream_output,
    .sent = stream_sent,
    .closed = stream_closed,
};

/* ---- the start ---- */

static void close_object(struct loop_object *object)
{
    sshio_conn_close(LIST_ENTRY(object, sshio_conn, object));
}

static int set_names(sshio_conn *conn)
{
    conn->local = conn->peer = (sshio_address){ .host = "" };
    conn->names = mem_zalloc(STREAM_NAMES_SIZE);
    if (conn->names == NULL)
        return SSHIO_ENOMEM;
    stream_names(conn->stream, &conn->local, &conn->peer, conn->names);
    return 0;
}

static int set_up(sshio_conn *conn, const char *host, int port, struct error *e)
{
    static uint64_t numbers;
    conn->logger = logger_new(log_base(), NULL, "conn=%llu", (unsigned long long)numbers++);
    conn->timer = timer_new(conn->loop, timer_fired, conn);
    conn->host = mem_strdup(host);
    conn->port = port;
    bool complete = conn->logger != NULL && conn->timer != NULL && (conn->host != NULL || host == NULL);
    if (!complete || set_names(conn) != 0)
        return error_nomem(e);
    conn->engine_config = conn->settings->engine;
    int rc = conn->server ? 0 : host_key_offer(conn, e);
    if (rc != 0)
        return rc;
    conn->engine = engine_new(&conn->engine_config, &engine_events, conn, loop_engine_buffers(conn->loop), conn->logger,
                              loop_now_ms(conn->loop));
    return conn->engine != NULL ? 0 : error_nomem(e);
}

static void tell_owner_made(sshio_conn *conn)
{
    conn->owner_told = true;
    if (conn->server && conn->settings->handlers.connection_made != NULL)
        conn->settings->handlers.connection_made(conn, conn->user);
    if (!conn->server && conn->settings->client.connection_made != NULL)
        conn->settings->client.connection_made(conn, conn->user);
}

int conn_new(struct settings *settings, struct loop *loop, struct stream *stream, const char *host, int port,
             sshio_listener *listener, sshio_conn **out, struct error *e)
{
    sshio_conn *conn = mem_zalloc(sizeof *conn);
    if (conn == NULL) {
        stream_drop(stream);
        return error_nomem(e);
    }
    conn->refs = 1;
    conn->settings = settings_ref(settings);
    conn->server = settings->server;
    conn->user = settings->user;
    conn->loop = loop;
    conn->stream = stream;
    error_init(&conn->error);
    error_init(&conn->failing);
    waiters_init(&conn->closed);
    deferred_init(&conn->after, follow_up);
    conn->object = (struct loop_object){ .close = close_object, .keeps_running = true };
    list_init(&conn->object.link);
    int rc = set_up(conn, host, port, e);
    if (rc != 0) {
        stream_drop(stream);
        conn_free(conn);
        return rc;
    }
    loop_object_add(loop, &conn->object);
    sshio_conn_ref(conn);
    if (listener != NULL)
        listener_conn_made(listener);
    conn->listener = listener;
    stream_set_owner(stream, &stream_events, conn);
    *out = conn;
    tell_owner_made(conn);
    engine_start(conn->engine);
    set_reading(conn);
    set_timer(conn);
    return 0;
}

static void cancel_ready(struct completion *c, int code)
{
    sshio_conn *conn = c->user;
    struct error e;
    error_init(&e);
    error_set(&e, code, code == SSHIO_ETIMEDOUT ? "timed out while connecting" : "cancelled while connecting");
    if (error_code(&conn->error) == 0)
        error_copy(&conn->error, &e);
    error_clear(&e);
    sshio_conn_abort(conn);
}

int conn_wait_ready(sshio_conn *conn, struct error *e)
{
    struct completion ready;
    if (conn->state == CONN_OPEN)
        return 0;
    completion_init(&ready, cancel_ready, conn);
    if (conn->state != CONN_CLOSED) {
        conn->ready = &ready;
        int rc = completion_wait(&ready);
        if (rc == 0)
            return 0;
    }
    if (error_code(&conn->error) != 0)
        error_copy(e, &conn->error);
    else
        error_set(e, SSHIO_ECONNECTION_LOST, "Connection closed before authentication");
    return error_code(e);
}
