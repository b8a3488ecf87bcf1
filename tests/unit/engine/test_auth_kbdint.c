/* keyboard-interactive (RFC 4256) in both roles. A, S and P ids are those of the security checklist. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "engine/raw_peer.h"

static struct raw raw;

static int set_up_client(void **state)
{
    (void)state;
    raw_init(&raw, false, AUTH_RUNNING);
    return 0;
}

static int set_up_server(void **state)
{
    (void)state;
    raw_init(&raw, true, AUTH_RUNNING);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    raw_done(&raw);
    return 0;
}

static void begin(bool server)
{
    raw_done(&raw);
    raw_init(&raw, server, AUTH_RUNNING);
}

/* ---- client ---- */

static int answer(const char *first, const char *second)
{
    const char *const responses[] = { first, second, NULL };
    return engine_auth_respond(raw.e, responses, second != NULL ? 2 : first != NULL ? 1 : 0);
}

static void ask(void)
{
    assert_int_equal(engine_auth_kbdint(raw.e, "joe", "pam"), 0);
    raw_expect(&raw, "50 joe ssh-connection keyboard-interactive "); /* the rest begins with a NUL */
}

/* 3.1 to 3.4: rounds follow each other; one may ask nothing, and is answered as well. */
static void test_client_answers_round_after_round(void **state)
{
    (void)state;
    ask();
    raw_send(&raw, 60, "sssusbsb", "name", "do this", "en", 2u, "One: ", 0, "Two: ", 1);
    raw_expect_events(&raw, "auth_challenged \"name\" \"do this\" \"en\" One: - Two: +\n");
    assert_int_equal(answer("a", "b"), 0);
    raw_expect(&raw, "61 a b");
    raw_send(&raw, 60, "sssu", "", "well done", "", 0u);
    raw_expect_events(&raw, "auth_challenged \"\" \"well done\" \"\"\n");
    assert_int_equal(answer(NULL, NULL), 0);
    raw_expect(&raw, "61");
    raw_send(&raw, 52, "");
    raw_expect_events(&raw, "authenticated\n");
}

static void test_client_sends_as_many_answers_as_were_asked_for(void **state)
{
    (void)state;
    assert_int_equal(answer("a", NULL), SSHIO_EINVAL);
    ask();
    assert_int_equal(answer("a", NULL), SSHIO_EINVAL);
    raw_send(&raw, 60, "sssusb", "", "", "", 1u, "Password: ", 0);
    assert_int_equal(answer("a", "b"), SSHIO_EINVAL);
    assert_int_equal(answer(NULL, NULL), SSHIO_EINVAL);
    assert_int_equal(answer("a", NULL), 0);
    assert_int_equal(answer("a", NULL), SSHIO_EINVAL);
}

/* S3: between a challenge and our answer the server has nothing to say. */
static void test_client_takes_nothing_while_it_owes_the_answer(void **state)
{
    (void)state;
    static const int numbers[] = { 51, 52, 60 };
    for (size_t i = 0; i < 3; i++) {
        begin(false);
        ask();
        raw_send(&raw, 60, "sssusb", "", "", "", 1u, "Password: ", 0);
        if (numbers[i] == 51)
            raw_send(&raw, 51, "sb", "password", 0);
        else
            raw_send(&raw, numbers[i], numbers[i] == 60 ? "sssu" : "", "", "", "", 0u);
        raw_expect_ended(&raw, SSHIO_EPROTOCOL, NULL);
        assert_false(engine_is_authenticated(raw.e));
    }
}

static void test_client_may_leave_a_dialogue_for_another_request(void **state)
{
    (void)state;
    ask();
    raw_send(&raw, 60, "sssusb", "", "", "", 1u, "Password: ", 0);
    assert_int_equal(engine_auth_password(raw.e, "joe", "pw"), 0);
    assert_int_equal(answer("a", NULL), SSHIO_EINVAL);
    raw_send(&raw, 60, "ss", "new one", "en");
    raw_expect_events(&raw, "auth_challenged \"\" \"\" \"\" Password: -\nauth_password_change new one en\n");
}

/* A9, P1, P8: counts are believed as far as there are bytes; texts are UTF-8. */
static void test_client_ends_at_a_malformed_challenge(void **state)
{
    (void)state;
    static const struct {
        const char *format, *name;
        uint32_t count;
    } bad[] = {
        { "ss", "", 0 },
        { "sss", "", 0 },
        { "sssu", "", 1 },
        { "sssus", "", 1 },
        { "sssusb", "", 2 },
        { "sssusb", "", 0 },
        { "sssusb", "\xff", 1 },
        { "sssusb", "", 0x10000000 },
        { "sssusb", "", UINT32_MAX },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        begin(false);
        ask();
        uint64_t before = mem_allocations();
        raw_send(&raw, 60, bad[i].format, bad[i].name, "", "", bad[i].count, "x", 0);
        raw_expect_ended(&raw, SSHIO_EPROTOCOL, NULL);
        raw_expect_events(&raw, "ended -102\n");
        assert_true(mem_allocations() - before < 20);
    }
    begin(false);
    ask();
    raw_send(&raw, 60, "Sssu", "a\0b", (size_t)3, "", "", 0u);
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, NULL);
    begin(false);
    ask();
    raw_send(&raw, 60, "sssu", "", "", "\xc3\xa4", 0u); /* a language tag is ASCII (RFC 5646) */
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, NULL);
}

static void send_prompts(uint32_t count)
{
    uint8_t prompts[512];
    struct writer w;
    writer_init_fixed(&w, prompts, sizeof prompts);
    put_u32(&w, count);
    for (uint32_t i = 0; i < count; i++) {
        put_text(&w, "");
        put_bool(&w, false);
    }
    raw_send(&raw, 60, "sssB", "", "", "", prompts, w.len);
}

static void test_client_bounds_prompts_of_a_challenge(void **state)
{
    (void)state;
    ask();
    send_prompts(64);
    assert_int_equal(raw.e->auth.prompts, 64);
    begin(false);
    ask();
    send_prompts(65);
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, "Challenge with 65 prompts");
}

static void test_client_bounds_rounds_of_a_dialogue(void **state)
{
    (void)state;
    ask();
    for (int round = 0; round < 64; round++) {
        raw_send(&raw, 60, "sssu", "", "", "", 0u);
        assert_int_equal(answer(NULL, NULL), 0);
    }
    assert_false(engine_ended(raw.e));
    raw_send(&raw, 60, "sssu", "", "", "", 0u);
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, "More than 64 challenges");
}

/* The length of an answer does not show in the length of its packet. */
static void test_client_hides_the_length_of_answers(void **state)
{
    (void)state;
    static const char *const answers[] = { "", "short", "ten chars." };
    size_t lengths[3];
    for (size_t i = 0; i < 3; i++) {
        begin(false);
        ask();
        raw_send(&raw, 60, "sssusb", "", "", "", 1u, "Password: ", 0);
        assert_int_equal(answer(answers[i], NULL), 0);
        lengths[i] = engine_unsent(raw.e);
    }
    assert_int_equal(lengths[0], lengths[1]);
    assert_int_equal(lengths[0], lengths[2]);
}

/* ---- server ---- */

static const sshio_prompt two[] = { { .text = "One: " }, { .text = "Two: ", .echo = true } };

static void request(void)
{
    raw_send(&raw, 50, "sssss", "joe", "ssh-connection", "keyboard-interactive", "en", "pam,bsd");
    raw_expect_events(&raw, "auth_requested joe keyboard-interactive \"en\" \"pam,bsd\"\n");
}

static void challenge(size_t count)
{
    assert_int_equal(engine_auth_challenge(raw.e, "name", "do this", "en", two, count), 0);
    raw_expect(&raw, count == 2 ? "60 name do this en One: - Two: +" : "60 name do this en");
}

static void test_server_asks_round_after_round(void **state)
{
    (void)state;
    request();
    challenge(2);
    raw_send(&raw, 61, "uss", 2u, "a", "b");
    raw_expect_events(&raw, "auth_requested joe keyboard-interactive answers a b\n");
    challenge(0);
    raw_send(&raw, 61, "u", 0u);
    raw_expect_events(&raw, "auth_requested joe keyboard-interactive answers\n");
    engine_auth_accept(raw.e);
    raw_expect(&raw, "52");
    raw_expect_events(&raw, "authenticated\n");
}

/* A9: what is not as many answers as prompts is refused without being looked at, and counts as a try. */
static void test_server_does_not_show_answers_of_a_wrong_number(void **state)
{
    (void)state;
    for (uint32_t count = 0; count <= 3; count++) {
        if (count == 2)
            continue;
        begin(true);
        request();
        challenge(2);
        raw_send(&raw, 61, count == 0 ? "u" : count == 1 ? "us" : "usss", count, "a", "b", "c");
        raw_expect_events(&raw, "auth_requested joe unknown\n");
        engine_auth_refuse(raw.e, "keyboard-interactive", false);
        assert_int_equal(raw.e->auth.tries, 1);
        raw_expect(&raw, "51 keyboard-interactive 0");
    }
}

/* A10 */
static void test_server_does_not_show_long_answers(void **state)
{
    (void)state;
    static char text[50001];
    static const size_t lengths[] = { 1024, 1025, 50000 };
    for (size_t i = 0; i < 3; i++) {
        memset(text, 'p', lengths[i]);
        text[lengths[i]] = '\0';
        begin(true);
        request();
        challenge(2);
        raw_send(&raw, 61, "uss", 2u, "a", text);
        assert_int_equal(raw.e->auth.request.method, i == 0 ? AUTH_KBDINT : AUTH_UNKNOWN);
        assert_true(raw.e->auth.request.is_response);
    }
}

/* A9, P1, P8 */
static void test_server_ends_at_malformed_messages(void **state)
{
    (void)state;
    static const struct {
        const char *format;
        uint32_t count;
        const char *text;
    } bad[] = {
        { "", 0, "" },       { "us", 2, "a" },  { "us", 0, "a" }, { "us", 0x10000000, "a" }, { "us", UINT32_MAX, "a" },
        { "us", 1, "\xff" }, { "usr", 1, "a" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        begin(true);
        request();
        challenge(2);
        uint64_t before = mem_allocations();
        raw_send(&raw, 61, bad[i].format, bad[i].count, bad[i].text, "trailing");
        raw_expect_ended(&raw, SSHIO_EPROTOCOL, NULL);
        raw_expect_events(&raw, "ended -102\n");
        assert_true(mem_allocations() - before < 20);
    }
    begin(true);
    request();
    challenge(2);
    raw_send(&raw, 61, "uSs", 2u, "a\0b", (size_t)3, "c");
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, NULL);
    static const char *const requests[] = { "sss", "ssss", "ssssss" };
    for (size_t i = 0; i < 3; i++) {
        begin(true);
        raw_send(&raw, 50, requests[i], "joe", "ssh-connection", "keyboard-interactive", "", "", "more");
        raw_expect_ended(&raw, SSHIO_EPROTOCOL, NULL);
    }
}

/* S2: answers that nobody asked for. */
static void test_server_takes_answers_in_a_dialogue_only(void **state)
{
    (void)state;
    raw_send(&raw, 61, "us", 1u, "a");
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, NULL);
    begin(true);
    request();
    challenge(2);
    raw_send(&raw, 61, "uss", 2u, "a", "b");
    engine_auth_refuse(raw.e, "", false);
    raw_send(&raw, 61, "uss", 2u, "a", "b");
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, NULL);
    begin(true);
    request();
    challenge(2);
    raw_send(&raw, 60, "sssu", "", "", "", 0u);
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, NULL);
}

/* RFC 4256 3.1, A3, A16: nothing of the dialogue is left, and its answers come too late. */
static void test_server_drops_the_dialogue_at_a_new_request(void **state)
{
    (void)state;
    request();
    challenge(2);
    raw_send(&raw, 50, "sssbs", "ann", "ssh-connection", "password", 0, "pw");
    raw_expect_events(&raw, "auth_requested ann password pw -\n");
    engine_auth_refuse(raw.e, "password", false);
    assert_int_equal(raw.e->auth.tries, 1);
    assert_null(raw.e->auth.user);
    raw_send(&raw, 61, "uss", 2u, "a", "b");
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, NULL);
}

static void test_server_forgets_answers_with_the_verdict(void **state)
{
    (void)state;
    request();
    challenge(2);
    assert_null(raw.e->auth.copy);
    raw_send(&raw, 61, "uss", 2u, "a", "b");
    challenge(0);
    assert_null(raw.e->auth.responses.items);
    assert_string_equal(raw.e->auth.user, "joe");
    raw_send(&raw, 61, "u", 0u);
    engine_auth_accept(raw.e);
    assert_null(raw.e->auth.user);
}

static void test_server_bounds_prompts_and_rounds(void **state)
{
    (void)state;
    static sshio_prompt many[65];
    for (size_t i = 0; i < 65; i++)
        many[i].text = "?";
    assert_int_equal(engine_auth_challenge(raw.e, "", "", "", NULL, 0), SSHIO_EINVAL);
    request();
    assert_int_equal(engine_auth_challenge(raw.e, "", "", "", many, 65), SSHIO_ELIMIT);
    assert_int_equal(engine_auth_challenge(raw.e, "", "", "", many, 64), 0);
    raw_send(&raw, 61, "u", 0u);
    raw_drop_output(&raw);
    engine_auth_refuse(raw.e, "", false);
    raw_send(&raw, 50, "sssss", "joe", "ssh-connection", "keyboard-interactive", "", "");
    for (int round = 0; round < 64; round++) {
        assert_int_equal(engine_auth_challenge(raw.e, "", "", "", NULL, 0), 0);
        raw_send(&raw, 61, "u", 0u);
    }
    assert_int_equal(engine_auth_challenge(raw.e, "", "", "", NULL, 0), SSHIO_ELIMIT);
    assert_true(engine_waiting(raw.e));
    engine_auth_refuse(raw.e, "", false);
    assert_false(engine_ended(raw.e));
}

static void test_challenge_answers_this_method_only(void **state)
{
    (void)state;
    raw_send(&raw, 50, "sssbs", "joe", "ssh-connection", "password", 0, "pw");
    assert_int_equal(engine_auth_challenge(raw.e, "", "", "", NULL, 0), SSHIO_EINVAL);
    assert_true(engine_waiting(raw.e));
}

/* ---- memory ---- */

static void talk(bool server)
{
    if (server) {
        raw_send(&raw, 50, "sssss", "joe", "ssh-connection", "keyboard-interactive", "en", "pam");
        (void)engine_auth_challenge(raw.e, "", "", "", two, 2);
        raw_send(&raw, 61, "uss", 2u, "a", "b");
        engine_auth_accept(raw.e);
    } else {
        (void)engine_auth_kbdint(raw.e, "joe", "");
        raw_send(&raw, 60, "sssusb", "", "", "", 1u, "Password: ", 0);
        (void)answer("a", NULL);
        raw_send(&raw, 52, "");
    }
}

/* A14: no allocation that fails logs anybody in who would not be. */
static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    for (int server = 0; server < 2; server++) {
        uint64_t nth = 0, used;
        do {
            begin(server != 0);
            uint64_t before = mem_allocations();
            mem_fail_at(++nth);
            talk(server != 0);
            used = mem_allocations() - before;
            mem_fail_at(0);
            assert_true(used < nth || engine_ended(raw.e) || !engine_is_authenticated(raw.e));
        } while (used >= nth);
        assert_true(nth > 1);
    }
}

#define CLIENT(name) cmocka_unit_test_setup_teardown(name, set_up_client, tear_down)
#define SERVER(name) cmocka_unit_test_setup_teardown(name, set_up_server, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLIENT(test_client_answers_round_after_round),
        CLIENT(test_client_sends_as_many_answers_as_were_asked_for),
        CLIENT(test_client_takes_nothing_while_it_owes_the_answer),
        CLIENT(test_client_may_leave_a_dialogue_for_another_request),
        CLIENT(test_client_ends_at_a_malformed_challenge),
        CLIENT(test_client_bounds_prompts_of_a_challenge),
        CLIENT(test_client_bounds_rounds_of_a_dialogue),
        CLIENT(test_client_hides_the_length_of_answers),
        SERVER(test_server_asks_round_after_round),
        SERVER(test_server_does_not_show_answers_of_a_wrong_number),
        SERVER(test_server_does_not_show_long_answers),
        SERVER(test_server_ends_at_malformed_messages),
        SERVER(test_server_takes_answers_in_a_dialogue_only),
        SERVER(test_server_drops_the_dialogue_at_a_new_request),
        SERVER(test_server_forgets_answers_with_the_verdict),
        SERVER(test_server_bounds_prompts_and_rounds),
        SERVER(test_challenge_answers_this_method_only),
        SERVER(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("auth_kbdint", tests, NULL, NULL);
}
