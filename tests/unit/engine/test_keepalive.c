/* Asking a silent peer whether it is there (ServerAliveInterval of ssh_config(5), SSHConnection.set_keepalive). */
#include "engine/unit.h"

#include "base/memory.h"
#include "engine/pair.h"

#define INTERVAL_MS 1000
#define COUNT_MAX 3

static struct pair pair;

static void start(int asking)
{
    pair_init(&pair, PAIR_FAST);
    pair.config[asking].keepalive_ms = INTERVAL_MS;
    pair.config[asking].keepalive_count_max = COUNT_MAX;
    pair_start(&pair);
    assert_true(pair_log_in(&pair));
}

static int tear_down(void **state)
{
    (void)state;
    pair_done(&pair);
    return 0;
}

static void wait_ms(uint64_t ms)
{
    pair_advance(&pair, ms);
    pair_run(&pair);
}

static void keep_unanswered(void *owner, struct span name, bool want_reply, struct span data)
{
    (void)owner, (void)name, (void)want_reply, (void)data;
}

static void test_silent_peer_that_answers_is_kept(void **state)
{
    (void)state;
    start(CLIENT);
    for (unsigned i = 1; i <= 50; i++) {
        wait_ms(INTERVAL_MS);
        assert_int_equal(pair_seen(&pair, SERVER, MSG_GLOBAL_REQUEST), i);
    }
    assert_int_equal(pair_error(&pair, CLIENT), 0);
}

/* Noticed after the interval times count + 1; no DISCONNECT is sent. */
static void test_dead_peer_is_noticed(void **state)
{
    (void)state;
    for (int asking = 0; asking < 2; asking++) {
        start(asking);
        pair.cut[1 - asking] = true;
        for (unsigned i = 0; i < COUNT_MAX; i++)
            wait_ms(INTERVAL_MS);
        pair_advance(&pair, INTERVAL_MS - 1);
        assert_false(engine_ended(pair.side[asking].engine));
        pair_advance(&pair, 1);
        assert_true(engine_ended(pair.side[asking].engine));
        assert_int_equal(pair_error(&pair, asking), SSHIO_ECONNECTION_LOST);
        assert_string_equal(pair_message(&pair, asking), asking == CLIENT ? "Server not responding to keepalive"
                                                                          : "Client not responding to keepalive");
        if (asking == CLIENT)
            pair_done(&pair);
    }
}

static void test_traffic_puts_the_question_off(void **state)
{
    (void)state;
    start(CLIENT);
    for (unsigned i = 0; i < 20; i++) {
        pair_advance(&pair, INTERVAL_MS - 1);
        engine_send_ignore(pair.side[SERVER].engine, 1);
        pair_run(&pair);
    }
    assert_int_equal(pair_seen(&pair, SERVER, MSG_GLOBAL_REQUEST), 0);
}

/* Any packet counts as a sign of life, not just the answer. */
static void test_any_packet_resets_the_count(void **state)
{
    (void)state;
    start(CLIENT);
    pair.cut[SERVER] = true;
    for (unsigned i = 0; i < 5; i++) {
        for (unsigned k = 0; k < COUNT_MAX; k++)
            wait_ms(INTERVAL_MS);
        engine_send_ignore(pair.side[SERVER].engine, 1);
        pair_run(&pair);
    }
    assert_false(engine_ended(pair.side[CLIENT].engine));
}

/* It talks, so that it is alive; what is remembered of the requests must not grow with their number, and late answers
 * are still taken. */
static void test_peer_that_never_answers_costs_no_memory(void **state)
{
    static const uint8_t failure = MSG_REQUEST_FAILURE;
    (void)state;
    start(CLIENT);
    pair.side[SERVER].hooks.global_request = keep_unanswered;
    wait_ms(INTERVAL_MS);
    uint64_t live = 0;
    for (unsigned i = 0; i < 50; i++) {
        wait_ms(INTERVAL_MS);
        engine_send_ignore(pair.side[SERVER].engine, 1);
        pair_run(&pair);
        pair.cut[SERVER] = true; /* nor does it have to keep them */
        live = i == 0 ? mem_live() : live;
        assert_true(mem_live() <= live);
    }
    for (unsigned i = 0; i < 51; i++)
        pair_send_raw(&pair, SERVER, &failure, 1);
    pair_run(&pair);
    assert_false(engine_ended(pair.side[CLIENT].engine));
    pair_send_raw(&pair, SERVER, &failure, 1);
    pair_run(&pair);
    assert_string_equal(pair_message(&pair, CLIENT), "Unexpected reply to a global request");
}

static void test_nothing_is_asked_before_login(void **state)
{
    (void)state;
    pair_init(&pair, PAIR_FAST);
    pair.config[CLIENT].keepalive_ms = INTERVAL_MS;
    pair.cut[CLIENT] = pair.cut[SERVER] = true;
    pair_start(&pair);
    wait_ms(20 * INTERVAL_MS);
    assert_false(engine_ended(pair.side[CLIENT].engine));
}

static void test_it_can_be_changed_while_open(void **state)
{
    (void)state;
    start(CLIENT);
    engine_set_keepalive(pair.side[CLIENT].engine, 0, 0);
    assert_true(engine_deadline(pair.side[CLIENT].engine) == UINT64_MAX);
    wait_ms(20 * INTERVAL_MS);
    assert_int_equal(pair_seen(&pair, SERVER, MSG_GLOBAL_REQUEST), 0);
    engine_set_keepalive(pair.side[CLIENT].engine, 50, 0);
    wait_ms(50);
    assert_int_equal(pair_error(&pair, CLIENT), SSHIO_ECONNECTION_LOST);
}

/* A peer that dies in the middle of a key exchange is noticed by the exchange's own limit or by this, whichever comes
 * first. */
static void test_the_clock_runs_on_in_a_rekey(void **state)
{
    (void)state;
    start(CLIENT);
    engine_rekey(pair.side[CLIENT].engine);
    pair.cut[SERVER] = true;
    for (unsigned i = 0; i <= COUNT_MAX; i++)
        wait_ms(INTERVAL_MS);
    assert_string_equal(pair_message(&pair, CLIENT), "Server not responding to keepalive");
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_silent_peer_that_answers_is_kept),
        TEST(test_dead_peer_is_noticed),
        TEST(test_traffic_puts_the_question_off),
        TEST(test_any_packet_resets_the_count),
        TEST(test_peer_that_never_answers_costs_no_memory),
        TEST(test_nothing_is_asked_before_login),
        TEST(test_it_can_be_changed_while_open),
        TEST(test_the_clock_runs_on_in_a_rekey),
    };
    return cmocka_run_group_tests_name("keepalive", tests, NULL, NULL);
}
