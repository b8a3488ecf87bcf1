/* Tasks: switching, spawning, joining, cancelling, deadlines, events, sleeping. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <sshio/base.h>

#include "base/memory.h"
#include "io/completion.h"
#include "io/coroutine.h"
#include "io/last_error.h"
#include "io/loop.h"
#include "io/task.h"

#include <cmocka.h> /* last: it has a macro called fail */

/* ---- switching ---- */

struct counter {
    struct coroutine *co;
    int count;
    bool ended;
};

static void count_for_ever(void *arg)
{
    struct counter *c = arg;
    for (c->count = 0; c->count < 10000; c->count++)
        coroutine_suspend(c->co);
    c->ended = true;
}

static void test_coroutine_survives_10000_switches(void **state)
{
    (void)state;
    struct coroutine_pool pool;
    coroutine_pool_init(&pool);
    struct counter c = { coroutine_take(&pool), 0, false };
    assert_non_null(c.co);
    int resumed = 0;
    for (coroutine_start(c.co, count_for_ever, &c); !c.ended; coroutine_resume(c.co))
        assert_int_equal(c.count, resumed++);
    assert_int_equal(c.count, 10000);
    coroutine_give(&pool, c.co);
    assert_ptr_equal(coroutine_take(&pool), c.co);
    coroutine_start(c.co, count_for_ever, &c);
    assert_int_equal(c.count, 0);
    coroutine_discard(&pool, c.co);
    assert_int_equal(pool.count, 0);
    coroutine_pool_done(&pool);
}

static int switches;

static int yield_often(void *arg)
{
    sshio_event *event = arg;
    for (int i = 0; i < 100; i++) {
        sshio_event_clear(event);
        if (sshio_event_wait(event) != 0)
            return -1;
        switches++;
    }
    return 0;
}

static int set_often(void *arg)
{
    sshio_event **events = arg;
    for (int i = 0; i < 100; i++) {
        for (int k = 0; k < 100; k++)
            sshio_event_set(events[k]);
        if (sshio_sleep(0) != 0)
            return -1;
    }
    return 0;
}

static void test_100_tasks_switch_100_times(void **state)
{
    (void)state;
    sshio_event *events[100];
    sshio_task *tasks[100], *setter;
    int result;
    switches = 0;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(sshio_event_new(&events[i]), 0);
        assert_int_equal(sshio_spawn(yield_often, events[i], &tasks[i]), 0);
    }
    assert_int_equal(sshio_spawn(set_often, events, &setter), 0);
    assert_int_equal(sshio_join(setter, &result), 0);
    assert_int_equal(result, 0);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(sshio_join(tasks[i], &result), 0);
        assert_int_equal(result, 0);
        sshio_event_free(events[i]);
    }
    assert_int_equal(switches, 10000);
}

/* Its frame reaches far below what is kept warm; the pages go back when the stack is parked. */
static int go_deep(void *arg)
{
    volatile char room[100 * 1024];
    for (size_t i = 0; i < sizeof room; i += 512)
        room[i] = 1;
    *(uintptr_t *)arg = (uintptr_t)room & ~(uintptr_t)4095;
    return room[2048] - 1;
}

static void test_deep_stack_is_trimmed(void **state)
{
    (void)state;
    uintptr_t deepest = 0;
    sshio_task *task;
    int result = -1;
    assert_int_equal(sshio_spawn(go_deep, &deepest, &task), 0);
    assert_int_equal(sshio_join(task, &result), 0);
    assert_int_equal(result, 0);
    unsigned char resident[4] = { 1, 1, 1, 1 };
    assert_int_equal(mincore((void *)(deepest + 4096), 4 * 4096, resident), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(resident[i] & 1, 0);
}

/* ---- spawning and joining ---- */

static int give_back(void *arg)
{
    return *(int *)arg;
}

static int fail_with_text(void *arg)
{
    return sshio_raise(SSHIO_EPROCESS, "the %s failed", (const char *)arg);
}

static void test_join_gives_result_and_error(void **state)
{
    (void)state;
    int value = 42, result;
    sshio_task *task;
    assert_int_equal(sshio_spawn(give_back, &value, &task), 0);
    assert_int_equal(sshio_join(task, &result), 0);
    assert_int_equal(result, 42);
    assert_int_equal(sshio_spawn(fail_with_text, "pump", &task), 0);
    assert_int_equal(sshio_join(task, &result), 0);
    assert_int_equal(result, SSHIO_EPROCESS);
    assert_string_equal(sshio_error_message(), "the pump failed");
    assert_int_equal(sshio_error_last()->code, SSHIO_EPROCESS);
}

static int join_another(void *arg)
{
    int result;
    int rc = sshio_join(arg, &result);
    return rc != 0 ? rc : result + 1;
}

static void test_task_joins_task(void **state)
{
    (void)state;
    int value = 1, result;
    sshio_task *inner, *outer;
    assert_int_equal(sshio_spawn(give_back, &value, &inner), 0);
    assert_int_equal(sshio_spawn(join_another, inner, &outer), 0);
    assert_int_equal(sshio_join(outer, &result), 0);
    assert_int_equal(result, 2);
    assert_int_equal(sshio_join(NULL, NULL), SSHIO_EINVAL);
    assert_int_equal(sshio_spawn(NULL, NULL, NULL), SSHIO_EINVAL);
}

static int join_myself(void *arg)
{
    (void)arg;
    assert_non_null(sshio_task_self());
    return sshio_join(sshio_task_self(), NULL);
}

static void test_main_returns_result_of_its_task(void **state)
{
    (void)state;
    int value = 7;
    assert_null(sshio_task_self());
    assert_int_equal(sshio_main(give_back, &value), 7);
    assert_int_equal(sshio_main(fail_with_text, "valve"), SSHIO_EPROCESS);
    assert_string_equal(sshio_error_message(), "the valve failed");
    assert_int_equal(sshio_main(join_myself, NULL), SSHIO_EINVAL);
}

static int run_main(void *arg)
{
    assert_int_equal(sshio_run_forever(), SSHIO_EINVAL);
    return sshio_main(give_back, arg);
}

static void test_main_in_a_task_fails(void **state)
{
    (void)state;
    assert_int_equal(sshio_main(run_main, NULL), SSHIO_EINVAL);
}

static int wait_for_event(void *arg)
{
    return sshio_event_wait(arg);
}

static int leave_task_behind(void *arg)
{
    return sshio_spawn(wait_for_event, arg, NULL);
}

static void test_main_cancels_tasks_left_behind(void **state)
{
    (void)state;
    sshio_event *never;
    assert_int_equal(sshio_event_new(&never), 0);
    assert_int_equal(sshio_main(leave_task_behind, never), 0);
    sshio_event_free(never);
}

/* ---- cancelling ---- */

static void test_cancel_wakes_the_waiting_call(void **state)
{
    (void)state;
    sshio_event *never;
    sshio_task *task;
    int result;
    assert_int_equal(sshio_event_new(&never), 0);
    assert_int_equal(sshio_spawn(wait_for_event, never, &task), 0);
    assert_int_equal(sshio_sleep(0), 0);
    sshio_cancel(task);
    assert_int_equal(sshio_join(task, &result), 0);
    assert_int_equal(result, SSHIO_ECANCELED);
    assert_string_equal(sshio_error_message(), "cancelled");
    sshio_event_free(never);
}

static int clean_up_after_cancel(void *arg)
{
    int rc = sshio_event_wait(arg);
    if (rc != SSHIO_ECANCELED || !sshio_cancelled())
        return rc;
    return sshio_sleep(0);
}

static void test_cancel_is_observed_once(void **state)
{
    (void)state;
    sshio_event *never;
    sshio_task *task;
    int result;
    assert_int_equal(sshio_event_new(&never), 0);
    assert_int_equal(sshio_spawn(clean_up_after_cancel, never, &task), 0);
    sshio_cancel(task); /* before it has begun: its first wait */
    assert_int_equal(sshio_join(task, &result), 0);
    assert_int_equal(result, 0);
    sshio_event_free(never);
    assert_false(sshio_cancelled());
    sshio_cancel(NULL);
}

struct slow_object {
    struct completion done;
    int code;
    bool cancelled;
};

static void note_cancel(struct completion *c, int code)
{
    struct slow_object *slow = c->user;
    slow->cancelled = true;
    slow->code = code;
}

static int wait_for_slow(void *arg)
{
    struct slow_object *slow = arg;
    completion_init(&slow->done, note_cancel, slow);
    int rc = completion_wait(&slow->done);
    return rc != 0 ? rc : sshio_sleep(0);
}

/* Whoever works on the completion may still succeed; then the next wait is the one that ends. */
static void test_cancel_that_came_too_late_ends_the_next_wait(void **state)
{
    (void)state;
    struct slow_object slow = { .code = 0 };
    sshio_task *task;
    int result;
    assert_int_equal(sshio_spawn(wait_for_slow, &slow, &task), 0);
    assert_int_equal(sshio_sleep(0), 0);
    sshio_cancel(task);
    sshio_cancel(task);
    assert_true(slow.cancelled);
    assert_int_equal(slow.code, SSHIO_ECANCELED);
    assert_int_equal(sshio_sleep(0), 0);
    completion_complete(&slow.done, 0);
    assert_int_equal(sshio_join(task, &result), 0);
    assert_int_equal(result, SSHIO_ECANCELED);
}

/* ---- deadlines ---- */

static int wait_and_clean_up(void *arg)
{
    int rc = sshio_event_wait(arg);
    return sshio_sleep(0) != 0 ? 1 : rc;
}

static void test_timeout_ends_a_wait_once(void **state)
{
    (void)state;
    sshio_event *never;
    assert_int_equal(sshio_event_new(&never), 0);
    assert_int_equal(sshio_with_timeout(0.001, wait_and_clean_up, never), SSHIO_ETIMEDOUT);
    assert_int_equal(sshio_with_timeout(0, wait_and_clean_up, never), SSHIO_ETIMEDOUT);
    assert_int_equal(sshio_error_last()->code, SSHIO_ETIMEDOUT);
    sshio_event_free(never);
}

static int wait_within(void *arg)
{
    return sshio_with_timeout(100, wait_for_event, arg);
}

static void test_outer_timeout_ends_inner_wait(void **state)
{
    (void)state;
    sshio_event *never;
    int value = 3;
    assert_int_equal(sshio_event_new(&never), 0);
    assert_int_equal(sshio_with_timeout(0.001, wait_within, never), SSHIO_ETIMEDOUT);
    assert_int_equal(sshio_with_timeout(100, give_back, &value), 3);
    assert_int_equal(sshio_with_timeout(SSHIO_NEVER, give_back, &value), 3);
    assert_int_equal(sshio_with_timeout(0, give_back, &value), 3);
    assert_int_equal(sshio_sleep(0), 0);
    sshio_event_free(never);
}

static void test_wait_for_reports_its_own_deadline(void **state)
{
    (void)state;
    struct waiters waiters;
    waiters_init(&waiters);
    assert_int_equal(waiters_wait_for(&waiters, 0.001), SSHIO_ETIMEDOUT);
    assert_true(list_empty(&waiters.list));
}

static void test_sleep_lasts(void **state)
{
    (void)state;
    uint64_t before = loop_now_ms(loop_current());
    assert_int_equal(sshio_sleep(0.003), 0);
    assert_true(loop_now_ms(loop_current()) >= before + 3);
}

/* ---- gathering ---- */

static int double_it(void *arg)
{
    int *item = arg;
    int rc = sshio_sleep(0);
    *item *= 2;
    return rc;
}

static int fail_if_negative(void *arg)
{
    int item = *(int *)arg;
    return item < 0 ? sshio_raise(item, "item %d", item) : 0;
}

static void test_gather_runs_all(void **state)
{
    (void)state;
    int items[] = { 1, 2, 3, 4, 5 };
    assert_int_equal(sshio_gather(double_it, items, 5, sizeof items[0]), 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(items[i], 2 * (i + 1));
    int codes[] = { 0, SSHIO_EMAC, SSHIO_EEOF };
    assert_int_equal(sshio_gather(fail_if_negative, codes, 3, sizeof codes[0]), SSHIO_EMAC);
    assert_string_equal(sshio_error_message(), "item -105");
    assert_int_equal(sshio_gather(double_it, NULL, 0, 1), 0);
    assert_int_equal(sshio_gather(double_it, NULL, 1, 1), SSHIO_EINVAL);
}

static int wait_for_event_of(void *arg)
{
    return sshio_event_wait(*(sshio_event **)arg);
}

static int gather_waiting(void *arg)
{
    sshio_event *events[] = { arg, arg, arg };
    return sshio_gather(wait_for_event_of, events, 3, sizeof events[0]);
}

static void test_interrupted_gather_cancels_all(void **state)
{
    (void)state;
    sshio_event *never;
    assert_int_equal(sshio_event_new(&never), 0);
    assert_int_equal(sshio_with_timeout(0.001, gather_waiting, never), SSHIO_ETIMEDOUT);
    sshio_event_free(never);
}

/* ---- done callbacks ---- */

static void note_done(sshio_task *task, int result, void *user)
{
    (void)task;
    assert_null(sshio_task_self());
    assert_int_equal(sshio_sleep(0), SSHIO_ENOTASK);
    *(int *)user += result;
}

static void test_done_is_called_once(void **state)
{
    (void)state;
    int value = 5, sum = 0;
    sshio_task *task;
    assert_int_equal(sshio_spawn(give_back, &value, &task), 0);
    sshio_task_on_done(task, note_done, &sum);
    assert_int_equal(sshio_sleep(0), 0);
    assert_int_equal(sum, 5);
    sshio_task_on_done(task, note_done, &sum); /* it has ended already */
    sshio_task_unref(task);
    assert_int_equal(sum, 5);
    assert_int_equal(sshio_sleep(0), 0);
    assert_int_equal(sum, 10);
    sshio_task_unref(NULL);
}

/* done gets what fn got. */
static void double_when_done(int result, void *arg)
{
    assert_null(sshio_task_self());
    *(int *)arg = 2 * result;
}

static void test_started_task_frees_itself(void **state)
{
    (void)state;
    int value = 6;
    struct error e;
    error_init(&e);
    assert_int_equal(task_start(loop_current(), give_back, &value, double_when_done, NULL, &e), 0);
    assert_int_equal(value, 6);
    assert_int_equal(sshio_sleep(0), 0);
    assert_int_equal(value, 12);
}

/* ---- events ---- */

static void *set_from_thread(void *arg)
{
    sshio_event_set(arg);
    return NULL;
}

static void test_event_is_set_by_another_thread(void **state)
{
    (void)state;
    sshio_event *event;
    pthread_t thread;
    assert_int_equal(sshio_event_new(&event), 0);
    assert_int_equal(pthread_create(&thread, NULL, set_from_thread, event), 0);
    assert_int_equal(sshio_event_wait(event), 0);
    assert_int_equal(sshio_event_wait(event), 0); /* it stays set */
    pthread_join(thread, NULL);
    sshio_event_clear(event);
    sshio_event_free(event);
    sshio_event_free(NULL);
}

static void test_waiter_sees_event_that_was_cleared_at_once(void **state)
{
    (void)state;
    sshio_event *event;
    sshio_task *task;
    int result = -1;
    assert_int_equal(sshio_event_new(&event), 0);
    assert_int_equal(sshio_spawn(wait_for_event, event, &task), 0);
    assert_int_equal(sshio_sleep(0), 0);
    sshio_event_set(event);
    sshio_event_clear(event);
    assert_int_equal(sshio_join(task, &result), 0);
    assert_int_equal(result, 0);
    sshio_event_free(event);
}

/* ---- running out ---- */

static void test_spawn_reports_memory_failure(void **state)
{
    (void)state;
    int value = 1, result;
    sshio_task *task = NULL;
    mem_fail_at(1);
    assert_int_equal(sshio_spawn(give_back, &value, &task), SSHIO_ENOMEM);
    mem_fail_at(0);
    assert_null(task);
    assert_int_equal(sshio_spawn(give_back, &value, &task), 0);
    assert_int_equal(sshio_join(task, &result), 0);
    mem_fail_at(1);
    assert_int_equal(sshio_sleep(0), SSHIO_ENOMEM);
    mem_fail_at(0);
}

static void test_wait_that_nothing_can_end_fails(void **state)
{
    (void)state;
    struct waiters waiters;
    waiters_init(&waiters);
    assert_int_equal(waiters_wait(&waiters), SSHIO_EINVAL);
    assert_true(list_empty(&waiters.list));
}

/* Raising in handlers. */
static void test_raise_records_code_reason_and_texts(void **state)
{
    (void)state;
    assert_int_equal(sshio_raise_disconnect(5, "bad MAC", "de"), SSHIO_EMAC);
    assert_int_equal(sshio_error_last()->reason, 5);
    assert_string_equal(sshio_error_last()->lang, "de");
    assert_int_equal(sshio_raise_channel_open(2, "no", NULL), SSHIO_ECHANNEL_OPEN);
    assert_string_equal(sshio_error_last()->lang, "en-US");
    assert_int_equal(sshio_raise_errno(2, "open %s", "x"), SSHIO_ESYSTEM);
    assert_string_equal(sshio_error_message(), "open x: No such file or directory");
    assert_int_equal(sshio_error_last()->os_errno, 2);
    assert_int_equal(sshio_raise(0, NULL), SSHIO_EINVAL);
    assert_string_equal(sshio_error_message(), "invalid argument");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_coroutine_survives_10000_switches),
        cmocka_unit_test(test_100_tasks_switch_100_times),
        cmocka_unit_test(test_deep_stack_is_trimmed),
        cmocka_unit_test(test_join_gives_result_and_error),
        cmocka_unit_test(test_task_joins_task),
        cmocka_unit_test(test_main_returns_result_of_its_task),
        cmocka_unit_test(test_main_in_a_task_fails),
        cmocka_unit_test(test_main_cancels_tasks_left_behind),
        cmocka_unit_test(test_cancel_wakes_the_waiting_call),
        cmocka_unit_test(test_cancel_is_observed_once),
        cmocka_unit_test(test_cancel_that_came_too_late_ends_the_next_wait),
        cmocka_unit_test(test_timeout_ends_a_wait_once),
        cmocka_unit_test(test_outer_timeout_ends_inner_wait),
        cmocka_unit_test(test_wait_for_reports_its_own_deadline),
        cmocka_unit_test(test_sleep_lasts),
        cmocka_unit_test(test_gather_runs_all),
        cmocka_unit_test(test_interrupted_gather_cancels_all),
        cmocka_unit_test(test_done_is_called_once),
        cmocka_unit_test(test_started_task_frees_itself),
        cmocka_unit_test(test_event_is_set_by_another_thread),
        cmocka_unit_test(test_waiter_sees_event_that_was_cleared_at_once),
        cmocka_unit_test(test_spawn_reports_memory_failure),
        cmocka_unit_test(test_wait_that_nothing_can_end_fails),
        cmocka_unit_test(test_raise_records_code_reason_and_texts),
    };
    return cmocka_run_group_tests_name("task", tests, NULL, NULL);
}
