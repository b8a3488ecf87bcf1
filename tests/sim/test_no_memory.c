/* A whole connect-run-close cycle, client and server, in which the n-th allocation fails, for every n until one cycle
 * needs fewer: the library's own allocations and, through uv_replace_allocator, those of libuv. Each cycle ends with an
 * error or a success, never with a crash, a hang or a leak. (Checklist of memory safety: allocation-failure injection.)
 *
 * SSHIO_EVERY says to take each how-manyth n only; 1 = all of them. SSHIO_KIND and SSHIO_NTH run a single one. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <uv.h>

#include "base/memory.h"
#include "io/internal.h"
#include "scenario.h"
#include "surroundings.h"

#define EVERY_DEFAULT 7

/* How many allocations one run makes. */
static uint64_t run(struct scenario *sc, uint64_t kind, uint64_t failing)
{
    uint64_t before = mem_allocations();
    char replay[96];
    snprintf(replay, sizeof replay, "SSHIO_KIND=%" PRIu64 " SSHIO_NTH=%" PRIu64 " sim_test_no_memory", kind, failing);
    mem_fail_at(failing);
    scenario_run(sc,
                 &(struct scenario_order){ .seed = kind, .gentle = true, .failing_memory = failing, .replay = replay });
    mem_fail_at(0);
    return mem_allocations() - before;
}

static void test_any_allocation_of_client_and_server_may_fail(void **state)
{
    static struct scenario scenario;
    uint64_t every = setting("SSHIO_EVERY", EVERY_DEFAULT);
    (void)state;
    sim_keys();
    uint64_t only = setting("SSHIO_NTH", 0);
    for (uint64_t kind = only != 0 ? setting("SSHIO_KIND", 0) : 0; kind < GENTLE_KINDS; kind++) {
        run(&scenario, kind, 0); /* what is made once is made here */
        uint64_t count = run(&scenario, kind, 0);
        if (only != 0) {
            run(&scenario, kind, only);
            break;
        }
        for (uint64_t n = 1 + kind % every; n <= count; n += every)
            run(&scenario, kind, n);
    }
    sim_keys_done();
}

/* ---- the same over real sockets, with libuv and worker threads ---- */

struct cycle {
    int result; /* of the server's start, then of the client */
};

static void echo(sshio_process *process, void *user)
{
    sshio_bytes all = { 0 };
    (void)user;
    int rc = sshio_read_all(sshio_process_stdin(process), &all);
    if (rc == 0)
        rc = sshio_write(sshio_process_stdout(process), all.data, all.len);
    if (rc != 0)
        sshio_process_exit(process, 1);
    sshio_bytes_free(&all);
}

static int answer(void *arg)
{
    (void)arg;
    return 42;
}

static int run_client(int port)
{
    sshio_keyref keys[2] = { { .key = sim_keys()->user } };
    sshio_result *result = NULL;
    sshio_conn *conn = NULL;
    int rc = sshio_connect("localhost",
                           SSHIO_CLIENT(.username = "guest", .port = port, .family = SSHIO_FAMILY_INET,
                                        .client_keys = keys, .known_hosts = SSHIO_NONE),
                           &conn);
    if (rc == 0 && (rc = sshio_offload(answer, NULL)) == 42)
        rc = sshio_run(conn, SSHIO_SESSION(.command = "echo", .input = SSHIO_TEXT("hello"), .check = true), &result);
    if (rc == 0)
        assert_string_equal(result->out.data, "hello");
    sshio_result_free(result);
    sshio_conn_unref(conn);
    return rc;
}

static int run_cycle(void *arg)
{
    struct cycle *cycle = arg;
    const struct sim_keys *keys = sim_keys();
    sshio_source authorized = { .data = SSHIO_TEXT(keys->authorized) };
    sshio_keyref host_keys[2] = { { .key = keys->host } };
    sshio_listener *listener = NULL;
    cycle->result = sshio_listen(
        "127.0.0.1", 0, SSHIO_SERVER(.host_keys = host_keys, .authorized_keys = &authorized, .process_handler = echo),
        &listener);
    if (cycle->result == 0) {
        cycle->result = run_client(sshio_listener_get_port(listener));
        sshio_listener_close(listener);
        sshio_listener_wait_closed(listener);
        sshio_listener_unref(listener);
    }
    return 0;
}

/* How many allocations it made; whether it worked. */
static uint64_t run_over_sockets(uint64_t failing, bool *worked)
{
    struct cycle cycle = { .result = -1 };
    uint64_t before = mem_allocations(), live = mem_live();
    int descriptors = descriptors_open();
    mem_fail_at(failing);
    int rc = sshio_main(run_cycle, &cycle);
    mem_fail_at(0);
    sshio_detach();
    last_error_forget();
    assert_int_equal(mem_live(), live);
    assert_int_equal(descriptors_open(), descriptors);
    *worked = rc == 0 && cycle.result == 0;
    return mem_allocations() - before;
}

static void test_any_allocation_over_sockets_may_fail(void **state)
{
    uint64_t every = setting("SSHIO_EVERY", EVERY_DEFAULT), n = 1;
    bool worked;
    (void)state;
    sim_keys();
    run_over_sockets(0, &worked);
    assert_true(worked);
    while (run_over_sockets(n, &worked) >= n)
        n += every;
    assert_true(worked);
    sim_keys_done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_allocation_of_client_and_server_may_fail),
        cmocka_unit_test(test_any_allocation_over_sockets_may_fail),
    };
    sim_count_libuv();
    return cmocka_run_group_tests_name("no memory", tests, NULL, NULL);
}
