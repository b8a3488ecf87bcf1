/* A process that we started on a server: streams, redirections, and how it ended. client_process.c makes and ends it,
 * client_process_info.c tells about it, subprocess.c pushes its output to handlers. */
#ifndef SSHIO_SESSION_CLIENT_PROCESS_H
#define SSHIO_SESSION_CLIENT_PROCESS_H

#include <sshio/process.h>

#include "session/redirect.h"
#include "session/streams.h"

struct sshio_pipe { /* of the subprocess API */
    sshio_client_process *process;
    int fd;
    bool paused;             /* holds the channel back */
    struct reader_sink sink; /* of fd 1 and 2 */
};

struct sshio_client_process {
    int refs; /* users', one while somebody waits, and of a subprocess its channel */
    struct streams *streams;
    struct redirect *in, *out, *err; /* NULL = a pipe of ours */
    bool kill;                       /* when it is let go while it runs */
    struct sshio_pipe pipes[3];
    sshio_subprocess_handlers handlers; /* of a subprocess */
    void *user;
};

sshio_client_process *client_process_new(sshio_conn *conn, const sshio_session_options *options);
void client_process_release(sshio_client_process *p);

/* Waits: opens the session and redirects. On failure p is released. */
int client_process_open(sshio_client_process *p, sshio_conn *conn, const sshio_session_handlers *handlers, void *user,
                        const sshio_session_options *options, sshio_client_process **process);

#endif
