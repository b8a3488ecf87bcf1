/* Questions that a handler answers with a value: what stands behind sshio_request. One lives on the stack of whoever
 * asks. */
#ifndef SSHIO_CONN_REQUEST_H
#define SSHIO_CONN_REQUEST_H

#include <sshio/base.h>

#include "base/texts.h"

enum request_takes {
    TAKES_NOTHING,
    TAKES_TEXT,      /* texts: it */
    TAKES_TEXTS,     /* texts: as many as were asked for */
    TAKES_PASSWORDS, /* texts: the old one, the new one */
    TAKES_KEYS,      /* keys */
    TAKES_CHALLENGE, /* texts: name, instructions, language, prompts; echo */
    /* answered by the layer that asks, in its own place */
    TAKES_SFTP_SERVER,
    TAKES_ATTRS,
    TAKES_NAMES,
};

struct sshio_request {
    sshio_conn *conn; /* may be NULL */
    enum request_takes takes;
    size_t takes_count; /* TAKES_TEXTS: how many */
    bool answered;      /* the members below are the answer */
    struct texts texts; /* wiped when done */
    bool *echo;         /* of each prompt */
    sshio_key **keys;   /* private, loaded; ends with NULL */
    void *session;      /* the channel that asks (session/asking.h), else NULL */
    void *place;        /* where answers of the layer that asks go */
};

void request_init(sshio_request *req, sshio_conn *conn, enum request_takes takes);
void request_done(sshio_request *req);

/* Whether the question is one that takes this; the answer is empty then. Else SSHIO_EINVAL, naming function. */
int request_begin_answer(sshio_request *req, enum request_takes kind, const char *function);

/* What a handler's result means: 1 = the answer is in req, 0 = no, negative = it failed; SSHIO_DEFAULT stays. */
int request_verdict(const sshio_request *req, int verdict);

#endif
