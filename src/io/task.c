/* Tasks: what a coroutine runs, who waits for its end, and how it is cancelled.
 *
 * States: spawned (its start is deferred), running or suspended (in the loop's list of tasks),
 * ended (its result and last error stay until the handle is given back). Two things hold a task:
 * that it has not ended, and the handle that sshio_spawn gave out. */
#include "io/task.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "io/completion.h"
#include "io/internal.h"
#include "io/last_error.h"
#include "io/timer.h"

struct sshio_task {
    struct context context;
    struct error error;
    struct list link;      /* in the loop's tasks, until it has ended */
    struct deferred event; /* its start; later the call of done if it had ended */
    struct coroutine *coroutine;
    sshio_task_fn fn;
    void *arg;
    int result;
    unsigned refs;
    bool returned; /* fn did */
    bool ended;    /* and everybody was told */
    struct waiters joiners;
    task_done_fn started_done;
    void *started_arg;
    void (*done)(sshio_task *task, int result, void *user);
    void *done_user;
};

static _Thread_local sshio_task *running;

sshio_task *task_current(void)
{
    return running;
}

struct error *task_error_slot(sshio_task *task)
{
    return &task->error;
}

struct context *task_context(sshio_task *task)
{
    return &task->context;
}

bool task_ended(const sshio_task *task)
{
    return task->ended;
}

static void unref(sshio_task *task)
{
    if (--task->refs > 0)
        return;
    deferred_cancel(&task->event);
    error_clear(&task->error);
    mem_free(task);
}

/* ---- running ---- */

static void run(void *arg)
{
    sshio_task *task = arg;
    task->result = task->fn(task->arg);
    task->returned = true;
}

static void call_done(sshio_task *task)
{
    void (*done)(sshio_task * task, int result, void *user) = task->done;
    task->done = NULL;
    if (done != NULL)
        done(task, task->result, task->done_user);
}

/* On the loop's stack, so that what is called here may spawn and free as it likes. */
static void finish(sshio_task *task)
{
    coroutine_give(&task->context.loop->coroutines, task->coroutine);
    task->coroutine = NULL;
    list_remove(&task->link);
    task->ended = true;
    waiters_wake(&task->joiners, 0);
    if (task->started_done != NULL)
        task->started_done(task->result, task->started_arg);
    call_done(task);
    unref(task);
}

static void enter(sshio_task *task, bool first)
{
    running = task;
    if (first)
        coroutine_start(task->coroutine, run, task);
    else
        coroutine_resume(task->coroutine);
    running = NULL;
    if (task->returned)
        finish(task);
}

void task_resume(sshio_task *task)
{
    enter(task, false);
}

void task_suspend(sshio_task *task)
{
    coroutine_suspend(task->coroutine);
}

static void begin(struct deferred *event)
{
    enter(LIST_ENTRY(event, sshio_task, event), true);
}

/* ---- starting ---- */

static int refuse(struct loop *loop, struct error *e)
{
    if (errno != ENOMEM)
        return error_set_errno(e, errno, "stack of a task");
    return error_set(e, SSHIO_ELIMIT,
                     "no stack for one more task (%zu exist): the process has too many memory maps, "
                     "see vm.max_map_count, or too little memory",
                     loop->coroutines.count);
}

static int start(struct loop *loop, sshio_task_fn fn, void *arg, sshio_task **out, struct error *e)
{
    sshio_task *task = mem_zalloc(sizeof *task);
    if (task == NULL)
        return error_nomem(e);
    task->coroutine = coroutine_take(&loop->coroutines);
    if (task->coroutine == NULL) {
        mem_free(task);
        return refuse(loop, e);
    }
    context_init(&task->context, loop);
    error_init(&task->error);
    waiters_init(&task->joiners);
    task->fn = fn;
    task->arg = arg;
    task->refs = 1;
    list_append(&loop->tasks, &task->link);
    deferred_init(&task->event, begin);
    loop_defer(loop, &task->event);
    *out = task;
    return 0;
}

int task_start(struct loop *loop, sshio_task_fn fn, void *arg, task_done_fn done, sshio_task **out, struct error *e)
{
    sshio_task *task = NULL;
    int rc = start(loop, fn, arg, &task, e);
    if (rc != 0)
        return rc;
    task->started_done = done;
    task->started_arg = arg;
    if (out != NULL)
        *out = task;
    return 0;
}

int sshio_spawn(sshio_task_fn fn, void *arg, sshio_task **out)
{
    if (fn == NULL)
        return fail(SSHIO_EINVAL, "sshio_spawn: no function given");
    struct loop *loop = loop_current();
    if (loop == NULL)
        return fail(SSHIO_ENOMEM, "no loop for this thread: out of memory or descriptors");
    sshio_task *task = NULL;
    int rc = start(loop, fn, arg, &task, last_error());
    if (rc != 0)
        return rc;
    if (out != NULL) {
        task->refs++;
        *out = task;
    }
    return 0;
}

/* ---- waiting for them ---- */

/* The result of an ended task; its handle is given back and its error becomes the caller's. */
int task_collect(sshio_task *task)
{
    int result = task->result;
    if (result < 0 && error_code(&task->error) == result)
        error_move(last_error(), &task->error);
    else if (result < 0)
        fail(result, "%s", sshio_error_text(result));
    unref(task);
    return result;
}

static int await(sshio_task *task)
{
    return task->ended ? 0 : waiters_wait(&task->joiners);
}

int sshio_join(sshio_task *task, int *result)
{
    if (task == NULL || task == running)
        return fail(SSHIO_EINVAL, "sshio_join: %s", task == NULL ? "no task given" : "a task cannot join itself");
    int rc = await(task);
    if (rc != 0)
        return rc;
    int collected = task_collect(task);
    if (result != NULL)
        *result = collected;
    return 0;
}

/* Waits for all of them. An interruption cancels them and is returned when the last one has ended.
 */
static int gather(sshio_task **tasks, size_t count)
{
    int first = 0, interrupted = 0;
    for (size_t i = 0; i < count; i++) {
        int rc;
        while ((rc = await(tasks[i])) != 0) {
            interrupted = rc;
            for (size_t k = i; k < count; k++)
                sshio_cancel(tasks[k]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (first == 0 && interrupted == 0)
            first = task_collect(tasks[i]);
        else
            unref(tasks[i]);
    }
    return interrupted != 0 ? interrupted : first;
}

int sshio_gather(sshio_task_fn fn, void *items, size_t count, size_t item_size)
{
    if (fn == NULL || (items == NULL && count > 0))
        return fail(SSHIO_EINVAL, "sshio_gather: no %s given", fn == NULL ? "function" : "items");
    int rc = completion_can_wait();
    if (rc != 0)
        return rc;
    sshio_task **tasks = mem_array(count, sizeof(sshio_task *));
    if (tasks == NULL)
        return fail_nomem();
    size_t spawned = 0;
    while (spawned < count && rc == 0) {
        rc = sshio_spawn(fn, (char *)items + spawned * item_size, &tasks[spawned]);
        spawned += rc == 0;
    }
    for (size_t i = 0; rc != 0 && i < spawned; i++)
        sshio_cancel(tasks[i]);
    int gathered = gather(tasks, spawned);
    mem_free(tasks);
    return rc != 0 ? rc : gathered;
}

/* ---- the handle ---- */

void sshio_cancel(sshio_task *task)
{
    if (task != NULL && !task->returned)
        context_cancel(&task->context);
}

void tasks_cancel(struct loop *loop)
{
    LIST_EACH(node, &loop->tasks)
    sshio_cancel(LIST_ENTRY(node, sshio_task, link));
}

bool sshio_cancelled(void)
{
    return running != NULL && running->context.cancelled;
}

static void late_done(struct deferred *event)
{
    sshio_task *task = LIST_ENTRY(event, sshio_task, event);
    call_done(task);
    unref(task);
}

void sshio_task_on_done(sshio_task *task, void (*done)(sshio_task *task, int result, void *user), void *user)
{
    if (task == NULL)
        return;
    task->done = done;
    task->done_user = user;
    if (!task->ended || done == NULL || list_linked(&task->event.link))
        return;
    task->refs++; /* until it has been called */
    deferred_init(&task->event, late_done);
    loop_defer(task->context.loop, &task->event);
}

void sshio_task_unref(sshio_task *task)
{
    if (task != NULL)
        unref(task);
}

sshio_task *sshio_task_self(void)
{
    return running;
}

/* ---- time ---- */

static void scope_expired(void *user)
{
    struct scope *scope = user;
    scope->expired = true;
    context_deliver(scope->context);
}

/* The timer of a scope that ends at once would fire too late for its first wait. */
static struct timer *open_scope(struct scope *scope, struct loop *loop, double seconds)
{
    *scope = (struct scope){ .context = context_current(loop), .expired = !(seconds > 0) };
    struct timer *timer = timer_new(loop, scope_expired, scope);
    if (timer == NULL)
        return NULL;
    list_append(&scope->context->scopes, &scope->link);
    if (!scope->expired)
        timer_at(timer, deadline_after(loop, seconds));
    return timer;
}

int sshio_with_timeout(double seconds, sshio_task_fn fn, void *arg)
{
    if (fn == NULL)
        return fail(SSHIO_EINVAL, "sshio_with_timeout: no function given");
    int rc = completion_can_wait();
    if (rc != 0)
        return rc;
    if (seconds == SSHIO_NEVER)
        return fn(arg);
    struct scope scope;
    struct timer *timer = open_scope(&scope, loop_current(), seconds);
    if (timer == NULL)
        return fail_nomem();
    rc = fn(arg);
    list_remove(&scope.link);
    timer_free(timer);
    if (rc < 0 && scope.expired)
        return fail(SSHIO_ETIMEDOUT, "timed out after %g s", seconds);
    return rc;
}

struct sleeper {
    struct completion done;
    struct timer *timer;
};

static void awake(void *user)
{
    struct sleeper *s = user;
    completion_complete(&s->done, 0);
}

int sshio_sleep(double seconds)
{
    int rc = completion_can_wait();
    if (rc != 0)
        return rc;
    struct sleeper s;
    completion_init(&s.done, NULL, NULL);
    s.timer = timer_new(s.done.loop, awake, &s);
    if (s.timer == NULL)
        return fail_nomem();
    timer_at(s.timer, deadline_after(s.done.loop, seconds));
    rc = completion_wait(&s.done);
    timer_free(s.timer);
    return rc;
}
