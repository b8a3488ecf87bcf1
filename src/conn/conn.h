/* A connection: an engine on a stream, with settings.
 *
 *     opening    until authenticated: connect and run_… wait for it
 *     open       channels may be opened
 *     closing    close was asked for: what is queued is flushed, at most for the linger time; nothing is delivered any
 * more ended      the engine has ended; its last output is written closed     the stream is gone, connection_lost was
 * called, waiters are woken
 *
 * conn_close_later → closing → (flushed, or linger over) engine_disconnect → ended;  engine event ended → ended;
 * everything written, or the stream broken, or linger over → stream_close → closed.
 * User code is never called from inside a call of the user's: what closing causes happens later in the turn. */
#ifndef SSHIO_CONN_CONN_H
#define SSHIO_CONN_CONN_H

#include <stdbool.h>

#include <sshio/connection.h>

#include "base/list.h"
#include "base/log.h"
#include "base/texts.h"
#include "conn/settings.h"
#include "engine/channel.h"
#include "engine/engine.h"
#include "io/completion.h"
#include "io/loop.h"
#include "io/stream.h"
#include "io/timer.h"

struct auth_client;
struct auth_server;
struct proxy;

enum conn_state { CONN_OPENING, CONN_OPEN, CONN_CLOSING, CONN_ENDED, CONN_CLOSED };

struct sshio_conn {
    int refs; /* its own until it is closed, one for all of the users' together, those of channels and tasks */
    int user_refs;
    enum conn_state state;
    bool server;
    bool authenticated;
    bool reading;         /* the stream was told to read */
    bool stream_gone;     /* nothing can be written any more */
    bool stream_closing;  /* stream_close was called */
    bool aborting;        /* drop everything, later in the turn */
    bool channels_closed; /* closing has asked all channels to close */
    bool owner_told;      /* connection_made was called */
    struct settings *settings;
    void *user;
    struct loop *loop;
    struct loop_object object;
    struct engine *engine;
    struct engine_config engine_config; /* that of the settings, but for the next */
    const void **host_key_algs;         /* client: what is offered for this host */
    struct stream *stream;
    struct proxy *proxy; /* client: the program behind the stream; NULL = there is none */
    struct timer *timer;
    struct deferred after;    /* what follows from events, later in the turn */
    uint64_t linger_until_ms; /* 0 = not closing */
    uint32_t close_reason;    /* of the DISCONNECT that ends closing */
    char *close_text, *close_lang;
    sshio_logger *logger;
    struct error error;       /* why it ended; no error = clean */
    struct error failing;     /* ends it with this, later in the turn */
    struct completion *ready; /* who waits for authentication */
    struct waiters closed;
    struct auth_client *auth_client;
    struct auth_server *auth_server;
    sshio_key *host_key; /* client: the server's, trusted */
    char *host;          /* client: as asked for */
    int port;
    char *username;     /* authenticated, or being; as SASLprep leaves it */
    char *auth_methods; /* client: that the server offered last; NULL = none was asked for */
    sshio_address local, peer;
    char *names;                            /* texts of the two, STREAM_NAMES_SIZE */
    struct texts extra;                     /* "name=value" of set_extra_info */
    uint32_t sessions;                      /* open session channels that the peer asked for */
    sshio_task *helper;                     /* host key question or auth_completed that runs in a task */
    sshio_listener *listener;               /* that accepted it; told when it is let in and when it is gone */
    bool let_in;                            /* it does not count as unauthenticated any more */
    sshio_authorized_keys *authorized_keys; /* server: for this connection */
};

void conn_hold(sshio_conn *conn);
void conn_release(sshio_conn *conn);

/* Takes the stream over (also when it fails). The connection starts at once; the caller holds one user reference. */
int conn_new(struct settings *settings, struct loop *loop, struct stream *stream, const char *host, int port,
             sshio_listener *listener, sshio_conn **conn, struct error *e);

/* Waits until it is authenticated: 0, or the error why it ended, with nothing left open. Cancelling aborts the
 * connection. */
int conn_wait_ready(sshio_conn *conn, struct error *e);

/* The inside of closing, and of what handlers return. */
void conn_fail_later(sshio_conn *conn, const struct error *error); /* ends it with this error, later in the turn */
/* A handler returned this negative code; raised, which may be NULL, is what it recorded, and counts if it is of that
 * code. */
void conn_handler_failed(sshio_conn *conn, int code, const struct error *raised);
const char *conn_address_text(const sshio_address *address); /* "host:port"; NULL = none; valid until the next one */
int extra_info_set(struct texts *extra, const char *name, const char *value); /* of set_extra_info; NULL removes */
void conn_verdict_given(sshio_conn *conn);                                    /* input goes on */
bool conn_is_open(const sshio_conn *conn);

/* Events of the engine that are dealt with in auth_client.c, auth_server.c, computing.c and host_key.c. */
void auth_client_ready(sshio_conn *conn);
void auth_client_failed(sshio_conn *conn, struct span methods, bool partial_success);
void auth_client_key_accepted(sshio_conn *conn, struct span alg, struct span blob);
void auth_client_password_change(sshio_conn *conn, struct span prompt, struct span lang);
void auth_client_challenged(sshio_conn *conn, const struct auth_challenge *challenge);
bool auth_client_success(sshio_conn *conn); /* false = it must not be: the connection has ended */
void auth_client_banner(sshio_conn *conn, struct span msg, struct span lang);
void auth_client_end(sshio_conn *conn); /* the connection is over: its task, if any, goes away */
void auth_server_requested(sshio_conn *conn, const struct auth_request *request);
void auth_server_end(sshio_conn *conn);
int host_key_offer(sshio_conn *conn, struct error *e); /* client: puts it into engine_config */
void auth_server_free(sshio_conn *conn);               /* no task of its runs any more */
void host_key_decide(sshio_conn *conn, struct span blob, const struct sig_alg *alg);
void conn_compute(sshio_conn *conn, struct engine_job *job);
void host_key_sign(sshio_conn *conn, void *key, const struct sig_alg *alg, struct span hash);

/* What a listener is told of its connections (server.c). */
void listener_conn_made(sshio_listener *l);
void listener_conn_authenticated(sshio_listener *l);
void listener_conn_gone(sshio_listener *l, sshio_conn *conn);

#endif
