/* The process that we are for a client: streams, and a handler that runs as a task from the moment the program is
 * started. */
#ifndef SSHIO_SESSION_PROCESS_H
#define SSHIO_SESSION_PROCESS_H

#include <sshio/process.h>

#include "session/redirect.h"
#include "session/streams.h"

/* Who serves it. */
struct server_program {
    sshio_process_fn process; /* one of the two; this one wins */
    sshio_session_fn session;
    void *user;
    void (*release)(void *user); /* nobody uses it any more; NULL = it is somebody else's */
};

struct sshio_process {
    int refs; /* the channel's life, the handler's task, users */
    struct streams *streams;
    struct server_program program;
    struct redirect *in, *out, *err;
    struct waiters *on_end; /* woken when the channel is gone */
};

/* window: bytes that its streams hold. NULL = out of memory. */
sshio_process *process_new(sshio_conn *conn, size_t window, const struct server_program *program);
void process_free(sshio_process *p); /* one that was never attached */
void process_attach(sshio_process *p, sshio_chan *chan);

/* The handlers of a session whose user is an sshio_process. */
extern const sshio_session_handlers process_handlers;

#endif
