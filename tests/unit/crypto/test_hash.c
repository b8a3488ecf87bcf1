/* Hashes (FIPS 180-4, RFC 1321) and HMAC (RFC 2202, RFC 4231). */
#include "vectors.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "crypto/hash.h"

static const struct {
    const char *name;
    const char *of_abc;
} abc_rows[] = {
    { "md5", "900150983cd24fb0d6963f7d28e17f72" },
    { "sha1", "a9993e364706816aba3e25717850c26c9cd0d89d" },
    { "sha224", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7" },
    { "sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { "sha384", "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163"
                "1a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7" },
    { "sha512", "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
};

static void test_hashes_of_abc(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof abc_rows / sizeof abc_rows[0]; i++) {
        const struct hash_alg *alg = hash_find(abc_rows[i].name);
        uint8_t out[HASH_MAX_LEN];
        assert_non_null(alg);
        assert_true(hash_once(alg, span_of("abc"), out));
        assert_hex_equal(out, alg->len, abc_rows[i].of_abc);
    }
    assert_null(hash_find("sha3"));
}

static void test_pieces_give_the_hash_of_the_whole(void **state)
{
    (void)state;
    uint8_t once[HASH_MAX_LEN], running[HASH_MAX_LEN];
    const struct hash_alg *alg = hash_find("sha256");
    struct hash *h = hash_new(alg);
    assert_non_null(h);
    assert_true(hash_update(h, "a", 1));
    assert_true(hash_update(h, NULL, 0));
    assert_true(hash_string(h, span_of("bcd")));
    assert_true(hash_string(h, SPAN(NULL, 0)));
    assert_true(hash_final(h, running));
    hash_free(h);
    hash_free(NULL);
    assert_true(hash_once(alg, SPAN("a\0\0\0\3bcd\0\0\0\0", 12), once));
    assert_memory_equal(once, running, alg->len);
}

static void test_hash_of_nothing(void **state)
{
    (void)state;
    uint8_t out[HASH_MAX_LEN];
    assert_true(hash_once(hash_find("sha1"), SPAN(NULL, 0), out));
    assert_hex_equal(out, 20, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

/* RFC 2202 and RFC 4231, test case 2; RFC 4231 test case 6 has a key longer than a block. */
static void test_hmac_known_answers(void **state)
{
    (void)state;
    uint8_t out[HASH_MAX_LEN], long_key[131];
    struct span data = span_of("what do ya want for nothing?");
    assert_true(hmac_once(hash_find("sha1"), span_of("Jefe"), data, out));
    assert_hex_equal(out, 20, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    assert_true(hmac_once(hash_find("sha256"), span_of("Jefe"), data, out));
    assert_hex_equal(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(long_key, 0xaa, sizeof long_key);
    assert_true(hmac_once(hash_find("sha256"), SPAN(long_key, sizeof long_key),
                          span_of("Test Using Larger Than Block-Size Key - Hash Key First"), out));
    assert_hex_equal(out, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void test_hmac_takes_an_empty_key(void **state)
{
    (void)state;
    uint8_t out[HASH_MAX_LEN];
    assert_true(hmac_once(hash_find("sha256"), SPAN(NULL, 0), SPAN(NULL, 0), out));
    assert_hex_equal(out, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void test_lack_of_memory_gives_no_hash(void **state)
{
    (void)state;
    mem_fail_at(1);
    assert_null(hash_new(hash_find("sha256")));
    mem_fail_at(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hashes_of_abc),           cmocka_unit_test(test_pieces_give_the_hash_of_the_whole),
        cmocka_unit_test(test_hash_of_nothing),         cmocka_unit_test(test_hmac_known_answers),
        cmocka_unit_test(test_hmac_takes_an_empty_key), cmocka_unit_test(test_lack_of_memory_gives_no_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
