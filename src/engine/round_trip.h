/* How long the way to the peer and back takes: by the first key exchange, and then measured with keepalive requests
 * that ride beside bulk data. Windows grow by it. */
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

/* The peer has answered what was sent at that time, whatever it had to compute for it. */
void round_trip_note(struct engine *e, uint64_t sent_ms);

/* Sends a probe, unless one is out or left less than a second ago, or the round trip is known to be short. Called while
 * bulk data arrives. */
void round_trip_probe(struct engine *e);

#endif
