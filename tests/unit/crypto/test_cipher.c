/* Packet ciphers: known answers, and what must hold of every row of the table. */
#include "unit.h"
#include "vectors.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "suites.h"

#define PACKET_SIZE 4096

/* length 16, padding_length 10, "hello", ten zero bytes of padding. */
static void put_hello(uint8_t *packet)
{
    memcpy(packet, "\0\0\0\x10\x0ahello\0\0\0\0\0\0\0\0\0", 20);
}

static struct cipher *new_cipher(const struct suite *suite, bool sealing)
{
    struct cipher *c = suite_cipher(suite, sealing);
    assert_non_null(c);
    return c;
}

static struct cipher *new_named(const char *name, bool sealing)
{
    return new_cipher(&(struct suite){ cipher_find(name), NULL }, sealing);
}

static const char *describe(const struct suite *suite)
{
    static char text[128];
    snprintf(text, sizeof text, "%s %s", suite->cipher->name, suite->mac != NULL ? suite->mac->name : "");
    return text;
}

static bool seal_in_place(struct cipher *c, uint32_t seq, uint8_t *packet)
{
    struct cipher_parts parts = { .head_len = load_u32(packet) };
    return cipher_seal(c, seq, packet, &parts);
}

/* The construction of OpenSSH's PROTOCOL.chacha20poly1305. */
static void test_chacha20_poly1305_known_answer(void **state)
{
    (void)state;
    struct cipher *c = new_named("chacha20-poly1305@openssh.com", true);
    uint8_t packet[PACKET_SIZE];
    put_hello(packet);
    assert_true(seal_in_place(c, 7, packet));
    assert_hex_equal(packet, 36, "a39afcba222e702f22ec2a5e6c6dbbf0d78fd32c4ceabf08b931f0db7431cdd90a90c193");
    cipher_free(c);
}

/* RFC 5647 7.1; the invocation counter starts at its last value and wraps to 0 (C7). */
static void test_aes256_gcm_known_answer_across_counter_wrap(void **state)
{
    (void)state;
    static const char *const sealed[] = {
        "00000010fa5116fcc3ad81b4c176cab488874592158cf692da0b2b24620c770ff46743e3",
        "00000010b5fec5b8ca954727e5762524f4327e7b99883178a0105ef6171e5dc537769cfb",
    };
    struct cipher *c = new_named("aes256-gcm@openssh.com", true);
    for (size_t i = 0; i < 2; i++) {
        uint8_t packet[PACKET_SIZE];
        put_hello(packet);
        assert_true(seal_in_place(c, 0, packet));
        assert_hex_equal(packet, 36, sealed[i]);
    }
    cipher_free(c);
}

/* NIST SP 800-38A, F.5, in two packets of two blocks each: the counter goes on between them (RFC 4344 section 4). */
static const struct {
    const char *name, *key, *sealed[2];
} counter_rows[] = {
    { "aes128-ctr",
      "2b7e151628aed2a6abf7158809cf4f3c",
      { "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff",
        "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee" } },
    { "aes192-ctr",
      "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
      { "1abc932417521ca24f2b0459fe7e6e0b090339ec0aa6faefd5ccc2c6f4ce8e94",
        "1e36b26bd1ebc670d1bd1d665620abf74f78a7f6d29809585a97daec58c6b050" } },
    { "aes256-ctr",
      "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
      { "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5",
        "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6" } },
};

static const char *const counter_texts[] = {
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51",
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
};

static void test_counter_mode_known_answers_go_on_over_packets(void **state)
{
    (void)state;
    static const uint8_t mac_key[MAC_MAX_KEY_LEN];
    for (size_t i = 0; i < COUNT(counter_rows); i++) {
        uint8_t key[32], iv[16], packet[PACKET_SIZE];
        from_hex(counter_rows[i].key, key);
        from_hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", iv);
        struct cipher *c = cipher_new(cipher_find(counter_rows[i].name), mac_find("hmac-sha1"),
                                      &(struct cipher_keys){ key, iv, mac_key }, true);
        for (size_t j = 0; j < COUNT(counter_texts); j++) {
            struct cipher_parts parts = { .head_len = from_hex(counter_texts[j], packet) - 4 };
            assert_true(cipher_seal(c, 0, packet, &parts));
            assert_hex_equal(packet, 32, counter_rows[i].sealed[j]);
        }
        cipher_free(c);
    }
}

/* RFC 4253 6.4: the code is over the number and the clear text, or with -etm over the number, the length and what was
 * encrypted. */
static void test_mac_covers_what_its_name_says(void **state)
{
    (void)state;
    static const char *const names[] = { "hmac-sha2-256", "hmac-sha2-256-etm@openssh.com" };
    for (size_t i = 0; i < COUNT(names); i++) {
        struct suite suite = { cipher_find("aes128-ctr"), mac_find(names[i]) };
        struct cipher *c = new_cipher(&suite, true);
        uint8_t clear[20], packet[PACKET_SIZE], tag[MAC_MAX_TAG_LEN], mac_key[MAC_MAX_KEY_LEN];
        for (size_t j = 0; j < sizeof mac_key; j++)
            mac_key[j] = (uint8_t)(128 + j);
        put_hello(clear);
        put_hello(packet);
        assert_true(seal_in_place(c, 3, packet));
        struct mac *m = mac_new(suite.mac, mac_key);
        assert_true(mac_begin(m, 3) && mac_update(m, suite.mac->is_etm ? packet : clear, 20) && mac_finish(m, tag));
        assert_memory_equal(packet + 20, tag, suite.mac->tag_len);
        assert_int_equal(memcmp(packet, clear, 4) == 0, suite.mac->is_etm);
        assert_memory_not_equal(packet + 4, clear + 4, 16);
        mac_free(m);
        cipher_free(c);
    }
}

/* ---- every way to seal ---- */

/* The length that the opener sees, then whether the packet opens. */
static bool open_packet(struct cipher *c, uint32_t seq, uint8_t *packet)
{
    uint32_t length = 0;
    return cipher_open_length(c, seq, packet, &length) && length == 16 && cipher_open(c, seq, packet, length);
}

static void for_each_suite(void (*check)(const struct suite *suite))
{
    struct suite suite;
    for (size_t i = 0; suite_at(i, &suite); i++)
        check(&suite);
}

static void check_round_trip(const struct suite *suite)
{
    struct cipher *sealer = new_cipher(suite, true);
    struct cipher *opener = new_cipher(suite, false);
    for (uint32_t seq = UINT32_MAX - 2; seq != 3; seq++) {
        uint8_t packet[PACKET_SIZE];
        put_hello(packet);
        assert_true(seal_in_place(sealer, seq, packet));
        assert_true(open_packet(opener, seq, packet));
        assert_memory_equal(packet + 4, "\x0ahello\0\0\0\0\0\0\0\0\0", 16);
    }
    cipher_free(sealer);
    cipher_free(opener);
}

static void test_every_suite_opens_what_it_sealed(void **state)
{
    (void)state;
    for_each_suite(check_round_trip);
}

/* However the clear text is cut into head, body elsewhere and tail, the packet is the same. */
static void check_cut(const struct suite *suite, size_t head_len, size_t body_len, size_t tail_len)
{
    uint8_t whole[PACKET_SIZE], cut[PACKET_SIZE], body[PACKET_SIZE];
    size_t length = head_len + body_len + tail_len;
    store_u32(whole, (uint32_t)length);
    for (size_t i = 0; i < length; i++)
        whole[4 + i] = (uint8_t)(i * 7);
    memcpy(cut, whole, 4 + length);
    memcpy(body, cut + 4 + head_len, body_len);
    memset(cut + 4 + head_len, 0xee, body_len);

    struct cipher *one = new_cipher(suite, true);
    struct cipher *two = new_cipher(suite, true);
    struct cipher_parts parts = { head_len, body, body_len, tail_len };
    assert_true(seal_in_place(one, 9, whole));
    assert_true(cipher_seal(two, 9, cut, &parts));
    assert_memory_equal(whole, cut, 4 + length + cipher_shape(one)->tag_len);
    cipher_free(one);
    cipher_free(two);
}

static void check_cuts(const struct suite *suite)
{
    static const size_t cuts[][3] = {
        { 1, 0, 15 }, { 10, 1000, 6 }, { 64, 64, 64 }, { 14, 2000, 18 }, { 0, 63, 1 }, { 63, 1, 16 }, { 5, 11, 0 },
    };
    for (size_t i = 0; i < COUNT(cuts); i++)
        check_cut(suite, cuts[i][0], cuts[i][1], cuts[i][2]);
}

static void test_parts_give_the_same_packet_as_one_piece(void **state)
{
    (void)state;
    for_each_suite(check_cuts);
}

/* One flipped bit in any byte: length, text or tag. */
static void check_tampering(const struct suite *suite)
{
    uint8_t sealed[PACKET_SIZE];
    struct cipher *sealer = new_cipher(suite, true);
    size_t len = 20 + cipher_shape(sealer)->tag_len;
    put_hello(sealed);
    assert_true(seal_in_place(sealer, 5, sealed));
    cipher_free(sealer);

    for (size_t at = 0; at < len; at++) {
        uint8_t packet[PACKET_SIZE];
        uint32_t length;
        memcpy(packet, sealed, sizeof packet);
        packet[at] ^= 0x40;
        struct cipher *opener = new_cipher(suite, false);
        assert_true(cipher_open_length(opener, 5, packet, &length));
        if (cipher_open(opener, 5, packet, 16))
            fail_msg("%s: byte %zu", describe(suite), at);
        cipher_free(opener);
    }
}

/* P5 */
static void test_any_flipped_byte_is_refused(void **state)
{
    (void)state;
    for_each_suite(check_tampering);
}

/* P5: nothing is decrypted before the tag was found right, where that is over the ciphertext. */
static void check_forged_stays(const struct suite *suite)
{
    struct cipher *sealer = new_cipher(suite, true);
    struct cipher *opener = new_cipher(suite, false);
    uint8_t packet[PACKET_SIZE], copy[PACKET_SIZE];
    put_hello(packet);
    assert_true(seal_in_place(sealer, 1, packet));
    packet[20] ^= 1;
    memcpy(copy, packet, 36);
    assert_false(cipher_open(opener, 1, packet, 16));
    assert_memory_equal(packet, copy, 36);
    cipher_free(sealer);
    cipher_free(opener);
}

static void test_forged_packet_stays_as_it_came(void **state)
{
    (void)state;
    struct suite suite;
    check_forged_stays(&(struct suite){ cipher_find("chacha20-poly1305@openssh.com"), NULL });
    for (size_t i = 0; suite_at(i, &suite); i++)
        if (suite.mac != NULL && suite.mac->is_etm)
            check_forged_stays(&suite);
}

/* A packet that is replayed, or comes in the wrong place, has another nonce or number. */
static void check_replay(const struct suite *suite)
{
    struct cipher *sealer = new_cipher(suite, true);
    struct cipher *opener = new_cipher(suite, false);
    uint8_t packet[PACKET_SIZE], replayed[PACKET_SIZE];
    put_hello(packet);
    assert_true(seal_in_place(sealer, 0, packet));
    memcpy(replayed, packet, sizeof replayed);
    assert_true(open_packet(opener, 0, packet));
    assert_false(open_packet(opener, 1, replayed));
    cipher_free(sealer);
    cipher_free(opener);
}

static void test_a_packet_opens_only_in_its_place(void **state)
{
    (void)state;
    for_each_suite(check_replay);
}

/* A key serves one direction: the other would use its nonces a second time. */
static void check_direction(const struct suite *suite)
{
    uint8_t packet[PACKET_SIZE];
    put_hello(packet);
    struct cipher *opener = new_cipher(suite, false);
    assert_false(seal_in_place(opener, 0, packet));
    cipher_free(opener);
    struct cipher *sealer = new_cipher(suite, true);
    assert_false(cipher_open(sealer, 0, packet, 16));
    cipher_free(sealer);
}

static void test_a_cipher_works_in_its_direction_only(void **state)
{
    (void)state;
    for_each_suite(check_direction);
}

/* Where the length is encrypted, the packet opens only after its length was asked for, once. */
static void test_sealed_length_is_asked_for_once(void **state)
{
    (void)state;
    struct suite suite = { cipher_find("aes128-ctr"), mac_find("hmac-sha2-256") };
    struct cipher *sealer = new_cipher(&suite, true);
    struct cipher *opener = new_cipher(&suite, false);
    uint8_t packet[PACKET_SIZE];
    uint32_t length;
    put_hello(packet);
    assert_true(seal_in_place(sealer, 0, packet));
    assert_false(cipher_open(opener, 0, packet, 16));
    assert_true(cipher_open_length(opener, 0, packet, &length));
    assert_false(cipher_open_length(opener, 0, packet, &length));
    assert_false(cipher_open(opener, 0, packet, 8));
    assert_true(cipher_open(opener, 0, packet, 16));
    cipher_free(sealer);
    cipher_free(opener);
}

/* RFC 4344 3.1, 3.2 */
static void test_rows_are_complete(void **state)
{
    (void)state;
    for (size_t i = 0; i < cipher_count(); i++) {
        const struct cipher_alg *alg = cipher_at(i);
        assert_ptr_equal(cipher_find(alg->name), alg);
        assert_true(alg->key_len <= CIPHER_MAX_KEY_LEN && alg->iv_len <= CIPHER_MAX_IV_LEN);
        assert_true(alg->tag_len <= CIPHER_MAX_TAG_LEN && alg->block_len >= 8);
        assert_true(alg->max_packets <= UINT64_C(1) << 31);
        assert_true(alg->iv_len == 0 || alg->max_bytes <= UINT64_C(1) << 36);
    }
    assert_null(cipher_at(cipher_count()));
    assert_null(cipher_find("aes256-gcm"));
    cipher_free(NULL);
}

static void test_shape_follows_the_mac(void **state)
{
    (void)state;
    static const struct {
        const char *cipher, *mac;
        struct cipher_shape shape;
        const char *mac_name;
    } rows[] = {
        { "aes256-gcm@openssh.com", "hmac-sha1", { 16, 4, 16, 4 }, "aes256-gcm@openssh.com" },
        { "chacha20-poly1305@openssh.com", NULL, { 8, 4, 16, 4 }, "chacha20-poly1305@openssh.com" },
        { "aes128-ctr", "hmac-sha2-512-etm@openssh.com", { 16, 4, 64, 4 }, "hmac-sha2-512-etm@openssh.com" },
        { "aes192-ctr", "hmac-sha1", { 16, 0, 20, 16 }, "hmac-sha1" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct suite suite = { cipher_find(rows[i].cipher), rows[i].mac != NULL ? mac_find(rows[i].mac) : NULL };
        struct cipher *c = new_cipher(&suite, true);
        const struct cipher_shape *shape = cipher_shape(c);
        assert_int_equal(shape->align, rows[i].shape.align);
        assert_int_equal(shape->aligned_from, rows[i].shape.aligned_from);
        assert_int_equal(shape->tag_len, rows[i].shape.tag_len);
        assert_int_equal(shape->length_needs, rows[i].shape.length_needs);
        assert_string_equal(cipher_mac_name(c), rows[i].mac_name);
        assert_ptr_equal(cipher_alg(c), suite.cipher);
        cipher_free(c);
    }
    assert_null(suite_cipher(&(struct suite){ cipher_find("aes128-ctr"), NULL }, true));
}

static void check_allocations(const struct suite *suite)
{
    struct cipher *c = new_cipher(suite, true);
    uint64_t before = mem_allocations();
    uint8_t packet[PACKET_SIZE];
    put_hello(packet);
    assert_true(seal_in_place(c, 0, packet));
    assert_int_equal(mem_allocations(), before);
    cipher_free(c);
}

static void test_packets_allocate_nothing_of_ours(void **state)
{
    (void)state;
    for_each_suite(check_allocations);
}

static void check_lack_of_memory(const struct suite *suite)
{
    struct cipher *c = NULL;
    for (uint64_t nth = 1; c == NULL; nth++) {
        mem_fail_at(nth);
        c = suite_cipher(suite, true);
        assert_true(nth > 1 || c == NULL);
    }
    mem_fail_at(0);
    cipher_free(c);
}

static void test_creation_survives_lack_of_memory(void **state)
{
    (void)state;
    for_each_suite(check_lack_of_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chacha20_poly1305_known_answer),
        cmocka_unit_test(test_aes256_gcm_known_answer_across_counter_wrap),
        cmocka_unit_test(test_counter_mode_known_answers_go_on_over_packets),
        cmocka_unit_test(test_mac_covers_what_its_name_says),
        cmocka_unit_test(test_every_suite_opens_what_it_sealed),
        cmocka_unit_test(test_parts_give_the_same_packet_as_one_piece),
        cmocka_unit_test(test_any_flipped_byte_is_refused),
        cmocka_unit_test(test_forged_packet_stays_as_it_came),
        cmocka_unit_test(test_a_packet_opens_only_in_its_place),
        cmocka_unit_test(test_a_cipher_works_in_its_direction_only),
        cmocka_unit_test(test_sealed_length_is_asked_for_once),
        cmocka_unit_test(test_rows_are_complete),
        cmocka_unit_test(test_shape_follows_the_mac),
        cmocka_unit_test(test_packets_allocate_nothing_of_ours),
        cmocka_unit_test(test_creation_survives_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
