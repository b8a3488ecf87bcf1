/* Sessions of a server: the entry from the table of channel types. */
#ifndef SSHIO_SESSION_SERVER_SESSION_H
#define SSHIO_SESSION_SERVER_SESSION_H

#include <stdbool.h>

#include <sshio/server.h>

#include "base/bytes.h"

struct channel;

void server_session_requested(sshio_conn *conn, struct channel *ch, struct span data);

/* Accepts ch with a process whose handler runs as a task; false = out of memory, and ch is undecided still. */
bool server_session_serve(sshio_conn *conn, struct channel *ch, sshio_process_fn process, sshio_session_fn session,
                          void *user);

#endif
