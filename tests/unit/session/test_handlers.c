/* The handlers of clients and servers: when each is called, what its answers do, and that those marked task may wait.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "session/run.h"

/* What happened, as words in their order; client and server write to their own. */
struct story {
    char text[1024];
};

static void tell(struct story *story, const char *word)
{
    size_t len = strlen(story->text);
    snprintf(story->text + len, sizeof story->text - len, "%s%s", len != 0 ? " " : "", word);
}

static struct story client_story, server_story;

static int setup(void **state)
{
    (void)state;
    client_story.text[0] = server_story.text[0] = '\0';
    return 0;
}

/* ---- clients ---- */

static void client_made(sshio_conn *conn, void *user)
{
    tell(user, "made");
    assert_string_equal(sshio_conn_get_extra_info(conn, "client_version", ""), "SSH-2.0-testclient");
    assert_null(sshio_conn_username(conn));
}

static void client_lost(sshio_conn *conn, const sshio_error *error, void *user)
{
    (void)conn;
    tell(user, error == NULL ? "lost" : "lost-by-error");
}

static int client_validate(sshio_conn *conn, const char *host, const char *addr, int port, sshio_key *key, void *user)
{
    (void)conn;
    tell(user, "validate");
    sshio_sleep(0.001);
    assert_string_equal(host, "127.0.0.1");
    assert_string_equal(addr, "127.0.0.1");
    assert_true(port > 0);
    return strcmp(sshio_key_get_algorithm(key), "ssh-ed25519") == 0;
}

static int client_validate_no(sshio_conn *conn, const char *host, const char *addr, int port, sshio_key *key,
                              void *user)
{
    (void)conn, (void)host, (void)addr, (void)port, (void)key;
    tell(user, "validate");
    return 0;
}

static void client_begin(sshio_conn *conn, const char *username, void *user)
{
    (void)conn;
    tell(user, username);
}

static void client_banner(sshio_conn *conn, const char *msg, const char *lang, void *user)
{
    (void)conn;
    tell(user, msg);
    assert_string_equal(lang, "en-US");
}

static void client_completed(sshio_conn *conn, void *user)
{
    assert_non_null(sshio_conn_username(conn));
    tell(user, "completed");
}

static void client_debug(sshio_conn *conn, const char *msg, const char *lang, bool always_display, void *user)
{
    (void)conn, (void)lang;
    assert_true(always_display);
    tell(user, msg);
}

static int client_password(sshio_conn *conn, sshio_request *req, void *user)
{
    tell(user, "password");
    assert_ptr_equal(sshio_request_conn(req), conn);
    sshio_sleep(0.001);
    return sshio_answer_text(req, "secret");
}

static const sshio_client_handlers client_handlers = {
    .connection_made = client_made,
    .connection_lost = client_lost,
    .debug_msg_received = client_debug,
    .validate_host_public_key = client_validate,
    .begin_auth = client_begin,
    .auth_banner_received = client_banner,
    .auth_completed = client_completed,
    .password_auth_requested = client_password,
};

/* ---- servers ---- */

static void server_made(sshio_conn *conn, void *user)
{
    sshio_conn_set_user(conn, &server_story);
    assert_null(user);
    tell(&server_story, "made");
    assert_int_equal(sshio_conn_send_auth_banner(conn, "welcome", NULL), 0);
}

static void server_lost(sshio_conn *conn, const sshio_error *error, void *user)
{
    (void)conn, (void)error;
    tell(user, "lost");
}

static int server_begin(sshio_conn *conn, const char *username, void *user)
{
    (void)conn;
    sshio_sleep(0.001);
    tell(user, "begin");
    return strcmp(username, "open") == 0 ? SSHIO_ACCEPT : SSHIO_REFUSE;
}

static void server_completed(sshio_conn *conn, void *user)
{
    tell(user, "completed");
    sshio_sleep(0.001);
    assert_int_equal(sshio_conn_send_auth_banner(conn, "late", NULL), SSHIO_ECLOSED);
    assert_int_equal(sshio_conn_send_debug(conn, "debugging", NULL, true), 0);
}

static int server_keys_supported(sshio_conn *conn, void *user)
{
    (void)conn, (void)user;
    return 1;
}

static int server_validate_key(sshio_conn *conn, const char *username, sshio_key *key, void *user)
{
    (void)conn, (void)key;
    sshio_sleep(0.001);
    tell(user, "key");
    return strcmp(username, "keyholder") == 0;
}

static int server_passwords_supported(sshio_conn *conn, void *user)
{
    (void)conn, (void)user;
    return 1;
}

static int server_validate_password(sshio_conn *conn, const char *username, const char *password, void *user)
{
    (void)conn, (void)username;
    sshio_sleep(0.001);
    tell(user, "password");
    return strcmp(password, "secret") == 0;
}

static const sshio_server_handlers server_handlers = {
    .connection_made = server_made,
    .connection_lost = server_lost,
    .begin_auth = server_begin,
    .auth_completed = server_completed,
    .public_key_auth_supported = server_keys_supported,
    .validate_public_key = server_validate_key,
    .password_auth_supported = server_passwords_supported,
    .validate_password = server_validate_password,
};

static void prepare(struct loopback *l)
{
    l->server_options.handlers = &server_handlers;
    l->authorized[0] = '\0';
}

static sshio_conn *connect_as(struct loopback *l, const char *username, const sshio_keyref *keys, int expected)
{
    sshio_client_options options = loopback_client(l);
    sshio_conn *conn = NULL;
    options.username = username;
    options.client_keys = keys;
    options.known_hosts = NULL;
    options.client_version = "testclient";
    assert_int_equal(sshio_create_connection(&client_handlers, &client_story, "127.0.0.1", &options, &conn), expected);
    return conn;
}

/* Closes and waits until the server has noticed as well. */
static void hang_up(struct loopback *l, sshio_conn *conn)
{
    sshio_conn_unref(conn);
    while (strstr(server_story.text, "lost") == NULL)
        sshio_sleep(0.001);
    (void)l;
}

static void password_story(struct loopback *l)
{
    sshio_result *result = NULL;
    sshio_conn *conn = connect_as(l, "guest", NULL, 0);
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "both"), &result),
                     0); /* what was sent before has arrived then */
    sshio_result_free(result);
    sshio_conn_close(conn);
    assert_int_equal(sshio_conn_wait_closed(conn), 0);
    hang_up(l, conn);
    assert_string_equal(client_story.text, "made validate guest welcome password completed debugging lost");
    assert_string_equal(server_story.text, "made begin password completed lost");
}

static void test_handlers_of_a_password_login_come_in_their_order(void **state)
{
    (void)state;
    run_with(password_story, prepare);
}

static void key_story(struct loopback *l)
{
    sshio_keyref keys[2] = { { .key = l->other_key } };
    sshio_conn *conn = connect_as(l, "keyholder", keys, 0);
    hang_up(l, conn);
    assert_string_equal(server_story.text, "made begin key completed lost");
}

static void test_key_that_signs_quickly_is_not_asked_about_first(void **state)
{
    (void)state;
    run_with(key_story, prepare);
}

static void slow_key_story(struct loopback *l)
{
    sshio_key *key = NULL;
    assert_int_equal(sshio_generate_private_key("ssh-rsa", SSHIO_GENERATE(.key_size = 2048), &key), 0);
    sshio_keyref keys[2] = { { .key = key } };
    sshio_conn *conn = connect_as(l, "keyholder", keys, 0);
    hang_up(l, conn);
    sshio_key_unref(key);
    assert_string_equal(server_story.text, "made begin key key completed lost");
}

/* Rule A1: asked at the query, and again for the key that signed. */
static void test_a1_key_is_validated_again_when_it_signs(void **state)
{
    (void)state;
    run_with(slow_key_story, prepare);
}

static void open_story(struct loopback *l)
{
    sshio_client_options options = loopback_client(l);
    sshio_conn *conn = NULL;
    options.username = "open";
    options.client_keys = NULL;
    assert_int_equal(sshio_connect("127.0.0.1", &options, &conn), 0);
    hang_up(l, conn);
    assert_string_equal(server_story.text, "made begin completed lost");
}

static void test_begin_auth_can_let_a_user_in_without_a_login(void **state)
{
    (void)state;
    run_with(open_story, prepare);
}

static void untrusted_story(struct loopback *l)
{
    sshio_client_handlers handlers = client_handlers;
    sshio_client_options options = loopback_client(l);
    sshio_conn *conn = NULL;
    handlers.validate_host_public_key = client_validate_no;
    options.known_hosts = NULL;
    options.client_version = "testclient";
    assert_int_equal(sshio_create_connection(&handlers, &client_story, "127.0.0.1", &options, &conn),
                     SSHIO_EHOST_KEY_NOT_VERIFIABLE);
    assert_string_equal(client_story.text, "made validate lost-by-error");
    while (strstr(server_story.text, "lost") == NULL)
        sshio_sleep(0.001);
    assert_string_equal(server_story.text, "made lost");
}

/* Rule A13: no user name leaves. */
static void test_a13_host_that_is_not_trusted_hears_no_user_name(void **state)
{
    (void)state;
    run_with(untrusted_story, prepare);
}

/* ---- sessions by handler ---- */

static int echo_exec(sshio_chan *chan, const char *command, void *user)
{
    (void)chan, (void)user;
    return strcmp(command, "refused") != 0;
}

static void echo_data(sshio_chan *chan, const void *data, size_t len, int datatype, void *user)
{
    (void)datatype, (void)user;
    sshio_chan_write(chan, data, len, 0);
}

static void echo_started(sshio_chan *chan, void *user)
{
    (void)user;
    sshio_chan_printf(chan, "%s:", sshio_chan_get_command(chan));
    sshio_chan_write_stderr(chan, "note", 4);
}

static int echo_eof(sshio_chan *chan, void *user)
{
    (void)user;
    sshio_chan_exit(chan, 7);
    return 1;
}

static const sshio_session_handlers echo_session = {
    .exec_requested = echo_exec,
    .session_started = echo_started,
    .data_received = echo_data,
    .eof_received = echo_eof,
};

static int session_requested(sshio_conn *conn, sshio_request *req, void *user)
{
    static int count;
    (void)conn, (void)user;
    sshio_sleep(0.001);
    if (++count == 2)
        return sshio_raise_channel_open(SSHIO_OPEN_ADMINISTRATIVELY_PROHIBITED, "not now", NULL);
    return sshio_accept_session(req, &echo_session, NULL, NULL);
}

static const sshio_server_handlers with_sessions = { .session_requested = session_requested };

static void prepare_sessions(struct loopback *l)
{
    l->server_options.handlers = &with_sessions;
    l->server_options.process_handler = NULL;
}

static void session_story(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_result *result = NULL;
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "cmd", .input = SSHIO_TEXT("data")), &result), 0);
    assert_string_equal(result->out.data, "cmd:data");
    assert_string_equal(result->err.data, "note");
    assert_int_equal(result->exit_status, 7);
    sshio_result_free(result);
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "cmd"), &result), SSHIO_ECHANNEL_OPEN);
    assert_int_equal(sshio_error_last()->reason, SSHIO_OPEN_ADMINISTRATIVELY_PROHIBITED);
    assert_string_equal(sshio_error_message(), "not now");
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "refused"), &result), SSHIO_ECHANNEL_OPEN);
    assert_int_equal(sshio_error_last()->reason, SSHIO_OPEN_REQUEST_SESSION_FAILED);
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.subsystem = "none"), &result), SSHIO_ECHANNEL_OPEN);
    sshio_conn_unref(conn);
}

static void test_server_session_by_callbacks_serves_and_refuses(void **state)
{
    (void)state;
    run_with(session_story, prepare_sessions);
}

/* ---- an end that comes before the beginning ---- */

static int story_exec(sshio_chan *chan, const char *command, void *user)
{
    (void)chan, (void)command;
    tell(user, "exec");
    return 1;
}

static void story_started(sshio_chan *chan, void *user)
{
    (void)chan;
    tell(user, "started");
}

static int story_eof(sshio_chan *chan, void *user)
{
    tell(user, "eof");
    sshio_chan_exit(chan, 0);
    return 1;
}

static const sshio_session_handlers story_session = {
    .exec_requested = story_exec,
    .session_started = story_started,
    .eof_received = story_eof,
};

static int story_requested(sshio_conn *conn, sshio_request *req, void *user)
{
    (void)conn, (void)user;
    return sshio_accept_session(req, &story_session, &server_story, NULL);
}

static const sshio_server_handlers with_stories = { .session_requested = story_requested };

static void prepare_stories(struct loopback *l)
{
    l->server_options.handlers = &with_stories;
    l->server_options.process_handler = NULL;
}

static void end_input(sshio_chan *chan, void *user)
{
    (void)user;
    sshio_chan_write_eof(chan);
}

static void early_eof(struct loopback *l)
{
    static const sshio_session_handlers handlers = { .connection_made = end_input };
    sshio_conn *conn = loopback_connect(l);
    sshio_chan *chan = NULL;
    assert_int_equal(sshio_create_session(conn, &handlers, NULL, SSHIO_SESSION(.command = "x"), &chan), 0);
    assert_int_equal(sshio_chan_wait_closed(chan), 0);
    assert_int_equal(sshio_chan_get_exit_status(chan), 0);
    assert_string_equal(server_story.text, "exec started eof");
    sshio_chan_unref(chan);
    sshio_conn_unref(conn);
}

static void test_eof_before_the_request_is_told_when_the_session_has_started(void **state)
{
    (void)state;
    run_with(early_eof, prepare_stories);
}

static void greet(sshio_reader *in, sshio_writer *out, sshio_writer *err, void *user)
{
    sshio_bytes all = { 0 };
    (void)user;
    assert_int_equal(sshio_read_all(in, &all), 0);
    sshio_printf(out, "got %zu", all.len);
    sshio_puts(err, "done");
    sshio_bytes_free(&all);
}

static void prepare_streams(struct loopback *l)
{
    l->server_options.process_handler = NULL;
    l->server_options.session_handler = greet;
}

static void stream_story(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_result *result = NULL;
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.subsystem = "anything", .input = SSHIO_TEXT("12345")), &result), 0);
    assert_string_equal(result->out.data, "got 5");
    assert_string_equal(result->err.data, "done");
    assert_int_equal(result->exit_status, 0);
    assert_string_equal(result->subsystem, "anything");
    sshio_result_free(result);
    sshio_conn_unref(conn);
}

static void test_session_handler_gets_streams(void **state)
{
    (void)state;
    run_with(stream_story, prepare_streams);
}

/* ---- acceptor and error handler ---- */

static int accepted_count, error_count;

static int acceptor(sshio_conn *conn, void *user)
{
    (void)user;
    assert_string_equal(sshio_conn_username(conn), "guest");
    return accepted_count++ == 0 ? 0 : sshio_raise(SSHIO_ELIMIT, "one is enough");
}

static void error_handler(sshio_conn *conn, const sshio_error *error, void *user)
{
    (void)conn, (void)user, (void)error;
    error_count++;
}

static void prepare_acceptor(struct loopback *l)
{
    l->server_options.acceptor = acceptor;
    l->server_options.error_handler = error_handler;
}

static void acceptor_story(struct loopback *l)
{
    sshio_client_options options = loopback_client(l);
    sshio_conn *first = loopback_connect(l), *second = NULL;
    sshio_keyref keys[2] = { { .key = l->other_key } };
    options.client_keys = keys;
    assert_int_equal(sshio_connect("127.0.0.1", &options, &second), SSHIO_EPERMISSION_DENIED);
    second = loopback_connect(l);
    assert_int_equal(sshio_conn_wait_closed(second), 0); /* the acceptor failed for it */
    assert_int_equal(accepted_count, 2);
    while (error_count == 0)
        sshio_sleep(0.001);
    assert_int_equal(error_count, 1);
    assert_false(sshio_conn_is_closed(first));
    sshio_conn_unref(first);
    sshio_conn_unref(second);
}

static void test_acceptor_and_error_handler_see_the_right_connections(void **state)
{
    (void)state;
    run_with(acceptor_story, prepare_acceptor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_handlers_of_a_password_login_come_in_their_order, setup),
        cmocka_unit_test_setup(test_key_that_signs_quickly_is_not_asked_about_first, setup),
        cmocka_unit_test_setup(test_a1_key_is_validated_again_when_it_signs, setup),
        cmocka_unit_test_setup(test_begin_auth_can_let_a_user_in_without_a_login, setup),
        cmocka_unit_test_setup(test_a13_host_that_is_not_trusted_hears_no_user_name, setup),
        cmocka_unit_test_setup(test_server_session_by_callbacks_serves_and_refuses, setup),
        cmocka_unit_test_setup(test_eof_before_the_request_is_told_when_the_session_has_started, setup),
        cmocka_unit_test_setup(test_session_handler_gets_streams, setup),
        cmocka_unit_test_setup(test_acceptor_and_error_handler_see_the_right_connections, setup),
    };
    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
