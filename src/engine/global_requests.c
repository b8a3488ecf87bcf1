/* Global requests; see global_requests.h. */
#include "engine/global_requests.h"

#include <string.h>

#include "base/memory.h"
#include "engine/internal.h"

struct sent_request { /* stands for several, where the same was asked again and again */
    struct list node;
    global_reply_fn reply;
    void *user;
    uint64_t count; /* of answers that are due */
};

struct received_request {
    struct list node;
    size_t len;
    uint8_t fields[]; /* the message behind its number */
};

void global_requests_init(struct global_requests *g)
{
    *g = (struct global_requests){ .open = false };
    list_init(&g->sent);
    list_init(&g->received);
}

static void free_received(struct global_requests *g)
{
    struct list *node;
    while ((node = list_take(&g->received)) != NULL)
        mem_free(LIST_ENTRY(node, struct received_request, node));
    g->received_count = 0;
}

void global_requests_done(struct global_requests *g)
{
    struct list *node;
    while ((node = list_take(&g->sent)) != NULL)
        mem_free(LIST_ENTRY(node, struct sent_request, node));
    free_received(g);
}

/* The oldest of ours gets its answer. False = there is none. */
static bool answer_oldest(struct global_requests *g, bool ok, struct span data)
{
    if (list_empty(&g->sent))
        return false;
    struct sent_request *request = LIST_ENTRY(g->sent.next, struct sent_request, node);
    global_reply_fn reply = request->reply;
    void *user = request->user;
    if (--request->count == 0) {
        list_remove(&request->node);
        mem_free(request);
    }
    reply(user, ok, data);
    return true;
}

void global_requests_end(struct global_requests *g)
{
    while (answer_oldest(g, false, SPAN(NULL, 0)))
        continue;
}

/* ---- ours ---- */

/* Remembers whom an answer is for. A peer that never answers must not make us remember more with every keepalive
 * request: what the same asks again, with nothing in between, is only counted. */
static bool await_reply(struct global_requests *g, global_reply_fn reply, void *user)
{
    struct sent_request *last = LIST_ENTRY(g->sent.prev, struct sent_request, node);
    if (!list_empty(&g->sent) && last->reply == reply && last->user == user) {
        last->count++;
        return true;
    }
    struct sent_request *request = mem_alloc(sizeof *request);
    if (request == NULL)
        return false;
    *request = (struct sent_request){ .reply = reply, .user = user, .count = 1 };
    list_append(&g->sent, &request->node);
    return true;
}

int engine_global_request(struct engine *e, const char *name, struct span data, global_reply_fn reply, void *user)
{
    if (e->ended)
        return SSHIO_ECLOSED;
    if (reply != NULL && !await_reply(&e->mux.globals, reply, user))
        return SSHIO_ENOMEM;
    engine_enter(e);
    struct writer *w = engine_message(e, MSG_GLOBAL_REQUEST);
    put_text(w, name);
    put_bool(w, reply != NULL);
    put_bytes(w, data.data, data.len);
    engine_send(e);
    engine_leave(e);
    return 0;
}

static void take_reply(struct engine *e, bool ok, struct span data)
{
    if (!answer_oldest(&e->mux.globals, ok, data))
        engine_protocol_error(e, "Unexpected reply to a global request");
}

void mux_on_request_success(struct engine *e, struct reader *r)
{
    take_reply(e, true, read_rest(r));
}

void mux_on_request_failure(struct engine *e, struct reader *r)
{
    if (reader_done(r))
        take_reply(e, false, SPAN(NULL, 0));
    else
        engine_protocol_error(e, "Invalid global request failure");
}

/* ---- the peer's ---- */

static void report(struct engine *e, const uint8_t *fields, size_t len)
{
    struct global_requests *g = &e->mux.globals;
    struct reader r;
    reader_init(&r, fields, len);
    struct span name = read_string(&r);
    bool want_reply = read_bool(&r);
    struct span data = read_rest(&r);
    g->open = true;
    g->wants_reply = want_reply;
    e->events->global_request(e->owner, name, want_reply, data);
}

static void enqueue(struct engine *e, struct span fields)
{
    struct global_requests *g = &e->mux.globals;
    if (g->received_count >= e->config->limits.global_requests) {
        engine_protocol_error(e, "Too many global requests");
        return;
    }
    if (!mux_reserve_waiting(e, fields.len))
        return;
    struct received_request *request = mem_alloc(sizeof *request + fields.len);
    if (request == NULL) {
        e->mux.waiting_len -= fields.len;
        engine_out_of_memory(e);
        return;
    }
    request->len = fields.len;
    memcpy(request->fields, fields.data, fields.len);
    list_append(&g->received, &request->node);
    g->received_count++;
}

void mux_on_global_request(struct engine *e, struct reader *r)
{
    struct global_requests *g = &e->mux.globals;
    struct reader whole = *r;
    struct span fields = read_rest(&whole);
    struct span name = read_string(r);
    (void)read_bool(r);
    (void)read_rest(r);
    if (!reader_done(r) || !mux_name_is_valid(name))
        engine_protocol_error(e, "Invalid global request");
    else if (g->open || g->reporting)
        enqueue(e, fields);
    else
        report(e, fields.data, fields.len);
}

static void report_waiting(struct engine *e)
{
    struct global_requests *g = &e->mux.globals;
    struct list *node;
    if (g->reporting)
        return;
    g->reporting = true;
    while (!g->open && !e->ended && (node = list_take(&g->received)) != NULL) {
        struct received_request *request = LIST_ENTRY(node, struct received_request, node);
        g->received_count--;
        e->mux.waiting_len -= request->len;
        report(e, request->fields, request->len);
        mem_free(request);
    }
    g->reporting = false;
}

void engine_global_reply(struct engine *e, bool ok, struct span data)
{
    struct global_requests *g = &e->mux.globals;
    if (!g->open)
        return;
    g->open = false;
    engine_enter(e);
    if (g->wants_reply && !e->ended) {
        struct writer *w = engine_message(e, ok ? MSG_REQUEST_SUCCESS : MSG_REQUEST_FAILURE);
        if (ok)
            put_bytes(w, data.data, data.len);
        engine_send(e);
    }
    report_waiting(e);
    engine_leave(e);
}
