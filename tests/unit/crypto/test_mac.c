/* Message authentication codes: HMAC (RFC 2202, RFC 4231). */
#include "unit.h"
#include "vectors.h"

#include "base/memory.h"
#include "crypto/mac.h"

/* The first four octets of the published messages stand for the sequence number; a published key that is shorter than
 * ours is filled up with zeros, which HMAC does with every short key. */
static const struct {
    const char *names[2];
    const char *key;
    uint32_t seq;
    const char *rest;
    const char *tag;
} rows[] = {
    { { "hmac-sha1", "hmac-sha1-etm@openssh.com" },
      "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
      0x48692054,
      "here",
      "b617318655057264e28bc0b6fb378c8ef146be00" },
    { { "hmac-sha1", "hmac-sha1-etm@openssh.com" },
      "4a656665",
      0x77686174,
      " do ya want for nothing?",
      "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" },
    { { "hmac-sha2-256", "hmac-sha2-256-etm@openssh.com" },
      "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
      0x48692054,
      "here",
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
    { { "hmac-sha2-256", "hmac-sha2-256-etm@openssh.com" },
      "4a656665",
      0x77686174,
      " do ya want for nothing?",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
    { { "hmac-sha2-512", "hmac-sha2-512-etm@openssh.com" },
      "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
      0x48692054,
      "here",
      "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
      "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854" },
    { { "hmac-sha2-512", "hmac-sha2-512-etm@openssh.com" },
      "4a656665",
      0x77686174,
      " do ya want for nothing?",
      "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
      "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737" },
};

static void check_row(size_t row, const char *name)
{
    const struct mac_alg *alg = mac_find(name);
    uint8_t key[MAC_MAX_KEY_LEN] = { 0 };
    uint8_t tag[MAC_MAX_TAG_LEN];
    const uint8_t *rest = (const uint8_t *)rows[row].rest;
    size_t len = strlen(rows[row].rest);
    from_hex(rows[row].key, key);
    struct mac *m = mac_new(alg, key);
    assert_non_null(m);
    for (int round = 0; round < 2; round++) { /* a context serves many packets */
        assert_true(mac_begin(m, rows[row].seq));
        assert_true(mac_update(m, rest, 2) && mac_update(m, NULL, 0) && mac_update(m, rest + 2, len - 2));
        assert_true(mac_finish(m, tag));
        assert_hex_equal(tag, alg->tag_len, rows[row].tag);
    }
    mac_free(m);
}

static void test_published_codes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t j = 0; j < COUNT(rows[i].names); j++)
            check_row(i, rows[i].names[j]);
}

/* RFC 6668 2 for SHA-2; RFC 4253 6.4 for SHA-1. */
static void test_rows_are_complete(void **state)
{
    (void)state;
    for (size_t i = 0; i < mac_count(); i++) {
        const struct mac_alg *alg = mac_at(i);
        assert_ptr_equal(mac_find(alg->name), alg);
        assert_int_equal(alg->is_etm, strstr(alg->name, "-etm@openssh.com") != NULL);
        assert_true(alg->key_len <= MAC_MAX_KEY_LEN && alg->tag_len <= MAC_MAX_TAG_LEN);
    }
    assert_int_equal(mac_find("hmac-sha2-256")->key_len, 32);
    assert_int_equal(mac_find("hmac-sha2-512")->key_len, 64);
    assert_int_equal(mac_find("hmac-sha1")->key_len, 20);
    assert_null(mac_at(mac_count()));
    assert_null(mac_find("hmac-sha2"));
    mac_free(NULL);
}

static void test_creation_survives_lack_of_memory(void **state)
{
    (void)state;
    static const uint8_t key[MAC_MAX_KEY_LEN];
    for (size_t i = 0; i < mac_count(); i++) {
        mem_fail_at(1);
        assert_null(mac_new(mac_at(i), key));
        mem_fail_at(0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_codes),
        cmocka_unit_test(test_rows_are_complete),
        cmocka_unit_test(test_creation_survives_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
