/* How a server's application answers a request for a channel with one that it has prepared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "session/run.h"

/* What the server's handlers do next, and what came of it. */
static struct {
    int (*answer_session)(sshio_conn *conn, sshio_request *req);
    int (*answer_connection)(sshio_conn *conn, sshio_request *req);
    sshio_conn *client; /* what is no server's connection */
    int answers;
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
    (void)dest_host, (void)dest_port, (void)orig_host, (void)orig_port, (void)user;
    site.answers++;
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
    assert_int_equal(sshio_create_server_channel(site.client, NULL, &chan), SSHIO_EINVAL); /* a client's */
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
    site.client = conn;
    assert_int_equal(sshio_create_process(conn, NULL, &process), SSHIO_ECHANNEL_OPEN); /* deaf starts no shell */
    assert_int_equal(site.answers, 1);
    sshio_conn_unref(conn);
}

static void test_prepared_channel_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    run_with(wrong_channels, prepare);
}

/* Each allocation fails once, of the channel and then of the answer: nothing is lost, and the question stays open. */
static int accept_without_memory(sshio_conn *conn, sshio_request *req)
{
    int rc = SSHIO_ENOMEM;
    sshio_chan *chan = NULL;
    uint64_t nth;
    for (nth = 1; rc != 0; nth++) {
        mem_fail_at(nth);
        rc = sshio_create_server_channel(conn, NULL, &chan);
        mem_fail_at(0);
        assert_true(rc == 0 || rc == SSHIO_ENOMEM);
    }
    assert_true(nth > 2);
    sshio_chan_unref(chan);
    rc = SSHIO_ENOMEM;
    for (nth = 1; rc != SSHIO_ANSWERED; nth++) {
        assert_int_equal(rc, SSHIO_ENOMEM);
        sshio_chan *given = nth % 2 == 0 ? prepared(conn, NULL) : NULL;
        mem_fail_at(nth / 2 + 1);
        rc = sshio_accept_session_streams(req, session_in_hex, "user", given);
        mem_fail_at(0);
    }
    assert_true(nth > 4);
    return rc;
}

static void without_memory(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_result *result = NULL;
    site.answer_session = accept_without_memory;
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.input = SSHIO_TEXT("a")), &result), 0);
    assert_string_equal(result->out.data, "61");
    sshio_result_free(result);
    sshio_conn_unref(conn);
}

static void test_answers_without_memory_leave_the_question_open(void **state)
{
    (void)state;
    run_with(without_memory, prepare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_prepared_channel_has_an_encoding_of_its_own, setup),
        cmocka_unit_test_setup(test_prepared_tcp_channel_has_an_encoding, setup),
        cmocka_unit_test_setup(test_prepared_channel_that_does_not_fit_is_refused, setup),
        cmocka_unit_test_setup(test_answers_without_memory_leave_the_question_open, setup),
    };
    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
