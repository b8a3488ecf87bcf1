/* Each call of the crypto room into libcrypto fails once, while two engines log in, exchange data, exchange keys anew
 * and part (C5): an error comes of it, never a packet in the clear or data that is not what was sent. The linker puts
 * the functions below in the place of libcrypto's (--wrap). */
#include "engine/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "crypto/hash.h"
#include "engine/kex.h"
#include "engine/pair.h"
#include "faults.h"

/* X(result, name, parameters, arguments): those whose failure is a null pointer, then those with 1 for success. */
#define POINTER_CALLS(X)                                                                                               \
    X(EVP_MD_CTX *, EVP_MD_CTX_new, (void), ())                                                                        \
    X(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_new, (void), ())                                                                \
    X(EVP_MAC_CTX *, EVP_MAC_CTX_new, (EVP_MAC * m), (m))                                                              \
    X(EVP_CIPHER *, EVP_CIPHER_fetch, (OSSL_LIB_CTX * l, const char *n, const char *q), (l, n, q))                     \
    X(EVP_MD *, EVP_MD_fetch, (OSSL_LIB_CTX * l, const char *n, const char *q), (l, n, q))                             \
    X(EVP_MAC *, EVP_MAC_fetch, (OSSL_LIB_CTX * l, const char *n, const char *q), (l, n, q))                           \
    X(EVP_PKEY_CTX *, EVP_PKEY_CTX_new_from_name, (OSSL_LIB_CTX * l, const char *n, const char *q), (l, n, q))         \
    X(EVP_PKEY_CTX *, EVP_PKEY_CTX_new_from_pkey, (OSSL_LIB_CTX * l, EVP_PKEY * k, const char *q), (l, k, q))          \
    X(EVP_PKEY *, EVP_PKEY_new_raw_public_key_ex,                                                                      \
      (OSSL_LIB_CTX * l, const char *n, const char *q, const unsigned char *k, size_t s), (l, n, q, k, s))             \
    X(unsigned char *, HMAC,                                                                                           \
      (const EVP_MD *m, const void *k, int n, const unsigned char *d, size_t s, unsigned char *to, unsigned int *o),   \
      (m, k, n, d, s, to, o))                                                                                          \
    X(BIGNUM *, BN_new, (void), ())                                                                                    \
    X(BIGNUM *, BN_bin2bn, (const unsigned char *s, int n, BIGNUM *r), (s, n, r))                                      \
    X(BIGNUM *, BN_get_rfc3526_prime_2048, (BIGNUM * b), (b))                                                          \
    X(BN_CTX *, BN_CTX_new, (void), ())                                                                                \
    X(EC_GROUP *, EC_GROUP_new_by_curve_name, (int nid), (nid))                                                        \
    X(EC_POINT *, EC_POINT_new, (const EC_GROUP *g), (g))

#define INT_CALLS(X)                                                                                                   \
    X(EVP_DigestInit_ex2, (EVP_MD_CTX * c, const EVP_MD *m, const OSSL_PARAM *p), (c, m, p))                           \
    X(EVP_DigestUpdate, (EVP_MD_CTX * c, const void *d, size_t n), (c, d, n))                                          \
    X(EVP_DigestFinal_ex, (EVP_MD_CTX * c, unsigned char *to, unsigned int *n), (c, to, n))                            \
    X(EVP_Digest, (const void *d, size_t n, unsigned char *to, unsigned int *o, const EVP_MD *m, ENGINE *e),           \
      (d, n, to, o, m, e))                                                                                             \
    X(EVP_CipherInit_ex2,                                                                                              \
      (EVP_CIPHER_CTX * c, const EVP_CIPHER *k, const unsigned char *key, const unsigned char *iv, int e,              \
       const OSSL_PARAM *p),                                                                                           \
      (c, k, key, iv, e, p))                                                                                           \
    X(EVP_EncryptInit_ex2,                                                                                             \
      (EVP_CIPHER_CTX * c, const EVP_CIPHER *k, const unsigned char *key, const unsigned char *iv,                     \
       const OSSL_PARAM *p),                                                                                           \
      (c, k, key, iv, p))                                                                                              \
    X(EVP_CipherUpdate, (EVP_CIPHER_CTX * c, unsigned char *to, int *o, const unsigned char *d, int n),                \
      (c, to, o, d, n))                                                                                                \
    X(EVP_CipherFinal_ex, (EVP_CIPHER_CTX * c, unsigned char *to, int *o), (c, to, o))                                 \
    X(EVP_CIPHER_CTX_ctrl, (EVP_CIPHER_CTX * c, int type, int n, void *p), (c, type, n, p))                            \
    X(EVP_MAC_init, (EVP_MAC_CTX * c, const unsigned char *k, size_t n, const OSSL_PARAM *p), (c, k, n, p))            \
    X(EVP_MAC_update, (EVP_MAC_CTX * c, const unsigned char *d, size_t n), (c, d, n))                                  \
    X(EVP_MAC_final, (EVP_MAC_CTX * c, unsigned char *to, size_t *o, size_t n), (c, to, o, n))                         \
    X(EVP_PKEY_keygen_init, (EVP_PKEY_CTX * c), (c))                                                                   \
    X(EVP_PKEY_generate, (EVP_PKEY_CTX * c, EVP_PKEY * *k), (c, k))                                                    \
    X(EVP_PKEY_get_raw_public_key, (const EVP_PKEY *k, unsigned char *b, size_t *n), (k, b, n))                        \
    X(EVP_PKEY_derive_init, (EVP_PKEY_CTX * c), (c))                                                                   \
    X(EVP_PKEY_derive_set_peer, (EVP_PKEY_CTX * c, EVP_PKEY * k), (c, k))                                              \
    X(EVP_PKEY_derive, (EVP_PKEY_CTX * c, unsigned char *to, size_t *o), (c, to, o))                                   \
    X(RAND_bytes, (unsigned char *to, int n), (to, n))                                                                 \
    X(BN_set_word, (BIGNUM * b, BN_ULONG w), (b, w))                                                                   \
    X(BN_sub, (BIGNUM * r, const BIGNUM *a, const BIGNUM *b), (r, a, b))                                               \
    X(BN_bn2binpad, (const BIGNUM *b, unsigned char *to, int n), (b, to, n))                                           \
    X(BN_mod_exp_mont_consttime,                                                                                       \
      (BIGNUM * r, const BIGNUM *a, const BIGNUM *p, const BIGNUM *m, BN_CTX *c, BN_MONT_CTX *o), (r, a, p, m, c, o))  \
    X(EC_POINT_mul, (const EC_GROUP *g, EC_POINT *r, const BIGNUM *n, const EC_POINT *q, const BIGNUM *m, BN_CTX *c),  \
      (g, r, n, q, m, c))                                                                                              \
    X(EC_POINT_oct2point, (const EC_GROUP *g, EC_POINT *p, const unsigned char *b, size_t n, BN_CTX *c),               \
      (g, p, b, n, c))                                                                                                 \
    X(EC_POINT_is_on_curve, (const EC_GROUP *g, const EC_POINT *p, BN_CTX *c), (g, p, c))                              \
    X(EC_POINT_get_affine_coordinates, (const EC_GROUP *g, const EC_POINT *p, BIGNUM *x, BIGNUM *y, BN_CTX *c),        \
      (g, p, x, y, c))

POINTER_CALLS(FAULT_POINTER)
INT_CALLS(FAULT_INT)
FAULT_SIZE(EC_POINT_point2oct,
           (const EC_GROUP *g, const EC_POINT *p, point_conversion_form_t f, unsigned char *b, size_t n, BN_CTX *c),
           (g, p, f, b, n, c))
FAULT_SIZE(EVP_MAC_CTX_get_mac_size, (EVP_MAC_CTX * c), (c))

/* ---- the session ---- */

static const char marker[] = "what only the two may know"; /* as password and as data */

struct scenario {
    const char *kex, *cipher, *mac;
    bool rekeys;
    bool once; /* the computation is long: a call fails in one way only */
};

struct session {
    struct pair pair;
    bool answered;
};

static void log_in_with_marker(void *owner)
{
    struct pair_side *s = owner;
    engine_auth_password(s->engine, "guest", marker);
}

static void check_password(void *owner, const struct auth_request *request)
{
    struct pair_side *s = owner;
    assert_string_equal(request->password, marker);
    engine_auth_accept(s->engine);
}

static void echo(void *owner, struct span name, bool want_reply, struct span data)
{
    struct pair_side *s = owner;
    (void)want_reply;
    assert_true(span_is(name, "echo") && span_is(data, marker));
    engine_global_reply(s->engine, true, data);
}

static void take_answer(void *user, bool ok, struct span data)
{
    struct session *session = user;
    if (!ok)
        return;
    assert_true(span_is(data, marker));
    session->answered = true;
}

/* As pair_run, with a look at all that is on the wire. */
static void run_watched(struct pair *p)
{
    bool moved = true;
    while (moved) {
        moved = false;
        for (int side = 0; side < 2; side++) {
            pair_flush(p, 1 - side);
            if (p->side[side].inbox_len > 0)
                assert_null(memmem(p->side[side].inbox, p->side[side].inbox_len, marker, sizeof marker - 1));
            moved = pair_step(p, side) || moved;
        }
    }
}

static bool exchange_data(struct session *s)
{
    s->answered = false;
    engine_global_request(s->pair.side[CLIENT].engine, "echo", span_of(marker), take_answer, s);
    run_watched(&s->pair);
    return s->answered;
}

static void init_session(struct session *s, const struct scenario *scenario)
{
    struct pair *p = &s->pair;
    s->answered = false;
    pair_init(p, PAIR_REAL);
    p->unwatched = true; /* what does not open is not to be read */
    p->kex_algs[0] = kex_alg_find(scenario->kex);
    p->cipher_algs[0] = cipher_find(scenario->cipher);
    p->mac_algs[0] = mac_find(scenario->mac);
    p->side[CLIENT].hooks.auth_ready = log_in_with_marker;
    p->side[SERVER].hooks.auth_requested = check_password;
    p->side[SERVER].hooks.global_request = echo;
}

/* Logs in, sends data and gets it back, maybe under new keys, and parts. Whether all of it went well. */
static bool run_session(const struct scenario *scenario)
{
    static struct session s;
    init_session(&s, scenario);
    struct pair *p = &s.pair;
    pair_start(p);
    run_watched(p);
    bool ok = engine_is_authenticated(p->side[CLIENT].engine) && engine_is_authenticated(p->side[SERVER].engine) &&
              exchange_data(&s);
    if (ok && scenario->rekeys) {
        engine_rekey(p->side[CLIENT].engine);
        ok = exchange_data(&s) && p->side[SERVER].keys_changed == 2;
    }
    engine_disconnect(p->side[CLIENT].engine, 11, "bye", "");
    run_watched(p);
    ok = ok && p->side[SERVER].ended == 1 && pair_error(p, CLIENT) == 0 && pair_error(p, SERVER) == 0;
    pair_done(p);
    return ok;
}

static const struct scenario scenarios[] = {
    { "curve25519-sha256", "aes128-gcm@openssh.com", "hmac-sha2-256", .rekeys = true },
    { "curve25519-sha256", "aes128-ctr", "hmac-sha2-256", .rekeys = false },
    { "curve25519-sha256", "aes256-ctr", "hmac-sha2-512-etm@openssh.com", .rekeys = false },
    { "ecdh-sha2-nistp256", "chacha20-poly1305@openssh.com", "hmac-sha2-256", .rekeys = false },
    { "diffie-hellman-group14-sha256", "aes128-gcm@openssh.com", "hmac-sha2-256", .once = true },
    { "diffie-hellman-group-exchange-sha256", "aes128-gcm@openssh.com", "hmac-sha2-256", .once = true },
};

static unsigned int count_calls(const struct scenario *scenario)
{
    assert_true(run_session(scenario)); /* the first time takes more of them */
    fault_set(0, 0);
    assert_true(run_session(scenario));
    return fault_calls;
}

static void check_each_call(const struct scenario *scenario)
{
    unsigned int count = count_calls(scenario);
    assert_true(count > 100);
    for (unsigned int nth = 1; nth <= count; nth++) {
        for (int result = 0; result >= (scenario->once ? 0 : -1); result--) {
            fault_set(nth, result);
            if (run_session(scenario))
                fail_msg("%s, %s: call %u of %u, %s, failed, and nobody noticed", scenario->kex, scenario->cipher, nth,
                         count, fault_name);
        }
    }
    fault_set(0, 0);
}

static void test_C5_failing_call_ends_a_session_with_an_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(scenarios); i++)
        check_each_call(&scenarios[i]);
}

/* What is fetched or made once for a process or a thread comes first there. A child each, in which nothing was used
 * before; whether the algorithm that is missing was needed is its own affair. */
#define FIRST_CALLS 40

static int run_child(unsigned int nth)
{
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        fault_set(nth, 0);
        (void)run_session(&scenarios[nth % 4]);
        fault_set(0, 0);
        (void)run_session(&scenarios[nth % 4]);
        exit(0);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void test_C5_failing_first_use_is_survived(void **state)
{
    struct pair p;
    (void)state;
    pair_init(&p, PAIR_REAL); /* makes the host key */
    pair_done(&p);
    for (unsigned int nth = 1; nth <= FIRST_CALLS; nth++)
        assert_int_equal(run_child(nth), 0);
}

static bool digest(uint8_t *out)
{
    const struct hash_alg *alg = hash_find("sha256");
    return hash_once(alg, span_of(marker), out) && hmac_once(alg, span_of("key"), span_of(marker), out);
}

static void test_C5_failing_digest_is_no_digest(void **state)
{
    uint8_t out[HASH_MAX_LEN];
    (void)state;
    assert_true(digest(out)); /* fetches */
    fault_set(0, 0);
    assert_true(digest(out));
    unsigned int count = fault_calls;
    assert_int_equal(count, 2);
    for (unsigned int nth = 1; nth <= count; nth++) {
        fault_set(nth, 0);
        assert_false(digest(out));
    }
    fault_set(0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_C5_failing_first_use_is_survived), /* while nothing was used */
        cmocka_unit_test(test_C5_failing_digest_is_no_digest),
        cmocka_unit_test(test_C5_failing_call_ends_a_session_with_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
