/* Connecting as a client, from within. */
#ifndef SSHIO_CONN_CLIENT_H
#define SSHIO_CONN_CLIENT_H

#include <sshio/client.h>

/* sshio_connect on the way to somewhere else: what is opened before it counts down *jumps_left. */
int client_connect_hop(const char *host, const sshio_client_options *options, unsigned *jumps_left, sshio_conn **conn);

#endif
