/* A whole connect-run-close cycle, client and server, in which the n-th allocation fails, for every n until one cycle
 * needs fewer: the library's own allocations and, through uv_replace_allocator, those of libuv. Each cycle ends with an
 * error or a success, never with a crash, a hang or a leak. (Checklist of memory safety: allocation-failure injection.)
 *
 * SSHIO_EVERY says to take each how-manyth n only; 1 = all of them. SSHIO_KIND and SSHIO_NTH run a single one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <uv.h>

#include "base/memory.h"
#include "scenario.h"

#define EVERY_DEFAULT 7
#define KINDS 6 /* of services and of logins: see scenario.c */

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL && text[0] != '\0' ? strtoull(text, NULL, 10) : otherwise;
}

/* How many allocations one run makes. */
static uint64_t run(struct scenario *sc, uint64_t kind, uint64_t failing)
{
    uint64_t before = mem_allocations();
    sc->sim.failing_memory = failing;
    mem_fail_at(failing);
    scenario_run(sc, kind, true);
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
    for (uint64_t kind = only != 0 ? setting("SSHIO_KIND", 0) : 0; kind < KINDS; kind++) {
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_allocation_of_client_and_server_may_fail),
    };
    sim_count_libuv();
    return cmocka_run_group_tests_name("no memory", tests, NULL, NULL);
}
