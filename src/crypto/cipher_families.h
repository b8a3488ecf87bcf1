/* What the cipher families share: the head of every context, and the functions that the rows of the
 * table name. */
#ifndef SSHIO_CRYPTO_CIPHER_FAMILIES_H
#define SSHIO_CRYPTO_CIPHER_FAMILIES_H

#include <limits.h>

#include "base/bytes.h"
#include "crypto/cipher.h"
#include "crypto/library.h"

struct cipher { /* the first member of each family's context; cipher_new fills it */
    const struct cipher_family *family;
    const struct cipher_alg *alg;
    const struct mac_alg *mac; /* NULL = AEAD */
    struct cipher_shape shape;
};

struct cipher_family {
    struct cipher *(*create)(const struct cipher_alg *alg, const struct mac_alg *mac, const struct cipher_keys *keys,
                             bool sealing);
    void (*destroy)(struct cipher *c);
    bool (*seal)(struct cipher *c, uint32_t seq, uint8_t *packet, const struct cipher_parts *parts);
    bool (*open_length)(struct cipher *c, uint32_t seq, const uint8_t *packet, uint32_t *length);
    bool (*open)(struct cipher *c, uint32_t seq, uint8_t *packet, size_t length);
    bool length_is_sealed; /* with the rest, so that one block has to be there to see it */
};

extern const struct cipher_family cipher_gcm;    /* param points to the enum library_cipher */
extern const struct cipher_family cipher_chacha; /* chacha20-poly1305@openssh.com */
/* A cipher and a MAC; the cipher's param points to the enum library_cipher. */
extern const struct cipher_family cipher_mac_of_ciphertext;
extern const struct cipher_family cipher_mac_of_clear_text;

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

/* A context of libcrypto that keeps its key for life. NULL = failed. */
static inline EVP_CIPHER_CTX *cipher_context(enum library_cipher which, const uint8_t *key, const uint8_t *iv,
                                             bool sealing)
{
    EVP_CIPHER *library = library_cipher(which);
    EVP_CIPHER_CTX *ctx = library != NULL ? EVP_CIPHER_CTX_new() : NULL;
    if (ctx != NULL && EVP_CipherInit_ex2(ctx, library, key, iv, sealing ? 1 : 0, NULL) != 1) {
        EVP_CIPHER_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

/* The length of a packet whose length field is in clear. */
static inline bool cipher_open_clear_length(struct cipher *c, uint32_t seq, const uint8_t *packet, uint32_t *length)
{
    (void)c;
    (void)seq;
    *length = load_u32(packet);
    return true;
}

#endif
