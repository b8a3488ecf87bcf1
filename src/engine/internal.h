/* The engine's inside: struct engine and what its parts are to each other. Included by src/engine/ and its unit tests
 * only.
 *
 *     transport   version lines, packets, sequence numbers, keys of each direction, the output buffer      RFC 4253 4-6
 *     kex         KEXINIT, negotiation, the running exchange, NEWKEYS, strict kex, rekeying, EXT_INFO       RFC 4253
 * 7-9, RFC 8308 auth        service request, user authentication RFC 4252 mux         channels, windows, global
 * requests                                                       RFC 4254 admission   which message is legal in which
 * state and role; the only place that decides it
 *
 * engine.c coordinates; each part is a small struct with its own file pair and is handed only what it needs. */
#ifndef SSHIO_ENGINE_INTERNAL_H
#define SSHIO_ENGINE_INTERNAL_H

#include "engine/auth.h"
#include "engine/channel.h"
#include "engine/engine.h"
#include "engine/keepalive.h"
#include "engine/key_exchange.h"
#include "engine/messages.h"
#include "engine/mux.h"
#include "engine/nudge.h"
#include "engine/round_trip.h"
#include "engine/transport.h"

/* How far the transport has come; beyond PHASE_SECURED it is auth.stage that tells. */
enum engine_phase { PHASE_VERSION, PHASE_KEX, PHASE_SECURED };

/* A message that waits until it may be sent. */
struct held_message;

struct engine {
    const struct engine_config *config;
    const struct engine_events *events;
    void *owner;
    struct engine_buffers *buffers;
    sshio_logger *logger;
    uint64_t now_ms;
    struct transport transport;
    struct key_exchange kex;
    struct auth auth;
    struct mux mux;
    struct keepalive keepalive;
    struct nudge nudge;
    struct round_trip round_trip;
    struct error error; /* why it ended */
    enum engine_phase phase;
    char *own_version;      /* whole lines, without their ends */
    char *peer_version;     /* "" before it came */
    uint32_t quirks;        /* of the peer: enum quirk */
    uint32_t version_lines; /* of text before it */
    struct held_message *held_first;
    struct held_message *held_last;
    size_t held_len;            /* bytes that are held */
    uint64_t login_deadline_ms; /* UINT64_MAX = none */
    uint32_t entered;           /* depth of engine_enter */
    bool lost;                  /* the transport is gone */
    bool ended;                 /* nothing is read or framed any more */
    bool ended_reported;
    bool above_high;        /* output went above its high mark and is not yet back at the low one */
    bool output_announced;  /* output_ready was called and engine_output not yet */
    bool held;              /* engine_hold */
    bool waiting;           /* a question is open */
    uint8_t message_number; /* of the message that is being handled */
    uint32_t message_seq;   /* its sequence number */
    uint32_t packets_before_login;
    uint32_t pong_unsent; /* bytes of PONG since the output was last empty */
};

/* ---- sending (sending.c) ---- */

/* Control messages: put the fields into the writer that engine_message gives, then engine_send. One message at a time.
 * It is framed at once, or queued in order where nothing of its kind may be sent now: during our key exchange, 53
 * before the service was asked for, 80 and above before login. What is queued counts against limits.control_queue. */
struct writer *engine_message(struct engine *e, uint8_t number);
void engine_send(struct engine *e);
void engine_send_padded(struct engine *e); /* the same, padded so that the length of a secret in it does not show */

/* Channel data: framed straight into the output, body taken from where it is. Only when engine_data_allowed. */
bool engine_data_allowed(const struct engine *e); /* logged in, no key exchange of ours, output below its mark */
void engine_send_data(struct engine *e, const uint8_t *head, size_t head_len, const uint8_t *body, size_t body_len);

void engine_release_held(struct engine *e); /* frames what was held and may be sent now */
void engine_drop_held(struct engine *e);

/* ---- failing ---- */

/* Ends the connection with SSHIO_EPROTOCOL (or the code given), sends DISCONNECT with the same text. Handlers return
 * right after it. */
void engine_protocol_error(struct engine *e, const char *format, ...) SSHIO_PRINTF(2, 3);
void engine_error(struct engine *e, int code, const char *format, ...) SSHIO_PRINTF(3, 4);
void engine_out_of_memory(struct engine *e);

/* ---- what parts tell each other ---- */

void engine_wants_output(struct engine *e); /* calls events->output_ready, once until engine_output */
void engine_first_keys(struct engine *e);   /* key_exchange → auth: both directions are encrypted now */
void engine_logged_in(struct engine *e); /* auth → all: release what was queued, limits, clocks; then authenticated */

/* Around everything that calls events (engine_receive, engine_tick and engine_output have it; a function that the owner
 * calls and that delivers needs it too, as channel_resume). The end of the connection is told when the outermost one is
 * left, never in between. */
void engine_enter(struct engine *e);
void engine_leave(struct engine *e);

/* ---- dispatch (admission.c) ---- */

/* A handler gets the message after its number, which stands in e->message_number; it checks that all was read. It may
 * end the connection. After login admission notes in e->auth.connection_seen that a message of 80 or above came. */
typedef void (*message_handler)(struct engine *e, struct reader *r);

#endif
