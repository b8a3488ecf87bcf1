/* Packet ciphers: known answers, and what must hold of every row of the table. */
#include "vectors.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "crypto/cipher.h"

#define PACKET_SIZE 4096

/* Key bytes 0, 1, 2 … */
static void fill_key(uint8_t *key)
{
    for (size_t i = 0; i < CIPHER_MAX_KEY_LEN; i++)
        key[i] = (uint8_t)i;
}

/* length 16, padding_length 10, "hello", ten zero bytes of padding. */
static void put_hello(uint8_t *packet)
{
    memcpy(packet, "\0\0\0\x10\x0ahello\0\0\0\0\0\0\0\0\0", 20);
}

static struct cipher *new_cipher(const char *name, bool sealing)
{
    static const uint8_t iv[] = { 0, 1, 2, 3, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0 };
    uint8_t key[CIPHER_MAX_KEY_LEN];
    fill_key(key);
    struct cipher *c = cipher_new(cipher_find(name), key, iv, sealing);
    assert_non_null(c);
    return c;
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
    struct cipher *c = new_cipher("chacha20-poly1305@openssh.com", true);
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
    struct cipher *c = new_cipher("aes256-gcm@openssh.com", true);
    for (size_t i = 0; i < 2; i++) {
        uint8_t packet[PACKET_SIZE];
        put_hello(packet);
        assert_true(seal_in_place(c, 0, packet));
        assert_hex_equal(packet, 36, sealed[i]);
    }
    cipher_free(c);
}

static void check_round_trip(const struct cipher_alg *alg)
{
    struct cipher *sealer = new_cipher(alg->name, true);
    struct cipher *opener = new_cipher(alg->name, false);
    for (uint32_t seq = UINT32_MAX - 2; seq != 3; seq++) {
        uint8_t packet[PACKET_SIZE];
        uint32_t length = 0;
        put_hello(packet);
        assert_true(seal_in_place(sealer, seq, packet));
        assert_true(cipher_open_length(opener, seq, packet, &length));
        assert_int_equal(length, 16);
        assert_true(cipher_open(opener, seq, packet, length));
        assert_memory_equal(packet + 4, "\x0ahello\0\0\0\0\0\0\0\0\0", 16);
    }
    cipher_free(sealer);
    cipher_free(opener);
}

static void test_every_cipher_opens_what_it_sealed(void **state)
{
    (void)state;
    for (size_t i = 0; i < cipher_count(); i++)
        check_round_trip(cipher_at(i));
}

/* However the clear text is cut into head, body elsewhere and tail, the packet is the same. */
static void check_cuts(const struct cipher_alg *alg, size_t head_len, size_t body_len, size_t tail_len)
{
    uint8_t whole[PACKET_SIZE], cut[PACKET_SIZE], body[PACKET_SIZE];
    size_t length = head_len + body_len + tail_len;
    store_u32(whole, (uint32_t)length);
    for (size_t i = 0; i < length; i++)
        whole[4 + i] = (uint8_t)(i * 7);
    memcpy(cut, whole, 4 + length);
    memcpy(body, cut + 4 + head_len, body_len);
    memset(cut + 4 + head_len, 0xee, body_len);

    struct cipher *one = new_cipher(alg->name, true);
    struct cipher *two = new_cipher(alg->name, true);
    struct cipher_parts parts = { head_len, body, body_len, tail_len };
    assert_true(seal_in_place(one, 9, whole));
    assert_true(cipher_seal(two, 9, cut, &parts));
    assert_memory_equal(whole, cut, 4 + length + alg->tag_len);
    cipher_free(one);
    cipher_free(two);
}

static void test_parts_give_the_same_packet_as_one_piece(void **state)
{
    (void)state;
    static const size_t cuts[][3] = {
        { 1, 0, 15 }, { 10, 1000, 6 }, { 64, 64, 64 }, { 14, 2000, 18 }, { 0, 63, 1 }, { 63, 1, 16 }, { 5, 11, 0 },
    };
    for (size_t i = 0; i < cipher_count(); i++)
        for (size_t j = 0; j < sizeof cuts / sizeof cuts[0]; j++)
            check_cuts(cipher_at(i), cuts[j][0], cuts[j][1], cuts[j][2]);
}

/* One flipped bit in any byte: length, text or tag. */
static void check_tampering(const struct cipher_alg *alg)
{
    uint8_t sealed[PACKET_SIZE];
    struct cipher *sealer = new_cipher(alg->name, true);
    put_hello(sealed);
    assert_true(seal_in_place(sealer, 5, sealed));
    cipher_free(sealer);

    for (size_t at = 0; at < 20 + alg->tag_len; at++) {
        uint8_t packet[PACKET_SIZE];
        memcpy(packet, sealed, sizeof packet);
        packet[at] ^= 0x40;
        struct cipher *opener = new_cipher(alg->name, false);
        assert_false(cipher_open(opener, 5, packet, 16));
        cipher_free(opener);
    }
}

/* P5 */
static void test_any_flipped_byte_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < cipher_count(); i++)
        check_tampering(cipher_at(i));
}

/* P5: chacha20-poly1305 verifies before it decrypts. */
static void test_chacha_leaves_a_forged_packet_as_it_came(void **state)
{
    (void)state;
    struct cipher *sealer = new_cipher("chacha20-poly1305@openssh.com", true);
    struct cipher *opener = new_cipher("chacha20-poly1305@openssh.com", false);
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

/* A packet that is replayed, or comes in the wrong place, has another nonce. */
static void test_a_packet_opens_only_in_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < cipher_count(); i++) {
        struct cipher *sealer = new_cipher(cipher_at(i)->name, true);
        struct cipher *opener = new_cipher(cipher_at(i)->name, false);
        uint8_t packet[PACKET_SIZE], replayed[PACKET_SIZE];
        put_hello(packet);
        assert_true(seal_in_place(sealer, 0, packet));
        memcpy(replayed, packet, 36);
        assert_true(cipher_open(opener, 0, packet, 16));
        assert_false(cipher_open(opener, 1, replayed, 16));
        cipher_free(sealer);
        cipher_free(opener);
    }
}

/* A key serves one direction: the other would use its nonces a second time. */
static void test_a_cipher_works_in_its_direction_only(void **state)
{
    (void)state;
    for (size_t i = 0; i < cipher_count(); i++) {
        uint8_t packet[PACKET_SIZE];
        put_hello(packet);
        struct cipher *opener = new_cipher(cipher_at(i)->name, false);
        assert_false(seal_in_place(opener, 0, packet));
        cipher_free(opener);
        struct cipher *sealer = new_cipher(cipher_at(i)->name, true);
        assert_false(cipher_open(sealer, 0, packet, 16));
        cipher_free(sealer);
    }
}

/* RFC 4344 3.1 */
static void test_rows_are_complete(void **state)
{
    (void)state;
    for (size_t i = 0; i < cipher_count(); i++) {
        const struct cipher_alg *alg = cipher_at(i);
        assert_ptr_equal(cipher_find(alg->name), alg);
        assert_true(alg->key_len <= CIPHER_MAX_KEY_LEN && alg->iv_len <= CIPHER_MAX_IV_LEN);
        assert_true(alg->tag_len <= CIPHER_MAX_TAG_LEN && alg->block_len >= 8);
        assert_true(alg->max_packets <= UINT64_C(1) << 31);
    }
    assert_null(cipher_at(cipher_count()));
    assert_null(cipher_find("aes256-gcm"));
    cipher_free(NULL);
}

static void test_packets_allocate_nothing_of_ours(void **state)
{
    (void)state;
    for (size_t i = 0; i < cipher_count(); i++) {
        struct cipher *c = new_cipher(cipher_at(i)->name, true);
        uint64_t before = mem_allocations();
        uint8_t packet[PACKET_SIZE];
        put_hello(packet);
        assert_true(seal_in_place(c, 0, packet));
        assert_int_equal(mem_allocations(), before);
        cipher_free(c);
    }
}

static void test_creation_survives_lack_of_memory(void **state)
{
    (void)state;
    uint8_t key[CIPHER_MAX_KEY_LEN] = { 0 };
    for (size_t i = 0; i < cipher_count(); i++) {
        mem_fail_at(1);
        assert_null(cipher_new(cipher_at(i), key, key, true));
        mem_fail_at(0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chacha20_poly1305_known_answer),
        cmocka_unit_test(test_aes256_gcm_known_answer_across_counter_wrap),
        cmocka_unit_test(test_every_cipher_opens_what_it_sealed),
        cmocka_unit_test(test_parts_give_the_same_packet_as_one_piece),
        cmocka_unit_test(test_any_flipped_byte_is_refused),
        cmocka_unit_test(test_chacha_leaves_a_forged_packet_as_it_came),
        cmocka_unit_test(test_a_packet_opens_only_in_its_place),
        cmocka_unit_test(test_a_cipher_works_in_its_direction_only),
        cmocka_unit_test(test_rows_are_complete),
        cmocka_unit_test(test_packets_allocate_nothing_of_ours),
        cmocka_unit_test(test_creation_survives_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
