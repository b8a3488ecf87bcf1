/* What may leave, and when: control messages at once or held in order, channel data while there is
 * room.
 *
 * Held is what may not be sent now: all but the messages of key exchanges between our KEXINIT and
 * our NEWKEYS (RFC 4253 7.1), and what belongs to a later part of the connection before that part
 * has begun. Channel data is never held; it stays with its channel. */
#include <string.h>

#include "base/memory.h"
#include "engine/exchange.h"
#include "engine/internal.h"
#include "engine/packet_log.h"

#define SECRET_ALIGN 64           /* what holds a password is padded to multiples of it */
#define MESSAGE_KEEP (64u * 1024) /* a longer writer is not kept */

struct held_message {
    struct held_message *next;
    uint32_t align;
    size_t len;
    uint8_t payload[];
};

static bool is_kex_number(uint8_t number)
{
    return number >= MSG_KEXINIT && number <= MSG_KEX_LAST;
}

/* During an exchange of ours. In the first one a peer may insist on strict key exchange, which
 * allows nothing else. */
static bool may_leave_in_exchange(const struct engine *e, uint8_t number)
{
    bool first = e->kex.session_id_len == 0 || e->phase != PHASE_SECURED;
    return number == MSG_UNIMPLEMENTED || (number == MSG_IGNORE && !first);
}

static bool may_leave(const struct engine *e, uint8_t number)
{
    if (number == MSG_DISCONNECT || is_kex_number(number))
        return true;
    if (key_exchange_holds(&e->kex))
        return may_leave_in_exchange(e, number);
    if (e->phase != PHASE_SECURED)
        return number == MSG_UNIMPLEMENTED ||
               (number == MSG_EXT_INFO && e->kex.running != NULL && e->kex.running->sent_newkeys);
    if (number == MSG_USERAUTH_BANNER)
        return e->auth.stage >= AUTH_RUNNING;
    return number < MSG_GLOBAL_REQUEST || e->auth.stage == AUTH_DONE;
}

static void frame(struct engine *e, struct span head, struct span body, uint32_t align)
{
    struct error error;
    error_init(&error);
    uint8_t number = head.data[0];
    packet_log(e->logger, true, head, body);
    if (transport_seal(&e->transport, head, body, align, &error) < 0) {
        engine_error(e, error_code(&error), "%s", error_message(&error));
        error_clear(&error);
        return;
    }
    key_exchange_passed(&e->kex, number);
    engine_wants_output(e);
}

/* A peer that does not read what it asked for must not make us keep it without end. */
static bool within_limit(struct engine *e)
{
    const struct limits *limits = &e->config->limits;
    size_t kept = e->held_len + e->transport.unsent;
    if (kept <= (size_t)limits->control_queue + limits->output_high)
        return true;
    engine_error(e, SSHIO_ELIMIT, "The peer does not read: %zu bytes of replies are unsent", kept);
    return false;
}

static void hold(struct engine *e, struct span payload, uint32_t align)
{
    struct held_message *m = mem_alloc(sizeof *m + payload.len);
    if (m == NULL) {
        engine_out_of_memory(e);
        return;
    }
    *m = (struct held_message){ .align = align, .len = payload.len };
    memcpy(m->payload, payload.data, payload.len);
    if (e->held_last != NULL)
        e->held_last->next = m;
    else
        e->held_first = m;
    e->held_last = m;
    e->held_len += sizeof *m + m->len;
}

/* Takes the message behind *link out of the list. */
static struct held_message *unlink_held(struct engine *e, struct held_message **link, struct held_message *before)
{
    struct held_message *m = *link;
    *link = m->next;
    if (e->held_last == m)
        e->held_last = before;
    e->held_len -= sizeof *m + m->len;
    return m;
}

static void free_held(struct held_message *m)
{
    mem_free_secret(m, sizeof *m + m->len);
}

/* A message that is released may start a re-exchange, and then those behind it stay. */
void engine_release_held(struct engine *e)
{
    struct held_message **link = &e->held_first;
    struct held_message *before = NULL;
    while (*link != NULL && !e->ended) {
        if (!may_leave(e, (*link)->payload[0])) {
            before = *link;
            link = &before->next;
            continue;
        }
        struct held_message *m = unlink_held(e, link, before);
        frame(e, SPAN(m->payload, m->len), SPAN(NULL, 0), m->align);
        free_held(m);
        key_exchange_consider(e);
    }
}

void engine_drop_held(struct engine *e)
{
    struct held_message *before = NULL;
    while (e->held_first != NULL)
        free_held(unlink_held(e, &e->held_first, before));
}

struct writer *engine_message(struct engine *e, uint8_t number)
{
    struct writer *w = &e->buffers->message;
    writer_reset(w);
    put_u8(w, number);
    return w;
}

static void send_message(struct engine *e, uint32_t align)
{
    struct writer *w = &e->buffers->message;
    struct span payload = writer_span(w);
    if (e->ended)
        return;
    if (writer_failed(w)) {
        engine_out_of_memory(e);
        return;
    }
    uint8_t number = payload.data[0];
    bool now = may_leave(e, number);
    if (now)
        frame(e, payload, SPAN(NULL, 0), align);
    else
        hold(e, payload, align);
    if (!e->ended && within_limit(e) && now && !is_kex_number(number))
        key_exchange_consider(e);
}

static void finish_message(struct engine *e)
{
    struct writer *w = &e->buffers->message;
    if (w->capacity > MESSAGE_KEEP) {
        writer_done(w);
        writer_init(w, ENGINE_MAX_MESSAGE);
    } else {
        writer_reset(w);
    }
}

void engine_send(struct engine *e)
{
    send_message(e, 0);
    finish_message(e);
}

void engine_send_padded(struct engine *e)
{
    send_message(e, SECRET_ALIGN);
    finish_message(e);
}

bool engine_data_allowed(const struct engine *e)
{
    return !e->ended && !e->above_high && e->auth.stage == AUTH_DONE && e->held_first == NULL &&
           !key_exchange_holds(&e->kex);
}

void engine_send_data(struct engine *e, const uint8_t *head, size_t head_len, const uint8_t *body, size_t body_len)
{
    frame(e, SPAN(head, head_len), SPAN(body, body_len), 0);
    if (e->transport.unsent >= e->config->limits.output_high)
        e->above_high = true;
    key_exchange_consider(e);
}
