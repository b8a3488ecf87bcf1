/* Packets under every cipher (RFC 4253 section 6; P2, P3, P5), padding, and the blocks they leave
 * in. */
#include "engine/unit.h"

#include <stdlib.h>

#include "base/memory.h"
#include "crypto/suites.h"
#include "crypto/random.h"
#include "engine/pair.h"
#include "engine/transport.h"

/* Two transports: what one seals, the other opens. suite NULL = in the clear. */
struct link {
    struct engine_buffers buffers;
    struct transport from, to;
};

static void link_init(struct link *l, const struct suite *suite)
{
    engine_buffers_init(&l->buffers);
    transport_init(&l->from, &l->buffers);
    transport_init(&l->to, &l->buffers);
    if (suite == NULL)
        return;
    l->from.send.next = suite_cipher(suite, true);
    l->to.recv.next = suite_cipher(suite, false);
    direction_switch(&l->from.send, false);
    direction_switch(&l->to.recv, false);
}

static void link_done(struct link *l)
{
    transport_done(&l->from);
    transport_done(&l->to);
    engine_buffers_done(&l->buffers);
}

/* 0 is in the clear, then every suite. */
static size_t suite_cases(void)
{
    return suite_count() + 1;
}

static const struct suite *suite_case(size_t index)
{
    static struct suite suite;
    return index != 0 && suite_at(index - 1, &suite) ? &suite : NULL;
}

static const struct cipher_shape *shape_of(const struct link *l)
{
    static const struct cipher_shape clear = { .align = 8, .length_needs = 4 };
    return l->from.send.cipher != NULL ? cipher_shape(l->from.send.cipher) : &clear;
}

/* The bytes of one packet with that payload, in memory of exactly their size. */
static uint8_t *seal(struct link *l, struct span payload, size_t *len)
{
    assert_int_equal(transport_seal(&l->from, payload, SPAN(NULL, 0), 0, NULL), 0);
    struct span out = transport_output(&l->from);
    uint8_t *copy = malloc(out.len);
    memcpy(copy, out.data, out.len);
    *len = out.len;
    transport_sent(&l->from, out.len);
    return copy;
}

static void test_payloads_come_out_as_they_went_in(void **state)
{
    (void)state;
    static const size_t lens[] = { 1, 2, 7, 8, 11, 12, 100, 255, 256, 32768, 35000, ENGINE_MAX_MESSAGE - 1024 };
    uint8_t *payload = malloc(ENGINE_MAX_MESSAGE);
    random_bytes(payload, ENGINE_MAX_MESSAGE);
    for (size_t c = 0; c < suite_cases(); c++) {
        struct link l;
        link_init(&l, suite_case(c));
        for (size_t i = 0; i < COUNT(lens); i++) {
            struct packet packet;
            size_t len;
            uint8_t *bytes = seal(&l, SPAN(payload, lens[i]), &len);
            assert_int_equal(transport_open(&l.to, bytes, len, 262144, &packet, NULL), 0);
            assert_int_equal(packet.wire_len, len);
            assert_int_equal(packet.seq, i);
            assert_int_equal(packet.len, lens[i]);
            assert_memory_equal(packet.payload, payload, lens[i]);
            free(bytes);
        }
        link_done(&l);
    }
    free(payload);
}

/* The body of a message may lie anywhere; the cipher takes it from there. */
static void test_head_and_body_make_one_payload(void **state)
{
    (void)state;
    uint8_t body[5000];
    memset(body, 'b', sizeof body);
    for (size_t c = 0; c < suite_cases(); c++) {
        struct link l;
        struct packet packet;
        link_init(&l, suite_case(c));
        assert_int_equal(transport_seal(&l.from, SPAN("head", 4), SPAN(body, sizeof body), 0, NULL), 0);
        struct span out = transport_output(&l.from);
        assert_int_equal(transport_open(&l.to, (uint8_t *)out.data, out.len, 262144, &packet, NULL), 0);
        assert_int_equal(packet.len, 4 + sizeof body);
        assert_memory_equal(packet.payload, "headb", 5);
        assert_memory_equal(packet.payload + 4, body, sizeof body);
        transport_sent(&l.from, out.len);
        link_done(&l);
    }
}

/* P3: with all but the last byte there is no packet, and nothing is taken. */
static void test_packet_is_opened_when_its_last_byte_is_there(void **state)
{
    (void)state;
    for (size_t c = 0; c < suite_cases(); c++) {
        struct link l;
        struct packet packet;
        size_t len;
        link_init(&l, suite_case(c));
        uint8_t *bytes = seal(&l, span_of("payload"), &len);
        for (size_t have = 0; have < len; have++) {
            uint8_t *part = malloc(have + 1);
            memcpy(part, bytes, have);
            assert_int_equal(transport_open(&l.to, part, have, 262144, &packet, NULL), 0);
            assert_int_equal(packet.wire_len, 0);
            free(part);
        }
        assert_int_equal(transport_open(&l.to, bytes, len, 262144, &packet, NULL), 0);
        assert_int_equal(packet.wire_len, len);
        free(bytes);
        link_done(&l);
    }
}

/* P5: one bit anywhere, or the packet twice, or in another place. */
static void test_p5_any_flipped_bit_is_found(void **state)
{
    (void)state;
    for (size_t c = 1; c < suite_cases(); c++) {
        size_t len = 1;
        for (size_t at = 0; at < len; at++) {
            struct link l;
            struct packet packet;
            link_init(&l, suite_case(c));
            uint8_t *bytes = seal(&l, span_of("some payload"), &len);
            uint8_t *more = calloc(1, len + 300000);
            memcpy(more, bytes, len);
            more[at] ^= (uint8_t)(1 << (at % 8));
            int rc = transport_open(&l.to, more, len + 300000, 262144, &packet, NULL);
            assert_true(rc == SSHIO_EMAC || (at < 4 && rc == SSHIO_EPROTOCOL));
            assert_int_equal(packet.wire_len, 0);
            free(more);
            free(bytes);
            link_done(&l);
        }
    }
}

static void test_p5_packets_out_of_their_place_are_found(void **state)
{
    (void)state;
    for (size_t c = 1; c < suite_cases(); c++) {
        struct link l;
        struct packet packet;
        size_t len;
        link_init(&l, suite_case(c));
        free(seal(&l, span_of("first"), &len));
        uint8_t *second = seal(&l, span_of("second"), &len);
        int rc = transport_open(&l.to, second, len, 262144, &packet, NULL);
        assert_true(rc == SSHIO_EMAC || rc == SSHIO_EPROTOCOL || packet.wire_len == 0);
        free(second);
        link_done(&l);
    }
}

/* ---- lengths and padding made by hand ---- */

struct length_case {
    const char *what;
    uint32_t packet_len;
    uint8_t padding;
    uint32_t max_len;
    bool works;
};

static const struct length_case clear_cases[] = {
    { "0", 0, 4, 65536, false },
    { "1", 1, 4, 65536, false },
    { "5", 5, 4, 65536, false },
    { "smallest", 12, 4, 65536, true },
    { "not a multiple", 13, 4, 65536, false },
    { "2^31", 0x80000000u, 4, 65536, false },
    { "2^32-1", 0xffffffffu, 4, 65536, false },
    { "2^32-4", 0xfffffffcu, 4, 65536, false },
    { "just fits", 65532, 4, 65536, true },
    { "just over", 65540, 4, 65536, false },
    { "35000", 35004, 4, 65536, true },
    { "largest after login", 262140, 4, 262144, true },
    { "over the largest", 262148, 4, 262144, false },
    { "padding 0", 20, 0, 65536, false },
    { "padding 3", 20, 3, 65536, false },
    { "padding leaves one byte", 20, 18, 65536, true },
    { "padding leaves nothing", 20, 19, 65536, false },
    { "padding beyond", 20, 255, 65536, false },
};

static void test_p2_lengths_and_padding_in_the_clear(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(clear_cases); i++) {
        const struct length_case *c = &clear_cases[i];
        struct link l;
        struct packet packet;
        size_t len = c->works ? 4 + c->packet_len : 24;
        uint8_t *bytes = calloc(1, len);
        link_init(&l, NULL);
        store_u32(bytes, c->packet_len);
        bytes[4] = c->padding;
        int rc = transport_open(&l.to, bytes, len, c->max_len, &packet, NULL);
        if (rc != (c->works ? 0 : SSHIO_EPROTOCOL) || (packet.wire_len != 0) != c->works)
            fail_msg("%s: %d", c->what, rc);
        free(bytes);
        link_done(&l);
    }
}

/* The same under keys: the packet is sealed as it should be, with a length or a padding that should
 * not be. */
enum { ALL_BUT_ONE = -1, ALL = -2 };

static const struct key_case {
    uint32_t aligned_len; /* with the length field, where that is aligned too */
    int padding;          /* or how much of the payload it takes away */
    bool works;
} key_cases[] = {
    { 32, 4, true },          { 32, ALL_BUT_ONE, true }, { 32, ALL, false },       { 32, 3, false },
    { 32, 0, false },         { 32, 255, false },        { 33, 4, false },         { 4, 4, false },
    { 5, 4, false },          { 9, 4, false },           { 65536 + 16, 4, false }, { 0x80000000, 4, false },
    { 0xfffffff0, 4, false }, { 0xffffffff, 4, false },
};

static void check_key_case(const struct suite *suite, const struct key_case *k)
{
    struct link l;
    struct packet packet;
    uint8_t *bytes = calloc(1, 70000);
    link_init(&l, suite);
    uint32_t len = k->aligned_len - (4 - (uint32_t)shape_of(&l)->aligned_from);
    store_u32(bytes, len);
    bytes[4] = (uint8_t)(k->padding >= 0 ? k->padding : k->padding == ALL ? (int)len - 1 : (int)len - 2);
    struct cipher_parts parts = { .head_len = len > 69000 || len < 12 ? 64 : len, .body = bytes };
    assert_true(cipher_seal(l.from.send.cipher, 0, bytes, &parts));
    int rc = transport_open(&l.to, bytes, 70000, 65536, &packet, NULL);
    if (rc != (k->works ? 0 : SSHIO_EPROTOCOL))
        fail_msg("%s %s, length %u, padding %d: %d", suite->cipher->name, suite->mac != NULL ? suite->mac->name : "",
                 len, k->padding, rc);
    free(bytes);
    link_done(&l);
}

static void test_p2_lengths_and_padding_under_each_cipher(void **state)
{
    (void)state;
    for (size_t c = 1; c < suite_cases(); c++)
        for (size_t i = 0; i < COUNT(key_cases); i++)
            check_key_case(suite_case(c), &key_cases[i]);
}

/* RFC 4253 6: at least 4, no more than needed, random; a secret's length can be hidden. */
static void test_padding_is_as_short_as_can_be(void **state)
{
    (void)state;
    uint8_t payload[300] = { 1 };
    for (size_t c = 0; c < suite_cases(); c++)
        for (size_t payload_len = 1; payload_len < 200; payload_len++) {
            struct link l;
            size_t len;
            link_init(&l, suite_case(c));
            const struct cipher_shape *shape = shape_of(&l);
            free(seal(&l, SPAN(payload, payload_len), &len));
            size_t padding = len - 4 - 1 - payload_len - shape->tag_len;
            assert_in_range(padding, 4, 3 + shape->align);
            assert_int_equal((len - shape->tag_len - shape->aligned_from) % shape->align, 0);
            assert_int_equal(transport_seal(&l.from, SPAN(payload, payload_len), SPAN(NULL, 0), 64, NULL), 0);
            size_t hidden = transport_output(&l.from).len - shape->tag_len - shape->aligned_from;
            assert_int_equal(hidden % 64, 0);
            link_done(&l);
        }
}

static void test_padding_is_random(void **state)
{
    (void)state;
    struct link l;
    size_t len;
    uint8_t seen[2][11];
    link_init(&l, NULL);
    for (int i = 0; i < 2; i++) {
        uint8_t *bytes = seal(&l, SPAN("\1", 1), &len);
        assert_int_equal(bytes[4], 10);
        memcpy(seen[i], bytes + 6, 10);
        free(bytes);
    }
    assert_memory_not_equal(seen[0], seen[1], 10);
    link_done(&l);
}

/* ---- output ---- */

/* Packets are in one piece, in order, wherever a block ends; blocks go back when they are
 * written. */
static void test_output_goes_through_blocks_in_order(void **state)
{
    (void)state;
    struct link l;
    struct packet packet;
    uint8_t payload[30000] = { 0 };
    link_init(&l, &(struct suite){ cipher_find("aes128-gcm@openssh.com"), NULL });
    for (int i = 0; i < 40; i++) {
        payload[0] = (uint8_t)i;
        assert_int_equal(transport_seal(&l.from, SPAN(payload, sizeof payload), SPAN(NULL, 0), 0, NULL), 0);
    }
    size_t unsent = l.from.unsent;
    int next = 0;
    while (transport_output(&l.from).len != 0) {
        struct span out = transport_output(&l.from);
        assert_int_equal(transport_open(&l.to, (uint8_t *)out.data, out.len, 262144, &packet, NULL), 0);
        assert_int_equal(packet.payload[0], next++);
        transport_sent(&l.from, packet.wire_len / 2);
        transport_sent(&l.from, packet.wire_len - packet.wire_len / 2);
        unsent -= packet.wire_len;
        assert_int_equal(l.from.unsent, unsent);
    }
    assert_int_equal(next, 40);
    assert_null(l.from.first);
    assert_int_equal(l.buffers.output.free_count, 1200000 / ENGINE_OUTPUT_BLOCK + 1);
    link_done(&l);
}

static void test_sealing_does_not_allocate(void **state)
{
    (void)state;
    for (size_t c = 0; c < suite_cases(); c++) {
        struct link l;
        struct packet packet;
        uint8_t payload[32768] = { 1 };
        link_init(&l, suite_case(c));
        for (int i = 0; i < 3; i++) {
            uint64_t before = mem_allocations();
            transport_seal(&l.from, SPAN(payload, 9), SPAN(payload, sizeof payload - 9), 0, NULL);
            struct span out = transport_output(&l.from);
            transport_open(&l.to, (uint8_t *)out.data, out.len, 262144, &packet, NULL);
            transport_sent(&l.from, out.len);
            if (i > 0)
                assert_int_equal(mem_allocations(), before);
        }
        link_done(&l);
    }
}

static void test_message_longer_than_a_packet_is_refused(void **state)
{
    (void)state;
    struct link l;
    uint8_t *payload = calloc(1, ENGINE_MAX_MESSAGE + 1);
    link_init(&l, NULL);
    assert_int_equal(transport_seal(&l.from, SPAN(payload, ENGINE_MAX_MESSAGE), SPAN(NULL, 0), 0, NULL), 0);
    assert_int_equal(transport_seal(&l.from, SPAN(payload, ENGINE_MAX_MESSAGE + 1), SPAN(NULL, 0), 0, NULL),
                     SSHIO_ELIMIT);
    free(payload);
    link_done(&l);
}

/* ---- in a whole engine ---- */

/* P2: the limit before login, and the one after. */
static void test_p2_limit_is_higher_after_login(void **state)
{
    (void)state;
    for (int logged_in = 0; logged_in < 2; logged_in++) {
        struct pair p;
        uint8_t *ignore = calloc(1, 200000);
        ignore[0] = MSG_IGNORE;
        store_u32(ignore + 1, 200000 - 5);
        pair_init(&p, PAIR_FAST);
        pair_start(&p);
        if (logged_in)
            assert_true(pair_log_in(&p));
        else
            while (p.side[SERVER].versions == 0)
                pair_step(&p, SERVER);
        pair_send_raw(&p, CLIENT, ignore, 200000);
        pair_run(&p);
        assert_int_equal(pair_error(&p, SERVER), logged_in ? 0 : SSHIO_EPROTOCOL);
        pair_done(&p);
        free(ignore);
    }
}

/* P5: the peer is told why (DISCONNECT 5), nothing behind the bad packet counts. */
static void test_p5_bad_tag_ends_the_connection(void **state)
{
    (void)state;
    static const uint8_t unknown = 180;
    struct pair p;
    pair_init(&p, PAIR_FAST);
    pair_start(&p);
    assert_true(pair_log_in(&p));
    pair_send_raw(&p, CLIENT, &unknown, 1);
    p.side[SERVER].inbox[p.side[SERVER].inbox_len - 1] ^= 1;
    pair_send_raw(&p, CLIENT, &unknown, 1);
    pair_run(&p);
    assert_int_equal(pair_error(&p, SERVER), SSHIO_EMAC);
    assert_int_equal(pair_error(&p, CLIENT), SSHIO_EMAC);
    assert_string_equal(pair_message(&p, CLIENT), "MAC verification failed");
    assert_int_equal(pair_seen(&p, CLIENT, MSG_UNIMPLEMENTED), 0);
    assert_int_equal(p.side[SERVER].ended, 1);
    pair_done(&p);
}

static void never_begin(void *owner)
{
    (void)owner;
}

static void test_packets_before_login_are_bounded(void **state)
{
    (void)state;
    static const uint8_t ignore[] = { 2, 0, 0, 0, 0 };
    struct pair p;
    pair_init(&p, PAIR_FAST);
    p.config[SERVER].limits.auth_packets = 50;
    p.side[CLIENT].hooks.auth_ready = never_begin;
    pair_start(&p);
    pair_run(&p);
    for (int i = 0; i < 60; i++)
        pair_send_raw(&p, CLIENT, ignore, sizeof ignore);
    pair_run(&p);
    assert_int_equal(pair_error(&p, SERVER), SSHIO_EPROTOCOL);
    pair_done(&p);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_payloads_come_out_as_they_went_in),
        cmocka_unit_test(test_head_and_body_make_one_payload),
        cmocka_unit_test(test_packet_is_opened_when_its_last_byte_is_there),
        cmocka_unit_test(test_p5_any_flipped_bit_is_found),
        cmocka_unit_test(test_p5_packets_out_of_their_place_are_found),
        cmocka_unit_test(test_p2_lengths_and_padding_in_the_clear),
        cmocka_unit_test(test_p2_lengths_and_padding_under_each_cipher),
        cmocka_unit_test(test_padding_is_as_short_as_can_be),
        cmocka_unit_test(test_padding_is_random),
        cmocka_unit_test(test_output_goes_through_blocks_in_order),
        cmocka_unit_test(test_sealing_does_not_allocate),
        cmocka_unit_test(test_message_longer_than_a_packet_is_refused),
        cmocka_unit_test(test_p2_limit_is_higher_after_login),
        cmocka_unit_test(test_p5_bad_tag_ends_the_connection),
        cmocka_unit_test(test_packets_before_login_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
