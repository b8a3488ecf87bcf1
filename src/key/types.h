/* Inside of keys, for this room only: the object, its making, and the import errors. */
#ifndef SSHIO_KEY_TYPES_H
#define SSHIO_KEY_TYPES_H

#include <stdatomic.h>

#include <openssl/evp.h>

#include "key/key.h"
#include "key/pem.h"

#define KEY_MAX_BLOB_LEN (64 * 1024)

struct sshio_key {
    atomic_uint refs;
    const struct key_type *type;
    EVP_PKEY *pkey;
    bool is_private;
    uint8_t *blob; /* the public blob, made once the rest is there */
    size_t blob_len;
    char *comment; /* bytes, a NUL behind; NULL = none */
    size_t comment_len;
    char *filename;
};

extern const struct key_type key_type_ed25519;
extern const struct key_type key_type_ecdsa_256, key_type_ecdsa_384, key_type_ecdsa_521;
extern const struct key_type key_type_rsa;

sshio_key *key_new(const struct key_type *type); /* one reference, nothing in it; NULL = out of memory */

/* The last step of every way to a key: with rc 0 the blob is made and the key handed over, otherwise made is given up.
 * The result is rc, or the failure of this step. made may be NULL when rc is a failure. */
int key_complete(int rc, sshio_key *made, sshio_key **key, struct error *e);

/* A private key as in key files and the agent protocol: string type, then the type's fields. Reads no further. */
int key_read_private(struct reader *r, sshio_key **key, struct error *e);
void key_put_private(const sshio_key *key, struct writer *w);

const struct key_type *key_type_at(size_t index); /* NULL past the end */

int key_import_error(struct error *e, sshio_error_detail detail, const char *format, ...) SSHIO_PRINTF(3, 4);

#endif
