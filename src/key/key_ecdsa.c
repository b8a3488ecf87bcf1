/* ecdsa-sha2-nistp256, -384 and -521 (RFC 5656): one set of functions over a table of curves.
 *
 * A point travels uncompressed and must lie on its curve; the curve's name in a blob must be that of the key type. A
 * private number lies between 0 and the group's order and gives the public point, which is always checked. Signatures
 * are two positive mpints here and DER in libcrypto, which picks the nonces and refuses numbers above the order. */
#include <openssl/core_names.h>
#include <openssl/ec.h>

#include "base/der.h"
#include "base/memory.h"
#include "key/pkey.h"
#include "key/types.h"

#define FIELD_MAX_LEN 66
#define POINT_MAX_LEN (1 + 2 * FIELD_MAX_LEN)
#define UNCOMPRESSED 4
#define CURVE_PARAMETERS DER_CONTEXT(0) /* of an ECPrivateKey */
#define CURVE_POINT DER_CONTEXT(1)

struct curve {
    const char *name; /* in the blob */
    const char *library_name;
    int nid;
    size_t field_len;      /* bytes of a coordinate, and of a private number */
    struct span object_id; /* the DER of its named curve */
};

static const struct curve *curve_of(const sshio_key *key)
{
    return key->type->param;
}

static size_t point_len(const struct curve *curve)
{
    return 1 + 2 * curve->field_len;
}

static int refuse(const sshio_key *key, const char *what, struct error *e)
{
    return key_import_error(e, SSHIO_DETAIL_MALFORMED, "%s: %s", key->type->name, what);
}

/* ---- making keys ---- */

/* secret NULL = a public key. libcrypto checks that the point is on the curve. */
static EVP_PKEY *make(const struct curve *curve, struct span point, const BIGNUM *secret)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM_BLD *parts = OSSL_PARAM_BLD_new();
    bool ok = parts != NULL &&
              OSSL_PARAM_BLD_push_utf8_string(parts, OSSL_PKEY_PARAM_GROUP_NAME, curve->library_name, 0) == 1 &&
              OSSL_PARAM_BLD_push_octet_string(parts, OSSL_PKEY_PARAM_PUB_KEY, point.data, point.len) == 1 &&
              (secret == NULL || OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_PRIV_KEY, secret) == 1);
    if (ok)
        pkey = pkey_from_parts("EC", secret != NULL ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, parts);
    OSSL_PARAM_BLD_free(parts);
    return pkey;
}

static int set_public(sshio_key *key, struct span point, struct error *e)
{
    const struct curve *curve = curve_of(key);
    if (point.len != point_len(curve) || point.data[0] != UNCOMPRESSED)
        return refuse(key, "the public key is not an uncompressed point of the curve", e);
    key->pkey = make(curve, point, NULL);
    return key->pkey != NULL ? 0 : refuse(key, "the public key is not a point on the curve", e);
}

/* The public point of a private number, point_len bytes; false also when the number is out of range. */
static bool derive(const struct curve *curve, const BIGNUM *secret, uint8_t *to)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(curve->nid);
    EC_POINT *point = group != NULL ? EC_POINT_new(group) : NULL;
    bool in_range = point != NULL && !BN_is_zero(secret) && BN_cmp(secret, EC_GROUP_get0_order(group)) < 0;
    bool ok = in_range && EC_POINT_mul(group, point, secret, NULL, NULL, NULL) == 1 &&
              EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, to, point_len(curve), NULL) ==
                  point_len(curve);
    EC_POINT_clear_free(point);
    EC_GROUP_free(group);
    return ok;
}

/* point: what was given beside the private number; data NULL = nothing. */
static int set_private(sshio_key *key, struct span number, struct span point, struct error *e)
{
    const struct curve *curve = curve_of(key);
    uint8_t derived[POINT_MAX_LEN];
    int rc = 0;
    BIGNUM *secret = number.len <= curve->field_len ? pkey_number_of(number) : NULL;
    if (secret == NULL || !derive(curve, secret, derived))
        rc = refuse(key, "the private number is out of range", e);
    else if (point.data != NULL && !span_equal(point, SPAN(derived, point_len(curve))))
        rc = refuse(key, "the public half does not belong to the private key", e);
    else if ((key->pkey = make(curve, SPAN(derived, point_len(curve)), secret)) == NULL)
        rc = refuse(key, "the private key is refused", e);
    BN_clear_free(secret);
    key->is_private = rc == 0;
    return rc;
}

static int generate(sshio_key *key, const sshio_generate_options *options, struct error *e)
{
    if (options != NULL && options->key_size != 0)
        return error_set(e, SSHIO_EKEY_GENERATION, "%s keys have one size: key_size %d means nothing", key->type->name,
                         options->key_size);
    key->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", curve_of(key)->library_name);
    key->is_private = true;
    return key->pkey != NULL ? 0
                             : error_set(e, SSHIO_EKEY_GENERATION, "%s: no key could be generated", key->type->name);
}

/* ---- the forms of SSH ---- */

/* The curve's name, which must be that of the type. */
static bool read_curve(const sshio_key *key, struct reader *r)
{
    return span_is(read_string(r), curve_of(key)->name) && !reader_failed(r);
}

static int read_public(sshio_key *key, struct reader *r, struct error *e)
{
    if (!read_curve(key, r))
        return refuse(key, "the key is of another curve", e);
    return set_public(key, read_string(r), e);
}

static int read_private(sshio_key *key, struct reader *r, struct error *e)
{
    if (!read_curve(key, r))
        return refuse(key, "the key is of another curve", e);
    struct span point = read_string(r);
    struct span number = read_mpint(r);
    if (reader_failed(r))
        return refuse(key, "the private key is malformed", e);
    return set_private(key, number, point, e);
}

static void put_point(const sshio_key *key, struct writer *w)
{
    uint8_t point[POINT_MAX_LEN];
    size_t len = 0;
    bool ok = EVP_PKEY_get_octet_string_param(key->pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &len) == 1 &&
              len == point_len(curve_of(key)) && point[0] == UNCOMPRESSED;
    if (ok)
        put_bytes(w, point, len);
    else
        w->failed = true;
}

static void put_public(const sshio_key *key, struct writer *w)
{
    put_text(w, curve_of(key)->name);
    size_t mark = put_open(w);
    put_point(key, w);
    put_close(w, mark);
}

static void put_private(const sshio_key *key, struct writer *w)
{
    put_public(key, w);
    pkey_put_mpint(w, key->pkey, OSSL_PKEY_PARAM_PRIV_KEY);
}

/* ---- the forms of PKCS#8: ECPrivateKey (RFC 5915) in private keys, the bare point in public ones ---- */

/* The optional rest: the curve once more, and the point. */
static bool read_optional(const struct curve *curve, struct reader *r, struct span *point)
{
    if (next_der_is(r, CURVE_PARAMETERS) && !span_equal(read_der(r, CURVE_PARAMETERS), curve->object_id))
        return false;
    *point = SPAN(NULL, 0);
    if (!next_der_is(r, CURVE_POINT))
        return reader_done(r);
    struct span inner = read_der(r, CURVE_POINT);
    struct reader bits;
    reader_init(&bits, inner.data, inner.len);
    *point = read_der_bits(&bits, DER_BIT_STRING);
    return reader_done(r) && reader_done(&bits);
}

static int read_private_info(sshio_key *key, struct span content, struct error *e)
{
    struct reader outer, r;
    struct span point = SPAN(NULL, 0);
    reader_init(&outer, content.data, content.len);
    struct span fields = read_der(&outer, DER_SEQUENCE);
    reader_init(&r, fields.data, fields.len);
    struct span version = read_der_integer(&r);
    struct span number = read_der(&r, DER_OCTET_STRING);
    bool right_version = version.len == 1 && version.data[0] == 1;
    if (!reader_done(&outer) || reader_failed(&r) || !right_version || !read_optional(curve_of(key), &r, &point))
        return refuse(key, "the private key is malformed", e);
    return set_private(key, number, point, e);
}

static void put_private_info(const sshio_key *key, struct writer *w)
{
    uint8_t number[FIELD_MAX_LEN], point[POINT_MAX_LEN], bits_memory[POINT_MAX_LEN + 8], memory[512];
    struct writer inner, bits, fields;
    size_t len = curve_of(key)->field_len;
    writer_init_fixed(&inner, point, sizeof point);
    writer_init_fixed(&bits, bits_memory, sizeof bits_memory);
    writer_init_fixed(&fields, memory, sizeof memory);
    put_point(key, &inner);
    put_der_bits(&bits, DER_BIT_STRING, writer_span(&inner));
    bool ok = pkey_number_to(key->pkey, OSSL_PKEY_PARAM_PRIV_KEY, number, len);
    put_der_integer(&fields, SPAN("\1", 1));
    put_der(&fields, DER_OCTET_STRING, SPAN(number, ok ? len : 0));
    put_der(&fields, CURVE_POINT, writer_span(&bits));
    put_der(w, DER_SEQUENCE, writer_span(&fields));
    if (!ok || writer_failed(&inner) || writer_failed(&bits) || writer_failed(&fields))
        w->failed = true;
    mem_wipe(number, sizeof number);
    mem_wipe(memory, sizeof memory);
}

/* ---- signatures ---- */

static void put_signature_number(struct writer *w, const BIGNUM *number)
{
    uint8_t bytes[FIELD_MAX_LEN];
    int len = BN_num_bytes(number);
    if (len <= FIELD_MAX_LEN && BN_bn2binpad(number, bytes, len) == len)
        put_mpint(w, bytes, (size_t)len);
    else
        w->failed = true;
}

static bool sign(const sshio_key *key, const struct sig_alg *alg, struct span data, struct writer *signature)
{
    uint8_t der[PKEY_MAX_SIGNATURE_LEN];
    const uint8_t *at = der;
    size_t len;
    if (!pkey_sign(key->pkey, alg->hash, data, der, &len))
        return false;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
    if (sig == NULL)
        return false;
    put_signature_number(signature, ECDSA_SIG_get0_r(sig));
    put_signature_number(signature, ECDSA_SIG_get0_s(sig));
    ECDSA_SIG_free(sig);
    return true;
}

/* DER knows integers as SSH does, so that one form becomes the other without looking into the numbers. */
static bool verify(const sshio_key *key, const struct sig_alg *alg, struct span data, struct span signature)
{
    uint8_t fields_memory[2 * FIELD_MAX_LEN + 8], memory[2 * FIELD_MAX_LEN + 16];
    struct writer fields, der;
    struct reader r;
    size_t most = curve_of(key)->field_len;
    reader_init(&r, signature.data, signature.len);
    struct span first = read_mpint(&r), second = read_mpint(&r);
    if (!reader_done(&r) || first.len == 0 || first.len > most || second.len == 0 || second.len > most)
        return false;
    writer_init_fixed(&fields, fields_memory, sizeof fields_memory);
    put_der_integer(&fields, first);
    put_der_integer(&fields, second);
    writer_init_fixed(&der, memory, sizeof memory);
    put_der(&der, DER_SEQUENCE, writer_span(&fields));
    return !writer_failed(&fields) && !writer_failed(&der) &&
           pkey_verify(key->pkey, alg->hash, data, writer_span(&der));
}

/* ---- the curves ---- */

/* id-ecPublicKey, 1.2.840.10045.2.1 */
#define EC_PUBLIC_KEY 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01
#define EC_PUBLIC_KEY_LEN 9

static const uint8_t algorithm_256[] = { EC_PUBLIC_KEY, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static const uint8_t algorithm_384[] = { EC_PUBLIC_KEY, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 };
static const uint8_t algorithm_521[] = { EC_PUBLIC_KEY, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23 };

#define OBJECT_ID(algorithm)                                                                                           \
    {                                                                                                                  \
        (algorithm) + EC_PUBLIC_KEY_LEN, sizeof(algorithm) - EC_PUBLIC_KEY_LEN                                         \
    }

static const struct curve curve_256 = {
    .name = "nistp256",
    .library_name = "P-256",
    .nid = NID_X9_62_prime256v1,
    .field_len = 32,
    .object_id = OBJECT_ID(algorithm_256),
};
static const struct curve curve_384 = {
    .name = "nistp384",
    .library_name = "P-384",
    .nid = NID_secp384r1,
    .field_len = 48,
    .object_id = OBJECT_ID(algorithm_384),
};
static const struct curve curve_521 = {
    .name = "nistp521",
    .library_name = "P-521",
    .nid = NID_secp521r1,
    .field_len = FIELD_MAX_LEN,
    .object_id = OBJECT_ID(algorithm_521),
};

#define ECDSA_ROW(bits)                                                                                                \
    const struct key_type key_type_ecdsa_##bits = {                                                                    \
        .name = "ecdsa-sha2-nistp" #bits,                                                                              \
        .param = &curve_##bits,                                                                                        \
        .algorithm = { algorithm_##bits, sizeof algorithm_##bits },                                                    \
        .read_public = read_public,                                                                                    \
        .read_private = read_private,                                                                                  \
        .put_public = put_public,                                                                                      \
        .put_private = put_private,                                                                                    \
        .read_public_info = set_public,                                                                                \
        .read_private_info = read_private_info,                                                                        \
        .put_public_info = put_point,                                                                                  \
        .put_private_info = put_private_info,                                                                          \
        .generate = generate,                                                                                          \
        .sign = sign,                                                                                                  \
        .verify = verify,                                                                                              \
    }

ECDSA_ROW(256);
ECDSA_ROW(384);
ECDSA_ROW(521);
