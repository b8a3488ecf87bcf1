/* The server's side of authentication (RFC 4252): one question at a time, counting, limits. S, A and P ids are those of
 * the security checklist. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "engine/quirks.h"
#include "engine/raw_peer.h"

static struct raw raw;

static int set_up(void **state)
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

static void begin(enum auth_stage stage)
{
    raw_done(&raw);
    raw_init(&raw, true, stage);
}

static void send_none(void)
{
    raw_send(&raw, 50, "sss", "joe", "ssh-connection", "none");
}

static void send_password(const char *password)
{
    raw_send(&raw, 50, "sssbs", "joe", "ssh-connection", "password", 0, password);
}

static void send_query(void)
{
    raw_send(&raw, 50, "sssbss", "joe", "ssh-connection", "publickey", 0, "ssh-ed25519", "blob");
}

/* ---- the service ---- */

static void test_service_is_accepted_once(void **state)
{
    (void)state;
    begin(AUTH_SERVICE);
    raw_send(&raw, 5, "s", "ssh-userauth");
    raw_expect(&raw, "6 ssh-userauth");
    raw_send(&raw, 5, "s", "ssh-userauth");
    raw_expect_ended(&raw, SSHIO_ESERVICE_NOT_AVAILABLE, NULL);
}

/* paramiko sends it before each way to log in. */
static void test_service_is_accepted_again_from_peers_known_to_ask_again(void **state)
{
    (void)state;
    begin(AUTH_SERVICE);
    raw.e->quirks = QUIRK_ASKS_FOR_SERVICE_AGAIN;
    for (int i = 0; i < 3; i++) {
        raw_send(&raw, 5, "s", "ssh-userauth");
        raw_expect(&raw, "6 ssh-userauth");
    }
    raw_send(&raw, 5, "s", "ssh-connection");
    raw_expect_ended(&raw, SSHIO_ESERVICE_NOT_AVAILABLE, NULL);
}

/* RFC 4253 10 */
static void test_unknown_service_ends_the_connection(void **state)
{
    (void)state;
    begin(AUTH_SERVICE);
    raw_send(&raw, 5, "s", "ssh-connection");
    raw_expect_ended(&raw, SSHIO_ESERVICE_NOT_AVAILABLE, NULL);
}

/* S9 */
static void test_request_without_the_service_ends_the_connection(void **state)
{
    (void)state;
    begin(AUTH_SERVICE);
    send_none();
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, NULL);
    raw_expect_events(&raw, "ended -102\n");
}

static void test_banner_is_held_back_until_the_service(void **state)
{
    (void)state;
    begin(AUTH_SERVICE);
    engine_auth_banner(raw.e, "one", "en");
    engine_auth_banner(raw.e, "two", "");
    raw_expect_nothing(&raw);
    raw_send(&raw, 5, "s", "ssh-userauth");
    raw_expect(&raw, "6 ssh-userauth");
    raw_expect(&raw, "53 one en");
    raw_expect(&raw, "53 two");
    engine_auth_banner(raw.e, "three", "");
    raw_expect(&raw, "53 three");
    send_none();
    engine_auth_accept(raw.e);
    raw_drop_output(&raw);
    engine_auth_banner(raw.e, "late", "");
    raw_expect_nothing(&raw);
}

/* ---- questions and verdicts ---- */

static void test_request_waits_for_its_verdict(void **state)
{
    (void)state;
    send_password("pw");
    raw_expect_events(&raw, "auth_requested joe password pw -\n");
    assert_true(engine_waiting(raw.e));
    send_password("second");
    raw_expect_events(&raw, "");
    raw_expect_nothing(&raw);
    engine_auth_refuse(raw.e, "password", false);
    raw_expect(&raw, "51 password 0");
    raw_feed(&raw);
    raw_expect_events(&raw, "auth_requested joe password second -\n");
    engine_auth_accept(raw.e);
    raw_expect(&raw, "52");
    raw_expect_events(&raw, "authenticated\n");
    assert_false(engine_waiting(raw.e));
}

static void accept_it(struct raw *r, struct channel *ch)
{
    (void)ch;
    engine_auth_accept(r->e);
}

static void refuse_it(struct raw *r, struct channel *ch)
{
    (void)ch;
    engine_auth_refuse(r->e, "password", false);
}

static void test_verdict_may_be_given_inside_the_event(void **state)
{
    (void)state;
    raw.hook_name = "auth_requested";
    raw.hook = refuse_it;
    send_password("a");
    raw.hook = accept_it;
    send_password("b");
    raw_expect_events(&raw, "auth_requested joe password a -\nauth_requested joe password b -\nauthenticated\n");
    raw_expect(&raw, "51 password 0");
    raw_expect(&raw, "52");
}

static void test_verdict_without_a_question_does_nothing(void **state)
{
    (void)state;
    engine_auth_accept(raw.e);
    engine_auth_refuse(raw.e, "", false);
    engine_auth_key_ok(raw.e);
    engine_auth_change_password(raw.e, "x", "");
    raw_expect_nothing(&raw);
    assert_false(engine_is_authenticated(raw.e));
}

static void test_methods_are_parsed(void **state)
{
    (void)state;
    send_none();
    raw_expect_events(&raw, "auth_requested joe none\n");
    engine_auth_refuse(raw.e, "publickey,password", false);
    raw_send(&raw, 50, "sssbss", "joe", "ssh-connection", "password", 1, "old", "new");
    raw_expect_events(&raw, "auth_requested joe password old new\n");
    engine_auth_change_password(raw.e, "better", "en");
    send_query();
    raw_expect_events(&raw, "auth_requested joe publickey ssh-ed25519 blob \n");
    engine_auth_key_ok(raw.e);
    raw_send(&raw, 50, "sssbsss", "joe", "ssh-connection", "publickey", 1, "ssh-ed25519", "blob", "sig");
    raw_expect_events(&raw, "auth_requested joe publickey ssh-ed25519 blob sig\n");
    engine_auth_refuse(raw.e, "publickey,password", true);
    raw_send(&raw, 50, "sssr", "joe", "ssh-connection", "magic", "whatever");
    raw_expect_events(&raw, "auth_requested joe unknown\n");
    engine_auth_refuse(raw.e, "", false);
    const char *sent[] = { "51 publickey,password 0", "60 better en", "60 ssh-ed25519 blob", "51 publickey,password 1",
                           "51 0" };
    for (size_t i = 0; i < 5; i++)
        raw_expect(&raw, sent[i]);
}

static struct span seen_data;

static void keep_signed_data(struct raw *r, struct channel *ch)
{
    (void)ch;
    seen_data = r->e->auth.request.signed_data;
}

/* RFC 4252 7: both sides sign and check the same bytes. */
static void test_signed_data_is_what_a_client_signs(void **state)
{
    (void)state;
    raw.hook_name = "auth_requested";
    raw.hook = keep_signed_data;
    raw_send(&raw, 50, "sssbsss", "joe", "ssh-connection", "publickey", 1, "ssh-ed25519", "blob", "sig");
    struct writer w;
    writer_init(&w, 1000);
    assert_int_equal(engine_auth_signed_data(raw.e, "joe", span_of("ssh-ed25519"), span_of("blob"), &w), 0);
    assert_true(span_equal(seen_data, writer_span(&w)));
    writer_done(&w);
}

/* A1, A3: nothing of an earlier request is left in the next; the user is told with each. */
static void test_query_leaves_no_state(void **state)
{
    (void)state;
    send_query();
    engine_auth_key_ok(raw.e);
    assert_null(raw.e->auth.copy);
    assert_null(raw.e->auth.request.user);
    raw_send(&raw, 50, "sssbsss", "ann", "ssh-connection", "publickey", 1, "ssh-ed25519", "other", "sig");
    raw_expect_events(
        &raw, "auth_requested joe publickey ssh-ed25519 blob \nauth_requested ann publickey ssh-ed25519 other sig\n");
}

static void test_key_ok_answers_queries_only(void **state)
{
    (void)state;
    raw_send(&raw, 50, "sssbsss", "joe", "ssh-connection", "publickey", 1, "ssh-ed25519", "blob", "sig");
    engine_auth_key_ok(raw.e);
    raw_expect_nothing(&raw);
    assert_true(engine_waiting(raw.e));
}

/* ---- what is refused without asking ---- */

static void test_bad_user_names_end_the_connection(void **state)
{
    (void)state;
    static char long_name[1025];
    memset(long_name, 'u', 1024);
    const struct {
        const char *name;
        size_t len;
        bool good;
    } names[] = {
        { long_name, 1023, true },
        { long_name, 1024, false },
        { "a\0b", 3, false },
        { "\xff", 1, false },
        { "\xc0\xaf", 2, false },
        { "\xed\xa0\x80", 3, false },
        { "\xf4\x90\x80\x80", 4, false },
        { "\xe2\x82", 2, false },
        { "\xe0\x9f\xbf", 3, false },
        { "\xf0\x8f\xbf\xbf", 4, false },
        { "\x80", 1, false },
        { "\xe2\x28\xa1", 3, false },
        { "j\xc3\xb6rg", 5, true },
        { "\xe2\x82\xac", 3, true },
        { "\xf0\x9f\x98\x80", 4, true },
        { "", 0, true },
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        begin(AUTH_RUNNING);
        raw_send(&raw, 50, "Sss", names[i].name, names[i].len, "ssh-connection", "none");
        if (names[i].good)
            assert_false(engine_ended(raw.e));
        else
            raw_expect_ended(&raw, SSHIO_EILLEGAL_USER_NAME, NULL);
    }
}

static void test_another_service_ends_the_connection(void **state)
{
    (void)state;
    raw_send(&raw, 50, "sss", "joe", "ssh-userauth", "none");
    raw_expect_ended(&raw, SSHIO_ESERVICE_NOT_AVAILABLE, NULL);
    raw_expect_events(&raw, "ended -107\n");
}

static void test_malformed_requests_end_the_connection(void **state)
{
    (void)state;
    static const struct {
        const char *format;
        int number;
    } bad[] = {
        { "s", 0 }, { "ss", 0 }, { "sssb", 1 }, { "sssbs", 2 }, { "sssbsss", 2 }, { "sssbs", 3 }, { "sssbssss", 3 },
    };
    static const char *const methods[] = { "none", "none", "password", "publickey" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        begin(AUTH_RUNNING);
        raw_send(&raw, 50, bad[i].format, "joe", "ssh-connection", methods[bad[i].number], 1, "a", "b", "c", "d");
        raw_expect_ended(&raw, SSHIO_EPROTOCOL, NULL);
        raw_expect_events(&raw, "ended -102\n");
    }
}

/* P8 */
static void test_password_with_a_nul_ends_the_connection(void **state)
{
    (void)state;
    raw_send(&raw, 50, "sssbS", "joe", "ssh-connection", "password", 0, "a\0b", (size_t)3);
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, NULL);
}

/* A10 */
static void test_long_password_is_not_passed_on(void **state)
{
    (void)state;
    static char password[50001];
    static const struct {
        size_t len;
        const char *event;
    } cases[] = {
        { 1025, "auth_requested joe unknown\n" },
        { 1100, "auth_requested joe unknown\n" },
        { 50000, "auth_requested joe unknown\n" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memset(password, 'p', cases[i].len);
        password[cases[i].len] = '\0';
        begin(AUTH_RUNNING);
        send_password(password);
        raw_expect_events(&raw, cases[i].event);
        begin(AUTH_RUNNING);
        raw_send(&raw, 50, "sssbss", "joe", "ssh-connection", "password", 1, "old", password);
        raw_expect_events(&raw, cases[i].event);
    }
    password[300] = '\0';
    begin(AUTH_RUNNING);
    send_password(password);
    assert_int_equal(raw.e->auth.request.method, AUTH_PASSWORD);
    password[300] = 'p';
    password[1024] = '\0';
    begin(AUTH_RUNNING);
    send_password(password);
    assert_int_equal(strncmp(raw.log, "auth_requested joe password ppp", 31), 0);
}

/* ---- counting (A5) ---- */

static void refuse(void)
{
    engine_auth_refuse(raw.e, "password,publickey", false);
}

static void test_tries_are_limited_over_all_methods(void **state)
{
    (void)state;
    send_none();
    refuse();
    for (int i = 0; i < 2; i++) {
        send_password("pw");
        refuse();
        send_query();
        refuse();
    }
    send_none();
    refuse();
    assert_false(engine_ended(raw.e));
    send_password("pw");
    refuse();
    raw_expect_ended(&raw, SSHIO_EPERMISSION_DENIED, "Too many authentication failures");
}

static void test_accepted_queries_and_progress_do_not_count(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        send_query();
        engine_auth_key_ok(raw.e);
        send_password("pw");
        engine_auth_refuse(raw.e, "publickey", true);
        send_password("pw");
        engine_auth_change_password(raw.e, "better", "");
    }
    assert_false(engine_ended(raw.e));
    assert_int_equal(raw.e->auth.tries, 0);
}

static void test_none_counts_when_it_is_not_the_first(void **state)
{
    (void)state;
    send_none();
    refuse();
    assert_int_equal(raw.e->auth.tries, 0);
    send_none();
    refuse();
    assert_int_equal(raw.e->auth.tries, 1);
}

static void test_requests_of_all_kinds_are_limited(void **state)
{
    (void)state;
    raw.config.limits.auth_requests = 10;
    for (int i = 0; i < 10; i++) {
        send_query();
        engine_auth_key_ok(raw.e);
    }
    assert_false(engine_ended(raw.e));
    send_query();
    raw_expect_ended(&raw, SSHIO_EPERMISSION_DENIED, "Too many authentication requests");
}

/* ---- after the login (RFC 4252 5.1) ---- */

static void test_requests_after_success_are_ignored_until_the_connection_is_used(void **state)
{
    (void)state;
    send_password("pw");
    engine_auth_accept(raw.e);
    raw_drop_output(&raw);
    raw.log_len = 0;
    send_password("pw");
    send_none();
    raw_expect_events(&raw, "");
    raw_expect_nothing(&raw);
    raw_send(&raw, 80, "sb", "x", 0);
    send_password("pw");
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, NULL);
}

static void disconnect_it(struct raw *r, struct channel *ch)
{
    (void)ch;
    engine_disconnect(r->e, 11, "bye", "");
}

static void test_request_may_end_the_connection(void **state)
{
    (void)state;
    raw.hook_name = "auth_requested";
    raw.hook = disconnect_it;
    send_password("pw");
    raw_expect_events(&raw, "auth_requested joe password pw -\nended 0\n");
    raw_drop_output(&raw);
    engine_auth_accept(raw.e);
    engine_auth_refuse(raw.e, "password", false);
    engine_auth_key_ok(raw.e);
    engine_auth_change_password(raw.e, "x", "");
    assert_false(engine_is_authenticated(raw.e));
    raw_expect_nothing(&raw);
    /* Whoever judges it may still be looking at it. */
    assert_string_equal(raw.e->auth.request.password, "pw");
}

static void talk(void)
{
    send_password("pw");
    refuse();
    raw_send(&raw, 50, "sssbsss", "joe", "ssh-connection", "publickey", 1, "ssh-ed25519", "blob", "sig");
    engine_auth_accept(raw.e);
}

/* A14: no allocation that fails logs anybody in who would not be. */
static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    uint64_t nth = 0;
    uint64_t used;
    do {
        begin(AUTH_RUNNING);
        uint64_t before = mem_allocations();
        mem_fail_at(++nth);
        talk();
        used = mem_allocations() - before;
        mem_fail_at(0);
        assert_true(used < nth || engine_ended(raw.e));
    } while (used >= nth);
    assert_true(nth > 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_service_is_accepted_once),
        TEST(test_service_is_accepted_again_from_peers_known_to_ask_again),
        TEST(test_unknown_service_ends_the_connection),
        TEST(test_request_without_the_service_ends_the_connection),
        TEST(test_banner_is_held_back_until_the_service),
        TEST(test_request_waits_for_its_verdict),
        TEST(test_verdict_may_be_given_inside_the_event),
        TEST(test_verdict_without_a_question_does_nothing),
        TEST(test_methods_are_parsed),
        TEST(test_signed_data_is_what_a_client_signs),
        TEST(test_query_leaves_no_state),
        TEST(test_key_ok_answers_queries_only),
        TEST(test_bad_user_names_end_the_connection),
        TEST(test_another_service_ends_the_connection),
        TEST(test_malformed_requests_end_the_connection),
        TEST(test_password_with_a_nul_ends_the_connection),
        TEST(test_long_password_is_not_passed_on),
        TEST(test_tries_are_limited_over_all_methods),
        TEST(test_accepted_queries_and_progress_do_not_count),
        TEST(test_none_counts_when_it_is_not_the_first),
        TEST(test_requests_of_all_kinds_are_limited),
        TEST(test_requests_after_success_are_ignored_until_the_connection_is_used),
        TEST(test_request_may_end_the_connection),
        TEST(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("auth_server", tests, NULL, NULL);
}
