/* Asking a silent peer whether it is still there, with keepalive@openssh.com requests, once logged in. */
#ifndef SSHIO_ENGINE_KEEPALIVE_H
#define SSHIO_ENGINE_KEEPALIVE_H

#include <stdint.h>

struct engine;

struct keepalive {
    uint32_t interval_ms; /* of silence before each request; 0 = off */
    uint32_t count_max;   /* so many may stay unanswered; the next expiry ends the connection */
    uint32_t unanswered;
    uint64_t heard_ms;    /* when bytes last came */
    uint64_t deadline_ms; /* UINT64_MAX = off */
};

void keepalive_init(struct keepalive *k, uint32_t interval_ms, uint32_t count_max, uint64_t now_ms);
void keepalive_start(struct engine *e); /* logged in */
void keepalive_heard(struct engine *e); /* bytes came */
void keepalive_tick(struct engine *e);

#endif
