/* Channels, processes and connections by hand: marks, pausing, signals, EOF each way, and every way to end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "session/run.h"

struct seen {
    size_t len;
    int pauses, resumes, eofs, lost;
    bool keep_open, has_error;
    char signal[32];
};

static void on_data(sshio_chan *chan, const void *data, size_t len, int datatype, void *user)
{
    (void)chan, (void)data, (void)datatype;
    ((struct seen *)user)->len += len;
}

static void on_pause(sshio_chan *chan, void *user)
{
    (void)chan;
    ((struct seen *)user)->pauses++;
}

static void on_resume(sshio_chan *chan, void *user)
{
    (void)chan;
    ((struct seen *)user)->resumes++;
}

static int on_eof(sshio_chan *chan, void *user)
{
    (void)chan;
    ((struct seen *)user)->eofs++;
    return ((struct seen *)user)->keep_open;
}

static void on_signal(sshio_chan *chan, const sshio_exit_signal *signal, void *user)
{
    (void)chan;
    snprintf(((struct seen *)user)->signal, 32, "%s", signal->name);
}

static void on_lost(sshio_chan *chan, const sshio_error *error, void *user)
{
    (void)chan;
    ((struct seen *)user)->lost++;
    ((struct seen *)user)->has_error = error != NULL;
}

static const sshio_session_handlers handlers = {
    .data_received = on_data,
    .pause_writing = on_pause,
    .resume_writing = on_resume,
    .eof_received = on_eof,
    .exit_signal_received = on_signal,
    .connection_lost = on_lost,
};

static sshio_chan *open_chan(sshio_conn *conn, struct seen *seen, const char *command)
{
    sshio_chan *chan = NULL;
    if (sshio_create_session(conn, &handlers, seen, SSHIO_SESSION(.command = command), &chan) != 0)
        fail_msg("%s", sshio_error_message());
    return chan;
}

static void marks(struct loopback *l)
{
    static char block[3 * 1024 * 1024];
    struct seen seen = { .keep_open = true };
    sshio_conn *conn = loopback_connect(l);
    sshio_chan *chan = open_chan(conn, &seen, "echo");
    assert_int_equal(sshio_chan_set_write_buffer_limits(chan, 10, 20), SSHIO_EINVAL);
    assert_int_equal(sshio_chan_set_write_buffer_limits(chan, 100000, 50000), 0);
    assert_int_equal(sshio_chan_write(chan, block, sizeof block, 0), 0);
    assert_int_equal(seen.pauses, 1);
    assert_true(sshio_chan_get_write_buffer_size(chan) > 100000);
    assert_int_equal(sshio_chan_write_eof(chan), 0);
    assert_int_equal(sshio_chan_wait_closed(chan), 0);
    assert_int_equal(seen.resumes, 1);
    assert_int_equal(seen.len, sizeof block);
    assert_int_equal(seen.eofs, 1);
    assert_int_equal(sshio_chan_get_write_buffer_size(chan), 0);
    sshio_chan_unref(chan);
    sshio_conn_unref(conn);
}

static void test_write_marks_pause_and_resume_in_turn(void **state)
{
    (void)state;
    run_with(marks, NULL);
}

static void pausing(struct loopback *l)
{
    struct seen seen = { .len = 0 };
    sshio_result *result = NULL;
    sshio_conn *conn = loopback_connect(l);
    sshio_chan *chan = open_chan(conn, &seen, "source 5000000");
    sshio_chan_pause_reading(chan);
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "source 1000000"), &result), 0);
    sshio_result_free(result);
    assert_int_equal(seen.len, 0);
    assert_int_equal(seen.lost, 0);
    sshio_chan_resume_reading(chan);
    assert_int_equal(sshio_chan_wait_closed(chan), 0);
    assert_int_equal(seen.len, 5000000);
    assert_int_equal(sshio_chan_get_exit_status(chan), 0);
    assert_int_equal(sshio_chan_get_returncode(chan), 0);
    assert_null(sshio_chan_get_exit_signal(chan));
    sshio_chan_unref(chan);
    sshio_conn_unref(conn);
}

static void test_paused_channel_delivers_nothing_until_resumed(void **state)
{
    (void)state;
    run_with(pausing, NULL);
}

static void writing(struct loopback *l)
{
    const sshio_span parts[] = { { "ab", 2 }, { "", 0 }, { "cde", 3 } };
    struct seen seen = { .keep_open = true };
    sshio_conn *conn = loopback_connect(l);
    sshio_chan *chan = open_chan(conn, &seen, "echo");
    assert_true(sshio_chan_can_write_eof(chan));
    assert_ptr_equal(sshio_chan_conn(chan), conn);
    assert_ptr_equal(sshio_chan_user(chan), &seen);
    assert_non_null(sshio_chan_logger(chan));
    assert_string_equal(sshio_chan_get_command(chan), "echo");
    assert_null(sshio_chan_get_subsystem(chan));
    assert_null(sshio_chan_get_environment(chan)[0]);
    assert_int_equal(sshio_chan_writelines(chan, parts, 3, 0), 0);
    assert_int_equal(sshio_chan_puts(chan, "fg"), 0);
    assert_int_equal(sshio_chan_printf(chan, "%d", 42), 0);
    assert_int_equal(sshio_chan_write(chan, "x", 1, SSHIO_EXTENDED_DATA_STDERR), SSHIO_EINVAL);
    assert_int_equal(sshio_chan_exit(chan, 0), SSHIO_EINVAL);
    assert_false(sshio_chan_is_closing(chan));
    assert_int_equal(sshio_chan_write_eof(chan), 0);
    assert_int_equal(sshio_chan_write_eof(chan), 0);
    assert_true(sshio_chan_is_closing(chan));
    assert_int_equal(sshio_chan_write(chan, "x", 1, 0), SSHIO_ECLOSED);
    assert_int_equal(sshio_chan_wait_closed(chan), 0);
    assert_int_equal(seen.len, 9);
    assert_int_equal(sshio_chan_send_signal(chan, "INT"), SSHIO_ECLOSED);
    sshio_chan_unref(chan);
    sshio_conn_unref(conn);
}

static void test_what_may_be_written_when(void **state)
{
    (void)state;
    run_with(writing, NULL);
}

/* A server's session that waits for signals. */
static int take_exec(sshio_chan *chan, const char *command, void *user)
{
    (void)chan, (void)command, (void)user;
    return 1;
}

static void die_of(sshio_chan *chan, const char *name, void *user)
{
    sshio_exit_signal signal = { .name = name };
    (void)user;
    sshio_chan_exit_with_signal(chan, &signal);
}

static const sshio_session_handlers mortal = { .exec_requested = take_exec, .signal_received = die_of };

static int serve_mortal(sshio_conn *conn, sshio_request *req, void *user)
{
    (void)conn, (void)user;
    return sshio_accept_session(req, &mortal, NULL, NULL);
}

static const sshio_server_handlers mortal_server = { .session_requested = serve_mortal };

static void prepare_mortal(struct loopback *l)
{
    l->server_options.process_handler = NULL;
    l->server_options.handlers = &mortal_server;
}

static void signals(struct loopback *l)
{
    static const struct {
        int (*send)(sshio_client_process *p);
        const char *name;
        int returncode;
    } rows[] = {
        { sshio_client_process_terminate, "TERM", -15 },
        { sshio_client_process_kill, "KILL", -9 },
    };
    sshio_conn *conn = loopback_connect(l);
    for (size_t i = 0; i < 2; i++) {
        sshio_client_process *p = NULL;
        sshio_result *result = NULL;
        assert_int_equal(sshio_create_process(conn, SSHIO_SESSION(.command = "x"), &p), 0);
        assert_int_equal(rows[i].send(p), 0);
        assert_int_equal(sshio_client_process_wait(p, false, 0, &result), 0);
        assert_string_equal(result->exit_signal->name, rows[i].name);
        assert_int_equal(sshio_client_process_returncode(p), rows[i].returncode);
        assert_int_equal(sshio_client_process_exit_status(p), -1);
        assert_string_equal(sshio_client_process_exit_signal(p)->name, rows[i].name);
        sshio_result_free(result);
        sshio_client_process_unref(p);
    }
    struct seen seen = { .len = 0 };
    sshio_chan *chan = open_chan(conn, &seen, "x");
    assert_int_equal(sshio_chan_send_signal(chan, ""), SSHIO_EINVAL);
    assert_int_equal(sshio_chan_send_signal(chan, "NOSUCH@example.com"), 0);
    assert_int_equal(sshio_chan_wait_closed(chan), 0);
    assert_string_equal(seen.signal, "NOSUCH@example.com");
    assert_int_equal(sshio_chan_get_returncode(chan), -99);
    sshio_chan_unref(chan);
    sshio_conn_unref(conn);
}

/* RFC 4254 6.9, 6.10 */
static void test_signals_reach_the_session_and_come_back(void **state)
{
    (void)state;
    run_with(signals, prepare_mortal);
}

static void process_attributes(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_client_process *p = NULL;
    sshio_bytes out = { 0 }, err = { 0 };
    assert_int_equal(sshio_create_process(conn, SSHIO_SESSION(.command = "echo", .env = SSHIO_LIST("A=b")), &p), 0);
    assert_string_equal(sshio_client_process_command(p), "echo");
    assert_null(sshio_client_process_subsystem(p));
    assert_string_equal(sshio_client_process_env(p)[0], "A=b");
    assert_non_null(sshio_client_process_channel(p));
    assert_non_null(sshio_client_process_logger(p));
    assert_false(sshio_client_process_is_closing(p));
    assert_int_equal(sshio_client_process_exit_status(p), SSHIO_NO_STATUS);
    assert_int_equal(sshio_puts(sshio_client_process_stdin(p), "text"), 0);
    assert_int_equal(sshio_drain(sshio_client_process_stdin(p)), 0);
    while (!sshio_reader_at_eof(sshio_client_process_stderr(p)) && out.len == 0) {
        sshio_sleep(0.001);
        assert_int_equal(sshio_client_process_collect_output(p, &out, &err), 0);
        sshio_bytes_free(&err);
        if (out.len == 0)
            sshio_bytes_free(&out);
    }
    assert_string_equal(out.data, "text");
    sshio_bytes_free(&out);
    sshio_client_process_close(p);
    assert_true(sshio_client_process_is_closing(p));
    assert_int_equal(sshio_client_process_wait_closed(p), 0);
    sshio_client_process_unref(p);
    sshio_conn_unref(conn);
}

static void test_process_tells_about_itself_and_closes(void **state)
{
    (void)state;
    run_with(process_attributes, NULL);
}

/* ---- every way to end a connection ---- */

static void abort_conn(sshio_conn *conn)
{
    sshio_conn_abort(conn);
}

static void close_conn(sshio_conn *conn)
{
    sshio_conn_close(conn);
}

static void disconnect_conn(sshio_conn *conn)
{
    sshio_conn_disconnect(conn, SSHIO_DISC_TOO_MANY_CONNECTIONS, "enough", "");
}

static void ends(struct loopback *l)
{
    static void (*const ways[])(sshio_conn *) = { abort_conn, close_conn, disconnect_conn };
    for (size_t i = 0; i < 3; i++) {
        struct seen seen = { .len = 0 };
        sshio_conn *conn = loopback_connect(l);
        sshio_chan *chan = open_chan(conn, &seen, "silent");
        ways[i](conn);
        ways[i](conn);
        assert_int_equal(seen.lost, 0); /* never from inside the call */
        assert_int_equal(sshio_conn_wait_closed(conn), 0);
        assert_int_equal(seen.lost, 1);
        assert_false(seen.has_error);
        assert_null(sshio_conn_error(conn));
        assert_true(sshio_conn_is_closed(conn));
        assert_int_equal(sshio_chan_write(chan, "x", 1, 0), SSHIO_ECLOSED);
        sshio_chan_unref(chan);
        sshio_conn_unref(conn);
    }
}

static void test_connection_ends_once_whichever_way(void **state)
{
    (void)state;
    run_with(ends, NULL);
}

/* ---- a client and a server on the two ends of a socket pair ---- */

struct pair_end {
    struct loopback *l;
    int sock;
    sshio_conn *conn;
};

static int serve_end(void *arg)
{
    struct pair_end *end = arg;
    sshio_keyref keys[2] = { { .key = end->l->host_key } };
    sshio_source authorized = { .data = { end->l->authorized, strlen(end->l->authorized) } };
    sshio_server_options options = end->l->server_options;
    options.host_keys = keys;
    options.authorized_keys = &authorized;
    return sshio_run_server(end->sock, &options, &end->conn);
}

static void socket_pair(struct loopback *l)
{
    int socks[2];
    sshio_task *task = NULL;
    sshio_conn *conn = NULL;
    sshio_result *result = NULL;
    int rc = -1;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, socks), 0);
    struct pair_end end = { .l = l, .sock = socks[0] };
    assert_int_equal(sshio_spawn(serve_end, &end, &task), 0);
    sshio_client_options options = loopback_client(l);
    options.known_hosts = SSHIO_NONE;
    assert_int_equal(sshio_run_client(socks[1], &options, &conn), 0);
    assert_int_equal(sshio_join(task, &rc), 0);
    assert_int_equal(rc, 0);
    assert_string_equal(sshio_conn_username(end.conn), "guest");
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "both"), &result), 0);
    assert_int_equal(result->exit_status, 3);
    sshio_result_free(result);
    sshio_conn_unref(conn);
    assert_int_equal(sshio_conn_wait_closed(end.conn), 0);
    sshio_conn_unref(end.conn);
}

static void test_run_client_and_run_server_on_a_socket_pair(void **state)
{
    (void)state;
    run_with(socket_pair, NULL);
}

static void sizeless(struct loopback *l)
{
    sshio_client_options client = loopback_client(l);
    sshio_session_options session = { .command = "both" };
    sshio_server_options server = { .backlog = 1 };
    sshio_conn *conn = NULL;
    sshio_result *result = NULL;
    sshio_listener *other = NULL;
    client.size = 0;
    assert_int_equal(sshio_connect("127.0.0.1", &client, &conn), SSHIO_EINVAL);
    assert_non_null(strstr(sshio_error_message(), "size"));
    assert_int_equal(sshio_listen("127.0.0.1", 0, &server, &other), SSHIO_EINVAL);
    conn = loopback_connect(l);
    assert_int_equal(sshio_run(conn, &session, &result), SSHIO_EINVAL);
    session.size = offsetof(sshio_session_options, check); /* of a program that knows no more members */
    assert_int_equal(sshio_run(conn, &session, &result), 0);
    sshio_result_free(result);
    sshio_conn_unref(conn);
}

static void test_options_without_a_size_are_refused_and_shorter_ones_taken(void **state)
{
    (void)state;
    run_with(sizeless, NULL);
}

/* Decision 0072: a restriction that nobody obeys would open what was to be closed. */
static void restrictions(struct loopback *l)
{
    static const struct {
        const char *text;
        bool by_program; /* which loads it */
        int result;
    } cases[] = {
        { "ForceCommand true\n", false, SSHIO_ECONFIG_PARSE },
        { "ChrootDirectory /srv\n", false, SSHIO_ECONFIG_PARSE },
        { "ForceCommand none\nChrootDirectory none\n", false, 0 },
        { "ForceCommand true\nChrootDirectory /srv\n", true, 0 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sshio_source source = { .data = { cases[i].text, strlen(cases[i].text) } }, loaded = { 0 };
        sshio_keyref host_keys[2] = { { .key = l->host_key } };
        sshio_server_options options = l->server_options;
        sshio_listener *listener = NULL;
        options.host_keys = host_keys;
        assert_int_equal(sshio_load_server_config(&source, NULL, &loaded.config), 0);
        options.config = cases[i].by_program ? &loaded : &source;
        if (sshio_listen("127.0.0.1", 0, &options, &listener) != cases[i].result)
            fail_msg("%s: %s", cases[i].text, sshio_error_message());
        if (listener != NULL)
            sshio_listener_close(listener);
        sshio_listener_unref(listener);
        sshio_config_unref(loaded.config);
    }
}

static void test_restrictions_of_programs_are_for_those_that_load_them(void **state)
{
    (void)state;
    run_with(restrictions, NULL);
}

static void prepare_one_startup(struct loopback *l)
{
    l->server_options.max_startups = "1";
}

static void startups(struct loopback *l)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)l->port) };
    sshio_client_options options = loopback_client(l);
    sshio_conn *conn = NULL, *other = NULL;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int silent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(silent, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(sshio_connect("127.0.0.1", &options, &conn), SSHIO_ECONNECTION_LOST);
    close(silent);
    while (sshio_connect("127.0.0.1", &options, &conn) != 0)
        continue;                                                      /* until the server has seen that it is gone */
    assert_int_equal(sshio_connect("127.0.0.1", &options, &other), 0); /* who is logged in does not count */
    sshio_conn_unref(conn);
    sshio_conn_unref(other);
}

static void test_connections_that_do_not_log_in_are_limited(void **state)
{
    (void)state;
    run_with(startups, prepare_one_startup);
}

static void listener(struct loopback *l)
{
    sshio_addresses addresses = { 0 };
    sshio_listener *other = NULL;
    assert_int_equal(sshio_listener_get_addresses(l->server, &addresses), 0);
    assert_int_equal(addresses.count, 1);
    assert_string_equal(addresses.items[0].host, "127.0.0.1");
    assert_int_equal(addresses.items[0].port, l->port);
    sshio_addresses_free(&addresses);
    assert_int_equal(sshio_listen("127.0.0.1", 0, NULL, &other), SSHIO_EINVAL);
    assert_non_null(strstr(sshio_error_message(), "host keys"));
    sshio_conn *conn = loopback_connect(l);
    sshio_listener_close(l->server);
    sshio_listener_close(l->server);
    assert_int_equal(sshio_listener_wait_closed(l->server), 0);
    sshio_result *result = NULL;
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "both"), &result), 0); /* what was accepted goes on */
    sshio_result_free(result);
    sshio_conn_unref(conn);
}

static void test_listener_closes_and_connections_go_on(void **state)
{
    (void)state;
    run_with(listener, NULL);
}

/* The engine's test has the times; here a live peer keeps the connection open whatever is set. */
static void asking_alive(struct loopback *l)
{
    sshio_client_options options = loopback_client(l);
    sshio_conn *conn = NULL;
    options.keepalive_interval = -7;
    assert_int_equal(sshio_connect("127.0.0.1", &options, &conn), SSHIO_EINVAL);
    options.keepalive_interval = 0.001;
    options.keepalive_count_max = -1;
    assert_int_equal(sshio_connect("127.0.0.1", &options, &conn), SSHIO_EINVAL);
    options.keepalive_count_max = 100;
    assert_int_equal(sshio_connect("127.0.0.1", &options, &conn), 0);
    assert_int_equal(sshio_sleep(0.05), 0);
    assert_int_equal(sshio_conn_set_keepalive(conn, -3, -1), SSHIO_EINVAL);
    assert_int_equal(sshio_conn_set_keepalive(conn, 0, -2), SSHIO_EINVAL);
    assert_int_equal(sshio_conn_set_keepalive(conn, 0.002, 50), 0);
    assert_int_equal(sshio_sleep(0.05), 0);
    assert_int_equal(sshio_conn_set_keepalive(conn, SSHIO_NEVER, -1), 0);
    assert_false(sshio_conn_is_closed(conn));
    sshio_conn_close(conn);
    assert_int_equal(sshio_conn_wait_closed(conn), 0);
    assert_int_equal(sshio_conn_set_keepalive(conn, 1, 1), SSHIO_ECLOSED);
    sshio_conn_unref(conn);
}

static void test_live_peers_answer_keepalive_requests(void **state)
{
    (void)state;
    run_with(asking_alive, NULL);
}

/* Whatever is opened is handed out, so a call that has no place for it opens nothing. */
static void open_without_a_place(struct loopback *l)
{
    sshio_writer *in = NULL;
    sshio_reader *out = NULL;
    sshio_conn *conn = loopback_connect(l);
    sshio_subprocess_handlers silent = { .pipe_data_received = NULL };
    assert_int_equal(sshio_create_session(conn, NULL, NULL, NULL, NULL), SSHIO_EINVAL);
    assert_int_equal(sshio_open_session(conn, NULL, &in, &out, NULL), SSHIO_EINVAL);
    assert_int_equal(sshio_create_process(conn, NULL, NULL), SSHIO_EINVAL);
    assert_int_equal(sshio_create_subprocess(conn, &silent, NULL, NULL, NULL), SSHIO_EINVAL);
    assert_int_equal(sshio_conn_create_connection(conn, NULL, NULL, "localhost", 1, NULL, NULL), SSHIO_EINVAL);
    assert_int_equal(sshio_open_connection(conn, "localhost", 1, NULL, &out, NULL), SSHIO_EINVAL);
    assert_true(in == NULL && out == NULL);
    sshio_conn_unref(conn);
}

static void test_what_has_no_place_is_not_opened(void **state)
{
    (void)state;
    run_with(open_without_a_place, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_marks_pause_and_resume_in_turn),
        cmocka_unit_test(test_paused_channel_delivers_nothing_until_resumed),
        cmocka_unit_test(test_what_may_be_written_when),
        cmocka_unit_test(test_signals_reach_the_session_and_come_back),
        cmocka_unit_test(test_process_tells_about_itself_and_closes),
        cmocka_unit_test(test_connection_ends_once_whichever_way),
        cmocka_unit_test(test_run_client_and_run_server_on_a_socket_pair),
        cmocka_unit_test(test_options_without_a_size_are_refused_and_shorter_ones_taken),
        cmocka_unit_test(test_restrictions_of_programs_are_for_those_that_load_them),
        cmocka_unit_test(test_connections_that_do_not_log_in_are_limited),
        cmocka_unit_test(test_listener_closes_and_connections_go_on),
        cmocka_unit_test(test_live_peers_answer_keepalive_requests),
        cmocka_unit_test(test_what_has_no_place_is_not_opened),
    };
    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
