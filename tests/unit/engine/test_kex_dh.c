/* Diffie-Hellman message by message, with a peer made by hand: RFC 4253 section 8, RFC 4419, RFC 8270. */
#include "engine/unit.h"

#include <stdlib.h>

#include "crypto/dh.h"
#include "crypto/hash.h"
#include "engine/exchange.h"
#include "engine/hand.h"

#define GROUP14 "diffie-hellman-group14-sha256"
#define GEX "diffie-hellman-group-exchange-sha256"

static void begin(struct hand *h, int side, const char *method)
{
    hand_init(h, side);
    h->pair.kex_algs[0] = kex_alg_find(method);
    hand_start(h);
    hand_greet(h, &(struct hand_greeting){ .kex = method });
}

/* A message under construction, sent by finish. */
static struct writer *message(uint8_t number)
{
    static uint8_t memory[8192];
    static struct writer w;
    writer_init_fixed(&w, memory, sizeof memory);
    put_u8(&w, number);
    return &w;
}

static void finish(struct hand *h, struct writer *w)
{
    assert_false(writer_failed(w));
    hand_send(h, writer_span(w));
}

static void send_numbers(struct hand *h, uint8_t number, const uint32_t *values, size_t count)
{
    struct writer *w = message(number);
    for (size_t i = 0; i < count; i++)
        put_u32(w, values[i]);
    finish(h, w);
}

/* The next message of the engine, after its number. */
static struct reader expect(struct hand *h, uint8_t number)
{
    struct span payload = { NULL, 0 };
    struct reader r;
    if (!hand_next(h, &payload))
        fail_msg("no message %u; %s", number, hand_message(h));
    reader_init(&r, payload.data, payload.len);
    assert_int_equal(read_u8(&r), number);
    return r;
}

/* ---- the exchange hash, spelled out ---- */

static uint8_t signed_hash[HASH_MAX_LEN];

static void note_hash(void *owner, void *key, const struct sig_alg *alg, struct span hash)
{
    struct pair_side *s = owner;
    (void)key, (void)alg;
    memcpy(signed_hash, hash.data, hash.len);
    engine_exchange_signature(s->engine, span_of("signature"));
}

struct flow {
    const char *what, *method;
    uint8_t request; /* 0 = none is sent */
    uint32_t values[3];
    size_t value_count;
    uint8_t init, reply;
    const struct dh_group *group; /* that is used */
};

static const struct flow flows[] = {
    { "fixed", GROUP14, 0, { 0 }, 0, 30, 31, &dh_group14 },
    { "group exchange", GEX, 34, { 1024, 2048, 4096 }, 3, 32, 33, &dh_group14 },
    { "group exchange, larger", GEX, 34, { 2048, 3000, 8192 }, 3, 32, 33, &dh_group15 },
    { "group exchange, old form", GEX, 30, { 2048 }, 1, 32, 33, &dh_group14 },
};

/* RFC 4253 8, RFC 4419 3: V_C, V_S, I_C, I_S, K_S, what was asked for, p, g, e, f, K. */
static void put_hashed(struct hand *h, const struct flow *flow, struct span server_kexinit, const struct dh *own,
                       struct writer *w)
{
    put_text(w, HAND_VERSION);
    put_text(w, engine_own_version(hand_engine(h)));
    put_span(w, writer_span(&h->kexinit));
    put_span(w, server_kexinit);
    put_span(w, h->pair.host_keys[0].blob);
    for (size_t i = 0; i < flow->value_count; i++)
        put_u32(w, flow->values[i]);
    if (flow->request != 0)
        dh_put_group(own, w);
    dh_put_own(own, w);
    dh_put_peer(own, w);
    dh_put_secret(own, w);
}

static void run_flow(const struct flow *flow)
{
    struct hand h;
    struct span server_kexinit;
    struct dh *own = dh_new(flow->group);
    hand_init(&h, SERVER);
    h.pair.kex_algs[0] = kex_alg_find(flow->method);
    h.pair.side[SERVER].hooks.sign_exchange = note_hash;
    hand_start(&h);
    hand_greet(&h, &(struct hand_greeting){ .kex = flow->method });
    assert_true(hand_next(&h, &server_kexinit));
    uint8_t *kept = malloc(server_kexinit.len);
    memcpy(kept, server_kexinit.data, server_kexinit.len);
    if (flow->request != 0) {
        send_numbers(&h, flow->request, flow->values, flow->value_count);
        struct reader r = expect(&h, MSG_KEX_DH_GEX_GROUP);
        assert_int_equal(8 * read_mpint(&r).len, dh_bits(own));
    }
    assert_true(dh_generate(own));
    struct writer *init = message(flow->init);
    dh_put_own(own, init);
    finish(&h, init);
    struct reader r = expect(&h, flow->reply);
    assert_true(span_equal(read_string(&r), h.pair.host_keys[0].blob));
    assert_true(dh_set_peer(own, read_mpint(&r)));
    assert_true(span_is(read_string(&r), "signature"));
    assert_true(reader_done(&r));
    assert_true(dh_derive(own));
    struct writer hashed;
    uint8_t expected[HASH_MAX_LEN];
    writer_init(&hashed, 100000);
    put_hashed(&h, flow, SPAN(kept, server_kexinit.len), own, &hashed);
    assert_true(hash_once(hash_find("sha256"), writer_span(&hashed), expected));
    if (memcmp(expected, signed_hash, 32) != 0)
        fail_msg("%s: another hash", flow->what);
    writer_done(&hashed);
    free(kept);
    dh_free(own);
    hand_done(&h);
}

static void test_exchange_hash_is_the_one_of_the_rfcs(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(flows); i++)
        run_flow(&flows[i]);
}

/* ---- wrong values ---- */

static const struct {
    const char *what;
    uint8_t mpint[16]; /* with its length; an empty one stands for p - 1, written out */
    size_t len;
    bool malformed;
} wrong_values[] = {
    { "zero", { 0, 0, 0, 0 }, 4, false },          { "one", { 0, 0, 0, 1, 1 }, 5, false },
    { "three bits", { 0, 0, 0, 1, 7 }, 5, false }, { "p - 1", { 0 }, 0, false },
    { "negative", { 0, 0, 0, 1, 0xff }, 5, true }, { "not minimal", { 0, 0, 0, 2, 0, 0x55 }, 6, true },
    { "cut off", { 0, 0, 0, 9, 0x55 }, 5, true },  { "none", { 1 }, 1, true },
};

/* Group 14 is odd: p - 1 ends in fe. */
static void put_p_minus_1(struct writer *w)
{
    struct dh *dh = dh_new(&dh_group14);
    size_t start = w->len;
    dh_put_group(dh, w);
    w->len = start + 4 + 1 + 256;
    w->data[w->len - 1]--;
    dh_free(dh);
}

static void put_wrong_value(struct writer *w, size_t i)
{
    if (wrong_values[i].len == 0)
        put_p_minus_1(w);
    else
        put_bytes(w, wrong_values[i].mpint, wrong_values[i].len);
}

static void expect_refusal(struct hand *h, size_t i, const char *malformed, const char *out_of_range)
{
    const char *expected = wrong_values[i].malformed ? malformed : out_of_range;
    if (hand_error(h) != SSHIO_EPROTOCOL || strcmp(hand_message(h), expected) != 0)
        fail_msg("%s: %s", wrong_values[i].what, hand_message(h));
}

static void ask_for_group14(struct hand *h)
{
    static const uint32_t request[] = { 2048, 2048, 2048 };
    send_numbers(h, MSG_KEX_DH_GEX_REQUEST, request, 3);
}

/* C1: before anything is computed; in both methods. */
static void test_c1_server_refuses_values_out_of_range(void **state)
{
    (void)state;
    for (int gex = 0; gex < 2; gex++)
        for (size_t i = 0; i < COUNT(wrong_values); i++) {
            struct hand h;
            begin(&h, SERVER, gex ? GEX : GROUP14);
            if (gex)
                ask_for_group14(&h);
            struct writer *w = message(gex ? 32 : 30);
            put_wrong_value(w, i);
            finish(&h, w);
            expect_refusal(&h, i, "Malformed key exchange init message", "Kex DH e out of range");
            assert_int_equal(h.pair.side[SERVER].signs, 0);
            hand_done(&h);
        }
}

static void send_group14(struct hand *h)
{
    struct dh *dh = dh_new(&dh_group14);
    struct writer *w = message(MSG_KEX_DH_GEX_GROUP);
    dh_put_group(dh, w);
    finish(h, w);
    dh_free(dh);
}

static void test_c1_client_refuses_values_out_of_range(void **state)
{
    (void)state;
    for (int gex = 0; gex < 2; gex++)
        for (size_t i = 0; i < COUNT(wrong_values); i++) {
            struct hand h;
            begin(&h, CLIENT, gex ? GEX : GROUP14);
            if (gex)
                send_group14(&h);
            struct writer *w = message(gex ? 33 : 31);
            put_text(w, "host key");
            put_wrong_value(w, i);
            if (!wrong_values[i].malformed)
                put_text(w, "signature");
            finish(&h, w);
            expect_refusal(&h, i, "Malformed key exchange reply message", "Kex DH f out of range");
            assert_int_equal(h.pair.side[CLIENT].host_keys, 0);
            hand_done(&h);
        }
}

/* P7 */
static void test_p7_trailing_bytes_are_refused(void **state)
{
    (void)state;
    static const uint8_t init[] = { MSG_KEXDH_INIT, 0, 0, 0, 1, 0x55, 0 };
    struct hand h;
    begin(&h, SERVER, GROUP14);
    hand_send(&h, SPAN(init, sizeof init));
    assert_string_equal(hand_message(&h), "Malformed key exchange init message");
    hand_done(&h);
    static const uint32_t request[] = { 2048, 2048, 2048, 0 };
    begin(&h, SERVER, GEX);
    send_numbers(&h, MSG_KEX_DH_GEX_REQUEST, request, 4);
    assert_string_equal(hand_message(&h), "Malformed key exchange group request");
    hand_done(&h);
}

/* ---- group exchange: what is asked for ---- */

static const struct {
    const char *what;
    uint8_t number;
    uint32_t values[3];
    size_t bits; /* 0 = refused */
} requests[] = {
    { "usual", 34, { 2048, 3072, 8192 }, 3072 },
    { "between two", 34, { 2048, 7680, 8192 }, 8192 },
    { "min below ours", 34, { 1024, 2048, 8192 }, 2048 },
    { "wanted below ours", 34, { 1024, 1024, 8192 }, 2048 },
    { "max above ours", 34, { 2048, 4096, 16384 }, 4096 },
    { "wanted above ours", 34, { 2048, 16384, 16384 }, 8192 },
    { "next larger is beyond max", 34, { 2048, 5000, 6000 }, 4096 },
    { "anything", 34, { 0, 0, UINT32_MAX }, 2048 },
    { "max < min", 34, { 4096, 4096, 2048 }, 0 },
    { "wanted < min", 34, { 3072, 2048, 8192 }, 0 },
    { "wanted > max", 34, { 2048, 8192, 4096 }, 0 },
    { "max below ours", 34, { 1024, 1024, 1024 }, 0 },
    { "max just below ours", 34, { 1024, 1024, 2047 }, 0 },
    { "none of that size", 34, { 2049, 2050, 3071 }, 0 },
    { "nothing", 34, { 0, 0, 0 }, 0 },
    { "old form", 30, { 4096 }, 4096 },
    { "old form, more than we have", 30, { 9000 }, 0 },
};

static void test_c1_server_hands_out_what_makes_sense(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(requests); i++) {
        struct hand h;
        begin(&h, SERVER, GEX);
        expect(&h, MSG_KEXINIT);
        send_numbers(&h, requests[i].number, requests[i].values, requests[i].number == 34 ? 3 : 1);
        if (requests[i].bits == 0) {
            if (hand_error(&h) != SSHIO_EKEY_EXCHANGE_FAILED)
                fail_msg("%s: %d", requests[i].what, hand_error(&h));
        } else {
            struct reader r = expect(&h, MSG_KEX_DH_GEX_GROUP);
            if (8 * read_mpint(&r).len != requests[i].bits)
                fail_msg("%s: another size", requests[i].what);
            assert_int_equal(read_mpint(&r).data[0], 2);
            assert_true(reader_done(&r));
        }
        hand_done(&h);
    }
}

static const struct {
    const char *cipher;
    uint32_t dh_max_bits;
    uint32_t wanted, max;
} wishes[] = {
    { "aes128-gcm@openssh.com", 8192, 3072, 8192 },
    { "aes256-gcm@openssh.com", 8192, 8192, 8192 },
    { "chacha20-poly1305@openssh.com", 8192, 8192, 8192 },
    { "aes256-gcm@openssh.com", 4096, 4096, 4096 },
    { "aes128-ctr", 8192, 8192, 8192 }, /* a MAC beside it has a longer key */
};

/* RFC 8270: 2048 at least; and about as strong as the cipher. */
static void test_client_asks_for_a_group_that_fits_the_cipher(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(wishes); i++) {
        struct hand h;
        hand_init(&h, CLIENT);
        h.pair.kex_algs[0] = kex_alg_find(GEX);
        h.pair.cipher_algs[0] = cipher_find(wishes[i].cipher);
        h.pair.config[CLIENT].limits.dh_max_bits = wishes[i].dh_max_bits;
        hand_start(&h);
        hand_greet(&h, &(struct hand_greeting){ .kex = GEX });
        expect(&h, MSG_KEXINIT);
        struct reader r = expect(&h, MSG_KEX_DH_GEX_REQUEST);
        assert_int_equal(read_u32(&r), 2048);
        assert_int_equal(read_u32(&r), wishes[i].wanted);
        assert_int_equal(read_u32(&r), wishes[i].max);
        assert_true(reader_done(&r));
        hand_done(&h);
    }
}

/* ---- group exchange: what is answered ---- */

static const struct {
    const char *what;
    size_t p_len;
    uint8_t first, middle, last; /* of p; middle fills it */
    uint8_t g;
    const char *message;
} bad_groups[] = {
    { "too small", 128, 0xff, 0xff, 0xff, 2, "Kex DH group has 1024 bits, asked for were 2048 to 8192" },
    { "a bit too small", 256, 0x7f, 0xff, 0xff, 2, "Kex DH group has 2047 bits, asked for were 2048 to 8192" },
    { "too large", 1025, 0xff, 0xff, 0xff, 2, "Kex DH group has numbers of 1025 and 1 bytes" },
    { "even", 256, 0xff, 0xff, 0xfe, 2, "Kex DH p is even" },
    { "g = 0", 256, 0xff, 0xff, 0xff, 0, "Kex DH g out of range" },
    { "g = 1", 256, 0xff, 0xff, 0xff, 1, "Kex DH g out of range" },
};

/* C1, RFC 4419 3 */
static void test_c1_client_refuses_bad_groups(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad_groups); i++) {
        struct hand h;
        uint8_t p[1025];
        begin(&h, CLIENT, GEX);
        memset(p, bad_groups[i].middle, sizeof p);
        p[0] = bad_groups[i].first;
        p[bad_groups[i].p_len - 1] = bad_groups[i].last;
        struct writer *w = message(MSG_KEX_DH_GEX_GROUP);
        put_mpint(w, p, bad_groups[i].p_len);
        put_mpint(w, &bad_groups[i].g, 1);
        finish(&h, w);
        if (hand_error(&h) != SSHIO_EPROTOCOL || strcmp(hand_message(&h), bad_groups[i].message) != 0)
            fail_msg("%s: %s", bad_groups[i].what, hand_message(&h));
        hand_done(&h);
    }
}

/* p = 15^525, in which 15 to anything large is nothing. */
static void test_c1_group_without_powers_ends_the_exchange(void **state)
{
    (void)state;
    struct hand h;
    uint8_t p[300] = { 0 };
    static const uint8_t g = 15;
    p[sizeof p - 1] = 1;
    for (int i = 0; i < 525; i++) {
        unsigned carry = 0;
        for (size_t k = sizeof p; k > 0; k--) {
            carry += 15u * p[k - 1];
            p[k - 1] = (uint8_t)carry;
            carry >>= 8;
        }
    }
    begin(&h, CLIENT, GEX);
    struct writer *w = message(MSG_KEX_DH_GEX_GROUP);
    put_mpint(w, p, sizeof p);
    put_mpint(w, &g, 1);
    finish(&h, w);
    assert_int_equal(hand_error(&h), SSHIO_EKEY_EXCHANGE_FAILED);
    assert_string_equal(hand_message(&h), "Kex DH e could not be computed");
    hand_done(&h);
}

/* ---- order ---- */

struct order_case {
    const char *what, *method;
    int side;           /* of the engine */
    uint8_t numbers[4]; /* sent in order, well-formed; the last one is refused */
};

static const struct order_case orders[] = {
    { "reply to a server", GROUP14, SERVER, { 31 } },
    { "init to a client", GROUP14, CLIENT, { 30 } },
    { "two inits", GROUP14, SERVER, { 30, 30 } },
    { "a group exchange's number", GROUP14, SERVER, { 34 } },
    { "init before a request", GEX, SERVER, { 32 } },
    { "reply to a server", GEX, SERVER, { 33 } },
    { "group to a server", GEX, SERVER, { 31 } },
    { "two requests", GEX, SERVER, { 34, 34 } },
    { "a request of the old form after one of the new", GEX, SERVER, { 34, 30 } },
    { "two inits", GEX, SERVER, { 34, 32, 32 } },
    { "request to a client", GEX, CLIENT, { 34 } },
    { "init to a client", GEX, CLIENT, { 32 } },
    { "reply before a group", GEX, CLIENT, { 33 } },
    { "two groups", GEX, CLIENT, { 31, 31 } },
    { "an undefined one", GEX, SERVER, { 35 } },
    { "the last of them", GEX, SERVER, { 49 } },
};

static void send_well_formed(struct hand *h, const struct order_case *c, uint8_t number)
{
    bool gex = strcmp(c->method, GEX) == 0;
    if (gex && number == MSG_KEX_DH_GEX_REQUEST) {
        ask_for_group14(h);
        return;
    }
    if (gex && number == MSG_KEX_DH_GEX_GROUP) {
        send_group14(h);
        return;
    }
    struct writer *w = message(number);
    put_mpint(w, "\x55", 1);
    finish(h, w);
}

/* S2, S9: numbers that the method does not wait for, or not any more. */
static void test_s2_s9_messages_out_of_order_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(orders); i++) {
        const struct order_case *c = &orders[i];
        struct hand h;
        begin(&h, c->side, c->method);
        for (size_t n = 0; n < COUNT(c->numbers) && c->numbers[n] != 0; n++) {
            if (hand_error(&h) != 0)
                fail_msg("%s, %s: too early: %s", c->method, c->what, hand_message(&h));
            send_well_formed(&h, c, c->numbers[n]);
        }
        if (hand_error(&h) != SSHIO_EPROTOCOL || strncmp(hand_message(&h), "Unexpected", 10) != 0)
            fail_msg("%s, %s: %s", c->method, c->what, hand_message(&h));
        hand_done(&h);
    }
}

/* S11: a guess that is right is a request like any other. */
static void test_s11_guessed_request_is_used(void **state)
{
    (void)state;
    struct hand h;
    hand_init(&h, SERVER);
    h.pair.kex_algs[0] = kex_alg_find(GEX);
    hand_start(&h);
    hand_greet(&h, &(struct hand_greeting){ .kex = GEX, .guesses = true });
    expect(&h, MSG_KEXINIT);
    ask_for_group14(&h);
    expect(&h, MSG_KEX_DH_GEX_GROUP);
    hand_done(&h);
}

/* S11: a server has nothing to guess with; what it sends ahead is dropped, whatever it claims. */
static void test_s11_guess_of_a_server_is_dropped(void **state)
{
    (void)state;
    static const char *const methods[] = { GROUP14, GEX };
    for (size_t i = 0; i < COUNT(methods); i++) {
        struct hand h;
        hand_init(&h, CLIENT);
        h.pair.kex_algs[0] = kex_alg_find(methods[i]);
        hand_start(&h);
        hand_greet(&h, &(struct hand_greeting){ .kex = methods[i], .guesses = true });
        hand_send(&h, SPAN("\x1e", 1));
        assert_int_equal(hand_error(&h), 0);
        hand_send(&h, SPAN("\x1e", 1));
        assert_int_equal(hand_error(&h), SSHIO_EPROTOCOL);
        hand_done(&h);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exchange_hash_is_the_one_of_the_rfcs),
        cmocka_unit_test(test_c1_server_refuses_values_out_of_range),
        cmocka_unit_test(test_c1_client_refuses_values_out_of_range),
        cmocka_unit_test(test_p7_trailing_bytes_are_refused),
        cmocka_unit_test(test_c1_server_hands_out_what_makes_sense),
        cmocka_unit_test(test_client_asks_for_a_group_that_fits_the_cipher),
        cmocka_unit_test(test_c1_client_refuses_bad_groups),
        cmocka_unit_test(test_c1_group_without_powers_ends_the_exchange),
        cmocka_unit_test(test_s2_s9_messages_out_of_order_are_refused),
        cmocka_unit_test(test_s11_guessed_request_is_used),
        cmocka_unit_test(test_s11_guess_of_a_server_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
