/* The table of channels and the messages of the connection protocol (RFC 4254 section 5); see
 * mux.h.
 *
 * The handlers read a message, find its channel, hold it against the channel's state and hand on
 * what is left. A message for a number that is not in use, not open yet or closed by the peer ends
 * the connection, but for WINDOW_ADJUST, which some peers send after their CLOSE. */
#include "engine/mux.h"

#include <sshio/constants.h>

#include "base/memory.h"
#include "engine/channel_state.h"
#include "engine/peer_text.h"

#define FIRST_CAPACITY 8u

void mux_init(struct mux *m)
{
    *m = (struct mux){ .table = NULL };
    list_init(&m->sending);
    list_init(&m->adjusting);
    global_requests_init(&m->globals);
}

void mux_done(struct engine *e)
{
    struct mux *m = &e->mux;
    for (uint32_t i = 0; i < m->capacity; i++)
        if (m->table[i] != NULL)
            channel_free(m->table[i]);
    mem_free(m->table);
    m->table = NULL;
    m->capacity = 0;
    global_requests_done(&m->globals);
}

/* ---- the table ---- */

static bool grow_table(struct mux *m, uint32_t limit)
{
    uint32_t capacity = m->capacity != 0 ? m->capacity * 2 : FIRST_CAPACITY;
    if (capacity > limit)
        capacity = limit;
    if (capacity <= m->capacity)
        return false;
    struct channel **table = mem_grow(m->table, capacity * sizeof *table);
    if (table == NULL)
        return false;
    for (uint32_t i = m->capacity; i < capacity; i++)
        table[i] = NULL;
    m->table = table;
    m->capacity = capacity;
    return true;
}

bool mux_add(struct mux *m, struct channel *ch, uint32_t limit, uint32_t *number)
{
    uint32_t n = m->lowest_free;
    while (n < m->capacity && m->table[n] != NULL)
        n++;
    if (n == m->capacity && !grow_table(m, limit))
        return false;
    m->table[n] = ch;
    m->lowest_free = n + 1;
    m->count++;
    *number = n;
    return true;
}

void mux_remove(struct mux *m, uint32_t number)
{
    m->table[number] = NULL;
    m->count--;
    if (number < m->lowest_free)
        m->lowest_free = number;
}

static struct channel *at_number(const struct mux *m, uint32_t number)
{
    return number < m->capacity ? m->table[number] : NULL;
}

/* The channel that a message is for, or NULL with the connection ended. */
static struct channel *find(struct engine *e, uint32_t number)
{
    struct channel *ch = at_number(&e->mux, number);
    if (ch != NULL && ch->established && !ch->close_arrived)
        return ch;
    engine_protocol_error(e, "%s for channel %u, which is not open", message_name(e->message_number), (unsigned)number);
    return NULL;
}

/* The same for messages that hold nothing but the number. */
static struct channel *find_only(struct engine *e, struct reader *r)
{
    uint32_t number = read_u32(r);
    if (reader_done(r))
        return find(e, number);
    engine_protocol_error(e, "Invalid %s", message_name(e->message_number));
    return NULL;
}

bool mux_name_is_valid(struct span name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.data[i] < 0x20 || name.data[i] > 0x7e)
            return false;
    return true;
}

bool mux_reserve_waiting(struct engine *e, size_t len)
{
    struct mux *m = &e->mux;
    if (len > e->config->limits.control_queue - m->waiting_len) {
        engine_protocol_error(e, "Too many bytes of requests wait for an answer");
        return false;
    }
    m->waiting_len += len;
    return true;
}

/* ---- opening ---- */

static void refuse(struct engine *e, uint32_t peer_number, uint32_t code, const char *reason)
{
    struct writer *w = engine_message(e, MSG_CHANNEL_OPEN_FAILURE);
    put_u32(w, peer_number);
    put_u32(w, code);
    put_text(w, reason);
    put_text(w, "en-US");
    engine_send(e);
}

static bool has_room(const struct engine *e)
{
    const struct limits *limits = &e->config->limits;
    return e->mux.count < limits->channels && e->mux.undecided < limits->undecided_opens;
}

void mux_on_channel_open(struct engine *e, struct reader *r)
{
    struct span type = read_string(r);
    uint32_t number = read_u32(r);
    uint32_t window = read_u32(r);
    uint32_t max_packet = read_u32(r);
    struct span data = read_rest(r);
    if (!reader_done(r) || !mux_name_is_valid(type)) {
        engine_protocol_error(e, "Invalid channel open request");
        return;
    }
    if (max_packet == 0) {
        engine_protocol_error(e, "Channel open request with a maximum packet size of 0");
        return;
    }
    if (!has_room(e)) {
        refuse(e, number, SSHIO_OPEN_RESOURCE_SHORTAGE, "Too many channels");
        return;
    }
    struct channel *ch = channel_new(e, CHANNEL_WINDOW_DEFAULT, CHANNEL_PACKET_DEFAULT);
    if (ch == NULL) {
        engine_out_of_memory(e);
        return;
    }
    channel_set_peer(ch, number, window, max_packet);
    ch->undecided = true;
    e->mux.undecided++;
    channel_pin(ch);
    e->events->channel_requested(e->owner, ch, type, data);
    channel_unpin(ch);
}

/* Our open that the peer answers with this message, or NULL with the connection ended. */
static struct channel *find_opening(struct engine *e, uint32_t number)
{
    struct channel *ch = at_number(&e->mux, number);
    if (ch != NULL && !ch->established && !ch->undecided)
        return ch;
    engine_protocol_error(e, "%s for channel %u, which is not being opened", message_name(e->message_number),
                          (unsigned)number);
    return NULL;
}

void mux_on_open_confirmation(struct engine *e, struct reader *r)
{
    uint32_t number = read_u32(r);
    uint32_t peer_number = read_u32(r);
    uint32_t window = read_u32(r);
    uint32_t max_packet = read_u32(r);
    struct span data = read_rest(r);
    if (!reader_done(r) || max_packet == 0) {
        engine_protocol_error(e, "Invalid channel open confirmation");
        return;
    }
    struct channel *ch = find_opening(e, number);
    if (ch == NULL)
        return;
    channel_set_peer(ch, peer_number, window, max_packet);
    ch->established = true;
    channel_pin(ch);
    if (!ch->close_asked)
        ch->events->opened(ch, ch->user, data);
    channel_go_on(ch);
    channel_unpin(ch);
}

void mux_on_open_failure(struct engine *e, struct reader *r)
{
    uint32_t number = read_u32(r);
    uint32_t code = read_u32(r);
    struct span reason = read_string(r);
    struct span lang = read_string(r);
    if (!reader_done(r)) {
        engine_protocol_error(e, "Invalid channel open failure");
        return;
    }
    struct peer_text text;
    if (!peer_text_read(&text, e, message_name(e->message_number), reason, lang))
        return;
    struct channel *ch = find_opening(e, number);
    if (ch != NULL)
        channel_finish_open(ch, code, text.text, lang);
    peer_text_done(&text);
}

/* ---- data and windows ---- */

void mux_on_window_adjust(struct engine *e, struct reader *r)
{
    uint32_t number = read_u32(r);
    uint32_t n = read_u32(r);
    if (!reader_done(r)) {
        engine_protocol_error(e, "Invalid channel window adjust");
        return;
    }
    struct channel *ch = at_number(&e->mux, number);
    if (ch == NULL || !ch->established || ch->close_sent || ch->close_arrived) {
        log_debug(e->logger, 1, "Window adjust for channel %u, which is not open, ignored", (unsigned)number);
        return;
    }
    if (!channel_add_window(ch, n))
        engine_protocol_error(e, "Window of channel %u above 2^32-1", (unsigned)number);
}

/* What the peer may not send, by what we granted and told; NULL = it may. */
static const char *data_fault(const struct channel *ch, uint32_t type, size_t len)
{
    if (ch->eof_arrived)
        return "Data after EOF";
    if (type != 0 && (type > 31 || (ch->extended_types >> type & 1) == 0))
        return "Invalid extended data type";
    if (len > ch->recv_packet)
        return "Packet too big";
    if (len > ch->granted)
        return "Window exceeded";
    return NULL;
}

static void take_data(struct engine *e, uint32_t number, uint32_t type, struct span data)
{
    struct channel *ch = find(e, number);
    if (ch == NULL)
        return;
    const char *fault = data_fault(ch, type, data.len);
    if (fault != NULL)
        engine_protocol_error(e, "%s on channel %u", fault, (unsigned)number);
    else
        channel_take_data(ch, type, data);
}

void mux_on_data(struct engine *e, struct reader *r)
{
    uint32_t number = read_u32(r);
    struct span data = read_string(r);
    if (reader_done(r))
        take_data(e, number, 0, data);
    else
        engine_protocol_error(e, "Invalid channel data");
}

void mux_on_extended_data(struct engine *e, struct reader *r)
{
    uint32_t number = read_u32(r);
    uint32_t type = read_u32(r);
    struct span data = read_string(r);
    /* Type 0 does not exist on the wire, and inside it means plain data. */
    if (reader_done(r) && type != 0)
        take_data(e, number, type, data);
    else
        engine_protocol_error(e, "Invalid extended channel data");
}

/* ---- ends ---- */

void mux_on_eof(struct engine *e, struct reader *r)
{
    struct channel *ch = find_only(e, r);
    if (ch == NULL)
        return;
    if (ch->eof_arrived) {
        engine_protocol_error(e, "Second EOF on channel %u", (unsigned)ch->number);
        return;
    }
    ch->eof_arrived = true;
    channel_tell_ends(ch);
}

void mux_on_close(struct engine *e, struct reader *r)
{
    struct channel *ch = find_only(e, r);
    if (ch == NULL)
        return;
    ch->close_arrived = true;
    channel_drop_output(ch);
    if (ch->no_reader)
        channel_drop_input(ch);
    if (channel_is_sendable(ch)) {
        ch->close_sent = true;
        struct writer *w = engine_message(e, MSG_CHANNEL_CLOSE);
        put_u32(w, ch->peer_number);
        engine_send(e);
    }
    channel_tell_ends(ch);
}

/* ---- requests ---- */

void mux_on_channel_request(struct engine *e, struct reader *r)
{
    uint32_t number = read_u32(r);
    struct reader whole = *r;
    struct span fields = read_rest(&whole);
    struct span name = read_string(r);
    (void)read_bool(r);
    (void)read_rest(r);
    if (!reader_done(r) || !mux_name_is_valid(name)) {
        engine_protocol_error(e, "Invalid channel request");
        return;
    }
    struct channel *ch = find(e, number);
    if (ch != NULL)
        channel_take_request(ch, fields);
}

static void take_reply(struct engine *e, struct reader *r, bool ok)
{
    struct channel *ch = find_only(e, r);
    if (ch == NULL)
        return;
    if (ch->replies_awaited == 0) {
        engine_protocol_error(e, "Unexpected reply to a request on channel %u", (unsigned)ch->number);
        return;
    }
    ch->replies_awaited--;
    if (!ch->close_asked)
        ch->events->replied(ch, ch->user, ok);
}

void mux_on_channel_success(struct engine *e, struct reader *r)
{
    take_reply(e, r, true);
}

void mux_on_channel_failure(struct engine *e, struct reader *r)
{
    take_reply(e, r, false);
}

/* ---- sending ---- */

static void pump_adjusts(struct mux *m)
{
    struct list *node;
    while ((node = list_take(&m->adjusting)) != NULL)
        channel_send_adjust(LIST_ENTRY(node, struct channel, adjusting));
}

void mux_pump(struct engine *e)
{
    struct mux *m = &e->mux;
    if (m->pumping || e->ended)
        return;
    m->pumping = true;
    pump_adjusts(m);
    while (!list_empty(&m->sending) && engine_data_allowed(e)) {
        struct channel *ch = LIST_ENTRY(list_take(&m->sending), struct channel, sending);
        channel_pin(ch);
        channel_send_packet(ch);
        channel_unpin(ch);
    }
    m->pumping = false;
}

/* ---- the end ---- */

void mux_end(struct engine *e, const struct error *error)
{
    struct mux *m = &e->mux;
    for (uint32_t i = 0; i < m->capacity; i++) {
        struct channel *ch = m->table[i];
        if (ch == NULL || ch->undecided)
            continue;
        if (ch->established)
            channel_finish(ch, error);
        else
            channel_finish_open(ch, SSHIO_OPEN_CONNECT_FAILED, span_of("SSH connection closed"), SPAN(NULL, 0));
    }
    global_requests_end(&m->globals);
}

/* ---- the owner is closing ---- */

void engine_close_channels(struct engine *e)
{
    engine_enter(e);
    for (uint32_t i = 0; i < e->mux.capacity; i++)
        if (e->mux.table[i] != NULL && !e->mux.table[i]->undecided)
            channel_close(e->mux.table[i]);
    engine_leave(e);
}

bool engine_has_queued(const struct engine *e)
{
    for (uint32_t i = 0; i < e->mux.capacity; i++) {
        const struct channel *ch = e->mux.table[i];
        if (ch != NULL && ch->established && ch->close_asked && !ch->close_sent)
            return true;
    }
    return false;
}
