/* The table of packet ciphers, in order of preference, and the calls that go through a row. */
#include "crypto/cipher_families.h"

#include <string.h>

/* Half of what RFC 4344 section 3.1 allows: sequence numbers never wrap under one key. */
#define MAX_PACKETS (UINT64_C(1) << 31)

/* RFC 4344 section 3.2 for blocks of 16 bytes: 2^32 of them. */
#define MAX_BYTES (UINT64_C(16) << 32)

static const enum library_cipher aes_128_gcm = LIBRARY_AES_128_GCM;
static const enum library_cipher aes_256_gcm = LIBRARY_AES_256_GCM;
static const enum library_cipher aes_128_ctr = LIBRARY_AES_128_CTR;
static const enum library_cipher aes_192_ctr = LIBRARY_AES_192_CTR;
static const enum library_cipher aes_256_ctr = LIBRARY_AES_256_CTR;

#define GCM_ROW(row_name, row_key_len, row_param)                                                                      \
    {                                                                                                                  \
        .name = (row_name), .key_len = (row_key_len), .iv_len = 12, .block_len = 16, .tag_len = 16,                    \
        .is_default = true, .max_packets = MAX_PACKETS, .max_bytes = MAX_BYTES, .family = &cipher_gcm,                 \
        .param = (row_param),                                                                                          \
    }

#define CTR_ROW(row_name, row_key_len, row_param)                                                                      \
    {                                                                                                                  \
        .name = (row_name), .key_len = (row_key_len), .iv_len = 16, .block_len = 16, .is_default = true,               \
        .max_packets = MAX_PACKETS, .max_bytes = MAX_BYTES, .param = (row_param),                                      \
    }

static const struct cipher_alg ciphers[] = {
    {
        .name = "chacha20-poly1305@openssh.com",
        .key_len = 64,
        .block_len = 8,
        .tag_len = 16,
        .is_default = true,
        .needs_strict_kex = true,
        .max_packets = MAX_PACKETS,
        .family = &cipher_chacha,
    },
    GCM_ROW("aes256-gcm@openssh.com", 32, &aes_256_gcm),
    GCM_ROW("aes128-gcm@openssh.com", 16, &aes_128_gcm),
    CTR_ROW("aes256-ctr", 32, &aes_256_ctr),
    CTR_ROW("aes192-ctr", 24, &aes_192_ctr),
    CTR_ROW("aes128-ctr", 16, &aes_128_ctr),
};

size_t cipher_count(void)
{
    return sizeof ciphers / sizeof ciphers[0];
}

const struct cipher_alg *cipher_at(size_t index)
{
    return index < cipher_count() ? &ciphers[index] : NULL;
}

const struct cipher_alg *cipher_find(const char *name)
{
    for (size_t i = 0; i < cipher_count(); i++)
        if (strcmp(ciphers[i].name, name) == 0)
            return &ciphers[i];
    return NULL;
}

static const struct cipher_family *family_of(const struct cipher_alg *alg, const struct mac_alg *mac)
{
    if (cipher_is_aead(alg))
        return alg->family;
    if (mac == NULL)
        return NULL;
    return mac->is_etm ? &cipher_mac_of_ciphertext : &cipher_mac_of_clear_text;
}

static struct cipher_shape shape_of(const struct cipher *c)
{
    bool sealed = c->family->length_is_sealed;
    return (struct cipher_shape){
        .align = c->alg->block_len,
        .aligned_from = sealed ? 0 : 4,
        .tag_len = c->mac != NULL ? c->mac->tag_len : c->alg->tag_len,
        .length_needs = sealed ? c->alg->block_len : 4,
    };
}

struct cipher *cipher_new(const struct cipher_alg *alg, const struct mac_alg *mac, const struct cipher_keys *keys,
                          bool sealing)
{
    const struct cipher_family *family = family_of(alg, mac);
    struct cipher *c = family != NULL ? family->create(alg, mac, keys, sealing) : NULL;
    if (c == NULL)
        return NULL;
    c->family = family;
    c->alg = alg;
    c->mac = cipher_is_aead(alg) ? NULL : mac;
    c->shape = shape_of(c);
    return c;
}

void cipher_free(struct cipher *c)
{
    if (c != NULL)
        c->family->destroy(c);
}

bool cipher_seal(struct cipher *c, uint32_t seq, uint8_t *packet, const struct cipher_parts *parts)
{
    return c->family->seal(c, seq, packet, parts);
}

bool cipher_open_length(struct cipher *c, uint32_t seq, const uint8_t *packet, uint32_t *length)
{
    return c->family->open_length(c, seq, packet, length);
}

bool cipher_open(struct cipher *c, uint32_t seq, uint8_t *packet, size_t length)
{
    return c->family->open(c, seq, packet, length);
}

const struct cipher_alg *cipher_alg(const struct cipher *c)
{
    return c->alg;
}

const char *cipher_mac_name(const struct cipher *c)
{
    return c->mac != NULL ? c->mac->name : c->alg->name;
}

const struct cipher_shape *cipher_shape(const struct cipher *c)
{
    return &c->shape;
}
