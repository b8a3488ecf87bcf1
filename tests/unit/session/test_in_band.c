/* Events among the data: their places, what they become as errors, and how many may wait. (RFC 4254 6.7, 6.9, RFC 4335)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "session/in_band.h"

static struct in_band_queue queue;

static int set_up(void **state)
{
    (void)state;
    in_band_init(&queue);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    in_band_done(&queue);
    return 0;
}

static int add_size(int width, uint64_t at)
{
    struct in_band event = { .code = SSHIO_ETERMINAL_SIZE_CHANGED, .term_size = { .width = width } };
    return in_band_add(&queue, &event, at);
}

static int add_signal(const char *name, uint64_t at)
{
    struct in_band event = { .code = SSHIO_ESIGNAL_RECEIVED, .signal = name };
    return in_band_add(&queue, &event, at);
}

static void test_events_are_raised_in_order_with_what_they_tell(void **state)
{
    (void)state;
    uint64_t at = 99;
    assert_int_equal(add_signal("INT", 5), 0);
    assert_int_equal(add_size(80, 5), 0);
    assert_int_equal(in_band_add(&queue, &(struct in_band){ .code = SSHIO_EBREAK_RECEIVED, .msec = 7 }, 6), 0);
    assert_true(in_band_first(&queue, &at));
    assert_int_equal(at, 5);
    assert_int_equal(in_band_raise(&queue), SSHIO_ESIGNAL_RECEIVED);
    assert_string_equal(sshio_error_last()->signal, "INT");
    assert_int_equal(in_band_raise(&queue), SSHIO_ETERMINAL_SIZE_CHANGED);
    assert_int_equal(sshio_error_last()->term_size.width, 80);
    assert_int_equal(in_band_raise(&queue), SSHIO_EBREAK_RECEIVED);
    assert_int_equal(sshio_error_last()->msec, 7);
    assert_true(sshio_error_is(sshio_error_last()->code, SSHIO_E_IN_BAND));
    assert_false(in_band_first(&queue, &at));
}

static void test_sizes_at_one_place_are_one(void **state)
{
    (void)state;
    assert_int_equal(add_size(1, 0), 0);
    assert_int_equal(add_size(2, 0), 0);
    assert_int_equal(queue.count, 1);
    assert_int_equal(add_size(3, 1), 0);
    assert_int_equal(queue.count, 2);
    assert_int_equal(in_band_head(&queue)->term_size.width, 2);
}

static void test_stale_sizes_give_way_before_the_limit_is_reached(void **state)
{
    (void)state;
    assert_int_equal(add_size(1, 0), 0);
    for (unsigned i = 1; i < IN_BAND_MAX; i++)
        assert_int_equal(add_signal("HUP", i), 0);
    assert_int_equal(add_size(2, 1000), 0); /* in the place of the first */
    assert_int_equal(in_band_head(&queue)->code, SSHIO_ESIGNAL_RECEIVED);
    assert_int_equal(queue.count, IN_BAND_MAX);
    assert_int_equal(add_signal("HUP", 1001), SSHIO_ELIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_events_are_raised_in_order_with_what_they_tell, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sizes_at_one_place_are_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stale_sizes_give_way_before_the_limit_is_reached, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
