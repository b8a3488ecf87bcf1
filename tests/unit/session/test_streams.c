/* Readers and writers: records, order of calls, what came among the data. The readers are fed by the test, so that what
 * has arrived is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "session/run.h"

/* A process that says nothing, whose stdout is fed. */
struct fed {
    sshio_conn *conn;
    sshio_client_process *process;
    sshio_reader *out;
};

static struct fed fed_open(struct loopback *l, uint32_t window)
{
    struct fed f = { .conn = loopback_connect(l) };
    assert_int_equal(sshio_create_process(f.conn, SSHIO_SESSION(.command = "silent", .window = window), &f.process), 0);
    f.out = sshio_client_process_stdout(f.process);
    return f;
}

static void feed(struct fed *f, const char *text)
{
    assert_int_equal(sshio_reader_feed_data(f->out, text, strlen(text)), 0);
}

static void fed_close(struct fed *f)
{
    sshio_client_process_unref(f->process);
    sshio_conn_unref(f->conn);
}

/* ---- readuntil ---- */

static void separators(struct loopback *l)
{
    static const struct {
        const char *text;
        const char *separators[4];
        const char *record;
    } rows[] = {
        { "one,two", { "," }, "one," },
        { "a::b:c", { ":", "::" }, "a:" }, /* at one place the first in the list */
        { "a::b:c", { "::", ":" }, "a::" },
        { "x;y,z", { ",", ";" }, "x;" }, /* the one that begins first */
        { "abcabd", { "abd" }, "abcabd" },
        { "aab", { "ab", "b" }, "aab" },
        { "line\r\nnext", { "\r\n", "\n" }, "line\r\n" },
    };
    struct fed f = fed_open(l, 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *data;
        size_t len;
        char rest[32];
        feed(&f, rows[i].text);
        assert_int_equal(sshio_readuntil(f.out, rows[i].separators, &data, &len), 0);
        assert_string_equal(data, rows[i].record);
        assert_int_equal(len, strlen(rows[i].record));
        assert_int_equal(sshio_readexactly(f.out, rest, strlen(rows[i].text) - len), 0);
    }
    fed_close(&f);
}

static void test_readuntil_takes_the_match_that_begins_first(void **state)
{
    (void)state;
    run_with(separators, NULL);
}

struct piece_feeder {
    struct fed *f;
    const char *text;
};

static int feed_bytes(void *arg)
{
    struct piece_feeder *p = arg;
    for (size_t i = 0; p->text[i] != '\0'; i++) {
        assert_int_equal(sshio_reader_feed_data(p->f->out, p->text + i, 1), 0);
        sshio_sleep(0);
    }
    return 0;
}

static void split_separator(struct loopback *l)
{
    struct fed f = fed_open(l, 0);
    struct piece_feeder feeder = { &f, "head--==--tail--==--" };
    char *data;
    size_t len;
    sshio_task *task = NULL;
    assert_int_equal(sshio_spawn(feed_bytes, &feeder, &task), 0);
    assert_int_equal(sshio_readuntil(f.out, SSHIO_LIST("--==--"), &data, &len), 0);
    assert_string_equal(data, "head--==--");
    assert_int_equal(sshio_readuntil(f.out, SSHIO_LIST("--==--", "=-=-"), &data, &len), 0);
    assert_string_equal(data, "tail--==--");
    assert_int_equal(sshio_join(task, NULL), 0);
    fed_close(&f);
}

static void test_readuntil_finds_a_separator_that_came_in_pieces(void **state)
{
    (void)state;
    run_with(split_separator, NULL);
}

static void no_separator(struct loopback *l)
{
    struct fed f = fed_open(l, 1024);
    char *data = NULL, big[2048];
    size_t len = 0;
    memset(big, 'x', sizeof big);
    assert_int_equal(sshio_readuntil(f.out, SSHIO_LIST(""), &data, &len), SSHIO_EINVAL);
    assert_int_equal(sshio_readuntil(f.out, NULL, &data, &len), SSHIO_EINVAL);
    assert_int_equal(sshio_reader_feed_data(f.out, big, sizeof big), 0);
    assert_int_equal(sshio_readuntil(f.out, SSHIO_LIST("\n"), &data, &len), SSHIO_EINCOMPLETE_READ); /* full */
    assert_int_equal(sshio_error_last()->partial.len, sizeof big);
    feed(&f, "the rest");
    assert_int_equal(sshio_reader_feed_eof(f.out), 0);
    assert_int_equal(sshio_reader_feed_data(f.out, "x", 1), SSHIO_ECLOSED);
    assert_int_equal(sshio_readuntil(f.out, SSHIO_LIST("\n"), &data, &len), SSHIO_EINCOMPLETE_READ);
    assert_int_equal(sshio_error_last()->partial.len, 8);
    assert_memory_equal(sshio_error_last()->partial.data, "the rest", 8);
    assert_int_equal(sshio_readuntil(f.out, SSHIO_LIST("\n"), &data, &len), SSHIO_EEOF);
    assert_true(sshio_reader_at_eof(f.out));
    fed_close(&f);
}

static void test_readuntil_without_a_match_gives_what_there_is(void **state)
{
    (void)state;
    run_with(no_separator, NULL);
}

/* A record is as long as its first digit says. */
static size_t match_length(const char *data, size_t len, void *user)
{
    size_t size = len != 0 ? (size_t)(data[0] - '0') + 1 : 0;
    (*(int *)user)++;
    return len >= size ? size : 0;
}

static void matcher(struct loopback *l)
{
    struct fed f = fed_open(l, 0);
    struct piece_feeder feeder = { &f, "3abc2xy" };
    char *data;
    size_t len;
    int calls = 0;
    sshio_task *task = NULL;
    assert_int_equal(sshio_spawn(feed_bytes, &feeder, &task), 0);
    assert_int_equal(sshio_readuntil_match(f.out, match_length, &calls, &data, &len), 0);
    assert_string_equal(data, "3abc");
    assert_int_equal(sshio_readuntil_match(f.out, match_length, &calls, &data, &len), 0);
    assert_string_equal(data, "2xy");
    assert_int_equal(calls, 7);
    assert_int_equal(sshio_readuntil_match(f.out, NULL, NULL, &data, &len), SSHIO_EINVAL);
    assert_int_equal(sshio_join(task, NULL), 0);
    fed_close(&f);
}

static void test_readuntil_match_asks_whenever_more_has_come(void **state)
{
    (void)state;
    run_with(matcher, NULL);
}

static int read_a_record(void *reader)
{
    char *data;
    size_t len;
    return sshio_readuntil(reader, SSHIO_LIST("\n"), &data, &len);
}

static int read_a_line(void *reader)
{
    char *data;
    size_t len;
    return sshio_readline(reader, &data, &len);
}

static void interrupted(struct loopback *l)
{
    struct fed f = fed_open(l, 0);
    char *line;
    size_t len;
    feed(&f, "some");
    assert_int_equal(sshio_with_timeout(0.001, read_a_record, f.out), SSHIO_ETIMEDOUT);
    assert_int_equal(sshio_with_timeout(0.001, read_a_line, f.out), SSHIO_ETIMEDOUT);
    feed(&f, " more\n");
    assert_int_equal(sshio_readline(f.out, &line, &len), 0);
    assert_string_equal(line, "some more\n");
    fed_close(&f);
}

static void test_interrupted_readuntil_and_readline_lose_nothing(void **state)
{
    (void)state;
    run_with(interrupted, NULL);
}

/* ---- several calls at once ---- */

struct exact {
    sshio_reader *reader;
    char got[5];
    int rc;
};

static int read_four(void *arg)
{
    struct exact *e = arg;
    e->rc = sshio_readexactly(e->reader, e->got, 4);
    return e->rc;
}

static void concurrent(struct loopback *l)
{
    struct fed f = fed_open(l, 0);
    struct exact reads[3];
    sshio_task *tasks[3];
    for (int i = 0; i < 3; i++) {
        reads[i] = (struct exact){ .reader = f.out };
        assert_int_equal(sshio_spawn(read_four, &reads[i], &tasks[i]), 0);
    }
    sshio_sleep(0);
    sshio_cancel(tasks[1]);
    sshio_sleep(0);
    feed(&f, "aaa");
    sshio_sleep(0);
    feed(&f, "abbbb");
    for (int i = 0; i < 3; i++)
        assert_int_equal(sshio_join(tasks[i], NULL), 0);
    assert_string_equal(reads[0].got, "aaaa");
    assert_int_equal(reads[1].rc, SSHIO_ECANCELED);
    assert_string_equal(reads[2].got, "bbbb");
    fed_close(&f);
}

static void test_calls_on_one_reader_are_served_in_order(void **state)
{
    (void)state;
    run_with(concurrent, NULL);
}

/* ---- in-band, on a server ---- */

static char happened[256];

static void note(const char *format, ...)
{
    size_t len = strlen(happened);
    va_list args;
    va_start(args, format);
    vsnprintf(happened + len, sizeof happened - len, format, args);
    va_end(args);
}

static void note_event(int rc)
{
    const sshio_error *e = sshio_error_last();
    if (rc == SSHIO_ESIGNAL_RECEIVED)
        note("[%s]", e->signal);
    else if (rc == SSHIO_EBREAK_RECEIVED)
        note("[break %d]", e->msec);
    else if (rc == SSHIO_ETERMINAL_SIZE_CHANGED)
        note("[%dx%d]", e->term_size.width, e->term_size.height);
}

/* Reads by lines, so that it does not matter in how many pieces the data comes. */
static void watch_input(sshio_process *p, void *user)
{
    char *line;
    size_t len;
    int rc;
    (void)user;
    while ((rc = sshio_readline(sshio_process_stdin(p), &line, &len)) != SSHIO_EEOF) {
        if (rc == 0)
            note("%.*s", (int)len, line);
        else if (sshio_error_is(rc, SSHIO_E_IN_BAND))
            note_event(rc);
        else
            return;
    }
    note("(end)");
    sshio_process_exit(p, 0);
}

static void serve_watcher(struct loopback *l)
{
    l->server_options.process_handler = watch_input;
    happened[0] = '\0';
}

static void send_events(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_client_process *p = NULL;
    sshio_result *result = NULL;
    assert_int_equal(sshio_create_process(conn, NULL, &p), 0);
    sshio_writer *in = sshio_client_process_stdin(p);
    assert_int_equal(sshio_puts(in, "ab"), 0);
    assert_int_equal(sshio_client_process_send_signal(p, "USR1"), 0);
    assert_int_equal(sshio_puts(in, "cd\n"), 0);
    assert_int_equal(sshio_client_process_send_break(p, 500), 0);
    assert_int_equal(sshio_client_process_change_terminal_size(p, (sshio_term_size){ .width = 100, .height = 50 }), 0);
    assert_int_equal(sshio_write_eof(in), 0);
    assert_int_equal(sshio_client_process_wait(p, true, 0, &result), 0);
    assert_string_equal(happened, "ab[USR1]cd\n[break 500][100x50](end)");
    sshio_result_free(result);
    sshio_client_process_unref(p);
    sshio_conn_unref(conn);
}

/* RFC 4254 6.7 and 6.9, RFC 4335 */
static void test_breaks_signals_and_sizes_are_read_at_their_place(void **state)
{
    (void)state;
    run_with(send_events, serve_watcher);
}

static void ignore_input(sshio_process *p, void *user)
{
    (void)user;
    sshio_process_wait_closed(p);
}

static void serve_ignorer(struct loopback *l)
{
    l->server_options.process_handler = ignore_input;
}

static void flood(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_client_process *p = NULL;
    sshio_result *result = NULL;
    assert_int_equal(sshio_create_process(conn, NULL, &p), 0);
    for (int i = 0; i < 257; i++)
        assert_int_equal(sshio_client_process_send_signal(p, "USR1"), 0);
    assert_int_equal(sshio_client_process_wait(p, false, 0, &result), SSHIO_EPROTOCOL);
    sshio_client_process_unref(p);
    sshio_conn_unref(conn);
}

static void test_too_many_unread_signals_end_the_connection(void **state)
{
    (void)state;
    run_with(flood, serve_ignorer);
}

/* ---- what they are ---- */

static void tell(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_writer *in = NULL;
    sshio_reader *out = NULL, *err = NULL;
    sshio_span parts[] = { SSHIO_TEXT("a"), SSHIO_TEXT("b\n") };
    char *line;
    size_t len;
    assert_int_equal(sshio_open_session(conn, SSHIO_SESSION(.command = "echo"), &in, &out, &err), 0);
    assert_ptr_equal(sshio_reader_channel(out), sshio_writer_channel(in));
    assert_ptr_equal(sshio_reader_logger(out), sshio_writer_logger(in));
    assert_string_equal(sshio_reader_get_extra_info(out, "username", ""), "guest");
    assert_string_equal(sshio_writer_get_extra_info(in, "no such", "nothing"), "nothing");
    assert_true(sshio_writer_can_write_eof(in));
    assert_int_equal(sshio_writelines(in, parts, 2), 0);
    assert_int_equal(sshio_readline(out, &line, &len), 0);
    assert_string_equal(line, "ab\n");
    assert_false(sshio_writer_is_closing(in));
    sshio_writer_close(in);
    assert_true(sshio_writer_is_closing(in));
    assert_int_equal(sshio_writer_wait_closed(in), 0);
    sshio_reader_unref(out);
    sshio_reader_unref(err);
    sshio_writer_unref(in);
    sshio_conn_unref(conn);
}

static void test_readers_and_writers_tell_about_their_channel(void **state)
{
    (void)state;
    run_with(tell, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readuntil_takes_the_match_that_begins_first),
        cmocka_unit_test(test_readuntil_finds_a_separator_that_came_in_pieces),
        cmocka_unit_test(test_readuntil_without_a_match_gives_what_there_is),
        cmocka_unit_test(test_readuntil_match_asks_whenever_more_has_come),
        cmocka_unit_test(test_interrupted_readuntil_and_readline_lose_nothing),
        cmocka_unit_test(test_calls_on_one_reader_are_served_in_order),
        cmocka_unit_test(test_breaks_signals_and_sizes_are_read_at_their_place),
        cmocka_unit_test(test_too_many_unread_signals_end_the_connection),
        cmocka_unit_test(test_readers_and_writers_tell_about_their_channel),
    };
    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
