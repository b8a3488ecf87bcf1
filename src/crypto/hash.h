/* Hashes: rows over libcrypto, fetched once per process. */
#ifndef SSHIO_CRYPTO_HASH_H
#define SSHIO_CRYPTO_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define HASH_MAX_LEN 64

struct hash_alg {
    const char *name;         /* "sha256" */
    const char *library_name; /* libcrypto's */
    size_t len;
    size_t block_len;
};

const struct hash_alg *hash_find(const char *name); /* md5 sha1 sha224 sha256 sha384 sha512; NULL = there is none */

struct hash;                                       /* a running hash */
struct hash *hash_new(const struct hash_alg *alg); /* NULL = out of memory or not in this libcrypto */
void hash_free(struct hash *h);
bool hash_update(struct hash *h, const void *data, size_t len);
bool hash_string(struct hash *h, struct span s); /* with its length, as on the wire */
bool hash_final(struct hash *h, uint8_t *out);   /* alg->len bytes */

bool hash_once(const struct hash_alg *alg, struct span data, uint8_t *out);
bool hmac_once(const struct hash_alg *alg, struct span key, struct span data, uint8_t *out);

#endif
