/* EXT_INFO (RFC 8308): what it is worth telling a peer, and what a peer told us.
 *
 * Sent once, right behind our first NEWKEYS, to a peer that asked for it. Taken where RFC 8308 2.4
 * allows it and nowhere else: right behind the peer's first NEWKEYS, and by a client once more
 * between its first request and USERAUTH_SUCCESS. */
#ifndef SSHIO_ENGINE_EXT_INFO_H
#define SSHIO_ENGINE_EXT_INFO_H

#include "base/bytes.h"

struct engine;

void ext_info_send(struct engine *e);
void ext_info_on_message(struct engine *e, struct reader *r); /* handler */

#endif
