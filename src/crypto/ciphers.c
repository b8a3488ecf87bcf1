/* The table of packet ciphers, in order of preference, and the calls that go through a row. */
#include "crypto/cipher_families.h"

#include <string.h>

/* Half of what RFC 4344 section 3.1 allows: sequence numbers never wrap under one key. */
#define MAX_PACKETS (UINT64_C(1) << 31)

static const enum library_cipher aes_128_gcm = LIBRARY_AES_128_GCM;
static const enum library_cipher aes_256_gcm = LIBRARY_AES_256_GCM;

#define GCM_ROW(row_name, row_key_len, row_param)                                                                      \
    {                                                                                                                  \
        .name = (row_name), .key_len = (row_key_len), .iv_len = 12, .block_len = 16, .tag_len = 16,                    \
        .is_default = true, .max_packets = MAX_PACKETS, .param = (row_param), .create = gcm_create,                    \
        .destroy = gcm_destroy, .seal = gcm_seal, .open_length = gcm_open_length, .open = gcm_open,                    \
    }

static const struct cipher_alg ciphers[] = {
    {
        .name = "chacha20-poly1305@openssh.com",
        .key_len = 64,
        .block_len = 8,
        .tag_len = 16,
        .is_default = true,
        .max_packets = MAX_PACKETS,
        .create = chacha_create,
        .destroy = chacha_destroy,
        .seal = chacha_seal,
        .open_length = chacha_open_length,
        .open = chacha_open,
    },
    GCM_ROW("aes256-gcm@openssh.com", 32, &aes_256_gcm),
    GCM_ROW("aes128-gcm@openssh.com", 16, &aes_128_gcm),
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

struct cipher *cipher_new(const struct cipher_alg *alg, const uint8_t *key, const uint8_t *iv, bool sealing)
{
    return alg->create(alg, key, iv, sealing);
}

void cipher_free(struct cipher *c)
{
    if (c != NULL)
        c->alg->destroy(c);
}

bool cipher_seal(struct cipher *c, uint32_t seq, uint8_t *packet, const struct cipher_parts *parts)
{
    return c->alg->seal(c, seq, packet, parts);
}

bool cipher_open_length(struct cipher *c, uint32_t seq, const uint8_t *packet, uint32_t *length)
{
    return c->alg->open_length(c, seq, packet, length);
}

bool cipher_open(struct cipher *c, uint32_t seq, uint8_t *packet, size_t length)
{
    return c->alg->open(c, seq, packet, length);
}

const struct cipher_alg *cipher_alg(const struct cipher *c)
{
    return c->alg;
}
