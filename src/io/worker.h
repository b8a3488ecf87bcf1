/* The worker pool: threads of our own for long computations and cold files. Started when first used, shared by all
 * loops. */
#ifndef SSHIO_IO_WORKER_H
#define SSHIO_IO_WORKER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Waits while fn(arg) runs on a worker; its result. Cancelling waits for fn to end (it cannot be interrupted) and then
 * gives ECANCELED. */
int worker_run(int (*fn)(void *arg), void *arg);

/* The callback form: done runs on the caller's loop. 0 or ENOMEM. */
int worker_submit(int (*fn)(void *arg), void *arg, void (*done)(int result, void *arg));

/* The same for what a peer can make last as long as it likes: such jobs never take all the threads. */
int worker_run_long(int (*fn)(void *arg), void *arg);
int worker_submit_long(int (*fn)(void *arg), void *arg, void (*done)(int result, void *arg));

/* Waits: reads a whole regular file of at most max bytes (ESYSTEM, ELIMIT; a file that is not regular is refused).
 * Freed with mem_free_secret. */
int worker_read_file(const char *path, size_t max, uint8_t **data, size_t *len, struct error *e);

#endif
