/* The completion object: under every waiting call lies one of these.
 *
 * Contract.
 *  1. It is started once (completion_init), completed exactly once (completion_complete), and waited for by at most one
 * caller.
 *  2. completion_complete may be called from the loop or from within the call that started it; the waiter goes on later
 * in the same turn, never inside completion_complete.
 *  3. Cancellation (of the task, or by a deadline) calls cancel once, if the object is not complete. cancel asks
 * whoever works on it to stop; that one then completes it, at once or later, with the code given. completion_wait
 * returns only when it is complete, so that nothing refers to the caller's stack any more.
 *  4. Without a cancel function the wait ends at once with the code; then nothing may refer to the object afterwards:
 * only for waits that are lists of waiters (see struct waiters), which unlink themselves.
 *
 * completion_wait suspends the task. Outside any task it runs the loop until it is complete. Inside a plain callback it
 * fails at once with SSHIO_ENOTASK: callers check completion_can_wait before they start anything. */
#ifndef SSHIO_IO_COMPLETION_H
#define SSHIO_IO_COMPLETION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct loop;
struct sshio_task;

struct completion {
    struct list link; /* in the loop's ready list, or in a struct waiters */
    struct loop *loop;
    struct sshio_task *task;                        /* who waits; NULL = the thread outside tasks */
    void (*cancel)(struct completion *c, int code); /* SSHIO_ECANCELED or SSHIO_ETIMEDOUT */
    void *user;                                     /* for cancel */
    int result;
    bool complete;
    bool waiting;
    bool resumed;
};

int completion_can_wait(void); /* 0, or SSHIO_ENOTASK / SSHIO_ENOMEM, recorded as last error */
void completion_init(struct completion *c, void (*cancel)(struct completion *c, int code), void *user);
void completion_complete(struct completion *c, int result); /* the first call counts, later ones do nothing */
int completion_wait(struct completion *c);                  /* its result; an interruption is recorded as last error */
int completion_wait_for(struct completion *c, double seconds); /* 0 = no deadline; SSHIO_ETIMEDOUT through cancel */

/* Any number of callers that wait for the same thing. */
struct waiters {
    struct list list;
};
void waiters_init(struct waiters *w);
int waiters_wait(struct waiters *w); /* until woken: the result given there; ECANCELED and ETIMEDOUT unlink */
int waiters_wait_for(struct waiters *w, double seconds);
void waiters_wake(struct waiters *w, int result); /* all of them */

/* For tests: called by each wait of this thread that cannot end at once, before it is interrupted by what is pending
 * and before it suspends anybody. NULL = none. */
typedef void (*wait_watcher_fn)(struct completion *c);
void completion_watch(wait_watcher_fn watcher);

#endif
