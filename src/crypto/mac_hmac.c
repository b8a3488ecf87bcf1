/* HMAC (RFC 2104) over libcrypto: the sequence number, then the text (RFC 4253 6.4, RFC 6668).
 *
 * The context keeps its key for life. libcrypto 3.0 allocates twice when it is started again; no way through EVP avoids
 * that. */
#include "crypto/mac_families.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "crypto/library.h"

struct hmac {
    struct mac base;
    EVP_MAC_CTX *ctx;
};

static void hmac_destroy(struct mac *m)
{
    struct hmac *h = (struct hmac *)m;
    EVP_MAC_CTX_free(h->ctx);
    mem_free(h);
}

static bool set_key(struct hmac *h, const struct mac_alg *alg, const uint8_t *key)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)alg->param, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_init(h->ctx, key, alg->key_len, params) == 1 && EVP_MAC_CTX_get_mac_size(h->ctx) >= alg->tag_len;
}

static struct mac *hmac_create(const struct mac_alg *alg, const uint8_t *key)
{
    struct hmac *h = library_hmac() != NULL ? mem_zalloc(sizeof *h) : NULL;
    if (h == NULL)
        return NULL;
    h->ctx = EVP_MAC_CTX_new(library_hmac());
    if (h->ctx == NULL || !set_key(h, alg, key)) {
        hmac_destroy(&h->base);
        return NULL;
    }
    return &h->base;
}

static bool hmac_update(struct mac *m, const uint8_t *data, size_t len)
{
    return len == 0 || EVP_MAC_update(((struct hmac *)m)->ctx, data, len) == 1;
}

static bool hmac_begin(struct mac *m, uint32_t seq)
{
    uint8_t number[4];
    store_u32(number, seq);
    return EVP_MAC_init(((struct hmac *)m)->ctx, NULL, 0, NULL) == 1 && hmac_update(m, number, sizeof number);
}

static bool hmac_finish(struct mac *m, uint8_t *tag)
{
    uint8_t whole[EVP_MAX_MD_SIZE];
    size_t len = 0;
    if (EVP_MAC_final(((struct hmac *)m)->ctx, whole, &len, sizeof whole) != 1 || len < m->alg->tag_len)
        return false;
    memcpy(tag, whole, m->alg->tag_len);
    mem_wipe(whole, sizeof whole);
    return true;
}

const struct mac_family mac_hmac = {
    .create = hmac_create,
    .destroy = hmac_destroy,
    .begin = hmac_begin,
    .update = hmac_update,
    .finish = hmac_finish,
};
