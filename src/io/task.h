/* Tasks: stackful coroutines. The public side (sshio_spawn …) stands in task.c as well; this is what completion.c and
 * the layers above need. A task is switched to only from the loop's ready phase, never from inside another task or
 * callback. */
#ifndef SSHIO_IO_TASK_H
#define SSHIO_IO_TASK_H

#include <stdbool.h>

#include <sshio/base.h>

#include "base/error.h"

struct loop;

sshio_task *task_current(void);                  /* NULL outside tasks */
struct error *task_error_slot(sshio_task *task); /* its last error */

/* Spawns a task for a handler: fn runs as a task of this thread's loop, in the ready phase; done (may be NULL) runs
 * when it has ended. 0 or SSHIO_ENOMEM / SSHIO_ELIMIT (too many tasks), recorded in e. The task frees itself. */
typedef void (*task_done_fn)(int result, void *arg);
int task_start(struct loop *loop, sshio_task_fn fn, void *arg, task_done_fn done, sshio_task **task, struct error *e);

#endif
