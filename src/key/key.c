/* The key object: counted references, comment, file name, blob; and signing and verifying in the
 * outer form of RFC 4253 section 6.6. */
#include "key/types.h"

#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"

sshio_key *key_new(const struct key_type *type)
{
    sshio_key *key = mem_zalloc(sizeof *key);
    if (key == NULL)
        return NULL;
    atomic_init(&key->refs, 1);
    key->type = type;
    return key;
}

static int make_blob(sshio_key *key, struct error *e)
{
    struct writer w;
    writer_init(&w, KEY_MAX_BLOB_LEN);
    put_text(&w, key->type->name);
    key->type->put_public(key, &w);
    int rc = writer_take(&w, &key->blob, &key->blob_len);
    writer_done(&w);
    return rc == 0 ? 0 : error_set(e, rc, "%s: the public key blob cannot be made", key->type->name);
}

int key_complete(int rc, sshio_key *made, sshio_key **key, struct error *e)
{
    if (rc == 0)
        rc = make_blob(made, e);
    if (rc == 0)
        *key = made;
    else
        sshio_key_unref(made);
    return rc;
}

sshio_key *sshio_key_ref(sshio_key *key)
{
    if (key != NULL)
        atomic_fetch_add_explicit(&key->refs, 1, memory_order_relaxed);
    return key;
}

void sshio_key_unref(sshio_key *key)
{
    if (key == NULL || atomic_fetch_sub_explicit(&key->refs, 1, memory_order_acq_rel) != 1)
        return;
    EVP_PKEY_free(key->pkey);
    mem_free(key->blob);
    mem_free(key->comment);
    mem_free(key->filename);
    mem_free(key);
}

/* ---- what a key is ---- */

const char *sshio_key_get_algorithm(const sshio_key *key)
{
    return key->type->name;
}

bool sshio_key_is_private(const sshio_key *key)
{
    return key->is_private;
}

/* A private half always fits the public one, which is checked when a key is made, so that comparing
 * blobs is enough. */
bool sshio_key_equal(const sshio_key *a, const sshio_key *b)
{
    return a->is_private == b->is_private && span_equal(key_public_blob(a), key_public_blob(b));
}

struct span key_public_blob(const sshio_key *key)
{
    return SPAN(key->blob, key->blob_len);
}

sshio_span sshio_key_public_data(const sshio_key *key)
{
    return (sshio_span){ key->blob, key->blob_len };
}

const char *sshio_key_get_filename(const sshio_key *key)
{
    return key->filename;
}

int key_set_filename(sshio_key *key, const char *filename, struct error *e)
{
    char *copy = mem_strdup(filename);
    if (copy == NULL && filename != NULL)
        return error_nomem(e);
    mem_free(key->filename);
    key->filename = copy;
    return 0;
}

int key_set_comment(sshio_key *key, struct span comment, struct error *e)
{
    uint8_t *copy = NULL;
    if (comment.len != 0 && !span_dup(comment, &copy))
        return error_nomem(e);
    mem_free(key->comment);
    key->comment = (char *)copy;
    key->comment_len = comment.len;
    return 0;
}

sshio_span sshio_key_get_comment_bytes(const sshio_key *key)
{
    if (key->comment != NULL)
        return (sshio_span){ key->comment, key->comment_len };
    return (sshio_span){ key->filename, key->filename != NULL ? strlen(key->filename) : 0 };
}

const char *sshio_key_get_comment(const sshio_key *key)
{
    sshio_span bytes = sshio_key_get_comment_bytes(key);
    struct span comment = SPAN(bytes.data, bytes.len);
    return bytes.data != NULL && !span_has_nul(comment) && utf8_valid(comment) ? bytes.data : NULL;
}

int key_bits(const sshio_key *key)
{
    return EVP_PKEY_get_bits(key->pkey);
}

bool key_is_slow(const sshio_key *key)
{
    return key->type->is_slow;
}

int key_check_size(const sshio_key *key, int required_rsa_size, struct error *e)
{
    if (key->type != &key_type_rsa || key_bits(key) >= required_rsa_size)
        return 0;
    return key_import_error(e, SSHIO_DETAIL_UNSUPPORTED_PARAMS, "an RSA key of %d bits is too short: %d are required",
                            key_bits(key), required_rsa_size);
}

/* ---- signatures ---- */

const struct sig_alg *key_sig_alg(const sshio_key *key, size_t index)
{
    for (size_t i = 0; i < sig_alg_count(); i++) {
        const struct sig_alg *alg = sig_alg_at(i);
        if (alg->type == key->type && index-- == 0)
            return alg;
    }
    return NULL;
}

int key_sign(const sshio_key *key, const struct sig_alg *alg, struct span data, struct writer *signature,
             struct error *e)
{
    if (!key->is_private)
        return error_set(e, SSHIO_EINVAL, "a public %s key cannot sign", key->type->name);
    if (alg->type != key->type)
        return error_set(e, SSHIO_EINVAL, "unrecognized signature algorithm \"%s\" for a %s key", alg->name,
                         key->type->name);
    size_t start = signature->len;
    put_text(signature, alg->name);
    size_t mark = put_open(signature);
    bool signed_well = key->type->sign(key, alg, data, signature);
    put_close(signature, mark);
    if (signed_well && !writer_failed(signature))
        return 0;
    signature->len = start; /* nothing of it leaves */
    if (signed_well)
        return error_nomem(e);
    /* libcrypto has no other reason to fail with a key that it accepted, but for a fault of the machine (C3) */
    return error_set(e, SSHIO_ENOMEM, "signing with %s failed", alg->name);
}

bool key_verify(const sshio_key *key, const struct sig_alg *expected, struct span data, struct span signature)
{
    struct reader r;
    reader_init(&r, signature.data, signature.len);
    struct span name = read_text(&r);
    struct span bytes = read_string(&r);
    if (!reader_done(&r))
        return false;
    const struct sig_alg *alg = sig_alg_find(name);
    if (alg == NULL || alg->type != key->type || (expected != NULL && alg != expected))
        return false;
    return key->type->verify(key, alg, data, bytes);
}

bool sshio_key_verify(const sshio_key *key, sshio_span data, const char *sig_algs, sshio_span signature)
{
    struct reader r;
    reader_init(&r, signature.data, signature.len);
    const struct sig_alg *alg = sig_alg_find(read_text(&r));
    return alg != NULL && (sig_algs == NULL || name_list_has(span_of(sig_algs), alg->name)) &&
           key_verify(key, alg, SPAN(data.data, data.len), SPAN(signature.data, signature.len));
}
