/* Questions that a handler answers with a value: what stands behind sshio_request. One lives on the stack of whoever
 * asks. */
#ifndef SSHIO_CONN_REQUEST_H
#define SSHIO_CONN_REQUEST_H

#include <sshio/base.h>

struct sshio_request {
    sshio_conn *conn; /* may be NULL */
    bool wants_text;
    char *text;    /* answered; wiped when done */
    void *session; /* the channel that asks (session/server_session.c), else NULL */
};

void request_init(sshio_request *req, sshio_conn *conn);
void request_done(sshio_request *req);

#endif
