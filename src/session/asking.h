/* What the application of a server is asked before a channel of its client is opened: a handler in a task of its own,
 * which answers with one of the sshio_accept_… functions, refuses, or, where the kind of channel has it, says yes. */
#ifndef SSHIO_SESSION_ASKING_H
#define SSHIO_SESSION_ASKING_H

#include "conn/conn.h"
#include "conn/request.h"
#include "session/chan.h"

struct asking;

/* A kind of channel. */
struct question {
    enum chan_kind kind;
    int (*ask)(struct asking *a); /* calls the handler, in the task; what it may do with a plain yes it does itself */
    const char *refusal;
};

struct asking {
    const struct question *question;
    sshio_conn *conn;
    struct channel *ch;   /* NULL = decided */
    sshio_chan *prepared; /* the application's, to answer with; a user's reference, or NULL */
    sshio_request req;
    struct error error;
    /* of a TCP channel */
    char *dest_host, *orig_host;
    int dest_port, orig_port;
};

/* NULL = out of memory. It is started, which takes it over, or freed. */
struct asking *asking_new(const struct question *question, sshio_conn *conn, struct channel *ch);
void asking_start(struct asking *a); /* refuses the channel if no task can be started */
void asking_free(struct asking *a);

/* The undecided asking of a request that is for one of these kinds (the second may be NULL), with the prepared chan, if
 * any, taken over; else NULL, the chan is let go, and function is named in the last error. */
struct asking *asking_of(sshio_request *req, const struct question *kind, const struct question *other,
                         sshio_chan *prepared, const char *function);
/* The chan to answer with: the prepared one, or a new one; one inner reference. NULL = out of memory. */
sshio_chan *asking_chan(struct asking *a, const sshio_session_handlers *handlers, void *user);
uint32_t asking_window(const struct asking *a); /* that it will have, bytes */

#endif
