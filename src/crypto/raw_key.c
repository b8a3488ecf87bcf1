/* See raw_key.h. */
#include "crypto/raw_key.h"

#include <pthread.h>
#include <stdbool.h>

#include <openssl/core_names.h>

#include "base/memory.h"
#include "crypto/random.h"

#define RAW_KEY_LEN 32

static const char *const names[RAW_KEY_TYPE_COUNT] = {
    [RAW_KEY_X25519] = "X25519",
    [RAW_KEY_ED25519] = "ED25519",
};

/* ---- the contexts of a thread ---- */

struct contexts {
    EVP_PKEY_CTX *importer[RAW_KEY_TYPE_COUNT];
    EVP_PKEY_CTX *generator[RAW_KEY_TYPE_COUNT];
};

static _Thread_local struct contexts contexts;
static pthread_once_t slot_once = PTHREAD_ONCE_INIT;
static pthread_key_t slot; /* set in each thread that has contexts, so that they go with it */
static bool slot_made;

static void free_contexts(void *value)
{
    struct contexts *ending = value;
    for (size_t i = 0; i < RAW_KEY_TYPE_COUNT; i++) {
        EVP_PKEY_CTX_free(ending->importer[i]);
        EVP_PKEY_CTX_free(ending->generator[i]);
    }
    *ending = (struct contexts){ 0 };
}

static void make_slot(void)
{
    slot_made = pthread_key_create(&slot, free_contexts) == 0;
}

static bool contexts_are_freed(void)
{
    return pthread_once(&slot_once, make_slot) == 0 && slot_made && pthread_setspecific(slot, &contexts) == 0;
}

/* *kept, which is made and started on its first use; NULL = failed. */
static EVP_PKEY_CTX *prepared(EVP_PKEY_CTX **kept, enum raw_key_type type, int (*start)(EVP_PKEY_CTX *ctx))
{
    if (*kept != NULL)
        return *kept;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, names[type], NULL);
    if (ctx == NULL || start(ctx) != 1 || !contexts_are_freed()) {
        EVP_PKEY_CTX_free(ctx);
        return NULL;
    }
    *kept = ctx;
    return ctx;
}

/* ---- keys ---- */

EVP_PKEY *raw_key_public(enum raw_key_type type, const uint8_t *bytes, size_t len)
{
    if (len != RAW_KEY_LEN)
        return NULL;
    EVP_PKEY_CTX *importer = prepared(&contexts.importer[type], type, EVP_PKEY_fromdata_init);
    OSSL_PARAM parts[] = {
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)bytes, len),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *pkey = NULL;
    return importer != NULL && EVP_PKEY_fromdata(importer, &pkey, EVP_PKEY_PUBLIC_KEY, parts) == 1 ? pkey : NULL;
}

EVP_PKEY *raw_key_private(enum raw_key_type type, const uint8_t *bytes, size_t len)
{
    return EVP_PKEY_new_raw_private_key_ex(NULL, names[type], NULL, bytes, len);
}

/* With seeded randomness the key comes from it as well. */
static EVP_PKEY *generate_seeded(enum raw_key_type type)
{
    uint8_t bytes[RAW_KEY_LEN];
    EVP_PKEY *pkey = random_bytes(bytes, sizeof bytes) ? raw_key_private(type, bytes, sizeof bytes) : NULL;
    mem_wipe(bytes, sizeof bytes);
    return pkey;
}

EVP_PKEY *raw_key_generate(enum raw_key_type type)
{
    if (random_seeded())
        return generate_seeded(type);
    EVP_PKEY_CTX *generator = prepared(&contexts.generator[type], type, EVP_PKEY_keygen_init);
    EVP_PKEY *pkey = NULL;
    return generator != NULL && EVP_PKEY_generate(generator, &pkey) == 1 ? pkey : NULL;
}
