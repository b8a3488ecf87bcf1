/* DISCONNECT, IGNORE, UNIMPLEMENTED, DEBUG, PING and PONG; see transport_messages.h. */
#include "engine/transport_messages.h"

#include <string.h>

#include <sshio/constants.h>

#include "base/log.h"
#include "engine/internal.h"
#include "engine/peer_text.h"

#define SHOWN_LEN 512 /* of a text from the peer */
#define MAX_IGNORE_LEN 32768
#define MAX_PONG_UNSENT (16 * 1024)
#define PONG_OVERHEAD 64 /* so that empty ones count too */

static bool complete(struct engine *e, const struct reader *r)
{
    if (reader_done(r))
        return true;
    engine_protocol_error(e, "Malformed %s", message_name(e->message_number));
    return false;
}

/* A peer that hangs up when it has logged in, or let us in, ends the connection as it should end.
 * Before that it refused us. */
static bool is_clean_end(const struct engine *e, uint32_t reason)
{
    return reason == SSHIO_DISC_BY_APPLICATION && e->auth.stage == AUTH_DONE;
}

static void end_by_disconnect(struct engine *e, uint32_t reason, struct span text, struct span lang)
{
    char shown[SHOWN_LEN];
    struct error error;
    log_escaped(text, shown, sizeof shown);
    log_debug(e->logger, 1, "Received disconnect: %s (%u)", shown, reason);
    if (is_clean_end(e, reason)) {
        engine_lost(e, NULL);
        return;
    }
    error_init(&error);
    error_set_reason(&error, error_of_disconnect(reason), reason, "%s", shown);
    error.lang = span_dup_text(lang);
    if (error.lang != NULL)
        error.pub.lang = error.lang;
    engine_lost(e, &error);
    error_clear(&error);
}

void on_disconnect(struct engine *e, struct reader *r)
{
    uint32_t reason = read_u32(r);
    struct span bytes = read_string(r);
    struct span lang = read_string(r);
    struct peer_text text;
    struct error error;
    if (!complete(e, r))
        return;
    error_init(&error);
    if (peer_text_init(&text, e, message_name(MSG_DISCONNECT), bytes, lang, &error) == 0) {
        end_by_disconnect(e, reason, text.text, lang);
        peer_text_done(&text);
    } else {
        engine_lost(e, &error); /* the peer reads no answer any more */
    }
    error_clear(&error);
}

void on_ignore(struct engine *e, struct reader *r)
{
    /* Some Cisco servers leave the string out. */
    if (reader_left(r) == 0 && strstr(e->peer_version, "Cisco") != NULL)
        return;
    read_string(r);
    complete(e, r);
}

void on_unimplemented(struct engine *e, struct reader *r)
{
    uint32_t seq = read_u32(r);
    if (complete(e, r))
        log_debug(e->logger, 1, "The peer does not implement our packet %u", seq);
}

void on_debug(struct engine *e, struct reader *r)
{
    bool always_display = read_bool(r);
    struct span bytes = read_string(r);
    struct span lang = read_string(r);
    struct peer_text msg;
    char shown[SHOWN_LEN];
    if (!complete(e, r) || !peer_text_read(&msg, e, message_name(e->message_number), bytes, lang))
        return;
    log_debug(e->logger, 1, "Received debug message: %s", log_escaped(msg.text, shown, sizeof shown));
    if (e->events->debug_received != NULL)
        e->events->debug_received(e->owner, always_display, msg.text, lang);
    peer_text_done(&msg);
}

void send_unimplemented(struct engine *e, uint32_t seq)
{
    put_u32(engine_message(e, MSG_UNIMPLEMENTED), seq);
    engine_send(e);
}

/* What a peer that does not read its answers can make us keep is bounded: the rest goes
 * unanswered. */
void on_ping(struct engine *e, struct reader *r)
{
    struct span data = read_string(r);
    if (!complete(e, r) || e->pong_unsent + data.len + PONG_OVERHEAD > MAX_PONG_UNSENT)
        return;
    e->pong_unsent += (uint32_t)data.len + PONG_OVERHEAD;
    put_span(engine_message(e, MSG_PONG), data);
    engine_send(e);
}

void on_pong(struct engine *e, struct reader *r)
{
    read_string(r);
    complete(e, r);
}

void engine_send_debug(struct engine *e, bool always_display, const char *msg, const char *lang)
{
    if (e->ended)
        return;
    struct writer *w = engine_message(e, MSG_DEBUG);
    put_bool(w, always_display);
    put_text(w, msg);
    put_text(w, lang);
    engine_send(e);
}

void engine_send_ignore(struct engine *e, size_t len)
{
    static const uint8_t zeros[256];
    if (e->ended)
        return;
    struct writer *w = engine_message(e, MSG_IGNORE);
    size_t left = len < MAX_IGNORE_LEN ? len : MAX_IGNORE_LEN;
    size_t mark = put_open(w);
    for (; left > sizeof zeros; left -= sizeof zeros)
        put_bytes(w, zeros, sizeof zeros);
    put_bytes(w, zeros, left);
    put_close(w, mark);
    engine_send(e);
}
