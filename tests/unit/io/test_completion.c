/* The contract of completions: see io/completion.h, whose numbers stand at the tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "io/completion.h"
#include "io/last_error.h"
#include "io/loop.h"
#include "io/task.h"
#include "io/timer.h"

#include <cmocka.h>

/* Work that somebody does for a waiter: a timer completes it. */
struct work {
    struct completion done;
    struct timer *timer;
    unsigned cancels;
    int cancel_code;
};

static void work_done(void *user)
{
    struct work *work = user;
    completion_complete(&work->done, 7);
}

static void cancel_later(struct completion *c, int code)
{
    struct work *work = c->user;
    work->cancels++;
    work->cancel_code = code;
    timer_at(work->timer, loop_now_ms(c->loop) + 1);
}

static void cancel_at_once(struct completion *c, int code)
{
    struct work *work = c->user;
    work->cancels++;
    completion_complete(c, code);
}

static void start(struct work *work, void (*cancel)(struct completion *c, int code), uint64_t after_ms)
{
    *work = (struct work){ .cancels = 0 };
    completion_init(&work->done, cancel, work);
    work->timer = timer_new(work->done.loop, work_done, work);
    timer_at(work->timer, after_ms != 0 ? loop_now_ms(work->done.loop) + after_ms : UINT64_MAX);
}

static int setup(void **state)
{
    (void)state;
    return completion_can_wait();
}

/* 1: the first completion counts. */
static void test_completing_twice_does_nothing(void **state)
{
    (void)state;
    struct completion c;
    completion_init(&c, NULL, NULL);
    completion_complete(&c, 3);
    completion_complete(&c, 4);
    assert_int_equal(completion_wait(&c), 3);
    assert_int_equal(completion_wait_for(&c, 1), 3);
}

/* 2: it may be complete before anybody waits; otherwise the loop completes it. */
static void test_wait_ends_with_the_result(void **state)
{
    (void)state;
    struct work work;
    start(&work, NULL, 1);
    assert_int_equal(completion_wait(&work.done), 7);
    timer_free(work.timer);
}

struct order {
    struct completion done;
    bool completing;
};

static int wait_in_task(void *arg)
{
    struct order *order = arg;
    completion_init(&order->done, NULL, NULL);
    int rc = completion_wait(&order->done);
    assert_false(order->completing);
    return rc;
}

/* 2: the waiter goes on later, never inside completion_complete. */
static void test_waiter_does_not_run_inside_complete(void **state)
{
    (void)state;
    struct order order = { .completing = false };
    sshio_task *task;
    int result;
    assert_int_equal(sshio_spawn(wait_in_task, &order, &task), 0);
    assert_int_equal(sshio_sleep(0), 0);
    order.completing = true;
    completion_complete(&order.done, 9);
    order.completing = false;
    assert_int_equal(sshio_join(task, &result), 0);
    assert_int_equal(result, 9);
}

/* 3: cancel is called once, and the wait lasts until the work is really over. */
static void test_deadline_waits_for_the_one_who_works(void **state)
{
    (void)state;
    struct work work;
    start(&work, cancel_later, 0);
    assert_int_equal(completion_wait_for(&work.done, 0.001), 7);
    assert_int_equal(work.cancels, 1);
    assert_int_equal(work.cancel_code, SSHIO_ETIMEDOUT);
    timer_free(work.timer);
}

static void test_deadline_ends_the_wait(void **state)
{
    (void)state;
    struct work work;
    start(&work, cancel_at_once, 0);
    assert_int_equal(completion_wait_for(&work.done, 0.001), SSHIO_ETIMEDOUT);
    assert_int_equal(work.cancels, 1);
    assert_int_equal(sshio_error_last()->code, SSHIO_ETIMEDOUT);
    timer_free(work.timer);
}

static void test_deadline_that_is_not_reached_has_no_effect(void **state)
{
    (void)state;
    struct work work;
    start(&work, cancel_at_once, 1);
    assert_int_equal(completion_wait_for(&work.done, 100), 7);
    assert_int_equal(work.cancels, 0);
    timer_free(work.timer);
}

/* The deadline's timer cannot be had: the work is called off all the same. */
static void test_deadline_without_memory_cancels(void **state)
{
    (void)state;
    struct work work;
    start(&work, cancel_at_once, 0);
    mem_fail_at(1);
    assert_int_equal(completion_wait_for(&work.done, 1), SSHIO_ENOMEM);
    mem_fail_at(0);
    assert_int_equal(work.cancels, 1);
    timer_free(work.timer);
}

static int wait_in_list(void *arg)
{
    return waiters_wait(arg);
}

static void test_waiters_are_woken_together(void **state)
{
    (void)state;
    struct waiters waiters;
    sshio_task *tasks[3];
    int result;
    waiters_init(&waiters);
    for (int i = 0; i < 3; i++)
        assert_int_equal(sshio_spawn(wait_in_list, &waiters, &tasks[i]), 0);
    assert_int_equal(sshio_sleep(0), 0);
    waiters_wake(&waiters, SSHIO_ECLOSED);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sshio_join(tasks[i], &result), 0);
        assert_int_equal(result, SSHIO_ECLOSED);
    }
}

/* 4: one that is cancelled is off the list, and the others are still on it. */
static void test_cancelled_waiter_unlinks_itself(void **state)
{
    (void)state;
    struct waiters waiters;
    sshio_task *tasks[2];
    int result;
    waiters_init(&waiters);
    for (int i = 0; i < 2; i++)
        assert_int_equal(sshio_spawn(wait_in_list, &waiters, &tasks[i]), 0);
    assert_int_equal(sshio_sleep(0), 0);
    sshio_cancel(tasks[0]);
    assert_int_equal(sshio_join(tasks[0], &result), 0);
    assert_int_equal(result, SSHIO_ECANCELED);
    assert_false(list_empty(&waiters.list));
    waiters_wake(&waiters, 0);
    assert_int_equal(sshio_join(tasks[1], &result), 0);
    assert_int_equal(result, 0);
    assert_true(list_empty(&waiters.list));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_completing_twice_does_nothing),
        cmocka_unit_test(test_wait_ends_with_the_result),
        cmocka_unit_test(test_waiter_does_not_run_inside_complete),
        cmocka_unit_test(test_deadline_waits_for_the_one_who_works),
        cmocka_unit_test(test_deadline_ends_the_wait),
        cmocka_unit_test(test_deadline_that_is_not_reached_has_no_effect),
        cmocka_unit_test(test_deadline_without_memory_cancels),
        cmocka_unit_test(test_waiters_are_woken_together),
        cmocka_unit_test(test_cancelled_waiter_unlinks_itself),
    };
    return cmocka_run_group_tests_name("completion", tests, setup, NULL);
}
