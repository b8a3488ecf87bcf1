/* Redirection: every kind of source and target, one after another, and with their ends passed on or not. */
#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <uv.h>

#include <cmocka.h>

#include "io/loop.h"
#include "session/run.h"

/* ---- files of a test ---- */

static char folder[64];

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/redirect-XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static const char *path_of(const char *name)
{
    static char path[4][128];
    static unsigned turn;
    char *p = path[turn++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", folder, name);
    return p;
}

static int tear_down(void **state)
{
    static const char *const names[] = { "a", "b", "out", "big" };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlink(path_of(names[i]));
    return rmdir(folder);
}

static void write_file(const char *name, const char *text, size_t times)
{
    FILE *file = fopen(path_of(name), "w");
    assert_non_null(file);
    for (size_t i = 0; i < times; i++)
        fputs(text, file);
    fclose(file);
}

static void assert_file(const char *name, const char *expected)
{
    char text[256] = "";
    FILE *file = fopen(path_of(name), "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(text, expected);
}

static size_t file_size(const char *name)
{
    struct stat st;
    assert_int_equal(stat(path_of(name), &st), 0);
    return (size_t)st.st_size;
}

/* ---- files ---- */

static void files(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_result *result = NULL;
    write_file("a", "from a file", 1);
    write_file("out", "something longer that was there before", 1);
    assert_int_equal(sshio_run(conn,
                               SSHIO_SESSION(.command = "echo", .in = SSHIO_FILE(path_of("a")),
                                             .out = SSHIO_FILE(path_of("out")), .bufsize = 3),
                               &result),
                     0);
    assert_int_equal(result->out.len, 0);
    sshio_result_free(result);
    assert_file("out", "from a file");
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "echo", .in = SSHIO_FILE(path_of("no such"))), &result),
                     SSHIO_ESYSTEM);
    assert_non_null(strstr(sshio_error_message(), "no such"));
    sshio_conn_unref(conn);
}

static void test_files_are_sources_and_targets(void **state)
{
    (void)state;
    run_with(files, NULL);
}

#define BIG_LINES 200000u

static void big_file(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_result *result = NULL;
    write_file("big", "0123456789abcde\n", BIG_LINES);
    assert_int_equal(
        sshio_run(conn,
                  SSHIO_SESSION(.command = "echo", .in = SSHIO_FILE(path_of("big")), .out = SSHIO_FILE(path_of("out"))),
                  &result),
        0);
    sshio_result_free(result);
    assert_int_equal(file_size("out"), 16 * BIG_LINES);
    sshio_conn_unref(conn);
}

static void test_more_than_a_window_passes_through_files(void **state)
{
    (void)state;
    run_with(big_file, NULL);
}

/* ---- one after another ---- */

static void sequence(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_client_process *p = NULL;
    sshio_result *result = NULL;
    write_file("a", "one ", 1);
    write_file("b", "two ", 1);
    assert_int_equal(sshio_create_process(conn, SSHIO_SESSION(.command = "echo"), &p), 0);
    sshio_writer *in = sshio_client_process_stdin(p);
    for (int i = 0; i < 2; i++) {
        const char *name = path_of(i == 0 ? "a" : "b");
        assert_int_equal(sshio_client_process_redirect(p, SSHIO_REDIRECT(.in = SSHIO_FILE(name), .send_eof = SSHIO_NO)),
                         0);
        assert_int_equal(sshio_drain(in), 0);
    }
    assert_int_equal(sshio_puts(in, "three"), 0);
    assert_int_equal(sshio_write_eof(in), 0);
    assert_int_equal(sshio_client_process_wait(p, true, 0, &result), 0);
    assert_string_equal(result->out.data, "one two three");
    sshio_result_free(result);
    sshio_client_process_unref(p);
    sshio_conn_unref(conn);
}

static void test_sources_without_eof_follow_one_another(void **state)
{
    (void)state;
    run_with(sequence, NULL);
}

static void late_target(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_client_process *p = NULL;
    char first;
    size_t got;
    assert_int_equal(sshio_create_process(conn, SSHIO_SESSION(.command = "echo"), &p), 0);
    sshio_writer *in = sshio_client_process_stdin(p);
    assert_int_equal(sshio_puts(in, "xbuffered "), 0);
    assert_int_equal(sshio_read(sshio_client_process_stdout(p), &first, 1, &got), 0); /* the others are here too */
    assert_int_equal(sshio_client_process_redirect(p, SSHIO_REDIRECT(.out = SSHIO_FILE(path_of("out")))), 0);
    assert_null(sshio_client_process_stdout(p));
    assert_int_equal(sshio_puts(in, "and new"), 0);
    assert_int_equal(sshio_write_eof(in), 0);
    assert_int_equal(sshio_client_process_wait_closed(p), 0);
    assert_file("out", "buffered and new");
    sshio_client_process_unref(p);
    sshio_conn_unref(conn);
}

static void test_a_target_gets_what_was_buffered_first(void **state)
{
    (void)state;
    run_with(late_target, NULL);
}

/* ---- DEVNULL, STDOUT ---- */

static void simple_kinds(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_result *result = NULL;
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "both", .err = SSHIO_STDOUT), &result), 0);
    assert_string_equal(result->out.data, "outerr");
    assert_int_equal(result->err.len, 0);
    sshio_result_free(result);
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "both", .out = SSHIO_DEVNULL), &result), 0);
    assert_int_equal(result->out.len, 0);
    assert_string_equal(result->err.data, "err");
    sshio_result_free(result);
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "silent", .in = SSHIO_DEVNULL), &result), 0);
    sshio_result_free(result);
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "both", .out = SSHIO_STDOUT), &result), SSHIO_EINVAL);
    sshio_conn_unref(conn);
}

static void test_devnull_and_stdout_are_targets(void **state)
{
    (void)state;
    run_with(simple_kinds, NULL);
}

/* ---- sockets and uv streams ---- */

static void socket_pair(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_client_process *p = NULL;
    int ends[2];
    char text[16] = "";
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(write(ends[1], "by socket", 9), 9);
    assert_int_equal(shutdown(ends[1], SHUT_WR), 0);
    assert_int_equal(sshio_create_process(
                         conn, SSHIO_SESSION(.command = "echo", .in = SSHIO_FD(ends[0]), .out = SSHIO_FD(ends[0])), &p),
                     0);
    assert_int_equal(sshio_client_process_wait_closed(p), 0);
    assert_int_equal(read(ends[1], text, sizeof text), 9);
    assert_string_equal(text, "by socket");
    assert_int_equal(read(ends[1], text, sizeof text), 0); /* it was told the end */
    sshio_client_process_unref(p);
    close(ends[0]);
    close(ends[1]);
    sshio_conn_unref(conn);
}

static void test_a_socket_is_source_and_target_and_sees_the_end(void **state)
{
    (void)state;
    run_with(socket_pair, NULL);
}

static void pipe_closed(uv_handle_t *handle)
{
    *(bool *)handle->data = true;
}

static void uv_streams(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_client_process *p = NULL;
    uv_pipe_t pipe;
    bool closed = false;
    int ends[2];
    char text[16] = "";
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    uv_pipe_init(loop_uv(loop_current()), &pipe, 0);
    assert_int_equal(uv_pipe_open(&pipe, ends[0]), 0);
    pipe.data = &closed;
    assert_int_equal(write(ends[1], "by uv", 5), 5);
    assert_int_equal(shutdown(ends[1], SHUT_WR), 0);
    assert_int_equal(sshio_create_process(conn,
                                          SSHIO_SESSION(.command = "echo", .in = SSHIO_STREAM(&pipe),
                                                        .out = SSHIO_STREAM(&pipe), .bufsize = 2),
                                          &p),
                     0);
    assert_int_equal(sshio_client_process_wait_closed(p), 0);
    sshio_client_process_unref(p);
    while (read(ends[1], text, sizeof text) != 5)
        sshio_sleep(0);
    assert_string_equal(text, "by uv");
    assert_ptr_equal(pipe.data, &closed);
    uv_close((uv_handle_t *)&pipe, pipe_closed);
    while (!closed)
        sshio_sleep(0);
    close(ends[1]);
    sshio_conn_unref(conn);
}

static void test_a_stream_of_the_program_is_source_and_target(void **state)
{
    (void)state;
    run_with(uv_streams, NULL);
}

/* ---- sessions ---- */

static void joined(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l), *other = loopback_connect(l);
    sshio_client_process *from = NULL, *to = NULL;
    sshio_result *result = NULL;
    assert_int_equal(sshio_create_process(conn, SSHIO_SESSION(.command = "source 5000000"), &from), 0);
    assert_int_equal(
        sshio_create_process(
            other, SSHIO_SESSION(.command = "sink", .in = SSHIO_FROM_READER(sshio_client_process_stdout(from))), &to),
        0);
    assert_int_equal(
        sshio_client_process_redirect(from, SSHIO_REDIRECT(.out = SSHIO_TO_WRITER(sshio_client_process_stdin(from)))),
        SSHIO_EINVAL); /* it goes somewhere already */
    assert_int_equal(sshio_client_process_wait(to, true, 0, &result), 0);
    assert_int_equal(strtoul(result->out.data, NULL, 10), 5000000);
    sshio_result_free(result);
    sshio_client_process_unref(to);
    sshio_client_process_unref(from);
    sshio_conn_unref(other);
    sshio_conn_unref(conn);
}

static void test_one_session_feeds_another(void **state)
{
    (void)state;
    run_with(joined, NULL);
}

/* ---- servers ---- */

static void serve_file(sshio_process *p, void *user)
{
    (void)user;
    assert_int_equal(sshio_process_redirect(p, SSHIO_REDIRECT(.in = SSHIO_FILE(path_of("out")),
                                                              .out = SSHIO_FILE(path_of("a")), .send_eof = SSHIO_NO)),
                     0);
    assert_int_equal(sshio_drain(sshio_process_stdout(p)), 0);
    while (!sshio_reader_at_eof(sshio_process_stdin(p)))
        sshio_sleep(0);
    sshio_process_exit(p, 0);
}

static void use_serve_file(struct loopback *l)
{
    l->server_options.process_handler = serve_file;
}

static void server_files(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_result *result = NULL;
    write_file("a", "the server's file", 1);
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.input = SSHIO_TEXT("the client's input")), &result), 0);
    assert_string_equal(result->out.data, "the server's file");
    sshio_result_free(result);
    sshio_conn_unref(conn);
    for (int i = 0; i < 100 && file_size("out") == 0; i++)
        sshio_sleep(0.001);
    assert_file("out", "the client's input");
}

static void test_a_servers_process_is_redirected_the_other_way(void **state)
{
    (void)state;
    run_with(server_files, use_serve_file);
}

/* ---- terminals ---- */

static int terminal[2]; /* master and slave */

static void serve_terminal(sshio_process *p, void *user)
{
    (void)user;
    assert_int_equal(sshio_process_redirect(p, SSHIO_REDIRECT(.in = SSHIO_FD(terminal[1]))), 0);
    sshio_puts(sshio_process_stdout(p), "ready");
    while (!sshio_reader_at_eof(sshio_process_stdin(p)))
        sshio_sleep(0);
    sshio_process_exit(p, 0);
}

static void use_serve_terminal(struct loopback *l)
{
    l->server_options.process_handler = serve_terminal;
}

static void wait_for_size(int rows, int columns)
{
    struct winsize size = { 0 };
    do
        sshio_sleep(0);
    while (ioctl(terminal[0], TIOCGWINSZ, &size) == 0 && (size.ws_row != rows || size.ws_col != columns));
    assert_int_equal(size.ws_row, rows);
}

static void sizes(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_client_process *p = NULL;
    char text[5];
    assert_int_equal(openpty(&terminal[0], &terminal[1], NULL, NULL, NULL), 0);
    assert_int_equal(sshio_create_process(conn,
                                          SSHIO_SESSION(.command = "fill the terminal", .term_type = "vt100",
                                                        .term_size = { 80, 24, 0, 0 }),
                                          &p),
                     0);
    assert_int_equal(sshio_readexactly(sshio_client_process_stdout(p), text, sizeof text), 0);
    wait_for_size(24, 80);
    assert_int_equal(sshio_client_process_change_terminal_size(p, (sshio_term_size){ 132, 43, 0, 0 }), 0);
    wait_for_size(43, 132);
    assert_int_equal(sshio_write_eof(sshio_client_process_stdin(p)), 0);
    assert_int_equal(sshio_client_process_wait_closed(p), 0);
    sshio_client_process_unref(p);
    close(terminal[0]);
    close(terminal[1]);
    sshio_conn_unref(conn);
}

/* A terminal that a server's process writes its input to has the size of the client's, and goes along with it. */
static void test_a_terminal_that_is_a_target_gets_the_sizes(void **state)
{
    (void)state;
    run_with(sizes, use_serve_terminal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_files_are_sources_and_targets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_more_than_a_window_passes_through_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sources_without_eof_follow_one_another, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_target_gets_what_was_buffered_first, set_up, tear_down),
        cmocka_unit_test(test_devnull_and_stdout_are_targets),
        cmocka_unit_test(test_a_socket_is_source_and_target_and_sees_the_end),
        cmocka_unit_test(test_a_stream_of_the_program_is_source_and_target),
        cmocka_unit_test(test_one_session_feeds_another),
        cmocka_unit_test_setup_teardown(test_a_servers_process_is_redirected_the_other_way, set_up, tear_down),
        cmocka_unit_test(test_a_terminal_that_is_a_target_gets_the_sizes),
    };
    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
