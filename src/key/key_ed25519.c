/* ssh-ed25519 (RFC 8709): keys of 32 bytes, signatures of 64. A private key travels as its 32-byte
 * seed with the public key behind it.
 *
 * libcrypto refuses signatures whose S is not below the group order, and encodings that are not
 * canonical. */
#include "key/types.h"

#include "base/memory.h"
#include "crypto/random.h"

#define PUBLIC_LEN 32
#define SEED_LEN 32
#define SIGNATURE_LEN 64
#define LIBRARY_NAME "ED25519"

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

static EVP_PKEY *from_seed(const uint8_t *seed)
{
    return EVP_PKEY_new_raw_private_key_ex(NULL, LIBRARY_NAME, NULL, seed, SEED_LEN);
}

static int read_public(sshio_key *key, struct reader *r, struct error *e)
{
    struct span public_key = read_string(r);
    if (reader_failed(r) || public_key.len != PUBLIC_LEN)
        return key_import_error(e, SSHIO_DETAIL_MALFORMED, "ssh-ed25519: the public key has %zu bytes, not 32",
                                public_key.len);
    key->pkey = EVP_PKEY_new_raw_public_key_ex(NULL, LIBRARY_NAME, NULL, public_key.data, PUBLIC_LEN);
    return key->pkey != NULL ? 0
                             : key_import_error(e, SSHIO_DETAIL_MALFORMED, "ssh-ed25519: the public key is refused");
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
    key->pkey = from_seed(seed_and_public.data);
    if (key->pkey == NULL || !get_public(key, derived))
        return key_import_error(e, SSHIO_DETAIL_MALFORMED, "ssh-ed25519: the private key is refused");
    if (!span_equal(public_key, SPAN(derived, PUBLIC_LEN)) || !span_equal(repeated, SPAN(derived, PUBLIC_LEN)))
        return key_import_error(e, SSHIO_DETAIL_MALFORMED,
                                "ssh-ed25519: the public half does not belong to the private key");
    key->is_private = true;
    return 0;
}

static void put_public(const sshio_key *key, struct writer *w)
{
    uint8_t public_key[PUBLIC_LEN];
    if (get_public(key, public_key))
        put_string(w, public_key, PUBLIC_LEN);
    else
        w->failed = true;
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

static EVP_PKEY *new_pkey(void)
{
    uint8_t seed[SEED_LEN];
    if (!random_seeded())
        return EVP_PKEY_Q_keygen(NULL, NULL, LIBRARY_NAME);
    EVP_PKEY *pkey = random_bytes(seed, SEED_LEN) ? from_seed(seed) : NULL;
    mem_wipe(seed, SEED_LEN);
    return pkey;
}

static int generate(sshio_key *key, const sshio_generate_options *options, struct error *e)
{
    (void)options;
    key->pkey = new_pkey();
    key->is_private = true;
    return key->pkey != NULL ? 0 : error_set(e, SSHIO_EKEY_GENERATION, "ssh-ed25519: no key could be generated");
}

/* libcrypto takes a null pointer for a question about sizes, so empty data needs an address. */
static const uint8_t *address_of(struct span data)
{
    static const uint8_t nothing[1];
    return data.data != NULL ? data.data : nothing;
}

static bool sign(const sshio_key *key, const struct sig_alg *alg, struct span data, struct writer *signature)
{
    uint8_t bytes[SIGNATURE_LEN];
    size_t len = sizeof bytes;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    (void)alg;
    bool ok = ctx != NULL && EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, key->pkey, NULL) == 1 &&
              EVP_DigestSign(ctx, bytes, &len, address_of(data), data.len) == 1 && len == SIGNATURE_LEN;
    EVP_MD_CTX_free(ctx);
    if (ok)
        put_bytes(signature, bytes, SIGNATURE_LEN);
    return ok;
}

static bool verify(const sshio_key *key, const struct sig_alg *alg, struct span data, struct span signature)
{
    (void)alg;
    if (signature.len != SIGNATURE_LEN)
        return false;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool valid = ctx != NULL && EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, key->pkey, NULL) == 1 &&
                 EVP_DigestVerify(ctx, signature.data, signature.len, address_of(data), data.len) == 1;
    EVP_MD_CTX_free(ctx);
    return valid;
}

const struct key_type key_type_ed25519 = {
    .name = "ssh-ed25519",
    .read_public = read_public,
    .read_private = read_private,
    .put_public = put_public,
    .put_private = put_private,
    .generate = generate,
    .sign = sign,
    .verify = verify,
};
