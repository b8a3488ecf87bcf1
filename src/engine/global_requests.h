/* Global requests (RFC 4254 section 4), both ways. Replies carry no number: they are matched in order.
 * The peer's are reported one at a time; those behind wait in a queue with a limit. */
#ifndef SSHIO_ENGINE_GLOBAL_REQUESTS_H
#define SSHIO_ENGINE_GLOBAL_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/list.h"

struct engine;

struct global_requests {
    struct list sent;     /* ours that wait for a reply, oldest first */
    struct list received; /* the peer's that wait for their turn */
    uint32_t received_count;
    bool open;        /* one was reported and not answered yet */
    bool wants_reply; /* that one */
    bool reporting;   /* the loop that reports is on the stack */
};

void global_requests_init(struct global_requests *g);
void global_requests_done(struct global_requests *g); /* without answers */
void global_requests_end(struct global_requests *g);  /* answers ours with false */

#endif
