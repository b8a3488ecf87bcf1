/* What the key types have in common over libcrypto: numbers, keys from their parts, signatures over hashed data. */
#ifndef SSHIO_KEY_PKEY_H
#define SSHIO_KEY_PKEY_H

#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "base/bytes.h"

#define PKEY_MAX_NUMBER_LEN 2048    /* bytes of the longest number: a modulus of 16384 bits */
#define PKEY_MAX_SIGNATURE_LEN 2048 /* and of the longest signature */

/* Numbers. All are treated as secret: wiped when they go. */
BIGNUM *pkey_number_of(struct span magnitude); /* freed with BN_clear_free; NULL = out of memory */
void pkey_put_mpint(struct writer *w, const EVP_PKEY *pkey, const char *part); /* part: an OSSL_PKEY_PARAM_… */
void pkey_put_der_integer(struct writer *w, const EVP_PKEY *pkey, const char *part);
bool pkey_number_to(const EVP_PKEY *pkey, const char *part, uint8_t *to, size_t len); /* padded to len bytes */

/* A key of algorithm ("RSA", "EC") from its parts, which must be of a kind that selection names. NULL = refused. */
EVP_PKEY *pkey_from_parts(const char *algorithm, int selection, OSSL_PARAM_BLD *parts);

/* Signatures as libcrypto makes them; hash NULL = the algorithm hashes by itself. memory has PKEY_MAX_SIGNATURE_LEN
 * bytes. */
bool pkey_sign(EVP_PKEY *pkey, const char *hash, struct span data, uint8_t *memory, size_t *len);
bool pkey_verify(EVP_PKEY *pkey, const char *hash, struct span data, struct span signature);

#endif
