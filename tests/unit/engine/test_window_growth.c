/* Receive windows that grow with rate and round trip (PERFORMANCE: windows; the connection's budget is
 * limits.window_growth): a server that sends as fast as it is let, over a way of 100 ms there and back. */
#include "engine/unit.h"

#include "engine/channel_state.h"
#include "engine/pair.h"

#define MEBI (1024u * 1024)
#define ROUND_TRIP_MS 100
#define BUDGET (6 * MEBI) /* less than usual, to have less to move */

struct flow { /* from the server to the client */
    struct channel *from, *to;
    uint64_t received;
};

static struct pair pair;
static struct flow flows[2];
static unsigned opened;
static uint8_t block[MEBI];

static void on_opened(struct channel *ch, void *user, struct span data)
{
    (void)ch, (void)user, (void)data;
}

static void on_open_failed(struct channel *ch, void *user, uint32_t code, struct span reason, struct span lang)
{
    (void)ch, (void)user, (void)code, (void)reason, (void)lang;
    fail_msg("a channel could not be opened");
}

static void on_data(struct channel *ch, void *user, uint32_t type, const uint8_t *data, size_t len)
{
    (void)ch, (void)type, (void)data;
    ((struct flow *)user)->received += len;
}

static void on_end(struct channel *ch, void *user)
{
    (void)ch, (void)user;
}

static void on_request(struct channel *ch, void *user, struct span name, bool want_reply, struct span data)
{
    (void)ch, (void)user, (void)name, (void)want_reply, (void)data;
}

static void on_replied(struct channel *ch, void *user, bool ok)
{
    (void)ch, (void)user, (void)ok;
}

static void on_closed(struct channel *ch, void *user, const struct error *error)
{
    struct flow *flow = user;
    (void)error;
    if (ch == flow->from)
        flow->from = NULL;
    else
        flow->to = NULL;
}

static const struct channel_events events = {
    .opened = on_opened,
    .open_failed = on_open_failed,
    .data = on_data,
    .eof = on_end,
    .request = on_request,
    .replied = on_replied,
    .writable = on_end,
    .closed = on_closed,
};

static void on_channel_requested(void *owner, struct channel *ch, struct span type, struct span data)
{
    (void)owner, (void)type, (void)data;
    struct flow *flow = &flows[opened++];
    flow->from = ch;
    channel_accept(ch, CHANNEL_WINDOW_DEFAULT, CHANNEL_PACKET_DEFAULT, SPAN(NULL, 0), &events, flow);
}

/* What one side has sent arrives half a round trip later; what it brings about needs the other half. */
static void pass_round_trip(unsigned round_trip_ms)
{
    pair_flush(&pair, SERVER);
    pair_advance(&pair, round_trip_ms / 2);
    while (pair_step(&pair, CLIENT))
        continue;
    pair_flush(&pair, CLIENT);
    pair_advance(&pair, round_trip_ms - round_trip_ms / 2);
    while (pair_step(&pair, SERVER))
        continue;
}

static void set_up_flows(unsigned count, uint32_t window, unsigned round_trip_ms)
{
    opened = 0;
    pair_init(&pair, PAIR_FAST);
    pair.side[SERVER].hooks.channel_requested = on_channel_requested;
    pair.config[CLIENT].limits.window_growth = BUDGET;
    pair_start(&pair);
    for (unsigned i = 0; i < 6; i++) /* the first key exchange */
        pass_round_trip(round_trip_ms);
    assert_true(pair_log_in(&pair));
    for (unsigned i = 0; i < count; i++) {
        flows[i] = (struct flow){ .received = 0 };
        assert_int_equal(channel_open(pair.side[CLIENT].engine, "flow", window, CHANNEL_PACKET_DEFAULT, SPAN(NULL, 0),
                                      &events, &flows[i], &flows[i].to, NULL),
                         0);
        pair_run(&pair);
        assert_non_null(flows[i].from);
    }
}

static void fill(struct flow *flow)
{
    while (flow->from != NULL && channel_can_write(flow->from) && channel_queued(flow->from) < 10 * MEBI)
        assert_int_equal(channel_write(flow->from, 0, block, sizeof block), 0);
}

static void run_round_trips(unsigned count, unsigned round_trip_ms)
{
    for (unsigned i = 0; i < count; i++) {
        fill(&flows[0]);
        fill(&flows[1]);
        pass_round_trip(round_trip_ms);
    }
}

static int tear_down(void **state)
{
    (void)state;
    pair_done(&pair);
    flows[0] = flows[1] = (struct flow){ .received = 0 };
    return 0;
}

static void test_window_doubles_over_a_long_way_up_to_the_budget(void **state)
{
    (void)state;
    set_up_flows(1, CHANNEL_WINDOW_DEFAULT, ROUND_TRIP_MS);
    run_round_trips(6, ROUND_TRIP_MS);
    assert_true(flows[0].to->window >= 2 * CHANNEL_WINDOW_DEFAULT);
    run_round_trips(10, ROUND_TRIP_MS);
    uint32_t most = CHANNEL_WINDOW_DEFAULT + BUDGET;
    assert_int_equal(flows[0].to->window, most);
    uint64_t before = flows[0].received;
    run_round_trips(4, ROUND_TRIP_MS);
    assert_true(flows[0].received - before >= 2 * (uint64_t)most);
    assert_true(flows[0].to->granted + flows[0].to->consumed <= most);
}

static void test_window_stays_over_a_short_way(void **state)
{
    (void)state;
    set_up_flows(1, CHANNEL_WINDOW_DEFAULT, 2);
    run_round_trips(20, 2);
    assert_int_equal(flows[0].to->window, CHANNEL_WINDOW_DEFAULT);
}

static void test_window_that_was_made_small_stays(void **state)
{
    (void)state;
    set_up_flows(1, MEBI, ROUND_TRIP_MS);
    run_round_trips(20, ROUND_TRIP_MS);
    assert_int_equal(flows[0].to->window, MEBI);
    assert_int_equal(pair_seen(&pair, SERVER, MSG_GLOBAL_REQUEST), 0);
}

/* A slow sender leaves the window as it is, however long the way. */
static void test_window_follows_the_rate(void **state)
{
    (void)state;
    set_up_flows(1, CHANNEL_WINDOW_DEFAULT, ROUND_TRIP_MS);
    for (unsigned i = 0; i < 50; i++) {
        assert_int_equal(channel_write(flows[0].from, 0, block, 256 * 1024), 0);
        pair_flush(&pair, SERVER);
        pair_advance(&pair, ROUND_TRIP_MS / 2);
        pair_run(&pair);
        pair_advance(&pair, ROUND_TRIP_MS / 2);
    }
    assert_int_equal(flows[0].received, 50 * 256 * 1024);
    assert_int_equal(flows[0].to->window, CHANNEL_WINDOW_DEFAULT);
}

static void test_channels_share_the_budget_and_give_it_back(void **state)
{
    (void)state;
    set_up_flows(2, CHANNEL_WINDOW_DEFAULT, ROUND_TRIP_MS);
    run_round_trips(20, ROUND_TRIP_MS);
    assert_true(flows[0].to->grown > 0 && flows[1].to->grown > 0);
    assert_int_equal(flows[0].to->grown + flows[1].to->grown, BUDGET);
    channel_abort(flows[1].from);
    channel_abort(flows[1].to);
    run_round_trips(20, ROUND_TRIP_MS);
    assert_null(flows[1].to);
    assert_int_equal(flows[0].to->grown, BUDGET);
}

/* The first key exchange tells both sides how long the way is, whatever the peer computes meanwhile. */
static void test_key_exchange_tells_how_long_the_way_is(void **state)
{
    (void)state;
    for (unsigned ms = 0; ms <= ROUND_TRIP_MS; ms += ROUND_TRIP_MS) {
        set_up_flows(0, CHANNEL_WINDOW_DEFAULT, ms);
        assert_true(engine_way_is_long(pair.side[CLIENT].engine) == (ms != 0));
        assert_true(engine_way_is_long(pair.side[SERVER].engine) == (ms != 0));
        pair_done(&pair);
    }
    pair_init(&pair, PAIR_FAST); /* for tear_down */
}

/* A window that is widened is used in the next round trip, all of it. */
static void test_widened_window_is_there_at_once(void **state)
{
    (void)state;
    const uint32_t wide = CHANNEL_WINDOW_DEFAULT + BUDGET;
    set_up_flows(1, CHANNEL_WINDOW_DEFAULT, ROUND_TRIP_MS);
    channel_widen_window(flows[0].to, UINT32_MAX);
    assert_int_equal(flows[0].to->window, wide);
    run_round_trips(2, ROUND_TRIP_MS);
    assert_true(flows[0].received >= wide);
    channel_abort(flows[0].to);
    channel_abort(flows[0].from);
    run_round_trips(2, ROUND_TRIP_MS);
    assert_int_equal(pair.side[CLIENT].engine->mux.window_grown, 0);
}

static void test_small_window_is_not_widened(void **state)
{
    (void)state;
    set_up_flows(1, MEBI, ROUND_TRIP_MS);
    channel_widen_window(flows[0].to, UINT32_MAX);
    assert_int_equal(flows[0].to->window, MEBI);
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_key_exchange_tells_how_long_the_way_is),
        TEST(test_widened_window_is_there_at_once),
        TEST(test_small_window_is_not_widened),
        TEST(test_window_doubles_over_a_long_way_up_to_the_budget),
        TEST(test_window_stays_over_a_short_way),
        TEST(test_window_that_was_made_small_stays),
        TEST(test_window_follows_the_rate),
        TEST(test_channels_share_the_budget_and_give_it_back),
    };
    return cmocka_run_group_tests_name("window_growth", tests, NULL, NULL);
}
