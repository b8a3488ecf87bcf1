/* Starting servers: listen, create_server, run_server, and the listener that accepts connections. A listener's memory
 * lives until users have given it back, it is closed, and its last connection is gone. */
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sshio/authorized_keys.h>

#include "base/memory.h"
#include "conn/config_options.h"
#include "conn/conn.h"
#include "conn/sources.h"
#include "crypto/random.h"
#include "io/last_error.h"
#include "io/net_listener.h"
#include "io/options.h"

#define PORT_DEFAULT 22
#define PORT_MAX 65535
#define BACKLOG_DEFAULT 100

struct sshio_listener {
    int refs; /* users', one while it listens, one for each connection */
    struct settings *settings;
    struct loop *loop;
    struct loop_object object;
    struct net_listener *net; /* NULL = closed */
    bool closing;
    struct waiters closed;
    uint32_t unauthenticated;
    sshio_logger *logger;
};

static void release(sshio_listener *l)
{
    if (--l->refs > 0)
        return;
    settings_unref(l->settings);
    mem_free(l);
}

sshio_listener *sshio_listener_ref(sshio_listener *listener)
{
    listener->refs++;
    return listener;
}

void sshio_listener_unref(sshio_listener *listener)
{
    if (listener != NULL)
        release(listener);
}

/* ---- accepting ---- */

void listener_conn_made(sshio_listener *l)
{
    l->refs++;
    l->unauthenticated++;
}

void listener_conn_authenticated(sshio_listener *l)
{
    l->unauthenticated--;
}

void listener_conn_gone(sshio_listener *l, sshio_conn *conn)
{
    if (!conn->let_in)
        l->unauthenticated--;
    conn->listener = NULL;
    release(l);
}

/* A number from 0 to 99; 0, which refuses, when the generator fails. */
static uint32_t throw_dice(void)
{
    uint64_t number;
    return random_bytes(&number, sizeof number) ? (uint32_t)(number % 100) : 0;
}

static const char *refusal(void *owner)
{
    sshio_listener *l = owner;
    uint32_t chance = startups_chance(&l->settings->max_startups, l->unauthenticated);
    if (chance == 0 || (chance < 100 && throw_dice() >= chance))
        return NULL;
    log_warning(l->logger, "too many connections that have not logged in (%u): one was refused", l->unauthenticated);
    return "Exceeded MaxStartups\r\n";
}

static void accepted(void *owner, struct stream *stream)
{
    sshio_listener *l = owner;
    struct error e;
    sshio_conn *conn = NULL;
    error_init(&e);
    if (conn_new(l->settings, l->loop, stream, NULL, 0, l, &conn, &e) == 0)
        sshio_conn_unref(conn); /* it lives by itself */
    else
        log_error(l->logger, "a connection could not be served: %s", error_message(&e));
    error_clear(&e);
}

/* ---- the listener ---- */

static void net_closed(void *owner)
{
    sshio_listener *l = owner;
    l->net = NULL;
    loop_object_remove(&l->object);
    waiters_wake(&l->closed, 0);
    release(l);
}

void sshio_listener_close(sshio_listener *listener)
{
    if (listener->closing)
        return;
    listener->closing = true;
    net_listener_close(listener->net, net_closed);
}

int sshio_listener_wait_closed(sshio_listener *listener)
{
    int rc = completion_can_wait();
    if (rc != 0 || listener->net == NULL)
        return listener->net == NULL ? 0 : rc;
    listener->refs++;
    rc = waiters_wait(&listener->closed);
    release(listener);
    return rc;
}

int sshio_listener_get_port(const sshio_listener *listener)
{
    const sshio_address *addresses = NULL;
    size_t count = listener->net != NULL ? net_listener_addresses(listener->net, &addresses) : 0;
    for (size_t i = 1; i < count; i++)
        if (addresses[i].port != addresses[0].port)
            return 0;
    return count != 0 ? addresses[0].port : 0;
}

int sshio_listener_get_addresses(const sshio_listener *listener, sshio_addresses *addresses)
{
    const sshio_address *from = NULL;
    size_t count = listener->net != NULL ? net_listener_addresses(listener->net, &from) : 0;
    sshio_addresses copy = { .items = mem_array(count + 1, sizeof *copy.items) };
    if (copy.items == NULL)
        return fail_nomem();
    for (; copy.count < count; copy.count++) {
        sshio_address *to = &copy.items[copy.count];
        to->port = from[copy.count].port;
        to->host = mem_strdup(from[copy.count].host);
        if (to->host == NULL) {
            sshio_addresses_free(&copy);
            return fail_nomem();
        }
    }
    *addresses = copy;
    return 0;
}

static void close_object(struct loop_object *object)
{
    sshio_listener_close(LIST_ENTRY(object, sshio_listener, object));
}

struct listening {
    const char *host;
    int port;
    int default_port; /* of the configuration, else that of SSH */
    const sshio_server_options *options;
    const char *host_key_algs; /* of the configuration; NULL = the defaults */
    sshio_listener **listener;
};

static const struct net_listener_events net_events = { .refusal = refusal, .accepted = accepted };

static int open_net(sshio_listener *l, const struct listening *c, struct error *e)
{
    const sshio_server_options *o = c->options;
    struct listen_options listen = {
        .host = c->host,
        .port = c->port == SSHIO_PORT_DEFAULT ? c->default_port : c->port,
        .family = o->family == SSHIO_FAMILY_INET    ? AF_INET
                  : o->family == SSHIO_FAMILY_INET6 ? AF_INET6
                                                    : AF_UNSPEC,
        .resolver_flags = o->resolver_flags != 0 ? o->resolver_flags : AI_PASSIVE,
        .backlog = o->backlog != 0 ? o->backlog : BACKLOG_DEFAULT,
        .reuse_address = settings_tri(o->reuse_address, true),
        .reuse_port = settings_tri(o->reuse_port, false),
        .sock = o->sock,
        .keepalive = l->settings->tcp_keepalive,
    };
    return net_listener_open(l->loop, &listen, &net_events, l, l->logger, &l->net, e);
}

static int listener_new(struct settings *s, struct loop *loop, const struct listening *c, struct error *e)
{
    sshio_listener *l = mem_zalloc(sizeof *l);
    if (l == NULL)
        return error_nomem(e);
    *l = (sshio_listener){ .refs = 1, .settings = settings_ref(s), .loop = loop, .logger = log_base() };
    l->object = (struct loop_object){ .close = close_object, .keeps_running = true };
    list_init(&l->object.link);
    waiters_init(&l->closed);
    int rc = open_net(l, c, e);
    if (rc != 0) {
        release(l);
        return rc;
    }
    l->refs++;
    loop_object_add(loop, &l->object);
    *c->listener = l;
    return 0;
}

static int listen_now(void *arg)
{
    struct listening *c = arg;
    struct settings *s = NULL;
    struct loop *loop = loop_current();
    struct error e;
    error_init(&e);
    int rc = loop == NULL ? error_nomem(&e) : settings_server(c->options, c->host_key_algs, &s, &e);
    if (rc == 0)
        rc = listener_new(s, loop, c, &e);
    settings_unref(s);
    if (rc != 0)
        fail_with(&e);
    error_clear(&e);
    return rc;
}

int sshio_listen(const char *host, int port, const sshio_server_options *options, sshio_listener **listener)
{
    sshio_server_options known;
    struct listening c = { .host = host, .port = port, .options = &known, .listener = listener };
    int rc = completion_can_wait();
    if (rc == 0)
        rc = OPTIONS_TAKE(&known, options);
    if (rc != 0)
        return rc;
    if (port != SSHIO_PORT_DEFAULT && (port < 0 || port > PORT_MAX))
        return fail(SSHIO_EINVAL, "port %d is not between 0 and %d", port, PORT_MAX);
    struct configured configured;
    rc = configure_server(&known, &configured, last_error());
    c.default_port = (int)config_number(configured.config, KEYWORD_PORT, PORT_DEFAULT);
    c.host_key_algs = config_text(configured.config, KEYWORD_HOST_KEY_ALGORITHMS, NULL);
    if (rc == 0)
        rc = known.connect_timeout > 0 ? sshio_with_timeout(known.connect_timeout, listen_now, &c) : listen_now(&c);
    configured_done(&configured);
    return rc;
}

int sshio_create_server(const sshio_server_handlers *handlers, void *user, const char *host, int port,
                        const sshio_server_options *options, sshio_listener **listener)
{
    sshio_server_options with_handlers;
    int rc = OPTIONS_TAKE(&with_handlers, options);
    if (rc != 0)
        return rc;
    with_handlers.handlers = handlers;
    with_handlers.user = user;
    return sshio_listen(host, port, &with_handlers, listener);
}

/* ---- one connection ---- */

struct serving {
    int sock;
    const sshio_server_options *options;
    const char *host_key_algs; /* of the configuration; NULL = the defaults */
    sshio_conn **conn;
};

static int serve_now(struct serving *c, struct error *e)
{
    struct settings *s = NULL;
    struct stream *stream = NULL;
    sshio_conn *conn = NULL;
    struct loop *loop = loop_current();
    int rc = loop == NULL ? error_nomem(e) : settings_server(c->options, c->host_key_algs, &s, e);
    if (rc != 0)
        close(c->sock);
    if (rc == 0)
        rc = stream_from_socket(loop, c->sock, s->tcp_keepalive, &stream, e);
    if (rc == 0)
        rc = conn_new(s, loop, stream, NULL, 0, NULL, &conn, e);
    if (rc == 0 && (rc = conn_wait_ready(conn, e)) == 0)
        *c->conn = conn;
    else
        sshio_conn_unref(conn);
    settings_unref(s);
    return rc;
}

int sshio_run_server(int sock, const sshio_server_options *options, sshio_conn **conn)
{
    sshio_server_options known;
    struct serving c = { .sock = sock, .options = &known, .conn = conn };
    struct error e;
    int rc = completion_can_wait();
    if (rc == 0)
        rc = OPTIONS_TAKE(&known, options);
    if (rc != 0)
        return rc;
    if (sock < 0)
        return fail(SSHIO_EINVAL, "sshio_run_server: %d is not a socket", sock);
    struct configured configured;
    error_init(&e);
    rc = configure_server(&known, &configured, &e);
    c.host_key_algs = config_text(configured.config, KEYWORD_HOST_KEY_ALGORITHMS, NULL);
    if (rc != 0)
        close(sock);
    else
        rc = serve_now(&c, &e);
    configured_done(&configured);
    if (rc != 0)
        fail_with(&e);
    error_clear(&e);
    return rc;
}

int sshio_conn_set_authorized_keys(sshio_conn *conn, const sshio_source *keys)
{
    sshio_authorized_keys *loaded = NULL;
    if (!conn->server || keys == NULL)
        return fail(SSHIO_EINVAL, "sshio_conn_set_authorized_keys: not a server's connection, or no keys");
    int rc = completion_can_wait();
    if (rc == 0)
        rc = source_authorized_keys(keys, &loaded);
    if (rc != 0)
        return rc;
    sshio_authorized_keys_unref(conn->authorized_keys);
    conn->authorized_keys = loaded;
    return 0;
}
