/* Keys: one struct for all types, and the tables of key types and signature algorithms.
 *
 * A key is immutable but for its comment and file name, and may be shared by threads (the count is atomic). Adding a
 * type takes a row in key_types.c and a file key_<type>.c. (RFC 4253 6.6, RFC 5656, RFC 8332, RFC 8709) */
#ifndef SSHIO_KEY_KEY_H
#define SSHIO_KEY_KEY_H

#include <stdbool.h>

#include <sshio/key.h>

#include "base/bytes.h"
#include "base/error.h"

struct key_type;

struct sig_alg {      /* a signature algorithm, and the public key algorithm of the same name */
    const char *name; /* "ssh-ed25519", "rsa-sha2-512" */
    const struct key_type *type;
    bool is_default;
    bool is_weak;
    int min_key_bits;
    const char *hash; /* libcrypto's name; NULL = the algorithm hashes by itself */
};

struct key_type {
    const char *name;      /* as in the blob: "ssh-ed25519" */
    const void *param;     /* of the family: which curve */
    bool is_slow;          /* generating and signing are work for a worker */
    struct span algorithm; /* in PKCS#8 files: what stands in its AlgorithmIdentifier */
    /* Each reads its fields only; the caller checks that nothing is left. 0 or SSHIO_EKEY_IMPORT with the reason. */
    int (*read_public)(sshio_key *key, struct reader *r, struct error *e);
    int (*read_private)(sshio_key *key, struct reader *r, struct error *e);
    void (*put_public)(const sshio_key *key, struct writer *w);
    void (*put_private)(const sshio_key *key, struct writer *w);
    /* The same in PKCS#8: what stands in the octet string of a private key, in the bit string of a public one. */
    int (*read_public_info)(sshio_key *key, struct span content, struct error *e);
    int (*read_private_info)(sshio_key *key, struct span content, struct error *e);
    void (*put_public_info)(const sshio_key *key, struct writer *w);
    void (*put_private_info)(const sshio_key *key, struct writer *w);
    int (*generate)(sshio_key *key, const sshio_generate_options *options, struct error *e);
    bool (*sign)(const sshio_key *key, const struct sig_alg *alg, struct span data,
                 struct writer *signature); /* the inner bytes */
    bool (*verify)(const sshio_key *key, const struct sig_alg *alg, struct span data, struct span signature);
};

size_t sig_alg_count(void);
const struct sig_alg *sig_alg_at(size_t index);       /* in order of preference */
const struct sig_alg *sig_alg_find(struct span name); /* NULL = not supported */
const struct key_type *key_type_find(struct span name);

/* From and to blobs. */
int key_from_public_blob(struct span blob, sshio_key **key, struct error *e);
struct span key_public_blob(const sshio_key *key);
const struct sig_alg *key_sig_alg(const sshio_key *key,
                                  size_t index); /* its signature algorithms, best first; NULL past the end */
int key_bits(const sshio_key *key);              /* of the modulus, or of the curve's group */
bool key_is_slow(const sshio_key *key);          /* signing takes long enough to be done on a worker … */
bool key_type_is_slow(const char *type_name);    /* … and so does generating */

/* Whether a key is too short to be used: 0, or SSHIO_EKEY_IMPORT and a message. Only RSA keys come in sizes. */
#define KEY_RSA_LEAST_BITS 1024
#define KEY_RSA_MOST_BITS 16384
int key_check_size(const sshio_key *key, int required_rsa_size, struct error *e);

/* Signatures in their outer form: string name, string bytes. */
int key_sign(const sshio_key *key, const struct sig_alg *alg, struct span data, struct writer *signature,
             struct error *e);
bool key_verify(const sshio_key *key, const struct sig_alg *expected, struct span data,
                struct span signature); /* expected NULL = any */

/* New and derived keys. */
int key_generate(const char *type_name, const sshio_generate_options *options, sshio_key **key, struct error *e);
int key_convert_to_public(const sshio_key *key, sshio_key **public_key, struct error *e);
int key_set_comment(sshio_key *key, struct span comment, struct error *e);   /* copied; empty = none */
int key_set_filename(sshio_key *key, const char *filename, struct error *e); /* copied */
int key_fingerprint(const sshio_key *key, const char *hash_name, char **text,
                    struct error *e); /* hash_name NULL = "sha256" */

/* Texts: "type base64 comment" and the private file forms. filename goes into messages and the key; it may be NULL. */
#define KEY_MAX_TEXT_LEN (1024 * 1024)
int key_from_public_text(struct span text, sshio_key **key, struct error *e);
int key_from_private_text(struct span text, const char *passphrase, const char *filename, sshio_key **key,
                          struct error *e);
int key_put_public_text(const sshio_key *key, sshio_key_format format, struct writer *w,
                        struct error *e); /* with a line end */
int key_put_private_text(const sshio_key *key, sshio_key_format format, struct writer *w, struct error *e);
int key_error_name_file(int rc, const char *filename,
                        struct error *e); /* puts the file name before a recorded message; returns rc */

#endif
