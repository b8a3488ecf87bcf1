/* ssh-rsa keys, with the signatures rsa-sha2-256, rsa-sha2-512 (RFC 8332) and, for peers that know nothing better,
 * ssh-rsa with SHA-1 (RFC 4253 6.6); all are PKCS#1 v1.5 (RFC 8017 8.2).
 *
 * Keys of 1024 to 16384 bits are taken, from 2048 on they are made. A signature is verified before it leaves, because
 * one with a fault in one half of its computation would give the key away (C3). */
#include <openssl/core_names.h>

#include "base/der.h"
#include "base/memory.h"
#include "key/pkey.h"
#include "key/rsa_numbers.h"
#include "key/types.h"

#define GENERATE_LEAST_BITS 2048
#define GENERATE_DEFAULT_BITS 2048

static const char *const part_names[RSA_NUMBERS] = {
    [RSA_N] = OSSL_PKEY_PARAM_RSA_N,
    [RSA_E] = OSSL_PKEY_PARAM_RSA_E,
    [RSA_D] = OSSL_PKEY_PARAM_RSA_D,
    [RSA_P] = OSSL_PKEY_PARAM_RSA_FACTOR1,
    [RSA_Q] = OSSL_PKEY_PARAM_RSA_FACTOR2,
    [RSA_DMP1] = OSSL_PKEY_PARAM_RSA_EXPONENT1,
    [RSA_DMQ1] = OSSL_PKEY_PARAM_RSA_EXPONENT2,
    [RSA_IQMP] = OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
};

/* The order of the fields in each form. */
static const enum rsa_number public_order[] = { RSA_E, RSA_N };
static const enum rsa_number private_order[] = { RSA_N, RSA_E, RSA_D, RSA_IQMP, RSA_P, RSA_Q };
static const enum rsa_number public_info_order[] = { RSA_N, RSA_E };
static const enum rsa_number private_info_order[] = { RSA_N, RSA_E, RSA_D, RSA_P, RSA_Q, RSA_DMP1, RSA_DMQ1, RSA_IQMP };

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- making keys ---- */

static EVP_PKEY *make(const struct rsa_numbers *numbers, bool is_private)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM_BLD *parts = OSSL_PARAM_BLD_new();
    bool ok = parts != NULL;
    for (size_t i = 0; ok && i < (is_private ? RSA_NUMBERS : COUNT(public_order)); i++)
        ok = OSSL_PARAM_BLD_push_BN(parts, part_names[i], numbers->at[i]) == 1;
    if (ok)
        pkey = pkey_from_parts("RSA", is_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, parts);
    OSSL_PARAM_BLD_free(parts);
    return pkey;
}

typedef struct span read_number_fn(struct reader *r);

/* Reads the numbers in their order, and makes a key of them if nothing is wrong. */
static int read_numbers(sshio_key *key, struct reader *r, read_number_fn *read_number, const enum rsa_number *order,
                        size_t count, struct error *e)
{
    struct rsa_numbers numbers = { { NULL } };
    bool is_private = count > COUNT(public_order);
    const char *wrong = NULL;
    bool set = true;
    for (size_t i = 0; set && i < count; i++)
        set = rsa_numbers_set(&numbers, order[i], read_number(r)) && !reader_failed(r);
    if (!set)
        wrong = "a number is missing, negative, too long, or not in its shortest form";
    else
        wrong = is_private ? rsa_numbers_check_private(&numbers) : rsa_numbers_check_public(&numbers);
    if (wrong == NULL && (key->pkey = make(&numbers, is_private)) == NULL)
        wrong = "libcrypto refuses the key";
    rsa_numbers_done(&numbers);
    key->is_private = is_private;
    return wrong == NULL ? 0 : key_import_error(e, SSHIO_DETAIL_MALFORMED, "ssh-rsa: %s", wrong);
}

static int generate(sshio_key *key, const sshio_generate_options *options, struct error *e)
{
    int bits = options != NULL && options->key_size != 0 ? options->key_size : GENERATE_DEFAULT_BITS;
    if (bits < GENERATE_LEAST_BITS || bits > KEY_RSA_MOST_BITS)
        return error_set(e, SSHIO_EKEY_GENERATION, "ssh-rsa: key_size %d is not between %d and %d bits", bits,
                         GENERATE_LEAST_BITS, KEY_RSA_MOST_BITS);
    key->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
    key->is_private = true;
    return key->pkey != NULL ? 0 : error_set(e, SSHIO_EKEY_GENERATION, "ssh-rsa: no key could be generated");
}

/* ---- the forms of SSH ---- */

static int read_public(sshio_key *key, struct reader *r, struct error *e)
{
    return read_numbers(key, r, read_mpint, public_order, COUNT(public_order), e);
}

static int read_private(sshio_key *key, struct reader *r, struct error *e)
{
    return read_numbers(key, r, read_mpint, private_order, COUNT(private_order), e);
}

static void put_public(const sshio_key *key, struct writer *w)
{
    for (size_t i = 0; i < COUNT(public_order); i++)
        pkey_put_mpint(w, key->pkey, part_names[public_order[i]]);
}

static void put_private(const sshio_key *key, struct writer *w)
{
    for (size_t i = 0; i < COUNT(private_order); i++)
        pkey_put_mpint(w, key->pkey, part_names[private_order[i]]);
}

/* ---- the forms of PKCS#8: those of PKCS#1 (RFC 8017 A.1) ---- */

static int read_public_info(sshio_key *key, struct span content, struct error *e)
{
    struct reader outer, r;
    reader_init(&outer, content.data, content.len);
    struct span fields = read_der(&outer, DER_SEQUENCE);
    reader_init(&r, fields.data, fields.len);
    int rc = read_numbers(key, &r, read_der_integer, public_info_order, COUNT(public_info_order), e);
    if (rc == 0 && (!reader_done(&outer) || !reader_done(&r)))
        rc = key_import_error(e, SSHIO_DETAIL_MALFORMED, "ssh-rsa: the public key is malformed");
    return rc;
}

/* Version 0 is a key of two primes. */
static int read_private_info(sshio_key *key, struct span content, struct error *e)
{
    struct reader outer, r;
    reader_init(&outer, content.data, content.len);
    struct span fields = read_der(&outer, DER_SEQUENCE);
    reader_init(&r, fields.data, fields.len);
    struct span version = read_der_integer(&r);
    if (reader_failed(&r) || version.len != 0)
        return key_import_error(e, SSHIO_DETAIL_MALFORMED, "ssh-rsa: the private key is not one of two primes");
    int rc = read_numbers(key, &r, read_der_integer, private_info_order, COUNT(private_info_order), e);
    if (rc == 0 && (!reader_done(&outer) || !reader_done(&r)))
        rc = key_import_error(e, SSHIO_DETAIL_MALFORMED, "ssh-rsa: the private key is malformed");
    return rc;
}

static void put_info(const sshio_key *key, const enum rsa_number *order, size_t count, bool versioned, struct writer *w)
{
    struct writer fields;
    writer_init(&fields, KEY_MAX_BLOB_LEN);
    if (versioned)
        put_der_integer(&fields, SPAN(NULL, 0));
    for (size_t i = 0; i < count; i++)
        pkey_put_der_integer(&fields, key->pkey, part_names[order[i]]);
    put_der(w, DER_SEQUENCE, writer_span(&fields));
    if (writer_failed(&fields))
        w->failed = true;
    writer_done(&fields);
}

static void put_public_info(const sshio_key *key, struct writer *w)
{
    put_info(key, public_info_order, COUNT(public_info_order), false, w);
}

static void put_private_info(const sshio_key *key, struct writer *w)
{
    put_info(key, private_info_order, COUNT(private_info_order), true, w);
}

/* ---- signatures ---- */

static bool sign(const sshio_key *key, const struct sig_alg *alg, struct span data, struct writer *signature)
{
    uint8_t bytes[PKEY_MAX_SIGNATURE_LEN];
    size_t len;
    bool ok = pkey_sign(key->pkey, alg->hash, data, bytes, &len) &&
              pkey_verify(key->pkey, alg->hash, data, SPAN(bytes, len));
    if (ok)
        put_bytes(signature, bytes, len);
    mem_wipe(bytes, sizeof bytes);
    return ok;
}

/* Some peers leave leading zeros away (RFC 8332 3 says that they must not): they are put back. */
static bool verify(const sshio_key *key, const struct sig_alg *alg, struct span data, struct span signature)
{
    uint8_t bytes[PKEY_MAX_SIGNATURE_LEN];
    struct writer padded;
    size_t len = (size_t)EVP_PKEY_get_size(key->pkey);
    if (signature.len > len)
        return false;
    writer_init_fixed(&padded, bytes, sizeof bytes);
    for (size_t i = signature.len; i < len; i++)
        put_u8(&padded, 0);
    put_bytes(&padded, signature.data, signature.len);
    return !writer_failed(&padded) && pkey_verify(key->pkey, alg->hash, data, writer_span(&padded));
}

/* rsaEncryption, 1.2.840.113549.1.1.1, with a NULL for its parameters */
static const uint8_t algorithm[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00 };

const struct key_type key_type_rsa = {
    .name = "ssh-rsa",
    .is_slow = true,
    .algorithm = { algorithm, sizeof algorithm },
    .read_public = read_public,
    .read_private = read_private,
    .put_public = put_public,
    .put_private = put_private,
    .read_public_info = read_public_info,
    .read_private_info = read_private_info,
    .put_public_info = put_public_info,
    .put_private_info = put_private_info,
    .generate = generate,
    .sign = sign,
    .verify = verify,
};
