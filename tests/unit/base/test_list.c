/* Intrusive lists. */
#include "unit.h"

#include "base/list.h"

struct item {
    int value;
    struct list node;
};

static struct item items[5];

/* A list of the items 0 … count - 1. */
static void fill(struct list *head, int count)
{
    list_init(head);
    for (int i = 0; i < count; i++) {
        items[i].value = i;
        list_append(head, &items[i].node);
    }
}

static void assert_list(const struct list *head, const char *expected)
{
    size_t at = 0;
    LIST_EACH(node, head)
    assert_int_equal(LIST_ENTRY(node, struct item, node)->value, expected[at++] - '0');
    assert_int_equal(at, strlen(expected));
    for (const struct list *node = head->prev; node != head; node = node->prev)
        assert_int_equal(LIST_ENTRY(node, struct item, node)->value, expected[--at] - '0');
    assert_int_equal(at, 0);
}

static void test_append_and_prepend_keep_order(void **state)
{
    (void)state;
    struct list head;
    fill(&head, 3);
    assert_list(&head, "012");
    items[4].value = 4;
    list_prepend(&head, &items[4].node);
    assert_list(&head, "4012");
    items[3].value = 3;
    list_insert(&items[1].node, &items[3].node);
    assert_list(&head, "40312");
}

static void test_a_removed_node_may_be_removed_again(void **state)
{
    (void)state;
    struct list head;
    fill(&head, 3);
    list_remove(&items[1].node);
    assert_false(list_linked(&items[1].node));
    list_remove(&items[1].node);
    assert_list(&head, "02");
    assert_true(list_linked(&items[0].node));
}

static void test_take_gives_the_first_and_null_at_the_end(void **state)
{
    (void)state;
    struct list head;
    fill(&head, 2);
    assert_ptr_equal(list_take(&head), &items[0].node);
    assert_ptr_equal(list_take(&head), &items[1].node);
    assert_null(list_take(&head));
    assert_true(list_empty(&head));
}

static void test_the_current_node_may_be_removed_on_the_way(void **state)
{
    (void)state;
    struct list head;
    fill(&head, 5);
    LIST_EACH_SAFE(node, &head)
    if (LIST_ENTRY(node, struct item, node)->value % 2 == 0)
        list_remove(node);
    assert_list(&head, "13");
    LIST_EACH_SAFE(node, &head)
    list_remove(node);
    assert_list(&head, "");
}

static void test_splice_moves_all_nodes_to_the_end(void **state)
{
    (void)state;
    struct list from, to;
    fill(&from, 4);
    list_init(&to);
    list_splice(&to, &from);
    assert_list(&from, "0123");
    list_append(&to, list_take(&from));
    list_splice(&from, &to);
    assert_list(&to, "0123");
    assert_true(list_empty(&from));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append_and_prepend_keep_order),
        cmocka_unit_test(test_a_removed_node_may_be_removed_again),
        cmocka_unit_test(test_take_gives_the_first_and_null_at_the_end),
        cmocka_unit_test(test_the_current_node_may_be_removed_on_the_way),
        cmocka_unit_test(test_splice_moves_all_nodes_to_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
