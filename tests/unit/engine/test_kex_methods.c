/* Every key exchange method of the table between two engines, and computations that come back later. */
#include "engine/unit.h"

#include <stdio.h>

#include "engine/exchange.h"
#include "engine/hand.h"
#include "engine/pair.h"

static void start_with(struct pair *p, const struct kex_alg *alg)
{
    pair_init(p, PAIR_REAL);
    p->kex_algs[0] = alg;
    pair_start(p);
}

static const char *method_in_use(const struct pair_side *s)
{
    struct engine_algorithms algorithms;
    engine_algorithms(s->engine, &algorithms);
    return algorithms.kex;
}

static void test_every_method_of_the_table_works(void **state)
{
    (void)state;
    for (size_t i = 0; i < kex_alg_count(); i++) {
        const struct kex_alg *alg = kex_alg_at(i);
        struct pair p;
        start_with(&p, alg);
        if (!pair_log_in(&p))
            fail_msg("%s: %s", alg->name, pair_message(&p, CLIENT));
        struct span id = engine_session_id(p.side[CLIENT].engine);
        assert_int_equal(id.len, hash_find(alg->hash_name)->len);
        assert_true(span_equal(id, engine_session_id(p.side[SERVER].engine)));
        assert_string_equal(method_in_use(&p.side[CLIENT]), alg->name);
        engine_rekey(p.side[i % 2].engine);
        pair_run(&p);
        assert_int_equal(p.side[CLIENT].keys_changed, 2);
        assert_int_equal(p.side[SERVER].signs, 2);
        pair_done(&p);
    }
}

static void test_bytes_may_come_one_by_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < kex_alg_count(); i++) {
        struct pair p;
        pair_init(&p, PAIR_REAL);
        p.kex_algs[0] = kex_alg_at(i);
        p.random = 5;
        pair_start(&p);
        assert_true(pair_log_in(&p));
        pair_done(&p);
    }
}

/* RFC 4253 9: a re-exchange may take another method; the session id is that of the first. */
static void test_rekeys_may_change_the_method(void **state)
{
    (void)state;
    struct pair p;
    uint8_t id[HASH_MAX_LEN];
    start_with(&p, kex_alg_at(0));
    assert_true(pair_log_in(&p));
    size_t id_len = engine_session_id(p.side[CLIENT].engine).len;
    memcpy(id, engine_session_id(p.side[CLIENT].engine).data, id_len);
    for (size_t i = 0; i < 2 * kex_alg_count(); i++) {
        static const uint8_t ignore[] = { MSG_IGNORE, 0, 0, 0, 0 };
        const struct kex_alg *alg = kex_alg_at((3 * i + 1) % kex_alg_count());
        p.kex_algs[0] = alg;
        pair_advance(&p, 20000);
        engine_rekey(p.side[i % 2].engine);
        pair_run(&p);
        for (int side = CLIENT; side <= SERVER; side++) {
            assert_string_equal(method_in_use(&p.side[side]), alg->name);
            assert_true(span_equal(engine_session_id(p.side[side].engine), SPAN(id, id_len)));
            pair_send_raw(&p, side, ignore, sizeof ignore); /* the keys work */
        }
        pair_run(&p);
        assert_int_equal(p.side[CLIENT].ended + p.side[SERVER].ended, 0);
    }
    pair_done(&p);
}

/* Of two sides with several methods the client's first is taken that the server has. */
static void test_c8_default_order_has_no_weak_method(void **state)
{
    (void)state;
    static const char *const order[] = {
        "curve25519-sha256",
        "curve25519-sha256@libssh.org",
        "ecdh-sha2-nistp521",
        "ecdh-sha2-nistp384",
        "ecdh-sha2-nistp256",
        "diffie-hellman-group-exchange-sha256",
        "diffie-hellman-group14-sha256",
        "diffie-hellman-group15-sha512",
        "diffie-hellman-group16-sha512",
        "diffie-hellman-group17-sha512",
        "diffie-hellman-group18-sha512",
    };
    size_t found = 0;
    for (size_t i = 0; i < kex_alg_count(); i++) {
        const struct kex_alg *alg = kex_alg_at(i);
        assert_false(alg->is_default && (alg->is_weak || strcmp(alg->hash_name, "sha1") == 0));
        if (found < COUNT(order) && strcmp(alg->name, order[found]) == 0)
            found++;
    }
    assert_int_equal(found, COUNT(order));
}

/* ---- computations that take their time ---- */

static struct engine_job *jobs[2];

static void keep_job(void *owner, struct engine_job *job)
{
    struct pair_side *s = owner;
    assert_null(jobs[s->side]);
    jobs[s->side] = job;
}

static void start_with_long_jobs(struct pair *p)
{
    pair_init(p, PAIR_REAL);
    p->kex_algs[0] = kex_alg_find("diffie-hellman-group15-sha512");
    for (int i = 0; i < 2; i++) {
        jobs[i] = NULL;
        p->side[i].hooks.compute = keep_job;
    }
    pair_start(p);
    pair_run(p);
}

static void finish_job(int side)
{
    struct engine_job *job = jobs[side];
    assert_non_null(job);
    jobs[side] = NULL;
    engine_job_run(job);
    engine_job_done(job);
}

static void test_computations_may_come_back_later(void **state)
{
    (void)state;
    static const int order[] = { CLIENT, SERVER, CLIENT }; /* e; f and the secret; the secret */
    struct pair p;
    start_with_long_jobs(&p);
    for (size_t i = 0; i < COUNT(order); i++) {
        assert_true(engine_waiting(p.side[order[i]].engine));
        assert_null(jobs[1 - order[i]]);
        finish_job(order[i]);
        assert_false(engine_waiting(p.side[order[i]].engine));
        pair_run(&p);
    }
    assert_true(pair_log_in(&p));
    assert_int_equal(p.side[CLIENT].computed, 2);
    assert_int_equal(p.side[SERVER].computed, 1);
    pair_done(&p);
}

/* What comes while a job is under way is not looked at before it is back. */
static void test_input_waits_for_a_computation(void **state)
{
    (void)state;
    static const uint8_t unexpected[] = { MSG_KEXDH_REPLY, 0 };
    struct pair p;
    start_with_long_jobs(&p);
    p.side[SERVER].hooks.compute = NULL;
    pair_send_raw(&p, SERVER, unexpected, sizeof unexpected);
    pair_run(&p);
    assert_int_equal(p.side[CLIENT].ended, 0);
    assert_true(p.side[CLIENT].inbox_len > 0);
    finish_job(CLIENT);
    pair_run(&p);
    assert_int_equal(pair_error(&p, CLIENT), SSHIO_EPROTOCOL);
    pair_done(&p);
}

static void test_small_groups_are_computed_at_once(void **state)
{
    (void)state;
    struct pair p;
    start_with(&p, kex_alg_find("diffie-hellman-group14-sha256"));
    assert_true(pair_log_in(&p));
    assert_int_equal(p.side[CLIENT].computed, 0);
    pair_done(&p);
}

enum fate { LIVES_ON, ENDED_BY_US, ENDED_BY_TIME, LOST, FATE_COUNT };

static void meet(struct pair *p, int side, enum fate fate, bool freed)
{
    struct pair_side *s = &p->side[side];
    if (fate == ENDED_BY_US)
        engine_disconnect(s->engine, 11, "bye", "");
    if (fate == ENDED_BY_TIME)
        pair_advance(p, p->config[side].limits.login_ms);
    if (fate == LOST)
        engine_lost(s->engine, NULL);
    if (freed) {
        engine_free(s->engine);
        s->engine = NULL;
    }
}

/* Up to the job of that number: the client's value; the server's value and its secret; the client's secret. */
static int go_to_job(struct pair *p, size_t number)
{
    static const int sides[] = { CLIENT, SERVER, CLIENT };
    start_with_long_jobs(p);
    for (size_t i = 0; i < number; i++) {
        finish_job(sides[i]);
        pair_run(p);
    }
    return sides[number];
}

static void outlive(size_t number, enum fate fate, bool freed, bool runs_before)
{
    struct pair p;
    int side = go_to_job(&p, number);
    if (runs_before)
        engine_job_run(jobs[side]);
    meet(&p, side, fate, freed);
    if (!runs_before)
        engine_job_run(jobs[side]);
    engine_job_done(jobs[side]);
    assert_int_equal(p.side[side].keys_changed, 0);
    pair_done(&p);
}

/* C6: the connection may end, and the engine go, before a job is run or while it runs: the job keeps what it needs. */
static void test_c6_a_job_outlives_its_engine(void **state)
{
    (void)state;
    for (size_t number = 0; number < 3; number++)
        for (int fate = LIVES_ON; fate < FATE_COUNT; fate++)
            for (int order = 0; order < 4; order++)
                outlive(number, (enum fate)fate, order & 1, order & 2);
}

/* ---- exchanges that fail ---- */

static const struct {
    const char *method;
    uint8_t init[140];
    size_t len;
} bad_inits[] = {
    { "curve25519-sha256", { 30, 0, 0, 0, 32 }, 37 },
    { "ecdh-sha2-nistp256", { 30, 0, 0, 0, 65, 4 }, 70 },
    { "ecdh-sha2-nistp384", { 30, 0, 0, 0, 97, 4 }, 102 },
    { "ecdh-sha2-nistp521", { 30, 0, 0, 0, 133, 4 }, 138 },
    { "diffie-hellman-group14-sha256", { 30, 0, 0, 0, 1, 1 }, 6 },
    { "diffie-hellman-group18-sha512", { 30, 0, 0, 0, 1, 1 }, 6 },
    { "diffie-hellman-group-exchange-sha256", { 30, 0, 0, 32, 1 }, 5 },
};

static void fail_once(size_t i)
{
    struct hand h;
    hand_init(&h, SERVER);
    h.pair.kex_algs[0] = kex_alg_find(bad_inits[i].method);
    hand_start(&h);
    hand_greet(&h, &(struct hand_greeting){ .kex = bad_inits[i].method });
    hand_send(&h, SPAN(bad_inits[i].init, bad_inits[i].len));
    assert_int_equal(h.pair.side[SERVER].ended, 1);
    assert_int_not_equal(hand_error(&h), 0);
    hand_done(&h);
}

static long resident_pages(void)
{
    long size = 0, resident = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (statm == NULL)
        return 0;
    if (fscanf(statm, "%ld %ld", &size, &resident) != 2)
        resident = 0;
    fclose(statm);
    return resident;
}

#ifdef __SANITIZE_ADDRESS__ /* it looks for leaks itself, and its own memory grows meanwhile */
#define FAILED_EXCHANGES 1000
#define PAGES_MORE 1000000
#else
#define FAILED_EXCHANGES 10000
#define PAGES_MORE 256
#endif

/* C6 */
static void test_c6_failed_exchanges_leave_no_memory(void **state)
{
    (void)state;
    long before = 0;
    for (size_t n = 0; n < FAILED_EXCHANGES; n++) {
        if (n == FAILED_EXCHANGES / 10)
            before = resident_pages();
        fail_once(n % COUNT(bad_inits));
    }
    assert_in_range(resident_pages(), 0, before + PAGES_MORE);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_method_of_the_table_works),
        cmocka_unit_test(test_bytes_may_come_one_by_one),
        cmocka_unit_test(test_rekeys_may_change_the_method),
        cmocka_unit_test(test_c8_default_order_has_no_weak_method),
        cmocka_unit_test(test_computations_may_come_back_later),
        cmocka_unit_test(test_input_waits_for_a_computation),
        cmocka_unit_test(test_small_groups_are_computed_at_once),
        cmocka_unit_test(test_c6_a_job_outlives_its_engine),
        cmocka_unit_test(test_c6_failed_exchanges_leave_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
