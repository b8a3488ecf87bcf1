/* What the files of io share with each other and with nobody else: the inside of a loop, and the
 * waiting context of a task. */
#ifndef SSHIO_IO_INTERNAL_H
#define SSHIO_IO_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include <uv.h>

#include "base/error.h"
#include "base/list.h"
#include "base/pool.h"
#include "engine/engine.h"
#include "io/completion.h"
#include "io/coroutine.h"
#include "io/loop.h"
#include "io/mailbox.h"
#include "io/world.h"

/* ---- who waits ---- */

/* A part of a program with a deadline of its own: sshio_with_timeout. It lives on the stack of who
 * waits. */
struct scope {
    struct list link;
    struct context *context;
    bool expired;
    bool observed; /* a wait has returned SSHIO_ETIMEDOUT for it */
};

/* The waiting side of a task, or of the thread outside tasks. An interruption (a cancellation or an
 * expired scope) stays pending until one wait has returned its code; later waits work again. */
struct context {
    struct loop *loop;
    struct completion *waiting;
    struct list scopes;
    bool cancelled; /* once and for all */
    bool cancel_pending;
    int delivered; /* code that the current wait was interrupted with, 0 = none */
    struct scope *delivered_for;
};

void context_init(struct context *x, struct loop *loop);
struct context *context_current(struct loop *loop);
void context_cancel(struct context *x);
void context_deliver(struct context *x); /* interrupts the wait if something is pending */

void completion_resume(struct completion *c);               /* by the ready phase */
uint64_t deadline_after(struct loop *loop, double seconds); /* loop_now_ms time */

/* ---- the loop ---- */

struct loop {
    const struct world *world;
    uv_loop_t own;
    uv_loop_t *uv;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t spin; /* active while work is left: libuv then neither ends nor blocks */
    uv_async_t async;
    unsigned open_handles; /* of these four */
    struct mailbox *mailbox;
    struct list mail;  /* taken from the mailbox, not run yet */
    struct list ready; /* completions whose waiter goes on */
    struct list deferred;
    struct list hooks;
    struct list objects;
    struct list closing; /* objects that were asked to close */
    struct list tasks;
    struct list parked; /* children that nobody holds any more */
    unsigned holds;     /* what other threads will bring */
    bool attached;
    bool spinning;
    bool dispatching;
    bool running;            /* by loop_run */
    bool (*done)(void *arg); /* what loop_run waits for */
    void *done_arg;
    bool stopped; /* sshio_stop */
    bool ending;  /* no wait succeeds any more */
    bool uses_workers;
    pid_t pid; /* a forked child must not touch it */
    struct context outside;
    struct coroutine_pool coroutines;
    struct engine_buffers buffers;
    struct pool input;
    struct pool rest;
    struct pool jobs; /* of workers, for each block of a file one */
};

struct loop *loop_new(uv_loop_t *attached, const struct world *world);
void loop_free(struct loop *loop);

/* Runs it until done(arg); -1 when nothing is left that could make it so. */
int loop_run(struct loop *loop, bool (*done)(void *arg), void *arg);

void loop_wake(struct loop *loop); /* a ready phase comes, and libuv does not end before */
void loop_ready(struct loop *loop, struct completion *c);

/* While held the loop stays alive, because another thread works for it. */
void loop_hold(struct loop *loop);
void loop_release(struct loop *loop);

/* Waits for what keeps running, closes the rest, ends all tasks. */
void loop_settle(struct loop *loop);

void workers_init(struct loop *loop);
void workers_unref(void); /* worker threads live as long as a loop that has used them */

/* Something that outlives its owner and ends by itself, unless the loop ends first. */
struct parked {
    struct list link;                  /* in loop.parked */
    void (*abandon)(struct parked *p); /* closes its handles */
};

void task_resume(sshio_task *task);
void task_suspend(sshio_task *task);
struct context *task_context(sshio_task *task);
bool task_ended(const sshio_task *task);
int task_collect(sshio_task *task);
void tasks_cancel(struct loop *loop);

void last_error_forget(void); /* frees the record of this thread */

#endif
