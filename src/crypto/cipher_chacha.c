/* chacha20-poly1305@openssh.com: two ChaCha20 instances, whose nonce is the packet's sequence
 * number. The second half of the key encrypts the length field alone, so that the length is hidden
 * but can be had before the packet is complete. The first half gives, from block 0, the packet's
 * Poly1305 key and encrypts the rest from block 1 on. The tag is over the encrypted length and the
 * encrypted rest.
 *
 * libcrypto's ChaCha20 takes 16 bytes of IV: the block counter, little-endian, then the nonce; here
 * 8 bytes each. The tag is verified before anything but the length is decrypted. */
#include "crypto/cipher_families.h"

#include <string.h>

#include "base/memory.h"

#define CHACHA_KEY_LEN 32
#define CHACHA_IV_LEN 16
#define CHACHA_BLOCK_LEN 64
#define POLY1305_KEY_LEN 32
#define POLY1305_TAG_LEN 16

struct chacha {
    struct cipher base;
    EVP_CIPHER_CTX *main;
    EVP_CIPHER_CTX *header;
    EVP_MAC_CTX *mac;
    bool sealing;
};

static void chacha_destroy(struct cipher *cipher)
{
    struct chacha *c = (struct chacha *)cipher;
    EVP_CIPHER_CTX_free(c->main);
    EVP_CIPHER_CTX_free(c->header);
    EVP_MAC_CTX_free(c->mac);
    mem_free(c);
}

static EVP_CIPHER_CTX *new_stream(const uint8_t *key)
{
    static const uint8_t iv[CHACHA_IV_LEN];
    return cipher_context(LIBRARY_CHACHA20, key, iv, true);
}

static struct cipher *chacha_create(const struct cipher_alg *alg, const struct mac_alg *mac,
                                    const struct cipher_keys *keys, bool sealing)
{
    (void)alg;
    (void)mac;
    struct chacha *c = library_poly1305() != NULL ? mem_zalloc(sizeof *c) : NULL;
    if (c == NULL)
        return NULL;
    c->sealing = sealing;
    c->main = new_stream(keys->key);
    c->header = new_stream(keys->key + CHACHA_KEY_LEN);
    c->mac = EVP_MAC_CTX_new(library_poly1305());
    if (c->main == NULL || c->header == NULL || c->mac == NULL) {
        chacha_destroy(&c->base);
        return NULL;
    }
    return &c->base;
}

/* Puts a stream at its block 0 for one packet. Encryption and decryption are the same operation. */
static bool rewind_to(EVP_CIPHER_CTX *stream, uint32_t seq)
{
    uint8_t iv[CHACHA_IV_LEN] = { 0 };
    store_u64(iv + 8, seq);
    return EVP_EncryptInit_ex2(stream, NULL, NULL, iv, NULL) == 1;
}

/* Rewinds the main stream and starts the MAC with the key from block 0; the stream stands at block
 * 1 then. */
static bool begin(struct chacha *c, uint32_t seq)
{
    static const uint8_t zeros[CHACHA_BLOCK_LEN];
    uint8_t block[CHACHA_BLOCK_LEN];
    bool ok = rewind_to(c->main, seq) && cipher_update(c->main, block, zeros, sizeof block) &&
              EVP_MAC_init(c->mac, block, POLY1305_KEY_LEN, NULL) == 1;
    mem_wipe(block, sizeof block);
    return ok;
}

static bool finish_tag(struct chacha *c, const uint8_t *sealed, size_t len, uint8_t *tag)
{
    size_t tag_len = 0;
    return EVP_MAC_update(c->mac, sealed, len) == 1 && EVP_MAC_final(c->mac, tag, &tag_len, POLY1305_TAG_LEN) == 1 &&
           tag_len == POLY1305_TAG_LEN;
}

static bool chacha_seal(struct cipher *cipher, uint32_t seq, uint8_t *packet, const struct cipher_parts *parts)
{
    struct chacha *c = (struct chacha *)cipher;
    size_t sealed_len = 4 + cipher_parts_len(parts);

    /* Encrypting everything before the MAC starts is faster than taking turns. */
    return c->sealing && rewind_to(c->header, seq) && cipher_update(c->header, packet, packet, 4) && begin(c, seq) &&
           cipher_update_parts(c->main, packet, parts) && finish_tag(c, packet, sealed_len, packet + sealed_len);
}

static bool chacha_open_length(struct cipher *cipher, uint32_t seq, const uint8_t *packet, uint32_t *length)
{
    struct chacha *c = (struct chacha *)cipher;
    uint8_t clear[4];
    if (!rewind_to(c->header, seq) || !cipher_update(c->header, clear, packet, sizeof clear))
        return false;
    *length = load_u32(clear);
    return true;
}

static bool chacha_open(struct cipher *cipher, uint32_t seq, uint8_t *packet, size_t length)
{
    struct chacha *c = (struct chacha *)cipher;
    uint8_t tag[POLY1305_TAG_LEN];

    return !c->sealing && begin(c, seq) && finish_tag(c, packet, 4 + length, tag) &&
           mem_equal_secret(tag, packet + 4 + length, sizeof tag) &&
           cipher_update(c->main, packet + 4, packet + 4, length);
}

const struct cipher_family cipher_chacha = {
    .create = chacha_create,
    .destroy = chacha_destroy,
    .seal = chacha_seal,
    .open_length = chacha_open_length,
    .open = chacha_open,
};
