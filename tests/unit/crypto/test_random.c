/* The random source and its seeded replacement. */
#include "vectors.h"

#include <pthread.h>

#include "crypto/random.h"

static void test_real_bytes_do_not_repeat(void **state)
{
    (void)state;
    uint8_t one[32], two[32];
    assert_false(random_seeded());
    assert_true(random_bytes(one, sizeof one));
    assert_true(random_bytes(two, sizeof two));
    assert_memory_not_equal(one, two, sizeof one);
    assert_true(random_bytes(NULL, 0));
}

static void test_seeded_bytes_repeat(void **state)
{
    (void)state;
    uint8_t one[13], two[13], next[13];
    random_seed(1);
    assert_true(random_seeded());
    assert_true(random_bytes(one, sizeof one));
    assert_true(random_bytes(next, sizeof next));
    random_seed(1);
    assert_true(random_bytes(two, sizeof two));
    random_unseed();
    assert_memory_equal(one, two, sizeof one);
    assert_memory_not_equal(one, next, sizeof one);
}

static void *report_seeded(void *seeded)
{
    *(bool *)seeded = random_seeded();
    return NULL;
}

static void test_a_seed_holds_for_its_thread_only(void **state)
{
    (void)state;
    bool other_seeded = true;
    pthread_t thread;
    random_seed(1);
    assert_int_equal(pthread_create(&thread, NULL, report_seeded, &other_seeded), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    random_unseed();
    assert_false(other_seeded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_real_bytes_do_not_repeat),
        cmocka_unit_test(test_seeded_bytes_repeat),
        cmocka_unit_test(test_a_seed_holds_for_its_thread_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
