/* See null_suite.h. */
#include "null_suite.h"

#include <string.h>

#include "base/memory.h"
#include "crypto/cipher_families.h"
#include "engine/test_kex.h"
#include "key/key.h"

const struct kex_alg null_kex = {
    .name = "curve25519-sha256", .hash_name = "sha256", .method = &kex_ecdh, .param = &test_agreement
};

static struct cipher *create(const struct cipher_alg *alg, const struct mac_alg *mac, const struct cipher_keys *keys,
                             bool sealing)
{
    (void)alg, (void)mac, (void)keys, (void)sealing;
    return mem_zalloc(sizeof(struct cipher));
}

static void destroy(struct cipher *c)
{
    mem_free(c);
}

static bool seal(struct cipher *c, uint32_t seq, uint8_t *packet, const struct cipher_parts *parts)
{
    (void)seq;
    if (parts->body_len != 0)
        memmove(packet + 4 + parts->head_len, parts->body, parts->body_len);
    memset(packet + 4 + cipher_parts_len(parts), 0, c->alg->tag_len);
    return true;
}

static bool open(struct cipher *c, uint32_t seq, uint8_t *packet, size_t length)
{
    (void)c, (void)seq, (void)packet, (void)length;
    return true;
}

static const struct cipher_family null_family = {
    .create = create,
    .destroy = destroy,
    .seal = seal,
    .open_length = cipher_open_clear_length,
    .open = open,
};

#define NULL_CIPHER(called)                                                                                            \
    {                                                                                                                  \
        .name = (called), .block_len = 8, .tag_len = 4, .max_packets = UINT64_C(1) << 31, .family = &null_family       \
    }

const struct cipher_alg null_ciphers[] = { NULL_CIPHER("aes128-gcm@openssh.com"),
                                           NULL_CIPHER("chacha20-poly1305@openssh.com") };

const uint8_t null_host_key[NULL_SUITE_HOST_KEY_LEN] = "\0\0\0\013ssh-ed25519\0\0\0\040the key of nobody, of 32 octets";

bool __wrap_key_verify(const sshio_key *key, const struct sig_alg *expected, struct span data, struct span signature);
bool __wrap_key_verify(const sshio_key *key, const struct sig_alg *expected, struct span data, struct span signature)
{
    (void)key, (void)expected, (void)data;
    return signature.len >= NULL_SUITE_SIGNATURE_LEN;
}
