/* The sending half of a channel: its queue, the peer's window, EOF and CLOSE (RFC 4254 sections 5.2
 * and 5.3).
 *
 * Large writes that may leave at once are sealed straight from the caller's memory. All other data
 * waits in `out`, so that small writes of one turn share a packet, and leaves through mux_pump. A
 * request that stands behind data is a mark in `out`; it goes when the mark comes to the head, or
 * when the data in front of it meets a shut window. */
#include "engine/channel_state.h"

#include "base/memory.h"
#include "engine/quirks.h"

#define PACKET_MAX 32768u   /* of data, whatever the peer would take */
#define WRITE_THROUGH 4096u /* from here on a copy costs more than a packet of its own */

static bool packets_are_short(const struct engine *e)
{
    return (e->quirks & QUIRK_PACKETS_SHORT) != 0 && e->transport.send.compression != NULL;
}

void channel_set_peer(struct channel *ch, uint32_t number, uint32_t window, uint32_t max_packet)
{
    ch->peer_number = number;
    ch->send_window = window;
    ch->send_packet = max_packet < PACKET_MAX ? max_packet : PACKET_MAX;
    if (max_packet > 1 && packets_are_short(ch->engine))
        ch->send_packet--;
}

/* The oldest data, where it could be sent now as far as this channel goes. */
static bool next_data(const struct channel *ch, uint8_t *type, struct span *data)
{
    return channel_is_sendable(ch) && ch->send_window > 0 && byte_queue_head(&ch->out, type, data) &&
           *type != BYTE_QUEUE_MARK;
}

/* Puts the channel at the end of the round when it has something for it. */
static void enlist(struct channel *ch)
{
    uint8_t type;
    struct span data;
    if (list_linked(&ch->sending) || !next_data(ch, &type, &data))
        return;
    list_append(&ch->engine->mux.sending, &ch->sending);
    engine_wants_output(ch->engine);
}

void channel_go_on(struct channel *ch)
{
    channel_send_ends(ch);
    enlist(ch);
}

/* ---- requests, EOF and CLOSE ---- */

static void send_request(struct channel *ch, struct waiting_request *request)
{
    struct writer *w = engine_message(ch->engine, MSG_CHANNEL_REQUEST);
    put_u32(w, ch->peer_number);
    put_bytes(w, request->fields, request->len);
    if (request->want_reply)
        ch->replies_awaited++;
    mem_free(request);
    engine_send(ch->engine);
}

static struct waiting_request *take_waiting(struct channel *ch)
{
    struct list *node = list_take(&ch->requests);
    return node != NULL ? LIST_ENTRY(node, struct waiting_request, node) : NULL;
}

/* The window is shut with data at the head: every request behind it overtakes. */
static void send_blocked_requests(struct channel *ch)
{
    struct waiting_request *request;
    while (channel_is_sendable(ch) && (request = take_waiting(ch)) != NULL) {
        ch->overtaken++;
        send_request(ch, request);
    }
}

/* A mark is at the head: the request that it stands for is due, unless it went ahead. */
static void take_mark(struct channel *ch)
{
    byte_queue_take(&ch->out, 0);
    if (ch->overtaken > 0)
        ch->overtaken--;
    else
        send_request(ch, take_waiting(ch));
}

static void send_plain(struct channel *ch, uint8_t number)
{
    struct writer *w = engine_message(ch->engine, number);
    put_u32(w, ch->peer_number);
    engine_send(ch->engine);
}

void channel_send_ends(struct channel *ch)
{
    uint8_t type;
    struct span data;
    while (channel_is_sendable(ch) && byte_queue_head(&ch->out, &type, &data)) {
        if (type != BYTE_QUEUE_MARK) {
            if (ch->send_window == 0)
                send_blocked_requests(ch);
            return;
        }
        take_mark(ch);
    }
    if (ch->eof_asked && !ch->eof_sent && channel_is_sendable(ch)) {
        ch->eof_sent = true;
        send_plain(ch, MSG_CHANNEL_EOF);
    }
    if (ch->close_asked && channel_is_sendable(ch)) {
        ch->close_sent = true;
        send_plain(ch, MSG_CHANNEL_CLOSE);
    }
}

void channel_drop_output(struct channel *ch)
{
    struct waiting_request *request;
    while ((request = take_waiting(ch)) != NULL)
        mem_free(request);
    byte_queue_done(&ch->out);
    ch->overtaken = 0;
    list_remove(&ch->sending);
}

void channel_eof(struct channel *ch)
{
    if (!channel_can_write(ch))
        return;
    channel_enter(ch);
    ch->eof_asked = true;
    channel_send_ends(ch);
    channel_leave(ch);
}

/* Behind the data that is queued; at once where no data is in front of it, or only such as the
 * window holds. */
static int queue_request(struct channel *ch, struct waiting_request *request)
{
    uint8_t type;
    struct span data;
    bool waits = !ch->established || next_data(ch, &type, &data) || !list_empty(&ch->requests);
    if (!waits) {
        send_request(ch, request);
        return 0;
    }
    if (!byte_queue_add_mark(&ch->out)) {
        mem_free(request);
        return SSHIO_ENOMEM;
    }
    list_append(&ch->requests, &request->node);
    return 0;
}

int channel_request(struct channel *ch, const char *name, bool want_reply, struct span data)
{
    if (channel_is_closed(ch) || ch->engine->ended)
        return SSHIO_ECLOSED;
    size_t len = 4 + strlen(name) + 1 + data.len;
    struct waiting_request *request = mem_alloc(sizeof *request + len);
    if (request == NULL)
        return SSHIO_ENOMEM;
    struct writer w;
    writer_init_fixed(&w, request->fields, len);
    put_text(&w, name);
    put_bool(&w, want_reply);
    put_bytes(&w, data.data, data.len);
    request->want_reply = want_reply;
    request->len = len;
    list_init(&request->node);
    channel_enter(ch);
    int result = queue_request(ch, request);
    channel_leave(ch);
    return result;
}

/* ---- data ---- */

static void seal_data(struct channel *ch, uint32_t type, const uint8_t *data, size_t len)
{
    uint8_t head[13];
    size_t at = 5;
    store_u32(head + 1, ch->peer_number);
    if (type == 0) {
        head[0] = MSG_CHANNEL_DATA;
    } else {
        head[0] = MSG_CHANNEL_EXTENDED_DATA;
        store_u32(head + at, type);
        at += 4;
    }
    store_u32(head + at, (uint32_t)len);
    ch->send_window -= (uint32_t)len;
    ch->engine->mux.data_passed += len;
    engine_send_data(ch->engine, head, at + 4, data, len);
}

static size_t packet_size(const struct channel *ch, size_t len)
{
    size_t size = ch->send_window < ch->send_packet ? ch->send_window : ch->send_packet;
    return len < size ? len : size;
}

/* Sends what can leave at once straight from the caller's memory. Only when nothing else waits, on
 * this channel or another. */
static size_t write_through(struct channel *ch, uint32_t type, const uint8_t *data, size_t len)
{
    struct mux *m = &ch->engine->mux;
    size_t sent = 0;
    if (!byte_queue_is_empty(&ch->out) || !list_empty(&m->sending) || m->pumping)
        return 0;
    while (len - sent >= WRITE_THROUGH && channel_is_sendable(ch) && ch->send_window > 0 &&
           engine_data_allowed(ch->engine)) {
        size_t part = packet_size(ch, len - sent);
        seal_data(ch, type, data + sent, part);
        sent += part;
    }
    return sent;
}

static void note_high(struct channel *ch)
{
    if (ch->out.len > ch->high)
        ch->above_high = true;
}

static void note_low(struct channel *ch)
{
    if (!ch->above_high || ch->out.len > ch->low || ch->dead)
        return;
    ch->above_high = false;
    ch->events->writable(ch, ch->user);
}

static int write_data(struct channel *ch, uint8_t type, const uint8_t *data, size_t len)
{
    size_t sent = write_through(ch, type, data, len);
    if (!byte_queue_add(&ch->out, type, data + sent, len - sent)) {
        if (sent > 0) /* The stream has a hole that nobody can fill. */
            engine_out_of_memory(ch->engine);
        return SSHIO_ENOMEM;
    }
    note_high(ch);
    enlist(ch);
    if (sent > 0)
        engine_wants_output(ch->engine);
    return 0;
}

int channel_write(struct channel *ch, uint32_t type, const void *data, size_t len)
{
    if (!channel_can_write(ch))
        return SSHIO_ECLOSED;
    if (type >= BYTE_QUEUE_MARK)
        return SSHIO_EINVAL;
    if (len == 0)
        return 0;
    channel_enter(ch);
    int result = write_data(ch, (uint8_t)type, data, len);
    channel_leave(ch);
    return result;
}

void channel_send_packet(struct channel *ch)
{
    uint8_t type;
    struct span data;
    if (!next_data(ch, &type, &data))
        return;
    size_t len = packet_size(ch, data.len);
    seal_data(ch, type, data.data, len);
    byte_queue_take(&ch->out, len);
    channel_go_on(ch);
    note_low(ch);
}

bool channel_add_window(struct channel *ch, uint32_t n)
{
    uint64_t sum = (uint64_t)ch->send_window + n;
    if (sum > UINT32_MAX && !ch->saturates)
        return false;
    ch->send_window = sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
    channel_go_on(ch);
    return true;
}

void channel_saturate_window(struct channel *ch)
{
    ch->saturates = true;
}

size_t channel_queued(const struct channel *ch)
{
    return ch->out.len;
}

void channel_set_marks(struct channel *ch, size_t high, size_t low)
{
    ch->high = high;
    ch->low = low;
    channel_enter(ch);
    note_high(ch);
    note_low(ch);
    channel_leave(ch);
}

bool channel_above_high(const struct channel *ch)
{
    return ch->above_high;
}
