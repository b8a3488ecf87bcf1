/* What the Diffie-Hellman exchanges over prime fields have in common: from the group on they are the same, but for the
 * numbers of their messages.
 *
 *     init   mpint e                                    client → server
 *     reply  string K_S, mpint f, string signature      server → client
 *
 * Both powers of a side may be computed elsewhere: see exchange_compute. */
#ifndef SSHIO_ENGINE_KEX_DH_H
#define SSHIO_ENGINE_KEX_DH_H

#include "base/bytes.h"
#include "crypto/dh.h"

struct engine;
struct exchange;

struct dh_exchange { /* the method's state */
    struct dh *dh;   /* NULL = the group is not known yet */
    uint8_t init, reply;
    struct writer part; /* what H covers before e and f */
    uint32_t min, max;  /* group exchange, client: what it asked for */
};

struct dh_exchange *dh_exchange_new(uint8_t init, uint8_t reply); /* NULL = out of memory */
void dh_exchange_free(void *state);                               /* takes NULL */

/* The group is there: the client makes its value and sends it; the server waits for it. */
void dh_exchange_begin(struct engine *e, struct exchange *x);

/* The two messages, and the server's answer. */
void dh_exchange_receive(struct engine *e, struct exchange *x, struct reader *r);
void dh_exchange_reply(struct engine *e, struct exchange *x, struct span signature);

#endif
