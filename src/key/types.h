/* Inside of keys, for this room only: the object, its making, and the import errors. */
#ifndef SSHIO_KEY_TYPES_H
#define SSHIO_KEY_TYPES_H

#include <stdatomic.h>

#include <openssl/evp.h>

#include "key/key.h"

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

sshio_key *key_new(const struct key_type *type); /* one reference, nothing in it; NULL = out of memory */
int key_finish(sshio_key *key, struct error *e); /* makes the blob: the last step of every way to a key */

/* A private key as in key files and the agent protocol: string type, then the type's fields. Reads no further. */
int key_read_private(struct reader *r, sshio_key **key, struct error *e);
void key_put_private(const sshio_key *key, struct writer *w);

int key_import_error(struct error *e, sshio_error_detail detail, const char *format, ...) SSHIO_PRINTF(3, 4);

#endif
