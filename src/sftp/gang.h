/* A gang of tasks: so many at a time work for one that waits for all of them, and the first error among them. */
#ifndef SSHIO_SFTP_GANG_H
#define SSHIO_SFTP_GANG_H

#include <sshio/base.h>

#include "base/error.h"
#include "base/list.h"
#include "io/completion.h"

struct gang {
    unsigned limit, running;
    int interrupted; /* the first code that a wait of the one was ended with; the others are cancelled then */
    struct list members;
    struct waiters changed;
};

void gang_init(struct gang *gang, unsigned limit);
/* Waits while all are busy. What fn returns does not matter. SSHIO_ENOMEM, SSHIO_ELIMIT, or interrupted: fn is not run
 * then. */
int gang_start(struct gang *gang, sshio_task_fn fn, void *arg);
int gang_wait(struct gang *gang); /* until none runs, whatever happens; 0 or interrupted */

/* The first error of several tasks. */
struct gang_error {
    struct error error;
};
void gang_error_init(struct gang_error *g);
void gang_error_note(struct gang_error *g, int rc); /* with the last error of the current task */
int gang_error_raise(struct gang_error *g);         /* as the last error; it is empty afterwards */

#endif
