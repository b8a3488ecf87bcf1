/* Algorithms fetched once per process. They are never given back: libcrypto frees its own tables
 * when the process ends. */
#include "crypto/library.h"

#include <pthread.h>

#include <openssl/crypto.h>

#include "crypto/start.h"

static const char *const cipher_names[LIBRARY_CIPHER_COUNT] = {
    [LIBRARY_AES_128_GCM] = "AES-128-GCM", [LIBRARY_AES_256_GCM] = "AES-256-GCM", [LIBRARY_AES_128_CTR] = "AES-128-CTR",
    [LIBRARY_AES_192_CTR] = "AES-192-CTR", [LIBRARY_AES_256_CTR] = "AES-256-CTR", [LIBRARY_CHACHA20] = "ChaCha20",
};

static EVP_CIPHER *ciphers[LIBRARY_CIPHER_COUNT];
static EVP_MAC *poly1305, *hmac;
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

static void fetch_all(void)
{
    for (int i = 0; i < LIBRARY_CIPHER_COUNT; i++)
        ciphers[i] = EVP_CIPHER_fetch(NULL, cipher_names[i], NULL);
    poly1305 = EVP_MAC_fetch(NULL, "POLY1305", NULL);
    hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
}

EVP_CIPHER *library_cipher(enum library_cipher which)
{
    return pthread_once(&fetched, fetch_all) == 0 ? ciphers[which] : NULL;
}

EVP_MAC *library_poly1305(void)
{
    return pthread_once(&fetched, fetch_all) == 0 ? poly1305 : NULL;
}

EVP_MAC *library_hmac(void)
{
    return pthread_once(&fetched, fetch_all) == 0 ? hmac : NULL;
}

/* What libcrypto would do by itself before the first fetch; without an option it does nothing. A failure shows when
 * something is to be computed. */
void crypto_start(void)
{
    (void)OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
}
