/* Short scenarios that are struck once, by each kind of blow before each of their steps: so every task is cancelled at
 * each of its waits, and connections and channels are closed, cut and reset in every state they have.
 *
 * SSHIO_EVERY says to take each how-manyth step only; 1 = all of them. SSHIO_KIND, SSHIO_STEP and SSHIO_BLOW run one.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "scenario.h"
#include "surroundings.h"

#define EVERY_DEFAULT 5

/* How many steps it took. */
static uint64_t run(uint64_t kind, uint64_t step, int row)
{
    static struct scenario scenario;
    char replay[96];
    snprintf(replay, sizeof replay, "SSHIO_KIND=%" PRIu64 " SSHIO_STEP=%" PRIu64 " SSHIO_BLOW=%d sim_test_blows", kind,
             step, row);
    scenario_run(&scenario, &(struct scenario_order){
                                .seed = kind, .gentle = true, .blow = { .step = step, .row = row }, .replay = replay });
    return scenario.sim.steps;
}

static void test_any_step_may_bring_any_blow(void **state)
{
    uint64_t every = setting("SSHIO_EVERY", EVERY_DEFAULT), only = setting("SSHIO_STEP", 0);
    (void)state;
    sim_keys();
    run(0, 0, 0); /* what is made once is made here */
    if (only != 0)
        run(setting("SSHIO_KIND", 0), only, (int)setting("SSHIO_BLOW", 0));
    for (uint64_t kind = 0; only == 0 && kind < GENTLE_KINDS; kind++) {
        uint64_t steps = run(kind, 0, 0);
        for (int row = 0; row < blow_count(); row++)
            for (uint64_t step = 1 + (kind + (uint64_t)row) % every; step <= steps; step += every)
                run(kind, step, row);
    }
    sim_keys_done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_step_may_bring_any_blow),
    };
    return cmocka_run_group_tests_name("blows", tests, NULL, NULL);
}
