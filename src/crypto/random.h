/* Randomness. A failure of the generator is fatal to the operation that asked (the functions return false and nothing
 * usable). A test or a fuzz target can replace the generator by a seeded one; nothing else can. */
#ifndef SSHIO_CRYPTO_RANDOM_H
#define SSHIO_CRYPTO_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool random_bytes(void *to, size_t len);
void random_seed(uint64_t seed); /* tests only: from now on a deterministic sequence on this thread */
/* tests only: the sequence begins with these, which are borrowed until they are used up */
void random_replay(const void *bytes, size_t len);
void random_unseed(void);
bool random_seeded(void); /* so that key generation can take its bytes from here too */

#endif
