/* Channels as users see them: what stands behind sshio_chan, for both sides of a session.
 *
 *     chan.c             life, writing, reading control, closing
 *     chan_text.c        text encodings
 *     chan_info.c        what is known of a channel
 *     chan_open.c        opening and accepting; chan_prepare.c: made before it is accepted
 *     client_session.c   opening a session and starting a program on it; session_args.c: what it asks for
 *     server_session.c   who serves a session that a client opens
 *     session_requests.c the channel requests that come, of both sides, in one table
 *     session_terminal.c those of them that tell about the client's terminal
 *     session_sending.c  the channel requests that go
 *     tcp_channel.c      channels to other hosts
 *     asking.c           how a server's application decides about them
 *
 * A chan holds its connection. It is held by its engine channel until that is closed and connection_lost was called,
 * and by users. */
#ifndef SSHIO_SESSION_CHAN_H
#define SSHIO_SESSION_CHAN_H

#include <sshio/channel.h>

#include "base/error.h"
#include "base/texts.h"
#include "conn/conn.h"
#include "conn/terminal.h"
#include "engine/channel.h"
#include "io/completion.h"
#include "io/loop.h"
#include "session/encoding.h"

#define SESSION_FIELDS_MAX (256u * 1024) /* of a request */
#define SIGNAL_NAME_MAX_LEN 64u

enum chan_kind { CHAN_SESSION, CHAN_TCP };

struct sshio_chan {
    int refs;
    int user_refs;
    sshio_conn *conn;
    struct channel *ch; /* NULL: not open yet, or not any more */
    bool numbered;      /* it has been there */
    uint32_t number;    /* that it has, or had */
    enum chan_kind kind;
    bool server;
    bool prepared;      /* not accepted yet */
    bool made, lost;    /* connection_made and connection_lost were called */
    bool starting;      /* client: the reply to the start request is awaited */
    bool started;       /* the program runs: data is delivered */
    bool start_pending; /* server: a start request was accepted; it runs when that was answered */
    bool eof_early;     /* it came before the program ran, and is told when that has begun */
    bool exit_sent;
    bool eof_told, eof_asked; /* that of the peer was told; ours was asked for */
    bool counted;             /* among the connection's sessions */
    bool reading_paused;      /* by the user */
    bool buffers_all;         /* its data_received takes data even while paused: streams */
    bool writing_paused;      /* pause_writing was called */
    bool closing;             /* close, abort or write_eof was called, or the end has come */
    bool ended;               /* the engine's channel is gone, or never came to be */
    bool is_closed;           /* connection_lost was called: nothing happens on it any more */
    sshio_session_handlers handlers;
    void *user;
    struct completion *waiting; /* for the open, or for a reply */
    struct waiters closed;
    struct deferred resume;      /* delivery starts, or goes on, from a fresh stack */
    struct deferred end;         /* connection_lost, from a fresh stack */
    struct error error;          /* why it ended; none = clean */
    sshio_logger *logger;        /* made when first asked for */
    uint32_t window, max_packet; /* when it is accepted; 0 = those of the connection */
    char *command, *subsystem;
    struct texts env;
    struct encoding *encoding;   /* NULL = bytes */
    unsigned raw_types;          /* bit n: data of type n is delivered as it comes, whatever the encoding */
    bool text_failed;            /* what came was not in the encoding: nothing more is delivered */
    sshio_address local, remote; /* of TCP channels, owned; host NULL = none */
    struct texts extra;          /* "name=value" of set_extra_info */
    struct terminal terminal; /* type NULL: none was asked for, or was granted; a server keeps the size all the same */
    int exit_status;          /* as sshio_chan_get_exit_status */
    sshio_exit_signal exit_signal;
    char *signal_name, *signal_msg, *signal_lang;
};

sshio_chan *chan_new(sshio_conn *conn, const sshio_session_handlers *handlers,
                     void *user); /* one inner reference; NULL = out of memory */
void chan_hold(sshio_chan *chan);
void chan_release(sshio_chan *chan);
extern const struct channel_events chan_events; /* for channel_open and channel_accept, with the chan as user */

int chan_vprintf(sshio_chan *chan, int datatype, const char *format, va_list args) SSHIO_PRINTF(3, 0);
void chan_expect_bulk(sshio_chan *chan); /* much will come: the window is made fit for it, unless the user chose one */
int chan_write_bytes(sshio_chan *chan, const void *bytes, size_t len, int datatype); /* past the encoding */
void chan_made(sshio_chan *chan);                                                    /* calls connection_made */
void chan_start(sshio_chan *chan);                                                   /* calls session_started */
void chan_deliver(sshio_chan *chan); /* data follows from here on, later in the turn */

/* chan_text.c: the way through the encoding, which there is. */
int chan_use_encoding(sshio_chan *chan, const char *name, sshio_text_errors errors); /* EINVAL, ENOMEM: last error */
void chan_text_received(sshio_chan *chan, uint32_t datatype, struct span bytes);
void chan_text_ended(sshio_chan *chan); /* no more comes */
int chan_text_write(sshio_chan *chan, const void *text, size_t len, int datatype);
void chan_text_finish(sshio_chan *chan); /* no more goes out */

/* chan_open.c. Opens it and waits; 0 for window or packet size takes that of the connection. The chan holds itself once
 * more for as long as the engine's channel is there. 1, or the error; then the chan is the caller's to release. */
int chan_open(sshio_chan *chan, const char *type, uint32_t window, uint32_t max_packet, struct span data);
/* Waits for the answer to what was sent: 1 = yes; 0 = no, or the channel was closed instead of an answer; or the error
 * that ended it. */
int chan_wait_peer(sshio_chan *chan);
int chan_fail_open(uint32_t reason, const char *text);  /* ECHANNEL_OPEN */
void chan_accept(sshio_chan *chan, struct channel *ch); /* the reference of chan_new is the engine's channel's now */
/* chan_prepare.c: takes over the user's reference, and gives one inner one like chan_new. */
sshio_chan *chan_of_prepared(sshio_chan *prepared, const sshio_session_handlers *handlers, void *user);
bool chan_set_names(sshio_chan *chan, const sshio_address *local,
                    const sshio_address *remote); /* copies; false = out of memory */

/* session_requests.c: a request of the peer. Answers it with channel_reply. */
void session_request(sshio_chan *chan, struct span name, struct span data);

/* session_terminal.c: handlers of session_requests.c */
bool on_pty_req(sshio_chan *chan, struct reader *r);
bool on_window_change(sshio_chan *chan, struct reader *r);

/* session_sending.c: sends a request with these fields, which it frees. EINVAL, ECLOSED, ENOMEM, ELIMIT. */
int session_send(sshio_chan *chan, const char *name, bool want_reply, struct writer *fields);

/* session_args.c: command, environment and terminal, checked. EINVAL, ELIMIT, ENOMEM. */
int session_args_take(sshio_chan *chan, const sshio_session_options *options);

/* server_session.c: the request that starts the program; false = refused. */
bool server_session_start(sshio_chan *chan, const char *command, const char *subsystem);

/* client_session.c: what the sessions of all shapes begin with. Waits. The chan has one inner reference for the caller.
 */
int client_session_open(sshio_conn *conn, const sshio_session_handlers *handlers, void *user,
                        const sshio_session_options *options, sshio_chan **chan);

#endif
