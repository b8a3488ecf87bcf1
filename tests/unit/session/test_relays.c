/* Servers that answer with another connection: sessions and connections to other hosts, relayed to a second server.
 * (4-channels-forwarding 15.2) */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "session/run.h"

#define MUCH ((size_t)6 << 20)

static struct {
    bool relays;
    sshio_conn *upstream;
    int answers;
    char told[128];
    sshio_conn *victim; /* it is aborted at this step */
    int abort_at, steps;
} site;

/* Something happens on the way. */
static void step(void)
{
    if (++site.steps == site.abort_at)
        sshio_conn_abort(site.victim);
}

static int session_requested(sshio_conn *conn, sshio_request *req, void *user)
{
    (void)user;
    site.answers++;
    step();
    if (site.relays)
        return sshio_accept_relay(req, site.upstream);
    assert_int_equal(sshio_accept_relay(req, NULL), SSHIO_EINVAL);
    assert_int_equal(sshio_accept_relay(req, conn), SSHIO_EINVAL); /* a server's */
    return SSHIO_REFUSE;
}

static int connection_requested(sshio_conn *conn, const char *dest_host, int dest_port, const char *orig_host,
                                int orig_port, sshio_request *req, void *user)
{
    (void)conn, (void)user;
    snprintf(site.told, sizeof site.told, "%s %d for %s %d", dest_host, dest_port, orig_host, orig_port);
    step();
    return sshio_accept_relay(req, site.upstream);
}

static const sshio_server_handlers server = {
    .session_requested = session_requested,
    .connection_requested = connection_requested,
};

static void prepare(struct loopback *l)
{
    l->server_options.process_handler = NULL;
    l->server_options.handlers = &server;
}

static int setup(void **state)
{
    (void)state;
    memset(&site, 0, sizeof site);
    return 0;
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
    site.relays = true;
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

static void send_back(sshio_reader *reader, sshio_writer *writer, void *user)
{
    sshio_bytes all = { 0 };
    (void)user;
    assert_int_equal(sshio_read_all(reader, &all), 0);
    assert_int_equal(sshio_write(writer, all.data, all.len), 0);
    sshio_bytes_free(&all);
}

static int far_connection(sshio_conn *conn, const char *dest_host, int dest_port, const char *orig_host, int orig_port,
                          sshio_request *req, void *user)
{
    (void)conn, (void)dest_port, (void)user;
    if (strcmp(dest_host, "forbidden") == 0)
        return sshio_raise_channel_open(SSHIO_OPEN_ADMINISTRATIVELY_PROHIBITED, "not there", NULL);
    assert_string_equal(orig_host, "192.0.2.1");
    assert_int_equal(orig_port, 99);
    return sshio_accept_streams(req, send_back, NULL, NULL);
}

static void prepare_far_connections(struct loopback *l)
{
    static const sshio_server_handlers handlers = { .connection_requested = far_connection };
    l->server_options.handlers = &handlers;
}

static void relay_connections(struct loopback *l)
{
    struct relayed r;
    sshio_bytes all = { 0 };
    sshio_reader *reader;
    sshio_writer *writer;
    relay_begin(&r, l, prepare_far_connections);
    assert_int_equal(sshio_open_connection(r.conn, "anywhere", 7,
                                           SSHIO_CHANNEL(.orig_host = "192.0.2.1", .orig_port = 99), &reader, &writer),
                     0);
    assert_int_equal(sshio_puts(writer, "there and back"), 0);
    assert_int_equal(sshio_write_eof(writer), 0);
    assert_int_equal(sshio_read_all(reader, &all), 0);
    assert_string_equal(all.data, "there and back");
    assert_int_equal(sshio_chan_wait_closed(sshio_reader_channel(reader)), 0); /* both have ended */
    sshio_bytes_free(&all);
    sshio_reader_unref(reader);
    sshio_writer_unref(writer);
    assert_string_equal(site.told, "anywhere 7 for 192.0.2.1 99");
    assert_int_equal(sshio_open_connection(r.conn, "forbidden", 7, NULL, &reader, &writer), SSHIO_ECHANNEL_OPEN);
    assert_int_equal(sshio_error_last()->reason, SSHIO_OPEN_ADMINISTRATIVELY_PROHIBITED);
    assert_string_equal(sshio_error_message(), "not there");
    relay_end(&r);
}

/* Nobody over there reads on before the whole has come, and then all of it comes back. */
static void relay_bulk_connection(struct loopback *l)
{
    struct relayed r;
    sshio_reader *reader;
    sshio_writer *writer;
    sshio_bytes all = { 0 };
    char *block = malloc(MUCH);
    for (size_t i = 0; i < MUCH; i++)
        block[i] = (char)(i % 251);
    relay_begin(&r, l, prepare_far_connections);
    assert_int_equal(sshio_open_connection(r.conn, "anywhere", 7,
                                           SSHIO_CHANNEL(.orig_host = "192.0.2.1", .orig_port = 99), &reader, &writer),
                     0);
    assert_int_equal(sshio_write(writer, block, MUCH), 0);
    assert_int_equal(sshio_write_eof(writer), 0);
    assert_int_equal(sshio_read_all(reader, &all), 0);
    assert_int_equal(all.len, MUCH);
    assert_memory_equal(all.data, block, MUCH);
    sshio_bytes_free(&all);
    sshio_reader_unref(reader);
    sshio_writer_unref(writer);
    free(block);
    relay_end(&r);
}

static void test_relayed_connection_passes_much(void **state)
{
    (void)state;
    run_with(relay_bulk_connection, prepare);
}

static void test_relayed_connection_opens_or_is_refused_as_there(void **state)
{
    (void)state;
    run_with(relay_connections, prepare);
}

/* ---- ends at any moment ---- */

/* A program and a service that take a step whenever something happens. */
static void work(sshio_reader *in, sshio_writer *out)
{
    char *line;
    size_t len;
    step();
    sshio_puts(out, "up\n");
    while (sshio_readline(in, &line, &len) == 0) {
        step();
        sshio_write(out, line, len);
    }
    step();
}

static int far_running;

static void far_program(sshio_process *process, void *user)
{
    (void)user;
    far_running++;
    work(sshio_process_stdin(process), sshio_process_stdout(process));
    sshio_process_exit(process, 0);
    far_running--;
}

static void far_service(sshio_reader *reader, sshio_writer *writer, void *user)
{
    (void)user;
    far_running++;
    work(reader, writer);
    far_running--;
}

static int far_decision(sshio_conn *conn, const char *dest_host, int dest_port, const char *orig_host, int orig_port,
                        sshio_request *req, void *user)
{
    (void)conn, (void)dest_host, (void)dest_port, (void)orig_host, (void)orig_port, (void)user;
    step();
    return sshio_accept_streams(req, far_service, NULL, NULL);
}

static void prepare_far_steps(struct loopback *l)
{
    static const sshio_server_handlers handlers = { .connection_requested = far_decision };
    l->server_options.handlers = &handlers;
    l->server_options.process_handler = far_program;
}

/* Three exchanges with what is over there; how far it came is of no matter here. */
static void talk(sshio_reader *reader, sshio_writer *writer)
{
    char *line;
    size_t len;
    for (int i = 0; i < 3 && sshio_readline(reader, &line, &len) == 0; i++)
        if (i < 2)
            sshio_puts(writer, "line\n");
        else
            sshio_write_eof(writer);
    sshio_chan_wait_closed(sshio_reader_channel(reader));
}

static void use_session(sshio_conn *conn)
{
    sshio_client_process *process = NULL;
    if (sshio_create_process(conn, NULL, &process) == 0)
        talk(sshio_client_process_stdout(process), sshio_client_process_stdin(process));
    sshio_client_process_unref(process);
}

static void use_connection(sshio_conn *conn)
{
    sshio_reader *reader = NULL;
    sshio_writer *writer = NULL;
    if (sshio_open_connection(conn, "anywhere", 7, NULL, &reader, &writer) == 0)
        talk(reader, writer);
    sshio_reader_unref(reader);
    sshio_writer_unref(writer);
}

/* One of the two connections breaks at each step in turn: whoever waits is told, and nothing runs on or leaks. */
static void break_each(struct loopback *l, void (*use)(sshio_conn *conn), bool upstream_breaks, int steps)
{
    for (int at = 1; at <= steps + 1; at++) {
        struct relayed r;
        relay_begin(&r, l, prepare_far_steps);
        site.victim = upstream_breaks ? site.upstream : r.conn;
        site.steps = 0;
        site.abort_at = at;
        use(r.conn);
        while (far_running != 0)
            assert_int_equal(sshio_sleep(0.001), 0);
        if (at > steps)
            assert_int_equal(site.steps, steps); /* that is all that happens */
        relay_end(&r);
    }
}

static void breaks(struct loopback *l)
{
    for (int upstream = 0; upstream < 2; upstream++) {
        break_each(l, use_session, upstream == 1, 1 + 1 + 2 + 1);        /* asked, started, lines, EOF */
        break_each(l, use_connection, upstream == 1, 1 + 1 + 1 + 2 + 1); /* asked twice */
    }
}

static void test_relay_ends_whatever_breaks(void **state)
{
    (void)state;
    run_with(breaks, prepare);
}

static void relay_refused(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_client_process *process = NULL;
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
        cmocka_unit_test_setup(test_relayed_session_ends_as_it_did_there, setup),
        cmocka_unit_test_setup(test_relay_passes_much, setup),
        cmocka_unit_test_setup(test_relay_passes_terminal_environment_and_what_is_in_band, setup),
        cmocka_unit_test_setup(test_relayed_program_ends_with_its_client, setup),
        cmocka_unit_test_setup(test_relay_to_a_closed_connection_fails, setup),
        cmocka_unit_test_setup(test_relayed_connection_opens_or_is_refused_as_there, setup),
        cmocka_unit_test_setup(test_relayed_connection_passes_much, setup),
        cmocka_unit_test_setup(test_relay_wants_a_client_connection, setup),
        cmocka_unit_test_setup(test_relay_ends_whatever_breaks, setup),
    };
    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
