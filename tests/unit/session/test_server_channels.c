/* The channel of a server's session, held by the test: what it can do and what it tells; extra info of channels and
 * connections; and a server that is made with handlers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "session/run.h"

/* The session that the server has, and what came on it. */
static struct {
    sshio_chan *chan;
    size_t len;
    int pauses, resumes, made, lost;
    bool has_error;
} end;

static void on_made(sshio_chan *chan, void *user)
{
    assert_string_equal(user, "user");
    end.chan = sshio_chan_ref(chan);
    end.made++;
}

static int on_shell(sshio_chan *chan, void *user)
{
    (void)chan, (void)user;
    return 1;
}

static int on_text(sshio_chan *chan, const char *text, void *user)
{
    (void)chan, (void)text, (void)user;
    return 1;
}

static void on_data(sshio_chan *chan, const void *data, size_t len, int datatype, void *user)
{
    (void)chan, (void)data, (void)user;
    assert_int_equal(datatype, 0);
    end.len += len;
}

static void on_pause(sshio_chan *chan, void *user)
{
    (void)chan, (void)user;
    end.pauses++;
}

static void on_resume(sshio_chan *chan, void *user)
{
    (void)chan, (void)user;
    end.resumes++;
}

static void on_lost(sshio_chan *chan, const sshio_error *error, void *user)
{
    (void)chan, (void)user;
    end.lost++;
    end.has_error = error != NULL;
}

static const sshio_session_handlers session = {
    .connection_made = on_made,
    .data_received = on_data,
    .connection_lost = on_lost,
    .pause_writing = on_pause,
    .resume_writing = on_resume,
    .shell_requested = on_shell,
    .exec_requested = on_text,
    .subsystem_requested = on_text,
};

static int session_requested(sshio_conn *conn, sshio_request *req, void *user)
{
    (void)user;
    assert_ptr_equal(sshio_request_conn(req), conn);
    return sshio_accept_session(req, &session, "user", NULL);
}

static const sshio_server_handlers server = { .session_requested = session_requested };

static int setup(void **state)
{
    (void)state;
    memset(&end, 0, sizeof end);
    return 0;
}

static void prepare(struct loopback *l)
{
    l->server_options.process_handler = NULL;
    l->server_options.handlers = &server;
}

static void let_go(void)
{
    sshio_chan_unref(end.chan);
    end.chan = NULL;
}

/* ---- writing ---- */

static void writing(struct loopback *l)
{
    static const sshio_span out[] = { { "a", 1 }, { "bc", 2 } }, err[] = { { "x", 1 }, { "", 0 }, { "yz", 2 } };
    sshio_conn *conn = loopback_connect(l);
    sshio_writer *to;
    sshio_reader *from, *from_err;
    sshio_bytes bytes = { 0 };
    assert_int_equal(sshio_open_session(conn, NULL, &to, &from, &from_err), 0);
    assert_true(sshio_chan_can_write_eof(end.chan));
    assert_int_equal(sshio_chan_writelines(end.chan, out, 2, 0), 0);
    assert_int_equal(sshio_chan_writelines_stderr(end.chan, err, 3), 0);
    assert_int_equal(sshio_chan_write(end.chan, "d", 1, 0), 0);
    assert_int_equal(sshio_chan_write(end.chan, "d", 1, 2), SSHIO_EINVAL);
    assert_false(sshio_chan_is_closing(end.chan));
    assert_int_equal(sshio_chan_write_eof(end.chan), 0);
    assert_true(sshio_chan_is_closing(end.chan));
    assert_int_equal(sshio_chan_write_stderr(end.chan, "z", 1), SSHIO_ECLOSED);
    assert_int_equal(sshio_read_all(from, &bytes), 0);
    assert_string_equal(bytes.data, "abcd");
    sshio_bytes_free(&bytes);
    assert_int_equal(sshio_read_all(from_err, &bytes), 0);
    assert_string_equal(bytes.data, "xyz");
    sshio_bytes_free(&bytes);
    sshio_chan_close(end.chan);
    assert_int_equal(sshio_chan_wait_closed(end.chan), 0);
    assert_int_equal(sshio_chan_wait_closed(end.chan), 0);
    assert_int_equal(end.lost, 1);
    assert_false(end.has_error);
    let_go();
    sshio_writer_unref(to);
    sshio_reader_unref(from);
    sshio_reader_unref(from_err);
    sshio_conn_unref(conn);
}

static void test_server_writes_both_streams_and_closes(void **state)
{
    (void)state;
    run_with(writing, prepare);
}

static void flow(struct loopback *l)
{
    static char block[4 * 1024 * 1024];
    sshio_conn *conn = loopback_connect(l);
    sshio_chan *chan = NULL;
    assert_int_equal(sshio_create_session(conn, NULL, NULL, SSHIO_SESSION(.command = "x"), &chan), 0);
    sshio_chan_pause_reading(chan);
    assert_int_equal(sshio_chan_set_write_buffer_limits(end.chan, 0, 8192), 0);
    assert_int_equal(sshio_chan_write(end.chan, block, sizeof block, 0), 0);
    assert_int_equal(end.pauses, 1);
    assert_true(sshio_chan_get_write_buffer_size(end.chan) > 4 * 8192);
    sshio_chan_resume_reading(chan);
    while (end.resumes == 0)
        assert_int_equal(sshio_sleep(0.001), 0);
    assert_true(sshio_chan_get_write_buffer_size(end.chan) <= 8192);
    sshio_chan_pause_reading(end.chan);
    assert_int_equal(sshio_chan_write(chan, block, 1000, 0), 0);
    sshio_chan *held = end.chan, *second = NULL;
    assert_int_equal(sshio_create_session(conn, NULL, NULL, NULL, &second), 0); /* the way there and back */
    let_go();
    sshio_chan_unref(second);
    end.chan = held;
    assert_int_equal(end.len, 0);
    sshio_chan_resume_reading(end.chan);
    while (end.len < 1000)
        assert_int_equal(sshio_sleep(0.001), 0);
    sshio_chan_abort(end.chan);
    assert_true(sshio_chan_is_closing(end.chan));
    assert_int_equal(sshio_chan_wait_closed(chan), 0);
    assert_int_equal(sshio_chan_get_exit_status(chan), SSHIO_NO_STATUS);
    let_go();
    sshio_chan_unref(chan);
    sshio_conn_unref(conn);
}

static void test_server_is_paused_and_pauses(void **state)
{
    (void)state;
    run_with(flow, prepare);
}

/* ---- what is known ---- */

static void knowing(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_chan *chan = NULL;
    assert_int_equal(
        sshio_create_session(conn, NULL, NULL, SSHIO_SESSION(.subsystem = "sub", .env = SSHIO_LIST("A=b")), &chan), 0);
    assert_string_equal(sshio_chan_get_subsystem(end.chan), "sub");
    assert_string_equal(sshio_chan_get_subsystem(chan), "sub");
    assert_null(sshio_chan_get_command(end.chan));
    assert_string_equal(sshio_chan_get_environment(end.chan)[0], "A=b");
    assert_null(sshio_chan_get_environment(end.chan)[1]);
    assert_non_null(sshio_chan_logger(end.chan));
    assert_null(sshio_chan_get_exit_signal(end.chan));
    sshio_chan_close(chan);
    sshio_chan_close(chan);
    assert_int_equal(sshio_chan_wait_closed(chan), 0);
    let_go();
    sshio_chan_unref(chan);
    sshio_conn_unref(conn);
}

static void test_server_knows_what_the_client_asked_for(void **state)
{
    (void)state;
    run_with(knowing, prepare);
}

static void channel_info(sshio_chan *chan)
{
    assert_string_equal(sshio_chan_get_extra_info(chan, "username", ""), "guest");
    assert_null(sshio_chan_get_extra_info(chan, "nothing", NULL));
    assert_int_equal(sshio_conn_set_extra_info(sshio_chan_conn(chan), "colour", "red"), 0);
    assert_string_equal(sshio_chan_get_extra_info(chan, "colour", ""), "red");
    assert_int_equal(sshio_chan_set_extra_info(chan, "colour", "blue"), 0);
    assert_string_equal(sshio_chan_get_extra_info(chan, "colour", ""), "blue");
    assert_string_equal(sshio_conn_get_extra_info(sshio_chan_conn(chan), "colour", ""), "red");
    assert_int_equal(sshio_chan_set_extra_info(chan, "colour", NULL), 0);
    assert_string_equal(sshio_chan_get_extra_info(chan, "colour", ""), "red");
    assert_int_equal(sshio_chan_set_extra_info(chan, "a=b", "c"), SSHIO_EINVAL);
}

static void info_story(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_chan *chan = NULL;
    assert_int_equal(sshio_create_session(conn, NULL, NULL, NULL, &chan), 0);
    channel_info(chan);
    channel_info(end.chan);
    let_go();
    sshio_chan_unref(chan);
    sshio_conn_unref(conn);
}

static void test_channel_info_comes_before_that_of_its_connection(void **state)
{
    (void)state;
    run_with(info_story, prepare);
}

static void conn_info_story(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l), *other;
    sshio_chan *chan = NULL;
    char *fingerprint = NULL, port[8], name[64];
    assert_int_equal(sshio_create_session(conn, NULL, NULL, NULL, &chan), 0);
    other = sshio_conn_ref(sshio_chan_conn(end.chan));
    assert_non_null(sshio_conn_logger(other));
    assert_string_equal(sshio_conn_get_extra_info(other, "username", ""), "guest");
    assert_null(sshio_conn_get_extra_info(other, "host", NULL)); /* nobody asked it for one */
    assert_null(sshio_conn_get_extra_info(other, "server_host_key", NULL));
    snprintf(name, sizeof name, "%s", sshio_conn_get_extra_info(other, "peername", ""));
    assert_string_equal(sshio_conn_get_extra_info(conn, "sockname", ""), name);
    assert_memory_equal(name, "127.0.0.1:", 10);
    assert_string_equal(sshio_conn_get_extra_info(conn, "host", ""), "127.0.0.1");
    snprintf(port, sizeof port, "%d", l->port);
    assert_string_equal(sshio_conn_get_extra_info(conn, "port", ""), port);
    assert_int_equal(strlen(sshio_conn_get_extra_info(conn, "session_id", "")), 64);
    assert_int_equal(sshio_key_get_fingerprint(l->host_key, NULL, &fingerprint), 0);
    assert_string_equal(sshio_conn_get_extra_info(conn, "server_host_key", ""), fingerprint);
    sshio_free(fingerprint);
    assert_int_equal(sshio_conn_set_extra_info(other, "host", "mine"), 0);
    assert_string_equal(sshio_conn_get_extra_info(other, "host", ""), "mine");
    assert_int_equal(sshio_conn_set_extra_info(conn, "kept", "yes"), 0);
    let_go();
    sshio_chan_unref(chan);
    sshio_conn_close(conn);
    assert_int_equal(sshio_conn_wait_closed(conn), 0);
    assert_null(sshio_conn_get_extra_info(conn, "host", NULL));
    assert_string_equal(sshio_conn_get_extra_info(conn, "kept", ""), "yes");
    assert_int_equal(sshio_conn_wait_closed(other), 0);
    sshio_conn_unref(other);
    sshio_conn_unref(conn);
}

static void test_both_sides_tell_about_their_connection(void **state)
{
    (void)state;
    run_with(conn_info_story, prepare);
}

/* ---- debug messages ---- */

static char debug_text[64];

static void debug_received(sshio_conn *conn, const char *msg, const char *lang, bool always_display, void *user)
{
    (void)conn, (void)user;
    snprintf(debug_text, sizeof debug_text, "%s/%s/%d", msg, lang, always_display);
}

static void prepare_debug(struct loopback *l)
{
    static sshio_server_handlers handlers;
    prepare(l);
    handlers = server;
    handlers.debug_msg_received = debug_received;
    l->server_options.handlers = &handlers;
}

static void debug_story(struct loopback *l)
{
    static char long_text[40000];
    sshio_conn *conn = loopback_connect(l);
    memset(long_text, 'x', sizeof long_text - 1);
    assert_int_equal(sshio_conn_send_debug(conn, long_text, NULL, false), SSHIO_EINVAL);
    assert_int_equal(sshio_conn_send_debug(conn, NULL, NULL, false), SSHIO_EINVAL);
    assert_int_equal(sshio_conn_rekey(conn), 0); /* held back until it is over */
    assert_int_equal(sshio_conn_send_debug(conn, "hello", "de", false), 0);
    while (debug_text[0] == '\0')
        assert_int_equal(sshio_sleep(0.001), 0);
    assert_string_equal(debug_text, "hello/de/0");
    sshio_conn_close(conn);
    assert_int_equal(sshio_conn_wait_closed(conn), 0);
    assert_int_equal(sshio_conn_send_debug(conn, "late", NULL, false), SSHIO_ECLOSED);
    sshio_conn_unref(conn);
}

static void test_debug_messages_wait_for_a_key_exchange(void **state)
{
    (void)state;
    debug_text[0] = '\0';
    run_with(debug_story, prepare_debug);
}

/* ---- main functions ---- */

static int begun;

static void assert_same_key(const sshio_key *public, const sshio_key *private)
{
    char *fingerprints[2] = { NULL };
    assert_int_equal(sshio_key_get_fingerprint(public, NULL, &fingerprints[0]), 0);
    assert_int_equal(sshio_key_get_fingerprint(private, NULL, &fingerprints[1]), 0);
    assert_string_equal(fingerprints[0], fingerprints[1]);
    sshio_free(fingerprints[0]);
    sshio_free(fingerprints[1]);
}

static int begin_auth(sshio_conn *conn, const char *username, void *user)
{
    (void)conn, (void)username;
    assert_string_equal(user, "owner");
    begun++;
    return SSHIO_ACCEPT;
}

static void main_functions(struct loopback *l)
{
    static const sshio_server_handlers handlers = { .begin_auth = begin_auth, .session_requested = session_requested };
    sshio_keyref keys[2] = { { .key = l->host_key } };
    sshio_listener *listener = NULL;
    sshio_conn *conn = NULL;
    sshio_key *key = NULL;
    sshio_client_options options = loopback_client(l);
    assert_int_equal(
        sshio_create_server(&handlers, "owner", "127.0.0.1", 0, SSHIO_SERVER(.host_keys = keys), &listener), 0);
    options.port = sshio_listener_get_port(listener);
    options.username = NULL;
    options.known_hosts = NULL; /* none is known */
    assert_int_equal(sshio_get_server_host_key("127.0.0.1", &options, &key), 0);
    assert_int_equal(begun, 0); /* no user name was said */
    assert_same_key(key, l->host_key);
    sshio_key_unref(key);
    options.kex_algs = "no-such-algorithm";
    assert_int_equal(sshio_get_server_host_key("127.0.0.1", &options, &key), SSHIO_EINVAL);
    options = loopback_client(l);
    options.port = sshio_listener_get_port(listener);
    options.known_hosts = SSHIO_NONE;
    assert_int_equal(sshio_create_connection(NULL, NULL, "127.0.0.1", &options, &conn), 0);
    assert_int_equal(begun, 1);
    sshio_conn_unref(conn);
    sshio_listener_close(listener);
    assert_int_equal(sshio_listener_wait_closed(listener), 0);
    sshio_listener_unref(listener);
    assert_int_equal(sshio_get_server_host_key("127.0.0.1", &options, &key), SSHIO_ESYSTEM);
}

static void test_server_with_handlers_and_its_host_key(void **state)
{
    (void)state;
    run_with(main_functions, prepare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_server_writes_both_streams_and_closes, setup),
        cmocka_unit_test_setup(test_server_is_paused_and_pauses, setup),
        cmocka_unit_test_setup(test_server_knows_what_the_client_asked_for, setup),
        cmocka_unit_test_setup(test_channel_info_comes_before_that_of_its_connection, setup),
        cmocka_unit_test_setup(test_both_sides_tell_about_their_connection, setup),
        cmocka_unit_test_setup(test_debug_messages_wait_for_a_key_exchange, setup),
        cmocka_unit_test_setup(test_server_with_handlers_and_its_host_key, setup),
    };
    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
