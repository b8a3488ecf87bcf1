/* Whole clients and servers under seeded faults; see scenario.h for what is asked of them.
 *
 * SSHIO_SEEDS says how many seeds to run, SSHIO_SEED with which one to begin. */
#include <inttypes.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "scenario.h"
#include "surroundings.h"

#define SEEDS_DEFAULT 5000

/* What all of them together came to: a scenario in which nothing happens proves nothing. */
struct tally {
    uint64_t connections, logins, sessions, complete, disturbed, steps;
};

static void count(struct tally *t, const struct scenario *sc)
{
    t->steps += sc->sim.steps;
    for (unsigned i = 0; i < sc->client_count; i++) {
        const struct client *c = &sc->clients[i];
        t->connections++;
        t->logins += c->logged_in;
        for (unsigned k = 0; c->logged_in && k < c->flow_count; k++) {
            t->sessions++;
            t->complete += c->flows[k].complete;
            t->disturbed += flow_excused(&c->flows[k]);
        }
    }
}

static void test_every_connection_ends_as_planned_or_with_a_reason(void **state)
{
    static struct scenario scenario;
    struct tally t = { 0 };
    uint64_t first = setting("SSHIO_SEED", 1), seeds = setting("SSHIO_SEEDS", SEEDS_DEFAULT);
    (void)state;
    sim_keys();
    scenario_run(&scenario, &(struct scenario_order){
                                .gentle = true,
                                .replay = "make sim (its first, gentle run)" }); /* what is made once is made here */
    for (uint64_t seed = first; seed - first < seeds; seed++) {
        char replay[64];
        snprintf(replay, sizeof replay, "make sim SEED=%" PRIu64, seed);
        scenario_run(&scenario, &(struct scenario_order){ .seed = seed, .replay = replay });
        count(&t, &scenario);
    }
    sim_keys_done();
    print_message("# %" PRIu64 " seeds, %" PRIu64 " events: %" PRIu64 " connections, %" PRIu64 " logins, %" PRIu64
                  " sessions, of which %" PRIu64 " disturbed and %" PRIu64 " complete\n",
                  seeds, t.steps, t.connections, t.logins, t.sessions, t.disturbed, t.complete);
    if (seeds >= SEEDS_DEFAULT)
        assert_true(t.logins > seeds / 2 && t.complete > seeds && t.disturbed > seeds / 4);
}

/* Everything that can be logged is put together, and nobody reads it. */
static void ignore_log(sshio_log_level level, const char *logger, const char *context, const char *text, void *user)
{
    (void)level, (void)logger, (void)context, (void)text, (void)user;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_connection_ends_as_planned_or_with_a_reason),
    };
    /* Each scenario takes and gives back the same blocks: they are kept. */
    mallopt(M_MMAP_THRESHOLD, 64 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    sshio_set_log_handler(ignore_log, NULL);
    sshio_set_log_level(SSHIO_LOG_DEBUG);
    return cmocka_run_group_tests_name("simulated connections", tests, NULL, NULL);
}
