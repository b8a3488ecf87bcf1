/* Keys that are nothing but their bytes: X25519 and Ed25519 (RFC 7748, RFC 8032).
 *
 * For each key it makes, libcrypto looks up its method by name and then what the method is called, which costs as much
 * as some of the arithmetic. So each thread keeps one context of a kind, which makes key after key. */
#ifndef SSHIO_CRYPTO_RAW_KEY_H
#define SSHIO_CRYPTO_RAW_KEY_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

enum raw_key_type { RAW_KEY_X25519, RAW_KEY_ED25519, RAW_KEY_TYPE_COUNT };

/* NULL = out of memory, or bytes of another length. Freed with EVP_PKEY_free. */
EVP_PKEY *raw_key_public(enum raw_key_type type, const uint8_t *bytes, size_t len);
EVP_PKEY *raw_key_private(enum raw_key_type type, const uint8_t *bytes, size_t len);
EVP_PKEY *raw_key_generate(enum raw_key_type type);

#endif
