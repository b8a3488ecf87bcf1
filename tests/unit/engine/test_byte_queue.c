/* The queue of waiting bytes: order, types, marks, blocks given back, and nothing allocated once it is warm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/pool.h"
#include "engine/byte_queue.h"

#define BLOCK 256u

static struct pool pool;
static struct byte_queue queue;

static int set_up(void **state)
{
    (void)state;
    pool_init(&pool, BLOCK, 4);
    byte_queue_init(&queue, &pool);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    byte_queue_done(&queue);
    pool_done(&pool);
    return 0;
}

static void assert_head(uint8_t type, const char *text)
{
    uint8_t found;
    struct span data;
    assert_true(byte_queue_head(&queue, &found, &data));
    assert_int_equal(found, type);
    assert_int_equal(data.len, strlen(text));
    assert_memory_equal(data.data, text, data.len);
}

static void test_byte_queue_new_is_empty(void **state)
{
    (void)state;
    uint8_t type;
    struct span data;
    assert_true(byte_queue_is_empty(&queue));
    assert_false(byte_queue_head(&queue, &type, &data));
    assert_int_equal(queue.len, 0);
}

static void test_byte_queue_joins_neighbours_of_one_type(void **state)
{
    (void)state;
    assert_true(byte_queue_add(&queue, 0, "ab", 2));
    assert_true(byte_queue_add(&queue, 0, "cd", 2));
    assert_true(byte_queue_add(&queue, 1, "e", 1));
    assert_true(byte_queue_add(&queue, 0, "f", 1));
    assert_int_equal(queue.len, 6);
    assert_head(0, "abcd");
    byte_queue_take(&queue, 4);
    assert_head(1, "e");
    byte_queue_take(&queue, 1);
    assert_head(0, "f");
    byte_queue_take(&queue, 1);
    assert_true(byte_queue_is_empty(&queue));
}

static void test_byte_queue_part_taken_leaves_the_rest(void **state)
{
    (void)state;
    const char *left[] = { "abcdef", "bcdef", "def", "f" };
    const size_t taken[] = { 1, 2, 2, 1 };
    assert_true(byte_queue_add(&queue, 7, "abcdef", 6));
    for (size_t i = 0; i < 4; i++) {
        assert_head(7, left[i]);
        byte_queue_take(&queue, taken[i]);
    }
    assert_true(byte_queue_is_empty(&queue));
}

static void test_byte_queue_joins_an_entry_that_was_begun(void **state)
{
    (void)state;
    assert_true(byte_queue_add(&queue, 0, "abc", 3));
    byte_queue_take(&queue, 1);
    assert_true(byte_queue_add(&queue, 0, "d", 1));
    assert_head(0, "bcd");
}

static void test_byte_queue_mark_keeps_its_place(void **state)
{
    (void)state;
    assert_true(byte_queue_add(&queue, 0, "a", 1));
    assert_true(byte_queue_add_mark(&queue));
    assert_true(byte_queue_add_mark(&queue));
    assert_true(byte_queue_add(&queue, 0, "b", 1));
    assert_int_equal(queue.len, 2);
    assert_head(0, "a");
    byte_queue_take(&queue, 1);
    assert_head(BYTE_QUEUE_MARK, "");
    byte_queue_take(&queue, 0);
    assert_head(BYTE_QUEUE_MARK, "");
    byte_queue_take(&queue, 0);
    assert_head(0, "b");
}

static void test_byte_queue_empty_gives_its_blocks_back(void **state)
{
    (void)state;
    uint8_t data[3 * BLOCK] = { 0 };
    assert_true(byte_queue_add(&queue, 0, data, sizeof data));
    uint8_t type;
    struct span head;
    while (byte_queue_head(&queue, &type, &head))
        byte_queue_take(&queue, head.len);
    assert_null(queue.first);
    assert_null(queue.last);
    assert_int_equal(pool.free_count, 4);
}

static void test_byte_queue_out_of_memory_adds_nothing(void **state)
{
    (void)state;
    uint8_t data[4 * BLOCK];
    memset(data, 'x', sizeof data);
    assert_true(byte_queue_add(&queue, 0, "a", 1));
    for (uint64_t nth = 1; nth <= 4; nth++) {
        mem_fail_at(nth);
        assert_false(byte_queue_add(&queue, 0, data, sizeof data));
        mem_fail_at(0);
        while (pool.free != NULL)
            mem_free(pool_take(&pool));
        assert_int_equal(queue.len, 1);
        assert_head(0, "a");
    }
}

static void test_byte_queue_warm_allocates_nothing(void **state)
{
    (void)state;
    uint8_t data[100] = { 0 };
    uint64_t before = 0;
    for (int round = 0; round < 1000; round++) {
        if (round == 10)
            before = mem_allocations();
        for (uint8_t i = 0; i < 5; i++)
            assert_true(byte_queue_add(&queue, i, data, sizeof data));
        uint8_t type;
        struct span head;
        while (byte_queue_head(&queue, &type, &head))
            byte_queue_take(&queue, head.len < 33 ? head.len : 33);
    }
    assert_int_equal(mem_allocations(), before);
}

/* ---- against a model: each octet with its type in one long array ---- */

#define MODEL_MAX 8192u

struct model {
    uint8_t types[MODEL_MAX];
    uint8_t bytes[MODEL_MAX];
    size_t head, tail;
};

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void model_add(struct model *m, uint8_t type, const uint8_t *data, size_t len)
{
    memset(m->types + m->tail, type, len);
    memcpy(m->bytes + m->tail, data, len);
    m->tail += len;
}

static void add_some(struct model *m, uint32_t *seed)
{
    uint8_t data[600];
    size_t len = next_random(seed) % (next_random(seed) % 4 == 0 ? sizeof data : 20);
    uint8_t type = (uint8_t)(next_random(seed) % 3);
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)next_random(seed);
    if (type == 2) {
        assert_true(byte_queue_add_mark(&queue));
        model_add(m, BYTE_QUEUE_MARK, data, 1);
    } else {
        assert_true(byte_queue_add(&queue, type, data, len));
        model_add(m, type, data, len);
    }
}

static void take_some(struct model *m, uint32_t *seed)
{
    uint8_t type;
    struct span head;
    if (!byte_queue_head(&queue, &type, &head)) {
        assert_int_equal(m->head, m->tail);
        return;
    }
    assert_int_equal(type, m->types[m->head]);
    if (type == BYTE_QUEUE_MARK) {
        byte_queue_take(&queue, 0);
        m->head++;
        return;
    }
    size_t len = next_random(seed) % head.len + 1;
    for (size_t i = 0; i < len; i++)
        assert_int_equal(m->types[m->head + i], type);
    assert_memory_equal(head.data, m->bytes + m->head, len);
    byte_queue_take(&queue, len);
    m->head += len;
}

static void test_byte_queue_does_as_a_plain_array(void **state)
{
    (void)state;
    static struct model m;
    for (uint32_t seed = 1; seed <= 200; seed++) {
        uint32_t random = seed;
        m.head = m.tail = 0;
        while (m.tail < MODEL_MAX - 600) {
            if (next_random(&random) % 2 == 0)
                add_some(&m, &random);
            else
                take_some(&m, &random);
        }
        while (!byte_queue_is_empty(&queue))
            take_some(&m, &random);
        assert_int_equal(m.head, m.tail);
        assert_int_equal(queue.len, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_byte_queue_new_is_empty, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_byte_queue_joins_neighbours_of_one_type, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_byte_queue_part_taken_leaves_the_rest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_byte_queue_joins_an_entry_that_was_begun, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_byte_queue_mark_keeps_its_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_byte_queue_empty_gives_its_blocks_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_byte_queue_out_of_memory_adds_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_byte_queue_warm_allocates_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_byte_queue_does_as_a_plain_array, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("byte_queue", tests, NULL, NULL);
}
