/* The receiving half of a channel: what arrives, our window, EOF and CLOSE (RFC 4254 sections 5.2
 * and 5.3).
 *
 * The window is debited when data arrives and given back when it was delivered, so a paused channel
 * holds at most one window. Giving back waits until half a window, or 1 MiB, has come together, and
 * then for mux_pump.
 *
 * A window that is smaller than what the way to the peer holds keeps the peer waiting. So once every round trip the
 * window is compared with what was delivered in one, and where that comes near, it grows to twice as much: it doubles
 * each round trip until the way is full, or the connection's limit is reached. Short ways need no more than a window
 * has at first, and a window that was made smaller than usual was meant to be small. */
#include "engine/channel_state.h"

#define ADJUST_MAX (1024u * 1024)

static uint32_t adjust_threshold(const struct channel *ch)
{
    uint32_t half = ch->window / 2;
    if (half > ADJUST_MAX)
        return ADJUST_MAX;
    return half > 0 ? half : 1;
}

/* Whether giving window back still means something to the peer. */
static bool may_adjust(const struct channel *ch)
{
    return channel_is_sendable(ch) && !ch->eof_arrived && !ch->close_arrived;
}

static void consume(struct channel *ch, size_t len)
{
    ch->consumed += (uint32_t)len;
    ch->round_bytes += len;
    if (ch->consumed < adjust_threshold(ch) || list_linked(&ch->adjusting) || !may_adjust(ch))
        return;
    list_append(&ch->engine->mux.adjusting, &ch->adjusting);
    engine_wants_output(ch->engine);
}

/* What was delivered in one round trip, where one has passed since the last look; 0 = it is too early to say. */
static uint64_t bytes_per_round_trip(struct channel *ch)
{
    struct engine *e = ch->engine;
    uint64_t passed_ms = e->now_ms - ch->round_ms;
    uint64_t bytes = ch->round_bytes;
    if (passed_ms < e->round_trip.ms)
        return 0;
    ch->round_ms = e->now_ms;
    ch->round_bytes = 0;
    return bytes * e->round_trip.ms / passed_ms;
}

static bool may_grow(const struct channel *ch)
{
    return ch->window >= CHANNEL_WINDOW_DEFAULT;
}

/* As far as the connection's limit lets it. */
static void widen(struct channel *ch, uint64_t wanted)
{
    struct mux *m = &ch->engine->mux;
    uint64_t left = ch->engine->config->limits.window_growth - m->window_grown;
    if (wanted > UINT32_MAX)
        wanted = UINT32_MAX;
    if (wanted <= ch->window || left == 0)
        return;
    uint32_t more = (uint32_t)(wanted - ch->window < left ? wanted - ch->window : left);
    ch->window += more;
    ch->grown += more;
    m->window_grown += more;
    ch->consumed += more; /* given back with the rest */
}

void channel_widen_window(struct channel *ch, uint32_t window)
{
    if (!may_grow(ch) || !may_adjust(ch))
        return;
    widen(ch, window);
    if (ch->consumed == 0 || list_linked(&ch->adjusting))
        return;
    list_append(&ch->engine->mux.adjusting, &ch->adjusting);
    engine_wants_output(ch->engine);
}

static void grow_window(struct channel *ch)
{
    if (engine_way_is_long(ch->engine))
        widen(ch, 2 * bytes_per_round_trip(ch));
}

void channel_send_adjust(struct channel *ch)
{
    if (!may_adjust(ch))
        return;
    if (may_grow(ch))
        grow_window(ch);
    uint32_t n = ch->consumed;
    ch->granted += n;
    ch->consumed = 0;
    struct writer *w = engine_message(ch->engine, MSG_CHANNEL_WINDOW_ADJUST);
    put_u32(w, ch->peer_number);
    put_u32(w, n);
    engine_send(ch->engine);
    if (may_grow(ch))
        round_trip_probe(ch->engine);
}

/* ---- delivery ---- */

void channel_take_data(struct channel *ch, uint32_t type, struct span data)
{
    if (data.len == 0)
        return;
    ch->granted -= (uint32_t)data.len;
    ch->engine->mux.data_passed += data.len;
    if (ch->close_asked) {
        consume(ch, data.len);
    } else if (ch->paused || ch->delivering || !byte_queue_is_empty(&ch->in)) {
        if (!byte_queue_add(&ch->in, (uint8_t)type, data.data, data.len))
            engine_out_of_memory(ch->engine);
    } else {
        channel_pin(ch);
        ch->events->data(ch, ch->user, type, data.data, data.len);
        consume(ch, data.len);
        channel_unpin(ch);
    }
}

static void deliver(struct channel *ch)
{
    uint8_t type;
    struct span data;
    ch->delivering = true;
    while (!ch->paused && !ch->dead && !ch->close_asked && byte_queue_head(&ch->in, &type, &data)) {
        ch->events->data(ch, ch->user, type, data.data, data.len);
        byte_queue_take(&ch->in, data.len);
        consume(ch, data.len);
    }
    ch->delivering = false;
}

void channel_drop_input(struct channel *ch)
{
    /* An event may be looking at the head; then channel_resume comes here again when it is over. */
    if (ch->delivering || byte_queue_is_empty(&ch->in))
        return;
    consume(ch, ch->in.len);
    byte_queue_done(&ch->in);
}

void channel_tell_ends(struct channel *ch)
{
    if (ch->delivering || ch->dead || !byte_queue_is_empty(&ch->in))
        return;
    channel_pin(ch);
    if (ch->eof_arrived && !ch->eof_told && !ch->close_asked) {
        ch->eof_told = true;
        ch->events->eof(ch, ch->user);
    }
    if (ch->close_arrived)
        channel_finish(ch, NULL);
    channel_unpin(ch);
}

void channel_pause(struct channel *ch)
{
    ch->paused = true;
}

void channel_set_reader(struct channel *ch, bool is_there)
{
    ch->no_reader = !is_there;
}

void channel_resume(struct channel *ch)
{
    if (!ch->paused)
        return;
    ch->paused = false;
    if (ch->delivering || ch->dead)
        return;
    channel_enter(ch);
    deliver(ch);
    if (ch->close_asked)
        channel_drop_input(ch);
    channel_tell_ends(ch);
    channel_leave(ch);
}

bool channel_take_undelivered(struct channel *ch, uint32_t *type, struct span *data)
{
    uint8_t tag;
    if (ch->handed_out > 0)
        byte_queue_take(&ch->in, ch->handed_out);
    ch->handed_out = 0;
    if (!byte_queue_head(&ch->in, &tag, data))
        return false;
    *type = tag;
    ch->handed_out = data->len;
    return true;
}

void channel_allow_extended(struct channel *ch, uint32_t types)
{
    ch->extended_types = types;
}
