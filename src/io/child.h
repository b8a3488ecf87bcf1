/* Child processes: started through a small helper that makes the session, the controlling terminal and the closed
 * descriptors in the child, so that nothing but async-signal-safe calls runs between fork and exec. */
#ifndef SSHIO_IO_CHILD_H
#define SSHIO_IO_CHILD_H

#include <stdbool.h>

#include "base/error.h"

struct loop;
struct child;

struct child_options {
    const char *file; /* looked up in PATH when it holds no slash */
    const char *const *argv;
    const char *const *env;    /* NULL = this process's */
    const char *root;          /* NULL = this process's; else the others are in it */
    const char *cwd;           /* NULL = this process's, or the root */
    int in, out, err;          /* descriptors for 0, 1, 2; -1 = /dev/null. They stay the caller's */
    bool new_session;          /* setsid */
    bool controlling_terminal; /* in is a terminal and becomes the session's */
};

/* status as from waitpid; comes once, when the child has ended and was reaped. */
typedef void (*child_exited_fn)(void *user, int status);

/* Does not wait. Signals are reset, all other descriptors closed. ESYSTEM with the child's errno when exec fails. */
int child_start(struct loop *loop, const struct child_options *options, child_exited_fn exited, void *user,
                struct child **child, struct error *e);
/* group: the process group that a new session made. SSHIO_ECLOSED once it was reaped, SSHIO_ESYSTEM with errno. */
int child_signal(struct child *c, int signal, bool group);
int child_pid(const struct child *c);
void child_free(struct child *c); /* exited is not called any more; the child is reaped when it ends */

void child_avoid_pidfd(bool avoid); /* for tests: as on kernels without pidfd_open */

#endif
