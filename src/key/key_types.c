/* The tables of key types and signature algorithms, and keys from their blobs. */
#include "key/types.h"

#include <string.h>

#include "base/memory.h"

static const struct key_type *const types[] = {
    &key_type_ed25519, &key_type_ecdsa_521, &key_type_ecdsa_384, &key_type_ecdsa_256, &key_type_rsa,
};

/* RFC 5656 ties the hash to the curve, RFC 8332 names it; SHA-1 is there for peers that know nothing better (C8). */
static const struct sig_alg sig_algs[] = {
    { .name = "ssh-ed25519", .type = &key_type_ed25519, .is_default = true, .min_key_bits = 256 },
    { .name = "ecdsa-sha2-nistp521",
      .type = &key_type_ecdsa_521,
      .is_default = true,
      .min_key_bits = 521,
      .hash = "SHA2-512" },
    { .name = "ecdsa-sha2-nistp384",
      .type = &key_type_ecdsa_384,
      .is_default = true,
      .min_key_bits = 384,
      .hash = "SHA2-384" },
    { .name = "ecdsa-sha2-nistp256",
      .type = &key_type_ecdsa_256,
      .is_default = true,
      .min_key_bits = 256,
      .hash = "SHA2-256" },
    { .name = "rsa-sha2-256",
      .type = &key_type_rsa,
      .is_default = true,
      .min_key_bits = KEY_RSA_LEAST_BITS,
      .hash = "SHA2-256" },
    { .name = "rsa-sha2-512",
      .type = &key_type_rsa,
      .is_default = true,
      .min_key_bits = KEY_RSA_LEAST_BITS,
      .hash = "SHA2-512" },
    { .name = "ssh-rsa", .type = &key_type_rsa, .is_weak = true, .min_key_bits = KEY_RSA_LEAST_BITS, .hash = "SHA1" },
};

const struct key_type *key_type_find(struct span name)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (span_is(name, types[i]->name))
            return types[i];
    return NULL;
}

const struct key_type *key_type_at(size_t index)
{
    return index < sizeof types / sizeof types[0] ? types[index] : NULL;
}

size_t sig_alg_count(void)
{
    return sizeof sig_algs / sizeof sig_algs[0];
}

const struct sig_alg *sig_alg_at(size_t index)
{
    return index < sig_alg_count() ? &sig_algs[index] : NULL;
}

const struct sig_alg *sig_alg_find(struct span name)
{
    for (size_t i = 0; i < sig_alg_count(); i++)
        if (span_is(name, sig_algs[i].name))
            return &sig_algs[i];
    return NULL;
}

int key_import_error(struct error *e, sshio_error_detail detail, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error_setv(e, SSHIO_EKEY_IMPORT, format, args);
    va_end(args);
    if (e != NULL)
        e->pub.detail = detail;
    return SSHIO_EKEY_IMPORT;
}

/* An empty key of the type that stands next. */
static int read_type(struct reader *r, sshio_key **key, struct error *e)
{
    struct span name = read_text(r);
    const struct key_type *type = key_type_find(name);
    if (reader_failed(r))
        return key_import_error(e, SSHIO_DETAIL_MALFORMED, "the key data ends before the key type");
    if (type == NULL)
        return key_import_error(e, SSHIO_DETAIL_UNSUPPORTED_TYPE, "key type \"%.*s\" is not supported",
                                (int)(name.len < 64 ? name.len : 64), (const char *)name.data);
    *key = key_new(type);
    return *key != NULL ? 0 : error_nomem(e);
}

int key_from_public_blob(struct span blob, sshio_key **key, struct error *e)
{
    sshio_key *made = NULL;
    struct reader r;

    if (blob.len > KEY_MAX_BLOB_LEN)
        return key_import_error(e, SSHIO_DETAIL_MALFORMED, "a public key of %zu bytes is too long", blob.len);
    reader_init(&r, blob.data, blob.len);
    int rc = read_type(&r, &made, e);
    if (rc == 0)
        rc = made->type->read_public(made, &r, e);
    if (rc == 0 && !reader_done(&r))
        rc = key_import_error(e, SSHIO_DETAIL_MALFORMED, "%s public key: %zu bytes behind its end", made->type->name,
                              reader_left(&r));
    return key_complete(rc, made, key, e);
}

int key_read_private(struct reader *r, sshio_key **key, struct error *e)
{
    sshio_key *made = NULL;
    int rc = read_type(r, &made, e);
    if (rc == 0)
        rc = made->type->read_private(made, r, e);
    return key_complete(rc, made, key, e);
}

void key_put_private(const sshio_key *key, struct writer *w)
{
    put_text(w, key->type->name);
    key->type->put_private(key, w);
}

/* ---- new and derived keys ---- */

bool key_type_is_slow(const char *type_name)
{
    const struct key_type *type = key_type_find(span_of(type_name));
    return type != NULL && type->is_slow;
}

int key_generate(const char *type_name, const sshio_generate_options *options, sshio_key **key, struct error *e)
{
    const struct key_type *type = key_type_find(span_of(type_name));
    if (type == NULL)
        return error_set(e, SSHIO_EKEY_GENERATION, "cannot generate a key of unknown type \"%s\"", type_name);
    sshio_key *made = key_new(type);
    if (made == NULL)
        return error_nomem(e);
    int rc = type->generate(made, options, e);
    if (rc == 0 && options != NULL)
        rc = key_set_comment(made, span_of(options->comment), e);
    return key_complete(rc, made, key, e);
}

int key_convert_to_public(const sshio_key *key, sshio_key **public_key, struct error *e)
{
    sshio_key *made = NULL;
    int rc = key_from_public_blob(key_public_blob(key), &made, e);
    if (rc == 0)
        rc = key_set_comment(made, SPAN(key->comment, key->comment_len), e);
    if (rc == 0)
        rc = key_set_filename(made, key->filename, e);
    if (rc != 0) {
        sshio_key_unref(made);
        return rc;
    }
    *public_key = made;
    return 0;
}
