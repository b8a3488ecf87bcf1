/* Global requests (RFC 4254 section 4): order, one at a time, limits, and what happens to them at the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/memory.h"
#include "engine/raw_peer.h"

static struct raw raw;
static char answers[256];
static size_t answers_len;

static int set_up(void **state)
{
    (void)state;
    answers_len = 0;
    answers[0] = '\0';
    raw_init(&raw, false, AUTH_DONE);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    raw_done(&raw);
    return 0;
}

static void note_answer(void *user, bool ok, struct span data)
{
    answers_len += (size_t)snprintf(answers + answers_len, sizeof answers - answers_len, "%s %d %.*s\n",
                                    (const char *)user, ok, (int)data.len, (const char *)data.data);
}

static void ask(const char *name)
{
    assert_int_equal(engine_global_request(raw.e, name, SPAN("data", 4), note_answer, (void *)(uintptr_t)name), 0);
}

static void test_replies_are_matched_in_order(void **state)
{
    (void)state;
    ask("one");
    assert_int_equal(engine_global_request(raw.e, "quiet", SPAN(NULL, 0), NULL, NULL), 0);
    ask("two");
    raw_expect(&raw, "80 one 1 data");
    raw_expect(&raw, "80 quiet 0");
    raw_expect(&raw, "80 two 1 data");
    raw_send(&raw, 81, "r", "port");
    raw_send(&raw, 82, "");
    assert_string_equal(answers, "one 1 port\ntwo 0 \n");
}

static void test_reply_nobody_asked_for_ends_the_connection(void **state)
{
    (void)state;
    static const int numbers[] = { 81, 82 };
    for (int i = 0; i < 2; i++) {
        raw_done(&raw);
        raw_init(&raw, false, AUTH_DONE);
        assert_int_equal(engine_global_request(raw.e, "quiet", SPAN(NULL, 0), NULL, NULL), 0);
        raw_send(&raw, numbers[i], "");
        raw_expect_ended(&raw, SSHIO_EPROTOCOL, "Unexpected reply to a global request");
    }
}

static void test_end_answers_what_is_outstanding_with_false(void **state)
{
    (void)state;
    ask("one");
    ask("two");
    engine_disconnect(raw.e, 11, "bye", "");
    assert_string_equal(answers, "one 0 \ntwo 0 \n");
    assert_int_equal(engine_global_request(raw.e, "late", SPAN(NULL, 0), note_answer, NULL), SSHIO_ECLOSED);
}

static void test_peers_requests_are_answered_in_order(void **state)
{
    (void)state;
    raw_send(&raw, 80, "sbr", "first", 1, "x");
    raw_send(&raw, 80, "sbr", "second", 0, "y");
    raw.globals = RAW_ANSWER_NO;
    raw_send(&raw, 80, "sbr", "third", 1, "z");
    raw_expect_events(&raw, "global_request first 1 x\nglobal_request second 0 y\nglobal_request third 1 z\n");
    raw_expect(&raw, "81 answer");
    raw_expect(&raw, "82");
    raw_expect_nothing(&raw);
}

static void test_peers_requests_are_reported_one_at_a_time(void **state)
{
    (void)state;
    raw.globals = RAW_KEEP_OPEN;
    raw_send(&raw, 80, "sb", "first", 1);
    raw_send(&raw, 80, "sb", "second", 1);
    raw_send(&raw, 80, "sb", "third", 1);
    raw_expect_events(&raw, "global_request first 1 \n");
    engine_global_reply(raw.e, true, SPAN("a", 1));
    raw_expect_events(&raw, "global_request second 1 \n");
    raw.globals = RAW_ANSWER_NO;
    engine_global_reply(raw.e, true, SPAN("b", 1));
    raw_expect_events(&raw, "global_request third 1 \n");
    engine_global_reply(raw.e, true, SPAN("c", 1));
    raw_expect(&raw, "81 a");
    raw_expect(&raw, "81 b");
    raw_expect(&raw, "82");
    raw_expect_nothing(&raw);
    assert_int_equal(raw.e->mux.waiting_len, 0);
}

static void test_too_many_requests_end_the_connection(void **state)
{
    (void)state;
    raw.globals = RAW_KEEP_OPEN;
    for (uint32_t i = 0; i < 1 + raw.config.limits.global_requests; i++)
        raw_send(&raw, 80, "sb", "x", 1);
    assert_false(engine_ended(raw.e));
    raw_send(&raw, 80, "sb", "x", 1);
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, "Too many global requests");
}

static void test_name_that_is_not_ascii_ends_the_connection(void **state)
{
    (void)state;
    raw_send(&raw, 80, "sb", "\x01x", 1);
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, "Invalid global request");
}

static void end_it(struct raw *r, struct channel *ch)
{
    (void)ch;
    engine_disconnect(r->e, 11, "bye", "");
}

/* F6 */
static void test_request_may_end_the_connection(void **state)
{
    (void)state;
    raw.hook = end_it;
    raw.hook_name = "global_request";
    raw_send(&raw, 80, "sb", "x", 1);
    raw_expect_events(&raw, "global_request x 1 \nended 0\n");
    raw_expect(&raw, "1 11 bye");
    raw_expect_nothing(&raw);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_replies_are_matched_in_order),
        TEST(test_reply_nobody_asked_for_ends_the_connection),
        TEST(test_end_answers_what_is_outstanding_with_false),
        TEST(test_peers_requests_are_answered_in_order),
        TEST(test_peers_requests_are_reported_one_at_a_time),
        TEST(test_too_many_requests_end_the_connection),
        TEST(test_name_that_is_not_ascii_ends_the_connection),
        TEST(test_request_may_end_the_connection),
    };
    return cmocka_run_group_tests_name("global_requests", tests, NULL, NULL);
}
