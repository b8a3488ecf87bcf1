/* Flow control (RFC 4254 section 5.2), rule by rule; the ids are those of the security checklist and of the
 * flow-control rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "engine/channel_state.h"
#include "engine/raw_peer.h"

static struct raw raw;
static uint8_t bulk[300 * 1024];

static int set_up(void **state)
{
    (void)state;
    raw_init(&raw, true, AUTH_DONE);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    raw_done(&raw);
    return 0;
}

/* ---- receiving ---- */

/* FC1 */
static void test_window_is_debited_at_arrival_even_when_paused(void **state)
{
    (void)state;
    raw.window = 10;
    struct channel *ch = raw_opened_by_peer(&raw, 1000, 1000);
    channel_pause(ch);
    raw_send(&raw, 94, "us", 0u, "hello");
    assert_int_equal(ch->granted, 5);
    raw_send(&raw, 94, "us", 0u, "world");
    assert_int_equal(ch->granted, 0);
    raw_expect_events(&raw, "");
    raw_send(&raw, 94, "us", 0u, "!");
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, "Window exceeded on channel 0");
}

/* FC1, FC6: both message types use one window (F2). */
static void test_window_counts_extended_data(void **state)
{
    (void)state;
    raw.window = 8;
    raw.extended_types = 1u << 1;
    struct channel *ch = raw_opened_by_peer(&raw, 1000, 1000);
    channel_pause(ch);
    raw_send(&raw, 94, "us", 0u, "hello");
    raw_send(&raw, 95, "uus", 0u, 1u, "four");
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, "Window exceeded on channel 0");
}

/* FC2 */
static void test_packet_over_our_maximum_ends_the_connection(void **state)
{
    (void)state;
    raw.max_packet = 4;
    raw_opened_by_peer(&raw, 1000, 1000);
    raw_send(&raw, 94, "us", 0u, "four");
    raw_expect_events(&raw, "data 0 four\n");
    raw_send(&raw, 94, "us", 0u, "fives");
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, "Packet too big on channel 0");
}

/* FC2 */
static void test_empty_data_is_legal_and_delivers_nothing(void **state)
{
    (void)state;
    raw_opened_by_peer(&raw, 1000, 1000);
    raw_send(&raw, 94, "us", 0u, "");
    raw_expect_events(&raw, "");
    raw_expect_nothing(&raw);
    assert_false(engine_ended(raw.e));
}

/* FC3 */
static void test_adjust_comes_at_half_a_window(void **state)
{
    (void)state;
    raw.window = 10;
    raw_opened_by_peer(&raw, 1000, 1000);
    raw_send(&raw, 94, "us", 0u, "1234");
    raw_expect_nothing(&raw);
    raw_send(&raw, 94, "us", 0u, "5");
    raw_expect(&raw, "93 100 5");
    raw_expect_nothing(&raw);
}

/* FC3 */
static void test_adjust_comes_at_1_MiB_of_a_large_window(void **state)
{
    (void)state;
    raw.window = 64u * 1024 * 1024;
    raw.quiet = true;
    raw_opened_by_peer(&raw, 1000, 1000);
    for (int i = 0; i < 31; i++)
        raw_send(&raw, 94, "uS", 0u, bulk, (size_t)32768);
    raw_expect_nothing(&raw);
    raw_send(&raw, 94, "uS", 0u, bulk, (size_t)32768);
    raw_expect(&raw, "93 100 1048576");
}

/* FC3 */
static void test_window_of_one_byte_is_given_back_each_time(void **state)
{
    (void)state;
    raw.window = 1;
    raw_opened_by_peer(&raw, 1000, 1000);
    for (int i = 0; i < 3; i++) {
        raw_send(&raw, 94, "us", 0u, "x");
        raw_expect(&raw, "93 100 1");
    }
}

/* FC3: one adjust per channel per batch. */
static void test_adjusts_of_one_batch_are_merged(void **state)
{
    (void)state;
    raw.window = 10;
    raw_opened_by_peer(&raw, 1000, 1000);
    raw_send(&raw, 94, "us", 0u, "12345");
    raw_send(&raw, 94, "us", 0u, "678");
    raw_expect(&raw, "93 100 8");
    raw_expect_nothing(&raw);
}

/* FC3: granted + undelivered + consumed = window. */
static void test_paused_data_is_given_back_when_it_was_delivered(void **state)
{
    (void)state;
    raw.window = 10;
    struct channel *ch = raw_opened_by_peer(&raw, 1000, 1000);
    channel_pause(ch);
    raw_send(&raw, 94, "us", 0u, "12345678");
    raw_expect_nothing(&raw);
    assert_int_equal(ch->granted + ch->in.len + ch->consumed, 10);
    channel_resume(ch);
    raw_expect_events(&raw, "data 0 12345678\n");
    assert_int_equal(ch->granted + ch->in.len + ch->consumed, 10);
    raw_expect(&raw, "93 100 8");
    assert_int_equal(ch->granted, 10);
}

/* FC4 */
static void test_no_adjust_after_the_peers_eof(void **state)
{
    (void)state;
    raw.window = 10;
    struct channel *ch = raw_opened_by_peer(&raw, 1000, 1000);
    channel_pause(ch);
    raw_send(&raw, 94, "us", 0u, "12345678");
    raw_send(&raw, 96, "u", 0u);
    channel_resume(ch);
    raw_expect_events(&raw, "data 0 12345678\neof\n");
    raw_expect_nothing(&raw);
}

/* FC4, FC10: what comes after we asked to close is dropped, and given back while our CLOSE waits behind data. */
static void test_dropped_data_is_given_back_until_our_close_is_sent(void **state)
{
    (void)state;
    raw.window = 10;
    struct channel *ch = raw_opened_by_peer(&raw, 0, 1000);
    assert_int_equal(channel_write(ch, 0, "stuck", 5), 0);
    channel_close(ch);
    raw_send(&raw, 94, "us", 0u, "12345678");
    raw_expect_events(&raw, "");
    raw_expect(&raw, "93 100 8");
    raw_send(&raw, 93, "uu", 0u, 5u);
    raw_expect(&raw, "94 100 stuck");
    raw_expect(&raw, "96 100");
    raw_expect(&raw, "97 100");
    raw_send(&raw, 94, "us", 0u, "12345678");
    raw_expect_nothing(&raw);
}

/* FC5 */
static void test_paused_channel_does_not_stop_others(void **state)
{
    (void)state;
    struct channel *ch = raw_opened_by_peer(&raw, 1000, 1000);
    raw_opened_by_peer(&raw, 1000, 1000);
    channel_pause(ch);
    raw_send(&raw, 94, "us", 0u, "first");
    raw_send(&raw, 94, "us", 1u, "second");
    raw_expect_events(&raw, "data 0 second\n");
    assert_false(engine_waiting(raw.e));
}

static void pause_again(struct raw *r, struct channel *ch)
{
    (void)r;
    channel_pause(ch);
}

/* Resuming delivers in order, until an event pauses again. */
static void test_resume_stops_where_an_event_pauses(void **state)
{
    (void)state;
    raw.extended_types = 1u << 1;
    struct channel *ch = raw_opened_by_peer(&raw, 1000, 1000);
    channel_pause(ch);
    raw_send(&raw, 94, "us", 0u, "one");
    raw_send(&raw, 95, "uus", 0u, 1u, "two");
    raw_send(&raw, 94, "us", 0u, "three");
    raw_send(&raw, 96, "u", 0u);
    raw.hook = pause_again;
    raw.hook_name = "data";
    channel_resume(ch);
    raw_expect_events(&raw, "data 0 one\n");
    raw_send(&raw, 98, "usb", 0u, "signal", 0);
    raw_expect_events(&raw, "request signal 0 \n");
    channel_resume(ch);
    raw_expect_events(&raw, "data 1 two\n");
    channel_resume(ch);
    raw_expect_events(&raw, "data 0 three\neof\n");
    channel_resume(ch);
    raw_expect_events(&raw, "");
}

static void test_eof_while_paused_without_data_is_told_at_once(void **state)
{
    (void)state;
    struct channel *ch = raw_opened_by_peer(&raw, 1000, 1000);
    channel_pause(ch);
    raw_send(&raw, 96, "u", 0u);
    raw_expect_events(&raw, "eof\n");
    raw_send(&raw, 97, "u", 0u);
    raw_expect_events(&raw, "closed 0\n");
}

/* ---- sending ---- */

/* FC8 */
static void test_order_of_types_is_kept_and_neighbours_merge(void **state)
{
    (void)state;
    struct channel *ch = raw_opened_by_peer(&raw, 1000, 1000);
    assert_int_equal(channel_write(ch, 0, "ab", 2), 0);
    assert_int_equal(channel_write(ch, 0, "cd", 2), 0);
    assert_int_equal(channel_write(ch, 1, "ef", 2), 0);
    assert_int_equal(channel_write(ch, 0, "gh", 2), 0);
    assert_int_equal(channel_queued(ch), 8);
    raw_expect(&raw, "94 100 abcd");
    raw_expect(&raw, "95 100 1 ef");
    raw_expect(&raw, "94 100 gh");
    raw_expect_nothing(&raw);
    assert_int_equal(ch->send_window, 992);
}

/* FC8 */
static void test_packets_fit_the_window_and_the_peers_maximum(void **state)
{
    (void)state;
    struct channel *ch = raw_opened_by_peer(&raw, 8, 3);
    assert_int_equal(channel_write(ch, 0, "1234567890", 10), 0);
    raw_expect(&raw, "94 100 123");
    raw_expect(&raw, "94 100 456");
    raw_expect(&raw, "94 100 78");
    raw_expect_nothing(&raw);
    assert_int_equal(channel_queued(ch), 2);
    raw_send(&raw, 93, "uu", 0u, 1u);
    raw_expect(&raw, "94 100 9");
    raw_send(&raw, 93, "uu", 0u, 1u);
    raw_expect(&raw, "94 100 0");
}

/* FC8, F1: whatever the peer announces. */
static void test_packets_are_never_above_32_KiB(void **state)
{
    (void)state;
    struct channel *ch = raw_opened_by_peer(&raw, UINT32_MAX, UINT32_MAX);
    assert_int_equal(channel_write(ch, 0, bulk, 70000), 0);
    raw_expect(&raw, "94 100 <32768>");
    raw_expect(&raw, "94 100 <32768>");
    raw_expect(&raw, "94 100 <4464>");
}

/* FC9, F2 */
static void test_window_above_the_largest_number_ends_the_connection(void **state)
{
    (void)state;
    struct channel *ch = raw_opened_by_peer(&raw, 10, 1000);
    raw_send(&raw, 93, "uu", 0u, UINT32_MAX - 10);
    assert_int_equal(ch->send_window, UINT32_MAX);
    raw_send(&raw, 93, "uu", 0u, 1u);
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, "Window of channel 0 above 2^32-1");
}

/* FC9 */
static void test_window_of_a_tunnel_saturates(void **state)
{
    (void)state;
    struct channel *ch = raw_opened_by_peer(&raw, 10, 1000);
    channel_saturate_window(ch);
    raw_send(&raw, 93, "uu", 0u, UINT32_MAX);
    assert_int_equal(ch->send_window, UINT32_MAX);
    assert_false(engine_ended(raw.e));
}

/* FC9 */
static void test_adjust_is_legal_after_eof_and_ignored_after_close(void **state)
{
    (void)state;
    struct channel *ch = raw_opened_by_peer(&raw, 0, 1000);
    assert_int_equal(channel_write(ch, 0, "abcd", 4), 0);
    channel_eof(ch);
    raw_send(&raw, 93, "uu", 0u, 2u);
    raw_expect(&raw, "94 100 ab");
    channel_close(ch);
    raw_send(&raw, 93, "uu", 0u, 2u);
    raw_expect(&raw, "94 100 cd");
    raw_expect(&raw, "96 100");
    raw_expect(&raw, "97 100");
    raw_send(&raw, 93, "uu", 0u, UINT32_MAX);
    raw_send(&raw, 93, "uu", 0u, UINT32_MAX);
    raw_send(&raw, 93, "uu", 77u, 5u);
    assert_false(engine_ended(raw.e));
}

/* FC11: no channel data is packetised above the mark, and it goes on below the low one. */
static void test_data_waits_while_output_is_above_its_mark(void **state)
{
    (void)state;
    struct channel *ch = raw_opened_by_peer(&raw, UINT32_MAX, 32768);
    for (int i = 0; i < 4; i++)
        assert_int_equal(channel_write(ch, 0, bulk, sizeof bulk), 0);
    size_t unsent = engine_unsent(raw.e);
    assert_in_range(unsent, raw.config.limits.output_high, raw.config.limits.output_high + 40000);
    assert_in_range(channel_queued(ch), 4 * sizeof bulk - unsent, 4 * sizeof bulk - unsent + 1000);
    size_t queued = channel_queued(ch);
    struct span out = engine_output(raw.e, 0);
    engine_sent(raw.e, out.len / 2);
    (void)engine_output(raw.e, 0);
    assert_int_equal(channel_queued(ch), queued);
    engine_sent(raw.e, engine_unsent(raw.e));
    (void)engine_output(raw.e, 0);
    assert_true(channel_queued(ch) < queued);
}

/* FC12 */
static void test_channels_take_turns(void **state)
{
    (void)state;
    struct channel *one = raw_opened_by_peer(&raw, 1000, 3);
    struct channel *two = raw_opened_by_peer(&raw, 1000, 3);
    assert_int_equal(channel_write(one, 0, "aaabbbccc", 9), 0);
    assert_int_equal(channel_write(two, 1, "dddeee", 6), 0);
    const char *expected[] = { "94 100 aaa", "95 100 1 ddd", "94 100 bbb", "95 100 1 eee", "94 100 ccc" };
    for (size_t i = 0; i < 5; i++)
        raw_expect(&raw, expected[i]);
    raw_expect_nothing(&raw);
}

/* FC12: adjusts go ahead of data. */
static void test_adjust_goes_ahead_of_data(void **state)
{
    (void)state;
    raw.window = 4;
    struct channel *ch = raw_opened_by_peer(&raw, 1000, 1000);
    assert_int_equal(channel_write(ch, 0, "data", 4), 0);
    raw_send(&raw, 94, "us", 0u, "1234");
    raw_expect(&raw, "93 100 4");
    raw_expect(&raw, "94 100 data");
}

/* FC12 */
static void test_request_keeps_its_place_behind_data(void **state)
{
    (void)state;
    struct channel *ch = raw_opened_by_peer(&raw, 1000, 1000);
    assert_int_equal(channel_write(ch, 0, "before", 6), 0);
    assert_int_equal(channel_request(ch, "signal", false, SPAN("INT", 3)), 0);
    assert_int_equal(channel_write(ch, 0, "after", 5), 0);
    raw_expect(&raw, "94 100 before");
    raw_expect(&raw, "98 100 signal 0 INT");
    raw_expect(&raw, "94 100 after");
    raw_expect_nothing(&raw);
}

/* FC12: the window holds data, never a request. */
static void test_request_overtakes_only_what_the_window_holds(void **state)
{
    (void)state;
    struct channel *ch = raw_opened_by_peer(&raw, 3, 1000);
    assert_int_equal(channel_write(ch, 0, "abcdef", 6), 0);
    assert_int_equal(channel_request(ch, "one", false, SPAN(NULL, 0)), 0);
    assert_int_equal(channel_write(ch, 0, "gh", 2), 0);
    assert_int_equal(channel_request(ch, "two", false, SPAN(NULL, 0)), 0);
    raw_expect(&raw, "94 100 abc");
    raw_expect(&raw, "98 100 one 0");
    raw_expect(&raw, "98 100 two 0");
    assert_int_equal(channel_request(ch, "three", false, SPAN(NULL, 0)), 0);
    raw_expect(&raw, "98 100 three 0");
    raw_send(&raw, 93, "uu", 0u, 4u);
    assert_int_equal(channel_request(ch, "four", false, SPAN(NULL, 0)), 0);
    assert_int_equal(channel_write(ch, 0, "ij", 2), 0);
    raw_expect(&raw, "94 100 def");
    raw_expect(&raw, "94 100 g");
    raw_expect(&raw, "98 100 four 0");
    raw_send(&raw, 93, "uu", 0u, 100u);
    raw_expect(&raw, "94 100 h");
    raw_expect(&raw, "94 100 ij");
    raw_expect_nothing(&raw);
}

/* FC12 */
static void test_eof_comes_after_data_and_close_last(void **state)
{
    (void)state;
    struct channel *ch = raw_opened_by_peer(&raw, 2, 1000);
    assert_int_equal(channel_write(ch, 0, "abc", 3), 0);
    channel_eof(ch);
    assert_int_equal(channel_write(ch, 0, "x", 1), SSHIO_ECLOSED);
    assert_int_equal(channel_request(ch, "exit-status", false, SPAN(NULL, 0)), 0);
    channel_close(ch);
    raw_expect(&raw, "94 100 ab");
    raw_expect(&raw, "98 100 exit-status 0");
    raw_expect_nothing(&raw);
    raw_send(&raw, 93, "uu", 0u, 1u);
    raw_expect(&raw, "94 100 c");
    raw_expect(&raw, "96 100");
    raw_expect(&raw, "97 100");
    raw_expect_nothing(&raw);
}

/* FC13: large writes are sealed from the caller's memory, so they are never queued while there is room. */
static void test_large_write_is_not_queued(void **state)
{
    (void)state;
    struct channel *ch = raw_opened_by_peer(&raw, UINT32_MAX, 32768);
    assert_int_equal(channel_write(ch, 0, bulk, 32768 + 4096), 0);
    assert_int_equal(channel_queued(ch), 0);
    assert_int_equal(channel_write(ch, 0, bulk, 4095), 0);
    assert_int_equal(channel_queued(ch), 4095);
    assert_int_equal(channel_write(ch, 0, bulk, 4096), 0);
    assert_int_equal(channel_queued(ch), 8191);
}

/* FC13 */
static void test_data_path_allocates_nothing_once_warm(void **state)
{
    (void)state;
    raw.quiet = true;
    struct channel *ch = raw_opened_by_peer(&raw, UINT32_MAX, 32768);
    uint64_t before = 0;
    for (int i = 0; i < 200; i++) {
        if (i == 40) /* the window was given back once, and the round trip asked for */
            before = mem_allocations();
        assert_int_equal(channel_write(ch, 0, bulk, i % 2 == 0 ? 100 : 40000), 0);
        raw_send(&raw, 94, "uS", 0u, bulk, (size_t)32768);
        struct span out;
        while ((out = engine_output(raw.e, 0)).len > 0)
            engine_sent(raw.e, out.len);
    }
    assert_int_equal(mem_allocations(), before);
}

/* Marks of the write buffer. */
static void test_writable_alternates_with_above_high(void **state)
{
    (void)state;
    struct channel *ch = raw_opened_by_peer(&raw, 0, 1000);
    channel_set_marks(ch, 10, 4);
    assert_int_equal(channel_write(ch, 0, "0123456789", 10), 0);
    assert_false(channel_above_high(ch));
    assert_int_equal(channel_write(ch, 0, "x", 1), 0);
    assert_true(channel_above_high(ch));
    raw_send(&raw, 93, "uu", 0u, 6u);
    raw_drop_output(&raw);
    raw_expect_events(&raw, "");
    raw_send(&raw, 93, "uu", 0u, 1u);
    raw_drop_output(&raw);
    raw_expect_events(&raw, "writable\n");
    assert_false(channel_above_high(ch));
    channel_set_marks(ch, 3, 2);
    assert_true(channel_above_high(ch));
    channel_set_marks(ch, 8, 4);
    raw_expect_events(&raw, "writable\n");
}

/* FC14: what fits the window leaves with the next output, however little it is and whatever is under way. */
static void test_data_that_fits_is_never_delayed(void **state)
{
    (void)state;
    struct channel *ch = raw_opened_by_peer(&raw, 1000, 1000);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(channel_write(ch, 0, "x", 1), 0);
        raw_expect(&raw, "94 100 x");
        assert_int_equal(channel_queued(ch), 0);
        assert_true(engine_deadline(raw.e) == UINT64_MAX);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_window_is_debited_at_arrival_even_when_paused),
        TEST(test_window_counts_extended_data),
        TEST(test_packet_over_our_maximum_ends_the_connection),
        TEST(test_empty_data_is_legal_and_delivers_nothing),
        TEST(test_adjust_comes_at_half_a_window),
        TEST(test_adjust_comes_at_1_MiB_of_a_large_window),
        TEST(test_window_of_one_byte_is_given_back_each_time),
        TEST(test_adjusts_of_one_batch_are_merged),
        TEST(test_paused_data_is_given_back_when_it_was_delivered),
        TEST(test_no_adjust_after_the_peers_eof),
        TEST(test_dropped_data_is_given_back_until_our_close_is_sent),
        TEST(test_paused_channel_does_not_stop_others),
        TEST(test_resume_stops_where_an_event_pauses),
        TEST(test_eof_while_paused_without_data_is_told_at_once),
        TEST(test_order_of_types_is_kept_and_neighbours_merge),
        TEST(test_packets_fit_the_window_and_the_peers_maximum),
        TEST(test_packets_are_never_above_32_KiB),
        TEST(test_window_above_the_largest_number_ends_the_connection),
        TEST(test_window_of_a_tunnel_saturates),
        TEST(test_adjust_is_legal_after_eof_and_ignored_after_close),
        TEST(test_data_waits_while_output_is_above_its_mark),
        TEST(test_channels_take_turns),
        TEST(test_adjust_goes_ahead_of_data),
        TEST(test_request_keeps_its_place_behind_data),
        TEST(test_request_overtakes_only_what_the_window_holds),
        TEST(test_eof_comes_after_data_and_close_last),
        TEST(test_large_write_is_not_queued),
        TEST(test_data_path_allocates_nothing_once_warm),
        TEST(test_data_that_fits_is_never_delayed),
        TEST(test_writable_alternates_with_above_high),
    };
    return cmocka_run_group_tests_name("flow_control", tests, NULL, NULL);
}
