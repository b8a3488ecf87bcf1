/* Connecting: one address after the other, without blocking and without leaving anything behind
 * when it is cancelled. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <uv.h>

#include "base/memory.h"
#include "io/address.h"
#include "io/completion.h"
#include "io/loop.h"
#include "io/resolver.h"
#include "io/stream.h"
#include "io/world.h"

/* A UNIX listener whose queue is full gives no event when it has room again. */
#define BUSY_WAIT_S 0.01

/* ---- waiting for a descriptor ---- */

/* On the heap, because libuv lets go of a handle only later. */
struct watch {
    uv_poll_t poll;
    struct completion *ready;
};

static void became_ready(uv_poll_t *handle, int status, int events)
{
    struct watch *watch = handle->data;
    (void)status; /* an error is found in the socket */
    (void)events;
    completion_complete(watch->ready, 0);
}

static void watch_closed(uv_handle_t *handle)
{
    mem_free(handle->data);
}

static void stop_waiting(struct completion *c, int code)
{
    completion_complete(c, code);
}

/* 0, or how the wait was interrupted. */
static int wait_writable(struct loop *loop, int fd)
{
    struct completion ready;
    struct watch *watch = mem_zalloc(sizeof *watch);
    if (watch == NULL)
        return SSHIO_ENOMEM;
    if (uv_poll_init(loop_uv(loop), &watch->poll, fd) != 0) {
        mem_free(watch);
        return SSHIO_ENOMEM;
    }
    completion_init(&ready, stop_waiting, NULL);
    watch->ready = &ready;
    watch->poll.data = watch;
    uv_poll_start(&watch->poll, UV_WRITABLE, became_ready);
    int rc = completion_wait(&ready);
    uv_close((uv_handle_t *)&watch->poll, watch_closed);
    return rc;
}

/* ---- one address ---- */

/* How one attempt ended: interrupted ends them all, os_errno only this one. */
struct outcome {
    int interrupted;
    int os_errno;
};

static int socket_error(int fd)
{
    int error = 0;
    socklen_t len = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 ? error : errno;
}

/* On the same machine a connection is there when connect returns, although it says that it is on its way: to ask once
 * more is cheaper than to watch for it. */
static int start_connecting(int fd, const struct sockaddr *sa, socklen_t len)
{
    int rc;
    do
        rc = connect(fd, sa, len);
    while (rc != 0 && (errno == EINTR || errno == EINPROGRESS)); /* asked again it is EALREADY */
    return rc == 0 || errno == EISCONN ? 0 : errno;
}

static struct outcome connect_socket(struct loop *loop, int fd, const struct sockaddr *sa, socklen_t len)
{
    struct outcome outcome = { 0, start_connecting(fd, sa, len) };
    while (outcome.os_errno == EAGAIN && outcome.interrupted == 0) {
        outcome.interrupted = sshio_sleep(BUSY_WAIT_S);
        outcome.os_errno = start_connecting(fd, sa, len);
    }
    if (outcome.os_errno != EINPROGRESS && outcome.os_errno != EALREADY)
        return outcome;
    outcome.interrupted = wait_writable(loop, fd);
    outcome.os_errno = socket_error(fd);
    return outcome;
}

/* The first local address of the same family; a port alone is bound on any address. */
static int bind_socket(int fd, int family, const struct addrinfo *local)
{
    for (; local != NULL; local = local->ai_next)
        if (local->ai_family == family)
            return bind(fd, local->ai_addr, local->ai_addrlen) == 0 ? 0 : errno;
    return EADDRNOTAVAIL;
}

static struct outcome try_address(struct loop *loop, const struct addrinfo *to, const struct addrinfo *local, int *out)
{
    int fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return (struct outcome){ 0, errno };
    struct outcome outcome = { 0, local != NULL ? bind_socket(fd, to->ai_family, local) : 0 };
    if (outcome.os_errno == 0)
        outcome = connect_socket(loop, fd, to->ai_addr, to->ai_addrlen);
    if (outcome.os_errno != 0 || outcome.interrupted != 0)
        close(fd);
    else
        *out = fd;
    return outcome;
}

/* ---- all addresses ---- */

struct causes {
    char text[512];
    size_t len;
    size_t count;
    int os_errno; /* of the last one */
};

static void add_cause(struct causes *causes, const struct addrinfo *to, int os_errno)
{
    sshio_address address;
    char host[ADDRESS_TEXT_SIZE];
    address_name(to->ai_addr, to->ai_addrlen, &address, host);
    int n = snprintf(causes->text + causes->len, sizeof causes->text - causes->len, "%s%s: %s",
                     causes->count > 0 ? "; " : "", host, strerror(os_errno));
    if (n > 0)
        causes->len += (size_t)n;
    if (causes->len >= sizeof causes->text)
        causes->len = sizeof causes->text - 1;
    causes->count++;
    causes->os_errno = os_errno;
}

static int fail_connect(const struct connect_options *o, const struct causes *causes, struct error *e)
{
    error_set(e, SSHIO_ESYSTEM, "cannot connect to %s port %d: %s", o->host, o->port,
              causes->count > 1 ? causes->text : strerror(causes->os_errno));
    if (e != NULL)
        e->pub.os_errno = causes->os_errno;
    return SSHIO_ESYSTEM;
}

static int fail_interrupted(int code, const char *where, struct error *e)
{
    if (code == SSHIO_ENOMEM)
        return error_nomem(e);
    return error_set(e, code, "connecting to %s: %s", where, sshio_error_text(code));
}

static int connect_any(struct loop *loop, const struct connect_options *o, const struct addrinfo *list,
                       const struct addrinfo *local, int *fd, struct error *e)
{
    struct causes causes = { .len = 0 };
    for (; list != NULL; list = list->ai_next) {
        struct outcome outcome = try_address(loop, list, local, fd);
        if (outcome.interrupted != 0)
            return fail_interrupted(outcome.interrupted, o->host, e);
        if (outcome.os_errno == 0)
            return 0;
        add_cause(&causes, list, outcome.os_errno);
    }
    return fail_connect(o, &causes, e);
}

static int look_up_local(struct loop *loop, const struct connect_options *o, struct addrinfo **local, struct error *e)
{
    *local = NULL;
    if (o->bind_address == NULL && o->bind_port == 0)
        return 0;
    return resolver_lookup(loop, o->bind_address, o->bind_port, o->family, AI_PASSIVE, local, e);
}

int stream_system_connect(struct loop *loop, const struct connect_options *o, struct stream **s, struct error *e)
{
    struct addrinfo *list = NULL, *local = NULL;
    int fd = -1;
    int rc = resolver_lookup(loop, o->host, o->port, o->family, o->resolver_flags, &list, e);
    if (rc == 0)
        rc = look_up_local(loop, o, &local, e);
    if (rc == 0)
        rc = connect_any(loop, o, list, local, &fd, e);
    resolver_free(list);
    resolver_free(local);
    return rc != 0 ? rc : stream_from_socket(loop, fd, o->keepalive, s, e);
}

int stream_connect_unix(struct loop *loop, const char *path, struct stream **s, struct error *e)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct addrinfo to = { .ai_family = AF_UNIX, .ai_addr = (struct sockaddr *)&un, .ai_addrlen = sizeof un };
    int fd = -1;
    if (strlen(path) >= sizeof un.sun_path)
        return error_set_errno(e, ENAMETOOLONG, "cannot connect to %s", path);
    if (completion_can_wait() != 0)
        return error_set(e, SSHIO_ENOTASK, "%s", sshio_error_text(SSHIO_ENOTASK));
    memcpy(un.sun_path, path, strlen(path));
    struct outcome outcome = try_address(loop, &to, NULL, &fd);
    if (outcome.interrupted != 0)
        return fail_interrupted(outcome.interrupted, path, e);
    if (outcome.os_errno != 0)
        return error_set_errno(e, outcome.os_errno, "cannot connect to %s", path);
    return stream_from_socket(loop, fd, false, s, e);
}
