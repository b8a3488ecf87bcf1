/* What a family of message authentication codes is: the functions behind its rows of the table. */
#ifndef SSHIO_CRYPTO_MAC_FAMILIES_H
#define SSHIO_CRYPTO_MAC_FAMILIES_H

#include "crypto/mac.h"

struct mac { /* the first member of each family's context; mac_new fills it */
    const struct mac_alg *alg;
};

struct mac_family {
    struct mac *(*create)(const struct mac_alg *alg, const uint8_t *key);
    void (*destroy)(struct mac *m);
    bool (*begin)(struct mac *m, uint32_t seq);
    bool (*update)(struct mac *m, const uint8_t *data, size_t len);
    bool (*finish)(struct mac *m, uint8_t *tag);
};

extern const struct mac_family mac_hmac; /* RFC 2104; param is libcrypto's name of the hash */

#endif
