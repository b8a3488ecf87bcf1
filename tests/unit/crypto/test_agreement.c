/* Key agreement on elliptic curves: X25519 (RFC 7748, RFC 8731), the NIST curves (RFC 5656). */
#include "vectors.h"

#include "base/memory.h"
#include "crypto/agreement.h"
#include "crypto/random.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct agreement_alg *const x25519 = &agreement_x25519;
static const struct agreement_alg *const nist[] = { &agreement_p256, &agreement_p384, &agreement_p521 };
static const struct agreement_alg *const all[] = { &agreement_x25519, &agreement_p256, &agreement_p384,
                                                   &agreement_p521 };

/* ---- published answers ---- */

struct known_answer {
    const struct agreement_alg *alg;
    const char *own, *own_public; /* own_public NULL = not published */
    const char *peer_public;
    const char *secret;
};

static const struct known_answer known_answers[] = {
    /* RFC 7748 5.2, 6.1 */
    { &agreement_x25519, "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4", NULL,
      "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
      "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552" },
    { &agreement_x25519, "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d", NULL,
      "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
      "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957" },
    { &agreement_x25519, "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
      "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
      "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
      "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742" },
    /* RFC 5903 8.1 to 8.3 */
    { &agreement_p256, "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
      "04dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
      "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",
      "04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
      "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab",
      "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de" },
    { &agreement_p384,
      "099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655e35b538041e649ee3faef896783ab194",
      "04667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6de3ac808acb4bdb4c88732aee95f41aa"
      "9482ed1fc0eeb9cafc4984625ccfc23f65032149e0e144ada024181535a0f38eeb9fcff3c2c947dae69b4c634573a81c",
      "04e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d0d1ac43a0336def96fda41d0774a3571"
      "dcfbec7aacf3196472169e838430367f66eebe3c6e70c416dd5f0c68759dd1fff83fa40142209dff5eaad96db9e6386c",
      "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4d603135569b9e9d09cf5d4a270f59746" },
    { &agreement_p521,
      "0037ade9319a89f4dabdb3ef411aaccca5123c61acab57b5393dce47608172a095aa85a30fe1c2952c6771d937ba9777f5957b2639bab072"
      "462f68c27a57382d4a52",
      "04"
      "0015417e84dbf28c0ad3c278713349dc7df153c897a1891bd98bab4357c9ecbee1e3bf42e00b8e380aeae57c2d107564941885942af5a7f4"
      "601723c4195d176ced3e"
      "017cae20b6641d2eeb695786d8c946146239d099e18e1d5a514c739d7cb4a10ad8a788015ac405d7799dc75e7b7d5b6cf2261a6a7f150743"
      "8bf01beb6ca3926f9582",
      "04"
      "00d0b3975ac4b799f5bea16d5e13e9af971d5e9b984c9f39728b5e5739735a219b97c356436adc6e95bb0352f6be64a6c2912d4ef2d0433c"
      "ed2b6171640012d9460f"
      "015c68226383956e3bd066e797b623c27ce0eac2f551a10c2c724d9852077b87220b6536c5c408a1d2aebb8e86d678ae49cb57091f473229"
      "6579ab44fcd17f0fc56a",
      "01144c7d79ae6956bc8edb8e7c787c4521cb086fa64407f97894e5e6b2d79b04d1427e73ca4baa240a34786859810c06b3c715a3a8cc3151"
      "f2bee417996d19f3ddea" },
};

static void test_published_answers_come_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(known_answers); i++) {
        const struct known_answer *k = &known_answers[i];
        uint8_t own[AGREEMENT_MAX_SECRET_LEN], own_public[AGREEMENT_MAX_PUBLIC_LEN];
        uint8_t peer[AGREEMENT_MAX_PUBLIC_LEN], secret[AGREEMENT_MAX_SECRET_LEN];
        random_replay(own, from_hex(k->own, own));
        struct agreement *a = k->alg->generate(k->alg, own_public);
        random_unseed();
        assert_non_null(a);
        if (k->own_public != NULL)
            assert_hex_equal(own_public, k->alg->public_len, k->own_public);
        assert_true(k->alg->derive(a, peer, from_hex(k->peer_public, peer), secret));
        assert_hex_equal(secret, k->alg->secret_len, k->secret);
        k->alg->destroy(a);
    }
}

/* ---- every one of them ---- */

static void test_both_sides_get_one_secret(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(all); i++) {
        const struct agreement_alg *alg = all[i];
        uint8_t public_a[AGREEMENT_MAX_PUBLIC_LEN], public_b[AGREEMENT_MAX_PUBLIC_LEN];
        uint8_t secret_a[AGREEMENT_MAX_SECRET_LEN], secret_b[AGREEMENT_MAX_SECRET_LEN];
        struct agreement *a = alg->generate(alg, public_a);
        struct agreement *b = alg->generate(alg, public_b);
        assert_non_null(a);
        assert_non_null(b);
        assert_memory_not_equal(public_a, public_b, alg->public_len);
        assert_true(alg->derive(a, public_b, alg->public_len, secret_a));
        assert_true(alg->derive(b, public_a, alg->public_len, secret_b));
        assert_memory_equal(secret_a, secret_b, alg->secret_len);
        alg->destroy(a);
        alg->destroy(b);
    }
}

static void generate_seeded(const struct agreement_alg *alg, uint64_t seed, uint8_t *public_key)
{
    random_seed(seed);
    alg->destroy(alg->generate(alg, public_key));
    random_unseed();
}

static void test_seeded_keys_repeat(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(all); i++) {
        uint8_t one[AGREEMENT_MAX_PUBLIC_LEN], two[AGREEMENT_MAX_PUBLIC_LEN], other[AGREEMENT_MAX_PUBLIC_LEN];
        generate_seeded(all[i], 17, one);
        generate_seeded(all[i], 17, two);
        generate_seeded(all[i], 18, other);
        assert_memory_equal(one, two, all[i]->public_len);
        assert_memory_not_equal(one, other, all[i]->public_len);
    }
}

/* C1 */
static void test_c1_other_lengths_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(all); i++) {
        const struct agreement_alg *alg = all[i];
        uint8_t public_key[2 * AGREEMENT_MAX_PUBLIC_LEN] = { 0 }, secret[AGREEMENT_MAX_SECRET_LEN];
        struct agreement *a = alg->generate(alg, public_key);
        const size_t lengths[] = {
            0, 1, alg->public_len / 2, alg->public_len - 1, alg->public_len + 1, 2 * alg->public_len
        };
        for (size_t n = 0; n < COUNT(lengths); n++)
            assert_false(alg->derive(a, public_key, lengths[n], secret));
        alg->destroy(a);
    }
}

/* C6: a refused exchange leaves the key usable and nothing behind (the leak sanitizer looks). */
static void test_c6_a_refusal_can_be_followed_by_a_secret(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(all); i++) {
        const struct agreement_alg *alg = all[i];
        uint8_t public_key[AGREEMENT_MAX_PUBLIC_LEN], bad[AGREEMENT_MAX_PUBLIC_LEN] = { 0 };
        uint8_t secret[AGREEMENT_MAX_SECRET_LEN];
        struct agreement *a = alg->generate(alg, public_key);
        bad[0] = alg == x25519 ? 0 : 4;
        for (int n = 0; n < 100; n++)
            assert_false(alg->derive(a, bad, alg->public_len, secret));
        assert_true(alg->derive(a, public_key, alg->public_len, secret));
        alg->destroy(a);
        alg->destroy(NULL);
    }
}

static void test_generation_survives_lack_of_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(all); i++) {
        uint8_t public_key[AGREEMENT_MAX_PUBLIC_LEN];
        mem_fail_at(1);
        assert_null(all[i]->generate(all[i], public_key));
        mem_fail_at(0);
    }
}

/* ---- X25519 ---- */

/* C1, RFC 8731 3: the points of small order, and those that reduce to them, give an all-zero secret. */
static void test_c1_small_order_points_are_refused(void **state)
{
    (void)state;
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000080",
    };
    uint8_t public_key[32], point[32], secret[32];
    struct agreement *a = x25519->generate(x25519, public_key);
    for (size_t i = 0; i < COUNT(points); i++) {
        assert_int_equal(from_hex(points[i], point), 32);
        assert_false(x25519->derive(a, point, 32, secret));
    }
    x25519->destroy(a);
}

/* ---- the NIST curves ---- */

static const char *const field_primes[] = {
    "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
    "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff",
    "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
    "ffffffffffffffffffff",
};

enum flaw {
    NO_FLAW,
    FORM_0,
    FORM_2,
    FORM_3,
    FORM_6,
    FORM_7,
    OFF_CURVE,
    X_TOO_LARGE,
    Y_TOO_LARGE,
    ALL_ZERO,
    FLAW_COUNT
};

static void spoil(uint8_t *point, size_t which, enum flaw flaw)
{
    size_t field_len = nist[which]->secret_len;
    static const uint8_t forms[] = { [FORM_0] = 0, [FORM_2] = 2, [FORM_3] = 3, [FORM_6] = 6, [FORM_7] = 7 };
    if (flaw >= FORM_0 && flaw <= FORM_7)
        point[0] = forms[flaw];
    if (flaw == FORM_6 || flaw == FORM_7) /* hybrid forms name the parity of y as well */
        point[0] = (uint8_t)(6 | (point[2 * field_len] & 1));
    if (flaw == OFF_CURVE)
        point[2 * field_len] ^= 1;
    if (flaw == X_TOO_LARGE)
        from_hex(field_primes[which], point + 1);
    if (flaw == Y_TOO_LARGE)
        from_hex(field_primes[which], point + 1 + field_len);
    if (flaw == ALL_ZERO)
        memset(point + 1, 0, 2 * field_len);
}

/* C1, RFC 5656 4: uncompressed points of the curve and nothing else. */
static void test_c1_bad_points_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(nist); i++)
        for (int flaw = NO_FLAW; flaw < FLAW_COUNT; flaw++) {
            uint8_t public_key[AGREEMENT_MAX_PUBLIC_LEN], secret[AGREEMENT_MAX_SECRET_LEN];
            struct agreement *a = nist[i]->generate(nist[i], public_key);
            spoil(public_key, i, (enum flaw)flaw);
            if (nist[i]->derive(a, public_key, nist[i]->public_len, secret) != (flaw == NO_FLAW))
                fail_msg("%s, flaw %d", nist[i]->name, flaw);
            nist[i]->destroy(a);
        }
}

/* C1: the same point with p added to x, where that still fits: the same element, another text. */
static void test_c1_unreduced_coordinates_are_refused(void **state)
{
    (void)state;
    /* x = 5 has a point on P-256; 5 + p is the same number of the field. */
    static const char reduced[] = "040000000000000000000000000000000000000000000000000000000000000005"
                                  "459243b9aa581806fe913bce99817ade11ca503c64d9a3c533415c083248fbcc";
    static const char unreduced[] = "04ffffffff00000001000000000000000000000001000000000000000000000004"
                                    "459243b9aa581806fe913bce99817ade11ca503c64d9a3c533415c083248fbcc";
    uint8_t public_key[AGREEMENT_MAX_PUBLIC_LEN], point[65], secret[32];
    struct agreement *a = nist[0]->generate(nist[0], public_key);
    assert_true(nist[0]->derive(a, point, from_hex(reduced, point), secret));
    assert_false(nist[0]->derive(a, point, from_hex(unreduced, point), secret));
    nist[0]->destroy(a);
}

/* C1: points of one curve are none of another. */
static void test_c1_points_of_another_curve_are_refused(void **state)
{
    (void)state;
    /* the generator of secp256k1 */
    static const char foreign[] = "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
                                  "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8";
    uint8_t public_key[AGREEMENT_MAX_PUBLIC_LEN], point[65], secret[32];
    struct agreement *a = nist[0]->generate(nist[0], public_key);
    assert_false(nist[0]->derive(a, point, from_hex(foreign, point), secret));
    nist[0]->destroy(a);
}

/* Scalars that are zero or not below the order are drawn again. */
static void test_scalars_are_drawn_until_they_fit(void **state)
{
    (void)state;
    uint8_t bytes[3 * 32] = { 0 }, expected[AGREEMENT_MAX_PUBLIC_LEN], public_key[AGREEMENT_MAX_PUBLIC_LEN];
    memset(bytes + 32, 0xff, 32);
    bytes[95] = 1;
    from_hex("046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
             "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
             expected); /* once the generator of P-256 */
    random_replay(bytes, sizeof bytes);
    nist[0]->destroy(nist[0]->generate(nist[0], public_key));
    random_unseed();
    assert_memory_equal(public_key, expected, 65);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_answers_come_out),
        cmocka_unit_test(test_both_sides_get_one_secret),
        cmocka_unit_test(test_seeded_keys_repeat),
        cmocka_unit_test(test_c1_other_lengths_are_refused),
        cmocka_unit_test(test_c6_a_refusal_can_be_followed_by_a_secret),
        cmocka_unit_test(test_generation_survives_lack_of_memory),
        cmocka_unit_test(test_c1_small_order_points_are_refused),
        cmocka_unit_test(test_c1_bad_points_are_refused),
        cmocka_unit_test(test_c1_unreduced_coordinates_are_refused),
        cmocka_unit_test(test_c1_points_of_another_curve_are_refused),
        cmocka_unit_test(test_scalars_are_drawn_until_they_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
