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

struct listen_options {
    const char *host; /* NULL or "" = all addresses */
    int port;         /* 0 = any free port, the same for all addresses */
    int family;
    int resolver_flags;
    int backlog; /* 0 = 100 */
    bool reuse_address, reuse_port;
    const int *sock;  /* a bound socket to take over instead, closed on failure; NULL = none */
    const char *path; /* a UNIX path to listen on instead; removed when the listener closes */
};

typedef void (*accepted_fn)(void *owner, int fd); /* takes the descriptor over */

/* Waits (resolver). One failing bind fails all. */
int net_listener_open(struct loop *loop, const struct listen_options *options, accepted_fn accepted, void *owner,
                      sshio_logger *logger, struct net_listener **listener, struct error *e);
size_t net_listener_addresses(const struct net_listener *l, const sshio_address **addresses); /* borrowed */
void net_listener_close(struct net_listener *l,
                        void (*closed)(void *owner)); /* closed comes later, once; then it is gone */

#endif
