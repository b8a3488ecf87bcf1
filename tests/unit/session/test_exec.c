/* Local programs in the place of a server's process, on pipes and on terminals. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>
#include <sshio/constants.h>

#include "io/term_modes.h"
#include "session/run.h"

static void exec_what_is_asked(sshio_process *p, void *user)
{
    (void)user;
    if (sshio_process_exec(p, SSHIO_EXEC(.file = "/bin/sh")) != 0)
        sshio_process_exit(p, 126);
}

static void serve_exec(struct loopback *l)
{
    l->server_options.process_handler = exec_what_is_asked;
}

static void on_pipes(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_result *result = NULL;
    assert_int_equal(
        sshio_run(conn, SSHIO_SESSION(.command = "cat; echo e >&2; tty; exit 7", .input = SSHIO_TEXT("in\n")), &result),
        0);
    assert_string_equal(result->out.data, "in\nnot a tty\n");
    assert_string_equal(result->err.data, "e\n");
    assert_int_equal(result->exit_status, 7);
    sshio_result_free(result);
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "kill -TERM $$"), &result), 0);
    assert_int_equal(result->returncode, -15);
    sshio_result_free(result);
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.input = SSHIO_TEXT("echo $0\n")), &result), 0);
    assert_string_equal(result->out.data, "-sh\n");
    sshio_result_free(result);
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.subsystem = "nothing"), &result), 0);
    assert_int_equal(result->exit_status, 126);
    sshio_result_free(result);
    sshio_conn_unref(conn);
}

static void test_commands_and_login_shells_run_on_pipes(void **state)
{
    (void)state;
    run_with(on_pipes, serve_exec);
}

static void on_terminal(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_result *result = NULL;
    assert_int_equal(sshio_run(conn,
                               SSHIO_SESSION(.command = "stty size; echo $TERM; stty -a | grep -o -e '-echo '; exit 5",
                                             .term_type = "vt220", .term_size = { .width = 100, .height = 30 },
                                             .term_modes = SSHIO_MODES({ SSHIO_PTY_ECHO, 0 })),
                               &result),
                     0);
    assert_string_equal(result->out.data, "30 100\r\nvt220\r\n-echo \r\n");
    assert_int_equal(result->err.len, 0);
    assert_int_equal(result->exit_status, 5);
    sshio_result_free(result);
    sshio_conn_unref(conn);
}

static void test_a_terminal_has_the_clients_size_type_and_modes(void **state)
{
    (void)state;
    run_with(on_terminal, serve_exec);
}

static void read_line(sshio_client_process *p, const char *expected)
{
    char *line;
    size_t len;
    assert_int_equal(sshio_readline(sshio_client_process_stdout(p), &line, &len), 0);
    assert_string_equal(line, expected);
}

static void resize(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_client_process *p = NULL;
    sshio_result *result = NULL;
    assert_int_equal(
        sshio_create_process(conn,
                             SSHIO_SESSION(.command = "trap 'stty size; exit 3' WINCH; echo ready; while :; do read x; "
                                                      "done",
                                           .term_type = "vt100", .term_size = { .width = 80, .height = 24 }),
                             &p),
        0);
    read_line(p, "ready\r\n");
    assert_int_equal(sshio_client_process_change_terminal_size(p, (sshio_term_size){ .width = 132, .height = 43 }), 0);
    sshio_puts(sshio_client_process_stdin(p), "\n"); /* some shells run traps only between commands */
    assert_int_equal(sshio_client_process_wait(p, false, 0, &result), 0);
    assert_non_null(strstr(result->out.data, "43 132\r\n"));
    assert_int_equal(result->exit_status, 3);
    sshio_result_free(result);
    sshio_client_process_unref(p);
    sshio_conn_unref(conn);
}

/* RFC 4254 6.7 */
static void test_window_change_reaches_the_program(void **state)
{
    (void)state;
    run_with(resize, serve_exec);
}

static void interrupt(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    for (int by_key = 0; by_key < 2; by_key++) {
        sshio_client_process *p = NULL;
        sshio_result *result = NULL;
        assert_int_equal(
            sshio_create_process(conn, SSHIO_SESSION(.command = "echo ready; exec cat", .term_type = "x"), &p), 0);
        read_line(p, "ready\r\n");
        if (by_key != 0)
            assert_int_equal(sshio_puts(sshio_client_process_stdin(p), "\003"), 0);
        else
            assert_int_equal(sshio_client_process_send_signal(p, "INT"), 0);
        assert_int_equal(sshio_client_process_wait(p, false, 0, &result), 0);
        assert_string_equal(result->exit_signal->name, "INT");
        sshio_result_free(result);
        sshio_client_process_unref(p);
    }
    sshio_conn_unref(conn);
}

static void test_interrupt_by_key_and_by_signal_reaches_the_foreground(void **state)
{
    (void)state;
    run_with(interrupt, serve_exec);
}

static void background(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_result *result = NULL;
    assert_int_equal(
        sshio_run(conn, SSHIO_SESSION(.command = "trap '' HUP; sleep 30 & seq 1 3000", .term_type = "vt100"), &result),
        0);
    assert_int_equal(result->exit_status, 0);
    assert_string_equal(result->out.data + result->out.len - 6, "3000\r\n");
    sshio_result_free(result);
    sshio_conn_unref(conn);
}

static void test_a_terminal_is_given_up_when_its_program_has_ended(void **state)
{
    (void)state;
    run_with(background, serve_exec);
}

static sshio_event *handler_returned;

static void exec_and_tell(sshio_process *p, void *user)
{
    exec_what_is_asked(p, user);
    sshio_event_set(handler_returned);
}

static void serve_and_tell(struct loopback *l)
{
    assert_int_equal(sshio_event_new(&handler_returned), 0);
    l->server_options.process_handler = exec_and_tell;
}

static int wait_for_handler(void *arg)
{
    (void)arg;
    return sshio_event_wait(handler_returned);
}

static int read_pid(sshio_client_process *p)
{
    char *line;
    size_t len;
    assert_int_equal(sshio_readline(sshio_client_process_stdout(p), &line, &len), 0);
    return atoi(line);
}

static void leave_behind(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_client_process *p = NULL;
    assert_int_equal(
        sshio_create_process(conn, SSHIO_SESSION(.command = "trap '' HUP; echo $$; sleep 1000 & echo $!"), &p), 0);
    int program = read_pid(p), left = read_pid(p);
    while (kill(program, 0) == 0) /* until the server has seen its end */
        sshio_sleep(0.001);
    sshio_client_process_close(p);
    int rc = sshio_with_timeout(20, wait_for_handler, NULL);
    assert_int_equal(kill(left, SIGKILL), 0);
    assert_int_equal(rc, 0);
    sshio_client_process_unref(p);
    sshio_conn_unref(conn);
    sshio_event_free(handler_returned);
}

/* It may write to the client's pipes until it closes them, but only while somebody reads. */
static void test_what_a_program_leaves_behind_does_not_hold_a_closed_session(void **state)
{
    (void)state;
    run_with(leave_behind, serve_and_tell);
}

/* ---- what a process tells ---- */

static int told;

static void tell_about_client(sshio_process *p, void *user)
{
    (void)user;
    told += strcmp(sshio_process_term_type(p), "vt100") == 0;
    told += sshio_process_term_size(p).width == 81;
    told += sshio_process_term_modes(p)[0].op == SSHIO_PTY_ECHO;
    told += strcmp(sshio_process_subsystem(p), "some") == 0;
    told += strcmp(sshio_process_get_extra_info(p, "username", ""), "guest") == 0;
    told += sshio_process_channel(p) == sshio_writer_channel(sshio_process_stdout(p));
    told += sshio_process_logger(p) == sshio_chan_logger(sshio_process_channel(p));
    told += !sshio_process_is_closing(p);
    sshio_process_exit(p, 0);
    told += sshio_process_is_closing(p);
    told += sshio_process_wait_closed(p) == 0;
}

static void serve_teller(struct loopback *l)
{
    l->server_options.process_handler = tell_about_client;
    told = 0;
}

static void ask_teller(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_result *result = NULL;
    assert_int_equal(sshio_run(conn,
                               SSHIO_SESSION(.subsystem = "some", .term_type = "vt100", .term_size = { .width = 81 },
                                             .term_modes = SSHIO_MODES({ SSHIO_PTY_ECHO, 1 })),
                               &result),
                     0);
    sshio_result_free(result);
    sshio_conn_unref(conn);
    for (int i = 0; i < 1000 && told < 10; i++)
        sshio_sleep(0);
    assert_int_equal(told, 10);
}

static void test_a_process_tells_about_its_client(void **state)
{
    (void)state;
    run_with(ask_teller, serve_teller);
}

/* ---- modes ---- */

static void test_term_modes_make_the_settings_they_were_made_of(void **state)
{
    sshio_term_mode modes[64];
    struct termios t = { .c_cflag = CS8 | PARENB, .c_iflag = ICRNL | IXON, .c_lflag = ECHO | ICANON }, other = { 0 };
    (void)state;
    t.c_cc[VINTR] = 3;
    t.c_cc[VEOF] = _POSIX_VDISABLE;
    cfsetospeed(&t, B9600);
    cfsetispeed(&t, B9600);
    term_modes_of(&t, modes, 64);
    term_modes_apply(modes, &other);
    assert_int_equal(other.c_lflag, t.c_lflag);
    assert_int_equal(other.c_iflag, t.c_iflag);
    assert_int_equal(other.c_cflag & (CSIZE | PARENB), CS8 | PARENB);
    assert_int_equal(other.c_cc[VINTR], 3);
    assert_int_equal(other.c_cc[VEOF], _POSIX_VDISABLE);
    assert_int_equal(cfgetospeed(&other), B9600);
    term_modes_of(&t, modes, 3);
    assert_int_equal(modes[2].op, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands_and_login_shells_run_on_pipes),
        cmocka_unit_test(test_a_terminal_has_the_clients_size_type_and_modes),
        cmocka_unit_test(test_window_change_reaches_the_program),
        cmocka_unit_test(test_interrupt_by_key_and_by_signal_reaches_the_foreground),
        cmocka_unit_test(test_a_terminal_is_given_up_when_its_program_has_ended),
        cmocka_unit_test(test_what_a_program_leaves_behind_does_not_hold_a_closed_session),
        cmocka_unit_test(test_a_process_tells_about_its_client),
        cmocka_unit_test(test_term_modes_make_the_settings_they_were_made_of),
    };
    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
