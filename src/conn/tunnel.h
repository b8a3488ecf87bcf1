/* A stream that is a direct-tcpip channel of another connection, so that a whole connection runs through it. (RFC 4254
 * section 7.2) */
#ifndef SSHIO_CONN_TUNNEL_H
#define SSHIO_CONN_TUNNEL_H

#include <sshio/base.h>

#include "base/error.h"

struct loop;
struct stream;

/* Waits: asks via, a client's connection of this loop, to connect to host. The stream holds a user's reference to via,
 * so that a connection whose user has let go of it closes with the stream. Its ends have no addresses. EINVAL,
 * ECHANNEL_OPEN, ECLOSED, ECANCELED, ETIMEDOUT, ENOMEM. */
int tunnel_connect(struct loop *loop, sshio_conn *via, const char *host, int port, struct stream **stream,
                   struct error *e);

#endif
