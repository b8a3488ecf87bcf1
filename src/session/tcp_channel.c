/* TCP channels of both sides; see tcp_channel.h. */
#include "session/tcp_channel.h"

#include <string.h>
#include <sys/socket.h>

#include <sshio/connection.h>
#include <sshio/constants.h>

#include "base/memory.h"
#include "forward/relay.h"
#include "io/last_error.h"
#include "io/options.h"
#include "io/stream.h"
#include "io/task.h"

#define PORT_MAX 65535
#define HOST_MAX_LEN 1024u
#define CONNECT_SECONDS 30.0

void sshio_channel_options_init(sshio_channel_options *options)
{
    OPTIONS_TAKE(options, NULL);
}

/* There is nothing to wait for: it starts at once. */
static void begin(sshio_chan *chan)
{
    chan_hold(chan);
    chan_made(chan);
    chan_start(chan);
    chan_deliver(chan);
    chan_release(chan);
}

/* ---- clients ---- */

struct opening {
    const sshio_session_handlers *handlers;
    void *user;
    const char *host;
    int port;
    const sshio_channel_options *options;
};

static int check(sshio_conn *conn, const struct opening *o)
{
    const char *orig = o->options->orig_host != NULL ? o->options->orig_host : "";
    int rc = completion_can_wait();
    if (rc != 0)
        return rc;
    if (conn->server)
        return fail(SSHIO_EINVAL, "a server cannot open a connection at its client without a listener there");
    if (o->host == NULL || strlen(o->host) > HOST_MAX_LEN || strlen(orig) > HOST_MAX_LEN)
        return fail(SSHIO_EINVAL, "no host to connect to, or a name of more than %u bytes", HOST_MAX_LEN);
    if (o->port < 0 || o->port > PORT_MAX || o->options->orig_port < 0 || o->options->orig_port > PORT_MAX)
        return fail(SSHIO_EINVAL, "port %d or %d is not between 0 and %d", o->port, o->options->orig_port, PORT_MAX);
    return 0;
}

static int open_direct(sshio_chan *chan, const struct opening *o)
{
    struct writer fields;
    writer_init(&fields, 2 * HOST_MAX_LEN + 16);
    put_text(&fields, o->host);
    put_u32(&fields, (uint32_t)o->port);
    put_text(&fields, o->options->orig_host != NULL ? o->options->orig_host : "");
    put_u32(&fields, (uint32_t)o->options->orig_port);
    int rc = writer_failed(&fields)
                 ? fail_nomem()
                 : chan_open(chan, "direct-tcpip", o->options->window, o->options->max_pktsize, writer_span(&fields));
    writer_done(&fields);
    return rc;
}

static int prepare(sshio_chan *chan, const struct opening *o)
{
    const char *orig = o->options->orig_host != NULL ? o->options->orig_host : "";
    chan->kind = CHAN_TCP;
    if (!chan_set_names(chan, &(sshio_address){ orig, o->options->orig_port }, &(sshio_address){ o->host, o->port }))
        return fail_nomem();
    return chan_use_encoding(chan, o->options->encoding, o->options->errors);
}

/* Waits. The chan has one inner reference for the caller. */
static int open_tcp(sshio_conn *conn, const struct opening *o, sshio_chan **out)
{
    int rc = check(conn, o);
    if (rc != 0)
        return rc;
    sshio_chan *chan = chan_new(conn, o->handlers, o->user);
    if (chan == NULL)
        return fail_nomem();
    rc = prepare(chan, o);
    if (rc == 0)
        rc = open_direct(chan, o);
    if (rc < 0) {
        sshio_chan_abort(chan);
        chan_release(chan);
        return rc;
    }
    begin(chan);
    *out = chan;
    return 0;
}

int sshio_conn_create_connection(sshio_conn *conn, const sshio_session_handlers *handlers, void *user,
                                 const char *remote_host, int remote_port, const sshio_channel_options *options,
                                 sshio_chan **chan)
{
    sshio_channel_options known;
    sshio_chan *opened = NULL;
    if (chan == NULL)
        return fail(SSHIO_EINVAL, "sshio_conn_create_connection: no place for the channel");
    int rc = OPTIONS_TAKE(&known, options);
    if (rc == 0)
        rc = open_tcp(conn, &(struct opening){ handlers, user, remote_host, remote_port, &known }, &opened);
    if (rc != 0)
        return rc;
    *chan = sshio_chan_ref(opened);
    chan_release(opened);
    return 0;
}

int sshio_open_connection(sshio_conn *conn, const char *remote_host, int remote_port,
                          const sshio_channel_options *options, sshio_reader **reader, sshio_writer **writer)
{
    sshio_channel_options known;
    sshio_chan *chan = NULL;
    if (reader == NULL || writer == NULL)
        return fail(SSHIO_EINVAL, "sshio_open_connection: no place for the streams");
    int rc = OPTIONS_TAKE(&known, options);
    if (rc != 0)
        return rc;
    struct streams *s = streams_new(conn, known.window != 0 ? known.window : conn->settings->window);
    if (s == NULL)
        return fail_nomem();
    rc = open_tcp(conn, &(struct opening){ &streams_handlers, s, remote_host, remote_port, &known }, &chan);
    if (rc == 0) {
        streams_attach(s, chan);
        chan_release(chan);
        *reader = sshio_reader_ref(&s->readers[0]);
        *writer = sshio_writer_ref(&s->writers[0]);
    }
    streams_release(s);
    return rc;
}

/* ---- servers ---- */

static sshio_chan *accept_tcp(struct asking *a, const sshio_session_handlers *handlers, void *user)
{
    sshio_chan *chan = asking_chan(a, handlers, user);
    if (chan == NULL)
        return NULL;
    if (!chan_set_names(chan, &(sshio_address){ a->dest_host, a->dest_port },
                        &(sshio_address){ a->orig_host, a->orig_port })) {
        chan_release(chan);
        return NULL;
    }
    chan_accept(chan, a->ch);
    a->ch = NULL;
    return chan;
}

bool tcp_channel_accept(struct asking *a, const sshio_session_handlers *handlers, void *user)
{
    sshio_chan *chan = accept_tcp(a, handlers, user);
    if (chan != NULL)
        begin(chan);
    return chan != NULL;
}

static int connect_out(void *arg)
{
    struct asking *a = arg;
    struct stream *stream = NULL;
    struct connect_options options = { .host = a->dest_host, .port = a->dest_port, .family = AF_UNSPEC };
    int rc = stream_connect(a->conn->loop, &options, &stream, last_error());
    if (rc != 0)
        return rc;
    if (engine_ended(a->conn->engine)) {
        stream_drop(stream);
        return SSHIO_ECLOSED;
    }
    struct channel *ch = a->ch;
    a->ch = NULL;
    relay_accept(a->conn, ch, stream);
    return 0;
}

/* The peer hears that it did not work; why is for our own log. */
static int forward(struct asking *a)
{
    int rc = sshio_with_timeout(CONNECT_SECONDS, connect_out, a);
    if (rc >= 0)
        return rc;
    log_info(a->conn->logger, "Forwarding to %s port %d failed: %s", a->dest_host, a->dest_port, sshio_error_message());
    return sshio_raise_channel_open(SSHIO_OPEN_CONNECT_FAILED, "Connection refused", NULL);
}

static int ask(struct asking *a)
{
    const struct settings *s = a->conn->settings;
    int answer = s->handlers.connection_requested(a->conn, a->dest_host, a->dest_port, a->orig_host, a->orig_port,
                                                  &a->req, a->conn->user);
    return answer == SSHIO_ACCEPT && a->ch != NULL ? forward(a) : answer;
}

const struct question tcp_question = { CHAN_TCP, ask, "Connection refused" };

static struct asking *read_question(sshio_conn *conn, struct channel *ch, struct span data)
{
    struct reader r;
    reader_init(&r, data.data, data.len);
    struct span dest_host = read_text(&r);
    uint32_t dest_port = read_u32(&r);
    struct span orig_host = read_text(&r);
    uint32_t orig_port = read_u32(&r);
    if (!reader_done(&r) || dest_host.len > HOST_MAX_LEN || orig_host.len > HOST_MAX_LEN) {
        channel_refuse(ch, SSHIO_OPEN_CONNECT_FAILED, "Malformed request for a connection");
        return NULL;
    }
    if (dest_port > PORT_MAX || orig_port > PORT_MAX) {
        channel_refuse(ch, SSHIO_OPEN_ADMINISTRATIVELY_PROHIBITED, "There is no such port");
        return NULL;
    }
    struct asking *a = asking_new(&tcp_question, conn, ch);
    if (a != NULL) {
        a->dest_host = span_dup_text(dest_host);
        a->orig_host = span_dup_text(orig_host);
        a->dest_port = (int)dest_port;
        a->orig_port = (int)orig_port;
        if (a->dest_host != NULL && a->orig_host != NULL)
            return a;
        asking_free(a);
    }
    channel_refuse(ch, SSHIO_OPEN_RESOURCE_SHORTAGE, "Out of memory");
    return NULL;
}

void tcp_channel_requested(sshio_conn *conn, struct channel *ch, struct span data)
{
    if (conn->settings->handlers.connection_requested == NULL) {
        channel_refuse(ch, SSHIO_OPEN_CONNECT_FAILED, tcp_question.refusal);
        return;
    }
    struct asking *a = read_question(conn, ch, data);
    if (a != NULL)
        asking_start(a);
}

/* ---- answers of connection_requested ---- */

/* A handler on the two ends of the channel. */
struct service {
    struct streams *streams;
    sshio_stream_fn handler;
    void *user;
    void (*release)(void *user);
};

static void service_free(struct service *v)
{
    streams_release(v->streams);
    if (v->release != NULL)
        v->release(v->user);
    mem_free(v);
}

static int serve(void *arg)
{
    struct service *v = arg;
    v->handler(&v->streams->readers[0], &v->streams->writers[0], v->user);
    return 0;
}

/* Its return closes, unless somebody keeps a stream. */
static void served(int result, void *arg)
{
    struct service *v = arg;
    (void)result;
    if (v->streams->user_refs == 0)
        sshio_chan_close(v->streams->chan);
    service_free(v);
}

static void start_service(void *user)
{
    struct service *v = user;
    sshio_chan *chan = v->streams->chan;
    struct error e;
    error_init(&e);
    if (task_start(chan->conn->loop, serve, v, served, NULL, &e) != 0) {
        log_error(sshio_chan_logger(chan), "a connection could not be served: %s", error_message(&e));
        served(0, v);
    }
    error_clear(&e);
}

static int accept_service(struct asking *a, struct service *v)
{
    sshio_chan *chan = v->streams != NULL ? accept_tcp(a, &streams_handlers, v->streams) : NULL;
    if (chan == NULL)
        return SSHIO_ENOMEM;
    v->streams->started = start_service;
    v->streams->user = v;
    streams_attach(v->streams, chan);
    begin(chan);
    return 0;
}

int tcp_channel_serve(struct asking *a, sshio_stream_fn handler, void *user, void (*release)(void *user))
{
    struct service *v = mem_zalloc(sizeof *v);
    if (v != NULL) {
        *v = (struct service){ streams_new(a->conn, asking_window(a)), handler, user, release };
        if (accept_service(a, v) == 0)
            return SSHIO_ANSWERED;
        service_free(v);
    } else if (release != NULL) {
        release(user);
    }
    return fail_nomem();
}

int sshio_accept_streams(sshio_request *req, sshio_stream_fn handler, void *user, sshio_chan *chan)
{
    struct asking *a = asking_of(req, &tcp_question, NULL, chan, "sshio_accept_streams");
    if (a == NULL)
        return SSHIO_EINVAL;
    if (handler == NULL)
        return fail(SSHIO_EINVAL, "sshio_accept_streams: no handler");
    return tcp_channel_serve(a, handler, user, NULL);
}

int sshio_accept_forward_connection(sshio_request *req, const char *host, int port)
{
    struct asking *a = asking_of(req, &tcp_question, NULL, NULL, "sshio_accept_forward_connection");
    if (a == NULL)
        return SSHIO_EINVAL;
    if (host == NULL || port < 0 || port > PORT_MAX)
        return fail(SSHIO_EINVAL, "sshio_accept_forward_connection: no host, or no port %d", port);
    char *copy = mem_strdup(host);
    if (copy == NULL)
        return fail_nomem();
    mem_free(a->dest_host);
    a->dest_host = copy;
    a->dest_port = port;
    return SSHIO_ACCEPT;
}
