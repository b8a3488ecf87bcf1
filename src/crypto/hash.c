/* Hashes and HMAC over libcrypto. */
#include "crypto/hash.h"

#include <limits.h>
#include <pthread.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/memory.h"

static const struct hash_alg hashes[] = {
    { "md5", "MD5", 16, 64 },         { "sha1", "SHA1", 20, 64 },        { "sha224", "SHA2-224", 28, 64 },
    { "sha256", "SHA2-256", 32, 64 }, { "sha384", "SHA2-384", 48, 128 }, { "sha512", "SHA2-512", 64, 128 },
};

#define HASH_COUNT (sizeof hashes / sizeof hashes[0])

static EVP_MD *fetched_hashes[HASH_COUNT];
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

struct hash {
    const struct hash_alg *alg;
    EVP_MD_CTX *ctx;
};

static void fetch_all(void)
{
    for (size_t i = 0; i < HASH_COUNT; i++)
        fetched_hashes[i] = EVP_MD_fetch(NULL, hashes[i].library_name, NULL);
}

/* NULL = not in this libcrypto (MD5 under FIPS). */
static const EVP_MD *library_hash(const struct hash_alg *alg)
{
    return pthread_once(&fetched, fetch_all) == 0 ? fetched_hashes[alg - hashes] : NULL;
}

const struct hash_alg *hash_find(const char *name)
{
    for (size_t i = 0; i < HASH_COUNT; i++)
        if (strcmp(hashes[i].name, name) == 0)
            return &hashes[i];
    return NULL;
}

struct hash *hash_new(const struct hash_alg *alg)
{
    const EVP_MD *md = library_hash(alg);
    struct hash *h = md != NULL ? mem_zalloc(sizeof *h) : NULL;
    if (h == NULL)
        return NULL;
    h->alg = alg;
    h->ctx = EVP_MD_CTX_new();
    if (h->ctx == NULL || EVP_DigestInit_ex2(h->ctx, md, NULL) != 1) {
        hash_free(h);
        return NULL;
    }
    return h;
}

void hash_free(struct hash *h)
{
    if (h == NULL)
        return;
    EVP_MD_CTX_free(h->ctx);
    mem_free(h);
}

bool hash_update(struct hash *h, const void *data, size_t len)
{
    return len == 0 || EVP_DigestUpdate(h->ctx, data, len) == 1;
}

bool hash_string(struct hash *h, struct span s)
{
    uint8_t len[4];
    if (s.len > UINT32_MAX)
        return false;
    store_u32(len, (uint32_t)s.len);
    return hash_update(h, len, sizeof len) && hash_update(h, s.data, s.len);
}

bool hash_final(struct hash *h, uint8_t *out)
{
    unsigned int len = 0;
    return EVP_DigestFinal_ex(h->ctx, out, &len) == 1 && len == h->alg->len;
}

bool hash_once(const struct hash_alg *alg, struct span data, uint8_t *out)
{
    const EVP_MD *md = library_hash(alg);
    unsigned int len = 0;
    return md != NULL && EVP_Digest(data.data, data.len, out, &len, md, NULL) == 1 && len == alg->len;
}

/* HMAC takes a null pointer for "none given", so an empty span needs an address. */
static const uint8_t *address_of(struct span s)
{
    static const uint8_t nothing[1];
    return s.data != NULL ? s.data : nothing;
}

bool hmac_once(const struct hash_alg *alg, struct span key, struct span data, uint8_t *out)
{
    const EVP_MD *md = library_hash(alg);
    unsigned int len = 0;
    return md != NULL && key.len <= INT_MAX &&
           HMAC(md, address_of(key), (int)key.len, address_of(data), data.len, out, &len) != NULL && len == alg->len;
}
