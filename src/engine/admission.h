/* Which message is legal in which state and role: one table, asked before a message's body is
 * looked at.
 *
 * The states are those of the receiving direction. While our own KEXINIT is out but the peer's has
 * not come, the peer may still send what it likes, so that a re-exchange begins here with the
 * peer's KEXINIT and ends with its NEWKEYS. */
#ifndef SSHIO_ENGINE_ADMISSION_H
#define SSHIO_ENGINE_ADMISSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct engine;

enum admission_state {
    STATE_VERSION,    /* no packets yet */
    STATE_KEXINIT,    /* the peer's first KEXINIT is awaited */
    STATE_KEX,        /* the first exchange: the method runs */
    STATE_NEWKEYS,    /* … and the peer's NEWKEYS is awaited */
    STATE_STRICT_KEX, /* the same two under strict key exchange */
    STATE_STRICT_NEWKEYS,
    STATE_SERVICE, /* encrypted; the service is not accepted yet */
    STATE_AUTH,
    STATE_OPEN,  /* logged in */
    STATE_REKEY, /* a re-exchange: the method runs */
    STATE_REKEY_NEWKEYS,
    STATE_COUNT
};

enum admission {
    ADMIT,         /* to its handler */
    DROP,          /* silently */
    UNKNOWN,       /* answered with UNIMPLEMENTED */
    NOT_AVAILABLE, /* ends the connection: a service that is not to be had now */
    REFUSE         /* ends the connection */
};

/* server: our role */
enum admission admission_of(uint8_t number, enum admission_state state, bool server);
enum admission_state admission_state(const struct engine *e);
/* payload has at least one byte */
void admission_dispatch(struct engine *e, struct span payload);

#endif
