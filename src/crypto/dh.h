/* Diffie-Hellman over a prime field: the fixed groups of RFC 3526 (RFC 8268), and groups that a server names (RFC
 * 4419).
 *
 * A struct dh is one agreement: the group, our exponent, both public values, the secret. Values of the peer are checked
 * before they are worked with, and what we would send or hash is checked too: 1 < v < p - 1.
 *
 * dh_generate and dh_derive are the dear part (an exponent of 512 bits, CPU time on an AMD EPYC, libcrypto 3.0):
 *
 *     bits of the group    2048   3072   4096   6144   8192
 *     one power, ms         0.6    1.2    2.1    4.9    8.8
 *
 * They may run on any thread, as long as nobody else touches that struct dh meanwhile. */
#ifndef SSHIO_CRYPTO_DH_H
#define SSHIO_CRYPTO_DH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

#define DH_MAX_BITS 8192 /* of any group */

struct dh_group; /* a safe prime, and the generator 2 */
extern const struct dh_group dh_group14, dh_group15, dh_group16, dh_group17, dh_group18;

/* The smallest of them with at least `wanted` bits, else the largest, among those of min to max bits; NULL = there is
 * none. */
const struct dh_group *dh_group_choose(uint32_t min, uint32_t wanted, uint32_t max);
unsigned dh_group_bits(const struct dh_group *group);

struct dh;
struct dh *dh_new(const struct dh_group *group); /* NULL = out of memory */

/* A group from the peer: p of min to max bits and odd, 1 < g < p - 1. SSHIO_EPROTOCOL says what is wrong with it. That
 * p is prime is not checked: the server's signature vouches for the group, as it does for everything in the hash. */
int dh_new_given(struct span p, struct span g, uint32_t min_bits, uint32_t max_bits, struct dh **dh, struct error *e);
void dh_free(struct dh *dh); /* takes NULL; wipes */

unsigned dh_bits(const struct dh *dh);              /* of the group */
bool dh_generate(struct dh *dh);                    /* our exponent and public value */
bool dh_set_peer(struct dh *dh, struct span value); /* false: not in 1 < v < p - 1, or fewer than 4 bits are set */
bool dh_derive(struct dh *dh);                      /* the secret, of both; false also for 0, 1 and p - 1 */

/* As mpints. */
void dh_put_group(const struct dh *dh, struct writer *w); /* p, g */
void dh_put_own(const struct dh *dh, struct writer *w);
void dh_put_peer(const struct dh *dh, struct writer *w);
void dh_put_secret(const struct dh *dh, struct writer *w);

#endif
