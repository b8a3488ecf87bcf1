/* X25519 (RFC 7748 section 6.1) as RFC 8731 uses it: public keys and secrets of exactly 32 bytes,
 * and a secret of all zeros, which a point of small order gives, is refused. */
#include "crypto/agreement.h"

#include <openssl/evp.h>

#include "base/memory.h"
#include "crypto/raw_key.h"

#define X25519_LEN 32

struct agreement {
    EVP_PKEY *pkey;
};

static void x25519_destroy(struct agreement *a)
{
    if (a == NULL)
        return;
    EVP_PKEY_free(a->pkey);
    mem_free(a);
}

static struct agreement *x25519_generate(const struct agreement_alg *alg, uint8_t *public_key)
{
    (void)alg;
    struct agreement *a = mem_zalloc(sizeof *a);
    if (a == NULL)
        return NULL;
    size_t len = X25519_LEN;
    a->pkey = raw_key_generate(RAW_KEY_X25519);
    if (a->pkey == NULL || EVP_PKEY_get_raw_public_key(a->pkey, public_key, &len) != 1 || len != X25519_LEN) {
        x25519_destroy(a);
        return NULL;
    }
    return a;
}

/* Any 32 bytes are a public key; what must not be shows in the secret. So nothing is asked of the peer's key. */
static bool derive(EVP_PKEY_CTX *ctx, EVP_PKEY *peer, uint8_t *secret)
{
    size_t len = X25519_LEN;
    return EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) == 1 &&
           EVP_PKEY_derive(ctx, secret, &len) == 1 && len == X25519_LEN;
}

static bool x25519_derive(struct agreement *a, const uint8_t *peer_public, size_t len, uint8_t *secret)
{
    static const uint8_t zeros[X25519_LEN];
    if (len != X25519_LEN)
        return false;
    EVP_PKEY *peer = raw_key_public(RAW_KEY_X25519, peer_public, len);
    EVP_PKEY_CTX *ctx = peer != NULL ? EVP_PKEY_CTX_new_from_pkey(NULL, a->pkey, NULL) : NULL;
    bool ok = ctx != NULL && derive(ctx, peer, secret) && !mem_equal_secret(secret, zeros, X25519_LEN);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    if (!ok)
        mem_wipe(secret, X25519_LEN);
    return ok;
}

const struct agreement_alg agreement_x25519 = {
    .name = "x25519",
    .public_len = X25519_LEN,
    .secret_len = X25519_LEN,
    .generate = x25519_generate,
    .derive = x25519_derive,
    .destroy = x25519_destroy,
};
