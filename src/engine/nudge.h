/* For a peer that, after a re-exchange, leaves what came together with our NEWKEYS in its buffer until more bytes
 * arrive (QUIRK_WAITS_FOR_MORE): it gets IGNORE messages, at growing distances, until it is seen to be awake. */
#ifndef SSHIO_ENGINE_NUDGE_H
#define SSHIO_ENGINE_NUDGE_H

#include <stdint.h>

struct engine;

struct nudge {
    uint64_t deadline_ms; /* of the next one; UINT64_MAX = none is due */
    uint32_t wait_ms;     /* before the one after it */
    uint64_t packets;     /* that had arrived when this one was put off */
};

void nudge_init(struct nudge *n);
void nudge_start(struct engine *e); /* both sides have new keys */
void nudge_tick(struct engine *e);

#endif
