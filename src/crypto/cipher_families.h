/* What the cipher families share: the head of every context, and the functions that the rows of the
 * table name. */
#ifndef SSHIO_CRYPTO_CIPHER_FAMILIES_H
#define SSHIO_CRYPTO_CIPHER_FAMILIES_H

#include <limits.h>

#include "crypto/cipher.h"
#include "crypto/library.h"

struct cipher { /* the first member of each family's context */
    const struct cipher_alg *alg;
};

/* libcrypto counts in int; packets are far shorter: this only guards against a caller's mistake. */
static inline bool cipher_update(EVP_CIPHER_CTX *ctx, uint8_t *to, const uint8_t *from, size_t len)
{
    int done = 0;
    if (len == 0)
        return true;
    return len <= INT_MAX && EVP_CipherUpdate(ctx, to, &done, from, (int)len) == 1 && done == (int)len;
}

/* The three parts of a packet, from where they are to where they belong. */
static inline bool cipher_update_parts(EVP_CIPHER_CTX *ctx, uint8_t *packet, const struct cipher_parts *parts)
{
    uint8_t *head = packet + 4;
    uint8_t *body = head + parts->head_len;
    uint8_t *tail = body + parts->body_len;
    return cipher_update(ctx, head, head, parts->head_len) && cipher_update(ctx, body, parts->body, parts->body_len) &&
           cipher_update(ctx, tail, tail, parts->tail_len);
}

static inline size_t cipher_parts_len(const struct cipher_parts *parts)
{
    return parts->head_len + parts->body_len + parts->tail_len;
}

/* AES-GCM; param points to the enum library_cipher. */
struct cipher *gcm_create(const struct cipher_alg *alg, const uint8_t *key, const uint8_t *iv, bool sealing);
void gcm_destroy(struct cipher *c);
bool gcm_seal(struct cipher *c, uint32_t seq, uint8_t *packet, const struct cipher_parts *parts);
bool gcm_open_length(struct cipher *c, uint32_t seq, const uint8_t *packet, uint32_t *length);
bool gcm_open(struct cipher *c, uint32_t seq, uint8_t *packet, size_t length);

/* chacha20-poly1305@openssh.com */
struct cipher *chacha_create(const struct cipher_alg *alg, const uint8_t *key, const uint8_t *iv, bool sealing);
void chacha_destroy(struct cipher *c);
bool chacha_seal(struct cipher *c, uint32_t seq, uint8_t *packet, const struct cipher_parts *parts);
bool chacha_open_length(struct cipher *c, uint32_t seq, const uint8_t *packet, uint32_t *length);
bool chacha_open(struct cipher *c, uint32_t seq, uint8_t *packet, size_t length);

#endif
