/* A process that we started on a server: streams, redirections, and how it ended. */
#ifndef SSHIO_SESSION_CLIENT_PROCESS_H
#define SSHIO_SESSION_CLIENT_PROCESS_H

#include <sshio/process.h>

#include "session/redirect.h"
#include "session/streams.h"

struct sshio_client_process {
    int refs; /* users', and one while somebody waits */
    struct streams *streams;
    struct redirect *in, *out, *err; /* NULL = a pipe of ours */
    bool out_gone, err_gone;         /* redirected to nowhere */
};

int client_process_result(const sshio_client_process *p,
                          sshio_result **result); /* with what is buffered now, which it takes */

#endif
