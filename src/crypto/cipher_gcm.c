/* AES-GCM for packets (RFC 5647 section 7, under OpenSSH's names): the length field travels in
 * clear and is authenticated, the rest is encrypted, a 16-byte tag follows. The nonce is the
 * derived IV, whose last 8 bytes count packets, modulo 2^64; the first 4 are fixed.
 *
 * The context keeps its key for life and is re-armed by the nonce only. A nonce is used up by every
 * call, also by one that fails, so that none can come twice. */
#include "crypto/cipher_families.h"

#include <string.h>

#include "base/memory.h"

#define GCM_IV_LEN 12
#define GCM_TAG_LEN 16

struct gcm {
    struct cipher base;
    EVP_CIPHER_CTX *ctx;
    bool sealing;
    uint8_t iv[GCM_IV_LEN];
};

static void gcm_destroy(struct cipher *c)
{
    struct gcm *g = (struct gcm *)c;
    EVP_CIPHER_CTX_free(g->ctx);
    mem_free_secret(g, sizeof *g);
}

static struct cipher *gcm_create(const struct cipher_alg *alg, const struct mac_alg *mac,
                                 const struct cipher_keys *keys, bool sealing)
{
    (void)mac;
    struct gcm *g = mem_zalloc(sizeof *g);
    if (g == NULL)
        return NULL;
    g->sealing = sealing;
    memcpy(g->iv, keys->iv, GCM_IV_LEN);
    g->ctx = cipher_context(*(const enum library_cipher *)alg->param, keys->key, keys->iv, sealing);
    if (g->ctx == NULL) {
        gcm_destroy(&g->base);
        return NULL;
    }
    return &g->base;
}

/* Arms the context with the nonce of this packet, moves on to the next one's, and takes in the
 * length field. */
static bool begin(struct gcm *g, const uint8_t *packet)
{
    uint8_t iv[GCM_IV_LEN];
    int done = 0;

    memcpy(iv, g->iv, GCM_IV_LEN);
    store_u64(g->iv + 4, ((uint64_t)load_u32(iv + 4) << 32 | load_u32(iv + 8)) + 1);
    /* -1 leaves the direction as it was made. */
    return EVP_CipherInit_ex2(g->ctx, NULL, NULL, iv, -1, NULL) == 1 &&
           EVP_CipherUpdate(g->ctx, NULL, &done, packet, 4) == 1;
}

static bool gcm_seal(struct cipher *c, uint32_t seq, uint8_t *packet, const struct cipher_parts *parts)
{
    struct gcm *g = (struct gcm *)c;
    uint8_t *tag = packet + 4 + cipher_parts_len(parts);
    int done = 0;

    (void)seq;
    return g->sealing && begin(g, packet) && cipher_update_parts(g->ctx, packet, parts) &&
           EVP_CipherFinal_ex(g->ctx, tag, &done) == 1 &&
           EVP_CIPHER_CTX_ctrl(g->ctx, EVP_CTRL_AEAD_GET_TAG, GCM_TAG_LEN, tag) == 1;
}

static bool gcm_open(struct cipher *c, uint32_t seq, uint8_t *packet, size_t length)
{
    struct gcm *g = (struct gcm *)c;
    uint8_t *tag = packet + 4 + length;
    int done = 0;

    (void)seq;
    return !g->sealing && begin(g, packet) &&
           EVP_CIPHER_CTX_ctrl(g->ctx, EVP_CTRL_AEAD_SET_TAG, GCM_TAG_LEN, tag) == 1 &&
           cipher_update(g->ctx, packet + 4, packet + 4, length) && EVP_CipherFinal_ex(g->ctx, tag, &done) == 1;
}

const struct cipher_family cipher_gcm = {
    .create = gcm_create,
    .destroy = gcm_destroy,
    .seal = gcm_seal,
    .open_length = cipher_open_clear_length,
    .open = gcm_open,
};
