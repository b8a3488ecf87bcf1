/* Sessions of a server: the entry from the table of channel types, and how its application's questions are answered. */
#ifndef SSHIO_SESSION_SERVER_SESSION_H
#define SSHIO_SESSION_SERVER_SESSION_H

#include "session/asking.h"
#include "session/process.h"

extern const struct question session_question;

void server_session_requested(sshio_conn *conn, struct channel *ch, struct span data);

/* Accepts the channel with a process; false = out of memory, and it is undecided still. The program is released in
 * either case. */
bool server_session_serve(struct asking *a, const struct server_program *program);

#endif
