/* Owned lists of texts, and the small public values that own memory. */
#include "unit.h"

#include <stdio.h>

#include <sshio/base.h>

#include "base/memory.h"
#include "base/texts.h"

static void test_an_empty_list_has_items_that_are_not_null(void **state)
{
    (void)state;
    struct texts t = { 0 };
    assert_non_null(texts_items(&t));
    assert_null(texts_items(&t)[0]);
    assert_false(texts_has(&t, "a"));
    char *joined = texts_join(&t, ", ");
    assert_string_equal(joined, "");
    mem_free(joined);
    texts_done(&t);
    texts_done(&t);
}

static void test_many_texts_are_kept_in_order_and_terminated(void **state)
{
    (void)state;
    struct texts t = { 0 };
    char expected[16];
    for (int i = 0; i < 200; i++) {
        assert_true(texts_addf(&t, "text %d", i));
        assert_null(t.items[t.count]);
    }
    for (int i = 0; i < 200; i++) {
        snprintf(expected, sizeof expected, "text %d", i);
        assert_string_equal(texts_items(&t)[i], expected);
        assert_true(texts_has(&t, expected));
    }
    assert_false(texts_has(&t, "text"));
    texts_done(&t);
    assert_int_equal(t.count, 0);
}

static void test_texts_are_copied_by_length(void **state)
{
    (void)state;
    struct texts t = { 0 };
    assert_true(texts_add_len(&t, "abcdef", 3));
    assert_true(texts_add_len(&t, NULL, 0));
    assert_true(texts_add(&t, t.items[0]));
    assert_string_equal(t.items[0], "abc");
    assert_string_equal(t.items[1], "");
    char *joined = texts_join(&t, "--");
    assert_string_equal(joined, "abc----abc");
    mem_free(joined);
    texts_done(&t);
}

static void test_copy_replaces_and_may_copy_itself(void **state)
{
    (void)state;
    static const char *const items[] = { "one", "two", NULL };
    struct texts t = { 0 };
    assert_true(texts_add(&t, "old"));
    assert_true(texts_copy(&t, items));
    assert_int_equal(t.count, 2);
    assert_true(texts_copy(&t, texts_items(&t)));
    assert_string_equal(t.items[1], "two");
    assert_true(texts_copy(&t, NULL));
    assert_int_equal(t.count, 0);
    texts_done(&t);
}

/* Whichever allocation fails, the list is what it was and nothing leaks. */
static void test_out_of_memory_changes_nothing(void **state)
{
    (void)state;
    static const char *const items[] = { "a", "b", "c", "d", "e", NULL };
    struct texts t = { 0 };
    assert_true(texts_add(&t, "old"));
    for (unsigned nth = 1;; nth++) {
        mem_fail_at(nth);
        if (texts_copy(&t, items))
            break;
        assert_int_equal(t.count, 1);
        assert_string_equal(t.items[0], "old");
    }
    mem_fail_at(0);
    size_t count = t.count;
    mem_fail_at(1);
    assert_false(texts_addf(&t, "%d", 1));
    mem_fail_at(1);
    assert_false(texts_add_len(&t, "x", 1));
    mem_fail_at(1);
    assert_null(texts_join(&t, ","));
    assert_int_equal(t.count, count);
    texts_done(&t);
}

static void test_public_values_may_be_freed_twice_and_as_null(void **state)
{
    (void)state;
    sshio_bytes bytes = { mem_strdup("abc"), 3 };
    struct texts t = { 0 };
    texts_add(&t, "a");
    sshio_texts texts = { t.count, t.items };
    sshio_addresses addresses = { 1, mem_zalloc(sizeof(sshio_address)) };
    addresses.items[0].host = mem_strdup("::1");
    for (int i = 0; i < 2; i++) {
        sshio_bytes_free(&bytes);
        sshio_texts_free(&texts);
        sshio_addresses_free(&addresses);
    }
    assert_null(bytes.data);
    assert_null(texts.items);
    assert_int_equal(addresses.count, 0);
    sshio_bytes_free(NULL);
    sshio_texts_free(NULL);
    sshio_addresses_free(NULL);
    sshio_free(NULL);
    sshio_free(mem_strdup("x"));
}

static void test_names_are_set_replaced_and_unset(void **state)
{
    (void)state;
    struct texts t = { 0 };
    assert_null(texts_value(&t, "A"));
    texts_unset(&t, "A");
    assert_true(texts_set(&t, "A", 1, "1", 1));
    assert_true(texts_set(&t, "AB", 2, "", 0));
    assert_true(texts_set(&t, "A", 1, "2=2", 3));
    assert_int_equal(t.count, 2);
    assert_string_equal(t.items[0], "A=2=2");
    assert_string_equal(texts_value(&t, "AB"), "");
    assert_null(texts_value(&t, "B"));
    texts_unset(&t, "A");
    assert_int_equal(t.count, 1);
    assert_string_equal(t.items[0], "AB=");
    assert_null(t.items[1]);
    mem_fail_at(1);
    assert_false(texts_set(&t, "AB", 2, "x", 1));
    assert_string_equal(t.items[0], "AB=");
    texts_done(&t);
}

static void test_version_has_three_numbers(void **state)
{
    (void)state;
    int major, minor, patch;
    assert_int_equal(sscanf(sshio_version(), "%d.%d.%d", &major, &minor, &patch), 3);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_list_has_items_that_are_not_null),
        cmocka_unit_test(test_many_texts_are_kept_in_order_and_terminated),
        cmocka_unit_test(test_texts_are_copied_by_length),
        cmocka_unit_test(test_copy_replaces_and_may_copy_itself),
        cmocka_unit_test(test_out_of_memory_changes_nothing),
        cmocka_unit_test(test_public_values_may_be_freed_twice_and_as_null),
        cmocka_unit_test(test_names_are_set_replaced_and_unset),
        cmocka_unit_test(test_version_has_three_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
