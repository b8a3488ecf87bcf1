/* Key exchange between two engines: RFC 4253 sections 7 to 9, strict key exchange, EXT_INFO (RFC
 * 8308). */
#include "engine/unit.h"

#include "engine/exchange.h"
#include "engine/injection.h"
#include "engine/pair.h"
#include "key/key.h"

static void test_exchange_leads_to_login_whatever_the_chunks(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 30; seed++) {
        struct pair p;
        pair_init(&p, seed % 10 == 0 ? PAIR_REAL : PAIR_FAST);
        p.random = seed;
        pair_start(&p);
        assert_true(pair_log_in(&p));
        assert_int_equal(p.side[CLIENT].keys_changed, 1);
        assert_int_equal(p.side[SERVER].keys_changed, 1);
        pair_done(&p);
    }
}

/* RFC 4253 7.2: both sides have the same session id; the server's key is shown and its signature
 * asked for once. */
static void test_both_sides_agree(void **state)
{
    (void)state;
    struct pair p;
    struct engine_algorithms client, server;
    pair_init(&p, PAIR_REAL);
    pair_start(&p);
    assert_true(pair_log_in(&p));
    assert_int_equal(engine_session_id(p.side[CLIENT].engine).len, 32);
    assert_true(span_equal(engine_session_id(p.side[CLIENT].engine), engine_session_id(p.side[SERVER].engine)));
    assert_int_equal(p.side[CLIENT].host_keys, 1);
    assert_int_equal(p.side[SERVER].signs, 1);
    engine_algorithms(p.side[CLIENT].engine, &client);
    engine_algorithms(p.side[SERVER].engine, &server);
    assert_string_equal(client.kex, "curve25519-sha256");
    assert_string_equal(client.host_key, "ssh-ed25519");
    assert_string_equal(server.host_key, "ssh-ed25519");
    assert_string_equal(client.send_cipher, "aes128-gcm@openssh.com");
    assert_string_equal(client.send_mac, "aes128-gcm@openssh.com");
    assert_string_equal(server.recv_compression, "none");
    pair_done(&p);
}

static void test_every_cipher_of_the_table_works(void **state)
{
    (void)state;
    for (size_t i = 0; i < cipher_count(); i++) {
        struct pair p;
        pair_init(&p, PAIR_FAST);
        p.cipher_algs[0] = cipher_at(i);
        pair_start(&p);
        assert_true(pair_log_in(&p));
        engine_rekey(p.side[SERVER].engine);
        pair_run(&p);
        assert_int_equal(p.side[CLIENT].keys_changed, 2);
        pair_done(&p);
    }
}

static void never_answer_host_key(void *owner, struct span blob, const struct sig_alg *alg)
{
    (void)owner, (void)blob, (void)alg;
}

static void never_sign(void *owner, void *key, const struct sig_alg *alg, struct span hash)
{
    (void)owner, (void)key, (void)alg, (void)hash;
}

/* A verdict may come later: until then no input is consumed, and nothing of authentication leaves
 * (A13). */
static void test_verdicts_given_later_are_taken(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, PAIR_REAL);
    p.side[CLIENT].hooks.host_key_received = never_answer_host_key;
    pair_start(&p);
    pair_run(&p);
    assert_true(engine_waiting(p.side[CLIENT].engine));
    assert_int_equal(pair_seen(&p, SERVER, MSG_NEWKEYS), 0);
    assert_int_equal(pair_seen(&p, SERVER, MSG_SERVICE_REQUEST), 0);
    assert_true(p.side[CLIENT].inbox_len != 0);
    engine_trust_host_key(p.side[CLIENT].engine, NULL);
    assert_true(pair_log_in(&p));
    pair_done(&p);
}

static void test_refused_host_key_ends_with_the_reason(void **state)
{
    (void)state;
    struct pair p;
    struct error refused;
    pair_init(&p, PAIR_REAL);
    p.side[CLIENT].hooks.host_key_received = never_answer_host_key;
    pair_start(&p);
    pair_run(&p);
    error_init(&refused);
    error_set(&refused, SSHIO_EHOST_KEY_NOT_VERIFIABLE, "Host key is not trusted for host x");
    engine_refuse_host_key(p.side[CLIENT].engine, &refused);
    error_clear(&refused);
    pair_run(&p);
    assert_int_equal(pair_error(&p, CLIENT), SSHIO_EHOST_KEY_NOT_VERIFIABLE);
    assert_int_equal(pair_error(&p, SERVER), SSHIO_EHOST_KEY_NOT_VERIFIABLE);
    assert_string_equal(pair_message(&p, SERVER), "Host key is not trusted for host x");
    assert_int_equal(p.side[CLIENT].ended, 1);
    assert_int_equal(pair_seen(&p, SERVER, MSG_NEWKEYS), 0);
    pair_done(&p);
}

static void test_server_that_cannot_sign_fails_the_exchange(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, PAIR_REAL);
    p.side[SERVER].hooks.sign_exchange = never_sign;
    pair_start(&p);
    pair_run(&p);
    assert_true(engine_waiting(p.side[SERVER].engine));
    engine_exchange_signature(p.side[SERVER].engine, SPAN(NULL, 0));
    pair_run(&p);
    assert_int_equal(pair_error(&p, SERVER), SSHIO_EKEY_EXCHANGE_FAILED);
    assert_int_equal(pair_error(&p, CLIENT), SSHIO_EKEY_EXCHANGE_FAILED);
    pair_done(&p);
}

static void sign_something_else(void *owner, void *key, const struct sig_alg *alg, struct span hash)
{
    struct pair_side *s = owner;
    struct writer w;
    (void)hash;
    writer_init(&w, 4096);
    assert_int_equal(key_sign(key, alg, span_of("something else"), &w, NULL), 0);
    engine_exchange_signature(s->engine, writer_span(&w));
    writer_done(&w);
}

static void test_signature_over_another_hash_is_refused(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, PAIR_REAL);
    p.side[SERVER].hooks.sign_exchange = sign_something_else;
    pair_start(&p);
    pair_run(&p);
    assert_int_equal(pair_error(&p, CLIENT), SSHIO_EKEY_EXCHANGE_FAILED);
    assert_string_equal(pair_message(&p, CLIENT), "Key exchange hash mismatch");
    assert_int_equal(pair_seen(&p, SERVER, MSG_SERVICE_REQUEST), 0);
    pair_done(&p);
}

/* RFC 8731 3: a value of the wrong length, and one that gives a zero secret. */
static void test_bad_public_values_are_protocol_errors(void **state)
{
    (void)state;
    static const size_t lens[] = { 0, 31, 32, 33 };
    for (size_t i = 0; i < COUNT(lens); i++) {
        struct pair p;
        uint8_t payload[5 + 33] = { MSG_KEX_ECDH_INIT, 0, 0, 0, (uint8_t)lens[i] };
        struct injection injection = { CLIENT, INSTEAD_OF_INIT, payload, 5 + lens[i] };
        pair_init(&p, PAIR_REAL);
        injection_set(&p, p.kex_algs[0], &injection);
        pair_start(&p);
        pair_run(&p);
        assert_int_equal(pair_error(&p, SERVER), SSHIO_EPROTOCOL);
        assert_string_equal(pair_message(&p, SERVER), "Invalid ECDH client public key");
        pair_done(&p);
    }
}

/* RFC 4253 7.2, against the definition spelled out: one and a half hashes long. */
static void test_key_material_is_a_chain_of_hashes(void **state)
{
    (void)state;
    struct exchange *x = exchange_new();
    uint8_t expected[64], out[48];
    struct writer w;
    x->hash_alg = hash_find("sha256");
    put_mpint(&x->secret, "\xff\x01", 2);
    memset(x->hash, 7, 32);
    for (int round = 0; round < 2; round++) {
        writer_init(&w, 1000);
        put_bytes(&w, writer_span(&x->secret).data, writer_span(&x->secret).len);
        put_bytes(&w, x->hash, 32);
        put_bytes(&w, round == 0 ? (const uint8_t *)"Csession" : expected, round == 0 ? 8 : 32);
        assert_true(hash_once(x->hash_alg, writer_span(&w), expected + 32 * round));
        writer_done(&w);
    }
    assert_true(exchange_derive(x, span_of("session"), 'C', out, sizeof out));
    assert_memory_equal(out, expected, sizeof out);
    exchange_free(x);
}

/* ---- strict key exchange, by a peer made by hand ---- */

struct optional_case {
    const char *what;
    uint8_t payload[16];
    size_t len;
};

static const struct optional_case optional_cases[] = {
    { "IGNORE", { 2, 0, 0, 0, 0 }, 5 },
    { "UNIMPLEMENTED", { 3, 0, 0, 0, 0 }, 5 },
    { "DEBUG", { 4, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, 10 },
    { "EXT_INFO", { 7, 0, 0, 0, 0 }, 5 },
};

static bool exchange_with(struct pair *p, const struct optional_case *c, int from, enum place place, bool strict)
{
    struct injection injection = { from, place, c->payload, c->len };
    pair_init(p, PAIR_FAST);
    injection_set(p, p->kex_algs[0], &injection);
    pair_start(p);
    if (!strict)
        pair_without_markers(p);
    return pair_log_in(p);
}

static void run_optional_cases(bool strict)
{
    for (size_t i = 0; i < COUNT(optional_cases); i++)
        for (int place = BEFORE_KEXINIT; place <= BEFORE_NEWKEYS; place++)
            for (int from = CLIENT; from <= SERVER; from++) {
                struct pair p;
                bool works = exchange_with(&p, &optional_cases[i], from, (enum place)place, strict);
                bool expected = !strict && optional_cases[i].payload[0] != MSG_EXT_INFO;
                if (works != expected)
                    fail_msg("%s in place %d from %s: %s", optional_cases[i].what, place,
                             from == CLIENT ? "client" : "server", works ? "taken" : pair_message(&p, 1 - from));
                pair_done(&p);
            }
}

static void test_s5_strict_exchange_allows_nothing_between(void **state)
{
    (void)state;
    run_optional_cases(true);
}

static void test_s6_without_strict_optional_messages_are_ignored(void **state)
{
    (void)state;
    run_optional_cases(false);
}

/* S5: both sequence numbers begin again at each NEWKEYS, in re-exchanges too. */
static void test_s5_sequence_numbers_restart_at_newkeys(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, PAIR_FAST);
    pair_start(&p);
    assert_true(pair_log_in(&p));
    assert_true(engine_strict_kex(p.side[CLIENT].engine));
    for (int i = 0; i < 20; i++)
        engine_send_ignore(p.side[CLIENT].engine, 0);
    pair_run(&p);
    uint32_t before = p.side[CLIENT].engine->transport.send.seq;
    assert_true(before > 20);
    engine_rekey(p.side[CLIENT].engine);
    pair_run(&p);
    assert_int_equal(p.side[CLIENT].engine->transport.send.seq, 0);
    assert_int_equal(p.side[SERVER].engine->transport.recv.seq, 0);
    assert_int_equal(p.side[SERVER].engine->transport.send.seq, 0);
    pair_done(&p);
}

/* Without it they count on (RFC 4253 6.4). */
static void test_sequence_numbers_go_on_without_strict(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, PAIR_FAST);
    pair_start(&p);
    pair_without_markers(&p);
    assert_true(pair_log_in(&p));
    assert_false(engine_strict_kex(p.side[SERVER].engine));
    uint32_t before = p.side[CLIENT].engine->transport.send.seq;
    engine_rekey(p.side[CLIENT].engine);
    pair_run(&p);
    assert_int_equal(p.side[CLIENT].engine->transport.send.seq, before + 3);
    pair_done(&p);
}

static void test_s5_sequence_wrap_before_newkeys_ends(void **state)
{
    (void)state;
    static const uint8_t ignore[] = { 2, 0, 0, 0, 0 };
    struct pair p;
    pair_init(&p, PAIR_FAST);
    pair_start(&p);
    pair_without_markers(&p);
    p.side[SERVER].engine->transport.recv.seq = UINT32_MAX;
    p.side[CLIENT].engine->transport.send.seq = UINT32_MAX - 5;
    pair_send_raw(&p, CLIENT, ignore, sizeof ignore);
    pair_run(&p);
    assert_int_equal(pair_error(&p, SERVER), SSHIO_EPROTOCOL);
    assert_string_equal(pair_message(&p, SERVER), "Sequence rollover before kex complete");
    pair_done(&p);
}

static void test_strict_can_be_required(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, PAIR_FAST);
    p.config[CLIENT].require_strict_kex = true;
    pair_start(&p);
    pair_without_markers(&p);
    pair_run(&p);
    assert_int_equal(pair_error(&p, CLIENT), SSHIO_EKEY_EXCHANGE_FAILED);
    pair_done(&p);
}

/* ---- EXT_INFO ---- */

/* RFC 8308 2.4: right behind the first NEWKEYS, from both sides. */
static void test_ext_info_follows_newkeys(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, PAIR_FAST);
    pair_start(&p);
    assert_true(pair_log_in(&p));
    for (int i = 0; i < 2; i++) {
        struct pair_side *s = &p.side[i];
        uint8_t *newkeys = memchr(s->order, MSG_NEWKEYS, s->order_len);
        assert_non_null(newkeys);
        assert_int_equal(newkeys[1], MSG_EXT_INFO);
        assert_int_equal(pair_seen(&p, i, MSG_EXT_INFO), 1);
    }
    pair_done(&p);
}

static void look_at_sig_algs(void *owner)
{
    struct pair_side *s = owner;
    assert_string_equal(engine_server_sig_algs(s->engine), "ssh-ed25519");
    engine_auth_none(s->engine, "guest");
}

static void test_client_knows_the_servers_signature_algorithms(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, PAIR_FAST);
    p.side[CLIENT].hooks.auth_ready = look_at_sig_algs;
    pair_start(&p);
    assert_true(pair_log_in(&p));
    pair_done(&p);
}

struct ext_info_case {
    const char *what;
    uint8_t payload[40];
    size_t len;
    bool works;
};

static const struct ext_info_case ext_info_cases[] = {
    { "empty", { 7, 0, 0, 0, 0 }, 5, true },
    { "unknown name", { 7, 0, 0, 0, 1, 0, 0, 0, 1, 'x', 0, 0, 0, 0 }, 14, true },
    { "count beyond the bytes", { 7, 0, 0, 4, 0, 0, 0, 0, 1, 'x', 0, 0, 0, 0 }, 14, false },
    { "count of 2^32-1", { 7, 0xff, 0xff, 0xff, 0xff }, 5, false },
    { "trailing byte", { 7, 0, 0, 0, 0, 0 }, 6, false },
    { "NUL in server-sig-algs",
      { 7,   0,   0,   0,   1,   0,   0,   0,   15,  's', 'e', 'r', 'v', 'e', 'r',
        '-', 's', 'i', 'g', '-', 'a', 'l', 'g', 's', 0,   0,   0,   2,   'a', 0 },
      30,
      false },
};

static void never_begin(void *owner)
{
    (void)owner;
}

/* P1: read to the first field that is cut off and no further. The client may get a second one while
 * it authenticates. */
static void test_p1_ext_info_is_read_strictly(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(ext_info_cases); i++) {
        struct pair p;
        pair_init(&p, PAIR_FAST);
        p.side[CLIENT].hooks.auth_ready = never_begin;
        pair_start(&p);
        pair_run(&p);
        pair_send_raw(&p, SERVER, ext_info_cases[i].payload, ext_info_cases[i].len);
        pair_run(&p);
        if ((pair_error(&p, CLIENT) == 0) != ext_info_cases[i].works)
            fail_msg("%s: %s", ext_info_cases[i].what, pair_message(&p, CLIENT));
        pair_done(&p);
    }
}

/* S7: a second one in the same place, and one after login. */
static void test_s7_ext_info_out_of_place_ends(void **state)
{
    (void)state;
    static const uint8_t ext_info[] = { 7, 0, 0, 0, 0 };
    for (int logged_in = 0; logged_in < 2; logged_in++)
        for (int from = CLIENT; from <= SERVER; from++) {
            struct pair p;
            pair_init(&p, PAIR_FAST);
            if (!logged_in)
                p.side[CLIENT].hooks.auth_ready = never_begin;
            pair_start(&p);
            pair_run(&p);
            pair_send_raw(&p, from, ext_info, sizeof ext_info);
            pair_send_raw(&p, from, ext_info, sizeof ext_info);
            pair_run(&p);
            assert_int_equal(pair_error(&p, 1 - from), SSHIO_EPROTOCOL);
            pair_done(&p);
        }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exchange_leads_to_login_whatever_the_chunks),
        cmocka_unit_test(test_both_sides_agree),
        cmocka_unit_test(test_every_cipher_of_the_table_works),
        cmocka_unit_test(test_verdicts_given_later_are_taken),
        cmocka_unit_test(test_refused_host_key_ends_with_the_reason),
        cmocka_unit_test(test_server_that_cannot_sign_fails_the_exchange),
        cmocka_unit_test(test_signature_over_another_hash_is_refused),
        cmocka_unit_test(test_bad_public_values_are_protocol_errors),
        cmocka_unit_test(test_key_material_is_a_chain_of_hashes),
        cmocka_unit_test(test_s5_strict_exchange_allows_nothing_between),
        cmocka_unit_test(test_s6_without_strict_optional_messages_are_ignored),
        cmocka_unit_test(test_s5_sequence_numbers_restart_at_newkeys),
        cmocka_unit_test(test_sequence_numbers_go_on_without_strict),
        cmocka_unit_test(test_s5_sequence_wrap_before_newkeys_ends),
        cmocka_unit_test(test_strict_can_be_required),
        cmocka_unit_test(test_ext_info_follows_newkeys),
        cmocka_unit_test(test_client_knows_the_servers_signature_algorithms),
        cmocka_unit_test(test_p1_ext_info_is_read_strictly),
        cmocka_unit_test(test_s7_ext_info_out_of_place_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
