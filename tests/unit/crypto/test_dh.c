/* Diffie-Hellman over prime fields: RFC 4253 section 8, RFC 4419, RFC 8268, RFC 8270. */
#include "vectors.h"

#include "base/memory.h"
#include "crypto/dh.h"
#include "crypto/hash.h"
#include "crypto/random.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MAX_LEN (DH_MAX_BITS / 8)

struct group_case {
    const struct dh_group *group;
    unsigned bits;
    const char *digest; /* the first 16 bytes of SHA-256 over p */
};

static const struct group_case groups[] = {
    { &dh_group14, 2048, "d66436f79bbd6b2e38c0ffbd079be904" },
    { &dh_group15, 3072, "48cf8b092fbce4359d9871abf74f98e2" },
    { &dh_group16, 4096, "4ee95187682bcb230ad26a95205f6920" },
    { &dh_group17, 6144, "d1bfe6d0925ce7e4da262b62861514a7" },
    { &dh_group18, 8192, "39ab4feab950a3128fb71accb9fc3965" },
};

/* The magnitude of a number that was put. */
static struct span put_and_read(const struct dh *dh, void (*put)(const struct dh *, struct writer *), uint8_t *memory)
{
    struct writer w;
    struct reader r;
    writer_init_fixed(&w, memory, 2 * (MAX_LEN + 5));
    put(dh, &w);
    assert_false(writer_failed(&w));
    reader_init(&r, writer_span(&w).data, writer_span(&w).len);
    struct span number = read_mpint(&r);
    assert_false(reader_failed(&r));
    return number;
}

/* A number of len bytes: p of the group plus a small difference. */
static size_t near_p(const struct dh_group *group, int difference, uint8_t *out)
{
    uint8_t memory[2 * (MAX_LEN + 5)];
    struct dh *dh = dh_new(group);
    struct span p = put_and_read(dh, dh_put_group, memory);
    memcpy(out, p.data, p.len);
    int carry = difference;
    for (size_t i = p.len; i > 0 && carry != 0; i--) {
        int value = out[i - 1] + carry;
        out[i - 1] = (uint8_t)value;
        carry = value < 0 ? -1 : value > 255 ? 1 : 0;
    }
    dh_free(dh);
    return p.len;
}

static void assert_digest_begins(struct span data, const char *hex)
{
    uint8_t digest[HASH_MAX_LEN];
    assert_true(hash_once(hash_find("sha256"), data, digest));
    assert_hex_equal(digest, strlen(hex) / 2, hex);
}

static void test_primes_are_those_of_rfc_3526(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(groups); i++) {
        uint8_t p[MAX_LEN];
        assert_int_equal(dh_group_bits(groups[i].group), groups[i].bits);
        assert_digest_begins(SPAN(p, near_p(groups[i].group, 0, p)), groups[i].digest);
    }
}

/* Computed with Python's pow(): the exponent is 0x80, 1, 2, … 63, the peer's value 0x11 256 times. */
static void test_powers_are_those_of_another_implementation(void **state)
{
    (void)state;
    uint8_t exponent[64], value[256], memory[2 * (MAX_LEN + 5)];
    for (size_t i = 0; i < sizeof exponent; i++)
        exponent[i] = (uint8_t)i;
    memset(value, 0x11, sizeof value);
    struct dh *dh = dh_new(&dh_group14);
    random_replay(exponent, sizeof exponent);
    assert_true(dh_generate(dh));
    random_unseed();
    assert_true(dh_set_peer(dh, SPAN(value, sizeof value)));
    assert_true(dh_derive(dh));
    assert_digest_begins(put_and_read(dh, dh_put_own, memory),
                         "636b65b7e4bd649fd13b165a319e3d73db494e069e938013eb0a9660b1469777");
    assert_digest_begins(put_and_read(dh, dh_put_secret, memory),
                         "6034f863ced2d3b3edc0ab1e9d6886fb76259e80fb4a46bcc11d69017bad2233");
    dh_free(dh);
}

static void test_both_sides_get_one_secret(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(groups); i++) {
        uint8_t memory_a[2 * (MAX_LEN + 5)], memory_b[2 * (MAX_LEN + 5)];
        struct dh *a = dh_new(groups[i].group), *b = dh_new(groups[i].group);
        assert_true(dh_generate(a));
        assert_true(dh_generate(b));
        assert_true(dh_set_peer(a, put_and_read(b, dh_put_own, memory_b)));
        assert_true(dh_set_peer(b, put_and_read(a, dh_put_own, memory_a)));
        assert_true(dh_derive(a));
        assert_true(dh_derive(b));
        assert_true(span_equal(put_and_read(a, dh_put_secret, memory_a), put_and_read(b, dh_put_secret, memory_b)));
        dh_free(a);
        dh_free(b);
    }
    dh_free(NULL);
}

struct value_case {
    const char *what;
    int difference; /* from p, or … */
    const char *hex;
    bool taken;
};

static const struct value_case values[] = {
    { "nothing", 0, "", false },    { "0", 0, "00", false },
    { "1", 0, "01", false },        { "three bits", 0, "070000000000", false },
    { "four bits", 0, "0f", true }, { "p - 2", -2, NULL, true },
    { "p - 1", -1, NULL, false },   { "p", 0, NULL, false },
    { "p + 1", 1, NULL, false },
};

/* C1, RFC 4253 8: 1 < v < p - 1, and not one that a simple attack would choose. */
static void test_c1_values_out_of_range_are_refused(void **state)
{
    (void)state;
    for (size_t g = 0; g < COUNT(groups); g++) {
        struct dh *dh = dh_new(groups[g].group);
        for (size_t i = 0; i < COUNT(values); i++) {
            uint8_t value[MAX_LEN];
            size_t len = values[i].hex != NULL ? from_hex(values[i].hex, value)
                                               : near_p(groups[g].group, values[i].difference, value);
            if (dh_set_peer(dh, SPAN(value, len)) != values[i].taken)
                fail_msg("%u bits: %s", groups[g].bits, values[i].what);
        }
        uint8_t too_long[MAX_LEN + 1];
        memset(too_long, 0x55, sizeof too_long);
        assert_false(dh_set_peer(dh, SPAN(too_long, sizeof too_long)));
        dh_free(dh);
    }
}

/* ---- groups from a peer ---- */

struct given_case {
    const char *what;
    size_t p_len; /* of 0xff bytes, or … */
    int p_difference;
    const char *g;
    uint32_t min, max;
    const char *message; /* NULL = taken */
};

#define FROM_GROUP14 0

static const struct given_case given[] = {
    { "group 14", FROM_GROUP14, 0, "02", 2048, 8192, NULL },
    { "exactly what was asked", FROM_GROUP14, 0, "02", 2048, 2048, NULL },
    { "too small", 255, 0, "02", 2048, 8192, "Kex DH group has 2040 bits, asked for were 2048 to 8192" },
    { "smaller than asked", FROM_GROUP14, 0, "02", 3072, 8192,
      "Kex DH group has 2048 bits, asked for were 3072 to 8192" },
    { "larger than asked", 512, 0, "02", 2048, 3072, "Kex DH group has 4096 bits, asked for were 2048 to 3072" },
    { "far too large", MAX_LEN + 1, 0, "02", 2048, 8192, "Kex DH group has numbers of 1025 and 1 bytes" },
    { "even", FROM_GROUP14, -1, "02", 2048, 8192, "Kex DH p is even" },
    { "g = 0", FROM_GROUP14, 0, "", 2048, 8192, "Kex DH g out of range" },
    { "g = 1", FROM_GROUP14, 0, "01", 2048, 8192, "Kex DH g out of range" },
    { "g = p - 1", FROM_GROUP14, 0, "p-1", 2048, 8192, "Kex DH g out of range" },
    { "g = p", FROM_GROUP14, 0, "p", 2048, 8192, "Kex DH g out of range" },
    { "g = p - 2", FROM_GROUP14, 0, "p-2", 2048, 8192, NULL },
    { "no group", 1, 0, "", 2048, 8192, "Kex DH group has 8 bits, asked for were 2048 to 8192" },
};

static size_t given_g(const char *text, uint8_t *out)
{
    if (text[0] != 'p')
        return from_hex(text, out);
    return near_p(&dh_group14, text[1] == '-' ? -(text[2] - '0') : 0, out);
}

/* C1, RFC 4419 3: of the size asked for, odd, and with a generator that is one. */
static void test_c1_given_groups_are_checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(given); i++) {
        const struct given_case *c = &given[i];
        uint8_t p[MAX_LEN + 1], g[MAX_LEN + 1];
        size_t p_len = c->p_len != FROM_GROUP14 ? c->p_len : near_p(&dh_group14, c->p_difference, p);
        if (c->p_len != FROM_GROUP14)
            memset(p, 0xff, p_len);
        struct dh *dh = NULL;
        struct error e;
        error_init(&e);
        int rc = dh_new_given(SPAN(p, p_len), SPAN(g, given_g(c->g, g)), c->min, c->max, &dh, &e);
        if (rc != (c->message != NULL ? SSHIO_EPROTOCOL : 0) ||
            (c->message != NULL && strcmp(c->message, error_message(&e)) != 0))
            fail_msg("%s: %d, %s", c->what, rc, error_message(&e));
        assert_int_equal(dh != NULL, c->message == NULL);
        dh_free(dh);
        error_clear(&e);
    }
}

/* 3^1293, as p, in which 3 and its powers become 0 when raised. A prime would not do that, but nobody checks that it is
 * one. */
static const char power_of_three[] =
    "028f87263018d29161496b7f6319830a437818409b09dc4fdb0076aa02bcb09186ea16787cb64e04550a5d793300b98c9a9a9b5c86886a77"
    "6fecdb4c21749b9320a0623d665ff619933bb67be0e1e562ed69824f24a7d5958c95a688b5fc186249b870aed76c7f5d1beec5c173b324fe"
    "063a0755c616c9df5b117a2021c3c1853d5437415c57dd7980b5cfbb87809977d690939126bad380b437e2f76f9cfc5b89bd4fd98076bbf6"
    "0983a35037b57bf32cf0041f6a59f4207d76ec1f93076bfedbda8eab1c3a02dcc34b6ebdf2a9584327c0de394e90bca2fd3baea0111250cb"
    "3879ee540d37fdc000c5e0529d1e1cb38eee6e36465853c5c85c2506df9141dfd3";

static void test_c1_powers_that_come_out_as_zero_are_refused(void **state)
{
    (void)state;
    uint8_t p[MAX_LEN], three = 3, power[8];
    struct dh *dh = NULL;
    assert_int_equal(dh_new_given(SPAN(p, from_hex(power_of_three, p)), SPAN(&three, 1), 2048, 8192, &dh, NULL), 0);
    assert_int_equal(dh_bits(dh), 2050);
    assert_false(dh_generate(dh)); /* the exponent stands nevertheless */
    assert_true(dh_set_peer(dh, SPAN(power, from_hex("bb41c3ca78b9", power))));
    assert_false(dh_derive(dh));
    dh_free(dh);
}

/* ---- which group is handed out ---- */

static void test_smallest_group_that_is_large_enough_is_chosen(void **state)
{
    (void)state;
    static const struct {
        uint32_t min, wanted, max;
        const struct dh_group *group;
    } cases[] = {
        { 2048, 2048, 8192, &dh_group14 }, { 2048, 2049, 8192, &dh_group15 }, { 2048, 3072, 8192, &dh_group15 },
        { 2048, 7680, 8192, &dh_group18 }, { 2048, 8192, 8192, &dh_group18 }, { 2048, 4096, 4000, &dh_group15 },
        { 3000, 2048, 8192, &dh_group15 }, { 2048, 8192, 2048, &dh_group14 }, { 4097, 4097, 6143, NULL },
        { 8193, 9000, 9999, NULL },        { 8192, 2048, 2048, NULL },
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_ptr_equal(dh_group_choose(cases[i].min, cases[i].wanted, cases[i].max), cases[i].group);
}

static void test_lack_of_memory_is_survived(void **state)
{
    (void)state;
    static const uint8_t p[256] = { 0xff, [255] = 1 }, g = 2;
    struct dh *dh = NULL;
    struct error e;
    error_init(&e);
    mem_fail_at(1);
    assert_null(dh_new(&dh_group14));
    mem_fail_at(1);
    assert_int_equal(dh_new_given(SPAN(p, sizeof p), SPAN(&g, 1), 2048, 8192, &dh, &e), SSHIO_ENOMEM);
    mem_fail_at(0);
    assert_null(dh);
    error_clear(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_primes_are_those_of_rfc_3526),
        cmocka_unit_test(test_powers_are_those_of_another_implementation),
        cmocka_unit_test(test_both_sides_get_one_secret),
        cmocka_unit_test(test_c1_values_out_of_range_are_refused),
        cmocka_unit_test(test_c1_given_groups_are_checked),
        cmocka_unit_test(test_c1_powers_that_come_out_as_zero_are_refused),
        cmocka_unit_test(test_smallest_group_that_is_large_enough_is_chosen),
        cmocka_unit_test(test_lack_of_memory_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
