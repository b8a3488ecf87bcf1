/* Requests of the peer on a channel, and the answers to ours (RFC 4254 section 5.4).
 *
 * The owner sees one request at a time. Those that come before it has answered wait in a queue,
 * whose length is limited per channel and whose bytes are limited per connection. */
#include "engine/channel_state.h"

#include <string.h>

#include "base/memory.h"

static void report(struct channel *ch, const uint8_t *fields, size_t len)
{
    struct reader r;
    reader_init(&r, fields, len);
    struct span name = read_string(&r);
    bool want_reply = read_bool(&r);
    struct span data = read_rest(&r);
    ch->request_open = true;
    ch->request_wants_reply = want_reply;
    ch->events->request(ch, ch->user, name, want_reply, data);
}

static void enqueue(struct channel *ch, struct span fields)
{
    struct engine *e = ch->engine;
    if (ch->asked_count >= e->config->limits.channel_requests) {
        engine_protocol_error(e, "Too many requests on channel %u", (unsigned)ch->number);
        return;
    }
    if (!mux_reserve_waiting(e, fields.len))
        return;
    struct waiting_request *request = mem_alloc(sizeof *request + fields.len);
    if (request == NULL) {
        e->mux.waiting_len -= fields.len;
        engine_out_of_memory(e);
        return;
    }
    request->len = fields.len;
    memcpy(request->fields, fields.data, fields.len);
    list_append(&ch->asked, &request->node);
    ch->asked_count++;
}

static struct waiting_request *take_asked(struct channel *ch)
{
    struct list *node = list_take(&ch->asked);
    if (node == NULL)
        return NULL;
    struct waiting_request *request = LIST_ENTRY(node, struct waiting_request, node);
    ch->asked_count--;
    ch->engine->mux.waiting_len -= request->len;
    return request;
}

void channel_take_request(struct channel *ch, struct span fields)
{
    if (ch->close_asked)
        return;
    if (ch->request_open || ch->reporting_requests || !list_empty(&ch->asked)) {
        enqueue(ch, fields);
        return;
    }
    channel_pin(ch);
    report(ch, fields.data, fields.len);
    channel_unpin(ch);
}

/* Reports what waited, until one stays open. A loop, not a recursion, when each is answered inside
 * its event. */
static void report_waiting(struct channel *ch)
{
    struct waiting_request *request;
    if (ch->reporting_requests)
        return;
    ch->reporting_requests = true;
    while (!ch->request_open && !ch->close_asked && !ch->dead && (request = take_asked(ch)) != NULL) {
        report(ch, request->fields, request->len);
        mem_free(request);
    }
    ch->reporting_requests = false;
}

void channel_reply(struct channel *ch, bool ok)
{
    if (!ch->request_open)
        return;
    channel_enter(ch);
    ch->request_open = false;
    if (ch->request_wants_reply && channel_is_sendable(ch) && !ch->close_asked) {
        struct writer *w = engine_message(ch->engine, ok ? MSG_CHANNEL_SUCCESS : MSG_CHANNEL_FAILURE);
        put_u32(w, ch->peer_number);
        engine_send(ch->engine);
    }
    report_waiting(ch);
    channel_leave(ch);
}

void channel_drop_requests(struct channel *ch)
{
    struct waiting_request *request;
    while ((request = take_asked(ch)) != NULL)
        mem_free(request);
}
