/* Completions, interruptions and lists of waiters; the contract stands in completion.h.
 *
 * How a wait ends: completion_complete links the object into the loop's ready list; the ready phase
 * calls completion_resume, which switches to the task or, outside tasks, ends the run of the loop.
 * An interruption asks whoever works on the object to complete it. */
#include "io/completion.h"

#include "io/internal.h"
#include "io/last_error.h"
#include "io/task.h"
#include "io/timer.h"

/* ---- contexts and interruptions ---- */

void context_init(struct context *x, struct loop *loop)
{
    *x = (struct context){ .loop = loop };
    list_init(&x->scopes);
}

struct context *context_current(struct loop *loop)
{
    sshio_task *task = task_current();
    return task != NULL ? task_context(task) : &loop->outside;
}

/* The outermost expired scope goes first: it ends more. */
static struct scope *expired_scope(struct context *x)
{
    LIST_EACH(node, &x->scopes)
    {
        struct scope *s = LIST_ENTRY(node, struct scope, link);
        if (s->expired && !s->observed)
            return s;
    }
    return NULL;
}

static void interrupt(struct completion *c, int code)
{
    void (*cancel)(struct completion * c, int code) = c->cancel;
    c->cancel = NULL;
    if (cancel != NULL)
        cancel(c, code);
    else
        completion_complete(c, code);
}

/* Each wait is interrupted at most once; what comes in between stays pending for the next one. */
static void deliver(struct context *x, int code, struct scope *scope)
{
    struct completion *c = x->waiting;
    if (c == NULL || c->complete || x->delivered != 0)
        return;
    x->delivered = code;
    x->delivered_for = scope;
    interrupt(c, code);
}

void context_deliver(struct context *x)
{
    struct scope *scope = expired_scope(x);
    if (x->cancel_pending || x->loop->ending)
        deliver(x, SSHIO_ECANCELED, NULL);
    else if (scope != NULL)
        deliver(x, SSHIO_ETIMEDOUT, scope);
}

void context_cancel(struct context *x)
{
    x->cancelled = true;
    x->cancel_pending = true;
    context_deliver(x);
}

/* A wait that could still succeed although it was interrupted leaves the interruption to the next
 * one. */
static void observe(struct context *x, int result)
{
    if (x->delivered == 0 || result != x->delivered)
        return;
    if (x->delivered == SSHIO_ECANCELED) {
        x->cancel_pending = false;
        fail(SSHIO_ECANCELED, "cancelled");
    } else if (x->delivered == SSHIO_ETIMEDOUT) {
        if (x->delivered_for != NULL)
            x->delivered_for->observed = true;
        fail(SSHIO_ETIMEDOUT, "timed out");
    }
}

/* ---- completions ---- */

static _Thread_local wait_watcher_fn watcher;

void completion_watch(wait_watcher_fn fn)
{
    watcher = fn;
}

int completion_can_wait(void)
{
    struct loop *loop = loop_current();
    if (loop == NULL)
        return fail(SSHIO_ENOMEM, "no loop for this thread: out of memory or descriptors");
    if (task_current() != NULL || !loop_is_running(loop))
        return 0;
    if (loop->attached && !loop->running)
        return fail(SSHIO_ENOTASK, "a waiting call outside tasks, on a loop that the program runs: "
                                   "use sshio_spawn and wait in the task");
    return fail(SSHIO_ENOTASK, "a waiting call in a callback: use sshio_spawn and wait in the task");
}

void completion_init(struct completion *c, void (*cancel)(struct completion *c, int code), void *user)
{
    *c = (struct completion){ .loop = loop_if_any(), .task = task_current(), .cancel = cancel, .user = user };
    list_init(&c->link);
}

void completion_complete(struct completion *c, int result)
{
    if (c->complete)
        return;
    c->complete = true;
    c->result = result;
    list_remove(&c->link);
    if (c->waiting)
        loop_ready(c->loop, c);
}

void completion_resume(struct completion *c)
{
    c->resumed = true;
    if (c->task != NULL)
        task_resume(c->task);
}

/* A wait that nothing can end any more, such as for an event that only a task waiting here would
 * set. */
static void wait_outside(struct completion *c)
{
    if (loop_run_until(c->loop, &c->resumed) == 0)
        return;
    fail(SSHIO_EINVAL, "nothing is left on this loop that could end the wait");
    interrupt(c, SSHIO_EINVAL);
    loop_run_until(c->loop, &c->resumed);
}

int completion_wait(struct completion *c)
{
    if (c->complete)
        return c->result;
    if (c->task == NULL && loop_is_running(c->loop))
        return completion_can_wait();
    struct context *x = context_current(c->loop);
    c->waiting = true;
    x->waiting = c;
    x->delivered = 0;
    if (watcher != NULL)
        watcher(c);
    context_deliver(x);
    if (c->task != NULL)
        task_suspend(c->task);
    else
        wait_outside(c);
    x->waiting = NULL;
    observe(x, c->result);
    x->delivered = 0;
    return c->result;
}

static void deadline_reached(void *user)
{
    deliver(user, SSHIO_ETIMEDOUT, NULL);
}

uint64_t deadline_after(struct loop *loop, double seconds)
{
    const double longest = 1e9;
    loop->world->refresh(loop);
    if (!(seconds > 0))
        seconds = 0;
    double ms = (seconds < longest ? seconds : longest) * 1000;
    uint64_t whole = (uint64_t)ms;
    return loop_now_ms(loop) + whole + ((double)whole < ms); /* never too early */
}

int completion_wait_for(struct completion *c, double seconds)
{
    if (c->complete || !(seconds > 0))
        return completion_wait(c);
    struct timer *timer = timer_new(c->loop, deadline_reached, context_current(c->loop));
    if (timer != NULL) {
        timer_at(timer, deadline_after(c->loop, seconds));
    } else {
        fail_nomem();
        interrupt(c, SSHIO_ENOMEM);
    }
    int result = completion_wait(c);
    timer_free(timer);
    return result;
}

/* ---- lists of waiters ---- */

void waiters_init(struct waiters *w)
{
    list_init(&w->list);
}

/* Not inline, because a compiler that sees the list and the stack together cannot see that the wait
 * unlinks. */
__attribute__((noinline)) static void enlist(struct waiters *w, struct completion *c)
{
    list_append(&w->list, &c->link);
}

int waiters_wait_for(struct waiters *w, double seconds)
{
    int rc = completion_can_wait();
    if (rc != 0)
        return rc;
    struct completion c;
    completion_init(&c, NULL, NULL);
    enlist(w, &c);
    return completion_wait_for(&c, seconds);
}

int waiters_wait(struct waiters *w)
{
    return waiters_wait_for(w, 0);
}

void waiters_wake(struct waiters *w, int result)
{
    struct list *node;
    while ((node = list_take(&w->list)) != NULL)
        completion_complete(LIST_ENTRY(node, struct completion, link), result);
}
