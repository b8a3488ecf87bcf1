/* Packet ciphers: rows of one table. Each works on whole SSH packets in one piece of memory:
 *
 *     length(4)  padding_length(1)  payload  padding  tag
 *
 * A sealing cipher writes, an opening one reads; an instance is made once per key, and no call allocates memory of
 * ours. AES-GCM as RFC 5647 with OpenSSH's negotiation, chacha20-poly1305@openssh.com as OpenSSH's
 * PROTOCOL.chacha20poly1305; these authenticate by themselves. A cipher that does not (AES in counter mode, RFC 4344)
 * is paired with a MAC when it is made, in one of the two ways that the MAC's name says. */
#ifndef SSHIO_CRYPTO_CIPHER_H
#define SSHIO_CRYPTO_CIPHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/mac.h"

#define CIPHER_MAX_KEY_LEN 64
#define CIPHER_MAX_IV_LEN 16
#define CIPHER_MAX_TAG_LEN 64

struct cipher; /* one direction under one key */
struct cipher_family;

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
    bool needs_strict_kex; /* with a tag over the ciphertext it does not notice that packets before NEWKEYS are gone */
    uint64_t max_packets;  /* under one key; rekeying must come before */
    uint64_t max_bytes;    /* the same; 0 = max_packets is bound enough */
    const struct cipher_family *family; /* NULL = not AEAD */
    const void *param;                  /* for the family */
};

/* What packets look like under an instance. */
struct cipher_shape {
    size_t align;        /* … of which the aligned part is a multiple, */
    size_t aligned_from; /* … which begins here: 0 with the length field, 4 behind it */
    size_t tag_len;
    size_t length_needs; /* bytes that open_length wants to see */
};

/* Secrets as long as the rows say; mac_key of the MAC's row, unused by AEAD. */
struct cipher_keys {
    const uint8_t *key;
    const uint8_t *iv;
    const uint8_t *mac_key;
};

static inline bool cipher_is_aead(const struct cipher_alg *alg)
{
    return alg->tag_len != 0;
}

size_t cipher_count(void);
const struct cipher_alg *cipher_at(size_t index); /* in order of preference */
const struct cipher_alg *cipher_find(const char *name);

/* mac is ignored by AEAD ciphers and needed by others. NULL = failed. */
struct cipher *cipher_new(const struct cipher_alg *alg, const struct mac_alg *mac, const struct cipher_keys *keys,
                          bool sealing);
void cipher_free(struct cipher *c); /* takes NULL; wipes the keys */

/* Writes the tag behind the packet. */
bool cipher_seal(struct cipher *c, uint32_t seq, uint8_t *packet, const struct cipher_parts *parts);
/* From the first length_needs bytes; unverified. Once for each packet, before cipher_open. */
bool cipher_open_length(struct cipher *c, uint32_t seq, const uint8_t *packet, uint32_t *length);
/* Verifies, and decrypts in place what follows the length field. false = tampered with: nothing of it counts. */
bool cipher_open(struct cipher *c, uint32_t seq, uint8_t *packet, size_t length);

const struct cipher_alg *cipher_alg(const struct cipher *c);
const char *cipher_mac_name(const struct cipher *c); /* an AEAD cipher's own name */
const struct cipher_shape *cipher_shape(const struct cipher *c);

#endif
