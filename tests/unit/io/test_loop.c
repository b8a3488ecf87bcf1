/* The loop of a thread: the order of a turn, attached loops, posting, objects, the end of a thread.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "io/completion.h"
#include "io/last_error.h"
#include "io/loop.h"
#include "io/task.h"
#include "io/timer.h"

#include <cmocka.h>

/* ---- the order of a turn ---- */

static char trace[64];

static void add_trace(char c)
{
    size_t len = strlen(trace);
    assert_true(len + 1 < sizeof trace);
    trace[len] = c;
    trace[len + 1] = '\0';
}

static struct turn_hook hook;
static struct deferred later;

static void trace_hook(struct turn_hook *h)
{
    assert_false(list_linked(&h->link));
    add_trace('h');
}

static void trace_deferred(struct deferred *d)
{
    (void)d;
    add_trace('d');
    turn_hook_schedule(loop_current(), &hook);
}

static int trace_task(void *arg)
{
    sshio_event *event = arg;
    add_trace('t');
    turn_hook_schedule(loop_current(), &hook);
    turn_hook_schedule(loop_current(), &hook);
    sshio_event_set(event);
    return 0;
}

static int trace_waiter(void *arg)
{
    add_trace('w');
    int rc = sshio_event_wait(arg);
    add_trace('W');
    loop_defer(loop_current(), &later);
    loop_defer(loop_current(), &later);
    return rc;
}

static void test_hooks_run_once_after_all_that_is_ready(void **state)
{
    (void)state;
    sshio_event *event;
    sshio_task *waiter;
    int result;
    trace[0] = '\0';
    turn_hook_init(&hook, trace_hook);
    deferred_init(&later, trace_deferred);
    assert_int_equal(sshio_event_new(&event), 0);
    assert_int_equal(sshio_spawn(trace_waiter, event, &waiter), 0);
    assert_int_equal(sshio_spawn(trace_task, event, NULL), 0);
    assert_int_equal(sshio_join(waiter, &result), 0);
    assert_int_equal(sshio_sleep(0), 0);
    assert_string_equal(trace, "wtWdh");
    sshio_event_free(event);
}

static void test_cancelled_hook_does_not_run(void **state)
{
    (void)state;
    trace[0] = '\0';
    turn_hook_init(&hook, trace_hook);
    deferred_init(&later, trace_deferred);
    turn_hook_schedule(loop_current(), &hook);
    loop_defer(loop_current(), &later);
    turn_hook_cancel(&hook);
    deferred_cancel(&later);
    assert_int_equal(sshio_sleep(0), 0);
    assert_string_equal(trace, "");
}

/* Tasks that keep each other busy do not starve the rest of the loop. */
static bool stop_playing;

static int play(void *arg)
{
    sshio_event **events = arg;
    while (!stop_playing) {
        sshio_event_clear(events[0]);
        sshio_event_set(events[1]);
        int rc = sshio_event_wait(events[0]);
        if (rc != 0)
            return rc;
    }
    sshio_event_set(events[1]);
    return 0;
}

static void test_busy_tasks_do_not_starve_timers(void **state)
{
    (void)state;
    sshio_event *ball[3];
    sshio_task *a, *b;
    int result;
    assert_int_equal(sshio_event_new(&ball[0]), 0);
    assert_int_equal(sshio_event_new(&ball[1]), 0);
    ball[2] = ball[0];
    stop_playing = false;
    assert_int_equal(sshio_spawn(play, &ball[0], &a), 0);
    assert_int_equal(sshio_spawn(play, &ball[1], &b), 0);
    assert_int_equal(sshio_sleep(0.001), 0);
    stop_playing = true;
    assert_int_equal(sshio_join(a, &result), 0);
    assert_int_equal(sshio_join(b, &result), 0);
    sshio_event_free(ball[0]);
    sshio_event_free(ball[1]);
}

/* ---- callbacks may not wait ---- */

static void try_to_wait(void *arg)
{
    bool *done = arg;
    assert_int_equal(sshio_sleep(0), SSHIO_ENOTASK);
    assert_non_null(strstr(sshio_error_message(), "sshio_spawn"));
    assert_int_equal(sshio_with_timeout(1, NULL, NULL), SSHIO_EINVAL);
    assert_int_equal(sshio_run_forever(), SSHIO_EINVAL);
    *done = true;
}

static void test_waiting_in_a_callback_fails(void **state)
{
    (void)state;
    bool done = false;
    struct timer *timer = timer_new(loop_current(), try_to_wait, &done);
    timer_at(timer, loop_now_ms(loop_current()));
    assert_int_equal(loop_run_until(loop_current(), &done), 0);
    timer_free(timer);
}

/* A timer that makes itself due again whenever it fires leaves room for everything else. */
struct restless {
    struct timer *timer;
    int fired;
};

static void fire_again(void *arg)
{
    struct restless *r = arg;
    r->fired++;
    timer_at(r->timer, 0);
}

static void test_timer_that_is_always_due_does_not_hold_the_loop(void **state)
{
    (void)state;
    struct restless r = { .fired = 0 };
    r.timer = timer_new(loop_current(), fire_again, &r);
    timer_at(r.timer, 0);
    assert_int_equal(sshio_sleep(0.003), 0);
    assert_true(r.fired >= 1);
    timer_free(r.timer);
}

/* ---- posting ---- */

static void stop_loop(void *arg)
{
    (*(int *)arg)++;
    sshio_stop();
}

static void *post_from_thread(void *arg)
{
    assert_int_equal(sshio_post(NULL, stop_loop, arg), 0);
    return NULL;
}

static void test_other_threads_post_to_the_main_loop(void **state)
{
    (void)state;
    int calls = 0;
    pthread_t thread;
    assert_non_null(loop_current());
    assert_int_equal(pthread_create(&thread, NULL, post_from_thread, &calls), 0);
    assert_int_equal(sshio_run_forever(), 0);
    pthread_join(thread, NULL);
    assert_int_equal(calls, 1);
    uv_loop_t unknown;
    assert_int_equal(sshio_post(&unknown, stop_loop, &calls), SSHIO_EINVAL);
    assert_int_equal(sshio_post(NULL, NULL, NULL), SSHIO_EINVAL);
}

/* ---- attached loops ---- */

static int sleep_and_stop(void *arg)
{
    int rc = sshio_sleep(0.001);
    *(int *)arg = rc == 0 ? 1 : -1;
    return rc;
}

static void spawn_in_callback(uv_timer_t *timer)
{
    assert_int_equal(sshio_attach(timer->loop), 0);
    assert_int_equal(sshio_attach(timer->loop), 0); /* again is harmless */
    assert_int_equal(sshio_sleep(0), SSHIO_ENOTASK);
    assert_int_equal(sshio_spawn(sleep_and_stop, timer->data, NULL), 0);
    uv_close((uv_handle_t *)timer, NULL);
}

/* The program runs its own loop, attaches while it runs, and its uv_run ends when nothing is left.
 */
static void *live_on_a_foreign_loop(void *arg)
{
    uv_loop_t loop;
    uv_timer_t timer;
    assert_int_equal(uv_loop_init(&loop), 0);
    uv_timer_init(&loop, &timer);
    timer.data = arg;
    uv_timer_start(&timer, spawn_in_callback, 0, 0);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(*(int *)arg, 1);
    assert_int_equal(sshio_attach(NULL), SSHIO_EINVAL);
    uv_loop_t other;
    assert_int_equal(sshio_attach(&other), SSHIO_EINVAL);
    sshio_detach();
    sshio_detach();
    assert_int_equal(uv_loop_close(&loop), 0);
    return NULL;
}

static void test_tasks_live_on_an_attached_loop(void **state)
{
    (void)state;
    pthread_t thread;
    int slept = 0;
    assert_int_equal(pthread_create(&thread, NULL, live_on_a_foreign_loop, &slept), 0);
    pthread_join(thread, NULL);
    assert_int_equal(slept, 1);
}

static void note_post(void *arg)
{
    *(bool *)arg = true;
}

static void *run_posted(void *arg)
{
    uv_loop_t loop;
    bool *posted = arg;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(sshio_attach(&loop), 0);
    assert_int_equal(sshio_post(&loop, note_post, posted), 0);
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_true(*posted);
    sshio_detach();
    assert_int_equal(uv_loop_close(&loop), 0);
    return NULL;
}

static void test_post_reaches_an_attached_loop(void **state)
{
    (void)state;
    pthread_t thread;
    bool posted = false;
    assert_int_equal(pthread_create(&thread, NULL, run_posted, &posted), 0);
    pthread_join(thread, NULL);
    assert_true(posted);
}

/* ---- objects ---- */

struct object {
    struct loop_object base;
    struct timer *timer;
    unsigned asked;
    bool gone;
};

static void object_gone(void *user)
{
    struct object *object = user;
    loop_object_remove(&object->base);
    object->gone = true;
    timer_free(object->timer);
}

static void close_object(struct loop_object *base)
{
    struct object *object = LIST_ENTRY(base, struct object, base);
    object->asked++;
    timer_at(object->timer, loop_now_ms(base->loop) + 1);
}

static void open_object(struct object *object, bool keeps_running)
{
    *object = (struct object){ .base = { .close = close_object, .keeps_running = keeps_running } };
    object->timer = timer_new(loop_current(), object_gone, object);
    loop_object_add(loop_current(), &object->base);
}

static int open_both(void *arg)
{
    struct object *objects = arg;
    open_object(&objects[0], false);
    open_object(&objects[1], true);
    timer_at(objects[1].timer, loop_now_ms(loop_current()) + 2);
    return 4;
}

/* What keeps running ends by itself; the rest is closed then. */
static void test_main_waits_for_objects(void **state)
{
    (void)state;
    struct object objects[2];
    assert_int_equal(sshio_main(open_both, objects), 4);
    assert_true(objects[0].gone);
    assert_true(objects[1].gone);
    assert_int_equal(objects[0].asked, 1);
    assert_int_equal(objects[1].asked, 0);
}

static int open_and_stop(void *arg)
{
    open_object(arg, true);
    sshio_stop();
    return 0;
}

static void test_stop_ends_main_early(void **state)
{
    (void)state;
    struct object object;
    assert_int_equal(sshio_main(open_and_stop, &object), 0);
    assert_int_equal(object.asked, 1);
    assert_true(object.gone);
}

/* ---- the end of a thread ---- */

static int wait_for_ever(void *arg)
{
    sshio_event *never;
    int rc = sshio_event_new(&never);
    if (rc != 0)
        return rc;
    *(int *)arg = sshio_event_wait(never);
    for (int i = 0; i < 3; i++)
        sshio_event_wait(never);
    sshio_event_free(never);
    return 0;
}

static void *leave_much_behind(void *arg)
{
    struct object *object = malloc(sizeof *object);
    sshio_raise(SSHIO_EMAC, "left behind");
    open_object(object, true);
    assert_int_equal(sshio_spawn(wait_for_ever, arg, NULL), 0);
    assert_int_equal(sshio_sleep(0), 0);
    return object;
}

static void test_thread_end_closes_what_is_open(void **state)
{
    (void)state;
    pthread_t thread;
    void *object;
    int result = 0;
    assert_int_equal(pthread_create(&thread, NULL, leave_much_behind, &result), 0);
    pthread_join(thread, &object);
    assert_int_equal(result, SSHIO_ECANCELED);
    assert_true(((struct object *)object)->gone);
    free(object);
}

/* What closes last may close something else when it is told that it is closed: that is seen to as well. */
static void free_next(uv_handle_t *handle)
{
    timer_free(handle->data);
    free(handle);
}

static void close_chain(struct loop_object *base)
{
    struct object *object = LIST_ENTRY(base, struct object, base);
    uv_idle_t *idle = malloc(sizeof *idle);
    uv_idle_init(loop_uv(base->loop), idle);
    idle->data = object->timer;
    uv_close((uv_handle_t *)idle, free_next);
    loop_object_remove(base);
    object->gone = true;
}

static void *leave_a_chain(void *arg)
{
    struct object *object = arg;
    open_object(object, false);
    object->base.close = close_chain;
    return NULL;
}

static void test_thread_end_closes_what_others_close(void **state)
{
    (void)state;
    pthread_t thread;
    struct object object;
    assert_int_equal(pthread_create(&thread, NULL, leave_a_chain, &object), 0);
    pthread_join(thread, NULL);
    assert_true(object.gone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hooks_run_once_after_all_that_is_ready),
        cmocka_unit_test(test_cancelled_hook_does_not_run),
        cmocka_unit_test(test_busy_tasks_do_not_starve_timers),
        cmocka_unit_test(test_waiting_in_a_callback_fails),
        cmocka_unit_test(test_timer_that_is_always_due_does_not_hold_the_loop),
        cmocka_unit_test(test_other_threads_post_to_the_main_loop),
        cmocka_unit_test(test_tasks_live_on_an_attached_loop),
        cmocka_unit_test(test_post_reaches_an_attached_loop),
        cmocka_unit_test(test_main_waits_for_objects),
        cmocka_unit_test(test_stop_ends_main_early),
        cmocka_unit_test(test_thread_end_closes_what_is_open),
        cmocka_unit_test(test_thread_end_closes_what_others_close),
    };
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
