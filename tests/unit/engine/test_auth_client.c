/* The client's side of authentication (RFC 4252): what counts as an answer and when. S ids are those of the security
 * checklist. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "engine/quirks.h"
#include "engine/raw_peer.h"

#define ALG span_of("ssh-ed25519")
#define BLOB span_of("blob")

static struct raw raw;

static int set_up(void **state)
{
    (void)state;
    raw_init(&raw, false, AUTH_RUNNING);
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
    raw_init(&raw, false, stage);
}

/* ---- the service ---- */

static void test_start_asks_for_the_service(void **state)
{
    (void)state;
    begin(AUTH_IDLE);
    auth_start(raw.e);
    raw_expect(&raw, "5 ssh-userauth");
    assert_int_equal(engine_auth_password(raw.e, "joe", "secret"), SSHIO_EINVAL);
    raw_send(&raw, 6, "s", "ssh-userauth");
    raw_expect_events(&raw, "auth_ready\n");
    assert_int_equal(engine_auth_password(raw.e, "joe", "secret"), 0);
    raw_expect(&raw, "50 joe ssh-connection password ");
}

/* What tells no secret need not wait for the service; its answer must. */
static void test_first_request_goes_out_with_the_service(void **state)
{
    (void)state;
    begin(AUTH_IDLE);
    auth_start(raw.e);
    raw_expect(&raw, "5 ssh-userauth");
    assert_int_equal(engine_auth_none(raw.e, "joe"), 0);
    raw_expect(&raw, "50 joe ssh-connection none");
    raw_send(&raw, 6, "s", "ssh-userauth");
    raw_send(&raw, 52, "");
    raw_expect_events(&raw, "auth_ready\nauthenticated\n");

    begin(AUTH_IDLE);
    auth_start(raw.e);
    assert_int_equal(engine_auth_none(raw.e, "joe"), 0);
    raw_send(&raw, 52, "");
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, NULL);
}

/* A server on libssh that gets all of it in one piece with NEWKEYS waits for ever for the end of the key exchange. */
static void test_first_request_waits_for_the_service_of_libssh(void **state)
{
    (void)state;
    static const char *const versions[] = { "SSH-2.0-libssh_0.10.6", "SSH-2.0-libssh-0.5" };
    for (size_t i = 0; i < 2; i++) {
        begin(AUTH_IDLE);
        raw.e->quirks = quirks_of(versions[i]);
        auth_start(raw.e);
        raw_expect(&raw, "5 ssh-userauth");
        assert_int_equal(engine_auth_none(raw.e, "joe"), SSHIO_EINVAL);
        raw_expect_nothing(&raw);
        raw_send(&raw, 6, "s", "ssh-userauth");
        raw_expect_events(&raw, "auth_ready\n");
        assert_int_equal(engine_auth_none(raw.e, "joe"), 0);
        raw_expect(&raw, "50 joe ssh-connection none");
    }
    assert_int_equal(quirks_of("SSH-2.0-libssh2_1.10.0") & QUIRK_LOST_BY_EARLY_LOGIN, 0);
}

static void test_another_service_ends_the_connection(void **state)
{
    (void)state;
    static const char *const names[] = { "ssh-connection", "", "ssh-userauth2" };
    for (size_t i = 0; i < 3; i++) {
        begin(AUTH_SERVICE);
        raw_send(&raw, 6, "s", names[i]);
        raw_expect_ended(&raw, SSHIO_ESERVICE_NOT_AVAILABLE, NULL);
    }
}

static void test_second_accept_ends_the_connection(void **state)
{
    (void)state;
    raw_send(&raw, 6, "s", "ssh-userauth");
    raw_expect_ended(&raw, SSHIO_ESERVICE_NOT_AVAILABLE, NULL);
}

/* ---- answers ---- */

static void test_failure_names_the_methods(void **state)
{
    (void)state;
    assert_int_equal(engine_auth_none(raw.e, "joe"), 0);
    assert_int_equal(engine_auth_password(raw.e, "joe", "pw"), SSHIO_EINVAL);
    raw_send(&raw, 51, "sb", "publickey,password", 0);
    raw_expect_events(&raw, "auth_failed publickey,password 0\n");
    assert_int_equal(engine_auth_password(raw.e, "joe", "pw"), 0);
    raw_send(&raw, 51, "sb", "", 1);
    raw_expect_events(&raw, "auth_failed  1\n");
}

static void test_success_logs_in(void **state)
{
    (void)state;
    assert_int_equal(engine_auth_none(raw.e, "joe"), 0);
    raw_send(&raw, 52, "");
    raw_expect_events(&raw, "authenticated\n");
    assert_true(engine_is_authenticated(raw.e));
    assert_int_equal(engine_auth_none(raw.e, "joe"), SSHIO_EINVAL);
}

/* S3 */
static void test_answers_without_a_request_end_the_connection(void **state)
{
    (void)state;
    for (int service = 0; service < 2; service++) {
        for (int number = 51; number <= 60; number++) {
            if (number > 52 && number < 60)
                continue;
            begin(service != 0 ? AUTH_SERVICE : AUTH_RUNNING);
            if (number == 51)
                raw_send(&raw, number, "sb", "password", 0);
            else
                raw_send(&raw, number, number == 60 ? "ss" : "", "x", "y");
            raw_expect_ended(&raw, SSHIO_EPROTOCOL, NULL);
            raw_expect_events(&raw, "ended -102\n");
            assert_false(engine_is_authenticated(raw.e));
        }
    }
}

/* S3: one answer for one request. */
static void test_second_answer_ends_the_connection(void **state)
{
    (void)state;
    assert_int_equal(engine_auth_none(raw.e, "joe"), 0);
    raw_send(&raw, 51, "sb", "password", 0);
    raw_send(&raw, 52, "");
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, NULL);
}

static void test_malformed_answers_end_the_connection(void **state)
{
    (void)state;
    static const struct {
        int number;
        const char *format, *text;
    } bad[] = {
        { 51, "s", "a" }, { 51, "ss", "a" }, { 51, "sb", "a,,b" }, { 51, "sb", "a b" },  { 52, "s", "" },
        { 53, "s", "a" }, { 60, "s", "a" },  { 53, "ss", "\xe4" }, { 60, "ss", "\xe4" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        begin(AUTH_RUNNING);
        assert_int_equal(engine_auth_password(raw.e, "joe", "pw"), 0);
        if (strcmp(bad[i].format, "sb") == 0)
            raw_send(&raw, bad[i].number, "sb", bad[i].text, 0);
        else
            raw_send(&raw, bad[i].number, bad[i].format, bad[i].text, "b");
        raw_expect_ended(&raw, SSHIO_EPROTOCOL, NULL);
    }
}

static void test_banner_comes_any_time_before_success(void **state)
{
    (void)state;
    raw_send(&raw, 53, "ss", "hello", "en");
    assert_int_equal(engine_auth_none(raw.e, "joe"), 0);
    raw_send(&raw, 53, "ss", "again", "");
    raw_expect_events(&raw, "auth_banner hello en\nauth_banner again \n");
    raw_send(&raw, 52, "");
    raw_send(&raw, 53, "ss", "late", "");
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, NULL);
}

/* ---- password ---- */

static void test_password_request_and_change(void **state)
{
    (void)state;
    assert_int_equal(engine_auth_password(raw.e, "joe", "pw"), 0);
    raw_drop_output(&raw);
    raw_send(&raw, 60, "ss", "new one", "en");
    raw_expect_events(&raw, "auth_password_change new one en\n");
    assert_int_equal(engine_auth_password_new(raw.e, "joe", "pw", "pw2"), 0);
    raw_send(&raw, 60, "ss", "better", "en");
    raw_expect_events(&raw, "auth_password_change better en\n");
}

/* The length of a packet tells the length of a password to the next multiple of 64 only. */
static void test_password_length_does_not_show(void **state)
{
    (void)state;
    size_t lengths[3];
    static const char *const passwords[] = { "", "short", "ten chars." };
    for (size_t i = 0; i < 3; i++) {
        begin(AUTH_RUNNING);
        assert_int_equal(engine_auth_password(raw.e, "joe", passwords[i]), 0);
        lengths[i] = engine_unsent(raw.e);
    }
    assert_int_equal(lengths[0], lengths[1]);
    assert_int_equal(lengths[0], lengths[2]);
}

/* ---- publickey ---- */

static void test_query_is_answered_by_the_same_key(void **state)
{
    (void)state;
    assert_int_equal(engine_auth_query(raw.e, "joe", ALG, BLOB), 0);
    raw_send(&raw, 60, "ss", "ssh-ed25519", "blob");
    raw_expect_events(&raw, "auth_key_accepted ssh-ed25519 blob\n");
    assert_int_equal(engine_auth_publickey(raw.e, "joe", ALG, BLOB, span_of("sig")), 0);
    raw_send(&raw, 52, "");
    raw_expect_events(&raw, "authenticated\n");
}

static void test_query_answered_by_another_key_ends_the_connection(void **state)
{
    (void)state;
    static const char *const answers[][2] = { { "ssh-ed25519", "bloc" },
                                              { "ssh-ed25518", "blob" },
                                              { "ssh-ed25519", "blobb" } };
    for (size_t i = 0; i < 3; i++) {
        begin(AUTH_RUNNING);
        assert_int_equal(engine_auth_query(raw.e, "joe", ALG, BLOB), 0);
        raw_send(&raw, 60, "ss", answers[i][0], answers[i][1]);
        raw_expect_ended(&raw, SSHIO_EPROTOCOL, "Key mismatch");
    }
}

static void test_success_in_answer_to_a_query_ends_the_connection(void **state)
{
    (void)state;
    assert_int_equal(engine_auth_query(raw.e, "joe", ALG, BLOB), 0);
    raw_send(&raw, 52, "");
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, NULL);
    raw_expect_events(&raw, "ended -102\n");
}

static void test_key_ok_without_a_query_ends_the_connection(void **state)
{
    (void)state;
    assert_int_equal(engine_auth_query(raw.e, "joe", ALG, BLOB), 0);
    raw_send(&raw, 51, "sb", "publickey", 0);
    assert_int_equal(engine_auth_publickey(raw.e, "joe", ALG, BLOB, span_of("sig")), 0);
    raw_send(&raw, 60, "ss", "ssh-ed25519", "blob");
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, NULL);
}

/* RFC 4252 7: session id, then the request up to the signature. */
static void test_signed_data_is_session_id_and_request(void **state)
{
    (void)state;
    static const char expected[] = "\0\0\0\4ssss"
                                   "\x32"
                                   "\0\0\0\3joe"
                                   "\0\0\0\x0essh-connection"
                                   "\0\0\0\x09publickey"
                                   "\1"
                                   "\0\0\0\x0bssh-ed25519"
                                   "\0\0\0\4blob";
    struct writer w;
    writer_init(&w, 1000);
    assert_int_equal(engine_auth_signed_data(raw.e, "joe", ALG, BLOB, &w), 0);
    assert_int_equal(w.len, sizeof expected - 1);
    assert_memory_equal(w.data, expected, w.len);
    writer_done(&w);
}

static void again(struct raw *r, struct channel *ch)
{
    (void)ch;
    r->hook = NULL;
    assert_int_equal(engine_auth_password(r->e, "joe", "pw"), 0);
}

static void test_next_request_may_be_made_inside_the_event(void **state)
{
    (void)state;
    raw.hook = again;
    raw.hook_name = "auth_failed";
    assert_int_equal(engine_auth_none(raw.e, "joe"), 0);
    raw_send(&raw, 51, "sb", "password", 0);
    raw_send(&raw, 52, "");
    raw_expect_events(&raw, "auth_failed password 0\nauthenticated\n");
}

static void test_requests_are_limited(void **state)
{
    (void)state;
    raw.config.limits.auth_requests = 3;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(engine_auth_none(raw.e, "joe"), 0);
        raw_send(&raw, 51, "sb", "password", 0);
    }
    assert_int_equal(engine_auth_none(raw.e, "joe"), SSHIO_EINVAL);
    raw_expect_ended(&raw, SSHIO_EPERMISSION_DENIED, "Too many authentication requests");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_start_asks_for_the_service),
        TEST(test_first_request_goes_out_with_the_service),
        TEST(test_first_request_waits_for_the_service_of_libssh),
        TEST(test_another_service_ends_the_connection),
        TEST(test_second_accept_ends_the_connection),
        TEST(test_failure_names_the_methods),
        TEST(test_success_logs_in),
        TEST(test_answers_without_a_request_end_the_connection),
        TEST(test_second_answer_ends_the_connection),
        TEST(test_malformed_answers_end_the_connection),
        TEST(test_banner_comes_any_time_before_success),
        TEST(test_password_request_and_change),
        TEST(test_password_length_does_not_show),
        TEST(test_query_is_answered_by_the_same_key),
        TEST(test_query_answered_by_another_key_ends_the_connection),
        TEST(test_success_in_answer_to_a_query_ends_the_connection),
        TEST(test_key_ok_without_a_query_ends_the_connection),
        TEST(test_signed_data_is_session_id_and_request),
        TEST(test_requests_are_limited),
        TEST(test_next_request_may_be_made_inside_the_event),
    };
    return cmocka_run_group_tests_name("auth_client", tests, NULL, NULL);
}
