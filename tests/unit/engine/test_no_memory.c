/* A connection in which the n-th allocation fails, for every n: it works on or ends with an error,
 * and nothing leaks. */
#include "engine/unit.h"

#include "base/memory.h"
#include "engine/kex.h"
#include "engine/pair.h"

/* Logs in, rekeys, says good-bye. How many allocations that took. method NULL = the test key exchange. */
static uint64_t run(uint64_t failing, const char *method, bool *logged_in)
{
    struct pair p;
    pair_init(&p, method != NULL ? PAIR_REAL : PAIR_FAST);
    if (method != NULL)
        p.kex_algs[0] = kex_alg_find(method);
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
    static const char *const methods[] = { NULL, "curve25519-sha256", "ecdh-sha2-nistp256",
                                           "diffie-hellman-group-exchange-sha256" };
    for (size_t i = 0; i < COUNT(methods); i++) {
        bool logged_in;
        uint64_t count = run(0, methods[i], &logged_in);
        assert_true(logged_in);
        for (uint64_t n = 1; n <= count; n++)
            run(n, methods[i], &logged_in);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
