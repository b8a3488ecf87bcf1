/* Key agreement: rows over which the ECDH-shaped key exchanges run. Each side generates a pair, sends the public half,
 * and derives the shared secret from the other's. */
#ifndef SSHIO_CRYPTO_AGREEMENT_H
#define SSHIO_CRYPTO_AGREEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AGREEMENT_MAX_PUBLIC_LEN 133
#define AGREEMENT_MAX_SECRET_LEN 66

struct agreement_alg;
struct agreement; /* our ephemeral key; wiped when freed */

struct agreement_alg {
    const char *name; /* "x25519" */
    size_t public_len;
    size_t secret_len;
    const void *param; /* for the functions below */

    struct agreement *(*generate)(const struct agreement_alg *alg, uint8_t *public_key); /* NULL = failed */
    bool (*derive)(struct agreement *a, const uint8_t *peer_public, size_t len,
                   uint8_t *secret); /* false: bad length, off curve, zero secret */
    void (*destroy)(struct agreement *a);
};

extern const struct agreement_alg agreement_x25519; /* RFC 7748; an all-zero secret is refused (RFC 8731 3) */
extern const struct agreement_alg agreement_p256, agreement_p384, agreement_p521; /* RFC 5656; uncompressed points */

#endif
