/* The allocation seam: counting, failing at the n-th, wiping, comparing. */
#include "unit.h"

#include "base/memory.h"

static void test_allocations_are_counted(void **state)
{
    (void)state;
    uint64_t before = mem_allocations();
    void *a = mem_alloc(10), *b = mem_zalloc(10), *c = mem_array(2, 5), *d = mem_dup("x", 1), *e = mem_strdup("x");
    a = mem_grow(a, 20);
    assert_true(mem_allocations() - before == 6);
    mem_free(a);
    mem_free(b);
    mem_free(c);
    mem_free(d);
    mem_free(e);
    mem_free(NULL);
    assert_true(mem_allocations() - before == 6);
}

static void test_only_the_nth_allocation_fails(void **state)
{
    (void)state;
    for (unsigned nth = 1; nth <= 4; nth++) {
        mem_fail_at(nth);
        for (unsigned i = 1; i <= 5; i++) {
            void *memory = mem_alloc(1);
            assert_int_equal(memory == NULL, i == nth);
            mem_free(memory);
        }
    }
    mem_fail_at(2);
    mem_fail_at(0);
    for (int i = 0; i < 3; i++) {
        void *memory = mem_alloc(1);
        assert_non_null(memory);
        mem_free(memory);
    }
}

static void test_a_failed_grow_keeps_the_old_memory(void **state)
{
    (void)state;
    char *memory = mem_strdup("kept");
    mem_fail_at(1);
    assert_null(mem_grow(memory, 1000));
    assert_string_equal(memory, "kept");
    mem_free(memory);
}

static void test_array_whose_size_overflows_fails(void **state)
{
    (void)state;
    assert_null(mem_array(SIZE_MAX, 2));
    assert_null(mem_array(SIZE_MAX / 2 + 1, 2));
    assert_null(mem_array(2, SIZE_MAX / 2 + 1));
}

static void test_size_zero_gives_memory(void **state)
{
    (void)state;
    void *all[] = { mem_alloc(0), mem_zalloc(0), mem_array(0, 8), mem_dup(NULL, 0) };
    for (size_t i = 0; i < COUNT(all); i++) {
        assert_non_null(all[i]);
        mem_free(all[i]);
    }
    assert_null(mem_strdup(NULL));
}

static void test_zeroed_memory_is_zero(void **state)
{
    (void)state;
    static const uint8_t zeros[96];
    void *a = mem_zalloc(96), *b = mem_array(12, 8);
    assert_memory_equal(a, zeros, 96);
    assert_memory_equal(b, zeros, 96);
    mem_free(a);
    mem_free(b);
}

static void test_wipe_clears_exactly_its_bytes(void **state)
{
    (void)state;
    char memory[] = "secret!";
    mem_wipe(memory, 6);
    assert_memory_equal(memory, "\0\0\0\0\0\0!", 8);
    mem_wipe(NULL, 0);
    mem_free_secret(NULL, 10);
    mem_free_secret(mem_strdup("secret"), 6);
}

static void test_equal_secret_compares_every_byte(void **state)
{
    (void)state;
    char a[64], b[64];
    memset(a, 'x', sizeof a);
    memset(b, 'x', sizeof b);
    assert_true(mem_equal_secret(a, b, sizeof a));
    assert_true(mem_equal_secret(a, b, 0));
    for (size_t i = 0; i < sizeof a; i++) {
        for (int bit = 0; bit < 8; bit++) {
            b[i] = (char)(b[i] ^ 1 << bit);
            assert_false(mem_equal_secret(a, b, sizeof a));
            assert_true(mem_equal_secret(a, b, i));
            b[i] = 'x';
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allocations_are_counted),
        cmocka_unit_test(test_only_the_nth_allocation_fails),
        cmocka_unit_test(test_a_failed_grow_keeps_the_old_memory),
        cmocka_unit_test(test_array_whose_size_overflows_fails),
        cmocka_unit_test(test_size_zero_gives_memory),
        cmocka_unit_test(test_zeroed_memory_is_zero),
        cmocka_unit_test(test_wipe_clears_exactly_its_bytes),
        cmocka_unit_test(test_equal_secret_compares_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
