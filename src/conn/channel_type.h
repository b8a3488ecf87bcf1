/* Channel types: how the layers above a connection plug themselves in. The table has a row for each type that a peer
 * may open; it is defined in session/channel_types.c, so that a connection knows no layer above it. */
#ifndef SSHIO_CONN_CHANNEL_TYPE_H
#define SSHIO_CONN_CHANNEL_TYPE_H

#include <stdbool.h>

#include <sshio/base.h>

#include "base/bytes.h"

struct channel;

struct channel_type {
    const char *name;  /* "session" */
    bool client_opens; /* a server takes it; otherwise a client does */
    /* Decides with channel_accept or channel_refuse, now or later. */
    void (*requested)(sshio_conn *conn, struct channel *ch, struct span data);
};

extern const struct channel_type channel_types[]; /* ends with name NULL */

#endif
