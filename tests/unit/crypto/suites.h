/* Every way to seal packets that the tables give: each AEAD cipher, and each other cipher with each MAC. */
#ifndef TESTS_CRYPTO_SUITES_H
#define TESTS_CRYPTO_SUITES_H

#include <stdbool.h>
#include <stddef.h>

#include "crypto/cipher.h"

struct suite {
    const struct cipher_alg *cipher;
    const struct mac_alg *mac; /* NULL beside AEAD */
};

/* False = there is none of that index. */
static inline bool suite_at(size_t index, struct suite *suite)
{
    for (size_t i = 0; i < cipher_count(); i++) {
        const struct cipher_alg *cipher = cipher_at(i);
        size_t ways = cipher_is_aead(cipher) ? 1 : mac_count();
        if (index < ways) {
            *suite = (struct suite){ cipher, cipher_is_aead(cipher) ? NULL : mac_at(index) };
            return true;
        }
        index -= ways;
    }
    return false;
}

static inline size_t suite_count(void)
{
    struct suite suite;
    size_t count = 0;
    while (suite_at(count, &suite))
        count++;
    return count;
}

/* An instance under a key of bytes 0, 1, 2 … */
static inline struct cipher *suite_cipher(const struct suite *suite, bool sealing)
{
    static const uint8_t iv[CIPHER_MAX_IV_LEN] = { 0, 1, 2, 3, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0 };
    uint8_t key[CIPHER_MAX_KEY_LEN];
    uint8_t mac_key[MAC_MAX_KEY_LEN];
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof mac_key; i++)
        mac_key[i] = (uint8_t)(128 + i);
    return cipher_new(suite->cipher, suite->mac, &(struct cipher_keys){ key, iv, mac_key }, sealing);
}

#endif
