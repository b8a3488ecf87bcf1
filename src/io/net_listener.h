/* Listening sockets: all addresses of a name and port, or a UNIX path. A failing accept (too many descriptors) pauses
 * accepting for a moment and never ends the listener. */
#ifndef SSHIO_IO_NET_LISTENER_H
#define SSHIO_IO_NET_LISTENER_H

#include <stdbool.h>

#include <sshio/base.h>

#include "base/error.h"
#include "base/log.h"

struct loop;
struct net_listener;
struct stream;

struct listen_options {
    const char *host; /* NULL or "" = all addresses */
    int port;         /* 0 = any free port, the same for all addresses */
    int family;
    int resolver_flags;
    int backlog; /* 0 = 100 */
    bool reuse_address, reuse_port;
    const int *sock;  /* a bound socket to take over instead, closed on failure; NULL = none */
    const char *path; /* a UNIX path to listen on instead; removed when the listener closes */
    bool keepalive;   /* of the connections that are accepted */
};

struct net_listener_events {
    /* Asked for each connection: NULL = it is served; else it is closed at once, after as much of this text as leaves
     * without waiting. */
    const char *(*refusal)(void *owner);
    void (*accepted)(void *owner, struct stream *s); /* takes the stream over */
};

/* What a listener is made of; io/net_listener.c has the one over sockets, a simulated world its own. */
struct net_listener_ops {
    size_t (*addresses)(const struct net_listener *l, const sshio_address **addresses);
    void (*close)(struct net_listener *l, void (*closed)(void *owner));
};

struct net_listener {
    const struct net_listener_ops *ops;
};

/* Waits (resolver). One failing bind fails all. */
int net_listener_open(struct loop *loop, const struct listen_options *options, const struct net_listener_events *events,
                      void *owner, sshio_logger *logger, struct net_listener **listener, struct error *e);
size_t net_listener_addresses(const struct net_listener *l, const sshio_address **addresses); /* borrowed */
void net_listener_close(struct net_listener *l,
                        void (*closed)(void *owner)); /* closed comes later, once; then it is gone */

#endif
