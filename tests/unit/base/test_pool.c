/* Block pools. */
#include "unit.h"

#include "base/memory.h"
#include "base/pool.h"

static void test_a_block_given_back_is_taken_again_without_allocating(void **state)
{
    (void)state;
    struct pool pool;
    pool_init(&pool, 4096, 2);
    void *block = pool_take(&pool);
    memset(block, 0xaa, 4096);
    pool_give(&pool, block);
    uint64_t before = mem_allocations();
    for (int i = 0; i < 100; i++) {
        assert_ptr_equal(pool_take(&pool), block);
        pool_give(&pool, block);
    }
    assert_true(mem_allocations() == before);
    pool_done(&pool);
}

static void test_no_more_than_the_set_number_is_kept(void **state)
{
    (void)state;
    struct pool pool;
    void *blocks[5];
    pool_init(&pool, 64, 2);
    for (size_t i = 0; i < COUNT(blocks); i++)
        blocks[i] = pool_take(&pool);
    for (size_t i = 0; i < COUNT(blocks); i++)
        pool_give(&pool, blocks[i]);
    assert_int_equal(pool.free_count, 2);
    pool_give(&pool, NULL);
    assert_int_equal(pool.free_count, 2);
    pool_done(&pool);
    assert_int_equal(pool.free_count, 0);
}

static void test_a_pool_that_keeps_nothing_works(void **state)
{
    (void)state;
    struct pool pool;
    pool_init(&pool, 64, 0);
    pool_give(&pool, pool_take(&pool));
    assert_null(pool.free);
    pool_done(&pool);
}

static void test_take_out_of_memory_gives_null(void **state)
{
    (void)state;
    struct pool pool;
    pool_init(&pool, 64, 2);
    mem_fail_at(1);
    assert_null(pool_take(&pool));
    pool_give(&pool, pool_take(&pool));
    pool_done(&pool);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_block_given_back_is_taken_again_without_allocating),
        cmocka_unit_test(test_no_more_than_the_set_number_is_kept),
        cmocka_unit_test(test_a_pool_that_keeps_nothing_works),
        cmocka_unit_test(test_take_out_of_memory_gives_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
