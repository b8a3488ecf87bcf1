/* Whole clients and servers under seeded faults; see scenario.h for what is asked of them.
 *
 * SSHIO_SEEDS says how many seeds to run, SSHIO_SEED with which one to begin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "scenario.h"

#define SEEDS_DEFAULT 5000

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL && text[0] != '\0' ? strtoull(text, NULL, 10) : otherwise;
}

static void test_every_connection_ends_as_planned_or_with_a_reason(void **state)
{
    static struct scenario scenario;
    uint64_t first = setting("SSHIO_SEED", 1), count = setting("SSHIO_SEEDS", SEEDS_DEFAULT);
    (void)state;
    sim_keys();
    scenario_run(&scenario, 0, true); /* tables that are made once are made here */
    for (uint64_t seed = first; seed - first < count; seed++)
        scenario_run(&scenario, seed, false);
    sim_keys_done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_connection_ends_as_planned_or_with_a_reason),
    };
    return cmocka_run_group_tests_name("simulated connections", tests, NULL, NULL);
}
