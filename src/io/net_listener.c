/* Listeners as their users call them, and the ones over sockets; see net_listener.h. */
#include "io/net_listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <uv.h>

#include "base/memory.h"
#include "io/address.h"
#include "io/loop.h"
#include "io/resolver.h"
#include "io/stream.h"
#include "io/timer.h"
#include "io/world.h"

#define ACCEPTS_PER_WAKEUP 64
#define PAUSE_MS 200  /* after a failed accept; the kernel keeps the queue meanwhile */
#define PORT_TRIES 16 /* to find a port that is free on all addresses */
#define DEFAULT_BACKLOG 100

struct socket {
    uv_poll_t poll;
    struct socket_listener *listener;
    int fd;
    bool has_handle;
    char text[ADDRESS_TEXT_SIZE];
};

struct socket_listener {
    struct net_listener base;
    struct loop *loop;
    const struct net_listener_events *events;
    void *owner;
    bool keepalive;
    sshio_logger *logger;
    struct socket *sockets;
    sshio_address *addresses;
    size_t count;
    struct timer *pause;
    bool warned; /* since the last accepted connection */
    bool closing;
    unsigned open_handles;
    void (*closed)(void *owner);
    char *path; /* of a UNIX socket that we made, and what stands there */
    struct stat made;
};

/* ---- accepting ---- */

static void polled(uv_poll_t *handle, int status, int events);

static void resume(void *user)
{
    struct socket_listener *l = user;
    for (size_t i = 0; i < l->count; i++)
        uv_poll_start(&l->sockets[i].poll, UV_READABLE, polled);
}

static void pause_accepting(struct socket_listener *l, int os_errno)
{
    if (!l->warned)
        log_warning(l->logger, "cannot accept connections: %s; trying again every %d ms", strerror(os_errno), PAUSE_MS);
    l->warned = true;
    for (size_t i = 0; i < l->count; i++)
        uv_poll_stop(&l->sockets[i].poll);
    timer_at(l->pause, loop_now_ms(l->loop) + PAUSE_MS);
}

/* Errors of one connection, which was gone before it was accepted. */
static bool is_passing(int os_errno)
{
    static const int passing[] = { EINTR,     ECONNABORTED, EPROTO,       ENETDOWN,   ENOPROTOOPT,
                                   EHOSTDOWN, ENONET,       EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH };
    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++)
        if (passing[i] == os_errno)
            return true;
    return false;
}

/* A reader of plain text sees why; the socket is closed at once, whoever reads. */
static void turn_away(int fd, const char *text)
{
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
}

static void take(struct socket_listener *l, int fd)
{
    struct stream *s = NULL;
    struct error e;
    const char *refusal = l->events->refusal != NULL ? l->events->refusal(l->owner) : NULL;
    if (refusal != NULL) {
        turn_away(fd, refusal);
        return;
    }
    error_init(&e);
    if (stream_from_socket(l->loop, fd, l->keepalive, &s, &e) == 0)
        l->events->accepted(l->owner, s);
    else
        log_error(l->logger, "a connection could not be served: %s", error_message(&e));
    error_clear(&e);
}

static void polled(uv_poll_t *handle, int status, int events)
{
    struct socket *s = handle->data;
    struct socket_listener *l = s->listener;
    (void)events;
    for (unsigned i = 0; i < ACCEPTS_PER_WAKEUP && !l->closing; i++) {
        int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            l->warned = false;
            take(l, fd);
        } else if (errno == EAGAIN) {
            break;
        } else if (!is_passing(errno)) {
            pause_accepting(l, errno);
            return;
        }
    }
    if (status < 0 && !l->closing) /* libuv has stopped watching */
        uv_poll_start(handle, UV_READABLE, polled);
}

/* ---- making sockets ---- */

static int set_options(int fd, int family, const struct listen_options *o)
{
    int on = 1;
    if (o->reuse_address && family != AF_UNIX && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
        return -1;
    if (o->reuse_port && family != AF_UNIX && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0)
        return -1;
    if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0)
        return -1;
    return 0;
}

/* -1 with errno, which is EAFNOSUPPORT when the system has no such addresses. */
static int bind_one(const struct addrinfo *ai, const struct listen_options *o)
{
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (set_options(fd, ai->ai_family, o) == 0 && bind(fd, ai->ai_addr, ai->ai_addrlen) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static void set_port(struct sockaddr *sa, int port)
{
    if (sa->sa_family == AF_INET)
        ((struct sockaddr_in *)(void *)sa)->sin_port = htons((uint16_t)port);
    else if (sa->sa_family == AF_INET6)
        ((struct sockaddr_in6 *)(void *)sa)->sin6_port = htons((uint16_t)port);
}

static void close_sockets(struct socket_listener *l)
{
    while (l->count > 0)
        close(l->sockets[--l->count].fd);
}

static int fail_bind(const struct addrinfo *ai, int port, int os_errno, struct error *e)
{
    sshio_address address;
    char text[ADDRESS_TEXT_SIZE];
    address_name(ai->ai_addr, ai->ai_addrlen, &address, text);
    if (ai->ai_family == AF_UNIX)
        return error_set_errno(e, os_errno, "cannot listen on %s", text);
    return error_set_errno(e, os_errno, "cannot listen on %s port %d", text, port);
}

/* Binds all; with port 0 the first socket chooses for the others. taken tells that another try may
 * help. */
static int bind_all(struct socket_listener *l, const struct addrinfo *list, const struct listen_options *o, bool *taken,
                    struct error *e)
{
    int port = o->port;
    *taken = false;
    for (const struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next) {
        set_port(ai->ai_addr, port);
        int fd = bind_one(ai, o);
        if (fd < 0 && errno == EAFNOSUPPORT && (ai->ai_next != NULL || l->count > 0))
            continue;
        if (fd < 0) {
            *taken = errno == EADDRINUSE && o->port == 0 && l->count > 0;
            return fail_bind(ai, port, errno, e);
        }
        struct socket *s = &l->sockets[l->count];
        s->fd = fd;
        address_of_socket(fd, &l->addresses[l->count++], s->text);
        port = l->addresses[0].port;
    }
    return 0;
}

static int bind_list(struct socket_listener *l, const struct addrinfo *list, const struct listen_options *o,
                     struct error *e)
{
    size_t count = 0;
    for (const struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next)
        count++;
    l->sockets = mem_array(count, sizeof *l->sockets);
    l->addresses = mem_array(count, sizeof *l->addresses);
    if (l->sockets == NULL || l->addresses == NULL)
        return error_nomem(e);
    bool taken = true;
    int rc = 0;
    for (unsigned i = 0; taken && i < PORT_TRIES; i++) {
        close_sockets(l);
        rc = bind_all(l, list, o, &taken, e);
    }
    return rc;
}

static int bind_host(struct socket_listener *l, const struct listen_options *o, struct error *e)
{
    const char *host = o->host != NULL && o->host[0] != '\0' ? o->host : NULL;
    struct addrinfo *list = NULL;
    int rc = resolver_lookup(l->loop, host, o->port, o->family, o->resolver_flags | AI_PASSIVE, &list, e);
    if (rc == 0)
        rc = bind_list(l, list, o, e);
    resolver_free(list);
    return rc;
}

static int bind_path(struct socket_listener *l, const struct listen_options *o, struct error *e)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct addrinfo ai = { .ai_family = AF_UNIX, .ai_addr = (struct sockaddr *)&un, .ai_addrlen = sizeof un };
    if (strlen(o->path) >= sizeof un.sun_path)
        return error_set_errno(e, ENAMETOOLONG, "cannot listen on %s", o->path);
    memcpy(un.sun_path, o->path, strlen(o->path));
    char *path = mem_strdup(o->path);
    int rc = path != NULL ? bind_list(l, &ai, o, e) : error_nomem(e);
    if (rc == 0 && lstat(path, &l->made) == 0)
        l->path = path;
    else
        mem_free(path);
    return rc;
}

static int take_socket(struct socket_listener *l, int fd, struct error *e)
{
    l->sockets = mem_array(1, sizeof *l->sockets);
    l->addresses = mem_array(1, sizeof *l->addresses);
    if (l->sockets == NULL || l->addresses == NULL) {
        close(fd);
        return error_nomem(e);
    }
    l->sockets[0].fd = fd;
    l->count = 1;
    address_of_socket(fd, &l->addresses[0], l->sockets[0].text);
    return 0;
}

/* ---- life ---- */

static void free_listener(struct socket_listener *l)
{
    timer_free(l->pause);
    logger_unref(l->logger);
    mem_free(l->sockets);
    mem_free(l->addresses);
    mem_free(l->path);
    mem_free(l);
}

static void handle_closed(uv_handle_t *handle)
{
    struct socket_listener *l = ((struct socket *)handle->data)->listener;
    if (--l->open_handles > 0)
        return;
    if (l->closed != NULL)
        l->closed(l->owner);
    free_listener(l);
}

static int start_listening(struct socket_listener *l, const struct listen_options *o, struct error *e)
{
    for (size_t i = 0; i < l->count; i++) {
        struct socket *s = &l->sockets[i];
        s->listener = l;
        s->poll.data = s;
        int rc = listen(s->fd, o->backlog > 0 ? o->backlog : DEFAULT_BACKLOG) != 0 ? -errno : 0;
        if (rc == 0)
            rc = uv_poll_init(loop_uv(l->loop), &s->poll, s->fd);
        if (rc != 0)
            return error_set_errno(e, -rc, "cannot listen on %s port %d", l->addresses[i].host, l->addresses[i].port);
        s->has_handle = true;
        l->open_handles++;
    }
    resume(l);
    return 0;
}

static int open_sockets(struct socket_listener *l, const struct listen_options *o, struct error *e)
{
    if (o->sock != NULL)
        return take_socket(l, *o->sock, e);
    return o->path != NULL ? bind_path(l, o, e) : bind_host(l, o, e);
}

static const struct net_listener_ops socket_listener_ops;

int net_listener_system_open(struct loop *loop, const struct listen_options *o,
                             const struct net_listener_events *events, void *owner, sshio_logger *logger,
                             struct net_listener **out, struct error *e)
{
    struct socket_listener *l = mem_zalloc(sizeof *l);
    if (l == NULL)
        return error_nomem(e);
    l->base.ops = &socket_listener_ops;
    l->loop = loop;
    l->events = events;
    l->owner = owner;
    l->keepalive = o->keepalive;
    l->logger = logger_ref(logger != NULL ? logger : log_base());
    l->pause = timer_new(loop, resume, l);
    int rc = l->pause != NULL ? open_sockets(l, o, e) : error_nomem(e);
    if (rc == 0)
        rc = start_listening(l, o, e);
    if (rc != 0) {
        net_listener_close(&l->base, NULL);
        return rc;
    }
    *out = &l->base;
    return 0;
}

static size_t get_addresses(const struct net_listener *listener, const sshio_address **addresses)
{
    const struct socket_listener *l = LIST_ENTRY(listener, struct socket_listener, base);
    *addresses = l->addresses;
    return l->count;
}

/* Not what somebody else has put there meanwhile. */
static void remove_path(struct socket_listener *l)
{
    struct stat now;
    if (l->path != NULL && lstat(l->path, &now) == 0 && now.st_dev == l->made.st_dev && now.st_ino == l->made.st_ino)
        unlink(l->path);
}

static void close_listener(struct net_listener *listener, void (*closed)(void *owner))
{
    struct socket_listener *l = LIST_ENTRY(listener, struct socket_listener, base);
    if (l->closing)
        return;
    l->closing = true;
    l->closed = closed;
    remove_path(l);
    if (l->pause != NULL)
        timer_stop(l->pause);
    for (size_t i = 0; i < l->count; i++) {
        if (l->sockets[i].has_handle)
            uv_close((uv_handle_t *)&l->sockets[i].poll, handle_closed);
        close(l->sockets[i].fd);
    }
    if (l->open_handles == 0)
        free_listener(l);
}

static const struct net_listener_ops socket_listener_ops = { .addresses = get_addresses, .close = close_listener };

/* ---- of every kind ---- */

size_t net_listener_addresses(const struct net_listener *l, const sshio_address **addresses)
{
    return l->ops->addresses(l, addresses);
}

void net_listener_close(struct net_listener *l, void (*closed)(void *owner))
{
    l->ops->close(l, closed);
}
