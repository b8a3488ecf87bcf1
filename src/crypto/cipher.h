/* Packet ciphers: rows of one table. Each works on whole SSH packets in one piece of memory:
 *
 *     length(4)  padding_length(1)  payload  padding  tag
 *
 * A sealing cipher writes, an opening one reads; a context is made once per key and re-armed by its IV, and no call
 * allocates. AES-GCM as RFC 5647 with OpenSSH's negotiation, chacha20-poly1305@openssh.com as OpenSSH's
 * PROTOCOL.chacha20poly1305. */
#ifndef SSHIO_CRYPTO_CIPHER_H
#define SSHIO_CRYPTO_CIPHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CIPHER_MAX_KEY_LEN 64
#define CIPHER_MAX_IV_LEN 16
#define CIPHER_MAX_TAG_LEN 64

struct cipher; /* one direction under one key */

/* The clear text of one packet after its length field. head and tail lie in place, body is taken from where it is. */
struct cipher_parts {
    size_t head_len;     /* padding_length and the start of the payload: packet + 4 … */
    const uint8_t *body; /* … then this is sealed to packet + 4 + head_len (may be that very place) … */
    size_t body_len;
    size_t tail_len; /* … and the rest, in place after the body */
};

struct cipher_alg {
    const char *name;
    size_t key_len;
    size_t iv_len;    /* 0 = the cipher takes its nonce from the sequence number */
    size_t block_len; /* what a packet's length is a multiple of, at least 8 */
    size_t tag_len;   /* 0 = not AEAD: a MAC is negotiated beside it */
    bool is_default;
    bool is_weak;
    uint64_t max_packets; /* under one key; rekeying must come before */
    const void *param;    /* for the functions below */

    struct cipher *(*create)(const struct cipher_alg *alg, const uint8_t *key, const uint8_t *iv, bool sealing);
    void (*destroy)(struct cipher *c);
    bool (*seal)(struct cipher *c, uint32_t seq, uint8_t *packet,
                 const struct cipher_parts *parts); /* writes the tag behind */
    bool (*open_length)(struct cipher *c, uint32_t seq, const uint8_t *packet,
                        uint32_t *length); /* from the first 4 bytes; unverified */
    bool (*open)(struct cipher *c, uint32_t seq, uint8_t *packet,
                 size_t length); /* verifies, then decrypts in place what follows the
                                    length field; false = tampered with */
};

size_t cipher_count(void);
const struct cipher_alg *cipher_at(size_t index); /* in order of preference */
const struct cipher_alg *cipher_find(const char *name);

struct cipher *cipher_new(const struct cipher_alg *alg, const uint8_t *key, const uint8_t *iv,
                          bool sealing); /* NULL = failed */
void cipher_free(struct cipher *c);      /* takes NULL; wipes the keys */
bool cipher_seal(struct cipher *c, uint32_t seq, uint8_t *packet, const struct cipher_parts *parts);
bool cipher_open_length(struct cipher *c, uint32_t seq, const uint8_t *packet, uint32_t *length);
bool cipher_open(struct cipher *c, uint32_t seq, uint8_t *packet, size_t length);
const struct cipher_alg *cipher_alg(const struct cipher *c);

#endif
