/* Random schedules: two engines, several channels, writes of both types both ways, requests, pauses, EOFs, closes,
 * aborts, rekeys and global requests in an order that a seed decides, over a wire that cuts everything into pieces.
 *
 * Whatever the order, each octet arrives exactly once, in order and with its type; no request comes after data that was
 * written behind it; replies match; closed comes exactly once; the windows add up.
 *
 * SSHIO_SEEDS says how many seeds to run with the test key exchange, SSHIO_REAL_SEEDS how many with a real one,
 * SSHIO_SEED with which one to begin. A failure prints its seed. */
#include "engine/unit.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/random.h"
#include "engine/channel_state.h"
#include "engine/pair.h"
#include "surroundings.h"

#define SEEDS_DEFAULT 150
#define REAL_SEEDS_DEFAULT 10
#define FLOWS_MAX 5
#define STREAM_MAX 20000
#define REQUESTS_MAX 64

/* One direction of a channel, as both ends see it. */
struct stream {
    uint8_t types[STREAM_MAX];
    size_t written, delivered;
    size_t request_at[REQUESTS_MAX]; /* how much was written when it was made */
    bool wants_reply[REQUESTS_MAX];
    unsigned requests_made, requests_seen, replies_seen;
    bool eof_sent, eof_seen;
    bool cut; /* aborted: not everything has to arrive */
};

struct talk;

struct end {
    struct talk *talk;
    struct channel *ch; /* NULL = not yet, or no more */
    struct stream *out, *in;
    bool paused, reply_due, closed, closing;
};

struct flow {
    struct stream streams[2];
    struct end ends[2];
};

struct talk {
    struct pair pair;
    uint32_t random;
    struct flow flows[FLOWS_MAX];
    unsigned flow_count;
    unsigned globals_made[2], globals_answered[2];
    bool disconnected;
    bool winding_up; /* nobody pauses any more */
};

static uint32_t seed;

#define CHECK(condition) check((condition), #condition, __LINE__)

static void check(bool holds, const char *condition, int line)
{
    if (holds)
        return;
    fprintf(stderr, "seed %u: line %d: %s\nreplay: make sim SEED=%u\n", seed, line, condition, seed);
    fail();
}

static uint32_t roll(struct talk *t, uint32_t sides)
{
    t->random = t->random * 1664525u + 1013904223u;
    return (t->random >> 8) % sides;
}

/* What stands at a place of a stream. */
static uint8_t octet(size_t at)
{
    return (uint8_t)(at * 167 + (at >> 7));
}

/* ---- events ---- */

static void maybe_pause(struct end *end)
{
    if (!end->talk->winding_up && roll(end->talk, 8) == 0) {
        end->paused = true;
        channel_pause(end->ch);
    }
}

static void on_opened(struct channel *ch, void *user, struct span data)
{
    struct end *end = user;
    CHECK(data.len == 0);
    CHECK(end->ch == ch);
}

static void on_open_failed(struct channel *ch, void *user, uint32_t code, struct span reason, struct span lang)
{
    struct end *end = user;
    (void)ch, (void)code, (void)reason, (void)lang;
    CHECK(end->talk->disconnected);
    CHECK(!end->closed);
    end->closed = true;
    end->ch = NULL;
}

static void on_data(struct channel *ch, void *user, uint32_t type, const uint8_t *data, size_t len)
{
    struct end *end = user;
    struct stream *in = end->in;
    (void)ch;
    CHECK(!end->paused);
    CHECK(!in->eof_seen);
    CHECK(len > 0 && len <= in->written - in->delivered);
    for (size_t i = 0; i < len; i++) {
        CHECK(in->types[in->delivered + i] == type);
        CHECK(octet(in->delivered + i) == data[i]);
    }
    in->delivered += len;
    maybe_pause(end);
}

static void on_eof(struct channel *ch, void *user)
{
    struct end *end = user;
    (void)ch;
    CHECK(end->in->eof_sent && !end->in->eof_seen);
    CHECK(end->in->delivered == end->in->written || end->in->cut);
    end->in->eof_seen = true;
}

static bool answer_to(unsigned number)
{
    return number % 3 != 0;
}

static void on_request(struct channel *ch, void *user, struct span name, bool want_reply, struct span data)
{
    struct end *end = user;
    struct stream *in = end->in;
    struct reader r;
    reader_init(&r, data.data, data.len);
    CHECK(span_is(name, "number"));
    CHECK(!end->reply_due);
    CHECK(in->requests_seen < in->requests_made);
    CHECK(read_u32(&r) == in->requests_seen && reader_done(&r));
    CHECK(want_reply == in->wants_reply[in->requests_seen]);
    /* One that waited for the answer to another says nothing about its place in the data. */
    CHECK(ch->reporting_requests || in->delivered <= in->request_at[in->requests_seen]);
    in->requests_seen++;
    end->reply_due = true;
    if (roll(end->talk, 2) == 0) {
        end->reply_due = false;
        channel_reply(ch, answer_to(in->requests_seen - 1));
    }
}

static void on_replied(struct channel *ch, void *user, bool ok)
{
    struct end *end = user;
    struct stream *out = end->out;
    (void)ch;
    while (out->replies_seen < out->requests_made && !out->wants_reply[out->replies_seen])
        out->replies_seen++;
    CHECK(out->replies_seen < out->requests_made);
    CHECK(ok == answer_to(out->replies_seen));
    out->replies_seen++;
}

static void on_writable(struct channel *ch, void *user)
{
    struct end *end = user;
    (void)end;
    CHECK(channel_queued(ch) <= ch->low);
}

static void on_closed(struct channel *ch, void *user, const struct error *error)
{
    struct end *end = user;
    (void)ch;
    CHECK(error == NULL || end->talk->disconnected);
    CHECK(!end->closed);
    end->closed = true;
    end->ch = NULL;
}

static const struct channel_events channel_events = {
    on_opened, on_open_failed, on_data, on_eof, on_request, on_replied, on_writable, on_closed,
};

static uint32_t roll_window(struct talk *t)
{
    return roll(t, 4) == 0 ? 1 + roll(t, 20) : 1 + roll(t, 6000);
}

static uint32_t roll_packet(struct talk *t)
{
    return roll(t, 4) == 0 ? 1 + roll(t, 20) : 1 + roll(t, 3000);
}

static void on_channel_requested(void *owner, struct channel *ch, struct span type, struct span data)
{
    struct pair_side *s = owner;
    struct talk *t = s->user;
    struct reader r;
    reader_init(&r, data.data, data.len);
    struct end *end = &t->flows[read_u32(&r)].ends[s->side];
    CHECK(span_is(type, "flow") && reader_done(&r));
    end->ch = ch;
    channel_accept(ch, roll_window(t), roll_packet(t), SPAN(NULL, 0), &channel_events, end);
    channel_allow_extended(ch, 2);
}

static void on_global_request(void *owner, struct span name, bool want_reply, struct span data)
{
    struct pair_side *s = owner;
    CHECK(span_is(name, "number") && want_reply);
    engine_global_reply(s->engine, true, data);
}

static void on_global_reply(void *user, bool ok, struct span data)
{
    struct pair_side *s = user;
    struct talk *t = s->user;
    struct reader r;
    reader_init(&r, data.data, data.len);
    CHECK(ok ? read_u32(&r) == t->globals_answered[s->side] : t->disconnected);
    t->globals_answered[s->side]++;
}

/* ---- actions ---- */

static void act_open(struct talk *t)
{
    if (t->flow_count == FLOWS_MAX)
        return;
    unsigned index = t->flow_count++;
    struct flow *flow = &t->flows[index];
    int opener = (int)roll(t, 2);
    uint8_t data[4];
    store_u32(data, index);
    for (int side = 0; side < 2; side++) {
        flow->streams[side].written = flow->streams[side].delivered = 0;
        flow->ends[side] = (struct end){ .talk = t, .out = &flow->streams[side], .in = &flow->streams[1 - side] };
    }
    struct end *end = &flow->ends[opener];
    CHECK(channel_open(t->pair.side[opener].engine, "flow", roll_window(t), roll_packet(t), SPAN(data, 4),
                       &channel_events, end, &end->ch, NULL) == 0);
    channel_allow_extended(end->ch, 2);
}

static struct end *roll_end(struct talk *t)
{
    struct end *end = &t->flows[roll(t, t->flow_count)].ends[roll(t, 2)];
    return end->ch != NULL ? end : NULL;
}

static void act_write(struct talk *t, struct end *end)
{
    static uint8_t data[STREAM_MAX];
    struct stream *out = end->out;
    size_t len = roll(t, 16) == 0 ? roll(t, 9000) : roll(t, 300);
    uint8_t type = roll(t, 4) == 0;
    if (len > STREAM_MAX - out->written)
        len = STREAM_MAX - out->written;
    bool open = channel_can_write(end->ch);
    for (size_t i = 0; i < len; i++)
        data[i] = octet(out->written + i);
    if (open) {
        memset(out->types + out->written, type, len);
        out->written += len; /* before the call: what it sends may be looked at inside */
    }
    CHECK(channel_write(end->ch, type, data, len) == (open ? 0 : SSHIO_ECLOSED));
}

static void act_request(struct talk *t, struct end *end)
{
    struct stream *out = end->out;
    uint8_t data[4];
    if (out->requests_made == REQUESTS_MAX || channel_is_closed(end->ch))
        return;
    unsigned number = out->requests_made++;
    store_u32(data, number);
    out->request_at[number] = out->written;
    out->wants_reply[number] = roll(t, 2) == 0;
    CHECK(channel_request(end->ch, "number", out->wants_reply[number], SPAN(data, 4)) == 0);
}

static void act_resume(struct end *end)
{
    end->paused = false;
    channel_resume(end->ch);
}

static void act_reply(struct end *end)
{
    if (!end->reply_due)
        return;
    end->reply_due = false;
    channel_reply(end->ch, answer_to(end->in->requests_seen - 1));
}

static void act_eof(struct end *end)
{
    end->out->eof_sent = true;
    channel_eof(end->ch);
}

/* A close drops what had arrived and was not delivered; an abort also what was written. */
static void act_close(struct talk *t, struct end *end)
{
    if (roll(t, 30) != 0)
        return;
    bool abort_it = roll(t, 2) == 0;
    end->closing = true;
    end->in->cut = true;
    end->out->cut = end->out->cut || abort_it;
    end->out->eof_sent = true;
    if (abort_it)
        channel_abort(end->ch);
    else
        channel_close(end->ch);
}

static void act_global(struct talk *t, int side)
{
    uint8_t data[4];
    store_u32(data, t->globals_made[side]++);
    CHECK(engine_global_request(t->pair.side[side].engine, "number", SPAN(data, 4), on_global_reply,
                                &t->pair.side[side]) == 0);
}

static void act_on_end(struct talk *t, uint32_t what, struct end *end)
{
    if (end == NULL)
        return;
    if (what < 10)
        act_write(t, end);
    else if (what < 12)
        act_request(t, end);
    else if (what < 13)
        maybe_pause(end);
    else if (what < 16)
        act_resume(end);
    else if (what < 18)
        act_reply(end);
    else if (what < 19 && roll(t, 8) == 0)
        act_eof(end);
    else if (what < 20)
        act_close(t, end);
}

static void act(struct talk *t)
{
    uint32_t what = roll(t, 48);
    if (what < 20 && t->flow_count > 0)
        act_on_end(t, what, roll_end(t));
    else if (what < 22)
        act_open(t);
    else if (what < 23)
        act_global(t, (int)roll(t, 2));
    else if (what < 24 && roll(t, 4) == 0)
        engine_rekey(t->pair.side[roll(t, 2)].engine);
    else
        pair_step(&t->pair, (int)roll(t, 2));
}

/* ---- what holds at any time ---- */

static void check_windows(struct talk *t)
{
    for (unsigned i = 0; i < t->flow_count; i++) {
        for (int side = 0; side < 2; side++) {
            const struct channel *ch = t->flows[i].ends[side].ch;
            if (ch != NULL)
                CHECK((uint64_t)ch->granted + ch->in.len + ch->consumed == ch->window);
        }
    }
}

/* ---- the end ---- */

static bool has_all(const struct stream *s)
{
    return s->eof_seen && s->delivered == s->written && s->requests_seen == s->requests_made;
}

/* Everything is let go: readers run, answers are given, EOF is sent. Who has everything closes, once the other has all
 * requests: those that still wait for their turn when CLOSE comes are dropped. */
static void let_go(struct end *end)
{
    if (end->ch != NULL)
        act_reply(end);
    if (end->ch != NULL)
        act_resume(end);
    if (end->ch != NULL)
        act_eof(end);
    if (end->ch == NULL || end->closing || !has_all(end->in) || end->out->requests_seen != end->out->requests_made)
        return;
    end->closing = true;
    channel_close(end->ch);
}

static void wind_up(struct talk *t)
{
    t->winding_up = true;
    for (int round = 0; round < 100; round++) {
        pair_run(&t->pair);
        bool open = false;
        for (unsigned i = 0; i < t->flow_count; i++)
            for (int side = 0; side < 2; side++) {
                let_go(&t->flows[i].ends[side]);
                open = open || t->flows[i].ends[side].ch != NULL;
            }
        if (!open)
            break;
    }
    pair_run(&t->pair);
}

static void check_stream(const struct stream *s)
{
    CHECK(s->cut || s->delivered == s->written);
    CHECK(s->cut || s->requests_seen == s->requests_made);
}

static void check_end(struct talk *t)
{
    for (unsigned i = 0; i < t->flow_count; i++) {
        struct flow *flow = &t->flows[i];
        bool cut = flow->streams[0].cut || flow->streams[1].cut;
        for (int side = 0; side < 2; side++) {
            CHECK(flow->ends[side].closed);
            flow->streams[side].cut = cut; /* a closed channel drops the other way too */
            check_stream(&flow->streams[side]);
        }
    }
    for (int side = 0; side < 2; side++) {
        CHECK(pair_error(&t->pair, side) == 0);
        CHECK(t->globals_answered[side] == t->globals_made[side]);
        CHECK(t->pair.side[side].engine->mux.count == 0);
        CHECK(t->pair.side[side].engine->mux.waiting_len == 0);
    }
}

/* One side hangs up in the middle of everything. */
static void check_disconnect(struct talk *t)
{
    t->disconnected = true;
    engine_disconnect(t->pair.side[roll(t, 2)].engine, 11, "enough", "");
    pair_run(&t->pair);
    for (int side = 0; side < 2; side++) {
        if (!engine_ended(t->pair.side[side].engine))
            engine_lost(t->pair.side[side].engine, NULL);
        CHECK(t->pair.side[side].ended == 1);
        CHECK(t->globals_answered[side] == t->globals_made[side]);
        for (unsigned i = 0; i < t->flow_count; i++)
            CHECK(t->flows[i].ends[side].ch == NULL);
    }
}

/* ---- one schedule ---- */

static void begin(struct talk *t, enum pair_mode kex)
{
    struct pair *p = &t->pair;
    pair_init(p, kex);
    p->random = roll(t, 3) == 0 ? 0 : seed * 2654435761u | 1;
    for (int side = 0; side < 2; side++) {
        struct limits *limits = &p->config[side].limits;
        p->side[side].user = t;
        p->side[side].hooks.channel_requested = on_channel_requested;
        p->side[side].hooks.global_request = on_global_request;
        p->config[side].rekey_bytes = roll(t, 3) == 0 ? 2000 + roll(t, 30000) : 0;
        limits->peer_rekeys = 1000000;
        limits->global_requests = 1000000;
        limits->channel_requests = 1000000;
        limits->output_high = 100 + roll(t, 20000);
        limits->output_low = limits->output_high / 4;
    }
    pair_start(p);
    CHECK(pair_log_in(p));
}

static void run_schedule(struct talk *t, enum pair_mode kex)
{
    memset(t, 0, sizeof *t);
    t->random = seed * 2246822519u + 1;
    random_seed(seed);
    begin(t, kex);
    act_open(t);
    uint32_t steps = 50 + roll(t, 400);
    for (uint32_t i = 0; i < steps; i++) {
        act(t);
        check_windows(t);
    }
    if (roll(t, 16) == 0) {
        check_disconnect(t);
    } else {
        wind_up(t);
        check_end(t);
    }
    pair_done(&t->pair);
}

static void run_schedules(enum pair_mode kex, uint32_t count)
{
    static struct talk talk;
    uint32_t first = (uint32_t)setting("SSHIO_SEED", 1);
    for (seed = first; seed - first < count; seed++)
        run_schedule(&talk, kex);
}

static void test_any_schedule_delivers_everything_once_and_in_order(void **state)
{
    (void)state;
    run_schedules(PAIR_FAST, (uint32_t)setting("SSHIO_SEEDS", SEEDS_DEFAULT));
}

static void test_schedules_hold_with_the_real_key_exchange(void **state)
{
    (void)state;
    run_schedules(PAIR_REAL, (uint32_t)setting("SSHIO_REAL_SEEDS", REAL_SEEDS_DEFAULT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_schedule_delivers_everything_once_and_in_order),
        cmocka_unit_test(test_schedules_hold_with_the_real_key_exchange),
    };
    /* Each schedule takes and gives back the same blocks: they are kept. */
    mallopt(M_MMAP_THRESHOLD, 64 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    return cmocka_run_group_tests_name("schedules", tests, NULL, NULL);
}
