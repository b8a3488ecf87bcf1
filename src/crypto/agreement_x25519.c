/* X25519 (RFC 7748 section 6.1) as RFC 8731 uses it: public keys and secrets of exactly 32 bytes,
 * and a secret of all zeros, which a point of small order gives, is refused. */
#include "crypto/agreement.h"

#include <pthread.h>

#include <openssl/evp.h>

#include "base/memory.h"
#include "crypto/random.h"

#define X25519_LEN 32

struct agreement {
    EVP_PKEY *pkey;
};

static pthread_once_t generator_once = PTHREAD_ONCE_INIT;
static pthread_key_t generator_slot;
static bool generator_slot_made;

static void free_generator(void *generator)
{
    EVP_PKEY_CTX_free(generator);
}

static void make_generator_slot(void)
{
    generator_slot_made = pthread_key_create(&generator_slot, free_generator) == 0;
}

/* A context that makes key after key, one per thread; NULL = failed. */
static EVP_PKEY_CTX *thread_generator(void)
{
    if (pthread_once(&generator_once, make_generator_slot) != 0 || !generator_slot_made)
        return NULL;
    EVP_PKEY_CTX *generator = pthread_getspecific(generator_slot);
    if (generator != NULL)
        return generator;
    generator = EVP_PKEY_CTX_new_from_name(NULL, "X25519", NULL);
    if (generator == NULL || EVP_PKEY_keygen_init(generator) != 1 ||
        pthread_setspecific(generator_slot, generator) != 0) {
        EVP_PKEY_CTX_free(generator);
        return NULL;
    }
    return generator;
}

static EVP_PKEY *new_private_key(void)
{
    if (random_seeded()) {
        uint8_t private_key[X25519_LEN];
        bool filled = random_bytes(private_key, sizeof private_key);
        EVP_PKEY *pkey = filled ? EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, private_key, sizeof private_key)
                                : NULL;
        mem_wipe(private_key, sizeof private_key);
        return pkey;
    }
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *generator = thread_generator();
    return generator != NULL && EVP_PKEY_generate(generator, &pkey) == 1 ? pkey : NULL;
}

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
    a->pkey = new_private_key();
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
    EVP_PKEY *peer = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, peer_public, len);
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
