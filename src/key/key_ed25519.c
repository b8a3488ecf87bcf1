/* ssh-ed25519 (RFC 8709): keys of 32 bytes, signatures of 64. A private key travels as its 32-byte
 * seed with the public key behind it; in PKCS#8 the seed stands alone (RFC 8410).
 *
 * libcrypto refuses signatures whose S is not below the group order, and encodings that are not
 * canonical. */
#include "key/types.h"

#include "base/der.h"
#include "base/memory.h"
#include "crypto/raw_key.h"
#include "key/pkey.h"

#define PUBLIC_LEN 32
#define SEED_LEN 32
#define SIGNATURE_LEN 64

static bool get_public(const sshio_key *key, uint8_t *public_key)
{
    size_t len = PUBLIC_LEN;
    return EVP_PKEY_get_raw_public_key(key->pkey, public_key, &len) == 1 && len == PUBLIC_LEN;
}

static bool get_seed(const sshio_key *key, uint8_t *seed)
{
    size_t len = SEED_LEN;
    return EVP_PKEY_get_raw_private_key(key->pkey, seed, &len) == 1 && len == SEED_LEN;
}

static int set_public(sshio_key *key, struct span public_key, struct error *e)
{
    if (public_key.len != PUBLIC_LEN)
        return key_import_error(e, SSHIO_DETAIL_MALFORMED, "ssh-ed25519: the public key has %zu bytes, not 32",
                                public_key.len);
    key->pkey = raw_key_public(RAW_KEY_ED25519, public_key.data, PUBLIC_LEN);
    return key->pkey != NULL ? 0
                             : key_import_error(e, SSHIO_DETAIL_MALFORMED, "ssh-ed25519: the public key is refused");
}

/* derived gets the public half. */
static int set_private(sshio_key *key, const uint8_t *seed, uint8_t *derived, struct error *e)
{
    key->pkey = raw_key_private(RAW_KEY_ED25519, seed, SEED_LEN);
    if (key->pkey == NULL || !get_public(key, derived))
        return key_import_error(e, SSHIO_DETAIL_MALFORMED, "ssh-ed25519: the private key is refused");
    key->is_private = true;
    return 0;
}

static int read_public(sshio_key *key, struct reader *r, struct error *e)
{
    return set_public(key, read_string(r), e);
}

static int read_private(sshio_key *key, struct reader *r, struct error *e)
{
    uint8_t derived[PUBLIC_LEN];
    struct span public_key = read_string(r);
    struct span seed_and_public = read_string(r);

    if (reader_failed(r) || seed_and_public.len != SEED_LEN + PUBLIC_LEN)
        return key_import_error(e, SSHIO_DETAIL_MALFORMED, "ssh-ed25519: the private key has %zu bytes, not 64",
                                seed_and_public.len);
    struct span repeated = SPAN(seed_and_public.data + SEED_LEN, PUBLIC_LEN);
    int rc = set_private(key, seed_and_public.data, derived, e);
    if (rc != 0)
        return rc;
    if (!span_equal(public_key, SPAN(derived, PUBLIC_LEN)) || !span_equal(repeated, SPAN(derived, PUBLIC_LEN)))
        return key_import_error(e, SSHIO_DETAIL_MALFORMED,
                                "ssh-ed25519: the public half does not belong to the private key");
    return 0;
}

static int read_private_info(sshio_key *key, struct span content, struct error *e)
{
    uint8_t derived[PUBLIC_LEN];
    struct reader r;
    reader_init(&r, content.data, content.len);
    struct span seed = read_der(&r, DER_OCTET_STRING);
    if (!reader_done(&r) || seed.len != SEED_LEN)
        return key_import_error(e, SSHIO_DETAIL_MALFORMED, "ssh-ed25519: the private key has %zu bytes, not 32",
                                seed.len);
    return set_private(key, seed.data, derived, e);
}

static void put_public_bytes(const sshio_key *key, struct writer *w)
{
    uint8_t public_key[PUBLIC_LEN];
    if (get_public(key, public_key))
        put_bytes(w, public_key, PUBLIC_LEN);
    else
        w->failed = true;
}

static void put_public(const sshio_key *key, struct writer *w)
{
    size_t mark = put_open(w);
    put_public_bytes(key, w);
    put_close(w, mark);
}

static void put_private_info(const sshio_key *key, struct writer *w)
{
    uint8_t seed[SEED_LEN];
    if (get_seed(key, seed))
        put_der(w, DER_OCTET_STRING, SPAN(seed, SEED_LEN));
    else
        w->failed = true;
    mem_wipe(seed, SEED_LEN);
}

static void put_private(const sshio_key *key, struct writer *w)
{
    uint8_t public_key[PUBLIC_LEN], seed[SEED_LEN];
    if (!get_public(key, public_key) || !get_seed(key, seed)) {
        w->failed = true;
        return;
    }
    put_string(w, public_key, PUBLIC_LEN);
    put_u32(w, SEED_LEN + PUBLIC_LEN);
    put_bytes(w, seed, SEED_LEN);
    put_bytes(w, public_key, PUBLIC_LEN);
    mem_wipe(seed, SEED_LEN);
}

static int generate(sshio_key *key, const sshio_generate_options *options, struct error *e)
{
    if (options != NULL && options->key_size != 0)
        return error_set(e, SSHIO_EKEY_GENERATION, "ssh-ed25519 keys have one size: key_size %d means nothing",
                         options->key_size);
    key->pkey = raw_key_generate(RAW_KEY_ED25519);
    key->is_private = true;
    return key->pkey != NULL ? 0 : error_set(e, SSHIO_EKEY_GENERATION, "ssh-ed25519: no key could be generated");
}

static bool sign(const sshio_key *key, const struct sig_alg *alg, struct span data, struct writer *signature)
{
    uint8_t bytes[PKEY_MAX_SIGNATURE_LEN];
    size_t len;
    bool ok = pkey_sign(key->pkey, alg->hash, data, bytes, &len) && len == SIGNATURE_LEN;
    if (ok)
        put_bytes(signature, bytes, len);
    return ok;
}

static bool verify(const sshio_key *key, const struct sig_alg *alg, struct span data, struct span signature)
{
    return signature.len == SIGNATURE_LEN && pkey_verify(key->pkey, alg->hash, data, signature);
}

/* id-Ed25519, 1.3.101.112, without parameters */
static const uint8_t algorithm[] = { 0x06, 0x03, 0x2b, 0x65, 0x70 };

const struct key_type key_type_ed25519 = {
    .name = "ssh-ed25519",
    .algorithm = { algorithm, sizeof algorithm },
    .read_public = read_public,
    .read_private = read_private,
    .put_public = put_public,
    .put_private = put_private,
    .read_public_info = set_public,
    .read_private_info = read_private_info,
    .put_public_info = put_public_bytes,
    .put_private_info = put_private_info,
    .generate = generate,
    .sign = sign,
    .verify = verify,
};
