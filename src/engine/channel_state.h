/* A channel's inside, for channel.c, channel_send.c, channel_receive.c, mux.c and their tests.
 *
 * What was asked for and what went by is kept as flags; the states of channel.h follow from them:
 *
 *     send   eof_asked or close_asked: nothing more may be written    eof_sent, close_sent: it is on the wire
 *     recv   eof_arrived, close_arrived: it came                      eof_told: the owner knows; closed comes last
 *
 * `established` is false while an open waits for the peer (ours) or for the owner (`undecided`).
 * granted + undelivered + consumed = window, always (FC3). */
#ifndef SSHIO_ENGINE_CHANNEL_STATE_H
#define SSHIO_ENGINE_CHANNEL_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "engine/byte_queue.h"
#include "engine/channel.h"
#include "engine/internal.h"

struct channel {
    struct engine *engine;
    const struct channel_events *events; /* NULL while undecided */
    void *user;
    uint32_t number;
    uint32_t peer_number;
    uint32_t pins; /* callers on the stack that look at it again */
    bool established;
    bool undecided;
    bool dead; /* closed or open_failed was told: freed with the last pin */

    /* sending */
    struct list sending;   /* in mux.sending: there is data and window */
    struct byte_queue out; /* data, and a mark for each request that waits */
    struct list requests;  /* struct waiting_request: ours, behind data */
    uint32_t overtaken;    /* requests that went ahead of data: so many marks mean nothing */
    uint32_t send_window;
    uint32_t send_packet; /* the peer's maximum and ours, the smaller one */
    size_t high, low;
    bool above_high;
    bool saturates; /* a window that would grow too large stays at the largest number */
    bool eof_asked, eof_sent, close_asked, close_sent;

    /* receiving */
    struct list adjusting; /* in mux.adjusting: window is due to be given back */
    struct byte_queue in;  /* arrived and not delivered */
    size_t handed_out;     /* bytes at its head that channel_take_undelivered gave last */
    uint32_t window;
    uint32_t recv_packet;
    uint32_t granted;     /* what the peer may still send */
    uint32_t consumed;    /* delivered and not given back yet */
    uint32_t grown;       /* by so much is the window larger than at first */
    uint64_t round_ms;    /* when the bytes below began to be counted */
    uint64_t round_bytes; /* delivered since then */
    uint32_t extended_types;
    bool paused, delivering;
    bool no_reader; /* what is queued will never be delivered if the peer closes */
    bool eof_arrived, eof_told, close_arrived;

    /* requests */
    uint32_t replies_awaited; /* requests of ours that were sent and wanted one */
    struct list asked;        /* struct waiting_request: the peer's, behind the one that is open */
    uint32_t asked_count;
    bool request_open, request_wants_reply, reporting_requests;
};

/* The fields of a request behind the recipient's number, either way. */
struct waiting_request {
    struct list node;
    bool want_reply;
    size_t len;
    uint8_t fields[];
};

/* ---- life (channel.c) ---- */

/* In the table under the lowest free number; NULL when out of memory. Whoever calls it has checked the limit. */
struct channel *channel_new(struct engine *e, uint32_t window, uint32_t max_packet);
void channel_free(struct channel *ch); /* without events; takes it out of everything */
void channel_pin(struct channel *ch);
void channel_unpin(struct channel *ch);

/* Around what the owner calls: neither the channel nor the connection goes away inside. */
void channel_enter(struct channel *ch);
void channel_leave(struct channel *ch);

/* The last event, then it is gone when unpinned. error NULL = clean. */
void channel_finish(struct channel *ch, const struct error *error);
void channel_finish_open(struct channel *ch, uint32_t code, struct span reason, struct span lang);

bool channel_is_sendable(const struct channel *ch); /* established, our CLOSE not sent, the connection alive */

/* ---- sending (channel_send.c) ---- */

void channel_set_peer(struct channel *ch, uint32_t number, uint32_t window, uint32_t max_packet);
void channel_go_on(struct channel *ch); /* lists it for mux_pump if there is something to send, and sends the ends */
void channel_send_packet(struct channel *ch); /* one packet of data and what stands right behind it; lists it again */
void channel_send_ends(struct channel *ch);   /* requests, EOF and CLOSE that no data holds back any more */
void channel_drop_output(struct channel *ch);
bool channel_add_window(struct channel *ch, uint32_t n); /* false = more than 2^32-1 in all */

/* ---- receiving (channel_receive.c) ---- */

void channel_take_data(struct channel *ch, uint32_t type,
                       struct span data); /* checked against window and packet already */
void channel_send_adjust(struct channel *ch);
void channel_drop_input(struct channel *ch); /* counts as consumed */
void channel_tell_ends(struct channel *ch);  /* EOF and closed, where no data holds them back; may end the channel */

/* ---- requests (channel_requests.c) ---- */

void channel_take_request(struct channel *ch, struct span fields); /* reports it now or in its turn */
void channel_drop_requests(struct channel *ch);

#endif
