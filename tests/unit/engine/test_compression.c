/* Compression (RFC 4253 section 6.2, zlib@openssh.com; P4): streams, their bounds, when they begin and what ends
 * them. */
#include "engine/unit.h"

#include <stdlib.h>

#include <zlib.h>

#include "base/memory.h"
#include "crypto/random.h"
#include "crypto/suites.h"
#include "engine/compression.h"
#include "engine/channel_state.h"
#include "engine/echo.h"
#include "engine/quirks.h"
#include "engine/raw_peer.h"

#define MAX_LEN 262144u

/* ---- one stream ---- */

struct streams {
    struct compression *out, *in;
    uint8_t small[2 * MAX_LEN], large[MAX_LEN + 1];
};

static struct streams *streams_new(void)
{
    struct streams *s = calloc(1, sizeof *s);
    s->out = compression_new(true);
    s->in = compression_new(false);
    return s;
}

static void streams_free(struct streams *s)
{
    compression_free(s->out);
    compression_free(s->in);
    free(s);
}

static size_t deflate_payload(struct streams *s, struct span head, struct span body)
{
    size_t len = 0;
    assert_true(compression_bound(s->out, head.len + body.len) <= sizeof s->small);
    assert_int_equal(compression_deflate(s->out, head, body, s->small, &len, NULL), 0);
    assert_true(len <= compression_bound(s->out, head.len + body.len));
    return len;
}

static void test_payloads_come_out_as_they_went_in(void **state)
{
    (void)state;
    static const size_t lens[] = { 1, 2, 100, 9, 32768, 3, 262144, 5 };
    struct streams *s = streams_new();
    uint8_t *data = malloc(MAX_LEN);
    echo_fill(data, MAX_LEN);
    for (size_t i = 0; i < COUNT(lens); i++) {
        size_t made = 0;
        size_t head = lens[i] < 9 ? lens[i] : 9;
        size_t len = deflate_payload(s, SPAN(data, head), SPAN(data + head, lens[i] - head));
        int rc = compression_inflate(s->in, SPAN(s->small, len), s->large, MAX_LEN, &made, NULL);
        assert_int_equal(rc, 0);
        assert_int_equal(made, lens[i]);
        assert_memory_equal(s->large, data, lens[i]);
    }
    free(data);
    streams_free(s);
}

static void test_bound_holds_for_what_does_not_compress(void **state)
{
    (void)state;
    struct streams *s = streams_new();
    uint8_t *data = malloc(MAX_LEN);
    for (size_t len = 1; len <= MAX_LEN; len *= 2) {
        assert_true(random_bytes(data, len));
        assert_true(deflate_payload(s, SPAN(data, len), SPAN(NULL, 0)) >= len);
    }
    free(data);
    streams_free(s);
}

/* A payload of zeros, compressed by zlib itself. */
static uint8_t *make_bomb(size_t zeros, size_t *len)
{
    z_stream z = { .zalloc = NULL };
    uint8_t *data = calloc(1, zeros);
    uint8_t *bomb = malloc(compressBound(zeros));
    assert_int_equal(deflateInit(&z, 9), Z_OK);
    z.next_in = data;
    z.avail_in = (unsigned)zeros;
    z.next_out = bomb;
    z.avail_out = (unsigned)compressBound(zeros);
    assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
    *len = compressBound(zeros) - z.avail_out;
    deflateEnd(&z);
    free(data);
    return bomb;
}

/* P4: exactly the limit works, one byte more or fifty million do not. */
static void test_p4_inflation_is_bounded(void **state)
{
    (void)state;
    static const struct {
        size_t zeros;
        bool works;
    } rows[] = { { MAX_LEN, true }, { MAX_LEN + 1, false }, { 50000000, false } };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct streams *s = streams_new();
        size_t len, made = 0;
        uint8_t *bomb = make_bomb(rows[i].zeros, &len);
        int rc = compression_inflate(s->in, SPAN(bomb, len), s->large, MAX_LEN, &made, NULL);
        assert_int_equal(rc, rows[i].works ? 0 : SSHIO_ECOMPRESSION);
        assert_int_equal(made, rows[i].works ? rows[i].zeros : 0);
        free(bomb);
        streams_free(s);
    }
}

static void test_damaged_streams_are_refused(void **state)
{
    (void)state;
    uint8_t ended[100];
    uLongf ended_len = sizeof ended;
    assert_int_equal(compress(ended, &ended_len, (const uint8_t *)"hello", 5), Z_OK);
    const struct span rows[] = {
        SPAN(ended, ended_len), /* it ends, which a stream of packets does not */
        SPAN("\x78\x9c", 2),    /* nothing comes of it */
        SPAN("\x78\x9d"
             "abc",
             5),                         /* bad header */
        SPAN("\x78\x9c\xff\xff\xff", 5), /* bad block */
        SPAN("", 0),
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct streams *s = streams_new();
        size_t made = 0;
        struct error error;
        error_init(&error);
        assert_int_equal(compression_inflate(s->in, rows[i], s->large, MAX_LEN, &made, &error), SSHIO_ECOMPRESSION);
        assert_string_equal(error_message(&error), "Decompression failed");
        assert_int_equal(made, 0);
        error_clear(&error);
        streams_free(s);
    }
}

static void test_lack_of_memory_is_survived(void **state)
{
    (void)state;
    for (int compresses = 0; compresses < 2; compresses++) {
        struct compression *c = NULL;
        for (uint64_t nth = 1; c == NULL; nth++) {
            assert_true(nth < 20);
            mem_fail_at(nth);
            c = compression_new(compresses);
        }
        mem_fail_at(0);
        compression_free(c);
    }
    compression_free(NULL);
}

/* ---- in connections ---- */

enum { NONE, DELAYED, AT_ONCE };

static void start(struct pair *p, size_t compression)
{
    pair_init(p, PAIR_FAST);
    p->compression_algs[0] = compression_at(compression);
    p->unwatched = true;
    echo_init(p);
}

static bool has_streams(const struct pair_side *s)
{
    const struct transport *t = &s->engine->transport;
    return t->send.stream != NULL && t->recv.stream != NULL;
}

static bool has_no_streams(const struct pair_side *s)
{
    const struct transport *t = &s->engine->transport;
    return t->send.stream == NULL && t->recv.stream == NULL;
}

static void expect_streams(void *owner, const struct auth_request *request)
{
    struct pair_side *s = owner;
    (void)request;
    assert_true(has_streams(s) && s->engine->transport.send.stream != NULL);
    engine_auth_accept(s->engine);
}

static void expect_no_streams(void *owner, const struct auth_request *request)
{
    struct pair_side *s = owner;
    (void)request;
    assert_true(has_no_streams(s) && has_no_streams(&s->pair->side[CLIENT]));
    engine_auth_accept(s->engine);
}

/* P4: zlib@openssh.com begins with the packet behind USERAUTH_SUCCESS, in both roles; zlib with the keys. */
static void test_streams_begin_when_their_name_says(void **state)
{
    (void)state;
    for (size_t compression = NONE; compression <= AT_ONCE; compression++) {
        struct pair p;
        start(&p, compression);
        p.side[SERVER].hooks.auth_requested = compression == AT_ONCE ? expect_streams : expect_no_streams;
        pair_start(&p);
        assert_true(pair_log_in(&p));
        echo_check(&p, 5000);
        for (int i = 0; i < 2; i++)
            assert_true(compression == NONE ? has_no_streams(&p.side[i]) : has_streams(&p.side[i]));
        pair_done(&p);
    }
}

static void test_nothing_is_allocated_before_a_packet_needs_it(void **state)
{
    (void)state;
    struct pair p;
    start(&p, DELAYED);
    pair_start(&p);
    assert_true(pair_log_in(&p));
    assert_true(has_no_streams(&p.side[CLIENT]) && has_no_streams(&p.side[SERVER]));
    assert_null(p.side[SERVER].engine->transport.inflated);
    echo_check(&p, 5000);
    assert_null(p.side[SERVER].engine->transport.inflated);
    pair_done(&p);
}

static void expect_fresh(void *owner, bool first)
{
    struct pair_side *s = owner;
    (void)first;
    assert_null(s->engine->transport.recv.stream);
}

static void test_streams_begin_anew_with_every_exchange(void **state)
{
    (void)state;
    for (size_t compression = DELAYED; compression <= AT_ONCE; compression++) {
        struct pair p;
        start(&p, compression);
        for (int i = 0; i < 2; i++)
            p.side[i].hooks.keys_changed = expect_fresh;
        p.random = 11;
        pair_start(&p);
        assert_true(pair_log_in(&p));
        for (int i = 0; i < 6; i++) {
            echo_check(&p, 30000);
            engine_rekey(p.side[i % 2].engine);
            echo_check(&p, 3000);
        }
        assert_int_equal(p.side[CLIENT].keys_changed, 7);
        pair_done(&p);
    }
}

static void test_every_suite_carries_compressed_payloads(void **state)
{
    (void)state;
    struct suite suite;
    for (size_t i = 0; suite_at(i, &suite); i++) {
        struct pair p;
        start(&p, DELAYED);
        p.cipher_algs[0] = suite.cipher;
        p.mac_algs[0] = suite.mac;
        pair_start(&p);
        assert_true(pair_log_in(&p));
        uint64_t before = p.side[CLIENT].engine->transport.send.bytes;
        echo_check(&p, 100000);
        assert_in_range(p.side[CLIENT].engine->transport.send.bytes - before, 100000, 120000); /* of 200000 */
        pair_done(&p);
    }
}

static void expect_end(struct pair *p)
{
    pair_run(p);
    assert_int_equal(pair_error(p, SERVER), SSHIO_ECOMPRESSION);
    assert_int_equal(pair_error(p, CLIENT), SSHIO_ECOMPRESSION); /* DISCONNECT 6 */
}

/* A payload that goes out as it is, whatever was agreed. */
static void send_uncompressed(struct pair *p, const void *payload, size_t len)
{
    struct direction *d = &p->side[CLIENT].engine->transport.send;
    d->compression = NULL;
    pair_send_raw(p, CLIENT, payload, len);
    d->compression = compression_at(DELAYED);
}

static void test_damaged_payload_ends_the_connection(void **state)
{
    (void)state;
    struct pair p;
    start(&p, DELAYED);
    pair_start(&p);
    assert_true(pair_log_in(&p));
    echo_check(&p, 1000);
    send_uncompressed(&p, "\xff\xff\xff\xff\xff", 5);
    expect_end(&p);
    pair_done(&p);
}

/* P4, in one packet. */
static void test_p4_fifty_million_zeros_end_the_connection(void **state)
{
    (void)state;
    struct pair p;
    size_t len;
    uint8_t *bomb = make_bomb(50000000, &len);
    start(&p, DELAYED);
    pair_start(&p);
    assert_true(pair_log_in(&p));
    send_uncompressed(&p, bomb, len);
    expect_end(&p);
    assert_string_equal(pair_message(&p, SERVER), "A packet decompresses to more than 262144 bytes");
    free(bomb);
    pair_done(&p);
}

/* Before login the lower limit of packets holds for what they decompress to as well. */
static void test_p4_limit_before_login_is_lower(void **state)
{
    (void)state;
    static const size_t lens[] = { 65536, 65537 };
    for (size_t i = 0; i < COUNT(lens); i++) {
        struct pair p;
        uint8_t *payload = calloc(1, lens[i]);
        payload[0] = MSG_IGNORE;
        store_u32(payload + 1, (uint32_t)lens[i] - 5);
        start(&p, AT_ONCE);
        pair_start(&p);
        for (int side = SERVER; p.side[SERVER].keys_changed == 0; side = 1 - side)
            pair_step(&p, side);
        assert_false(engine_is_authenticated(p.side[SERVER].engine));
        pair_send_raw(&p, CLIENT, payload, lens[i]);
        pair_run(&p);
        assert_int_equal(pair_error(&p, SERVER), i == 0 ? 0 : SSHIO_ECOMPRESSION);
        free(payload);
        pair_done(&p);
    }
}

/* Dropbear takes one byte less than it says, where packets are compressed. */
static void test_dropbear_gets_packets_that_are_one_byte_shorter(void **state)
{
    (void)state;
    for (int compressed = 0; compressed < 2; compressed++) {
        static struct raw raw;
        raw_init(&raw, false, AUTH_DONE);
        raw.e->quirks = quirks_of("SSH-2.0-dropbear_2022.83");
        raw.e->transport.send.compression = compressed ? compression_at(DELAYED) : NULL;
        struct channel *ch = raw_open(&raw, 100000, 20000);
        assert_int_equal(ch->send_packet, compressed ? 19999 : 20000);
        raw_done(&raw);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_payloads_come_out_as_they_went_in),
        cmocka_unit_test(test_bound_holds_for_what_does_not_compress),
        cmocka_unit_test(test_p4_inflation_is_bounded),
        cmocka_unit_test(test_damaged_streams_are_refused),
        cmocka_unit_test(test_lack_of_memory_is_survived),
        cmocka_unit_test(test_streams_begin_when_their_name_says),
        cmocka_unit_test(test_nothing_is_allocated_before_a_packet_needs_it),
        cmocka_unit_test(test_streams_begin_anew_with_every_exchange),
        cmocka_unit_test(test_every_suite_carries_compressed_payloads),
        cmocka_unit_test(test_damaged_payload_ends_the_connection),
        cmocka_unit_test(test_p4_fifty_million_zeros_end_the_connection),
        cmocka_unit_test(test_p4_limit_before_login_is_lower),
        cmocka_unit_test(test_dropbear_gets_packets_that_are_one_byte_shorter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
