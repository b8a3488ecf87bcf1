/* The SSH protocol as a pure machine: one end of one connection, client or server.
 *
 * It is fed bytes (engine_receive), asked for bytes (engine_output, engine_sent) and told the time (engine_tick); it
 * reports through a table of events and is told verdicts. It never waits, opens nothing and reads no clock.
 *
 * Verdicts. Where an event is a question, the engine stops consuming input until the matching verdict function was
 * called; that may happen inside the event or at any later time. After a verdict given later, the owner calls
 * engine_receive again with what was left. Spans handed to events are valid during the event only, except where a
 * comment says "until the verdict".
 *
 * Re-entry. An event may call every function of the engine but engine_receive and engine_free.
 *
 * End. When the connection ends (protocol error, DISCONNECT sent or received, engine_lost), ended is called exactly
 * once, after every channel got its closed event; what is still in the output (a DISCONNECT) should be written, then
 * the engine freed. */
#ifndef SSHIO_ENGINE_ENGINE_H
#define SSHIO_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include <sshio/options.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/pool.h"

struct engine;
struct engine_job;
struct channel;
struct kex_alg;
struct cipher_alg;
struct mac_alg;
struct compression_alg;
struct sig_alg;

/* Blocks of the pools an engine works with. Output packets never straddle blocks. */
#define ENGINE_OUTPUT_BLOCK (576u * 1024) /* limits.output_high and the largest packets fit */
/* Of data that waits: written but not packetised, received but not delivered. */
#define ENGINE_QUEUE_BLOCK (64u * 1024)

#define ENGINE_MAX_MESSAGE (256u * 1024) /* the longest payload that is sent */

struct engine_buffers { /* of one loop: all its engines share them */
    struct pool output;
    struct pool queue;
    struct writer message; /* the control message that is being put together */
    uint8_t padding[4096]; /* random bytes, each used once */
    size_t padding_left;
};
void engine_buffers_init(struct engine_buffers *buffers);
void engine_buffers_done(struct engine_buffers *buffers);

/* A host key that a server can prove. The same key may stand there under several algorithm names. */
struct engine_host_key {
    const struct sig_alg *alg;
    struct span blob;
    void *key; /* the owner's; comes back in sign_exchange */
};

/* What connections of one options object have in common. Borrowed: outlives the engine. Lists end with NULL (host_keys:
 * alg NULL). */
struct engine_config {
    bool server;
    const char *version; /* "sshio_0.1.0": what follows SSH-2.0- */
    const struct kex_alg *const *kex_algs;
    const struct sig_alg *const *host_key_algs; /* client: what it takes, best first */
    const struct engine_host_key *host_keys;    /* server */
    const struct cipher_alg *const *cipher_algs;
    const struct mac_alg *const *mac_algs;                 /* for ciphers that need one; may be NULL */
    const struct compression_alg *const *compression_algs; /* NULL = none */
    const char *sig_algs;                                  /* server-sig-algs, a comma list */
    struct limits limits;
    uint64_t rekey_bytes; /* 0 = only the hard limits */
    uint32_t rekey_ms;    /* 0 = never */
    bool require_strict_kex;
    uint32_t keepalive_ms;         /* of silence before a peer is asked whether it is there; 0 = never */
    uint32_t keepalive_count_max;  /* requests that may stay unanswered */
    sshio_text_errors text_errors; /* of the peer's texts for people: see peer_text.h */
};

/* ---- events ---- */

enum auth_method { AUTH_NONE, AUTH_PASSWORD, AUTH_PUBLICKEY, AUTH_KBDINT, AUTH_UNKNOWN };

struct auth_request {        /* server: one USERAUTH_REQUEST, or the answers in a dialogue; valid until the verdict */
    const char *user;        /* UTF-8 without NUL, at most limits.user_len bytes; not checked otherwise */
    enum auth_method method; /* AUTH_UNKNOWN also for what is not to be looked at: a password that is too long, answers
                                that are not as many as were asked for */
    struct span method_name;
    const char *password; /* AUTH_PASSWORD */
    bool password_change; /* a change request; new_password is set */
    const char *new_password;
    struct span key_alg; /* AUTH_PUBLICKEY */
    struct span key_blob;
    bool has_signature; /* false = a query */
    struct span signature;
    struct span signed_data; /* what the signature must cover */
    const char *lang;        /* AUTH_KBDINT, beginning a dialogue */
    const char *submethods;
    bool is_response;             /* AUTH_KBDINT, going on with it: an answer to each prompt */
    const char *const *responses; /* ends with NULL */
    size_t response_count;
};

struct auth_prompt {
    struct span text;
    bool echo;
};

struct auth_challenge { /* client: one INFO_REQUEST; UTF-8 without NUL, otherwise unchecked text of the server's */
    struct span name, instructions, lang;
    const struct auth_prompt *prompts;
    size_t count; /* may be 0: a mere message, which is answered as well */
};

struct engine_events {
    /* transport */
    void (*version_received)(void *owner, const char *line); /* without CR LF */
    void (*host_key_received)(
        void *owner, struct span blob,
        const struct sig_alg *alg); /* client question: engine_trust_host_key or _refuse_; blob until then */
    void (*sign_exchange)(void *owner, void *key, const struct sig_alg *alg,
                          struct span hash); /* server question: engine_exchange_signature; until the verdict */
    void (*compute)(void *owner, struct engine_job *job); /* question, may be NULL: see engine_job_run */
    void (*keys_changed)(void *owner, bool first);        /* both directions use new keys */
    void (*debug_received)(void *owner, bool always_display, struct span msg, struct span lang);
    void (*ended)(void *owner, const struct error *error); /* error NULL = clean end */
    /* authentication, client */
    /* The first request may go out with that for the service, where it is none or publickey, or when the service was
     * accepted: auth_asked and auth_ready say when. Either may be NULL. */
    void (*auth_asked)(void *owner);
    void (*auth_ready)(void *owner);
    void (*auth_failed)(void *owner, struct span methods, bool partial_success); /* answer to our request */
    void (*auth_key_accepted)(void *owner, struct span alg,
                              struct span blob); /* PK_OK, already compared with our query */
    void (*auth_password_change)(void *owner, struct span prompt, struct span lang); /* PASSWD_CHANGEREQ */
    void (*auth_challenged)(void *owner, const struct auth_challenge *challenge);    /* engine_auth_respond, or another
                                                                                        request that drops the dialogue */
    void (*auth_banner)(void *owner, struct span msg, struct span lang);
    /* authentication, server */
    void (*auth_requested)(
        void *owner, const struct auth_request
                         *request); /* question: engine_auth_accept, _refuse, _key_ok, _change_password, _challenge */
    /* both: logged in. Channels may be opened from here on. On a server the owner may hold further input with
     * engine_hold. */
    void (*authenticated)(void *owner);
    /* connection protocol */
    void (*channel_requested)(void *owner, struct channel *ch, struct span type,
                              struct span data); /* channel_accept or _refuse, now or later */
    void (*global_request)(void *owner, struct span name, bool want_reply,
                           struct span data); /* engine_global_reply, now or later; one at a time */
    void (*output_ready)(void *owner);        /* there is something to send (again): call engine_output this turn */
};

/* ---- life ---- */

/* logger is the connection's; kept. NULL when out of memory. */
struct engine *engine_new(const struct engine_config *config, const struct engine_events *events, void *owner,
                          struct engine_buffers *buffers, sshio_logger *logger, uint64_t now_ms);
void engine_free(struct engine *e); /* takes NULL; channels that are left get no events */

void engine_start(struct engine *e); /* puts the version line into the output; the login clock runs from here */

/* Consumes packets from data, which it decrypts in place, and returns how many bytes it used. What is left must come
 * again, unchanged and followed by more. It stops early at a question or when the connection has ended (then it claims
 * everything). */
size_t engine_receive(struct engine *e, uint8_t *data, size_t len, uint64_t now_ms);
bool engine_waiting(const struct engine *e); /* for a verdict or a hold: it consumes nothing meanwhile */

/* What is to be written next, in one piece: frames waiting channel data first. Empty when there is nothing. The bytes
 * stay where they are until engine_sent has counted them off; more may be added behind them meanwhile. */
struct span engine_output(struct engine *e, uint64_t now_ms);
void engine_sent(struct engine *e, size_t len);
size_t engine_unsent(const struct engine *e); /* bytes framed and not yet counted off */

void engine_tick(struct engine *e, uint64_t now_ms); /* runs what is due */
uint64_t engine_deadline(const struct engine *e);    /* when to call engine_tick; UINT64_MAX = nothing is due */

void engine_disconnect(struct engine *e, uint32_t reason, const char *text,
                       const char *lang); /* DISCONNECT into the output, then ended(NULL) */
void engine_fail(struct engine *e,
                 const struct error *error); /* DISCONNECT if the code has a reason, then ended(error) */
void engine_lost(
    struct engine *e,
    const struct error *error); /* the transport is gone: nothing more is sent; NULL = a clean end (abort) */
bool engine_ended(const struct engine *e);

void engine_hold(struct engine *e, bool hold);  /* true: consume no input until false */
void engine_rekey(struct engine *e);            /* starts a key exchange now; nothing if one runs or before login */
void engine_close_channels(struct engine *e);   /* channel_close on all of them */
bool engine_has_queued(const struct engine *e); /* does a channel hold data, EOF or CLOSE that was not framed yet? */
void engine_send_debug(struct engine *e, bool always_display, const char *msg, const char *lang);
void engine_send_ignore(struct engine *e, size_t len);
void engine_set_keepalive(struct engine *e, uint32_t interval_ms, uint32_t count_max); /* as in struct engine_config */
void engine_keepalive(const struct engine *e, uint32_t *interval_ms, uint32_t *count_max);

/* ---- verdicts of the key exchange ---- */

void engine_trust_host_key(struct engine *e,
                           const sshio_key *key); /* the one that was asked for; NULL = not read yet */
void engine_refuse_host_key(struct engine *e, const struct error *reason);
void engine_exchange_signature(struct engine *e,
                               struct span signature); /* outer form; empty = could not sign: the exchange fails */

/* ---- long computations ---- */

/* Key exchanges in large groups take milliseconds at a time. An owner whose thread has other things to do has the event
 * compute: it calls engine_job_run, on any thread, and then engine_job_done, on the engine's own thread, each once.
 * Both may happen inside the event, and without it that is what the engine does. A job owns all that it works with:
 * meanwhile the connection may end and the engine be freed, and engine_job_done, which frees the job, is due all the
 * same. */
void engine_job_run(struct engine_job *job);
void engine_job_done(struct engine_job *job); /* the verdict; what was left of the input comes again after it */

/* ---- authentication (RFC 4252) ---- */

/* Client: one request at a time, after auth_asked or auth_ready, and then after each answer. SSHIO_EINVAL when it is
 * not the time. */
int engine_auth_none(struct engine *e, const char *user);
int engine_auth_password(struct engine *e, const char *user, const char *password);
int engine_auth_password_new(struct engine *e, const char *user, const char *old_password, const char *new_password);
int engine_auth_query(struct engine *e, const char *user, struct span alg, struct span blob);
int engine_auth_signed_data(struct engine *e, const char *user, struct span alg, struct span blob,
                            struct writer *w); /* what to sign */
int engine_auth_publickey(struct engine *e, const char *user, struct span alg, struct span blob, struct span signature);
const char *engine_server_sig_algs(const struct engine *e); /* what it takes, a comma list; NULL = it has not said */
int engine_auth_kbdint(struct engine *e, const char *user, const char *submethods);
int engine_auth_respond(struct engine *e, const char *const *responses,
                        size_t count); /* as many as there were prompts, else SSHIO_EINVAL */

/* Server */
void engine_auth_accept(struct engine *e);
void engine_auth_refuse(struct engine *e, const char *methods,
                        bool partial_success); /* counts; too many end the connection */
void engine_auth_key_ok(struct engine *e);     /* answers a query */
void engine_auth_change_password(struct engine *e, const char *prompt,
                                 const char *lang); /* answers AUTH_PASSWORD: a new one is needed; not a failure */
/* Answers AUTH_KBDINT, request or response, with (more) prompts. SSHIO_ELIMIT = too many of them, or too many rounds:
 * the question is still open. SSHIO_EINVAL = there is none. */
int engine_auth_challenge(struct engine *e, const char *name, const char *instructions, const char *lang,
                          const sshio_prompt *prompts, size_t count);
void engine_auth_banner(struct engine *e, const char *msg,
                        const char *lang); /* held back until the service was asked for */

/* ---- what is known ---- */

bool engine_is_authenticated(const struct engine *e);
const char *engine_peer_version(const struct engine *e); /* the whole line; "" before it came */
const char *engine_own_version(const struct engine *e);
bool engine_way_is_long(const struct engine *e);       /* as far as known, so that more has to be under way */
uint32_t engine_peer_quirks(const struct engine *e);   /* by its version: enum quirk */
struct span engine_session_id(const struct engine *e); /* empty before the first exchange */
bool engine_strict_kex(const struct engine *e);

struct engine_algorithms { /* names in use, "" before the first NEWKEYS */
    const char *kex, *host_key;
    const char *send_cipher, *recv_cipher, *send_mac, *recv_mac, *send_compression, *recv_compression;
};
void engine_algorithms(const struct engine *e, struct engine_algorithms *out);

struct engine_stats {
    uint64_t bytes_sent, bytes_received, packets_sent, packets_received, rekeys;
};
void engine_stats(const struct engine *e, struct engine_stats *out);

/* ---- global requests (RFC 4254 4) ---- */

/* reply NULL = want_reply false. Replies come in order; at the end of the connection outstanding ones are answered with
 * ok false. */
typedef void (*global_reply_fn)(void *user, bool ok, struct span data);
int engine_global_request(struct engine *e, const char *name, struct span data, global_reply_fn reply, void *user);
void engine_global_reply(struct engine *e, bool ok, struct span data); /* nothing is sent when none was wanted */

#endif
