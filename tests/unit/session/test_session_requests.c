/* What both sides of a session tell each other besides data: terminals, environment, breaks, signals, flow control and
 * ends; and what a client's session asks for. (RFC 4254 section 6, RFC 4335) */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "session/run.h"

/* What the server's session was told, as words in their order. */
static struct {
    char text[2048];
    bool refuse_terminal;
    const char *end_on; /* signal name at which it exits */
} heard;

__attribute__((format(printf, 1, 2))) static void hear(const char *format, ...)
{
    va_list args;
    size_t len = strlen(heard.text);
    va_start(args, format);
    if (len != 0)
        len += (size_t)snprintf(heard.text + len, sizeof heard.text - len, " ");
    vsnprintf(heard.text + len, sizeof heard.text - len, format, args);
    va_end(args);
}

static int setup(void **state)
{
    (void)state;
    memset(&heard, 0, sizeof heard);
    return 0;
}

static void on_made(sshio_chan *chan, void *user)
{
    (void)user;
    assert_null(sshio_chan_get_terminal_type(chan));
    hear("made");
}

static int on_pty(sshio_chan *chan, const char *type, const sshio_term_size *size, const sshio_term_mode *modes,
                  void *user)
{
    (void)chan, (void)user;
    hear("pty(%s,%dx%d,%dx%d", type, size->width, size->height, size->pixwidth, size->pixheight);
    for (; modes->op != 0; modes++)
        hear("%u=%u", modes->op, (unsigned)modes->value);
    hear(")");
    return !heard.refuse_terminal;
}

static int on_shell(sshio_chan *chan, void *user)
{
    (void)chan, (void)user;
    hear("shell");
    return 1;
}

static int on_exec(sshio_chan *chan, const char *command, void *user)
{
    (void)chan, (void)user;
    hear("exec(%s)", command);
    return strcmp(command, "refused") != 0;
}

static int on_subsystem(sshio_chan *chan, const char *subsystem, void *user)
{
    (void)chan, (void)user;
    hear("subsystem(%s)", subsystem);
    return 1;
}

static void on_started(sshio_chan *chan, void *user)
{
    const char *const *env = sshio_chan_get_environment(chan);
    (void)user;
    hear("started");
    for (; *env != NULL; env++)
        hear("%s", *env);
    if (sshio_chan_get_terminal_type(chan) != NULL)
        hear("on(%s)", sshio_chan_get_terminal_type(chan));
    assert_int_equal(sshio_chan_set_xon_xoff(chan, true), 0);
}

static int on_break(sshio_chan *chan, int msec, void *user)
{
    (void)chan, (void)user;
    hear("break(%d)", msec);
    return 1;
}

static void on_signal(sshio_chan *chan, const char *signal, void *user)
{
    (void)user;
    hear("signal(%s)", signal);
    if (heard.end_on != NULL && strcmp(heard.end_on, signal) == 0)
        sshio_chan_exit(chan, 300);
}

static void on_size(sshio_chan *chan, const sshio_term_size *size, void *user)
{
    sshio_term_size kept = sshio_chan_get_terminal_size(chan);
    (void)user;
    assert_memory_equal(&kept, size, sizeof kept);
    hear("size(%dx%d,%dx%d)", size->width, size->height, size->pixwidth, size->pixheight);
}

static int on_eof(sshio_chan *chan, void *user)
{
    (void)user;
    hear("eof");
    sshio_chan_exit(chan, 0);
    return 1;
}

static void on_lost(sshio_chan *chan, const sshio_error *error, void *user)
{
    (void)chan, (void)user, (void)error;
    hear("lost");
}

static const sshio_session_handlers server_session = {
    .connection_made = on_made,
    .session_started = on_started,
    .eof_received = on_eof,
    .connection_lost = on_lost,
    .pty_requested = on_pty,
    .shell_requested = on_shell,
    .exec_requested = on_exec,
    .subsystem_requested = on_subsystem,
    .break_received = on_break,
    .signal_received = on_signal,
    .terminal_size_changed = on_size,
};

static int session_requested(sshio_conn *conn, sshio_request *req, void *user)
{
    (void)conn, (void)user;
    return sshio_accept_session(req, &server_session, NULL, NULL);
}

static const sshio_server_handlers server = { .session_requested = session_requested };

static void prepare(struct loopback *l)
{
    l->server_options.process_handler = NULL;
    l->server_options.handlers = &server;
}

static void prepare_without_terminals(struct loopback *l)
{
    prepare(l);
    l->server_options.allow_pty = SSHIO_NO;
}

static void run_session(sshio_conn *conn, const sshio_session_options *options)
{
    sshio_result *result = NULL;
    heard.text[0] = '\0';
    if (sshio_run(conn, options, &result) != 0)
        fail_msg("%s", sshio_error_message());
    sshio_result_free(result);
    while (strstr(heard.text, "lost") == NULL)
        sshio_sleep(0.001);
}

#define NO_INPUT .in = { .kind = SSHIO_IO_DEVNULL }

/* ---- what is asked for ---- */

static void terminal_story(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    run_session(conn,
                SSHIO_SESSION(.term_type = "vt100", .term_size = { 80, 24, 640, 480 },
                              .term_modes = SSHIO_MODES({ SSHIO_PTY_ECHO, 0 }, { SSHIO_PTY_IUTF8, 1 }), NO_INPUT));
    assert_string_equal(heard.text, "made pty(vt100,80x24,640x480 53=0 42=1 ) shell started on(vt100) eof lost");
    sshio_conn_unref(conn);
}

/* RFC 4254 6.2 */
static void test_terminal_is_asked_for_before_the_shell(void **state)
{
    (void)state;
    run_with(terminal_story, prepare);
}

static void check_terminal(sshio_chan *chan, void *user)
{
    const sshio_term_mode *modes = sshio_chan_get_terminal_modes(chan);
    uint32_t value = 0;
    (void)user;
    assert_string_equal(sshio_chan_get_terminal_type(chan), "vt100");
    assert_int_equal(sshio_chan_get_terminal_size(chan).height, 24);
    assert_true(sshio_chan_get_terminal_mode(chan, SSHIO_PTY_VINTR, &value));
    assert_int_equal(value, 3);
    assert_false(sshio_chan_get_terminal_mode(chan, SSHIO_PTY_VQUIT, &value));
    assert_int_equal(modes[0].op, SSHIO_PTY_VINTR);
    assert_int_equal(modes[1].op, SSHIO_PTY_OP_END);
    hear("checked");
    sshio_chan_exit(chan, 0);
}

static int checking_session(sshio_conn *conn, sshio_request *req, void *user)
{
    static const sshio_session_handlers handlers = { .shell_requested = on_shell, .session_started = check_terminal };
    (void)conn, (void)user;
    return sshio_accept_session(req, &handlers, NULL, NULL);
}

static void prepare_checking(struct loopback *l)
{
    static const sshio_server_handlers checking = { .session_requested = checking_session };
    prepare(l);
    l->server_options.handlers = &checking;
}

static void checked_terminal_story(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_result *result = NULL;
    assert_int_equal(sshio_run(conn,
                               SSHIO_SESSION(.term_type = "vt100", .term_size = { 80, 24, 0, 0 },
                                             .term_modes = SSHIO_MODES({ SSHIO_PTY_VINTR, 3 })),
                               &result),
                     0);
    sshio_result_free(result);
    assert_string_equal(heard.text, "shell checked");
    sshio_conn_unref(conn);
}

/* Without pty_requested it is granted. */
static void test_terminal_can_be_asked_about(void **state)
{
    (void)state;
    run_with(checked_terminal_story, prepare_checking);
}

static void choice_story(struct loopback *l)
{
    static const struct {
        sshio_pty_choice choice;
        const char *type, *command;
        bool asks;
    } rows[] = {
        { SSHIO_REQUEST_PTY_UNSET, NULL, NULL, false },  { SSHIO_REQUEST_PTY_UNSET, "vt100", "x", true },
        { SSHIO_REQUEST_PTY_YES, NULL, NULL, false },    { SSHIO_REQUEST_PTY_YES, "vt100", "x", true },
        { SSHIO_REQUEST_PTY_NO, "vt100", NULL, false },  { SSHIO_REQUEST_PTY_FORCE, NULL, "x", true },
        { SSHIO_REQUEST_PTY_AUTO, NULL, NULL, false },   { SSHIO_REQUEST_PTY_AUTO, "vt100", NULL, true },
        { SSHIO_REQUEST_PTY_AUTO, "vt100", "x", false },
    };
    sshio_conn *conn = loopback_connect(l);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        run_session(conn, SSHIO_SESSION(.request_pty = rows[i].choice, .term_type = rows[i].type,
                                        .command = rows[i].command, NO_INPUT));
        assert_int_equal(strstr(heard.text, "pty(") != NULL, rows[i].asks);
    }
    sshio_conn_unref(conn);
}

static void test_when_a_terminal_is_asked_for(void **state)
{
    (void)state;
    run_with(choice_story, prepare);
}

static void refused_terminal_story(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_result *result = NULL;
    heard.refuse_terminal = true;
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.term_type = "vt100"), &result), SSHIO_ECHANNEL_OPEN);
    assert_int_equal(sshio_error_last()->reason, SSHIO_OPEN_REQUEST_PTY_FAILED);
    assert_string_equal(sshio_error_message(), "PTY request failed");
    assert_null(strstr(heard.text, "shell")); /* nothing runs without the terminal that it was to have */
    while (strstr(heard.text, "lost") == NULL)
        sshio_sleep(0.001);
    run_session(conn, SSHIO_SESSION(NO_INPUT));
    sshio_conn_unref(conn);
}

static void test_refused_terminal_fails_the_session(void **state)
{
    (void)state;
    run_with(refused_terminal_story, prepare);
}

static void forbidden_terminal_story(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_result *result = NULL;
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.term_type = "vt100"), &result), SSHIO_ECHANNEL_OPEN);
    assert_int_equal(sshio_error_last()->reason, SSHIO_OPEN_REQUEST_PTY_FAILED);
    assert_null(strstr(heard.text, "pty("));
    sshio_conn_unref(conn);
}

static void test_allow_pty_off_refuses_without_asking(void **state)
{
    (void)state;
    run_with(forbidden_terminal_story, prepare_without_terminals);
}

static void environment_story(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    setenv("SSHIO_TEST_ONE", "1", 1);
    setenv("SSHIO_TEST_TWO", "two=2", 1);
    run_session(conn,
                SSHIO_SESSION(.send_env = SSHIO_LIST("SSHIO_TEST_?NE", "SSHIO_T*_TWO"),
                              .env = SSHIO_LIST("A=b", "SSHIO_TEST_ONE=changed", "A="), .subsystem = "sub", NO_INPUT));
    assert_non_null(strstr(heard.text, "subsystem(sub) started"));
    assert_non_null(strstr(heard.text, " SSHIO_TEST_ONE=changed"));
    assert_non_null(strstr(heard.text, " SSHIO_TEST_TWO=two=2"));
    assert_non_null(strstr(heard.text, " A= eof"));
    assert_null(strstr(heard.text, "A=b"));
    assert_null(strstr(heard.text, "PATH="));
    sshio_conn_unref(conn);
}

static void test_named_variables_win_over_those_of_the_process(void **state)
{
    (void)state;
    run_with(environment_story, prepare);
}

static void defaults_story(struct loopback *l)
{
    sshio_client_options options = loopback_client(l);
    sshio_conn *conn = NULL;
    options.command = "default";
    options.env = SSHIO_LIST("FROM=connection");
    options.send_env = SSHIO_LIST("SSHIO_TEST_ONE");
    options.term_type = "vt52";
    options.term_size = (sshio_term_size){ 40, 12, 0, 0 };
    options.term_modes = SSHIO_MODES({ SSHIO_PTY_VINTR, 3 });
    setenv("SSHIO_TEST_ONE", "1", 1);
    assert_int_equal(sshio_connect("127.0.0.1", &options, &conn), 0);
    run_session(conn, SSHIO_SESSION(NO_INPUT));
    assert_string_equal(heard.text, "made pty(vt52,40x12,0x0 1=3 ) exec(default) started SSHIO_TEST_ONE=1 "
                                    "FROM=connection on(vt52) eof lost");
    run_session(conn, SSHIO_SESSION(.command = SSHIO_NONE, .env = SSHIO_NONE, .send_env = SSHIO_NONE,
                                    .term_type = SSHIO_NONE, NO_INPUT));
    assert_string_equal(heard.text, "made shell started eof lost");
    run_session(conn, SSHIO_SESSION(.command = "own", .env = SSHIO_LIST("FROM=call"), .send_env = SSHIO_NONE,
                                    .term_size = { 1, 2, 3, 4 }, .term_modes = SSHIO_NONE, NO_INPUT));
    assert_string_equal(heard.text, "made pty(vt52,1x2,3x4 ) exec(own) started FROM=call on(vt52) eof lost");
    run_session(conn, SSHIO_SESSION(.subsystem = "sub", .request_pty = SSHIO_REQUEST_PTY_NO, .env = SSHIO_NONE,
                                    .send_env = SSHIO_NONE, NO_INPUT));
    assert_string_equal(heard.text, "made subsystem(sub) started eof lost");
    sshio_conn_unref(conn);
}

static void test_what_is_not_given_is_taken_from_the_connection(void **state)
{
    (void)state;
    run_with(defaults_story, prepare);
}

static void bad_arguments_story(struct loopback *l)
{
    static char huge[300 * 1024];
    memset(huge, 'x', sizeof huge - 1);
    const struct {
        sshio_session_options options;
        int rc;
    } rows[] = {
        { { .env = SSHIO_LIST("no-value") }, SSHIO_EINVAL },
        { { .env = SSHIO_LIST("=x") }, SSHIO_EINVAL },
        { { .env = SSHIO_LIST("A=1", huge) }, SSHIO_EINVAL },
        { { .subsystem = "s\xc3\xa4" }, SSHIO_EINVAL },
        { { .subsystem = huge }, SSHIO_ELIMIT },
        { { .command = huge }, SSHIO_ELIMIT },
        { { .term_type = "a\tb" }, SSHIO_EINVAL },
        { { .term_size = { -1, 0, 0, 0 } }, SSHIO_EINVAL },
        { { .term_modes = SSHIO_MODES({ 160, 1 }) }, SSHIO_EINVAL },
    };
    sshio_conn *conn = loopback_connect(l);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sshio_session_options options = rows[i].options;
        sshio_result *result = NULL;
        options.size = sizeof options;
        assert_int_equal(sshio_run(conn, &options, &result), rows[i].rc);
    }
    assert_string_equal(heard.text, ""); /* no channel was opened for them */
    sshio_client_options client = loopback_client(l);
    client.term_modes = SSHIO_MODES({ 200, 1 });
    sshio_conn *other = NULL;
    assert_int_equal(sshio_connect("127.0.0.1", &client, &other), SSHIO_EINVAL);
    sshio_conn_unref(conn);
}

static void test_bad_arguments_are_refused_before_a_channel_opens(void **state)
{
    (void)state;
    run_with(bad_arguments_story, prepare);
}

/* ---- what is told ---- */

static void client_xon_xoff(sshio_chan *chan, bool client_can_do, void *user)
{
    (void)chan;
    *(int *)user = client_can_do ? 1 : 2;
}

static const sshio_session_handlers client_session = { .xon_xoff_requested = client_xon_xoff };

static void telling_story(struct loopback *l)
{
    int xon_xoff = 0;
    sshio_conn *conn = loopback_connect(l);
    sshio_chan *chan = NULL;
    heard.end_on = "USR1";
    assert_int_equal(sshio_create_session(conn, &client_session, &xon_xoff, SSHIO_SESSION(.command = "x"), &chan), 0);
    assert_int_equal(sshio_chan_change_terminal_size(chan, (sshio_term_size){ 132, 43, 1, 2 }), 0);
    assert_int_equal(sshio_chan_send_break(chan, 500), 0);
    assert_int_equal(sshio_chan_send_break(chan, 0), 0);
    assert_int_equal(sshio_chan_send_signal(chan, "INT"), 0);
    assert_int_equal(sshio_chan_send_signal(chan, "15"), 0);
    assert_int_equal(sshio_chan_write_eof(chan), 0); /* not the end of telling */
    assert_int_equal(sshio_chan_send_signal(chan, "INFO@openssh.com"), 0);
    assert_int_equal(sshio_chan_wait_closed(chan), 0);
    assert_string_equal(heard.text, "made exec(x) started size(132x43,1x2) break(500) break(0) signal(INT) "
                                    "signal(TERM) eof");
    assert_int_equal(xon_xoff, 1);
    sshio_chan_unref(chan);
    sshio_conn_unref(conn);
}

/* RFC 4254 6.7 to 6.9, RFC 4335 */
static void test_size_break_and_signals_come_in_their_order(void **state)
{
    (void)state;
    run_with(telling_story, prepare);
}

static void exit_story(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_chan *chan = NULL;
    heard.end_on = "USR1";
    assert_int_equal(sshio_create_session(conn, NULL, NULL, SSHIO_SESSION(.command = "x"), &chan), 0);
    assert_int_equal(sshio_chan_send_signal(chan, "USR1"), 0);
    assert_int_equal(sshio_chan_wait_closed(chan), 0);
    assert_int_equal(sshio_chan_get_exit_status(chan), 300 & 0xff);
    sshio_chan_unref(chan);
    sshio_conn_unref(conn);
}

/* RFC 4254 6.10 */
static void test_exit_status_has_eight_bits(void **state)
{
    (void)state;
    run_with(exit_story, prepare);
}

static void senders_story(struct loopback *l)
{
    static const sshio_term_size size = { 80, 24, 0, 0 }, negative = { -80, 24, 0, 0 };
    sshio_conn *conn = loopback_connect(l);
    sshio_chan *chan = NULL;
    assert_int_equal(sshio_create_session(conn, NULL, NULL, SSHIO_SESSION(.command = "x"), &chan), 0);
    assert_int_equal(sshio_chan_change_terminal_size(chan, negative), SSHIO_EINVAL);
    assert_int_equal(sshio_chan_send_break(chan, -1), SSHIO_EINVAL);
    assert_int_equal(sshio_chan_send_signal(chan, ""), SSHIO_EINVAL);
    assert_int_equal(sshio_chan_send_signal(chan, "4711"), SSHIO_EINVAL);
    assert_int_equal(sshio_chan_send_signal(chan, "99999999999999999999"), SSHIO_EINVAL);
    assert_int_equal(sshio_chan_set_xon_xoff(chan, true), SSHIO_EINVAL);
    assert_int_equal(sshio_chan_exit(chan, 1), SSHIO_EINVAL);
    assert_int_equal(sshio_chan_write_stderr(chan, "x", 1), SSHIO_EINVAL);
    assert_null(sshio_chan_get_terminal_type(chan));
    sshio_chan_close(chan);
    assert_int_equal(sshio_chan_change_terminal_size(chan, size), SSHIO_ECLOSED);
    assert_int_equal(sshio_chan_send_break(chan, 1), SSHIO_ECLOSED);
    assert_int_equal(sshio_chan_send_signal(chan, "INT"), SSHIO_ECLOSED);
    assert_int_equal(sshio_chan_terminate(chan), SSHIO_ECLOSED);
    assert_string_equal(sshio_error_message(), "channel is not open");
    assert_int_equal(sshio_chan_wait_closed(chan), 0);
    assert_int_equal(sshio_chan_send_break(chan, 1), SSHIO_ECLOSED);
    sshio_chan_unref(chan);
    sshio_conn_unref(conn);
}

static void test_senders_fail_when_the_channel_is_not_open(void **state)
{
    (void)state;
    run_with(senders_story, prepare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_terminal_is_asked_for_before_the_shell, setup),
        cmocka_unit_test_setup(test_terminal_can_be_asked_about, setup),
        cmocka_unit_test_setup(test_when_a_terminal_is_asked_for, setup),
        cmocka_unit_test_setup(test_refused_terminal_fails_the_session, setup),
        cmocka_unit_test_setup(test_allow_pty_off_refuses_without_asking, setup),
        cmocka_unit_test_setup(test_named_variables_win_over_those_of_the_process, setup),
        cmocka_unit_test_setup(test_what_is_not_given_is_taken_from_the_connection, setup),
        cmocka_unit_test_setup(test_bad_arguments_are_refused_before_a_channel_opens, setup),
        cmocka_unit_test_setup(test_size_break_and_signals_come_in_their_order, setup),
        cmocka_unit_test_setup(test_exit_status_has_eight_bits, setup),
        cmocka_unit_test_setup(test_senders_fail_when_the_channel_is_not_open, setup),
    };
    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
