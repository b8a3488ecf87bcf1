/* TCP channels: direct-tcpip, by which a client reaches places through its server. (RFC 4254 7.2) */
#ifndef SSHIO_SESSION_TCP_CHANNEL_H
#define SSHIO_SESSION_TCP_CHANNEL_H

#include "session/asking.h"
#include "session/streams.h"

extern const struct question tcp_question;

/* Server: the entry from the table of channel types. */
void tcp_channel_requested(sshio_conn *conn, struct channel *ch, struct span data);

/* Server: accepts the channel with these handlers, and starts it at once. False = out of memory, and it is undecided
 * still. */
bool tcp_channel_accept(struct asking *a, const sshio_session_handlers *handlers, void *user);
/* Server: accepts the channel with streams that a handler serves in a task. release, which may be NULL, gets user when
 * that is over, or has failed. SSHIO_ANSWERED, SSHIO_ENOMEM. */
int tcp_channel_serve(struct asking *a, sshio_stream_fn handler, void *user, void (*release)(void *user));

#endif
