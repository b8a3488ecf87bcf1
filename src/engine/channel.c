/* Life of a channel: made, opened, closed, gone (RFC 4254 sections 5.1 and 5.3).
 *
 * Events may close the channel they run for. It is then told closed and taken out of everything at
 * once, and freed when the last function on the stack that still looks at it lets go of its pin. */
#include "engine/channel_state.h"

#include "base/memory.h"

#define HIGH_DEFAULT (64u * 1024)

struct channel *channel_new(struct engine *e, uint32_t window, uint32_t max_packet)
{
    struct channel *ch = mem_zalloc(sizeof *ch);
    if (ch == NULL)
        return NULL;
    ch->engine = e;
    ch->high = HIGH_DEFAULT;
    ch->low = HIGH_DEFAULT / 4;
    ch->window = ch->granted = window;
    ch->recv_packet = max_packet;
    list_init(&ch->sending);
    list_init(&ch->adjusting);
    list_init(&ch->requests);
    list_init(&ch->asked);
    byte_queue_init(&ch->out, &e->buffers->queue);
    byte_queue_init(&ch->in, &e->buffers->queue);
    if (!mux_add(&e->mux, ch, e->config->limits.channels, &ch->number)) {
        mem_free(ch);
        return NULL;
    }
    return ch;
}

/* Out of the table and the lists: no message and no pump finds it any more. */
static void detach(struct channel *ch)
{
    struct mux *m = &ch->engine->mux;
    list_remove(&ch->sending);
    list_remove(&ch->adjusting);
    if (ch->undecided) {
        ch->undecided = false;
        m->undecided--;
    }
    m->window_grown -= ch->grown;
    ch->grown = 0;
    mux_remove(m, ch->number);
}

static void release(struct channel *ch)
{
    channel_drop_output(ch);
    channel_drop_requests(ch);
    byte_queue_done(&ch->in);
    mem_free(ch);
}

void channel_free(struct channel *ch)
{
    detach(ch);
    release(ch);
}

void channel_pin(struct channel *ch)
{
    ch->pins++;
}

void channel_unpin(struct channel *ch)
{
    ch->pins--;
    if (ch->pins == 0 && ch->dead)
        release(ch);
}

void channel_enter(struct channel *ch)
{
    engine_enter(ch->engine);
    channel_pin(ch);
}

void channel_leave(struct channel *ch)
{
    struct engine *e = ch->engine;
    channel_unpin(ch);
    engine_leave(e);
}

void channel_finish(struct channel *ch, const struct error *error)
{
    if (ch->dead)
        return;
    channel_pin(ch);
    ch->dead = true;
    detach(ch);
    ch->events->closed(ch, ch->user, error);
    channel_unpin(ch);
}

void channel_finish_open(struct channel *ch, uint32_t code, struct span reason, struct span lang)
{
    if (ch->dead)
        return;
    channel_pin(ch);
    ch->dead = true;
    detach(ch);
    ch->events->open_failed(ch, ch->user, code, reason, lang);
    channel_unpin(ch);
}

/* ---- opening ---- */

static void send_open(const struct channel *ch, const char *type, struct span data)
{
    struct writer *w = engine_message(ch->engine, MSG_CHANNEL_OPEN);
    put_text(w, type);
    put_u32(w, ch->number);
    put_u32(w, ch->window);
    put_u32(w, ch->recv_packet);
    put_bytes(w, data.data, data.len);
    engine_send(ch->engine);
}

int channel_open(struct engine *e, const char *type, uint32_t window, uint32_t max_packet, struct span data,
                 const struct channel_events *events, void *user, struct channel **ch, struct error *error)
{
    if (e->ended || !engine_is_authenticated(e))
        return error_set(error, SSHIO_ECHANNEL_OPEN, "SSH connection closed");
    if (window == 0 || max_packet == 0)
        return error_set(error, SSHIO_EINVAL, "channel window and packet size must not be 0");
    if (e->mux.count >= e->config->limits.channels)
        return error_set(error, SSHIO_ELIMIT, "no more than %u channels per connection",
                         (unsigned)e->config->limits.channels);
    struct channel *made = channel_new(e, window, max_packet);
    if (made == NULL)
        return error_nomem(error);
    made->events = events;
    made->user = user;
    engine_enter(e);
    send_open(made, type, data);
    int result = 0;
    if (e->ended) { /* over a limit: the caller hears it here, and gets no event for it */
        channel_free(made);
        result = error_set(error, SSHIO_ECHANNEL_OPEN, "SSH connection closed");
    } else {
        *ch = made;
    }
    engine_leave(e);
    return result;
}

void channel_accept(struct channel *ch, uint32_t window, uint32_t max_packet, struct span data,
                    const struct channel_events *events, void *user)
{
    struct engine *e = ch->engine;
    channel_enter(ch);
    ch->events = events;
    ch->user = user;
    ch->undecided = false;
    ch->established = true;
    ch->window = ch->granted = window;
    ch->recv_packet = max_packet;
    e->mux.undecided--;
    if (e->ended) {
        channel_finish(ch, error_code(&e->error) != 0 ? &e->error : NULL);
    } else {
        struct writer *w = engine_message(e, MSG_CHANNEL_OPEN_CONFIRMATION);
        put_u32(w, ch->peer_number);
        put_u32(w, ch->number);
        put_u32(w, window);
        put_u32(w, max_packet);
        put_bytes(w, data.data, data.len);
        engine_send(e);
    }
    channel_leave(ch);
}

void channel_refuse(struct channel *ch, uint32_t code, const char *reason)
{
    struct engine *e = ch->engine;
    channel_enter(ch);
    ch->dead = true;
    uint32_t peer_number = ch->peer_number;
    detach(ch);
    if (!e->ended) {
        struct writer *w = engine_message(e, MSG_CHANNEL_OPEN_FAILURE);
        put_u32(w, peer_number);
        put_u32(w, code);
        put_text(w, reason);
        put_text(w, "en-US");
        engine_send(e);
    }
    channel_leave(ch);
}

/* ---- closing ---- */

void channel_close(struct channel *ch)
{
    if (ch->close_asked || ch->dead)
        return;
    channel_enter(ch);
    ch->close_asked = true;
    ch->eof_asked = ch->established; /* the cancel of an open drops what was written: no EOF may say that it was all */
    if (!ch->established)
        channel_drop_output(ch);
    channel_drop_input(ch);
    channel_send_ends(ch);
    channel_tell_ends(ch);
    channel_leave(ch);
}

void channel_abort(struct channel *ch)
{
    if (ch->dead)
        return;
    channel_enter(ch);
    ch->close_asked = true;
    ch->eof_asked = ch->eof_sent;
    channel_drop_output(ch);
    channel_drop_input(ch);
    channel_send_ends(ch);
    channel_tell_ends(ch);
    channel_leave(ch);
}

/* ---- what is known ---- */

struct engine *channel_engine(const struct channel *ch)
{
    return ch->engine;
}

uint32_t channel_number(const struct channel *ch)
{
    return ch->number;
}

void channel_set_user(struct channel *ch, void *user)
{
    ch->user = user;
}

bool channel_is_sendable(const struct channel *ch)
{
    return ch->established && !ch->close_sent && !ch->dead && !ch->engine->ended;
}

bool channel_can_write(const struct channel *ch)
{
    return !ch->eof_asked && !ch->close_asked && !ch->close_arrived && !ch->dead && !ch->engine->ended;
}

bool channel_is_closed(const struct channel *ch)
{
    return ch->close_asked || ch->close_arrived || ch->dead;
}
