/* The envelopes of PKCS#8; what is inside belongs to the key types.
 *
 *     PrivateKeyInfo        version 0 or 1, AlgorithmIdentifier, OCTET STRING, [0] attributes, [1] public key
 *     SubjectPublicKeyInfo  AlgorithmIdentifier, BIT STRING
 *
 * An AlgorithmIdentifier has one encoding for each type that is supported, curve included, and is compared as a whole.
 * A public key beside the private one must be its own. Version 0 without options is written. */
#include "key/pkcs8.h"

#include "base/base64.h"
#include "base/der.h"
#include "key/types.h"

#define COLUMN 64

#define ATTRIBUTES DER_CONTEXT(0)
#define PUBLIC_KEY DER_CONTEXT_PRIMITIVE(1)

static int malformed(struct error *e)
{
    return key_import_error(e, SSHIO_DETAIL_MALFORMED, "PKCS#8 key: its DER is malformed");
}

/* The fields of the outer sequence, behind which there must be nothing. */
static bool open_sequence(struct span der, struct reader *fields)
{
    struct reader r;
    reader_init(&r, der.data, der.len);
    struct span content = read_der(&r, DER_SEQUENCE);
    reader_init(fields, content.data, content.len);
    return reader_done(&r);
}

static int new_of_algorithm(struct span algorithm, sshio_key **key, struct error *e)
{
    for (size_t i = 0; key_type_at(i) != NULL; i++) {
        if (!span_equal(algorithm, key_type_at(i)->algorithm))
            continue;
        *key = key_new(key_type_at(i));
        return *key != NULL ? 0 : error_nomem(e);
    }
    return key_import_error(e, SSHIO_DETAIL_UNSUPPORTED_TYPE,
                            "PKCS#8 key: its algorithm, curve or form of parameters is not supported");
}

/* What may follow the private key: attributes, which mean nothing here, and from version 1 on the public key. */
static struct span read_options(struct reader *r, bool version_1)
{
    if (next_der_is(r, ATTRIBUTES))
        read_der(r, ATTRIBUTES);
    return version_1 && next_der_is(r, PUBLIC_KEY) ? read_der_bits(r, PUBLIC_KEY) : SPAN(NULL, 0);
}

static bool public_half_fits(const sshio_key *key, struct span given)
{
    struct writer own;
    writer_init(&own, KEY_MAX_BLOB_LEN);
    key->type->put_public_info(key, &own);
    bool fits = !writer_failed(&own) && span_equal(given, writer_span(&own));
    writer_done(&own);
    return fits;
}

int pkcs8_read_private(struct span der, sshio_key **key, struct error *e)
{
    struct reader r;
    sshio_key *made = NULL;
    if (!open_sequence(der, &r))
        return malformed(e);
    struct span version = read_der_integer(&r);
    bool version_1 = version.len == 1 && version.data[0] == 1;
    struct span algorithm = read_der(&r, DER_SEQUENCE);
    struct span content = read_der(&r, DER_OCTET_STRING);
    struct span public_key = read_options(&r, version_1);
    if (!reader_done(&r) || (version.len != 0 && !version_1))
        return malformed(e);
    int rc = new_of_algorithm(algorithm, &made, e);
    if (rc == 0)
        rc = made->type->read_private_info(made, content, e);
    if (rc == 0 && public_key.data != NULL && !public_half_fits(made, public_key))
        rc = key_import_error(e, SSHIO_DETAIL_MALFORMED, "PKCS#8 key: its public key is not that of its private key");
    return key_complete(rc, made, key, e);
}

int pkcs8_read_public(struct span der, sshio_key **key, struct error *e)
{
    struct reader r;
    sshio_key *made = NULL;
    if (!open_sequence(der, &r))
        return malformed(e);
    struct span algorithm = read_der(&r, DER_SEQUENCE);
    struct span content = read_der_bits(&r, DER_BIT_STRING);
    if (!reader_done(&r))
        return malformed(e);
    int rc = new_of_algorithm(algorithm, &made, e);
    if (rc == 0)
        rc = made->type->read_public_info(made, content, e);
    return key_complete(rc, made, key, e);
}

typedef int read_fn(struct span der, sshio_key **key, struct error *e);

static int read_block(const struct pem_block *block, read_fn *read, sshio_key **key, struct error *e)
{
    struct writer der;
    int rc = pem_decode(block->body, &der, e);
    if (rc > 0)
        rc = read(writer_span(&der), key, e);
    else if (rc == 0)
        rc = key_import_error(e, SSHIO_DETAIL_MALFORMED, "PKCS#8 key: its base64 is broken");
    writer_done(&der);
    return rc;
}

int pkcs8_read_private_block(const struct pem_block *block, sshio_key **key, struct error *e)
{
    return read_block(block, pkcs8_read_private, key, e);
}

int pkcs8_read_public_block(const struct pem_block *block, sshio_key **key, struct error *e)
{
    return read_block(block, pkcs8_read_public, key, e);
}

/* ---- writing ---- */

/* The fields are gathered first, because DER puts a length before them. */
static void put_private(const sshio_key *key, struct writer *fields)
{
    struct writer content;
    writer_init(&content, KEY_MAX_BLOB_LEN);
    key->type->put_private_info(key, &content);
    put_der_integer(fields, SPAN(NULL, 0));
    put_der(fields, DER_SEQUENCE, key->type->algorithm);
    put_der(fields, DER_OCTET_STRING, writer_span(&content));
    fields->failed |= writer_failed(&content);
    writer_done(&content);
}

static void put_public(const sshio_key *key, struct writer *fields)
{
    struct writer content;
    writer_init(&content, KEY_MAX_BLOB_LEN);
    key->type->put_public_info(key, &content);
    put_der(fields, DER_SEQUENCE, key->type->algorithm);
    put_der_bits(fields, DER_BIT_STRING, writer_span(&content));
    fields->failed |= writer_failed(&content);
    writer_done(&content);
}

/* label NULL = as DER. */
static int put_sequence(struct writer *fields, const char *label, struct writer *w, struct error *e)
{
    struct writer der;
    writer_init(&der, KEY_MAX_BLOB_LEN);
    put_der(&der, DER_SEQUENCE, writer_span(fields));
    if (label != NULL)
        pem_put(w, label, writer_span(&der), COLUMN);
    else
        put_bytes(w, der.data, der.len);
    bool failed = writer_failed(fields) || writer_failed(&der) || writer_failed(w);
    writer_done(&der);
    writer_done(fields);
    return failed ? error_nomem(e) : 0;
}

int pkcs8_put_private(const sshio_key *key, bool armored, struct writer *w, struct error *e)
{
    struct writer fields;
    writer_init(&fields, KEY_MAX_BLOB_LEN);
    put_private(key, &fields);
    return put_sequence(&fields, armored ? "PRIVATE KEY" : NULL, w, e);
}

int pkcs8_put_public(const sshio_key *key, bool armored, struct writer *w, struct error *e)
{
    struct writer fields;
    writer_init(&fields, KEY_MAX_BLOB_LEN);
    put_public(key, &fields);
    return put_sequence(&fields, armored ? "PUBLIC KEY" : NULL, w, e);
}
