/* A relay: a channel coupled with a stream, so that what comes on one goes out on the other.
 *
 * Back-pressure goes through both ways: a slow socket pauses the channel, so that the peer's window stays shut; a
 * channel that is full stops the reading of the socket. The end of input goes through as well, each way by itself; when
 * both ways have ended the channel is closed. The end of the channel closes the stream behind what is still to be
 * written to it, for which it has the connection's linger time. Nobody holds a relay: it ends with its two sides. */
#ifndef SSHIO_FORWARD_RELAY_H
#define SSHIO_FORWARD_RELAY_H

#include "conn/conn.h"

struct channel;
struct stream;

/* Accepts a channel that the peer has opened, and takes the stream over. */
void relay_accept(sshio_conn *conn, struct channel *ch, struct stream *stream);

#endif
