/* The life of an engine: input, output, time, questions, and the end; see engine.h and internal.h.
 *
 * An error may be found deep inside a handler, with channels on the stack. So it is only recorded
 * there (`ended`: nothing is read or framed from then on), and the channels and the owner are told
 * when the outermost function that calls events is left. */
#include "engine/engine.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "engine/admission.h"
#include "engine/exchange.h"
#include "engine/internal.h"
#include "engine/packet_log.h"
#include "engine/quirks.h"
#include "engine/version.h"
#include "key/key.h"

#define NEVER UINT64_MAX

/* ---- life ---- */

struct engine *engine_new(const struct engine_config *config, const struct engine_events *events, void *owner,
                          struct engine_buffers *buffers, sshio_logger *logger, uint64_t now_ms)
{
    struct engine *e = mem_zalloc(sizeof *e);
    if (e == NULL)
        return NULL;
    e->config = config;
    e->events = events;
    e->owner = owner;
    e->buffers = buffers;
    e->logger = logger_ref(logger);
    e->now_ms = now_ms;
    e->login_deadline_ms = NEVER;
    error_init(&e->error);
    transport_init(&e->transport, buffers);
    key_exchange_init(&e->kex);
    auth_init(&e->auth);
    mux_init(&e->mux);
    nudge_init(&e->nudge);
    keepalive_init(&e->keepalive, config->keepalive_ms, config->keepalive_count_max, now_ms);
    e->own_version = version_format(config->version);
    e->peer_version = mem_strdup("");
    if (e->own_version == NULL || e->peer_version == NULL) {
        engine_free(e);
        return NULL;
    }
    return e;
}

void engine_free(struct engine *e)
{
    if (e == NULL)
        return;
    mux_done(e);
    auth_done(&e->auth);
    key_exchange_done(&e->kex);
    transport_done(&e->transport);
    engine_drop_held(e);
    error_clear(&e->error);
    mem_free(e->own_version);
    mem_free(e->peer_version);
    logger_unref(e->logger);
    mem_free_secret(e, sizeof *e);
}

void engine_start(struct engine *e)
{
    char line[VERSION_MAX_LEN + 3];
    struct error error;
    int len = snprintf(line, sizeof line, "%s\r\n", e->own_version);
    if (e->config->limits.login_ms != 0)
        e->login_deadline_ms = e->now_ms + e->config->limits.login_ms;
    error_init(&error);
    if (len < 0 || (size_t)len >= sizeof line)
        error_set(&error, SSHIO_EINVAL, "Version %s is too long", e->own_version);
    else
        transport_put_raw(&e->transport, SPAN(line, len), &error);
    if (error_code(&error) != 0)
        engine_fail(e, &error);
    else
        engine_wants_output(e);
    error_clear(&error);
}

/* ---- the end ---- */

static void report_end(struct engine *e)
{
    const struct error *error = error_code(&e->error) != 0 ? &e->error : NULL;
    e->ended_reported = true;
    mux_end(e, error);
    auth_end(e);
    if (e->events->ended != NULL)
        e->events->ended(e->owner, error);
}

void engine_enter(struct engine *e)
{
    e->entered++;
}

void engine_leave(struct engine *e)
{
    if (e->entered == 1 && e->ended && !e->ended_reported)
        report_end(e);
    e->entered--;
}

static void send_disconnect(struct engine *e, uint32_t reason, const char *text, const char *lang)
{
    if (e->phase == PHASE_VERSION)
        return;
    log_info(e->logger, "Sending disconnect: %s (%u)", text, reason);
    struct writer *w = engine_message(e, MSG_DISCONNECT);
    put_u32(w, reason);
    put_text(w, text);
    put_text(w, lang);
    if (!writer_failed(w)) {
        packet_log(e->logger, true, writer_span(w), SPAN(NULL, 0));
        transport_seal(&e->transport, writer_span(w), SPAN(NULL, 0), 0, NULL);
    }
    writer_reset(w);
}

/* Nothing is framed or read from here on. */
static void end(struct engine *e)
{
    e->ended = true;
    e->waiting = false;
    engine_drop_held(e);
    e->login_deadline_ms = NEVER;
    engine_wants_output(e);
}

void engine_disconnect(struct engine *e, uint32_t reason, const char *text, const char *lang)
{
    if (e->ended)
        return;
    engine_enter(e);
    send_disconnect(e, reason, text, lang);
    end(e);
    engine_leave(e);
}

static uint32_t reason_of(const struct error *error)
{
    return error->pub.reason != 0 ? error->pub.reason : disconnect_of_error(error_code(error));
}

/* Records why and says so to the peer; the report comes later. */
static void fail(struct engine *e, const struct error *error)
{
    if (e->ended)
        return;
    error_copy(&e->error, error);
    e->ended = true;
    uint32_t reason = reason_of(error);
    if (reason != 0)
        send_disconnect(e, reason, error_message(&e->error), e->error.pub.lang != NULL ? e->error.pub.lang : "en-US");
    end(e);
}

void engine_fail(struct engine *e, const struct error *error)
{
    engine_enter(e);
    fail(e, error);
    engine_leave(e);
}

void engine_lost(struct engine *e, const struct error *error)
{
    if (e->ended)
        return;
    engine_enter(e);
    if (error != NULL)
        error_copy(&e->error, error);
    e->lost = true;
    end(e);
    engine_leave(e);
}

bool engine_ended(const struct engine *e)
{
    return e->ended;
}

static void SSHIO_PRINTF(3, 0) fail_with(struct engine *e, int code, const char *format, va_list args)
{
    struct error error;
    error_init(&error);
    error_setv(&error, code, format, args);
    fail(e, &error);
    error_clear(&error);
}

void engine_protocol_error(struct engine *e, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fail_with(e, SSHIO_EPROTOCOL, format, args);
    va_end(args);
}

void engine_error(struct engine *e, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fail_with(e, code, format, args);
    va_end(args);
}

void engine_out_of_memory(struct engine *e)
{
    struct error error;
    error_init(&error);
    error_nomem(&error);
    fail(e, &error);
    error_clear(&error);
}

/* ---- input ---- */

static void take_version(struct engine *e, struct span line)
{
    char *version = span_dup_text(line);
    if (version == NULL) {
        engine_out_of_memory(e);
        return;
    }
    mem_free(e->peer_version);
    e->peer_version = version;
    e->quirks = quirks_of(version);
    e->phase = PHASE_KEX;
    char shown[2 * VERSION_MAX_LEN];
    log_debug(e->logger, 1, "Received version: %s", log_escaped(line, shown, sizeof shown));
    if (e->events->version_received != NULL)
        e->events->version_received(e->owner, version);
    key_exchange_start(e);
}

static size_t receive_line(struct engine *e, struct span data)
{
    struct version_line line;
    struct error error;
    error_init(&error);
    switch (version_read(data, e->config->server, &e->config->limits, &line, &error)) {
    case VERSION_PARTIAL:
        return 0;
    case VERSION_TEXT:
        if (++e->version_lines > e->config->limits.version_lines)
            engine_protocol_error(e, "More than %u lines before the version", e->config->limits.version_lines);
        break;
    case VERSION_FOUND:
        take_version(e, line.text);
        break;
    case VERSION_BAD:
        fail(e, &error);
        error_clear(&error);
        return data.len;
    }
    e->transport.recv.bytes += line.used;
    return line.used;
}

static uint32_t max_packet_len(const struct engine *e)
{
    const struct limits *limits = &e->config->limits;
    return e->auth.stage == AUTH_DONE ? limits->packet_len : limits->packet_len_before_login;
}

static bool count_before_login(struct engine *e)
{
    if (e->auth.stage == AUTH_DONE || ++e->packets_before_login <= e->config->limits.auth_packets)
        return true;
    engine_protocol_error(e, "More than %u packets before authentication was complete", e->config->limits.auth_packets);
    return false;
}

static void handle_packet(struct engine *e, const struct packet *packet)
{
    packet_log(e->logger, false, SPAN(packet->payload, packet->len), SPAN(NULL, 0));
    e->message_seq = packet->seq;
    if (count_before_login(e))
        admission_dispatch(e, SPAN(packet->payload, packet->len));
    key_exchange_consider(e);
}

static size_t receive_packet(struct engine *e, uint8_t *data, size_t len)
{
    struct packet packet;
    struct error error;
    error_init(&error);
    if (transport_open(&e->transport, data, len, max_packet_len(e), &packet, &error) < 0) {
        fail(e, &error);
        error_clear(&error);
        return len;
    }
    if (packet.wire_len != 0)
        handle_packet(e, &packet);
    transport_forget(&e->transport);
    return packet.wire_len;
}

size_t engine_receive(struct engine *e, uint8_t *data, size_t len, uint64_t now_ms)
{
    size_t used = 0;
    e->now_ms = now_ms;
    engine_enter(e);
    keepalive_heard(e);
    while (used < len && !e->ended && !engine_waiting(e)) {
        size_t step = e->phase == PHASE_VERSION ? receive_line(e, SPAN(data + used, len - used))
                                                : receive_packet(e, data + used, len - used);
        if (step == 0)
            break;
        used += step;
    }
    bool ended = e->ended;
    engine_leave(e);
    return ended ? len : used;
}

bool engine_waiting(const struct engine *e)
{
    return e->waiting || e->held;
}

void engine_hold(struct engine *e, bool hold)
{
    e->held = hold;
}

/* ---- output ---- */

void engine_wants_output(struct engine *e)
{
    if (e->output_announced)
        return;
    e->output_announced = true;
    if (e->events->output_ready != NULL)
        e->events->output_ready(e->owner);
}

struct span engine_output(struct engine *e, uint64_t now_ms)
{
    e->now_ms = now_ms;
    e->output_announced = true; /* what is framed in here is seen below */
    engine_enter(e);
    if (!e->ended && e->auth.stage == AUTH_DONE)
        mux_pump(e);
    engine_leave(e);
    e->output_announced = false;
    return e->lost ? SPAN(NULL, 0) : transport_output(&e->transport);
}

void engine_sent(struct engine *e, size_t len)
{
    transport_sent(&e->transport, len);
    if (e->transport.unsent <= e->config->limits.output_low)
        e->above_high = false;
    if (e->transport.unsent == 0)
        e->pong_unsent = 0;
}

size_t engine_unsent(const struct engine *e)
{
    return e->lost ? 0 : e->transport.unsent;
}

/* ---- time ---- */

void engine_tick(struct engine *e, uint64_t now_ms)
{
    e->now_ms = now_ms;
    engine_enter(e);
    if (now_ms >= e->login_deadline_ms)
        engine_error(e, SSHIO_ECONNECTION_LOST, "Login timeout expired");
    else if (now_ms >= key_exchange_deadline(&e->kex))
        engine_error(e, SSHIO_EKEY_EXCHANGE_FAILED, "Key exchange was not completed in time");
    nudge_tick(e);
    keepalive_tick(e);
    engine_leave(e);
}

uint64_t engine_deadline(const struct engine *e)
{
    if (e->ended)
        return NEVER;
    uint64_t deadlines[] = { e->login_deadline_ms, e->nudge.deadline_ms, e->keepalive.deadline_ms };
    uint64_t due = key_exchange_deadline(&e->kex);
    for (size_t i = 0; i < sizeof deadlines / sizeof deadlines[0]; i++)
        if (deadlines[i] < due)
            due = deadlines[i];
    return due;
}

/* ---- what parts tell each other ---- */

void engine_first_keys(struct engine *e)
{
    engine_release_held(e);
    auth_start(e);
}

void engine_logged_in(struct engine *e)
{
    e->login_deadline_ms = NEVER;
    e->transport.logged_in = true;
    keepalive_start(e);
    mem_free(e->kex.server_sig_algs);
    e->kex.server_sig_algs = NULL;
    engine_release_held(e);
    if (!e->ended && e->events->authenticated != NULL)
        e->events->authenticated(e->owner);
}

void engine_rekey(struct engine *e)
{
    if (e->auth.stage == AUTH_DONE && e->kex.running == NULL)
        key_exchange_start(e);
}

/* ---- what is known ---- */

bool engine_is_authenticated(const struct engine *e)
{
    return e->auth.stage == AUTH_DONE;
}

const char *engine_peer_version(const struct engine *e)
{
    return e->peer_version;
}

uint32_t engine_peer_quirks(const struct engine *e)
{
    return e->quirks;
}

const char *engine_own_version(const struct engine *e)
{
    return e->own_version;
}

struct span engine_session_id(const struct engine *e)
{
    return SPAN(e->kex.session_id, e->kex.session_id_len);
}

bool engine_strict_kex(const struct engine *e)
{
    return e->kex.strict;
}

static const char *cipher_name(const struct cipher *cipher)
{
    return cipher != NULL ? cipher_alg(cipher)->name : "";
}

static const char *mac_name(const struct cipher *cipher)
{
    return cipher != NULL ? cipher_mac_name(cipher) : "";
}

static const char *compression_name(const struct direction *d)
{
    if (d->compression != NULL)
        return d->compression->name;
    return d->cipher != NULL ? "none" : "";
}

void engine_algorithms(const struct engine *e, struct engine_algorithms *out)
{
    const struct direction *send = &e->transport.send;
    const struct direction *recv = &e->transport.recv;
    *out = (struct engine_algorithms){
        .kex = e->kex.alg != NULL ? e->kex.alg->name : "",
        .host_key = e->kex.host_key_alg != NULL ? e->kex.host_key_alg->name : "",
        .send_cipher = cipher_name(send->cipher),
        .recv_cipher = cipher_name(recv->cipher),
        .send_mac = mac_name(send->cipher),
        .recv_mac = mac_name(recv->cipher),
        .send_compression = compression_name(send),
        .recv_compression = compression_name(recv),
    };
}

void engine_stats(const struct engine *e, struct engine_stats *out)
{
    *out = (struct engine_stats){
        .bytes_sent = e->transport.send.bytes,
        .bytes_received = e->transport.recv.bytes,
        .packets_sent = e->transport.send.packets,
        .packets_received = e->transport.recv.packets,
        .rekeys = e->kex.rekeys,
    };
}
