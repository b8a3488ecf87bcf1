/* X25519: RFC 7748, RFC 8731. */
#include "vectors.h"

#include "base/memory.h"
#include "crypto/agreement.h"
#include "crypto/random.h"

static const struct agreement_alg *const x25519 = &agreement_x25519;

static void test_both_sides_get_one_secret(void **state)
{
    (void)state;
    uint8_t public_a[32], public_b[32], secret_a[32], secret_b[32];
    struct agreement *a = x25519->generate(x25519, public_a);
    struct agreement *b = x25519->generate(x25519, public_b);
    assert_non_null(a);
    assert_non_null(b);
    assert_memory_not_equal(public_a, public_b, 32);
    assert_true(x25519->derive(a, public_b, 32, secret_a));
    assert_true(x25519->derive(b, public_a, 32, secret_b));
    assert_memory_equal(secret_a, secret_b, 32);
    x25519->destroy(a);
    x25519->destroy(b);
}

static void test_seeded_keys_repeat(void **state)
{
    (void)state;
    uint8_t one[32], two[32], other[32];
    random_seed(17);
    x25519->destroy(x25519->generate(x25519, one));
    random_seed(17);
    x25519->destroy(x25519->generate(x25519, two));
    random_seed(18);
    x25519->destroy(x25519->generate(x25519, other));
    random_unseed();
    assert_memory_equal(one, two, 32);
    assert_memory_not_equal(one, other, 32);
}

/* C1, RFC 8731 3: the points of small order, and those that reduce to them, give an all-zero secret. */
static void test_small_order_points_are_refused(void **state)
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
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        assert_int_equal(from_hex(points[i], point), 32);
        assert_false(x25519->derive(a, point, 32, secret));
    }
    x25519->destroy(a);
}

/* C1 */
static void test_other_lengths_are_refused(void **state)
{
    (void)state;
    uint8_t public_key[64] = { 9 }, secret[32];
    struct agreement *a = x25519->generate(x25519, public_key);
    static const size_t lengths[] = { 0, 1, 31, 33, 64 };
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        assert_false(x25519->derive(a, public_key, lengths[i], secret));
    x25519->destroy(a);
}

/* C6: a refused exchange leaves the key usable and nothing behind (the leak sanitizer looks). */
static void test_a_refusal_can_be_followed_by_a_secret(void **state)
{
    (void)state;
    uint8_t public_key[32], zeros[32] = { 0 }, secret[32];
    struct agreement *a = x25519->generate(x25519, public_key);
    for (int i = 0; i < 100; i++)
        assert_false(x25519->derive(a, zeros, 32, secret));
    assert_true(x25519->derive(a, public_key, 32, secret));
    x25519->destroy(a);
    x25519->destroy(NULL);
}

static void test_generation_survives_lack_of_memory(void **state)
{
    (void)state;
    uint8_t public_key[32];
    mem_fail_at(1);
    assert_null(x25519->generate(x25519, public_key));
    mem_fail_at(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_sides_get_one_secret),
        cmocka_unit_test(test_seeded_keys_repeat),
        cmocka_unit_test(test_small_order_points_are_refused),
        cmocka_unit_test(test_other_lengths_are_refused),
        cmocka_unit_test(test_a_refusal_can_be_followed_by_a_secret),
        cmocka_unit_test(test_generation_survives_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
