/* Channels to other hosts: streams and handlers on both sides, forwarding by the server, refusals and ends. (RFC 4254
 * 7.2) */
#include <pthread.h>
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

#include "session/chan.h"
#include "session/run.h"

#define MUCH (6u * 1024 * 1024)

/* ---- a place to go to: sends back what comes, until EOF, on one connection ---- */

struct echo {
    int listening, port;
    pthread_t thread;
};

static void *echo_run(void *arg)
{
    struct echo *echo = arg;
    char buffer[16384];
    ssize_t got;
    int sock = accept(echo->listening, NULL, NULL);
    while ((got = read(sock, buffer, sizeof buffer)) > 0)
        for (ssize_t done = 0, n; done < got; done += n)
            if ((n = send(sock, buffer + done, (size_t)(got - done), MSG_NOSIGNAL)) <= 0)
                goto out;
out:
    close(sock);
    return NULL;
}

static void echo_start(struct echo *echo)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    echo->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(echo->listening, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(echo->listening, 1), 0);
    assert_int_equal(getsockname(echo->listening, (struct sockaddr *)&address, &len), 0);
    echo->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&echo->thread, NULL, echo_run, echo), 0);
}

static void echo_stop(struct echo *echo)
{
    assert_int_equal(pthread_join(echo->thread, NULL), 0);
    close(echo->listening);
}

/* ---- the server ---- */

static void count_line(sshio_reader *reader, sshio_writer *writer, void *user)
{
    sshio_bytes all = { 0 };
    assert_string_equal(user, "counter");
    assert_int_equal(sshio_read_all(reader, &all), 0);
    sshio_printf(writer, "%zu bytes\n", all.len);
    sshio_bytes_free(&all);
}

static char server_told[256];

static void tcp_made(sshio_chan *chan, void *user)
{
    const sshio_address *local = sshio_chan_local_peername(chan), *remote = sshio_chan_remote_peername(chan);
    (void)user;
    snprintf(server_told, sizeof server_told, "made %s %d for %s %d", local->host, local->port, remote->host,
             remote->port);
    assert_string_equal(sshio_chan_get_extra_info(chan, "local_peername", ""), "handlers:1");
    assert_null(sshio_chan_get_extra_info(chan, "peername", NULL)); /* the connection's is not this one's */
}

static void tcp_started(sshio_chan *chan, void *user)
{
    (void)user;
    assert_int_equal(sshio_chan_puts(chan, "hello "), 0);
    assert_int_equal(sshio_chan_write_stderr(chan, "x", 1), SSHIO_EINVAL);
    assert_int_equal(sshio_chan_exit(chan, 0), SSHIO_EINVAL);
}

static void tcp_data(sshio_chan *chan, const void *data, size_t len, int datatype, void *user)
{
    (void)user;
    assert_int_equal(datatype, 0);
    assert_int_equal(sshio_chan_write(chan, data, len, 0), 0);
}

static void tcp_lost(sshio_chan *chan, const sshio_error *error, void *user)
{
    (void)chan, (void)user;
    size_t len = strlen(server_told);
    snprintf(server_told + len, sizeof server_told - len, error == NULL ? " lost" : " lost-by-error");
}

static const sshio_session_handlers tcp_session = {
    .connection_made = tcp_made,
    .session_started = tcp_started,
    .data_received = tcp_data,
    .connection_lost = tcp_lost,
};

static int forward_to; /* where "elsewhere" is */

static int connection_requested(sshio_conn *conn, const char *dest_host, int dest_port, const char *orig_host,
                                int orig_port, sshio_request *req, void *user)
{
    (void)conn, (void)dest_port, (void)orig_host, (void)orig_port, (void)user;
    sshio_sleep(0.001);
    if (strcmp(dest_host, "counter") == 0)
        return sshio_accept_streams(req, count_line, "counter", NULL);
    if (strcmp(dest_host, "handlers") == 0)
        return sshio_accept_session(req, &tcp_session, NULL, NULL);
    if (strcmp(dest_host, "elsewhere") == 0)
        return sshio_accept_forward_connection(req, "127.0.0.1", forward_to);
    if (strcmp(dest_host, "forbidden") == 0)
        return sshio_raise_channel_open(SSHIO_OPEN_ADMINISTRATIVELY_PROHIBITED, "not there", NULL);
    if (strcmp(dest_host, "program") == 0) {
        assert_int_equal(sshio_accept_process(req, NULL, NULL, NULL), SSHIO_EINVAL); /* that is for sessions */
        return SSHIO_REFUSE;
    }
    return strcmp(dest_host, "127.0.0.1") == 0;
}

static const sshio_server_handlers server = { .connection_requested = connection_requested };

static void prepare(struct loopback *l)
{
    l->server_options.handlers = &server;
}

/* ---- streams ---- */

static void streams_story(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_reader *reader;
    sshio_writer *writer;
    sshio_bytes all = { 0 };
    assert_int_equal(sshio_open_connection(conn, "counter", 7, NULL, &reader, &writer), 0);
    assert_int_equal(sshio_puts(writer, "12345"), 0);
    assert_int_equal(sshio_write_eof(writer), 0);
    assert_int_equal(sshio_read_all(reader, &all), 0);
    assert_string_equal(all.data, "5 bytes\n");
    sshio_bytes_free(&all);
    assert_int_equal(sshio_chan_wait_closed(sshio_reader_channel(reader)), 0); /* both have ended */
    sshio_reader_unref(reader);
    sshio_writer_unref(writer);
    sshio_conn_unref(conn);
}

static void test_streams_of_both_sides_talk(void **state)
{
    (void)state;
    run_with(streams_story, prepare);
}

/* ---- handlers ---- */

struct seen {
    char text[64];
    size_t len;
    int made, started, eofs, lost, pauses, resumes;
};

static void on_made(sshio_chan *chan, void *user)
{
    (void)chan;
    ((struct seen *)user)->made++;
}

static void on_started(sshio_chan *chan, void *user)
{
    (void)chan;
    assert_int_equal(((struct seen *)user)->made, 1);
    ((struct seen *)user)->started++;
}

static void on_data(sshio_chan *chan, const void *data, size_t len, int datatype, void *user)
{
    struct seen *seen = user;
    (void)chan, (void)datatype;
    if (seen->len + len < sizeof seen->text)
        memcpy(seen->text + seen->len, data, len);
    seen->len += len;
}

static int on_eof(sshio_chan *chan, void *user)
{
    (void)chan;
    ((struct seen *)user)->eofs++;
    return 1;
}

static void on_lost(sshio_chan *chan, const sshio_error *error, void *user)
{
    (void)chan, (void)error;
    ((struct seen *)user)->lost++;
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

static const sshio_session_handlers handlers = {
    .connection_made = on_made,
    .session_started = on_started,
    .data_received = on_data,
    .eof_received = on_eof,
    .connection_lost = on_lost,
    .pause_writing = on_pause,
    .resume_writing = on_resume,
};

static void handlers_story(struct loopback *l)
{
    static const sshio_span parts[] = { { "a", 1 }, { "bc", 2 } };
    struct seen seen = { .len = 0 };
    sshio_conn *conn = loopback_connect(l);
    sshio_chan *chan = NULL;
    assert_int_equal(sshio_conn_create_connection(conn, &handlers, &seen, "handlers", 1,
                                                  SSHIO_CHANNEL(.orig_host = "192.0.2.7", .orig_port = 4711), &chan),
                     0);
    assert_int_equal(seen.started, 1);
    assert_string_equal(sshio_chan_remote_peername(chan)->host, "handlers");
    assert_string_equal(sshio_chan_get_extra_info(chan, "local_peername", ""), "192.0.2.7:4711");
    assert_string_equal(sshio_chan_get_extra_info(chan, "username", ""), "guest");
    assert_int_equal(sshio_chan_set_extra_info(chan, "a", "b"), 0);
    assert_non_null(sshio_chan_logger(chan));
    assert_true(sshio_chan_can_write_eof(chan));
    assert_int_equal(sshio_chan_set_write_buffer_limits(chan, 1000, 100), 0);
    assert_int_equal(sshio_chan_get_write_buffer_size(chan), 0);
    sshio_chan_pause_reading(chan);
    assert_int_equal(sshio_chan_writelines(chan, parts, 2, 0), 0);
    assert_int_equal(sshio_chan_write(chan, "d", 1, 0), 0);
    assert_int_equal(sshio_chan_send_signal(chan, "INT"), SSHIO_EINVAL);
    assert_false(sshio_chan_is_closing(chan));
    assert_int_equal(sshio_chan_write_eof(chan), 0);
    assert_true(sshio_chan_is_closing(chan));
    sshio_chan_resume_reading(chan);
    assert_int_equal(sshio_chan_wait_closed(chan), 0);
    assert_string_equal(seen.text, "hello abcd");
    assert_int_equal(seen.eofs, 1);
    assert_int_equal(seen.lost, 1);
    while (strstr(server_told, "lost") == NULL)
        sshio_sleep(0.001);
    assert_string_equal(server_told, "made handlers 1 for 192.0.2.7 4711 lost");
    sshio_chan_unref(chan);
    sshio_conn_unref(conn);
}

static void test_handlers_start_at_once_and_close_when_both_have_ended(void **state)
{
    (void)state;
    run_with(handlers_story, prepare);
}

static void abort_story(struct loopback *l)
{
    static void (*const ways[])(sshio_chan *) = { sshio_chan_abort, sshio_chan_close };
    sshio_conn *conn = loopback_connect(l);
    for (size_t i = 0; i < 2; i++) {
        struct seen seen = { .len = 0 };
        sshio_chan *chan = NULL;
        assert_int_equal(sshio_conn_create_connection(conn, &handlers, &seen, "handlers", 1, NULL, &chan), 0);
        ways[i](chan);
        assert_int_equal(sshio_chan_wait_closed(chan), 0);
        assert_int_equal(seen.lost, 1);
        sshio_chan_unref(chan);
    }
    sshio_conn_unref(conn);
}

static void test_channels_are_aborted_and_closed(void **state)
{
    (void)state;
    run_with(abort_story, prepare);
}

/* ---- forwarding ---- */

/* Nobody reads until all was written: the windows shut both ways, and nothing is lost. */
static void forwarded(struct loopback *l, const char *host, const struct echo *echo)
{
    static char block[MUCH];
    struct seen seen = { .len = 0 };
    sshio_conn *conn = loopback_connect(l);
    sshio_chan *chan = NULL;
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = (char)(i % 251);
    assert_int_equal(sshio_conn_create_connection(conn, &handlers, &seen, host, echo->port, NULL, &chan), 0);
    sshio_chan_pause_reading(chan);
    assert_int_equal(sshio_chan_write(chan, block, sizeof block, 0), 0);
    assert_int_equal(seen.pauses, 1);
    assert_int_equal(sshio_chan_write_eof(chan), 0);
    sshio_chan_resume_reading(chan);
    assert_int_equal(sshio_chan_wait_closed(chan), 0);
    assert_int_equal(seen.resumes, 1);
    assert_int_equal(seen.len, sizeof block);
    assert_int_equal(seen.eofs, 1);
    sshio_chan_unref(chan);
    sshio_conn_unref(conn);
}

static void forward_story(struct loopback *l)
{
    struct echo echo;
    echo_start(&echo);
    forwarded(l, "127.0.0.1", &echo);
    echo_stop(&echo);
    echo_start(&echo);
    forward_to = echo.port;
    forwarded(l, "elsewhere", &echo);
    echo_stop(&echo);
}

static void test_server_forwards_both_ways_until_both_have_ended(void **state)
{
    (void)state;
    run_with(forward_story, prepare);
}

static void cut_story(struct loopback *l)
{
    struct echo echo;
    struct seen seen = { .len = 0 };
    sshio_chan *chan = NULL;
    echo_start(&echo);
    sshio_conn *conn = loopback_connect(l);
    assert_int_equal(sshio_conn_create_connection(conn, &handlers, &seen, "127.0.0.1", echo.port, NULL, &chan), 0);
    assert_int_equal(sshio_chan_puts(chan, "there"), 0);
    while (seen.len < 5)
        assert_int_equal(sshio_sleep(0.001), 0);
    sshio_conn_abort(conn);
    assert_int_equal(sshio_conn_wait_closed(conn), 0);
    echo_stop(&echo); /* it sees its connection end */
    sshio_chan_unref(chan);
    sshio_conn_unref(conn);
}

static void test_lost_connection_ends_what_it_forwarded(void **state)
{
    (void)state;
    run_with(cut_story, prepare);
}

/* ---- refusals ---- */

static int free_port(void)
{
    struct echo echo;
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    echo.listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(echo.listening, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(echo.listening, (struct sockaddr *)&address, &len), 0);
    close(echo.listening);
    return ntohs(address.sin_port);
}

static void refusal_story(struct loopback *l)
{
    const struct {
        const char *host;
        int port;
        uint32_t reason;
        const char *text;
    } rows[] = {
        { "unknown", 1, SSHIO_OPEN_CONNECT_FAILED, "Connection refused" },
        { "program", 1, SSHIO_OPEN_CONNECT_FAILED, "Connection refused" },
        { "forbidden", 1, SSHIO_OPEN_ADMINISTRATIVELY_PROHIBITED, "not there" },
        { "127.0.0.1", free_port(), SSHIO_OPEN_CONNECT_FAILED, "Connection refused" },
    };
    sshio_conn *conn = loopback_connect(l);
    sshio_reader *reader;
    sshio_writer *writer;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(sshio_open_connection(conn, rows[i].host, rows[i].port, NULL, &reader, &writer),
                         SSHIO_ECHANNEL_OPEN);
        assert_int_equal(sshio_error_last()->reason, rows[i].reason);
        assert_string_equal(sshio_error_message(), rows[i].text);
    }
    assert_int_equal(sshio_open_connection(conn, NULL, 1, NULL, &reader, &writer), SSHIO_EINVAL);
    assert_int_equal(sshio_open_connection(conn, "counter", 65536, NULL, &reader, &writer), SSHIO_EINVAL);
    assert_int_equal(sshio_open_connection(conn, "counter", -1, NULL, &reader, &writer), SSHIO_EINVAL);
    sshio_conn_close(conn);
    assert_int_equal(sshio_conn_wait_closed(conn), 0);
    assert_int_equal(sshio_open_connection(conn, "counter", 1, NULL, &reader, &writer), SSHIO_ECHANNEL_OPEN);
    assert_string_equal(sshio_error_message(), "SSH connection closed");
    sshio_conn_unref(conn);
}

static void test_refusals_come_with_code_and_reason(void **state)
{
    (void)state;
    run_with(refusal_story, prepare);
}

/* What a client of ours never sends, sent from inside it. */
static void malformed_story(struct loopback *l)
{
    static const struct {
        struct span data;
        uint32_t reason;
    } rows[] = {
        { SPAN("", 0), SSHIO_OPEN_CONNECT_FAILED },
        { SPAN("\0\0\0\1c\0\0\0\1\0\0\0\0", 13), SSHIO_OPEN_CONNECT_FAILED },
        { SPAN("\0\0\0\1c\0\0\0\1\0\0\0\0\0\0\0\0x", 18), SSHIO_OPEN_CONNECT_FAILED },
        { SPAN("\0\0\0\1\0\0\0\0\1\0\0\0\0\0\0\0\0", 17), SSHIO_OPEN_CONNECT_FAILED },
        { SPAN("\xff\xff\xff\xff"
               "c\0\0\0\1\0\0\0\0\0\0\0\0",
               17),
          SSHIO_OPEN_CONNECT_FAILED },
        { SPAN("\0\0\0\1c\0\1\0\0\0\0\0\0\0\0\0\0", 17), SSHIO_OPEN_ADMINISTRATIVELY_PROHIBITED },
        { SPAN("\0\0\0\1c\0\0\0\1\0\0\0\0\xff\xff\xff\xff", 17), SSHIO_OPEN_ADMINISTRATIVELY_PROHIBITED },
    };
    sshio_conn *conn = loopback_connect(l);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sshio_chan *chan = chan_new(conn, NULL, NULL);
        assert_int_equal(chan_open(chan, "direct-tcpip", 0, 0, rows[i].data), SSHIO_ECHANNEL_OPEN);
        assert_int_equal(sshio_error_last()->reason, rows[i].reason);
        chan_release(chan);
    }
    assert_false(sshio_conn_is_closed(conn));
    sshio_conn_unref(conn);
}

static void test_malformed_opens_are_refused_and_the_connection_lives(void **state)
{
    (void)state;
    run_with(malformed_story, prepare);
}

static void default_story(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_reader *reader;
    sshio_writer *writer;
    assert_int_equal(sshio_open_connection(conn, "127.0.0.1", l->port, NULL, &reader, &writer), SSHIO_ECHANNEL_OPEN);
    assert_int_equal(sshio_error_last()->reason, SSHIO_OPEN_CONNECT_FAILED);
    sshio_conn_unref(conn);
}

static void test_nothing_is_forwarded_by_default(void **state)
{
    (void)state;
    run_with(default_story, NULL);
}

/* ---- whole connections through a channel ---- */

static sshio_conn *connect_through(struct loopback *l, sshio_conn *tunnel)
{
    sshio_client_options options = loopback_client(l);
    sshio_conn *conn = NULL;
    options.tunnel = tunnel;
    assert_int_equal(sshio_connect("127.0.0.1", &options, &conn), 0);
    return conn;
}

static void tunnel_story(struct loopback *l)
{
    sshio_conn *outer = loopback_connect(l);
    sshio_conn *middle = connect_through(l, outer);
    sshio_conn *inner = connect_through(l, middle);
    sshio_reader *reader;
    sshio_writer *writer;
    sshio_bytes answer;
    char *block = calloc(1, MUCH);
    assert_string_equal(sshio_conn_peername(inner)->host, "");
    sshio_conn_unref(middle); /* inner keeps it */
    assert_false(sshio_conn_is_closed(middle));
    assert_int_equal(sshio_open_connection(inner, "counter", 1, NULL, &reader, &writer), 0);
    assert_int_equal(sshio_write(writer, block, MUCH), 0);
    assert_int_equal(sshio_write_eof(writer), 0);
    assert_int_equal(sshio_read_all(reader, &answer), 0);
    assert_string_equal(answer.data, "6291456 bytes\n");
    sshio_bytes_free(&answer);
    sshio_reader_unref(reader);
    sshio_writer_unref(writer);
    free(block);
    sshio_conn_ref(middle);
    sshio_conn_unref(inner);
    assert_int_equal(sshio_conn_wait_closed(inner), 0);
    sshio_conn_unref(middle);
    assert_int_equal(sshio_conn_wait_closed(middle), 0);
    assert_false(sshio_conn_is_closed(outer)); /* it is still ours */
    sshio_conn_unref(outer);
}

static void test_connections_run_through_connections(void **state)
{
    (void)state;
    run_with(tunnel_story, prepare);
}

static void lost_tunnel_story(struct loopback *l)
{
    sshio_conn *outer = loopback_connect(l);
    sshio_conn *inner = connect_through(l, outer);
    sshio_conn_abort(outer);
    assert_int_equal(sshio_conn_wait_closed(inner), 0);
    assert_int_equal(sshio_conn_error(inner)->code, SSHIO_ECONNECTION_LOST);
    sshio_conn_unref(inner);
    assert_int_equal(sshio_conn_wait_closed(outer), 0);
    sshio_client_options options = loopback_client(l);
    sshio_conn *none = NULL;
    options.tunnel = outer;
    assert_int_equal(sshio_connect("127.0.0.1", &options, &none), SSHIO_ECLOSED);
    sshio_conn_unref(outer);
}

static void test_connection_is_lost_with_its_tunnel(void **state)
{
    (void)state;
    run_with(lost_tunnel_story, prepare);
}

static void refused_tunnel_story(struct loopback *l)
{
    sshio_conn *outer = loopback_connect(l);
    sshio_client_options options = loopback_client(l);
    sshio_conn *none = NULL;
    options.tunnel = outer;
    assert_int_equal(sshio_connect("forbidden", &options, &none), SSHIO_ECHANNEL_OPEN);
    assert_int_equal(sshio_error_last()->reason, SSHIO_OPEN_ADMINISTRATIVELY_PROHIBITED);
    assert_non_null(strstr(sshio_error_message(), "not there"));
    options.connect_timeout = 0.0005; /* the server takes longer to decide */
    assert_int_equal(sshio_connect("127.0.0.1", &options, &none), SSHIO_ETIMEDOUT);
    assert_false(sshio_conn_is_closed(outer));
    sshio_conn_unref(outer);
}

static void test_tunnels_are_refused_and_given_up(void **state)
{
    (void)state;
    run_with(refused_tunnel_story, prepare);
}

static void redirect_story(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_reader *reader;
    sshio_writer *writer;
    int in[2], out[2];
    char text[32] = "";
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    assert_int_equal(write(in[1], "12345", 5), 5);
    close(in[1]);
    assert_int_equal(sshio_open_connection(conn, "counter", 1, NULL, &reader, &writer), 0);
    assert_int_equal(
        sshio_redirect_streams(reader, writer, SSHIO_REDIRECT(.in = SSHIO_FD(in[0]), .out = SSHIO_FD(out[1]))), 0);
    assert_int_equal(read(out[0], text, sizeof text), 8);
    assert_string_equal(text, "5 bytes\n");
    sshio_reader_unref(reader);
    sshio_writer_unref(writer);
    close(in[0]);
    close(out[0]);
    close(out[1]);
    sshio_conn_unref(conn);
}

static void test_streams_of_a_channel_are_joined_with_descriptors(void **state)
{
    (void)state;
    run_with(redirect_story, prepare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams_of_both_sides_talk),
        cmocka_unit_test(test_handlers_start_at_once_and_close_when_both_have_ended),
        cmocka_unit_test(test_channels_are_aborted_and_closed),
        cmocka_unit_test(test_server_forwards_both_ways_until_both_have_ended),
        cmocka_unit_test(test_lost_connection_ends_what_it_forwarded),
        cmocka_unit_test(test_refusals_come_with_code_and_reason),
        cmocka_unit_test(test_malformed_opens_are_refused_and_the_connection_lives),
        cmocka_unit_test(test_nothing_is_forwarded_by_default),
        cmocka_unit_test(test_connections_run_through_connections),
        cmocka_unit_test(test_connection_is_lost_with_its_tunnel),
        cmocka_unit_test(test_tunnels_are_refused_and_given_up),
        cmocka_unit_test(test_streams_of_a_channel_are_joined_with_descriptors),
    };
    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
