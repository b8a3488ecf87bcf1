/* Starting clients: connect, create_connection, run_client. What the stream is: a socket that was given, else a tunnel,
 * else a way over other hosts, else a program, else a connection of our own. */
#include "conn/client.h"

#include <sys/socket.h>

#include "conn/config_options.h"
#include "conn/conn.h"
#include "conn/jump.h"
#include "conn/proxy.h"
#include "conn/tunnel.h"
#include "io/last_error.h"
#include "io/options.h"

#define PORT_DEFAULT 22

struct connecting {
    const char *host;
    const sshio_client_options *options;
    int sock; /* -1 = connect to host */
    unsigned *jumps_left;
    sshio_conn **conn;
    enum probe probe; /* what only to ask for; then conn is NULL, and one of the next is not */
    sshio_texts *methods;
    sshio_key **key;
};

static int address_family(sshio_family family)
{
    return family == SSHIO_FAMILY_INET ? AF_INET : family == SSHIO_FAMILY_INET6 ? AF_INET6 : AF_UNSPEC;
}

static bool is_given(const void *option)
{
    return option != NULL && option != sshio_none;
}

static int target_port(const struct connecting *c)
{
    return c->options->port != 0 ? c->options->port : PORT_DEFAULT;
}

static int connect_over_hops(struct loop *loop, const struct connecting *c, struct stream **stream, struct error *e)
{
    sshio_conn *last = NULL;
    int rc = jump_open(c->options, c->jumps_left, &last);
    if (rc == 0)
        rc = tunnel_connect(loop, last, c->host, target_port(c), stream, e);
    else
        error_copy(e, last_error());
    sshio_conn_unref(last); /* the stream keeps it */
    return rc;
}

static int open_stream(struct loop *loop, const struct connecting *c, const struct settings *s, struct stream **stream,
                       struct proxy **proxy, struct error *e)
{
    const sshio_client_options *o = c->options;
    const char *bind_address = is_given(o->bind_address) ? o->bind_address : NULL;
    bool as_words = is_given(o->proxy_argv);
    if (c->sock >= 0)
        return stream_from_socket(loop, c->sock, s->tcp_keepalive, stream, e);
    if (is_given(o->tunnel))
        return tunnel_connect(loop, o->tunnel, c->host, target_port(c), stream, e);
    if (jump_is_wanted(o->proxy_jump))
        return connect_over_hops(loop, c, stream, e);
    if (as_words || is_given(o->proxy_command))
        return proxy_start(loop, o->proxy_command, as_words ? o->proxy_argv : NULL, proxy, stream, e);
    struct connect_options connect = {
        .host = c->host,
        .port = target_port(c),
        .family = address_family(o->family),
        .resolver_flags = o->resolver_flags,
        .bind_address = bind_address,
        .bind_port = o->bind_port,
        .keepalive = s->tcp_keepalive,
    };
    return stream_connect(loop, &connect, stream, e);
}

/* What the server takes is known when it has answered the first request, whether it let us in or not; its host key when
 * it has proved it, where a probe ends without an error. */
static int end_probe(sshio_conn *conn, const struct connecting *c, int rc, struct error *e)
{
    bool methods_known = conn->auth_methods != NULL || conn->authenticated;
    if (c->probe == PROBE_HOST_KEY && conn->host_key != NULL && error_code(&conn->error) == 0) {
        *c->key = sshio_key_ref(conn->host_key);
        rc = 0;
    } else if (c->probe == PROBE_AUTH_METHODS && methods_known) {
        rc = sshio_conn_get_server_auth_methods(conn, c->methods);
        if (rc != 0)
            error_copy(e, last_error());
    }
    sshio_conn_unref(conn);
    return rc;
}

/* The name and port that known hosts are asked for: those of the call, else the socket's other end. */
static int start(struct loop *loop, const struct connecting *c, struct settings *s, struct stream *stream,
                 struct proxy *proxy, struct error *e)
{
    char names[STREAM_NAMES_SIZE];
    sshio_address peer = { .host = "" };
    bool named = c->host != NULL && c->host[0] != '\0';
    if (!named)
        stream_names(stream, NULL, &peer, names);
    int port = c->options->port != 0 ? c->options->port : named || peer.port == 0 ? PORT_DEFAULT : peer.port;
    sshio_conn *conn = NULL;
    int rc = conn_new(s, loop, stream, named ? c->host : peer.host, port, NULL, &conn, e);
    if (rc != 0) {
        proxy_end(proxy);
        return rc;
    }
    conn->proxy = proxy;
    rc = conn_wait_ready(conn, e);
    if (c->probe != PROBE_NOTHING)
        return end_probe(conn, c, rc, e);
    if (rc == 0)
        *c->conn = conn;
    else
        sshio_conn_unref(conn);
    return rc;
}

static int check_options(const struct connecting *c, struct error *e)
{
    const sshio_client_options *o = c->options;
    if (is_given(o->proxy_command) && is_given(o->proxy_argv))
        return error_set(e, SSHIO_EINVAL,
                         "proxy_command and proxy_argv are given, which are the same as text and as words");
    if (c->sock < 0 && (c->host == NULL || c->host[0] == '\0'))
        return error_set(e, SSHIO_EINVAL, "no host to connect to");
    return 0;
}

static int connect_now(void *arg)
{
    struct connecting *c = arg;
    struct settings *s = NULL;
    struct stream *stream = NULL;
    struct proxy *proxy = NULL;
    struct loop *loop = loop_current();
    struct error e;
    error_init(&e);
    int rc = loop == NULL ? error_nomem(&e) : settings_client(c->options, &s, &e);
    if (rc == 0) {
        s->probe = c->probe;
        s->check_host = s->check_host && c->probe != PROBE_HOST_KEY;
        rc = open_stream(loop, c, s, &stream, &proxy, &e);
    }
    if (rc == 0)
        rc = start(loop, c, s, stream, proxy, &e);
    settings_unref(s);
    if (rc != 0)
        fail_with(&e);
    error_clear(&e);
    return rc;
}

/* c has what is wanted; the rest of it is set here. */
static int connect_with(const char *host, const sshio_client_options *options, int sock, struct connecting c)
{
    sshio_client_options known;
    unsigned jumps_left = JUMPS_MAX;
    int rc = completion_can_wait();
    if (rc == 0)
        rc = OPTIONS_TAKE(&known, options);
    if (rc != 0)
        return rc;
    c.host = host;
    c.options = &known;
    if (c.jumps_left == NULL)
        c.jumps_left = &jumps_left;
    c.sock = sock < 0 && known.sock != NULL ? *known.sock : sock;
    struct configured configured;
    rc = configure_client(&known, &c.host, &configured, last_error());
    if (rc == 0)
        rc = check_options(&c, last_error());
    if (rc == 0)
        rc = known.connect_timeout > 0 ? sshio_with_timeout(known.connect_timeout, connect_now, &c) : connect_now(&c);
    configured_done(&configured);
    return rc;
}

int sshio_connect(const char *host, const sshio_client_options *options, sshio_conn **conn)
{
    return connect_with(host, options, -1, (struct connecting){ .conn = conn });
}

int client_connect_hop(const char *host, const sshio_client_options *options, unsigned *jumps_left, sshio_conn **conn)
{
    return connect_with(host, options, -1, (struct connecting){ .jumps_left = jumps_left, .conn = conn });
}

static int take_with_handlers(sshio_client_options *to, const sshio_client_options *options,
                              const sshio_client_handlers *handlers, void *user)
{
    int rc = OPTIONS_TAKE(to, options);
    to->handlers = handlers;
    to->user = user;
    return rc;
}

int sshio_create_connection(const sshio_client_handlers *handlers, void *user, const char *host,
                            const sshio_client_options *options, sshio_conn **conn)
{
    sshio_client_options known;
    int rc = take_with_handlers(&known, options, handlers, user);
    return rc == 0 ? sshio_connect(host, &known, conn) : rc;
}

int sshio_connect_ssh(sshio_conn *conn, const char *host, const sshio_client_options *options, sshio_conn **inner)
{
    sshio_client_options through;
    int rc = OPTIONS_TAKE(&through, options);
    if (rc != 0)
        return rc;
    through.tunnel = conn;
    through.sock = NULL;
    return sshio_connect(host, &through, inner);
}

int sshio_create_ssh_connection(sshio_conn *conn, const sshio_client_handlers *handlers, void *user, const char *host,
                                const sshio_client_options *options, sshio_conn **inner)
{
    sshio_client_options known;
    int rc = take_with_handlers(&known, options, handlers, user);
    return rc == 0 ? sshio_connect_ssh(conn, host, &known, inner) : rc;
}

int sshio_run_client(int sock, const sshio_client_options *options, sshio_conn **conn)
{
    if (sock < 0)
        return fail(SSHIO_EINVAL, "sshio_run_client: %d is not a socket", sock);
    return connect_with("", options, sock, (struct connecting){ .conn = conn });
}

int sshio_get_server_auth_methods(const char *host, const sshio_client_options *options, sshio_texts *methods)
{
    return connect_with(host, options, -1, (struct connecting){ .probe = PROBE_AUTH_METHODS, .methods = methods });
}

int sshio_get_server_host_key(const char *host, const sshio_client_options *options, sshio_key **key)
{
    return connect_with(host, options, -1, (struct connecting){ .probe = PROBE_HOST_KEY, .key = key });
}
