/* sshio/key.h: private and public keys.
 *
 * A key is shared by reference and may be used by several threads at once. It never changes, but
 * for its comment, which only its sole owner should set. Private parts are wiped when the last
 * reference is given back.
 *
 * Of the key types, ssh-ed25519 (RFC 8709), ecdsa-sha2-nistp256, -384 and -521 (RFC 5656), and
 * ssh-rsa (RFC 4253, RFC 8332) are there; of the file formats, OpenSSH's and PKCS#8. Private key
 * files that are encrypted cannot be read yet: SSHIO_EKEY_IMPORT with the detail
 * SSHIO_DETAIL_PASSPHRASE_REQUIRED.
 *
 * Functions return 0 or a negative SSHIO_E…, whose details sshio_error_last() gives; outputs are
 * written on success only. */
#ifndef SSHIO_KEY_H
#define SSHIO_KEY_H
#include "base.h"
SSHIO_BEGIN

/* How a key is written. */
typedef enum sshio_key_format {
    SSHIO_FORMAT_OPENSSH = 0,   /* private: "openssh-key-v1" text; public: "type base64 comment" */
    SSHIO_FORMAT_PKCS8_DER = 3, /* RFC 5958 and, public, RFC 5280; no comment is kept */
    SSHIO_FORMAT_PKCS8_PEM = 4  /* the same as text: "PRIVATE KEY", "PUBLIC KEY" */
} sshio_key_format;

/* How a key is made: SSHIO_GENERATE(.comment = "guest@alpha"). */
typedef struct sshio_generate_options {
    size_t size;         /* of this struct; the macro sets it */
    const char *comment; /* default none */
    int key_size;        /* of ssh-rsa keys, 2048 to 16384 bits; default 2048 */
} sshio_generate_options;
#define SSHIO_GENERATE(...) SSHIO_OPTIONS(sshio_generate_options, __VA_ARGS__)

/* Sets the size and all defaults, for programs that do not use the macro. */
SSHIO_API void sshio_generate_options_init(sshio_generate_options *options);

/* How a private key is read: SSHIO_IMPORT(.passphrase = …). */
typedef struct sshio_import_options {
    size_t size;            /* of this struct; the macro sets it */
    const char *passphrase; /* default none; without effect yet: no encrypted key can be read */
} sshio_import_options;
#define SSHIO_IMPORT(...) SSHIO_OPTIONS(sshio_import_options, __VA_ARGS__)

/* Sets the size and all defaults, for programs that do not use the macro. */
SSHIO_API void sshio_import_options_init(sshio_import_options *options);

/* How a private key is written: SSHIO_EXPORT(.format = SSHIO_FORMAT_PKCS8_PEM). */
typedef struct sshio_export_options {
    size_t size;             /* of this struct; the macro sets it */
    sshio_key_format format; /* default SSHIO_FORMAT_OPENSSH */
} sshio_export_options;
#define SSHIO_EXPORT(...) SSHIO_OPTIONS(sshio_export_options, __VA_ARGS__)

/* Sets the size and all defaults, for programs that do not use the macro. */
SSHIO_API void sshio_export_options_init(sshio_export_options *options);

/* ---- making keys ---- */

/* Makes a new private key of the type alg_name ("ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa").
 * *key is the caller's, to be given back with sshio_key_unref. Waits for ssh-rsa, whose keys may
 * take seconds and are made on a worker thread; their public exponent is 65537. options NULL = all defaults.
 * SSHIO_EKEY_GENERATION: no such type, an option that the type does not have or whose value is out of
 * range, or the generator failed. (reference: generate_private_key) */
SSHIO_API int sshio_generate_private_key(const char *alg_name, const sshio_generate_options *options, sshio_key **key);

/* Reads the first private key out of a text of len bytes, at most 1 MiB; what stands around it is
 * skipped. A text that begins with a DER sequence is taken for a key in DER. Does not wait. *key is
 * the caller's. options NULL = all defaults. SSHIO_EKEY_IMPORT:
 * none is there, or the first one is broken, encrypted, or of a type or form that is not supported;
 * error->detail tells these apart. (reference: import_private_key) */
SSHIO_API int sshio_import_private_key(const void *data, size_t len, const sshio_import_options *options,
                                       sshio_key **key);

/* Reads the first public key out of a text of len bytes, at most 1 MiB: a line "type base64
 * comment", or a block "PUBLIC KEY". Without one, the public half of the first private key is
 * taken, also if that is an encrypted one in OpenSSH's form. Lines that are something else are skipped. Does not wait.
 * *key is the caller's. SSHIO_EKEY_IMPORT: none is there, or the first one is broken. (reference: import_public_key) */
SSHIO_API int sshio_import_public_key(const void *data, size_t len, sshio_key **key);

/* Read a key from a file of at most 1 MiB, whose name the key remembers, as the import functions do. A leading "~/" is
 * the home directory. Both wait. In addition SSHIO_ESYSTEM: the file cannot be read; SSHIO_ELIMIT: it is too long.
 * (reference: read_private_key, read_public_key) */
SSHIO_API int sshio_read_private_key(const char *filename, const sshio_import_options *options, sshio_key **key);
SSHIO_API int sshio_read_public_key(const char *filename, sshio_key **key);

/* ---- references ---- */

/* Counts a reference more to the key, which is also the result. From any thread. NULL gives NULL. */
SSHIO_API sshio_key *sshio_key_ref(sshio_key *key);

/* Gives one reference back; the last one frees and wipes the key. From any thread. Takes NULL. */
SSHIO_API void sshio_key_unref(sshio_key *key);

/* ---- what a key is ---- */

/* The type, as it stands in the key's blob: "ssh-ed25519", "ssh-rsa". Borrowed; never NULL. */
SSHIO_API const char *sshio_key_get_algorithm(const sshio_key *key);

/* The comment, else the name of the file that the key was read from. Borrowed until the comment is
 * set; data NULL = there is none. */
SSHIO_API sshio_span sshio_key_get_comment_bytes(const sshio_key *key);

/* The comment as text. Borrowed until the comment is set; NULL = there is none, or it is not UTF-8 or
 * holds a NUL. */
SSHIO_API const char *sshio_key_get_comment(const sshio_key *key);

/* Sets the comment, which is copied; NULL or "" takes it away. Not while another thread uses the
 * key. SSHIO_ENOMEM. */
SSHIO_API int sshio_key_set_comment(sshio_key *key, const char *comment);

/* The file that the key was read from. Borrowed; NULL = it came from elsewhere. */
SSHIO_API const char *sshio_key_get_filename(const sshio_key *key);

/* The fingerprint of the public half, as `ssh-keygen -l` shows it: "SHA256:" and unpadded base64,
 * or "MD5:" and hex pairs. hash_name is "sha256" (NULL = this), "sha384", "sha512", "sha1" or
 * "md5". *text is freed with sshio_free. SSHIO_EINVAL: another hash. (reference:
 * SSHKey.get_fingerprint) */
SSHIO_API int sshio_key_get_fingerprint(const sshio_key *key, const char *hash_name, char **text);

/* A new key with the public half alone, the same comment and file name. *public_key is the
 * caller's. SSHIO_ENOMEM. */
SSHIO_API int sshio_key_convert_to_public(const sshio_key *key, sshio_key **public_key);

/* Whether the key has its private half and can sign. */
SSHIO_API bool sshio_key_is_private(const sshio_key *key);

/* Whether both are the same key: same type, same public half, and both or neither with the private
 * one. Comments do not count. */
SSHIO_API bool sshio_key_equal(const sshio_key *a, const sshio_key *b);

/* The public key blob that travels in the protocol (RFC 4253 section 6.6). Borrowed as long as the
 * key lives. */
SSHIO_API sshio_span sshio_key_public_data(const sshio_key *key);

/* ---- signatures ---- */

/* Signs data with the private half. sig_alg is one of the signature algorithms of the key's type:
 * for ssh-rsa "rsa-sha2-256", "rsa-sha2-512" or "ssh-rsa" (with SHA-1), for the others the name of
 * the type; NULL = the first of them. *signature gets the outer form of RFC 4253 section 6.6 (string
 * algorithm, string signature) and is freed with sshio_bytes_free. Does not wait for the types
 * there are now; keys on tokens to come will. SSHIO_EINVAL: a public key, or an algorithm that is
 * not the type's. (reference: SSHKey.sign) */
SSHIO_API int sshio_key_sign(sshio_key *key, sshio_span data, const char *sig_alg, sshio_bytes *signature);

/* Whether a signature over data is valid and of this key; it has the outer form that sshio_key_sign gives. sig_algs is
 * a comma list of the signature algorithms that are acceptable; NULL = any of the key's type. Anything malformed gives
 * false. (reference: SSHKey.verify) */
SSHIO_API bool sshio_key_verify(const sshio_key *key, sshio_span data, const char *sig_algs, sshio_span signature);

/* ---- writing keys ---- */

/* The private key in one of the formats, not encrypted. *data is freed, and wiped, with sshio_bytes_free. options
 * NULL = all defaults. Does not wait. SSHIO_EKEY_EXPORT: a public key, or an unknown format.
 * (reference: SSHKey.export_private_key) */
SSHIO_API int sshio_key_export_private_key(const sshio_key *key, const sshio_export_options *options,
                                           sshio_bytes *data);

/* The public half in one of the formats, as text with a line end. *data is freed with
 * sshio_bytes_free. Does not wait. SSHIO_EKEY_EXPORT: an unknown format, or a comment with a line end
 * or a NUL in it that a line of text would have to carry. (reference: SSHKey.export_public_key) */
SSHIO_API int sshio_key_export_public_key(const sshio_key *key, sshio_key_format format, sshio_bytes *data);

/* Write a key to a file, in the form that the export functions give. It is written under a temporary name beside it and
 * then renamed, so that it is there whole or not at all; an existing file is replaced. A private key file has mode 0600
 * from its first byte, a public one 0644 less the umask. A leading "~/" is the home directory. Both wait. In addition
 * SSHIO_ESYSTEM: the file cannot be written. */
SSHIO_API int sshio_key_write_private_key(const sshio_key *key, const char *filename,
                                          const sshio_export_options *options);
SSHIO_API int sshio_key_write_public_key(const sshio_key *key, const char *filename, sshio_key_format format);

SSHIO_END
#endif
