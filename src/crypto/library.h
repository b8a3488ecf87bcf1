/* The algorithms of libcrypto that this room uses, each fetched once per process: a fetch by name
 * costs more than a small packet. */
#ifndef SSHIO_CRYPTO_LIBRARY_H
#define SSHIO_CRYPTO_LIBRARY_H

#include <openssl/evp.h>

enum library_cipher {
    LIBRARY_AES_128_GCM,
    LIBRARY_AES_256_GCM,
    LIBRARY_AES_128_CTR,
    LIBRARY_AES_192_CTR,
    LIBRARY_AES_256_CTR,
    LIBRARY_CHACHA20,
    LIBRARY_CIPHER_COUNT
};

/* Borrowed for the life of the process, from any thread; NULL = this libcrypto has none. */
EVP_CIPHER *library_cipher(enum library_cipher which);
EVP_MAC *library_poly1305(void);
EVP_MAC *library_hmac(void);

#endif
