/* The connection protocol (RFC 4254): the table of channels, what of them waits to be sent, and global requests.
 *
 * A channel's number is its index in the table: always the lowest that is free, free again only when CLOSE went both
 * ways. Two lists hold what mux_pump has to do: channels that have something to send, served one packet each in turn,
 * and channels whose window is to be given back, served once per pump however many packets were delivered. */
#ifndef SSHIO_ENGINE_MUX_H
#define SSHIO_ENGINE_MUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/list.h"
#include "engine/global_requests.h"

struct engine;
struct channel;

struct mux {
    struct channel **table;
    uint32_t capacity;
    uint32_t count;        /* numbers in use */
    uint32_t lowest_free;  /* no lower number is free */
    uint32_t undecided;    /* the peer's opens without a verdict */
    struct list sending;   /* channels with data and window for it */
    struct list adjusting; /* channels with window to give back */
    struct global_requests globals;
    uint64_t data_passed;  /* bytes of channel data, both ways */
    size_t waiting_len;    /* bytes of the peer's requests that wait for their turn, against limits.control_queue */
    uint32_t window_grown; /* by so much are the receive windows larger than at first, against limits.window_growth */
    bool pumping;
};

void mux_init(struct mux *m);
void mux_done(struct engine *e); /* frees the channels that are left, without events */

/* Sends due window adjustments, then channel data round-robin while engine_data_allowed. engine_output calls it. */
void mux_pump(struct engine *e);

/* The connection is over: every channel gets open_failed or closed, every outstanding global request is answered with
 * false. error NULL = a clean end. */
void mux_end(struct engine *e, const struct error *error);

/* For the parts of the connection protocol. */
bool mux_add(struct mux *m, struct channel *ch, uint32_t limit,
             uint32_t *number); /* false = out of memory or over the limit */
void mux_remove(struct mux *m, uint32_t number);
bool mux_name_is_valid(struct span name);               /* of a channel type or request: printable ASCII */
bool mux_reserve_waiting(struct engine *e, size_t len); /* false = over the limit; the connection has ended */

/* Handlers, called by admission.c for messages 80 to 100 after login. */
void mux_on_global_request(struct engine *e, struct reader *r);
void mux_on_request_success(struct engine *e, struct reader *r);
void mux_on_request_failure(struct engine *e, struct reader *r);
void mux_on_channel_open(struct engine *e, struct reader *r);
void mux_on_open_confirmation(struct engine *e, struct reader *r);
void mux_on_open_failure(struct engine *e, struct reader *r);
void mux_on_window_adjust(struct engine *e, struct reader *r);
void mux_on_data(struct engine *e, struct reader *r);
void mux_on_extended_data(struct engine *e, struct reader *r);
void mux_on_eof(struct engine *e, struct reader *r);
void mux_on_close(struct engine *e, struct reader *r);
void mux_on_channel_request(struct engine *e, struct reader *r);
void mux_on_channel_success(struct engine *e, struct reader *r);
void mux_on_channel_failure(struct engine *e, struct reader *r);

#endif
