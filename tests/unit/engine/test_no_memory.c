/* A connection in which the n-th allocation fails, for every n: it works on or ends with an error,
 * and nothing leaks. */
#include "engine/unit.h"

#include "base/memory.h"
#include "engine/kex.h"
#include "engine/pair.h"

struct scenario {
    const char *kex; /* NULL = the test key exchange */
    const char *cipher, *mac;
    size_t compression;
};

static void set_scenario(struct pair *p, const struct scenario *scenario)
{
    pair_init(p, scenario->kex != NULL ? PAIR_REAL : PAIR_FAST);
    if (scenario->kex != NULL)
        p->kex_algs[0] = kex_alg_find(scenario->kex);
    if (scenario->cipher != NULL) {
        p->cipher_algs[0] = cipher_find(scenario->cipher);
        p->mac_algs[0] = mac_find(scenario->mac);
    }
    p->compression_algs[0] = compression_at(scenario->compression);
}

/* Logs in, rekeys, says good-bye. How many allocations that took. */
static uint64_t run(uint64_t failing, const struct scenario *scenario, bool *logged_in)
{
    struct pair p;
    set_scenario(&p, scenario);
    p.random = 7;
    pair_start(&p);
    uint64_t before = mem_allocations();
    mem_fail_at(failing);
    *logged_in = pair_log_in(&p);
    engine_rekey(p.side[CLIENT].engine);
    pair_run(&p);
    engine_global_request(p.side[CLIENT].engine, "keepalive@openssh.com", SPAN(NULL, 0), NULL, NULL);
    pair_run(&p);
    engine_disconnect(p.side[CLIENT].engine, 11, "bye", "");
    pair_run(&p);
    mem_fail_at(0);
    uint64_t count = mem_allocations() - before;
    for (int i = 0; i < 2; i++)
        assert_in_range(p.side[i].ended, i == CLIENT ? 1 : 0, 1);
    pair_done(&p);
    return count;
}

static void test_any_allocation_may_fail(void **state)
{
    (void)state;
    static const struct scenario scenarios[] = {
        { .kex = NULL },
        { .kex = "curve25519-sha256" },
        { .kex = "ecdh-sha2-nistp256" },
        { .kex = "diffie-hellman-group-exchange-sha256" },
        { .cipher = "aes128-ctr", .mac = "hmac-sha2-256", .compression = 1 },
    };
    for (size_t i = 0; i < COUNT(scenarios); i++) {
        bool logged_in;
        uint64_t count = run(0, &scenarios[i], &logged_in);
        assert_true(logged_in);
        for (uint64_t n = 1; n <= count; n++)
            run(n, &scenarios[i], &logged_in);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
