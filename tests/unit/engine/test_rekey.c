/* Re-exchange of keys (RFC 4253 section 9): who may start it, when we do, what waits meanwhile,
 * what a peer can make us do. */
#include "engine/unit.h"

#include <sshio/constants.h>

#include "base/memory.h"
#include "engine/exchange.h"
#include "engine/injection.h"
#include "engine/pair.h"
#include "key/key.h"

static void start(struct pair *p, enum pair_mode mode)
{
    pair_init(p, mode);
    pair_start(p);
    assert_true(pair_log_in(p));
}

/* Carries one message to the other side: the smallest traffic there is. */
static void send_one(struct pair *p, int from)
{
    engine_send_ignore(p->side[from].engine, 0);
    pair_run(p);
}

static void test_either_side_may_start_whatever_the_chunks(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 20; seed++) {
        struct pair p;
        uint8_t session_id[64];
        pair_init(&p, PAIR_FAST);
        p.random = seed;
        pair_start(&p);
        assert_true(pair_log_in(&p));
        struct span id = engine_session_id(p.side[CLIENT].engine);
        memcpy(session_id, id.data, id.len);
        engine_rekey(p.side[seed % 2].engine);
        pair_run(&p);
        for (int i = 0; i < 2; i++) {
            struct engine_stats stats;
            assert_int_equal(p.side[i].keys_changed, 2);
            engine_stats(p.side[i].engine, &stats);
            assert_int_equal(stats.rekeys, 1);
            assert_memory_equal(engine_session_id(p.side[i].engine).data, session_id, id.len);
        }
        pair_done(&p);
    }
}

/* Both KEXINIT cross: one exchange, not two. */
static void test_both_sides_may_start_at_once(void **state)
{
    (void)state;
    struct pair p;
    start(&p, PAIR_FAST);
    engine_rekey(p.side[CLIENT].engine);
    engine_rekey(p.side[SERVER].engine);
    pair_run(&p);
    assert_int_equal(p.side[CLIENT].keys_changed, 2);
    assert_int_equal(p.side[SERVER].keys_changed, 2);
    send_one(&p, CLIENT);
    assert_int_equal(p.side[SERVER].ended, 0);
    pair_done(&p);
}

static void test_nothing_starts_before_login(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, PAIR_FAST);
    pair_start(&p);
    engine_rekey(p.side[CLIENT].engine);
    assert_true(pair_log_in(&p));
    assert_int_equal(p.side[CLIENT].keys_changed, 1);
    pair_done(&p);
}

/* ---- when we start ---- */

static void test_bytes_of_either_direction_start_one(void **state)
{
    (void)state;
    for (int sender = CLIENT; sender <= SERVER; sender++) {
        struct pair p;
        pair_init(&p, PAIR_FAST);
        p.config[CLIENT].rekey_bytes = 20000;
        pair_start(&p);
        assert_true(pair_log_in(&p));
        engine_send_ignore(p.side[sender].engine, 15000);
        pair_run(&p);
        assert_int_equal(p.side[CLIENT].keys_changed, 1);
        engine_send_ignore(p.side[sender].engine, 6000);
        pair_run(&p);
        assert_int_equal(p.side[CLIENT].keys_changed, 2);
        send_one(&p, sender);
        assert_int_equal(p.side[CLIENT].keys_changed, 2);
        pair_done(&p);
    }
}

/* At least one other packet passes between two exchanges. */
static void test_rekey_after_every_byte_still_makes_progress(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, PAIR_FAST);
    p.config[CLIENT].rekey_bytes = 1;
    p.config[SERVER].rekey_bytes = 1;
    p.config[SERVER].limits.peer_rekeys = 1000;
    p.config[CLIENT].limits.peer_rekeys = 1000;
    pair_start(&p);
    assert_true(pair_log_in(&p));
    for (unsigned i = 1; i <= 20; i++) {
        unsigned before = pair_seen(&p, SERVER, MSG_IGNORE);
        send_one(&p, CLIENT);
        assert_int_equal(pair_seen(&p, SERVER, MSG_IGNORE), before + 1);
    }
    assert_in_range(p.side[CLIENT].keys_changed, 20, 45);
    assert_int_equal(p.side[CLIENT].ended + p.side[SERVER].ended, 0);
    pair_done(&p);
}

static void test_time_starts_one_with_the_next_traffic(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, PAIR_FAST);
    p.config[SERVER].rekey_ms = 60000;
    pair_start(&p);
    assert_true(pair_log_in(&p));
    assert_int_equal(engine_deadline(p.side[SERVER].engine), UINT64_MAX);
    pair_advance(&p, 61000);
    pair_run(&p);
    assert_int_equal(p.side[CLIENT].keys_changed, 1);
    send_one(&p, CLIENT);
    assert_int_equal(p.side[CLIENT].keys_changed, 2);
    pair_done(&p);
}

/* C7, RFC 4344 3.1: the number of packets under one key is bounded whatever the options say. */
static void test_c7_packets_under_one_key_are_bounded(void **state)
{
    (void)state;
    struct pair p;
    start(&p, PAIR_FAST);
    p.side[CLIENT].engine->transport.send.key_packets = (UINT64_C(1) << 31) - 2;
    send_one(&p, CLIENT);
    assert_int_equal(p.side[CLIENT].keys_changed, 1);
    send_one(&p, CLIENT);
    assert_int_equal(p.side[CLIENT].keys_changed, 2);
    pair_done(&p);
}

/* ---- what waits ---- */

/* S8, FC15: from our KEXINIT to our NEWKEYS nothing but key exchange leaves; then what waited, in
 * order. */
static void test_s8_messages_wait_for_newkeys_in_order(void **state)
{
    (void)state;
    struct pair p;
    start(&p, PAIR_FAST);
    pair_flush(&p, CLIENT);
    engine_rekey(p.side[CLIENT].engine);
    engine_send_debug(p.side[CLIENT].engine, false, "one", "");
    engine_global_request(p.side[CLIENT].engine, "two", SPAN(NULL, 0), NULL, NULL);
    engine_send_debug(p.side[CLIENT].engine, false, "three", "");
    size_t start_len = p.side[SERVER].order_len;
    pair_run(&p);
    static const uint8_t expected[] = { MSG_KEXINIT, MSG_KEX_ECDH_INIT,  MSG_NEWKEYS,
                                        MSG_DEBUG,   MSG_GLOBAL_REQUEST, MSG_DEBUG };
    assert_int_equal(p.side[SERVER].order_len, start_len + sizeof expected);
    assert_memory_equal(p.side[SERVER].order + start_len, expected, sizeof expected);
    pair_done(&p);
}

/* What a stalled exchange makes us keep has an end. */
static void test_s8_what_waits_is_bounded(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, PAIR_FAST);
    p.config[CLIENT].limits.control_queue = 100000;
    p.config[CLIENT].limits.output_high = 10000;
    pair_start(&p);
    assert_true(pair_log_in(&p));
    engine_rekey(p.side[CLIENT].engine);
    for (int i = 0; i < 10000 && !engine_ended(p.side[CLIENT].engine); i++)
        engine_send_debug(p.side[CLIENT].engine, false, "0123456789", "");
    assert_true(engine_ended(p.side[CLIENT].engine));
    pair_flush(&p, CLIENT);
    assert_int_equal(p.side[CLIENT].ended, 1);
    assert_int_equal(pair_error(&p, CLIENT), SSHIO_ELIMIT);
    pair_done(&p);
}

/* S8: after its KEXINIT a peer sends nothing of the connection protocol until NEWKEYS. */
static void test_s8_peer_that_goes_on_after_kexinit_ends(void **state)
{
    (void)state;
    static const uint8_t numbers[] = { 5, 7, 50, 80, 90, 94, 98, 192 };
    for (size_t i = 0; i < COUNT(numbers); i++) {
        struct pair p;
        start(&p, PAIR_FAST);
        engine_rekey(p.side[CLIENT].engine);
        pair_send_raw(&p, CLIENT, &numbers[i], 1);
        pair_run(&p);
        assert_int_equal(pair_error(&p, SERVER), SSHIO_EPROTOCOL);
        pair_done(&p);
    }
}

/* AsyncSSH holds nothing back in a re-exchange: what belongs to the open connection is taken, and nothing else. */
static void test_peer_known_to_go_on_after_kexinit_is_borne(void **state)
{
    (void)state;
    static const struct {
        uint8_t number;
        int code;
    } cases[] = { { MSG_PING, 0 },
                  { MSG_USERAUTH_REQUEST, SSHIO_EPROTOCOL },
                  { MSG_SERVICE_REQUEST, SSHIO_EPROTOCOL } };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pair p;
        uint8_t message[5] = { cases[i].number };
        pair_init(&p, PAIR_FAST);
        p.config[CLIENT].version = "AsyncSSH_2.10.1";
        pair_start(&p);
        assert_true(pair_log_in(&p));
        engine_rekey(p.side[CLIENT].engine);
        for (int count = 0; count < 3; count++)
            pair_send_raw(&p, CLIENT, message, sizeof message);
        pair_run(&p);
        assert_int_equal(pair_error(&p, SERVER), cases[i].code);
        pair_done(&p);
    }
}

/* TinySSH leaves what came together with NEWKEYS in its buffer: it is woken, once at least, then until something comes,
 * and not for ever. */
static void test_peer_known_to_wait_for_more_is_nudged(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, PAIR_FAST);
    p.config[SERVER].version = "tinyssh_20230101 x";
    pair_start(&p);
    assert_true(pair_log_in(&p));
    assert_true(engine_deadline(p.side[CLIENT].engine) == UINT64_MAX);
    engine_rekey(p.side[CLIENT].engine);
    pair_run(&p);
    for (unsigned nudges = 1; nudges <= 2; nudges++) {
        uint64_t due = engine_deadline(p.side[CLIENT].engine);
        assert_true(due <= p.now_ms + 50 * nudges);
        pair_advance(&p, due - p.now_ms);
        pair_run(&p);
        assert_int_equal(pair_seen(&p, SERVER, MSG_IGNORE), nudges);
    }
    send_one(&p, SERVER);
    pair_advance(&p, 10000);
    pair_run(&p);
    assert_int_equal(pair_seen(&p, SERVER, MSG_IGNORE), 2);
    engine_rekey(p.side[CLIENT].engine);
    pair_run(&p);
    for (int i = 0; i < 100; i++) {
        pair_advance(&p, 10000);
        pair_run(&p);
    }
    assert_in_range(pair_seen(&p, SERVER, MSG_IGNORE), 6, 20);
    assert_true(engine_deadline(p.side[CLIENT].engine) == UINT64_MAX);
    pair_done(&p);
}

/* FC7: data that was on its way when we sent our KEXINIT is still taken. */
static void test_traffic_that_crosses_our_kexinit_is_taken(void **state)
{
    (void)state;
    static const uint8_t ping[] = { 192, 0, 0, 0, 0 };
    struct pair p;
    start(&p, PAIR_FAST);
    pair_send_raw(&p, SERVER, ping, sizeof ping);
    engine_rekey(p.side[CLIENT].engine);
    pair_run(&p);
    assert_int_equal(p.side[CLIENT].ended, 0);
    assert_int_equal(pair_seen(&p, SERVER, MSG_PONG), 1);
    const uint8_t *newkeys = memchr(p.side[SERVER].order + 5, MSG_NEWKEYS, p.side[SERVER].order_len - 5);
    assert_non_null(newkeys);
    assert_int_equal(newkeys[1], MSG_PONG);
    pair_done(&p);
}

/* S6 in a re-exchange: IGNORE, UNIMPLEMENTED and DEBUG may come in between, strict or not. */
static void test_s6_optional_messages_in_a_rekey_are_ignored(void **state)
{
    (void)state;
    static const uint8_t ignore[] = { 2, 0, 0, 0, 0 };
    struct pair p;
    start(&p, PAIR_FAST);
    engine_rekey(p.side[CLIENT].engine);
    pair_send_raw(&p, CLIENT, ignore, sizeof ignore);
    pair_run(&p);
    assert_int_equal(p.side[CLIENT].keys_changed, 2);
    assert_int_equal(p.side[SERVER].ended, 0);
    pair_done(&p);
}

/* S4: the markers stand in the first KEXINIT only. */
static void test_s4_markers_are_not_repeated(void **state)
{
    (void)state;
    struct pair p;
    start(&p, PAIR_FAST);
    for (int i = 0; i < 2; i++) {
        struct reader r = pair_last(&p, i, MSG_KEXINIT);
        read_bytes(&r, 16);
        assert_true(read_u32(&r) > strlen("test-kex@sshio"));
    }
    engine_rekey(p.side[CLIENT].engine);
    pair_run(&p);
    for (int i = 0; i < 2; i++) {
        struct reader r = pair_last(&p, i, MSG_KEXINIT);
        read_bytes(&r, 16);
        assert_true(span_is(read_string(&r), "test-kex@sshio"));
    }
    assert_true(engine_strict_kex(p.side[SERVER].engine));
    pair_done(&p);
}

/* S4: a marker in a later KEXINIT changes nothing. */
static void test_s4_marker_in_a_rekey_is_ignored(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, PAIR_FAST);
    pair_start(&p);
    pair_without_markers(&p);
    assert_true(pair_log_in(&p));
    for (int i = 0; i < 2; i++)
        p.side[i].engine->kex.first_kexinit_sent = false;
    uint32_t before = p.side[CLIENT].engine->transport.send.seq;
    engine_rekey(p.side[CLIENT].engine);
    pair_run(&p);
    assert_int_equal(p.side[CLIENT].keys_changed, 2);
    assert_false(engine_strict_kex(p.side[CLIENT].engine));
    assert_int_equal(p.side[CLIENT].engine->transport.send.seq, before + 3);
    assert_int_equal(pair_seen(&p, SERVER, MSG_EXT_INFO), 0);
    pair_done(&p);
}

/* ---- the host key in a re-exchange ---- */

static void test_s10_same_host_key_is_not_asked_for_again(void **state)
{
    (void)state;
    struct pair p;
    start(&p, PAIR_REAL);
    engine_rekey(p.side[CLIENT].engine);
    pair_run(&p);
    assert_int_equal(p.side[CLIENT].keys_changed, 2);
    assert_int_equal(p.side[CLIENT].host_keys, 1);
    assert_int_equal(p.side[SERVER].signs, 2);
    pair_done(&p);
}

static void refuse_second(void *owner, struct span blob, const struct sig_alg *alg)
{
    struct pair_side *s = owner;
    struct error error;
    (void)blob, (void)alg;
    if (s->host_keys == 1) {
        engine_trust_host_key(s->engine, NULL);
        return;
    }
    error_init(&error);
    error_set(&error, SSHIO_EHOST_KEY_NOT_VERIFIABLE, "The host key has changed");
    engine_refuse_host_key(s->engine, &error);
    error_clear(&error);
}

static void test_s10_changed_host_key_is_asked_for(void **state)
{
    (void)state;
    struct pair p;
    sshio_key *other = NULL;
    pair_init(&p, PAIR_REAL);
    p.side[CLIENT].hooks.host_key_received = refuse_second;
    pair_start(&p);
    assert_true(pair_log_in(&p));
    assert_int_equal(key_generate("ssh-ed25519", NULL, &other, NULL), 0);
    p.host_keys[0].key = other;
    p.host_keys[0].blob = key_public_blob(other);
    engine_rekey(p.side[CLIENT].engine);
    pair_run(&p);
    assert_int_equal(p.side[CLIENT].host_keys, 2);
    assert_int_equal(pair_error(&p, CLIENT), SSHIO_EHOST_KEY_NOT_VERIFIABLE);
    assert_int_equal(p.side[CLIENT].keys_changed, 1);
    pair_done(&p);
    sshio_key_unref(other);
}

/* ---- a peer that overdoes it, or stalls ---- */

/* The server takes ten within ten seconds, and counts anew when time has passed. */
static void test_peer_that_rekeys_all_the_time_ends(void **state)
{
    (void)state;
    for (int patient = 0; patient < 2; patient++) {
        struct pair p;
        start(&p, PAIR_FAST);
        for (int i = 0; i < 11; i++) {
            if (patient)
                pair_advance(&p, 2000);
            engine_rekey(p.side[CLIENT].engine);
            pair_run(&p);
        }
        assert_int_equal(p.side[SERVER].ended, patient ? 0 : 1);
        assert_int_equal(p.side[SERVER].keys_changed, patient ? 12 : 11);
        pair_done(&p);
    }
}

static void test_rekey_that_stalls_ends(void **state)
{
    (void)state;
    struct pair p;
    start(&p, PAIR_FAST);
    p.cut[SERVER] = true;
    engine_rekey(p.side[CLIENT].engine);
    pair_run(&p);
    assert_int_equal(engine_deadline(p.side[CLIENT].engine), p.now_ms + limits_default.login_ms);
    pair_advance(&p, limits_default.login_ms - 1);
    assert_int_equal(p.side[CLIENT].ended, 0);
    pair_advance(&p, 1);
    assert_int_equal(pair_error(&p, CLIENT), SSHIO_EKEY_EXCHANGE_FAILED);
    pair_done(&p);
}

/* An idle engine keeps nothing of an exchange. */
static void test_exchange_is_freed_when_it_is_done(void **state)
{
    (void)state;
    struct pair p;
    start(&p, PAIR_FAST);
    for (int i = 0; i < 2; i++) {
        assert_null(p.side[i].engine->kex.running);
        assert_null(p.side[i].engine->transport.first);
        assert_null(p.side[i].engine->held_first);
    }
    assert_true(sizeof(struct engine) <= 1536);
    pair_done(&p);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_either_side_may_start_whatever_the_chunks),
        cmocka_unit_test(test_both_sides_may_start_at_once),
        cmocka_unit_test(test_nothing_starts_before_login),
        cmocka_unit_test(test_bytes_of_either_direction_start_one),
        cmocka_unit_test(test_rekey_after_every_byte_still_makes_progress),
        cmocka_unit_test(test_time_starts_one_with_the_next_traffic),
        cmocka_unit_test(test_c7_packets_under_one_key_are_bounded),
        cmocka_unit_test(test_s8_messages_wait_for_newkeys_in_order),
        cmocka_unit_test(test_s8_what_waits_is_bounded),
        cmocka_unit_test(test_s8_peer_that_goes_on_after_kexinit_ends),
        cmocka_unit_test(test_peer_known_to_go_on_after_kexinit_is_borne),
        cmocka_unit_test(test_peer_known_to_wait_for_more_is_nudged),
        cmocka_unit_test(test_traffic_that_crosses_our_kexinit_is_taken),
        cmocka_unit_test(test_s6_optional_messages_in_a_rekey_are_ignored),
        cmocka_unit_test(test_s4_markers_are_not_repeated),
        cmocka_unit_test(test_s4_marker_in_a_rekey_is_ignored),
        cmocka_unit_test(test_s10_same_host_key_is_not_asked_for_again),
        cmocka_unit_test(test_s10_changed_host_key_is_asked_for),
        cmocka_unit_test(test_peer_that_rekeys_all_the_time_ends),
        cmocka_unit_test(test_rekey_that_stalls_ends),
        cmocka_unit_test(test_exchange_is_freed_when_it_is_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
