/* Sessions end to end: a server and clients of ours over loopback. What an independent peer must show is in
 * tests/interop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "session/run.h"

#define MIB (1024u * 1024u)

/* ---- sockets ---- */

static int count_tcp_sockets(void)
{
    int count = 0;
    for (int fd = 3; fd < 64; fd++) {
        struct sockaddr_storage peer;
        socklen_t len = sizeof peer;
        if (getpeername(fd, (struct sockaddr *)&peer, &len) != 0 || peer.ss_family != AF_INET)
            continue;
        int set = 0;
        len = sizeof set;
        assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &set, &len), 0);
        assert_int_not_equal(set, 0);
        count++;
    }
    return count;
}

static void no_delay(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    assert_int_equal(count_tcp_sockets(), 2); /* of the client and of the server */
    sshio_conn_unref(conn);
}

/* FC14 */
static void test_both_ends_of_a_connection_send_without_delay(void **state)
{
    (void)state;
    run_with(no_delay, NULL);
}

/* ---- run ---- */

static void run_separates_output(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_result *result = NULL;
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "both"), &result), 0);
    assert_string_equal(result->out.data, "out");
    assert_string_equal(result->err.data, "err");
    assert_int_equal(result->exit_status, 3);
    assert_int_equal(result->returncode, 3);
    assert_null(result->exit_signal);
    assert_string_equal(result->command, "both");
    sshio_result_free(result);
    sshio_conn_unref(conn);
}

static void test_run_separates_stdout_and_stderr_and_gives_the_status(void **state)
{
    (void)state;
    run_with(run_separates_output, NULL);
}

static void run_check(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_result *result = NULL;
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "both", .check = true), &result), SSHIO_EPROCESS);
    assert_null(result);
    assert_non_null(sshio_error_last()->result);
    assert_int_equal(sshio_error_last()->result->exit_status, 3);
    assert_string_equal(sshio_error_last()->result->err.data, "err");
    assert_non_null(strstr(sshio_error_message(), "exit status 3"));
    sshio_conn_unref(conn);
}

static void test_run_with_check_fails_with_the_result_in_the_error(void **state)
{
    (void)state;
    run_with(run_check, NULL);
}

static void run_signal(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_result *result = NULL;
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "signal"), &result), 0);
    assert_int_equal(result->exit_status, -1);
    assert_int_equal(result->returncode, -15);
    assert_string_equal(result->exit_signal->name, "TERM");
    assert_string_equal(result->exit_signal->msg, "ended");
    assert_true(result->exit_signal->core_dumped);
    sshio_result_free(result);
    sshio_conn_unref(conn);
}

/* RFC 4254 6.10 */
static void test_exit_signal_arrives_with_all_fields(void **state)
{
    (void)state;
    run_with(run_signal, NULL);
}

static void run_no_status(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_result *result = NULL;
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "no-status"), &result), 0);
    assert_int_equal(result->exit_status, SSHIO_NO_STATUS);
    sshio_result_free(result);
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "no-status", .check = true), &result), SSHIO_EPROCESS);
    sshio_conn_unref(conn);
}

/* Rule F8 */
static void test_f8_no_exit_status_is_not_success(void **state)
{
    (void)state;
    run_with(run_no_status, NULL);
}

static void run_input(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_result *result = NULL;
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "echo", .input = SSHIO_TEXT("some text")), &result), 0);
    assert_string_equal(result->out.data, "some text");
    assert_int_equal(result->exit_status, 0);
    sshio_result_free(result);
    sshio_conn_unref(conn);
}

static void test_run_writes_its_input_and_then_eof(void **state)
{
    (void)state;
    run_with(run_input, NULL);
}

static void run_timeout(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_result *result = NULL;
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "silent", .timeout = 0.01), &result),
                     SSHIO_EPROCESS_TIMEOUT);
    assert_true(sshio_error_is(SSHIO_EPROCESS_TIMEOUT, SSHIO_E_TIMEOUT));
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "both"), &result), 0);
    sshio_result_free(result);
    sshio_conn_unref(conn);
}

static void test_run_that_times_out_leaves_the_connection_usable(void **state)
{
    (void)state;
    run_with(run_timeout, NULL);
}

static void run_limit(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_result *result = NULL;
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "source 100000", .max_output = 99999), &result),
                     SSHIO_ELIMIT);
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "source 100000", .max_output = 100000), &result), 0);
    assert_int_equal(result->out.len, 100000);
    sshio_result_free(result);
    sshio_conn_unref(conn);
}

static void test_run_with_too_much_output_fails_at_the_limit(void **state)
{
    (void)state;
    run_with(run_limit, NULL);
}

static void run_env(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_result *result = NULL;
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "env TZ", .env = SSHIO_LIST("A=1", "TZ=UTC=0")), &result),
                     0);
    assert_string_equal(result->out.data, "UTC=0");
    sshio_result_free(result);
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "env TZ", .env = SSHIO_LIST("nonsense")), &result),
                     SSHIO_EINVAL);
    sshio_conn_unref(conn);
}

static void test_environment_reaches_the_process(void **state)
{
    (void)state;
    run_with(run_env, NULL);
}

/* ---- streams ---- */

static void conversation(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_writer *in = NULL;
    sshio_reader *out = NULL, *err = NULL;
    char *line;
    size_t len;
    assert_int_equal(sshio_open_session(conn, NULL, &in, &out, &err), 0);
    assert_int_equal(sshio_readline(out, &line, &len), 0);
    assert_string_equal(line, "hello\n");
    for (int i = 0; i < 100; i++) {
        char expected[32];
        snprintf(expected, sizeof expected, "LINE %d\n", i);
        assert_int_equal(sshio_printf(in, "line %d\n", i), 0);
        assert_int_equal(sshio_readline(out, &line, &len), 0);
        assert_string_equal(line, expected);
        assert_int_equal(len, strlen(expected));
    }
    sshio_puts(in, "bye\n");
    assert_int_equal(sshio_readline(out, &line, &len), SSHIO_EEOF);
    assert_true(sshio_reader_at_eof(out));
    assert_int_equal(sshio_writer_wait_closed(in), 0);
    assert_int_equal(sshio_write(in, "x", 1), SSHIO_ECLOSED);
    sshio_writer_unref(in);
    sshio_reader_unref(out);
    sshio_reader_unref(err);
    sshio_conn_unref(conn);
}

static void test_shell_session_holds_a_line_by_line_conversation(void **state)
{
    (void)state;
    run_with(conversation, NULL);
}

static void exact_reads(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_client_process *p = NULL;
    char buffer[8];
    assert_int_equal(
        sshio_create_process(conn, SSHIO_SESSION(.command = "echo", .input = SSHIO_TEXT("0123456789")), &p), 0);
    assert_int_equal(sshio_readexactly(sshio_client_process_stdout(p), buffer, 8), 0);
    assert_memory_equal(buffer, "01234567", 8);
    assert_int_equal(sshio_readexactly(sshio_client_process_stdout(p), buffer, 8), SSHIO_EINCOMPLETE_READ);
    assert_int_equal(sshio_error_last()->partial.len, 2);
    assert_memory_equal(sshio_error_last()->partial.data, "89", 2);
    sshio_client_process_unref(p);
    sshio_conn_unref(conn);
}

static void test_readexactly_at_the_end_gives_what_came(void **state)
{
    (void)state;
    run_with(exact_reads, NULL);
}

static int read_eight(void *reader)
{
    char buffer[8];
    return sshio_readexactly(reader, buffer, sizeof buffer);
}

static int read_to_the_end(void *reader)
{
    sshio_bytes all = { 0 };
    return sshio_read_all(reader, &all);
}

static void interrupted_reads(struct loopback *l)
{
    static int (*const reads[])(void *reader) = { read_eight, read_to_the_end };
    sshio_conn *conn = loopback_connect(l);
    sshio_client_process *p = NULL;
    sshio_bytes all = { 0 };
    char first;
    size_t got;
    assert_int_equal(sshio_create_process(conn, SSHIO_SESSION(.command = "echo"), &p), 0);
    sshio_reader *out = sshio_client_process_stdout(p);
    sshio_writer *in = sshio_client_process_stdin(p);
    assert_int_equal(sshio_puts(in, "01234"), 0);
    assert_int_equal(sshio_read(out, &first, 1, &got), 0); /* the others are here too then */
    for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++)
        assert_int_equal(sshio_with_timeout(0.001, reads[i], out), SSHIO_ETIMEDOUT);
    assert_int_equal(sshio_puts(in, "56789"), 0);
    assert_int_equal(sshio_write_eof(in), 0);
    assert_int_equal(sshio_read_all(out, &all), 0);
    assert_string_equal(all.data, "123456789");
    sshio_bytes_free(&all);
    sshio_client_process_unref(p);
    sshio_conn_unref(conn);
}

static void test_interrupted_read_of_many_bytes_loses_none(void **state)
{
    (void)state;
    run_with(interrupted_reads, NULL);
}

static void big_both_ways(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_client_process *p = NULL;
    sshio_bytes out = { 0 }, err = { 0 };
    size_t len = 8 * MIB;
    unsigned char *data = malloc(len);
    for (size_t i = 0; i < len; i++)
        data[i] = (unsigned char)(i * 2654435761u >> 24);
    assert_int_equal(sshio_create_process(conn, SSHIO_SESSION(.command = "echo"), &p), 0);
    assert_int_equal(sshio_client_process_communicate(p, (sshio_span){ data, len }, &out, &err), 0);
    assert_int_equal(out.len, len);
    assert_memory_equal(out.data, data, len);
    assert_int_equal(err.len, 0);
    assert_int_equal(sshio_client_process_exit_status(p), 0);
    sshio_bytes_free(&out);
    sshio_bytes_free(&err);
    sshio_client_process_unref(p);
    sshio_conn_unref(conn);
    free(data);
}

static void test_much_data_both_ways_at_once_arrives_whole(void **state)
{
    (void)state;
    run_with(big_both_ways, NULL);
}

static void prepare_rekeying(struct loopback *l)
{
    l->server_options.rekey_limit = "256k none";
}

/* RFC 4253 9 */
static void test_data_survives_rekeying(void **state)
{
    (void)state;
    run_with(big_both_ways, prepare_rekeying);
}

/* A reader that does not read keeps at most a window in memory and stalls nobody else. */
static void slow_reader(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_client_process *slow = NULL;
    sshio_result *result = NULL;
    sshio_bytes all = { 0 };
    assert_int_equal(sshio_create_process(conn, SSHIO_SESSION(.command = "source 6000000"), &slow), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "source 3000000"), &result), 0);
        assert_int_equal(result->out.len, 3000000);
        sshio_result_free(result);
    }
    assert_int_equal(sshio_read_all(sshio_client_process_stdout(slow), &all), 0);
    assert_int_equal(all.len, 6000000);
    sshio_bytes_free(&all);
    sshio_client_process_unref(slow);
    sshio_conn_unref(conn);
}

static void test_slow_reader_does_not_stall_other_sessions(void **state)
{
    (void)state;
    run_with(slow_reader, NULL);
}

/* ---- many at once ---- */

struct one {
    sshio_conn *conn;
    int number;
};

static int run_one(void *arg)
{
    struct one *one = arg;
    char text[32];
    sshio_result *result = NULL;
    int len = snprintf(text, sizeof text, "text %d", one->number);
    int rc = sshio_run(one->conn, SSHIO_SESSION(.command = "echo", .input = { text, (size_t)len }), &result);
    if (rc == 0 && strcmp(result->out.data, text) != 0)
        rc = SSHIO_EINVAL;
    sshio_result_free(result);
    return rc;
}

static void fifty_at_once(struct loopback *l)
{
    struct one ones[50];
    sshio_conn *conn = loopback_connect(l);
    for (int i = 0; i < 50; i++)
        ones[i] = (struct one){ conn, i };
    assert_int_equal(sshio_gather(run_one, ones, 50, sizeof ones[0]), 0);
    sshio_conn_unref(conn);
}

static void test_fifty_sessions_at_once_on_one_connection(void **state)
{
    (void)state;
    run_with(fifty_at_once, NULL);
}

static void prepare_two_sessions(struct loopback *l)
{
    l->server_options.max_sessions = 2;
}

static void too_many_sessions(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_client_process *p[3] = { NULL };
    for (int i = 0; i < 2; i++)
        assert_int_equal(sshio_create_process(conn, SSHIO_SESSION(.command = "silent"), &p[i]), 0);
    assert_int_equal(sshio_create_process(conn, SSHIO_SESSION(.command = "silent"), &p[2]), SSHIO_ECHANNEL_OPEN);
    assert_int_equal(sshio_error_last()->reason, SSHIO_OPEN_RESOURCE_SHORTAGE);
    sshio_client_process_unref(p[0]);
    sshio_client_process_unref(p[1]);
    sshio_conn_unref(conn);
}

static void test_sessions_over_the_limit_are_refused(void **state)
{
    (void)state;
    run_with(too_many_sessions, prepare_two_sessions);
}

/* ---- callbacks ---- */

struct seen {
    char out[64];
    size_t len;
    int status, order, made_at, started_at, status_at, lost_at;
    bool lost_cleanly;
};

static void on_made(sshio_chan *chan, void *user)
{
    struct seen *seen = user;
    (void)chan;
    seen->made_at = ++seen->order;
}

static void on_started(sshio_chan *chan, void *user)
{
    struct seen *seen = user;
    (void)chan;
    seen->started_at = ++seen->order;
}

static void on_data(sshio_chan *chan, const void *data, size_t len, int datatype, void *user)
{
    struct seen *seen = user;
    (void)chan;
    if (datatype == 0 && seen->len + len < sizeof seen->out) {
        memcpy(seen->out + seen->len, data, len);
        seen->len += len;
    }
}

static void on_status(sshio_chan *chan, int status, void *user)
{
    struct seen *seen = user;
    (void)chan;
    seen->status = status;
    seen->status_at = ++seen->order;
}

static void on_lost(sshio_chan *chan, const sshio_error *error, void *user)
{
    struct seen *seen = user;
    (void)chan;
    seen->lost_cleanly = error == NULL;
    seen->lost_at = ++seen->order;
}

static const sshio_session_handlers seeing = {
    .connection_made = on_made,
    .session_started = on_started,
    .data_received = on_data,
    .connection_lost = on_lost,
    .exit_status_received = on_status,
};

static void callbacks(struct loopback *l)
{
    struct seen seen = { .status = -2 };
    sshio_conn *conn = loopback_connect(l);
    sshio_chan *chan = NULL;
    assert_int_equal(sshio_create_session(conn, &seeing, &seen, SSHIO_SESSION(.command = "both"), &chan), 0);
    assert_int_equal(sshio_chan_wait_closed(chan), 0);
    assert_string_equal(seen.out, "out");
    assert_int_equal(seen.status, 3);
    assert_true(seen.lost_cleanly);
    assert_int_equal(seen.made_at, 1);
    assert_int_equal(seen.started_at, 2);
    assert_int_equal(seen.status_at, 3);
    assert_int_equal(seen.lost_at, 4);
    sshio_chan_unref(chan);
    sshio_conn_unref(conn);
}

static void test_callbacks_come_in_their_order(void **state)
{
    (void)state;
    run_with(callbacks, NULL);
}

static void close_in_data(sshio_chan *chan, const void *data, size_t len, int datatype, void *user)
{
    (void)data, (void)len, (void)datatype, (void)user;
    sshio_chan_abort(chan);
    sshio_conn_close(sshio_chan_conn(chan));
}

static void close_inside(struct loopback *l)
{
    const sshio_session_handlers handlers = { .data_received = close_in_data };
    sshio_conn *conn = loopback_connect(l);
    sshio_chan *chan = NULL;
    assert_int_equal(sshio_create_session(conn, &handlers, NULL, SSHIO_SESSION(.command = "source 1000000"), &chan), 0);
    assert_int_equal(sshio_chan_wait_closed(chan), 0);
    assert_int_equal(sshio_conn_wait_closed(conn), 0);
    sshio_chan_unref(chan);
    sshio_conn_unref(conn);
}

/* Rule F6 */
static void test_f6_closing_inside_a_callback_is_safe(void **state)
{
    (void)state;
    run_with(close_inside, NULL);
}

/* ---- logging in ---- */

static void wrong_key(struct loopback *l)
{
    sshio_client_options options = loopback_client(l);
    sshio_keyref keys[2] = { { .key = l->other_key } };
    sshio_conn *conn = NULL;
    options.client_keys = keys;
    assert_int_equal(sshio_connect("127.0.0.1", &options, &conn), SSHIO_EPERMISSION_DENIED);
    assert_null(conn);
    assert_non_null(strstr(sshio_error_message(), "guest"));
}

static void test_unknown_key_is_refused_with_a_message_that_names_the_user(void **state)
{
    (void)state;
    run_with(wrong_key, NULL);
}

static void unknown_host(struct loopback *l)
{
    sshio_client_options options = loopback_client(l);
    sshio_conn *conn = NULL;
    options.known_hosts = NULL;
    assert_int_equal(sshio_connect("127.0.0.1", &options, &conn), SSHIO_EHOST_KEY_NOT_VERIFIABLE);
    assert_non_null(strstr(sshio_error_message(), "SHA256:"));
    options.known_hosts = SSHIO_NONE;
    assert_int_equal(sshio_connect("127.0.0.1", &options, &conn), 0);
    sshio_conn_unref(conn);
}

/* Rule A13 */
static void test_a13_unknown_host_is_refused_unless_checking_is_switched_off(void **state)
{
    (void)state;
    run_with(unknown_host, NULL);
}

static void changed_host(struct loopback *l)
{
    sshio_client_options options = loopback_client(l);
    sshio_bytes text = { 0 };
    char line[512];
    sshio_conn *conn = NULL;
    assert_int_equal(sshio_key_export_public_key(l->other_key, SSHIO_FORMAT_OPENSSH, &text), 0);
    snprintf(line, sizeof line, "[127.0.0.1]:%d %.*s", l->port, (int)text.len, text.data);
    sshio_bytes_free(&text);
    sshio_source hosts = { .data = { line, strlen(line) } };
    options.known_hosts = &hosts;
    assert_int_equal(sshio_connect("127.0.0.1", &options, &conn), SSHIO_EHOST_KEY_NOT_VERIFIABLE);
    assert_non_null(strstr(sshio_error_message(), "changed"));
}

static void test_a13_changed_host_key_is_refused(void **state)
{
    (void)state;
    run_with(changed_host, NULL);
}

static int no_password_known(sshio_conn *conn, void *user)
{
    (void)conn, (void)user;
    return 1;
}

static int check_password(sshio_conn *conn, const char *username, const char *password, void *user)
{
    (void)conn, (void)user;
    sshio_sleep(0.001); /* the handler may wait */
    return strcmp(username, "guest") == 0 && strcmp(password, "secret") == 0;
}

static const sshio_server_handlers with_passwords = {
    .password_auth_supported = no_password_known,
    .validate_password = check_password,
};

static void prepare_passwords(struct loopback *l)
{
    l->server_options.handlers = &with_passwords;
}

static int answer_password(const char *what, sshio_request *req, void *user)
{
    int *asked = user;
    (void)what;
    return ++*asked == 1 ? sshio_answer_text(req, "wrong") : sshio_answer_text(req, "secret");
}

static void passwords(struct loopback *l)
{
    sshio_client_options options = loopback_client(l);
    sshio_conn *conn = NULL;
    int asked = 0;
    options.client_keys = NULL;
    options.password = "wrong";
    assert_int_equal(sshio_connect("127.0.0.1", &options, &conn), SSHIO_EPERMISSION_DENIED);
    options.password = "secret";
    assert_int_equal(sshio_connect("127.0.0.1", &options, &conn), 0);
    assert_string_equal(sshio_conn_username(conn), "guest");
    sshio_conn_unref(conn);
    options.password = NULL;
    options.password_handler = answer_password;
    options.user = &asked;
    assert_int_equal(sshio_connect("127.0.0.1", &options, &conn), 0);
    assert_int_equal(asked, 2);
    sshio_conn_unref(conn);
}

static void test_password_login_by_option_and_by_handler(void **state)
{
    (void)state;
    run_with(passwords, prepare_passwords);
}

/* ---- closing ---- */

static void connect_timeout(struct loopback *l)
{
    (void)l;
    int pair[2];
    sshio_conn *conn = NULL;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    const int sock = pair[0];
    int rc = sshio_connect("", SSHIO_CLIENT(.sock = &sock, .connect_timeout = 0.02, .known_hosts = SSHIO_NONE), &conn);
    assert_int_equal(rc, SSHIO_ETIMEDOUT);
    assert_null(conn);
    close(pair[1]);
}

static void test_connect_timeout_leaves_nothing_open(void **state)
{
    (void)state;
    run_with(connect_timeout, NULL);
}

/* The options select, the connection tells. */
static void algorithms(struct loopback *l)
{
    sshio_client_options options = loopback_client(l);
    sshio_result *result = NULL;
    sshio_conn *conn = NULL;
    options.encryption_algs = "aes256-ctr";
    options.mac_algs = "hmac-sha2-512";
    options.compression_algs = "zlib";
    assert_int_equal(sshio_connect("127.0.0.1", &options, &conn), 0);
    assert_string_equal(sshio_conn_get_extra_info(conn, "send_cipher", ""), "aes256-ctr");
    assert_string_equal(sshio_conn_get_extra_info(conn, "recv_mac", ""), "hmac-sha2-512");
    assert_string_equal(sshio_conn_get_extra_info(conn, "send_compression", ""), "zlib");
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "both"), &result), 0);
    sshio_result_free(result);
    sshio_conn_unref(conn);
    options.encryption_algs = NULL;
    options.mac_algs = SSHIO_NONE; /* legal beside AEAD */
    options.compression_algs = SSHIO_NONE;
    assert_int_equal(sshio_connect("127.0.0.1", &options, &conn), 0);
    assert_string_equal(sshio_conn_get_extra_info(conn, "send_mac", ""),
                        sshio_conn_get_extra_info(conn, "send_cipher", "?"));
    assert_string_equal(sshio_conn_get_extra_info(conn, "send_compression", ""), "none");
    sshio_conn_unref(conn);
    options.mac_algs = "hmac-md4";
    assert_int_equal(sshio_connect("127.0.0.1", &options, &conn), SSHIO_EINVAL);
}

static void name_zlib(struct loopback *l)
{
    l->server_options.compression_algs = "+zlib";
}

static void test_options_select_ciphers_macs_and_compression(void **state)
{
    (void)state;
    run_with(algorithms, name_zlib);
}

static void info(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    assert_string_equal(sshio_conn_get_extra_info(conn, "kex_alg", ""), "curve25519-sha256");
    assert_string_equal(sshio_conn_get_extra_info(conn, "host_key_alg", ""), "ssh-ed25519");
    assert_string_equal(sshio_conn_get_extra_info(conn, "username", ""), "guest");
    assert_string_equal(sshio_conn_get_extra_info(conn, "strict_kex", ""), "yes");
    assert_non_null(strstr(sshio_conn_get_extra_info(conn, "server_version", ""), "SSH-2.0-sshio_"));
    assert_string_equal(sshio_conn_peername(conn)->host, "127.0.0.1");
    assert_int_equal(sshio_conn_peername(conn)->port, l->port);
    assert_null(sshio_conn_get_extra_info(conn, "nothing", NULL));
    assert_int_equal(sshio_conn_set_extra_info(conn, "nothing", "something"), 0);
    assert_string_equal(sshio_conn_get_extra_info(conn, "nothing", NULL), "something");
    sshio_span known = sshio_key_public_data(l->host_key),
               seen = sshio_key_public_data(sshio_conn_get_server_host_key(conn));
    assert_int_equal(seen.len, known.len);
    assert_memory_equal(seen.data, known.data, known.len);
    sshio_conn_close(conn);
    assert_int_equal(sshio_conn_wait_closed(conn), 0);
    assert_true(sshio_conn_is_closed(conn));
    assert_null(sshio_conn_error(conn));
    sshio_result *result = NULL;
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "both"), &result), SSHIO_ECHANNEL_OPEN);
    sshio_conn_unref(conn);
}

static void test_connection_tells_about_itself_and_closes_cleanly(void **state)
{
    (void)state;
    run_with(info, NULL);
}

/* The simple program: no task, no loop of the caller's. */
static void test_waiting_calls_work_outside_tasks(void **state)
{
    struct loopback l;
    (void)state;
    loopback_init(&l);
    loopback_start(&l);
    run_separates_output(&l);
    loopback_stop(&l);
    sshio_detach();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ends_of_a_connection_send_without_delay),
        cmocka_unit_test(test_run_separates_stdout_and_stderr_and_gives_the_status),
        cmocka_unit_test(test_run_with_check_fails_with_the_result_in_the_error),
        cmocka_unit_test(test_exit_signal_arrives_with_all_fields),
        cmocka_unit_test(test_f8_no_exit_status_is_not_success),
        cmocka_unit_test(test_run_writes_its_input_and_then_eof),
        cmocka_unit_test(test_run_that_times_out_leaves_the_connection_usable),
        cmocka_unit_test(test_run_with_too_much_output_fails_at_the_limit),
        cmocka_unit_test(test_environment_reaches_the_process),
        cmocka_unit_test(test_shell_session_holds_a_line_by_line_conversation),
        cmocka_unit_test(test_readexactly_at_the_end_gives_what_came),
        cmocka_unit_test(test_interrupted_read_of_many_bytes_loses_none),
        cmocka_unit_test(test_much_data_both_ways_at_once_arrives_whole),
        cmocka_unit_test(test_data_survives_rekeying),
        cmocka_unit_test(test_slow_reader_does_not_stall_other_sessions),
        cmocka_unit_test(test_fifty_sessions_at_once_on_one_connection),
        cmocka_unit_test(test_sessions_over_the_limit_are_refused),
        cmocka_unit_test(test_callbacks_come_in_their_order),
        cmocka_unit_test(test_f6_closing_inside_a_callback_is_safe),
        cmocka_unit_test(test_unknown_key_is_refused_with_a_message_that_names_the_user),
        cmocka_unit_test(test_a13_unknown_host_is_refused_unless_checking_is_switched_off),
        cmocka_unit_test(test_a13_changed_host_key_is_refused),
        cmocka_unit_test(test_password_login_by_option_and_by_handler),
        cmocka_unit_test(test_connect_timeout_leaves_nothing_open),
        cmocka_unit_test(test_options_select_ciphers_macs_and_compression),
        cmocka_unit_test(test_connection_tells_about_itself_and_closes_cleanly),
        cmocka_unit_test(test_waiting_calls_work_outside_tasks),
    };
    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
