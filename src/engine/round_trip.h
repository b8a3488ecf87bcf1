/* How long the way to the peer and back takes, measured with keepalive requests that ride beside bulk data. Windows
 * grow by it. */
#ifndef SSHIO_ENGINE_ROUND_TRIP_H
#define SSHIO_ENGINE_ROUND_TRIP_H

#include <stdbool.h>
#include <stdint.h>

struct engine;

struct round_trip {
    bool asked;       /* a probe is out */
    bool known;       /* there is a measurement */
    uint64_t sent_ms; /* when the last probe left */
    uint32_t ms;      /* the shortest seen */
};

bool round_trip_is_short(const struct round_trip *rt); /* known, and so short that nothing has to be fitted to it */

/* Sends a probe, unless one is out or left less than a second ago, or the round trip is known to be short. Called while
 * bulk data arrives. */
void round_trip_probe(struct engine *e);

#endif
