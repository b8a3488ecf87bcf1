/* Channels and windows (RFC 4254 section 5): the engine's half of a channel.
 *
 * Sending. channel_write queues; data leaves as packets while the peer's window and the output limit allow, round-robin
 * among channels. Requests keep their place behind data written before them, but are not held by a shut window. EOF
 * comes after all data, CLOSE last. Receiving. Data is delivered as it arrives, as a pointer into the decrypted packet,
 * valid during the call; it counts as consumed when the call returns. While reading is paused it is queued, at most one
 * window of it. Life. closed (or open_failed) is the last event and comes exactly once; the channel is gone when it
 * returns. It may come inside channel_close, channel_abort and channel_resume. Closing a channel that is still opening
 * drops what was written to it; the peer's answer decides which of the two events comes.
 *
 * States, per direction:   send  opening → open → eof_pending → eof → close_pending → closed
 *                          recv  opening → open → eof_pending → eof → close_pending → closed
 * eof_pending and close_pending mean: asked for (or arrived), with data in front of it still queued. */
#ifndef SSHIO_ENGINE_CHANNEL_H
#define SSHIO_ENGINE_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

struct engine;
struct channel;

#define CHANNEL_WINDOW_DEFAULT (2u * 1024 * 1024)
#define CHANNEL_PACKET_DEFAULT (32u * 1024)

/* None may be NULL. */
struct channel_events {
    void (*opened)(struct channel *ch, void *user, struct span data); /* ours was confirmed */
    void (*open_failed)(struct channel *ch, void *user, uint32_t code, struct span reason,
                        struct span lang); /* the last event of such a channel */
    void (*data)(struct channel *ch, void *user, uint32_t type, const uint8_t *data,
                 size_t len); /* type 0, or the extended type */
    void (*eof)(struct channel *ch, void *user);
    void (*request)(struct channel *ch, void *user, struct span name, bool want_reply,
                    struct span data);                        /* channel_reply, now or later; one at a time */
    void (*replied)(struct channel *ch, void *user, bool ok); /* answer to our oldest request that wanted one */
    void (*writable)(struct channel *ch,
                     void *user); /* the queue fell to the low mark, having been above the high one */
    void (*closed)(struct channel *ch, void *user, const struct error *error); /* error NULL = clean */
};

/* Ours. events and user serve until closed or open_failed. ECHANNEL_OPEN when the connection is closed or not logged
 * in, ELIMIT, ENOMEM. */
int channel_open(struct engine *e, const char *type, uint32_t window, uint32_t max_packet, struct span data,
                 const struct channel_events *events, void *user, struct channel **ch, struct error *error);

/* The peer's, between channel_requested and the decision. When the connection has ended meanwhile, channel_accept gives
 * closed at once. */
void channel_accept(struct channel *ch, uint32_t window, uint32_t max_packet, struct span data,
                    const struct channel_events *events, void *user);
void channel_refuse(struct channel *ch, uint32_t code, const char *reason); /* ch is gone */

struct engine *channel_engine(const struct channel *ch);
uint32_t channel_number(const struct channel *ch); /* ours: for logs */
void channel_set_user(struct channel *ch, void *user);

/* Which extended data types may arrive (bit n = type n); anything else is a protocol error. Default none. */
void channel_allow_extended(struct channel *ch, uint32_t types);

/* Our window becomes as large as that, if it is smaller, and the connection's limit lets it: for what is known to carry
 * much. One that was made smaller than usual stays as it is. */
void channel_widen_window(struct channel *ch, uint32_t window);

/* The peer's window stops at 2^32-1 instead of failing beyond (tunnels, whose peers give back more than they took). */
void channel_saturate_window(struct channel *ch);

int channel_write(struct channel *ch, uint32_t type, const void *data,
                  size_t len);                   /* SSHIO_ECLOSED after EOF or close; SSHIO_ENOMEM */
size_t channel_queued(const struct channel *ch); /* bytes written and not yet packetised */
void channel_set_marks(struct channel *ch, size_t high, size_t low);
bool channel_above_high(const struct channel *ch); /* went above the high mark and not yet back to the low one */
int channel_request(struct channel *ch, const char *name, bool want_reply, struct span data);
void channel_reply(struct channel *ch, bool ok);
void channel_eof(struct channel *ch);
void channel_close(struct channel *ch); /* after what is queued */
void channel_abort(struct channel *ch); /* drops what is queued */
bool channel_can_write(const struct channel *ch);
bool channel_is_closed(const struct channel *ch); /* closing was asked for on either side */

void channel_pause(struct channel *ch);
void channel_resume(struct channel *ch); /* delivers what is queued, then EOF, then close; may pause again */
/* Without a reader a channel that the peer closes is closed at once: what it had sent before is dropped, where
 * otherwise closed waits until it was delivered. There is one from the beginning. */
void channel_set_reader(struct channel *ch, bool is_there);

/* For use inside closed: what had arrived and was not delivered, piece by piece. A piece is valid until the next call.
 */
bool channel_take_undelivered(struct channel *ch, uint32_t *type, struct span *data);

#endif
