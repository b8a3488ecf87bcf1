/* How a server's application answers a request for a channel: with one that it has prepared, and with another
 * connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "session/run.h"

/* What the server's handlers do next, and what came of it. */
static struct {
    int (*answer_session)(sshio_conn *conn, sshio_request *req);
    int (*answer_connection)(sshio_conn *conn, sshio_request *req);
    sshio_conn *upstream;
    int answers;
    char told[128];
} site;

static int session_requested(sshio_conn *conn, sshio_request *req, void *user)
{
    (void)user;
    site.answers++;
    return site.answer_session(conn, req);
}

static int connection_requested(sshio_conn *conn, const char *dest_host, int dest_port, const char *orig_host,
                                int orig_port, sshio_request *req, void *user)
{
    (void)user;
    site.answers++;
    snprintf(site.told, sizeof site.told, "%s %d for %s %d", dest_host, dest_port, orig_host, orig_port);
    return site.answer_connection(conn, req);
}

static const sshio_server_handlers server = {
    .session_requested = session_requested,
    .connection_requested = connection_requested,
};

static void prepare(struct loopback *l)
{
    l->server_options.process_handler = NULL;
    l->server_options.encoding = "latin1";
    l->server_options.handlers = &server;
}

static int setup(void **state)
{
    (void)state;
    memset(&site, 0, sizeof site);
    return 0;
}

/* ---- prepared channels ---- */

/* Sends back what comes, as bytes of UTF-8 in hexadecimal. */
static void tell_in_hex(sshio_reader *in, sshio_writer *out)
{
    sshio_bytes all = { 0 };
    assert_int_equal(sshio_read_all(in, &all), 0);
    for (size_t i = 0; i < all.len; i++)
        sshio_printf(out, "%02x", (unsigned char)all.data[i]);
    sshio_bytes_free(&all);
}

static void process_in_hex(sshio_process *process, void *user)
{
    assert_string_equal(user, "user");
    assert_string_equal(sshio_process_get_extra_info(process, "stage", ""), "prepared");
    tell_in_hex(sshio_process_stdin(process), sshio_process_stdout(process));
}

static void session_in_hex(sshio_reader *in, sshio_writer *out, sshio_writer *err, void *user)
{
    assert_string_equal(user, "user");
    (void)err;
    tell_in_hex(in, out);
}

static void stream_in_hex(sshio_reader *reader, sshio_writer *writer, void *user)
{
    assert_string_equal(user, "user");
    tell_in_hex(reader, writer);
}

static sshio_chan *prepared(sshio_conn *conn, const char *encoding)
{
    sshio_chan *chan = NULL;
    assert_int_equal(sshio_create_server_channel(conn, SSHIO_CHANNEL(.encoding = encoding, .window = 4096), &chan), 0);
    assert_int_equal(sshio_chan_set_extra_info(chan, "stage", "prepared"), 0);
    assert_ptr_equal(sshio_chan_conn(chan), conn);
    assert_int_equal(sshio_chan_write(chan, "x", 1, 0), SSHIO_ECLOSED); /* it is not open yet */
    assert_int_equal(sshio_chan_wait_closed(chan), 0);
    return chan;
}

static int accept_utf16(sshio_conn *conn, sshio_request *req)
{
    return sshio_accept_process(req, process_in_hex, "user", prepared(conn, "utf-16be"));
}

static int accept_bytes(sshio_conn *conn, sshio_request *req)
{
    return sshio_accept_session_streams(req, session_in_hex, "user", prepared(conn, SSHIO_NONE));
}

static int accept_latin1(sshio_conn *conn, sshio_request *req)
{
    return sshio_accept_session_streams(req, session_in_hex, "user", prepared(conn, NULL));
}

/* "é" in latin1 is e9, in UTF-16 00e9, and c3a9 in UTF-8: a prepared channel has its own encoding, the server's when
 * none is named, or none. */
static void encodings(struct loopback *l)
{
    static const struct {
        int (*answer)(sshio_conn *conn, sshio_request *req);
        const char *sent;
        size_t len;
        const char *seen, *back;
        size_t back_len;
    } rows[] = {
        { accept_utf16, "\x00\xe9", 2, "c3a9",
          "\0c\0"
          "3\0a\0"
          "9",
          8 },
        { accept_latin1, "\xe9", 1, "c3a9", "c3a9", 4 },
        { accept_bytes, "\xe9", 1, "e9", "e9", 2 },
    };
    sshio_conn *conn = loopback_connect(l);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sshio_session_options options = { .size = sizeof options, .input = { rows[i].sent, rows[i].len } };
        sshio_result *result = NULL;
        site.answer_session = rows[i].answer;
        assert_int_equal(sshio_run(conn, &options, &result), 0);
        assert_int_equal(result->out.len, rows[i].back_len);
        assert_memory_equal(result->out.data, rows[i].back, rows[i].back_len);
        sshio_result_free(result);
    }
    sshio_conn_unref(conn);
}

static void test_prepared_channel_has_an_encoding_of_its_own(void **state)
{
    (void)state;
    run_with(encodings, prepare);
}

static int accept_tcp_prepared(sshio_conn *conn, sshio_request *req)
{
    sshio_chan *chan = NULL;
    assert_int_equal(sshio_create_tcp_channel(conn, SSHIO_CHANNEL(.encoding = "latin1"), &chan), 0);
    return sshio_accept_streams(req, stream_in_hex, "user", chan);
}

static void check_tcp_encoding(sshio_conn *conn, const char *encoding, const char *text, const char *expected)
{
    sshio_reader *reader;
    sshio_writer *writer;
    sshio_bytes all = { 0 };
    assert_int_equal(sshio_open_connection(conn, "anywhere", 7, SSHIO_CHANNEL(.encoding = encoding), &reader, &writer),
                     0);
    assert_int_equal(sshio_puts(writer, text), 0);
    assert_int_equal(sshio_write_eof(writer), 0);
    assert_int_equal(sshio_read_all(reader, &all), 0);
    assert_string_equal(all.data, expected);
    sshio_bytes_free(&all);
    sshio_reader_unref(reader);
    sshio_writer_unref(writer);
}

/* Both ends of a TCP channel may have an encoding; without one it carries bytes. */
static void tcp_encodings(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    site.answer_connection = accept_tcp_prepared;
    check_tcp_encoding(conn, NULL, "\xe9", "c3a9");
    check_tcp_encoding(conn, "latin1", "\xc3\xa9", "c3a9");
    sshio_conn_unref(conn);
}

static void test_prepared_tcp_channel_has_an_encoding(void **state)
{
    (void)state;
    run_with(tcp_encodings, prepare);
}

static void on_lost(sshio_chan *chan, const sshio_error *error, void *user)
{
    (void)chan, (void)user, (void)error;
}

static const sshio_session_handlers deaf = { .connection_lost = on_lost };

/* What does not fit is refused, and taken over nevertheless: nothing leaks. */
static int accept_wrongly(sshio_conn *conn, sshio_request *req)
{
    sshio_chan *chan = NULL, *used = prepared(conn, NULL);
    assert_int_equal(sshio_create_server_channel(conn, SSHIO_CHANNEL(.encoding = "no-such"), &chan), SSHIO_EINVAL);
    assert_int_equal(sshio_create_server_channel(site.upstream, NULL, &chan), SSHIO_EINVAL); /* a client's */
    assert_int_equal(sshio_create_tcp_channel(conn, NULL, &chan), 0);
    assert_int_equal(sshio_accept_session(req, &deaf, NULL, chan), SSHIO_EINVAL); /* of another kind */
    assert_int_equal(sshio_accept_streams(req, stream_in_hex, NULL, prepared(conn, NULL)), SSHIO_EINVAL);
    assert_int_equal(sshio_accept_session(req, NULL, NULL, prepared(conn, NULL)), SSHIO_EINVAL);
    assert_int_equal(sshio_accept_process(req, NULL, NULL, NULL), SSHIO_EINVAL);
    sshio_chan_unref(prepared(conn, NULL)); /* never used */
    sshio_chan_ref(used);
    assert_int_equal(sshio_accept_session(req, &deaf, NULL, used), SSHIO_ANSWERED);
    assert_int_equal(sshio_accept_session(req, &deaf, NULL, used), SSHIO_EINVAL); /* it was answered */
    return SSHIO_ANSWERED;
}

static void wrong_channels(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_client_process *process = NULL;
    site.answer_session = accept_wrongly;
    site.upstream = conn;
    assert_int_equal(sshio_create_process(conn, NULL, &process), SSHIO_ECHANNEL_OPEN); /* deaf starts no shell */
    assert_int_equal(site.answers, 1);
    sshio_conn_unref(conn);
}

static void test_prepared_channel_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    run_with(wrong_channels, prepare);
}

/* ---- relays (4-channels 15.2) ---- */

static int relay(sshio_conn *conn, sshio_request *req)
{
    (void)conn;
    return sshio_accept_relay(req, site.upstream);
}

/* Two servers: the test's programs run on the second, and its client talks to the first. */
struct relayed {
    struct loopback far;
    sshio_conn *conn;
};

static void relay_begin(struct relayed *r, struct loopback *l, loopback_fn prepare_far)
{
    loopback_init(&r->far);
    if (prepare_far != NULL)
        prepare_far(&r->far);
    loopback_start(&r->far);
    site.upstream = loopback_connect(&r->far);
    site.answer_session = site.answer_connection = relay;
    r->conn = loopback_connect(l);
}

static void relay_end(struct relayed *r)
{
    sshio_conn_unref(r->conn);
    sshio_conn_unref(site.upstream);
    loopback_stop(&r->far);
}

static sshio_result *run_over(struct relayed *r, const char *command, const char *input)
{
    sshio_result *result = NULL;
    assert_int_equal(sshio_run(r->conn, SSHIO_SESSION(.command = command, .input = { input, strlen(input) }), &result),
                     0);
    return result;
}

static void relay_story(struct loopback *l)
{
    struct relayed r;
    relay_begin(&r, l, NULL);
    sshio_result *result = run_over(&r, "both", "");
    assert_string_equal(result->out.data, "out");
    assert_string_equal(result->err.data, "err");
    assert_int_equal(result->exit_status, 3);
    sshio_result_free(result);
    result = run_over(&r, "echo", "there and back");
    assert_string_equal(result->out.data, "there and back");
    assert_int_equal(result->exit_status, 0);
    sshio_result_free(result);
    result = run_over(&r, "signal", "");
    assert_string_equal(result->exit_signal->name, "TERM");
    assert_string_equal(result->exit_signal->msg, "ended");
    sshio_result_free(result);
    result = run_over(&r, "no-status", "");
    assert_int_equal(result->exit_status, SSHIO_NO_STATUS);
    sshio_result_free(result);
    relay_end(&r);
}

static void test_relayed_session_ends_as_it_did_there(void **state)
{
    (void)state;
    run_with(relay_story, prepare);
}

/* More than all windows on the way hold. */
static void relay_bulk(struct loopback *l)
{
    struct relayed r;
    relay_begin(&r, l, NULL);
    sshio_result *result = run_over(&r, "source 9000000", "");
    assert_int_equal(result->out.len, 9000000);
    assert_int_equal((unsigned char)result->out.data[8999999], (unsigned char)(8999999 % 4096 * 7));
    sshio_result_free(result);
    relay_end(&r);
}

static void test_relay_passes_much(void **state)
{
    (void)state;
    run_with(relay_bulk, prepare);
}

/* Tells what it was asked for, then what comes in-band, until EOF. */
static void tell_all(sshio_process *process, void *user)
{
    sshio_writer *out = sshio_process_stdout(process);
    sshio_term_size size = sshio_process_term_size(process);
    const char *variable = sshio_process_getenv(process, "COLOUR"), *type = sshio_process_term_type(process);
    uint32_t mode = 0;
    char *line;
    size_t len;
    int rc;
    (void)user;
    sshio_chan_get_terminal_mode(sshio_process_channel(process), SSHIO_PTY_VINTR, &mode);
    const char *command = sshio_process_command(process), *subsystem = sshio_process_subsystem(process);
    sshio_printf(out, "%s %s %s %s %dx%d %u\n", command != NULL ? command : "-", subsystem != NULL ? subsystem : "-",
                 variable != NULL ? variable : "-", type != NULL ? type : "-", (int)size.width, (int)size.height,
                 (unsigned)mode);
    while ((rc = sshio_readline(sshio_process_stdin(process), &line, &len)) != SSHIO_EEOF) {
        size = sshio_process_term_size(process);
        if (rc == 0)
            sshio_printf(out, "line %s", line);
        else if (rc == SSHIO_EBREAK_RECEIVED)
            sshio_puts(out, "break\n");
        else if (rc == SSHIO_ESIGNAL_RECEIVED)
            sshio_printf(out, "signal %s\n", sshio_error_last()->signal);
        else if (rc == SSHIO_ETERMINAL_SIZE_CHANGED)
            sshio_printf(out, "size %dx%d\n", (int)size.width, (int)size.height);
        else
            return;
    }
    sshio_process_exit(process, 0);
}

static void prepare_far(struct loopback *l)
{
    l->server_options.process_handler = tell_all;
}

static void expect_line(sshio_client_process *process, const char *expected)
{
    char *line;
    size_t len;
    assert_int_equal(sshio_readline(sshio_client_process_stdout(process), &line, &len), 0);
    assert_string_equal(line, expected);
}

static void relay_terminal(struct loopback *l)
{
    struct relayed r;
    sshio_client_process *process = NULL;
    sshio_result *result = NULL;
    relay_begin(&r, l, prepare_far);
    assert_int_equal(sshio_create_process(r.conn,
                                          SSHIO_SESSION(.subsystem = "stories", .env = SSHIO_LIST("COLOUR=blue"),
                                                        .term_type = "vt100", .term_size = { 80, 24, 0, 0 },
                                                        .term_modes = SSHIO_MODES({ SSHIO_PTY_VINTR, 7 })),
                                          &process),
                     0);
    expect_line(process, "- stories blue vt100 80x24 7\n");
    assert_int_equal(sshio_puts(sshio_client_process_stdin(process), "one\n"), 0);
    expect_line(process, "line one\n");
    assert_int_equal(sshio_client_process_change_terminal_size(process, (sshio_term_size){ 132, 43, 0, 0 }), 0);
    expect_line(process, "size 132x43\n");
    assert_int_equal(sshio_client_process_send_signal(process, "USR1"), 0);
    expect_line(process, "signal USR1\n");
    assert_int_equal(sshio_client_process_send_break(process, 100), 0);
    expect_line(process, "break\n");
    assert_int_equal(sshio_write_eof(sshio_client_process_stdin(process)), 0);
    assert_int_equal(sshio_client_process_wait(process, true, 0, &result), 0);
    sshio_result_free(result);
    sshio_client_process_unref(process);
    relay_end(&r);
}

static void test_relay_passes_terminal_environment_and_what_is_in_band(void **state)
{
    (void)state;
    run_with(relay_terminal, prepare);
}

static int far_lost;

static void wait_for_the_end(sshio_process *process, void *user)
{
    char byte;
    size_t got;
    (void)user;
    sshio_puts(sshio_process_stdout(process), "up\n");
    while (sshio_read(sshio_process_stdin(process), &byte, 1, &got) == 0)
        ;
    sshio_process_wait_closed(process); /* EOF alone ends nothing here */
    far_lost++;
}

static void prepare_far_waiter(struct loopback *l)
{
    l->server_options.process_handler = wait_for_the_end;
}

/* The client goes away: so does the program there. */
static void relay_abandoned(struct loopback *l)
{
    struct relayed r;
    sshio_client_process *process = NULL;
    far_lost = 0;
    relay_begin(&r, l, prepare_far_waiter);
    assert_int_equal(sshio_create_process(r.conn, NULL, &process), 0);
    expect_line(process, "up\n");
    sshio_client_process_close(process);
    sshio_client_process_unref(process);
    while (far_lost == 0)
        assert_int_equal(sshio_sleep(0.001), 0);
    relay_end(&r);
}

static void test_relayed_program_ends_with_its_client(void **state)
{
    (void)state;
    run_with(relay_abandoned, prepare);
}

/* There is nothing behind it any more: the client is told so. */
static void relay_broken(struct loopback *l)
{
    struct relayed r;
    sshio_reader *reader;
    sshio_writer *writer;
    relay_begin(&r, l, NULL);
    sshio_conn_close(site.upstream);
    assert_int_equal(sshio_conn_wait_closed(site.upstream), 0);
    sshio_result *result = run_over(&r, "echo", "");
    assert_int_equal(result->exit_status, 255);
    assert_string_equal(result->err.data, "SSH connection closed\n");
    sshio_result_free(result);
    assert_int_equal(sshio_open_connection(r.conn, "counter", 7, NULL, &reader, &writer), SSHIO_ECHANNEL_OPEN);
    assert_int_equal(sshio_error_last()->reason, SSHIO_OPEN_CONNECT_FAILED);
    relay_end(&r);
}

static void test_relay_to_a_closed_connection_fails(void **state)
{
    (void)state;
    run_with(relay_broken, prepare);
}

static int far_connection(sshio_conn *conn, const char *dest_host, int dest_port, const char *orig_host, int orig_port,
                          sshio_request *req, void *user)
{
    (void)conn, (void)dest_port, (void)orig_host, (void)orig_port, (void)user;
    if (strcmp(dest_host, "forbidden") == 0)
        return sshio_raise_channel_open(SSHIO_OPEN_ADMINISTRATIVELY_PROHIBITED, "not there", NULL);
    return sshio_accept_streams(req, stream_in_hex, "user", NULL);
}

static void prepare_far_connections(struct loopback *l)
{
    static const sshio_server_handlers handlers = { .connection_requested = far_connection };
    l->server_options.handlers = &handlers;
}

static void relay_connections(struct loopback *l)
{
    struct relayed r;
    sshio_reader *reader;
    sshio_writer *writer;
    relay_begin(&r, l, prepare_far_connections);
    check_tcp_encoding(r.conn, NULL, "abc", "616263");
    assert_string_equal(site.told, "anywhere 7 for  0");
    assert_int_equal(sshio_open_connection(r.conn, "forbidden", 7, NULL, &reader, &writer), SSHIO_ECHANNEL_OPEN);
    assert_int_equal(sshio_error_last()->reason, SSHIO_OPEN_ADMINISTRATIVELY_PROHIBITED);
    assert_string_equal(sshio_error_message(), "not there");
    relay_end(&r);
}

static void test_relayed_connection_opens_or_is_refused_as_there(void **state)
{
    (void)state;
    run_with(relay_connections, prepare);
}

static int relay_wrongly(sshio_conn *conn, sshio_request *req)
{
    assert_int_equal(sshio_accept_relay(req, NULL), SSHIO_EINVAL);
    assert_int_equal(sshio_accept_relay(req, conn), SSHIO_EINVAL); /* a server's */
    return SSHIO_REFUSE;
}

static void relay_refused(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_client_process *process = NULL;
    site.answer_session = relay_wrongly;
    assert_int_equal(sshio_create_process(conn, NULL, &process), SSHIO_ECHANNEL_OPEN);
    assert_int_equal(site.answers, 1);
    sshio_conn_unref(conn);
}

static void test_relay_wants_a_client_connection(void **state)
{
    (void)state;
    run_with(relay_refused, prepare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_prepared_channel_has_an_encoding_of_its_own, setup),
        cmocka_unit_test_setup(test_prepared_tcp_channel_has_an_encoding, setup),
        cmocka_unit_test_setup(test_prepared_channel_that_does_not_fit_is_refused, setup),
        cmocka_unit_test_setup(test_relayed_session_ends_as_it_did_there, setup),
        cmocka_unit_test_setup(test_relay_passes_much, setup),
        cmocka_unit_test_setup(test_relay_passes_terminal_environment_and_what_is_in_band, setup),
        cmocka_unit_test_setup(test_relayed_program_ends_with_its_client, setup),
        cmocka_unit_test_setup(test_relay_to_a_closed_connection_fails, setup),
        cmocka_unit_test_setup(test_relayed_connection_opens_or_is_refused_as_there, setup),
        cmocka_unit_test_setup(test_relay_wants_a_client_connection, setup),
    };
    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
