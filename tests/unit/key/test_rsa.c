/* RSA keys and signatures (RFC 4253 6.6, RFC 8332): what is refused, and that a faulty signature stays here (A6, C3).
 */
#include "vectors.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "base/memory.h"
#include "fixtures.h"
#include "key/rsa_numbers.h"
#include "key/types.h"

#define DATA SPAN("signed text", 11)

static sshio_key *import(const char *text)
{
    sshio_key *key = NULL;
    assert_int_equal(key_from_private_text(span_of(text), NULL, NULL, &key, NULL), 0);
    return key;
}

/* ---- public keys ---- */

/* A modulus of so many bits, and its last byte. */
struct modulus {
    int bits;
    uint8_t last;
};

static const struct {
    struct modulus n;
    const char *e;
    size_t e_len;
    const char *message; /* NULL = fine */
} publics[] = {
    { { 1024, 1 }, "\x01\x00\x01", 3, NULL },
    { { 16384, 1 }, "\x03", 1, NULL },
    { { 1024, 1 }, "\x7f\xff\xff\xff\xff\xff\xff\xff", 8, NULL },
    { { 1024, 1 }, "\x00\xff\xff\xff\xff\xff\xff\xff\xff", 9, NULL },
    { { 1023, 1 }, "\x03", 1, "ssh-rsa: the modulus has fewer than 1024 or more than 16384 bits" },
    { { 16385, 1 }, "\x03", 1, "ssh-rsa: a number is missing, negative, too long, or not in its shortest form" },
    { { 8, 1 }, "\x03", 1, "ssh-rsa: the modulus has fewer than 1024 or more than 16384 bits" },
    { { 1024, 0 }, "\x03", 1, "ssh-rsa: the modulus is even" },
    { { 1024, 1 }, "\x01", 1, "ssh-rsa: the public exponent is even, 1, or has more than 64 bits" },
    { { 1024, 1 }, "\x04", 1, "ssh-rsa: the public exponent is even, 1, or has more than 64 bits" },
    { { 1024, 1 }, "", 0, "ssh-rsa: the public exponent is even, 1, or has more than 64 bits" },
    { { 1024, 1 },
      "\x01\x00\x00\x00\x00\x00\x00\x00\x01",
      9,
      "ssh-rsa: the public exponent is even, 1, or has more than 64 bits" },
    { { 1024, 1 }, "\xff", 1, "ssh-rsa: a number is missing, negative, too long, or not in its shortest form" },
    { { 1024, 1 }, "\x00\x03", 2, "ssh-rsa: a number is missing, negative, too long, or not in its shortest form" },
};

static void put_modulus(struct writer *w, struct modulus n)
{
    uint8_t bytes[2049] = { 0 };
    size_t len = (size_t)(n.bits + 7) / 8;
    bytes[0] = (uint8_t)(1u << (n.bits - 1) % 8);
    bytes[len - 1] |= n.last;
    put_mpint(w, bytes, len);
}

static void test_public_numbers_are_measured(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof publics / sizeof publics[0]; i++) {
        struct writer w;
        sshio_key *key = NULL;
        struct error e;
        error_init(&e);
        writer_init(&w, 8192);
        put_text(&w, "ssh-rsa");
        put_string(&w, publics[i].e, publics[i].e_len);
        put_modulus(&w, publics[i].n);
        int rc = key_from_public_blob(writer_span(&w), &key, &e);
        assert_int_equal(rc, publics[i].message == NULL ? 0 : SSHIO_EKEY_IMPORT);
        if (publics[i].message != NULL)
            assert_string_equal(error_message(&e), publics[i].message);
        sshio_key_unref(key);
        writer_done(&w);
        error_clear(&e);
    }
}

/* P7; and the blob's type is ssh-rsa under every algorithm (RFC 8332 3). */
static void test_blob_is_used_up_and_of_one_type(void **state)
{
    (void)state;
    static const char *const types[] = { "rsa-sha2-256", "rsa-sha2-512", "ssh-rsa" };
    for (size_t i = 0; i < 3; i++) {
        struct writer w;
        sshio_key *key = NULL;
        writer_init(&w, 1024);
        put_text(&w, types[i]);
        put_string(&w, "\3", 1);
        put_modulus(&w, (struct modulus){ 1024, 1 });
        assert_int_equal(key_from_public_blob(writer_span(&w), &key, NULL), i == 2 ? 0 : SSHIO_EKEY_IMPORT);
        sshio_key_unref(key);
        key = NULL;
        put_u8(&w, 0);
        assert_int_equal(key_from_public_blob(writer_span(&w), &key, NULL), SSHIO_EKEY_IMPORT);
        assert_null(key);
        writer_done(&w);
    }
}

/* ---- private keys ---- */

/* The six numbers of a private key as they travel: n, e, d, iqmp, p, q. */
struct numbers {
    struct span at[6];
};

enum { N, E, D, IQMP, P, Q };

static int read_private(const struct numbers *numbers)
{
    struct writer w;
    struct reader r;
    sshio_key *key = NULL;
    writer_init(&w, 8192);
    put_text(&w, "ssh-rsa");
    for (size_t i = 0; i < 6; i++)
        put_mpint(&w, numbers->at[i].data, numbers->at[i].len);
    reader_init(&r, w.data, w.len);
    int rc = key_read_private(&r, &key, NULL);
    sshio_key_unref(key);
    writer_done(&w);
    return rc;
}

static void take_numbers(struct writer *w, struct numbers *numbers)
{
    sshio_key *key = import(FIXTURE_RSA_1024->openssh);
    struct reader r;
    writer_init(w, 8192);
    key_put_private(key, w);
    reader_init(&r, w->data, w->len);
    read_string(&r);
    for (size_t i = 0; i < 6; i++)
        numbers->at[i] = read_mpint(&r);
    assert_true(reader_done(&r));
    sshio_key_unref(key);
}

static void test_private_numbers_must_fit_together(void **state)
{
    (void)state;
    struct writer w;
    struct numbers good, bad;
    take_numbers(&w, &good);
    assert_int_equal(read_private(&good), 0);
    for (size_t i = 0; i < 6; i++) { /* one bit of each number, and each number as one and as zero */
        uint8_t copy[256];
        bad = good;
        memcpy(copy, good.at[i].data, good.at[i].len);
        copy[good.at[i].len / 2] ^= 0x10;
        bad.at[i] = SPAN(copy, good.at[i].len);
        assert_int_equal(read_private(&bad), SSHIO_EKEY_IMPORT);
        bad.at[i] = SPAN("\1", 1);
        assert_int_equal(read_private(&bad), SSHIO_EKEY_IMPORT);
        bad.at[i] = SPAN(NULL, 0);
        assert_int_equal(read_private(&bad), SSHIO_EKEY_IMPORT);
    }
    bad = good;
    bad.at[P] = good.at[Q]; /* the primes change places, and the coefficient does not */
    bad.at[Q] = good.at[P];
    assert_int_equal(read_private(&bad), SSHIO_EKEY_IMPORT);
    bad.at[P] = good.at[N];
    bad.at[Q] = SPAN("\1", 1);
    assert_int_equal(read_private(&bad), SSHIO_EKEY_IMPORT);
    writer_done(&w);
}

/* ---- signatures ---- */

/* The outer form with any bytes in it. */
static bool verifies(const sshio_key *key, const char *name, struct span bytes)
{
    struct writer w;
    writer_init(&w, 8192);
    put_text(&w, name);
    put_span(&w, bytes);
    bool ok = key_verify(key, NULL, DATA, writer_span(&w));
    writer_done(&w);
    return ok;
}

static struct span sign(const sshio_key *key, const char *name, struct span data, struct writer *w)
{
    struct reader r;
    writer_init(w, 4096);
    assert_int_equal(key_sign(key, sig_alg_find(span_of(name)), data, w, NULL), 0);
    reader_init(&r, w->data, w->len);
    assert_true(span_is(read_string(&r), name));
    return read_string(&r);
}

static void test_signature_has_the_length_of_the_modulus(void **state)
{
    (void)state;
    sshio_key *key = import(FIXTURE_RSA_1024->openssh);
    uint8_t longer[256] = { 0 };
    struct writer w;
    struct span good = sign(key, "rsa-sha2-512", DATA, &w);
    assert_int_equal(good.len, 128);
    assert_true(verifies(key, "rsa-sha2-512", good));
    assert_false(verifies(key, "rsa-sha2-256", good));
    assert_false(verifies(key, "ssh-rsa", good));
    memcpy(longer + 1, good.data, good.len);
    assert_false(verifies(key, "rsa-sha2-512", SPAN(longer, good.len + 1)));
    assert_false(verifies(key, "rsa-sha2-512", SPAN(good.data, good.len - 1)));
    assert_false(verifies(key, "rsa-sha2-512", SPAN(NULL, 0)));
    writer_done(&w);
    sshio_key_unref(key);
}

/* One signature in 256 begins with a zero, which old peers leave away. */
static void test_short_signature_is_padded(void **state)
{
    (void)state;
    sshio_key *key = import(FIXTURE_RSA_1024->openssh);
    bool found = false;
    for (uint32_t i = 0; !found; i++) {
        struct writer w;
        uint8_t data[4];
        store_u32(data, i);
        struct span good = sign(key, "rsa-sha2-256", SPAN(data, 4), &w);
        if (good.data[0] == 0) {
            struct writer outer;
            writer_init(&outer, 4096);
            put_text(&outer, "rsa-sha2-256");
            put_string(&outer, good.data + 1, good.len - 1);
            assert_true(key_verify(key, NULL, SPAN(data, 4), writer_span(&outer)));
            writer_done(&outer);
            found = true;
        }
        writer_done(&w);
    }
    sshio_key_unref(key);
}

/* A number that is not below the modulus signs nothing, even if it is the right one and a multiple of the modulus. */
static void test_signature_is_below_the_modulus(void **state)
{
    (void)state;
    uint8_t ones[128];
    sshio_key *key = import(FIXTURE_RSA_1024->openssh);
    memset(ones, 0xff, sizeof ones);
    assert_false(verifies(key, "rsa-sha2-256", SPAN(ones, sizeof ones)));
    memset(ones, 0, sizeof ones);
    assert_false(verifies(key, "rsa-sha2-256", SPAN(ones, sizeof ones)));
    ones[127] = 1;
    assert_false(verifies(key, "rsa-sha2-256", SPAN(ones, sizeof ones)));
    sshio_key_unref(key);
}

/* A key with a fault in both of its ways to compute a signature: past all checks, as memory that went bad would be. */
static void damage(sshio_key *key)
{
    static const struct {
        const char *name;
        bool damaged;
    } parts[] = {
        { OSSL_PKEY_PARAM_RSA_N, false },         { OSSL_PKEY_PARAM_RSA_E, false },
        { OSSL_PKEY_PARAM_RSA_D, true },          { OSSL_PKEY_PARAM_RSA_FACTOR1, false },
        { OSSL_PKEY_PARAM_RSA_FACTOR2, false },   { OSSL_PKEY_PARAM_RSA_EXPONENT1, true },
        { OSSL_PKEY_PARAM_RSA_EXPONENT2, false }, { OSSL_PKEY_PARAM_RSA_COEFFICIENT1, false },
    };
    BIGNUM *numbers[8] = { NULL };
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(EVP_PKEY_get_bn_param(key->pkey, parts[i].name, &numbers[i]), 1);
        if (parts[i].damaged)
            assert_int_equal(BN_sub_word(numbers[i], 2), 1);
        assert_int_equal(OSSL_PARAM_BLD_push_BN(build, parts[i].name, numbers[i]), 1);
    }
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY_free(key->pkey);
    key->pkey = NULL;
    assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
    assert_int_equal(EVP_PKEY_fromdata(ctx, &key->pkey, EVP_PKEY_KEYPAIR, params), 1);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    for (size_t i = 0; i < 8; i++)
        BN_clear_free(numbers[i]);
}

/* C3 */
static void test_faulty_signature_does_not_leave(void **state)
{
    (void)state;
    sshio_key *key = import(FIXTURE_RSA_1024->openssh);
    struct writer w;
    struct error e;
    error_init(&e);
    damage(key);
    writer_init(&w, 4096);
    put_chars(&w, "before");
    assert_int_equal(key_sign(key, key_sig_alg(key, 0), DATA, &w, &e), SSHIO_ENOMEM);
    assert_string_equal(error_message(&e), "signing with rsa-sha2-256 failed");
    assert_true(span_is(writer_span(&w), "before"));
    writer_done(&w);
    error_clear(&e);
    sshio_key_unref(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_public_numbers_are_measured),
        cmocka_unit_test(test_blob_is_used_up_and_of_one_type),
        cmocka_unit_test(test_private_numbers_must_fit_together),
        cmocka_unit_test(test_signature_has_the_length_of_the_modulus),
        cmocka_unit_test(test_short_signature_is_padded),
        cmocka_unit_test(test_signature_is_below_the_modulus),
        cmocka_unit_test(test_faulty_signature_does_not_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
