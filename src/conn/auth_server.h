/* The server's side of authentication, inside: what its frame (auth_server.c) and its methods (auth_server_methods.c)
 * share. */
#ifndef SSHIO_CONN_AUTH_SERVER_H
#define SSHIO_CONN_AUTH_SERVER_H

#include "conn/auth_policy.h"
#include "conn/conn.h"
#include "conn/request.h"

enum verdict {
    VERDICT_REFUSE,
    VERDICT_ACCEPT,          /* the method has succeeded; more may be needed */
    VERDICT_LET_IN,          /* that was all */
    VERDICT_KEY_OK,          /* answers a query */
    VERDICT_CHALLENGE,       /* `answer` has it */
    VERDICT_CHANGE_PASSWORD, /* `prompt` has what the client is told */
};

struct auth_server { /* of one connection, from its first request until it is logged in or over */
    sshio_conn *conn;
    const struct auth_request *request; /* that is being judged, or NULL; valid until the verdict, and if there is none,
                                           as long as the engine */
    sshio_task *task;                   /* that judges it */
    uint64_t started_ms;
    bool over;                     /* the connection has ended: no verdict is wanted any more */
    struct auth_progress progress; /* of conn->username */
    bool emulates;                 /* the keyboard-interactive dialogue asks for the password */
    char *device;                  /* of that dialogue; "" or NULL = none was named */
    sshio_request answer;
    struct texts prompt; /* for a new password: text and language */
};

/* A method: its name, whether it can be used now, and how one request is judged (in a task; may wait). judge returns a
 * verdict, or a negative code that ends the connection; the error is the task's last. */
struct auth_server_method {
    const char *name;
    enum auth_method method;
    bool (*supported)(struct auth_server *auth);
    int (*judge)(struct auth_server *auth);
};

/* In the order in which they are offered. */
extern const struct auth_server_method auth_server_methods[];
extern const size_t auth_server_method_count;

#endif
