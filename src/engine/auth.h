/* User authentication (RFC 4252): the state of both roles. The methods are one file each, auth_<method>.c, and a row
 * each in a table.
 *
 *     AUTH_IDLE ─ auth_start ─→ AUTH_SERVICE ─ SERVICE_ACCEPT sent or received ─→ AUTH_RUNNING ─ SUCCESS sent or
 * received ─→ AUTH_DONE
 *
 * Client: at most one request is out (`pending`); SUCCESS, FAILURE and the method's own messages count only as answers
 * to it. Server: at most one request is open (`asked`); its fields are copied, because the packet goes away before the
 * verdict, and wiped with the verdict. The engine consumes no input meanwhile.
 *
 * A method whose messages go to and fro has a `dialogue`, in both roles: it is set while the client is to speak next,
 * and then the method's own message may come in the place of a request. A new request drops the dialogue. */
#ifndef SSHIO_ENGINE_AUTH_H
#define SSHIO_ENGINE_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/texts.h"
#include "engine/engine.h"

#define AUTH_SERVICE_NAME "ssh-connection" /* what every login is for */

enum auth_stage { AUTH_IDLE, AUTH_SERVICE, AUTH_RUNNING, AUTH_DONE };

/* A method: what its fields are, and what its own messages (60-79) mean to a client. */
struct auth_method_row {
    const char *name;
    enum auth_method method;
    bool is_secret; /* its requests hold a secret, whose length must not show */
    bool (*read_request)(struct engine *e, struct reader *r); /* server: into auth.request; r stands behind the name */
    void (*on_message)(struct engine *e, struct reader *r);   /* client: a request of its is out; server: within its
                                                                 dialogue; NULL = it has none */
};

extern const struct auth_method_row auth_none, auth_password, auth_publickey, auth_kbdint;

struct auth {
    enum auth_stage stage;
    uint32_t requests;    /* of all kinds, against limits.auth_requests */
    bool connection_seen; /* admission sets it: a message of 80 or above came after login */
    const struct auth_method_row *dialogue;
    uint32_t prompts, rounds; /* keyboard-interactive: asked for in the last round; rounds of this dialogue */

    /* client */
    const struct auth_method_row *pending; /* the method of the request that is out, or NULL */
    bool query;                            /* it was a key query: PK_OK may answer, SUCCESS may not */
    struct writer queried;                 /* its algorithm and blob, as two strings */

    /* server */
    bool asked;    /* auth_requested was reported and there is no verdict yet */
    uint8_t *copy; /* the message that `request` points into; secret */
    size_t copy_len;
    struct auth_request request;
    struct writer signed_data;
    char *user; /* of the request, as all C strings here; stays as long as a dialogue */
    char *password, *new_password, *lang, *submethods;
    struct texts responses;
    uint32_t tries;        /* that failed, against limits.auth_tries */
    struct writer banners; /* held back: pairs of strings, message and language */
};

void auth_init(struct auth *a);
void auth_done(struct auth *a);
void auth_start(struct engine *e); /* after the first NEWKEYS both ways: the client asks for the service */
void auth_end(
    struct engine
        *e); /* the connection is over: secrets that nobody is looking at are wiped, no verdict is taken any more */

/* Handlers, called by admission.c. */
void auth_on_service_request(struct engine *e, struct reader *r);
void auth_on_service_accept(struct engine *e, struct reader *r);
void auth_on_request(struct engine *e, struct reader *r);
void auth_on_failure(struct engine *e, struct reader *r);
void auth_on_success(struct engine *e, struct reader *r);
void auth_on_banner(struct engine *e, struct reader *r);
void auth_on_method_message(struct engine *e, struct reader *r); /* 60-79; the number is e->message_number */

/* For the methods: a client's request, filled up to and with the method name, and its way out. NULL when it is not the
 * time. */
struct writer *auth_begin_request(struct engine *e, const struct auth_method_row *method, const char *user);
void auth_send_request(struct engine *e, const struct auth_method_row *method);

void auth_ask(struct engine *e);          /* server: a.request is complete: asks the owner */
void auth_end_question(struct engine *e); /* server: a verdict was given; wipes the request, ends the dialogue */
void auth_begin_dialogue(struct engine *e, const struct auth_method_row *method); /* server: the same, but the client
                                                                                     goes on within this method */
void auth_malformed(struct engine *e);
bool auth_read_secret(struct reader *r,
                      char **text); /* a string without NUL, copied; false = malformed or out of memory */

#endif
