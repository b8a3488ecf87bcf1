/* OpenSSH's private key format v1, not encrypted. The envelope, in base64:
 *
 *     "openssh-key-v1" NUL, string cipher, string kdf, string kdf options,
 *     uint32 count (1), string public blob, string private section
 *
 * The private section: uint32 check twice, the same random number; string type and the type's
 * fields; string comment; padding 1, 2, 3 … up to a multiple of 8. Everything is checked: layout,
 * padding, and that the envelope's public key is that of the private one. */
#include "key/types.h"
#include "key/openssh_file.h"

#include <string.h>

#include "base/base64.h"
#include "base/memory.h"
#include "crypto/random.h"

#define LABEL "OPENSSH PRIVATE KEY"
#define MAGIC_LEN 15 /* with its NUL */
#define BLOCK_LEN 8  /* of the cipher "none" */
#define BASE64_COLUMN 70

static const char magic[MAGIC_LEN] = "openssh-key-v1";

struct envelope {
    struct span cipher;
    struct span kdf;
    struct span kdf_options;
    struct span public_blob;
    struct span private_section;
    struct span rest;
};

static int malformed(struct error *e, const char *what)
{
    return key_import_error(e, SSHIO_DETAIL_MALFORMED, "OpenSSH private key: %s", what);
}

static int decode_body(struct span body, struct writer *decoded, struct error *e)
{
    int rc = pem_decode(body, decoded, e);
    return rc == 0 ? malformed(e, "its base64 is broken") : rc < 0 ? rc : 0;
}

static int read_envelope(struct span data, struct envelope *env, struct error *e)
{
    struct reader r;
    reader_init(&r, data.data, data.len);
    struct span start = read_bytes(&r, MAGIC_LEN);
    env->cipher = read_text(&r);
    env->kdf = read_text(&r);
    env->kdf_options = read_string(&r);
    uint32_t count = read_u32(&r);
    env->public_blob = read_string(&r);
    env->private_section = read_string(&r);
    env->rest = read_rest(&r); /* the tag, if the cipher has one */

    if (reader_failed(&r))
        return malformed(e, "it is cut short");
    if (!span_equal(start, SPAN(magic, MAGIC_LEN)))
        return malformed(e, "it does not begin with openssh-key-v1");
    if (count != 1)
        return key_import_error(e, SSHIO_DETAIL_MALFORMED, "OpenSSH private key: %u keys in one file, not 1",
                                (unsigned int)count);
    return 0;
}

static bool is_encrypted(const struct envelope *env)
{
    return !span_is(env->cipher, "none") || !span_is(env->kdf, "none");
}

/* Padding counts from 1, at most to 255; more than one block of it is fine. */
static bool padding_is_right(struct span padding)
{
    for (size_t i = 0; i < padding.len; i++)
        if (padding.data[i] != (uint8_t)(i + 1))
            return false;
    return padding.len <= 255;
}

static int check_private_section(const struct envelope *env, struct reader *r, struct error *e)
{
    if (env->kdf_options.len != 0 || env->rest.len != 0)
        return malformed(e, "options or a tag without encryption");
    if (env->private_section.len == 0 || env->private_section.len % BLOCK_LEN != 0)
        return malformed(e, "its private section is not a multiple of 8 bytes");
    reader_init(r, env->private_section.data, env->private_section.len);
    struct span check = read_bytes(r, 4), again = read_bytes(r, 4);
    return check.len == 4 && again.len == 4 && mem_equal_secret(check.data, again.data, 4)
               ? 0
               : malformed(e, "its check words differ");
}

static int read_private_section(const struct envelope *env, sshio_key **key, struct error *e)
{
    struct reader r;
    sshio_key *made = NULL;
    int rc = check_private_section(env, &r, e);
    if (rc == 0)
        rc = key_read_private(&r, &made, e);
    if (rc != 0)
        return rc;
    struct span comment = read_string(&r);
    struct span padding = read_rest(&r);
    if (reader_failed(&r) || !padding_is_right(padding))
        rc = malformed(e, "its comment or padding is wrong");
    else if (!span_equal(env->public_blob, key_public_blob(made)))
        rc = malformed(e, "its public key is not that of its private key");
    else
        rc = key_set_comment(made, comment, e);
    if (rc != 0) {
        sshio_key_unref(made);
        return rc;
    }
    *key = made;
    return 0;
}

int openssh_file_read(const struct pem_block *block, sshio_key **key, struct error *e)
{
    struct writer decoded;
    struct envelope env;
    int rc = decode_body(block->body, &decoded, e);
    if (rc == 0)
        rc = read_envelope(writer_span(&decoded), &env, e);
    if (rc == 0 && is_encrypted(&env))
        rc = key_import_error(e, SSHIO_DETAIL_PASSPHRASE_REQUIRED,
                              "the private key is encrypted; encrypted keys are not supported in this version");
    if (rc == 0)
        rc = read_private_section(&env, key, e);
    writer_done(&decoded);
    return rc;
}

int openssh_file_read_public(const struct pem_block *block, sshio_key **key, struct error *e)
{
    struct writer decoded;
    struct envelope env;
    int rc = decode_body(block->body, &decoded, e);
    if (rc == 0)
        rc = read_envelope(writer_span(&decoded), &env, e);
    if (rc == 0)
        rc = key_from_public_blob(env.public_blob, key, e);
    writer_done(&decoded);
    return rc;
}

static void put_private_section(const sshio_key *key, uint32_t check, struct writer *w)
{
    size_t mark = put_open(w);
    size_t start = w->len;
    put_u32(w, check);
    put_u32(w, check);
    key_put_private(key, w);
    put_string(w, key->comment, key->comment_len);
    for (uint8_t pad = 1; !writer_failed(w) && (w->len - start) % BLOCK_LEN != 0; pad++)
        put_u8(w, pad);
    put_close(w, mark);
}

static void put_envelope(const sshio_key *key, uint32_t check, struct writer *w)
{
    put_bytes(w, magic, MAGIC_LEN);
    put_text(w, "none");
    put_text(w, "none");
    put_text(w, "");
    put_u32(w, 1);
    put_span(w, key_public_blob(key));
    put_private_section(key, check, w);
}

int openssh_file_put(const sshio_key *key, struct writer *w, struct error *e)
{
    uint8_t check[4];
    struct writer envelope;

    if (!random_bytes(check, sizeof check))
        return error_set(e, SSHIO_EKEY_EXPORT, "the random generator failed");
    writer_init(&envelope, KEY_MAX_TEXT_LEN);
    put_envelope(key, load_u32(check), &envelope);
    pem_put(w, LABEL, writer_span(&envelope), BASE64_COLUMN);
    bool failed = writer_failed(&envelope) || writer_failed(w);
    writer_done(&envelope);
    return failed ? error_nomem(e) : 0;
}
