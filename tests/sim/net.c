/* The network: links between two streams, each made of two pipes; listeners, and connecting to them.
 *
 * A pipe holds what one side has written and the other has not taken yet, up to the capacity of the weather. One event
 * of the pipe carries the next chunk: as much as the seed says arrives at the receiver, in memory of exactly that size,
 * so that a sanitizer sees a byte too many. What the receiver does not use comes again with more behind it. Behind the
 * last byte of a side that was shut or closed comes its end. A fault waits in a pipe for its byte, or strikes at once.
 */
#include "sim.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/completion.h"
#include "io/loop.h"
#include "io/net_listener.h"
#include "io/stream.h"

#define PIECES_PER_TURN 16
#define STALL_MS 90000
#define SILENCE_MS 900000
#define FAULTS_PENDING 2
#define NOWHERE UINT64_MAX

struct sim_end;

struct pending_fault {
    enum sim_fault fault;
    uint64_t byte; /* NOWHERE = none */
};

struct pipe {
    struct sim_link *link;
    struct sim_end *from, *to; /* NULL = that side has closed */
    uint8_t *data;
    size_t len, size;
    uint64_t carried;
    bool finished; /* no more will be written: behind what is there comes the end */
    bool end_seen;
    bool corrupt_next;
    bool silent;
    struct sim_event carry;
    struct pending_fault faults[FAULTS_PENDING];
};

struct sim_end {
    struct stream base;
    struct sim_link *link;
    struct pipe *in, *out;
    uint8_t *rest; /* taken from the pipe and not used */
    size_t rest_len;
    bool reading, input_ended, failed, blocked, writing, shut, shut_done, closing;
    int lost_errno; /* 0 = the link works */
    struct turn_hook flush;
    struct deferred redeliver;
    struct deferred fail;
    struct sim_event writable;
    struct sim_event closed;
};

struct sim_link {
    struct list link;
    struct sim *sim;
    long number;
    int client;     /* the port that it comes from */
    int references; /* ends that are not gone */
    struct sim_end *ends[2];
    struct pipe pipes[2];     /* by who writes */
    struct sim_event timeout; /* after silence */
};

static struct sim_end *self_of(struct stream *s)
{
    return LIST_ENTRY(s, struct sim_end, base);
}

/* ---- faults ---- */

static void schedule(struct pipe *p)
{
    struct sim_end *to = p->to;
    bool due = to != NULL && to->reading && !to->input_ended && !to->failed && !p->silent &&
               !list_linked(&p->carry.link);
    if (due && (p->len > 0 || (p->finished && !p->end_seen)))
        sim_event_soon(p->link->sim, &p->carry);
}

static void lose(struct sim_link *link, int os_errno)
{
    for (int side = 0; side < 2; side++) {
        struct sim_end *end = link->ends[side];
        link->pipes[side].len = 0;
        link->pipes[side].silent = true;
        sim_event_cancel(&link->pipes[side].carry);
        if (end == NULL || end->closing || end->failed)
            continue;
        end->lost_errno = os_errno;
        loop_defer(end->base.loop, &end->fail);
    }
}

static void cut(struct sim_link *link)
{
    for (int side = 0; side < 2; side++) {
        struct pipe *p = &link->pipes[side];
        p->len = 0;
        p->finished = true;
        if (p->from != NULL)
            p->from->shut_done = true;
        schedule(p);
    }
}

static void time_out(struct sim_event *event)
{
    lose(LIST_ENTRY(event, struct sim_link, timeout), ETIMEDOUT);
}

void sim_link_fault(struct sim_link *link, enum sim_fault fault, int direction)
{
    struct sim *sim = link->sim;
    struct pipe *p = &link->pipes[direction];
    sim_trace(sim, "fault on link", link->number, (long)fault);
    if (sim->on_fault != NULL)
        sim->on_fault(sim, link, fault);
    switch (fault) {
    case SIM_STALL:
        sim_event_at(sim, &p->carry, sim->now_ms + sim_roll_wide(sim, STALL_MS));
        break;
    case SIM_CUT:
        cut(link);
        break;
    case SIM_RESET:
        lose(link, ECONNRESET);
        break;
    case SIM_CORRUPTION:
        p->corrupt_next = true;
        /* It may have become a length, of more than will ever come: somebody gives up in the end. */
        sim_event_at(sim, &link->timeout, sim->now_ms + SILENCE_MS);
        break;
    default:
        link->pipes[0].silent = link->pipes[1].silent = true;
        sim_event_cancel(&link->pipes[0].carry);
        sim_event_cancel(&link->pipes[1].carry);
        sim_event_at(sim, &link->timeout, sim->now_ms + SILENCE_MS);
    }
}

void sim_link_fault_at(struct sim_link *link, enum sim_fault fault, int direction, uint64_t byte)
{
    struct pipe *p = &link->pipes[direction];
    for (size_t i = 0; i < FAULTS_PENDING; i++) {
        if (p->faults[i].byte != NOWHERE)
            continue;
        p->faults[i] = (struct pending_fault){ fault, p->carried + byte };
        return;
    }
}

/* How much may be carried before the next fault strikes. */
static size_t before_faults(const struct pipe *p, size_t len)
{
    for (size_t i = 0; i < FAULTS_PENDING; i++)
        if (p->faults[i].byte != NOWHERE && p->faults[i].byte - p->carried < len)
            len = (size_t)(p->faults[i].byte - p->carried);
    return len;
}

static bool strike(struct pipe *p)
{
    for (size_t i = 0; i < FAULTS_PENDING; i++) {
        if (p->faults[i].byte != p->carried)
            continue;
        p->faults[i].byte = NOWHERE;
        sim_link_fault(p->link, p->faults[i].fault, p == &p->link->pipes[1]);
        return p->faults[i].fault != SIM_CORRUPTION;
    }
    return false;
}

/* ---- carrying ---- */

static void tell_failure(struct sim_end *end, int os_errno)
{
    struct error e;
    end->failed = end->input_ended = true;
    error_init(&e);
    error_set_errno(&e, os_errno, "read");
    end->base.events->ended(end->base.owner, &e);
    error_clear(&e);
}

static void fail_end(struct deferred *d)
{
    struct sim_end *end = LIST_ENTRY(d, struct sim_end, fail);
    if (!end->closing && !end->failed)
        tell_failure(end, end->lost_errno);
}

static void wake_writer(struct pipe *p)
{
    struct sim_end *from = p->from;
    if (from != NULL && from->blocked && !p->silent && !list_linked(&from->writable.link))
        sim_event_soon(p->link->sim, &from->writable);
}

/* The receiver works on memory of its own, which it may write into. */
static void deliver(struct sim_end *end)
{
    size_t used = end->base.events->received(end->base.owner, end->rest, end->rest_len);
    assert(used <= end->rest_len);
    size_t left = end->rest_len - used;
    uint8_t *rest = left != 0 ? malloc(left) : NULL;
    if (rest != NULL)
        memcpy(rest, end->rest + used, left);
    free(end->rest);
    end->rest = rest;
    end->rest_len = left;
}

static void take_from_pipe(struct sim_end *end, struct pipe *p, size_t len)
{
    uint8_t *both = malloc(end->rest_len + len);
    if (end->rest_len != 0)
        memcpy(both, end->rest, end->rest_len);
    memcpy(both + end->rest_len, p->data, len);
    if (p->corrupt_next)
        both[end->rest_len] ^= (uint8_t)(1u << sim_roll(p->link->sim, 8));
    p->corrupt_next = false;
    free(end->rest);
    end->rest = both;
    end->rest_len += len;
    p->len -= len;
    memmove(p->data, p->data + len, p->len);
    p->carried += len;
}

static void end_of_input(struct sim_end *end, struct pipe *p)
{
    p->end_seen = true;
    end->input_ended = true;
    sim_trace(p->link->sim, "end seen on link, side", p->link->number, end == p->link->ends[1]);
    end->base.events->ended(end->base.owner, NULL);
    if (end->lost_errno != 0 && !end->closing)
        loop_defer(end->base.loop, &end->fail);
}

static void carry(struct sim_event *event)
{
    struct pipe *p = LIST_ENTRY(event, struct pipe, carry);
    struct sim *sim = p->link->sim;
    struct sim_end *end = p->to;
    if (strike(p) || end == NULL || p->silent || !end->reading || end->input_ended || end->failed) {
        schedule(p);
        return;
    }
    if (p->len == 0) {
        if (p->finished && !p->end_seen)
            end_of_input(end, p);
        return;
    }
    size_t len = 1 + sim_roll(sim, sim->weather.chunk);
    len = before_faults(p, len < p->len ? len : p->len);
    if (p->corrupt_next)
        len = 1;
    take_from_pipe(end, p, len);
    wake_writer(p);
    deliver(end);
    schedule(p);
}

static void redeliver(struct deferred *d)
{
    struct sim_end *end = LIST_ENTRY(d, struct sim_end, redeliver);
    if (!end->closing && end->reading && end->rest_len > 0)
        deliver(end);
}

/* ---- writing ---- */

static bool may_write(const struct sim_end *end)
{
    return !end->blocked && !end->closing && !end->failed && !end->shut_done && end->lost_errno == 0;
}

static size_t put(struct pipe *p, struct span piece)
{
    size_t capacity = p->link->sim->weather.capacity;
    size_t room = p->len < capacity ? capacity - p->len : 0;
    size_t len = piece.len < room ? piece.len : room;
    if (p->len + len > p->size) {
        p->size = p->len + len;
        p->data = realloc(p->data, p->size);
    }
    if (len != 0)
        memcpy(p->data + p->len, piece.data, len);
    p->len += len;
    return len;
}

static void shut_now(struct sim_end *end)
{
    end->shut_done = true;
    end->out->finished = true;
    schedule(end->out);
}

/* Whether all of the next piece was written. */
static bool write_once(struct sim_end *end)
{
    struct span piece = end->base.events->output(end->base.owner);
    if (end->closing)
        return false;
    if (piece.len == 0) {
        if (end->shut)
            shut_now(end);
        return false;
    }
    if (end->out->to == NULL && !end->out->silent) { /* the peer has closed; its last words come first */
        end->lost_errno = EPIPE;
        if (!end->reading || end->input_ended)
            loop_defer(end->base.loop, &end->fail);
        return false;
    }
    size_t len = put(end->out, piece);
    end->blocked = len < piece.len;
    schedule(end->out);
    if (len > 0)
        end->base.events->sent(end->base.owner, len);
    return !end->blocked;
}

static void write_some(struct sim_end *end)
{
    if (end->writing)
        return;
    end->writing = true;
    unsigned pieces = PIECES_PER_TURN;
    while (pieces > 0 && may_write(end) && write_once(end))
        pieces--;
    end->writing = false;
    if (pieces == 0 && may_write(end)) {
        end->blocked = true;
        wake_writer(end->out);
    }
}

static void became_writable(struct sim_event *event)
{
    struct sim_end *end = LIST_ENTRY(event, struct sim_end, writable);
    end->blocked = false;
    write_some(end);
}

static void flush_turn(struct turn_hook *hook)
{
    write_some(LIST_ENTRY(hook, struct sim_end, flush));
}

/* ---- the operations of a stream ---- */

static void read_start(struct stream *stream)
{
    struct sim_end *end = self_of(stream);
    if (end->reading || end->closing)
        return;
    end->reading = true;
    if (end->rest_len > 0)
        loop_defer(stream->loop, &end->redeliver);
    schedule(end->in);
}

static void read_stop(struct stream *stream)
{
    self_of(stream)->reading = false;
}

static void again(struct stream *stream)
{
    struct sim_end *end = self_of(stream);
    if (end->rest_len > 0 && !end->closing)
        loop_defer(stream->loop, &end->redeliver);
}

static void want_write(struct stream *stream)
{
    struct sim_end *end = self_of(stream);
    if (may_write(end))
        turn_hook_schedule(stream->loop, &end->flush);
}

static void flush(struct stream *stream)
{
    write_some(self_of(stream));
}

static void shut(struct stream *stream)
{
    self_of(stream)->shut = true;
    want_write(stream);
}

static void close_end(struct stream *stream)
{
    struct sim_end *end = self_of(stream);
    if (end->closing)
        return;
    end->closing = true;
    turn_hook_cancel(&end->flush);
    deferred_cancel(&end->redeliver);
    deferred_cancel(&end->fail);
    sim_event_cancel(&end->writable);
    end->out->from = NULL;
    end->out->finished = true;
    schedule(end->out);
    end->in->to = NULL;
    end->in->len = 0;
    sim_event_cancel(&end->in->carry);
    if (end->in->from != NULL && end->in->from->blocked)
        wake_writer(end->in);
    sim_trace(end->link->sim, "closed on link, side", end->link->number, end == end->link->ends[1]);
    sim_event_at(end->link->sim, &end->closed, 0);
}

static void release_link(struct sim_link *link)
{
    if (--link->references > 0)
        return;
    for (int side = 0; side < 2; side++) {
        sim_event_cancel(&link->pipes[side].carry);
        free(link->pipes[side].data);
    }
    sim_event_cancel(&link->timeout);
    list_remove(&link->link);
    free(link);
}

static void closed_end(struct sim_event *event)
{
    struct sim_end *end = LIST_ENTRY(event, struct sim_end, closed);
    struct sim_link *link = end->link;
    end->base.events->closed(end->base.owner);
    link->ends[end == link->ends[1]] = NULL;
    free(end->rest);
    mem_free(end);
    release_link(link);
}

static int names(struct stream *stream, sshio_address *local, sshio_address *peer, char *texts, size_t size)
{
    struct sim_end *end = self_of(stream);
    bool server = end == end->link->ends[1];
    (void)texts, (void)size;
    const sshio_address at_client = { .host = "192.0.2.1", .port = end->link->client },
                        at_server = { .host = "192.0.2.2", .port = 22 };
    if (local != NULL)
        *local = server ? at_server : at_client;
    if (peer != NULL)
        *peer = server ? at_client : at_server;
    return 0;
}

static const struct stream_ops end_ops = {
    .read_start = read_start,
    .read_stop = read_stop,
    .want_write = want_write,
    .flush = flush,
    .again = again,
    .shutdown = shut,
    .close = close_end,
    .names = names,
};

/* ---- links ---- */

static struct sim_end *new_end(struct sim_link *link, struct loop *loop, int side)
{
    struct sim_end *end = mem_zalloc(sizeof *end);
    if (end == NULL)
        return NULL;
    end->base.ops = &end_ops;
    end->base.loop = loop;
    end->link = link;
    end->out = &link->pipes[side];
    end->in = &link->pipes[1 - side];
    end->out->from = end->in->to = end;
    turn_hook_init(&end->flush, flush_turn);
    deferred_init(&end->redeliver, redeliver);
    deferred_init(&end->fail, fail_end);
    sim_event_init(&end->writable, became_writable);
    sim_event_init(&end->closed, closed_end);
    link->ends[side] = end;
    link->references++;
    return end;
}

static struct sim_link *new_link(struct loop *loop, int client)
{
    struct sim *sim = sim_of(loop);
    struct sim_link *link = calloc(1, sizeof *link);
    link->sim = sim;
    link->number = sim->links_made++;
    link->client = client;
    sim_event_init(&link->timeout, time_out);
    for (int side = 0; side < 2; side++) {
        struct pipe *p = &link->pipes[side];
        p->link = link;
        sim_event_init(&p->carry, carry);
        for (size_t i = 0; i < FAULTS_PENDING; i++)
            p->faults[i].byte = NOWHERE;
    }
    list_append(&sim->links, &link->link);
    return link;
}

size_t sim_link_count(const struct sim *sim)
{
    size_t count = 0;
    LIST_EACH(node, &sim->links)
    count++;
    return count;
}

struct sim_link *sim_link_at(const struct sim *sim, size_t index)
{
    struct list *node = sim->links.next;
    while (index-- > 0)
        node = node->next;
    return LIST_ENTRY(node, struct sim_link, link);
}

long sim_link_number(const struct sim_link *link)
{
    return link->number;
}

long sim_link_client(const struct sim_link *link)
{
    return link->client;
}

/* ---- listening ---- */

struct sim_listener {
    struct net_listener base;
    struct list link;
    struct sim *sim;
    struct loop *loop;
    const struct net_listener_events *events;
    void *owner;
    sshio_address address;
    void (*told)(void *owner);
    struct sim_event closed;
};

static size_t get_addresses(const struct net_listener *listener, const sshio_address **addresses)
{
    *addresses = &LIST_ENTRY(listener, struct sim_listener, base)->address;
    return 1;
}

static void listener_closed(struct sim_event *event)
{
    struct sim_listener *l = LIST_ENTRY(event, struct sim_listener, closed);
    if (l->told != NULL)
        l->told(l->owner);
    mem_free(l);
}

static void close_listener(struct net_listener *listener, void (*closed)(void *owner))
{
    struct sim_listener *l = LIST_ENTRY(listener, struct sim_listener, base);
    l->told = closed;
    list_remove(&l->link);
    sim_event_at(l->sim, &l->closed, 0);
}

static const struct net_listener_ops listener_ops = { .addresses = get_addresses, .close = close_listener };

int sim_listen(struct loop *loop, const struct listen_options *options, const struct net_listener_events *events,
               void *owner, sshio_logger *logger, struct net_listener **listener, struct error *e)
{
    struct sim_listener *l = mem_zalloc(sizeof *l);
    (void)logger;
    if (l == NULL)
        return error_nomem(e);
    l->base.ops = &listener_ops;
    l->sim = sim_of(loop);
    l->loop = loop;
    l->events = events;
    l->owner = owner;
    l->address = (sshio_address){ .host = "192.0.2.2", .port = options->port };
    sim_event_init(&l->closed, listener_closed);
    list_append(&l->sim->listeners, &l->link);
    *listener = &l->base;
    return 0;
}

/* ---- connecting ---- */

struct connecting {
    struct sim_event event;
    struct completion done;
    struct loop *loop;
    int port, from_port;
    struct sim_end *end;
};

static struct sim_listener *find_listener(const struct sim *sim, int port)
{
    LIST_EACH(node, &sim->listeners)
    {
        struct sim_listener *l = LIST_ENTRY(node, struct sim_listener, link);
        if (l->address.port == port)
            return l;
    }
    return NULL;
}

static void nobody_closed(void *owner)
{
    (void)owner;
}

static void drop(struct sim_end *end)
{
    static const struct stream_events nobody = { .closed = nobody_closed };
    stream_set_owner(&end->base, &nobody, NULL);
    stream_close(&end->base);
}

static void accept_end(struct sim_listener *l, struct sim_end *end)
{
    struct sim *sim = l->sim;
    const char *refusal = l->events->refusal != NULL ? l->events->refusal(l->owner) : NULL;
    if (refusal != NULL) {
        put(end->out, span_of(refusal));
        drop(end);
        return;
    }
    if (sim->on_accept != NULL)
        sim->on_accept(sim, end->link);
    l->events->accepted(l->owner, &end->base);
}

static struct sim_end *link_up(struct loop *loop, struct sim_listener *l, int client)
{
    struct sim_link *link = new_link(loop, client);
    struct sim_end *near = new_end(link, loop, 0), *far = new_end(link, loop, 1);
    if (near != NULL && far != NULL) {
        accept_end(l, far);
        return near;
    }
    if (near != NULL || far != NULL) {
        drop(near != NULL ? near : far);
    } else {
        link->references = 1;
        release_link(link);
    }
    return NULL;
}

static void arrive(struct sim_event *event)
{
    struct connecting *c = LIST_ENTRY(event, struct connecting, event);
    struct sim *sim = sim_of(c->loop);
    struct sim_listener *l = find_listener(sim, c->port);
    int rc = 0;
    if (l == NULL || sim_one_in(sim, sim->weather.refuse_each))
        rc = SSHIO_ESYSTEM;
    else if ((c->end = link_up(c->loop, l, c->from_port)) == NULL)
        rc = SSHIO_ENOMEM;
    completion_complete(&c->done, rc);
}

static void give_up(struct completion *c, int code)
{
    struct connecting *connecting = c->user;
    sim_event_cancel(&connecting->event);
    completion_complete(c, code);
}

int sim_connect(struct loop *loop, const struct connect_options *options, struct stream **s, struct error *e)
{
    struct connecting c = { .loop = loop, .port = options->port, .from_port = options->bind_port };
    completion_init(&c.done, give_up, &c);
    sim_event_init(&c.event, arrive);
    sim_event_soon(sim_of(loop), &c.event);
    int rc = completion_wait(&c.done);
    if (rc == SSHIO_ESYSTEM)
        return error_set_errno(e, ECONNREFUSED, "cannot connect to %s", options->host);
    if (rc != 0)
        return error_set(e, rc, "connecting to %s: %s", options->host, sshio_error_text(rc));
    *s = &c.end->base;
    return 0;
}
