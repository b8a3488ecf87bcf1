/* Texts for people in messages of the peer's that are not UTF-8: what .utf8_decode_errors makes of each, for who gets
 * it. (RFC 4252 section 5.4, RFC 4253 sections 11.1 and 11.3, RFC 4254 sections 5.1 and 6.10) */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "session/run.h"

enum message { BANNER, DEBUG_MESSAGE, DISCONNECT, OPEN_FAILURE, EXIT_SIGNAL, MESSAGES };
static const char *const names[] = { "MSG_USERAUTH_BANNER", "MSG_DEBUG", "MSG_DISCONNECT", "MSG_CHANNEL_OPEN_FAILURE",
                                     "exit-signal" };

static const struct treatment {
    sshio_text_errors errors;
    const char *text;  /* as a handler gets it; NULL = the connection ends */
    const char *shown; /* in an error's message, where nothing stands that cannot be shown */
} treatments[] = {
    { SSHIO_ERRORS_UNSET, NULL, NULL },
    { SSHIO_ERRORS_STRICT, NULL, NULL },
    { SSHIO_ERRORS_IGNORE, "caf", "caf" },
    { SSHIO_ERRORS_REPLACE, "caf\xef\xbf\xbd", "caf\xef\xbf\xbd" },
    { SSHIO_ERRORS_BACKSLASHREPLACE, "caf\\xe9", "caf\\xe9" },
    { SSHIO_ERRORS_SURROGATEESCAPE, "caf\xed\xb3\xa9", "caf\\xed\\xb3\\xa9" },
};

/* What the server says, and where. */
static enum message message;
static const char *said, *lang;
static char seen[64];

static void see(const char *text)
{
    snprintf(seen, sizeof seen, "%s", text);
}

/* ---- the server ---- */

static void server_made(sshio_conn *conn, void *user)
{
    (void)user;
    if (message == BANNER)
        assert_int_equal(sshio_conn_send_auth_banner(conn, said, lang), 0);
}

static int server_connection(sshio_conn *conn, const char *host, int port, const char *orig_host, int orig_port,
                             sshio_request *req, void *user)
{
    (void)conn, (void)host, (void)port, (void)orig_host, (void)orig_port, (void)req, (void)user;
    return sshio_raise_channel_open(SSHIO_OPEN_CONNECT_FAILED, said, lang);
}

static void server_program(sshio_process *p, void *user)
{
    const sshio_exit_signal signal = { .name = "KILL", .msg = said, .lang = lang };
    sshio_conn *conn = sshio_process_conn(p);
    (void)user;
    if (message == DEBUG_MESSAGE)
        assert_int_equal(sshio_conn_send_debug(conn, said, lang, false), 0);
    else if (message == DISCONNECT)
        sshio_conn_disconnect(conn, SSHIO_DISC_TOO_MANY_CONNECTIONS, said, lang);
    else if (message == EXIT_SIGNAL)
        sshio_process_exit_with_signal(p, &signal);
}

static void server_debug(sshio_conn *conn, const char *msg, const char *msg_lang, bool always_display, void *user)
{
    (void)conn, (void)msg_lang, (void)always_display, (void)user;
    see(msg);
}

static const sshio_server_handlers server_handlers = { .connection_made = server_made,
                                                       .debug_msg_received = server_debug,
                                                       .connection_requested = server_connection };

static void prepare(struct loopback *l)
{
    l->server_options.handlers = &server_handlers;
    l->server_options.process_handler = server_program;
    l->server_options.utf8_decode_errors = SSHIO_ERRORS_REPLACE;
}

/* ---- the client ---- */

static void client_banner(sshio_conn *conn, const char *msg, const char *msg_lang, void *user)
{
    (void)conn, (void)msg_lang, (void)user;
    see(msg);
}

static void client_debug(sshio_conn *conn, const char *msg, const char *msg_lang, bool always_display, void *user)
{
    (void)conn, (void)msg_lang, (void)always_display, (void)user;
    see(msg);
}

static const sshio_client_handlers client_handlers = { .auth_banner_received = client_banner,
                                                       .debug_msg_received = client_debug };

/* Makes the server say it. ends: that ends the connection; then the result is why. */
static int hear(sshio_conn *conn, bool ends)
{
    sshio_result *result = NULL;
    sshio_reader *reader;
    sshio_writer *writer;
    int rc = 0;
    if (message == OPEN_FAILURE) {
        rc = sshio_open_connection(conn, "localhost", 1, NULL, &reader, &writer);
        see(sshio_error_message());
        rc = rc == SSHIO_ECHANNEL_OPEN ? 0 : rc;
    } else if (message != BANNER) {
        rc = sshio_run(conn, SSHIO_SESSION(.command = "say it"), &result);
        if (rc == 0 && !ends && message == EXIT_SIGNAL)
            see(result->exit_signal->msg);
        sshio_result_free(result);
    }
    if (!ends)
        return rc;
    assert_int_equal(sshio_conn_wait_closed(conn), 0);
    assert_non_null(sshio_conn_error(conn));
    see(sshio_conn_error(conn)->message);
    return sshio_conn_error(conn)->code;
}

/* What became of the connection. The sentence of a failure is in seen. */
static int talk(struct loopback *l, sshio_text_errors errors, bool ends)
{
    sshio_client_options options = loopback_client(l);
    sshio_conn *conn = NULL;
    options.handlers = &client_handlers;
    options.utf8_decode_errors = errors;
    seen[0] = '\0';
    int rc = sshio_connect("127.0.0.1", &options, &conn);
    if (rc == 0)
        rc = hear(conn, ends);
    else
        see(sshio_error_message());
    sshio_conn_unref(conn);
    return rc;
}

static void check(struct loopback *l, const struct treatment *t)
{
    char sentence[64];
    int rc = talk(l, t->errors, t->text == NULL || message == DISCONNECT);
    if (t->text == NULL) {
        snprintf(sentence, sizeof sentence, "Text of %s is not UTF-8", names[message]);
        if (rc != SSHIO_EPROTOCOL || strcmp(seen, sentence) != 0)
            fail_msg("%s: %d, \"%s\"", names[message], rc, seen);
    } else if (message == DISCONNECT || message == OPEN_FAILURE) {
        assert_int_equal(rc, message == DISCONNECT ? SSHIO_EDISCONNECT : 0);
        assert_string_equal(seen, t->shown);
    } else {
        assert_int_equal(rc, 0);
        assert_string_equal(seen, t->text);
    }
}

static void each_message(struct loopback *l)
{
    said = "caf\xe9";
    lang = "fr";
    for (message = 0; message < MESSAGES; message++)
        for (size_t i = 0; i < sizeof treatments / sizeof treatments[0]; i++)
            check(l, &treatments[i]);
}

static void test_text_that_is_not_utf8_is_treated_as_the_option_says(void **state)
{
    (void)state;
    run_with(each_message, prepare);
}

static void valid_text(struct loopback *l)
{
    static const struct treatment same = { SSHIO_ERRORS_UNSET, "caf\xc3\xa9", "caf\xc3\xa9" };
    said = same.text;
    lang = "fr";
    for (message = 0; message < MESSAGES; message++)
        check(l, &same);
}

static void test_text_that_is_utf8_stays_as_it_is(void **state)
{
    (void)state;
    run_with(valid_text, prepare);
}

/* Whatever the option says: a tag is not shown to anybody. The tag of a refused open is ours. */
static void bad_language(struct loopback *l)
{
    static const enum message with_tag[] = { BANNER, DEBUG_MESSAGE, DISCONNECT, EXIT_SIGNAL };
    said = "hello";
    lang = "fran\xc3\xa7"
           "ais";
    for (size_t i = 0; i < sizeof with_tag / sizeof with_tag[0]; i++) {
        char sentence[64];
        message = with_tag[i];
        snprintf(sentence, sizeof sentence, "Language tag of %s is not ASCII", names[message]);
        assert_int_equal(talk(l, SSHIO_ERRORS_REPLACE, true), SSHIO_EPROTOCOL);
        assert_string_equal(seen, sentence);
    }
}

static void test_language_tag_that_is_not_ascii_is_a_protocol_error(void **state)
{
    (void)state;
    run_with(bad_language, prepare);
}

static void from_a_client(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_result *result = NULL;
    message = MESSAGES; /* the server says nothing */
    seen[0] = '\0';
    assert_int_equal(sshio_conn_send_debug(conn, "caf\xe9", NULL, false), 0);
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "say nothing"), &result), 0); /* it came before */
    assert_string_equal(seen, "caf\xef\xbf\xbd");
    sshio_result_free(result);
    sshio_conn_unref(conn);
}

static void test_servers_have_the_option_too(void **state)
{
    (void)state;
    run_with(from_a_client, prepare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_that_is_not_utf8_is_treated_as_the_option_says),
        cmocka_unit_test(test_text_that_is_utf8_stays_as_it_is),
        cmocka_unit_test(test_language_tag_that_is_not_ascii_is_a_protocol_error),
        cmocka_unit_test(test_servers_have_the_option_too),
    };
    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
