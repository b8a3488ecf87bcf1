/* The subprocess API: which callbacks come, in which order, and what its pipes can do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "session/run.h"

struct seen {
    char text[256];
    sshio_client_process *transport;
    bool had_pipes;
};

static void note(struct seen *seen, const char *format, ...)
{
    size_t len = strlen(seen->text);
    va_list args;
    va_start(args, format);
    vsnprintf(seen->text + len, sizeof seen->text - len, format, args);
    va_end(args);
}

static void on_made(sshio_client_process *transport, void *user)
{
    struct seen *seen = user;
    seen->transport = transport;
    seen->had_pipes = sshio_client_process_get_pipe_transport(transport, 0) != NULL &&
                      sshio_client_process_channel(transport) != NULL;
    note(seen, "made ");
}

static void on_data(sshio_client_process *transport, int fd, const void *data, size_t len, void *user)
{
    (void)transport;
    note(user, "%d:%.*s ", fd, (int)len, (const char *)data);
}

static void on_lost(sshio_client_process *transport, int fd, const sshio_error *error, void *user)
{
    (void)transport;
    note(user, "lost%d%s ", fd, error != NULL ? "!" : "");
}

static void on_exit(sshio_client_process *transport, void *user)
{
    note(user, "exit%d ", sshio_client_process_get_returncode(transport));
}

static const sshio_subprocess_handlers handlers = {
    .connection_made = on_made,
    .pipe_data_received = on_data,
    .pipe_connection_lost = on_lost,
    .process_exited = on_exit,
};

static void order(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    struct seen seen = { .had_pipes = false };
    sshio_client_process *t = NULL;
    assert_int_equal(sshio_create_subprocess(conn, &handlers, &seen, SSHIO_SESSION(.command = "both"), &t), 0);
    assert_ptr_equal(t, seen.transport);
    assert_true(seen.had_pipes);
    assert_int_equal(sshio_client_process_get_pid(t), -1);
    assert_string_equal(sshio_client_process_get_extra_info(t, "username", ""), "guest");
    assert_int_equal(sshio_client_process_wait_closed(t), 0);
    /* that of the exit may come before the data */
    bool early = strcmp(seen.text, "made exit3 1:out 2:err lost1 lost2 ") == 0;
    assert_true(early || strcmp(seen.text, "made 1:out 2:err exit3 lost1 lost2 ") == 0);
    sshio_client_process_unref(t);
    assert_int_equal(sshio_create_subprocess(conn, NULL, NULL, NULL, &t), SSHIO_EINVAL);
    sshio_conn_unref(conn);
}

static void test_callbacks_come_in_their_order(void **state)
{
    (void)state;
    run_with(order, NULL);
}

static void pipes(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    struct seen seen = { .had_pipes = false };
    sshio_span parts[] = { SSHIO_TEXT("b"), SSHIO_TEXT("c") };
    sshio_client_process *t = NULL;
    assert_int_equal(sshio_create_subprocess(conn, &handlers, &seen, SSHIO_SESSION(.command = "echo"), &t), 0);
    sshio_pipe *in = sshio_client_process_get_pipe_transport(t, 0);
    sshio_pipe *out = sshio_client_process_get_pipe_transport(t, 1);
    assert_null(sshio_client_process_get_pipe_transport(t, 3));
    assert_string_equal(sshio_pipe_get_extra_info(out, "username", ""), "guest");
    assert_true(sshio_pipe_can_write_eof(in));
    assert_false(sshio_pipe_can_write_eof(out));
    assert_int_equal(sshio_pipe_set_write_buffer_limits(in, 1000, 2000), SSHIO_EINVAL);
    assert_int_equal(sshio_pipe_set_write_buffer_limits(in, 1000, 100), 0);
    assert_int_equal(sshio_pipe_write(out, "x", 1), SSHIO_EINVAL);
    sshio_pipe_pause_reading(out);
    sshio_pipe_pause_reading(out);
    assert_int_equal(sshio_pipe_write(in, "a", 1), 0);
    assert_int_equal(sshio_pipe_writelines(in, parts, 2), 0);
    assert_true(sshio_pipe_get_write_buffer_size(in) <= 3);
    assert_int_equal(sshio_pipe_write_eof(in), 0);
    sshio_result *result = NULL; /* what another channel gets later has passed what this one would get */
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "both"), &result), 0);
    sshio_result_free(result);
    assert_null(strstr(seen.text, "abc"));
    sshio_pipe_resume_reading(out);
    assert_int_equal(sshio_client_process_wait_closed(t), 0);
    assert_non_null(strstr(seen.text, "1:abc "));
    sshio_client_process_unref(t);
    sshio_conn_unref(conn);
}

static void test_pipes_write_pause_and_resume(void **state)
{
    (void)state;
    run_with(pipes, NULL);
}

static void ends(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    for (int abort = 0; abort < 2; abort++) {
        struct seen seen = { .had_pipes = false };
        sshio_client_process *t = NULL;
        assert_int_equal(sshio_create_subprocess(conn, &handlers, &seen, SSHIO_SESSION(.command = "silent"), &t), 0);
        sshio_pipe *in = sshio_client_process_get_pipe_transport(t, 0);
        (abort != 0 ? sshio_pipe_abort : sshio_pipe_close)(in);
        assert_true(sshio_client_process_is_closing(t));
        assert_int_equal(sshio_client_process_wait_closed(t), 0);
        assert_non_null(strstr(seen.text, "lost1 lost2 "));
        sshio_client_process_unref(t);
    }
    sshio_conn_unref(conn);
}

static void test_pipes_close_and_abort_the_channel(void **state)
{
    (void)state;
    run_with(ends, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_callbacks_come_in_their_order),
        cmocka_unit_test(test_pipes_write_pause_and_resume),
        cmocka_unit_test(test_pipes_close_and_abort_the_channel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
