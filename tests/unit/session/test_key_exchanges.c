/* Key exchanges over a socket, whose long computations run on worker threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "session/run.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const methods[] = { "ecdh-sha2-nistp521", "diffie-hellman-group14-sha256",
                                       "diffie-hellman-group15-sha512", "diffie-hellman-group-exchange-sha256" };

static void run_both(sshio_conn *conn)
{
    sshio_result *result = NULL;
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "both"), &result), 0);
    assert_memory_equal(result->out.data, "out", 3);
    sshio_result_free(result);
}

static void each_method(struct loopback *l)
{
    for (size_t i = 0; i < COUNT(methods); i++) {
        sshio_client_options options = loopback_client(l);
        sshio_conn *conn = NULL;
        options.kex_algs = methods[i];
        if (sshio_connect("127.0.0.1", &options, &conn) != 0)
            fail_msg("%s: %s", methods[i], sshio_error_message());
        assert_string_equal(sshio_conn_get_extra_info(conn, "kex_alg", ""), methods[i]);
        run_both(conn);
        assert_int_equal(sshio_conn_rekey(conn), 0);
        run_both(conn);
        sshio_conn_unref(conn);
    }
}

static void test_methods_work_with_workers(void **state)
{
    (void)state;
    run_with(each_method, NULL);
}

static int connect_in_large_group(void *arg)
{
    sshio_client_options options = loopback_client(arg);
    sshio_conn *conn = NULL;
    options.kex_algs = "diffie-hellman-group16-sha512";
    int rc = sshio_connect("127.0.0.1", &options, &conn);
    sshio_conn_unref(conn);
    return rc;
}

/* Wherever it is cancelled, before, during or after a computation on either side, nothing stays behind. */
static void cancel_everywhere(struct loopback *l)
{
    for (int turns = 0; turns < 60; turns++) {
        sshio_task *task = NULL;
        int result = 0;
        assert_int_equal(sshio_spawn(connect_in_large_group, l, &task), 0);
        for (int i = 0; i < turns; i++)
            sshio_sleep(0);
        sshio_cancel(task);
        assert_int_equal(sshio_join(task, &result), 0);
        assert_true(result == 0 || result == SSHIO_ECANCELED);
    }
}

static void test_connecting_can_be_cancelled_during_a_computation(void **state)
{
    (void)state;
    run_with(cancel_everywhere, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_methods_work_with_workers),
        cmocka_unit_test(test_connecting_can_be_cancelled_during_a_computation),
    };
    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
