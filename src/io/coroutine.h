/* Coroutines: a stack of their own and the switch between it and the loop's. Tasks are made of
 * these.
 *
 * A coroutine is entered once and then lives on in the pool of its loop: when its function has
 * returned it is parked, and takes the next one without being made anew. Stacks are mapped lazily,
 * have a guard page below them, and are trimmed when they went deep. */
#ifndef SSHIO_IO_COROUTINE_H
#define SSHIO_IO_COROUTINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"

struct coroutine;

struct coroutine_pool {
    struct list idle;
    size_t idle_count;
    size_t count; /* of all that exist */
};

void coroutine_pool_init(struct coroutine_pool *pool);
void coroutine_pool_done(struct coroutine_pool *pool); /* all must have been given back */

/* NULL = errno says what the kernel refused: usually ENOMEM, one memory map too many. */
struct coroutine *coroutine_take(struct coroutine_pool *pool);
/* After its function has returned; or in the middle of it: its frames are lost. */
void coroutine_give(struct coroutine_pool *pool, struct coroutine *co);
void coroutine_discard(struct coroutine_pool *pool, struct coroutine *co);

/* Starts fn(arg) on it. Returns, like coroutine_resume, when fn suspends itself or has returned. */
void coroutine_start(struct coroutine *co, void (*fn)(void *arg), void *arg);
void coroutine_resume(struct coroutine *co);
void coroutine_suspend(struct coroutine *co); /* inside it */

#endif
