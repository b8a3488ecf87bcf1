/* Messages of the transport layer that belong to no dialogue (RFC 4253 section 11, and OpenSSH's
 * ping). */
#ifndef SSHIO_ENGINE_TRANSPORT_MESSAGES_H
#define SSHIO_ENGINE_TRANSPORT_MESSAGES_H

#include <stdint.h>

#include "base/bytes.h"

struct engine;

void send_unimplemented(struct engine *e, uint32_t seq);

/* Handlers */
void on_disconnect(struct engine *e, struct reader *r);
void on_ignore(struct engine *e, struct reader *r);
void on_unimplemented(struct engine *e, struct reader *r);
void on_debug(struct engine *e, struct reader *r);
void on_ping(struct engine *e, struct reader *r);
void on_pong(struct engine *e, struct reader *r);

#endif
