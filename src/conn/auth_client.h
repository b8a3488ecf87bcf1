/* The client's side of authentication, inside: what its frame (auth_client.c) and its methods (auth_client_methods.c)
 * share. */
#ifndef SSHIO_CONN_AUTH_CLIENT_H
#define SSHIO_CONN_AUTH_CLIENT_H

#include "conn/conn.h"
#include "conn/request.h"

enum answer {
    ANSWER_NONE,
    ANSWER_SUCCESS,
    ANSWER_FAILURE,
    ANSWER_KEY_OK,
    ANSWER_PASSWORD_CHANGE, /* `texts`: prompt and language */
    ANSWER_CHALLENGE,       /* `texts`: name, instructions, language, prompts; `echo` */
    ANSWER_DECLINED,        /* not the server's: the method has nothing (more) to offer */
};

struct auth_client {
    sshio_conn *conn;
    sshio_task *task;
    struct completion *waiting; /* for the answer to a request */
    enum answer answer;
    struct texts texts; /* of the answer */
    bool *echo;
    bool partial_success; /* of the last FAILURE */
    bool over;            /* the connection has ended */

    /* what was used: each credential once */
    size_t next_key;       /* of the options */
    sshio_key **more_keys; /* that the application gave, or NULL */
    size_t next_more;
    bool password_used;   /* .password */
    bool kbdint_emulated; /* the password of the options was to answer a challenge */
    bool emulating;       /* it is to, in the dialogue that is under way */
    bool changing;        /* the request that is out changes the password */
    bool gave_something;  /* a credential was sent: this login is not a trivial one */
};

/* A method: try makes at most one attempt, with one credential, and gives the server's answer (SUCCESS, FAILURE),
 * DECLINED, or a negative code (an error of the application's, or the end of the connection). Runs in the task. */
struct auth_client_method {
    const char *name;
    int (*try)(struct auth_client *auth);
    int (*open)(struct auth_client *auth); /* the same, in the place of none: before it is known what the server takes;
                                              NULL = the server is asked first */
};

extern const struct auth_client_method auth_client_methods[]; /* ends with name NULL */

/* Waits for what the server says to a request that was just made with result rc; negative when that failed, or the
 * connection is over. auth_client_begin comes before the request. */
void auth_client_begin(struct auth_client *auth);
int auth_client_wait(struct auth_client *auth, int rc);

#endif
