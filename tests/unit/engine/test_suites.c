/* Connections under every cipher with every MAC: joined engines, byte by byte, and re-exchanges that change from one to
 * the other (RFC 4253 sections 6, 7.3 and 9; S5, P5). */
#include "engine/unit.h"

#include "crypto/suites.h"
#include "engine/echo.h"
#include "engine/pair.h"

static void use_suite(struct pair *p, const struct suite *suite)
{
    p->cipher_algs[0] = suite->cipher;
    p->mac_algs[0] = suite->mac;
}

static void start(struct pair *p, const struct suite *suite)
{
    pair_init(p, PAIR_FAST);
    use_suite(p, suite);
    p->unwatched = true;
    echo_init(p);
    pair_start(p);
}

static void test_every_suite_works_byte_by_byte(void **state)
{
    (void)state;
    struct suite suite;
    for (size_t i = 0; suite_at(i, &suite); i++) {
        struct pair p;
        struct engine_algorithms algs;
        start(&p, &suite);
        p.byte_by_byte = true;
        assert_true(pair_log_in(&p));
        echo_check(&p, 100);
        engine_algorithms(p.side[SERVER].engine, &algs);
        assert_string_equal(algs.recv_cipher, suite.cipher->name);
        assert_string_equal(algs.send_mac, suite.mac != NULL ? suite.mac->name : suite.cipher->name);
        assert_string_equal(algs.send_compression, "none");
        pair_done(&p);
    }
}

/* RFC 4253 7.1: each direction has its own; the client's first name counts in each. */
static void test_directions_may_differ(void **state)
{
    (void)state;
    const struct cipher_alg *client_algs[] = { cipher_find("aes256-ctr"), NULL };
    struct pair p;
    struct engine_algorithms algs;
    start(&p, &(struct suite){ cipher_find("aes256-ctr"), mac_find("hmac-sha1") });
    p.config[CLIENT].cipher_algs = client_algs;
    assert_true(pair_log_in(&p));
    p.side[CLIENT].engine->transport.send.key_bytes = 0;
    engine_algorithms(p.side[CLIENT].engine, &algs);
    assert_string_equal(algs.send_cipher, "aes256-ctr");
    assert_string_equal(algs.recv_mac, "hmac-sha1");
    echo_check(&p, 40000);
    pair_done(&p);
}

/* RFC 4253 9: a re-exchange may choose anything, and starts all of it anew. */
static void test_rekeys_change_from_each_suite_to_each_other(void **state)
{
    (void)state;
    static const struct {
        const char *cipher, *mac;
        size_t compression;
    } steps[] = {
        { "aes128-gcm@openssh.com", NULL, 0 }, { "aes128-ctr", "hmac-sha2-256-etm@openssh.com", 0 },
        { "aes256-ctr", "hmac-sha2-512", 1 },  { "chacha20-poly1305@openssh.com", NULL, 2 },
        { "aes192-ctr", "hmac-sha1", 0 },      { "aes192-ctr", "hmac-sha1-etm@openssh.com", 2 },
        { "aes256-gcm@openssh.com", NULL, 1 }, { "aes128-gcm@openssh.com", NULL, 0 },
    };
    struct pair p;
    start(&p, &(struct suite){ cipher_at(0), NULL });
    p.random = 5;
    assert_true(pair_log_in(&p));
    for (size_t i = 0; i < COUNT(steps); i++) {
        use_suite(
            &p, &(struct suite){ cipher_find(steps[i].cipher), steps[i].mac != NULL ? mac_find(steps[i].mac) : NULL });
        p.compression_algs[0] = compression_at(steps[i].compression);
        engine_rekey(p.side[i % 2].engine);
        pair_run(&p);
        struct engine_algorithms algs;
        engine_algorithms(p.side[i % 2].engine, &algs);
        assert_string_equal(algs.send_cipher, steps[i].cipher);
        assert_string_equal(algs.recv_compression, compression_at(steps[i].compression)->name);
        echo_check(&p, 1);
        echo_check(&p, 70000);
    }
    pair_done(&p);
}

/* S5: with strict key exchange sequence numbers begin again at every NEWKEYS, and every MAC is over them. */
static void test_s5_sequence_numbers_begin_again_under_every_suite(void **state)
{
    (void)state;
    struct suite suite;
    for (size_t i = 0; suite_at(i, &suite); i++) {
        struct pair p;
        start(&p, &suite);
        assert_true(pair_log_in(&p));
        assert_true(engine_strict_kex(p.side[CLIENT].engine));
        for (int round = 0; round < 5; round++)
            echo_check(&p, 10);
        assert_in_range(p.side[CLIENT].engine->transport.send.seq, 5, 20);
        engine_rekey(p.side[CLIENT].engine);
        pair_run(&p);
        assert_int_equal(p.side[CLIENT].engine->transport.send.seq, 0);
        assert_int_equal(p.side[SERVER].engine->transport.recv.seq, 0);
        echo_check(&p, 10);
        pair_done(&p);
    }
}

/* P5: the peer is told why (DISCONNECT 5), and nothing of the packet counts. */
static void test_p5_flipped_byte_ends_the_connection_under_every_suite(void **state)
{
    (void)state;
    struct suite suite;
    for (size_t i = 0; suite_at(i, &suite); i++) {
        struct pair p;
        start(&p, &suite);
        assert_true(pair_log_in(&p));
        engine_global_request(p.side[CLIENT].engine, "echo", span_of("hello"), NULL, NULL);
        pair_flush(&p, CLIENT);
        p.side[SERVER].inbox[20] ^= 1;
        pair_run(&p);
        assert_int_equal(pair_error(&p, SERVER), SSHIO_EMAC);
        assert_int_equal(pair_error(&p, CLIENT), SSHIO_EMAC);
        assert_int_equal(p.side[SERVER].global_requests, 0);
        pair_done(&p);
    }
}

/* RFC 4344 3.2: blocks are counted too, whatever the options say. */
static void test_spent_key_is_replaced(void **state)
{
    (void)state;
    struct pair p;
    start(&p, &(struct suite){ cipher_find("aes128-ctr"), mac_find("hmac-sha1") });
    assert_true(pair_log_in(&p));
    p.side[CLIENT].engine->transport.send.key_bytes = cipher_find("aes128-ctr")->max_bytes - 1;
    echo_check(&p, 10);
    assert_int_equal(p.side[CLIENT].keys_changed, 2);
    pair_done(&p);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_suite_works_byte_by_byte),
        cmocka_unit_test(test_directions_may_differ),
        cmocka_unit_test(test_rekeys_change_from_each_suite_to_each_other),
        cmocka_unit_test(test_s5_sequence_numbers_begin_again_under_every_suite),
        cmocka_unit_test(test_p5_flipped_byte_ends_the_connection_under_every_suite),
        cmocka_unit_test(test_spent_key_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
