/* Each call of the key room into libcrypto fails once: a refusal comes of it, never a key or a signature that is taken
 * (C5, A14). The linker puts the functions below in the place of libcrypto's (--wrap). */
#include "vectors.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "faults.h"
#include "fixtures.h"

#define DATA SPAN("signed text", 11)

/* X(result, name, parameters, arguments): those whose failure is a null pointer, then those with 1 for success. */
#define POINTER_CALLS(X)                                                                                               \
    X(EVP_MD_CTX *, EVP_MD_CTX_new, (void), ())                                                                        \
    X(EVP_PKEY_CTX *, EVP_PKEY_CTX_new_from_name, (OSSL_LIB_CTX * l, const char *n, const char *q), (l, n, q))         \
    X(OSSL_PARAM_BLD *, OSSL_PARAM_BLD_new, (void), ())                                                                \
    X(OSSL_PARAM *, OSSL_PARAM_BLD_to_param, (OSSL_PARAM_BLD * b), (b))                                                \
    X(BIGNUM *, BN_secure_new, (void), ())                                                                             \
    X(BIGNUM *, BN_bin2bn, (const unsigned char *s, int n, BIGNUM *r), (s, n, r))                                      \
    X(BIGNUM *, BN_copy, (BIGNUM * to, const BIGNUM *from), (to, from))                                                \
    X(BN_CTX *, BN_CTX_secure_new, (void), ())                                                                         \
    X(BIGNUM *, BN_CTX_get, (BN_CTX * c), (c))                                                                         \
    X(EC_GROUP *, EC_GROUP_new_by_curve_name, (int nid), (nid))                                                        \
    X(EC_POINT *, EC_POINT_new, (const EC_GROUP *g), (g))                                                              \
    X(ECDSA_SIG *, d2i_ECDSA_SIG, (ECDSA_SIG * *s, const unsigned char **at, long n), (s, at, n))                      \
    X(EVP_PKEY *, EVP_PKEY_new_raw_private_key_ex,                                                                     \
      (OSSL_LIB_CTX * l, const char *n, const char *q, const unsigned char *k, size_t s), (l, n, q, k, s))             \
    X(EVP_PKEY *, EVP_PKEY_new_raw_public_key_ex,                                                                      \
      (OSSL_LIB_CTX * l, const char *n, const char *q, const unsigned char *k, size_t s), (l, n, q, k, s))

#define INT_CALLS(X)                                                                                                   \
    X(EVP_DigestSignInit_ex,                                                                                           \
      (EVP_MD_CTX * c, EVP_PKEY_CTX * *p, const char *m, OSSL_LIB_CTX *l, const char *q, EVP_PKEY *k,                  \
       const OSSL_PARAM *o),                                                                                           \
      (c, p, m, l, q, k, o))                                                                                           \
    X(EVP_DigestSign, (EVP_MD_CTX * c, unsigned char *s, size_t *n, const unsigned char *d, size_t m),                 \
      (c, s, n, d, m))                                                                                                 \
    X(EVP_DigestVerifyInit_ex,                                                                                         \
      (EVP_MD_CTX * c, EVP_PKEY_CTX * *p, const char *m, OSSL_LIB_CTX *l, const char *q, EVP_PKEY *k,                  \
       const OSSL_PARAM *o),                                                                                           \
      (c, p, m, l, q, k, o))                                                                                           \
    X(EVP_DigestVerify, (EVP_MD_CTX * c, const unsigned char *s, size_t n, const unsigned char *d, size_t m),          \
      (c, s, n, d, m))                                                                                                 \
    X(EVP_PKEY_fromdata_init, (EVP_PKEY_CTX * c), (c))                                                                 \
    X(EVP_PKEY_fromdata, (EVP_PKEY_CTX * c, EVP_PKEY * *k, int s, OSSL_PARAM *p), (c, k, s, p))                        \
    X(EVP_PKEY_get_bn_param, (const EVP_PKEY *k, const char *n, BIGNUM **b), (k, n, b))                                \
    X(EVP_PKEY_get_octet_string_param, (const EVP_PKEY *k, const char *n, unsigned char *b, size_t m, size_t *o),      \
      (k, n, b, m, o))                                                                                                 \
    X(EVP_PKEY_get_raw_public_key, (const EVP_PKEY *k, unsigned char *b, size_t *n), (k, b, n))                        \
    X(EVP_PKEY_get_raw_private_key, (const EVP_PKEY *k, unsigned char *b, size_t *n), (k, b, n))                       \
    X(OSSL_PARAM_BLD_push_BN, (OSSL_PARAM_BLD * b, const char *k, const BIGNUM *n), (b, k, n))                         \
    X(OSSL_PARAM_BLD_push_utf8_string, (OSSL_PARAM_BLD * b, const char *k, const char *s, size_t n), (b, k, s, n))     \
    X(OSSL_PARAM_BLD_push_octet_string, (OSSL_PARAM_BLD * b, const char *k, const void *s, size_t n), (b, k, s, n))    \
    X(BN_mod_mul, (BIGNUM * r, const BIGNUM *a, const BIGNUM *b, const BIGNUM *m, BN_CTX *c), (r, a, b, m, c))         \
    X(BN_mod_exp_mont_consttime,                                                                                       \
      (BIGNUM * r, const BIGNUM *a, const BIGNUM *p, const BIGNUM *m, BN_CTX *c, BN_MONT_CTX *o), (r, a, p, m, c, o))  \
    X(BN_mul, (BIGNUM * r, const BIGNUM *a, const BIGNUM *b, BN_CTX *c), (r, a, b, c))                                 \
    X(BN_sub, (BIGNUM * r, const BIGNUM *a, const BIGNUM *b), (r, a, b))                                               \
    X(BN_div, (BIGNUM * q, BIGNUM * r, const BIGNUM *a, const BIGNUM *d, BN_CTX *c), (q, r, a, d, c))                  \
    X(BN_set_word, (BIGNUM * b, BN_ULONG w), (b, w))                                                                   \
    X(BN_bn2binpad, (const BIGNUM *b, unsigned char *to, int n), (b, to, n))                                           \
    X(EC_POINT_mul, (const EC_GROUP *g, EC_POINT *r, const BIGNUM *n, const EC_POINT *q, const BIGNUM *m, BN_CTX *c),  \
      (g, r, n, q, m, c))

POINTER_CALLS(FAULT_POINTER)
INT_CALLS(FAULT_INT)
FAULT_SIZE(EC_POINT_point2oct,
           (const EC_GROUP *g, const EC_POINT *p, point_conversion_form_t f, unsigned char *b, size_t n, BN_CTX *c),
           (g, p, f, b, n, c))

/* All that is done with a key, to the verification by its public half; true = all of it succeeded. */
static bool use_key(const char *text)
{
    sshio_key *key = NULL, *public_key = NULL;
    struct writer exported, signature;
    writer_init(&exported, KEY_MAX_TEXT_LEN);
    writer_init(&signature, 4096);
    bool ok = key_from_private_text(span_of(text), NULL, NULL, &key, NULL) == 0 &&
              key_put_private_text(key, SSHIO_FORMAT_OPENSSH, &exported, NULL) == 0 &&
              key_put_private_text(key, SSHIO_FORMAT_PKCS8_PEM, &exported, NULL) == 0 &&
              key_put_public_text(key, SSHIO_FORMAT_PKCS8_PEM, &exported, NULL) == 0 &&
              key_convert_to_public(key, &public_key, NULL) == 0;
    bool was_signed = ok && key_sign(key, key_sig_alg(key, 0), DATA, &signature, NULL) == 0;
    assert_int_equal(signature.len != 0, was_signed);
    ok = was_signed && key_verify(public_key, NULL, DATA, writer_span(&signature));
    writer_done(&exported);
    writer_done(&signature);
    sshio_key_unref(public_key);
    sshio_key_unref(key);
    return ok;
}

/* The first use of a kind of key prepares what the thread keeps for it. */
static unsigned int count_calls(const char *text)
{
    assert_true(use_key(text));
    fault_set(0, 0);
    assert_true(use_key(text));
    return fault_calls;
}

static void check_each_call(const char *text, unsigned int least)
{
    unsigned int count = count_calls(text);
    assert_true(count >= least);
    for (unsigned int nth = 1; nth <= count; nth++) {
        for (int result = 0; result >= -1; result--) {
            fault_set(nth, result);
            if (use_key(text))
                fail_msg("call %u of %u, %s, failed, and nobody noticed", nth, count, fault_name);
        }
    }
    fault_set(0, 0);
}

static void test_failing_call_is_never_success(void **state)
{
    (void)state;
    check_each_call(plain_private, 15);
    for (size_t i = 1; i < KEY_FIXTURES; i++) {
        check_each_call(key_fixtures[i].openssh, 30);
        check_each_call(key_fixtures[i].pkcs8, 30);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failing_call_is_never_success),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
