/* Life of channels (RFC 4254 sections 5.1, 5.3, 5.4): opening both ways, closing, requests, and events that close what
 * they run on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "engine/channel_state.h"
#include "engine/raw_peer.h"

static struct raw raw;

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

static struct channel *start_open(void)
{
    struct channel *ch = NULL;
    assert_int_equal(channel_open(raw.e, "session", 1000, 500, SPAN("more", 4), &raw_channel_events, &raw, &ch, NULL),
                     0);
    return ch;
}

/* ---- opening from our side ---- */

static void test_open_sends_and_confirmation_opens(void **state)
{
    (void)state;
    struct channel *ch = start_open();
    raw_expect(&raw, "90 session 0 1000 500 more");
    raw_send(&raw, 91, "uuuur", 0u, 7u, 10u, 20u, "info");
    raw_expect_events(&raw, "opened info\n");
    assert_int_equal(channel_write(ch, 0, "hello", 5), 0);
    raw_expect(&raw, "94 7 hello");
}

static void test_open_failure_is_the_last_event(void **state)
{
    (void)state;
    start_open();
    raw_send(&raw, 92, "uuss", 0u, 1u, "no", "en");
    raw_expect_events(&raw, "open_failed 1 no en\n");
    assert_int_equal(raw.e->mux.count, 0);
}

static void test_open_numbers_are_the_lowest_free(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 20; i++)
        assert_int_equal(channel_number(start_open()), i);
    raw_send(&raw, 92, "uuss", 12u, 1u, "no", "en");
    raw_send(&raw, 92, "uuss", 3u, 1u, "no", "en");
    assert_int_equal(channel_number(start_open()), 3);
    assert_int_equal(channel_number(start_open()), 12);
    assert_int_equal(channel_number(start_open()), 20);
}

static void test_open_beyond_the_limit_fails(void **state)
{
    (void)state;
    struct channel *ch = NULL;
    raw.config.limits.channels = 3;
    for (int i = 0; i < 3; i++)
        start_open();
    assert_int_equal(channel_open(raw.e, "session", 1, 1, SPAN(NULL, 0), &raw_channel_events, &raw, &ch, NULL),
                     SSHIO_ELIMIT);
    assert_null(ch);
}

static void test_open_on_an_ended_connection_fails(void **state)
{
    (void)state;
    struct channel *ch = NULL;
    engine_disconnect(raw.e, 11, "bye", "");
    assert_int_equal(channel_open(raw.e, "session", 1, 1, SPAN(NULL, 0), &raw_channel_events, &raw, &ch, NULL),
                     SSHIO_ECHANNEL_OPEN);
}

/* F1 */
static void test_confirmation_with_packet_size_0_ends_the_connection(void **state)
{
    (void)state;
    start_open();
    raw_send(&raw, 91, "uuuu", 0u, 7u, 10u, 0u);
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, "Invalid channel open confirmation");
}

/* What was written and asked before the confirmation leaves after it, in order. */
static void test_writes_before_confirmation_wait(void **state)
{
    (void)state;
    struct channel *ch = start_open();
    raw_drop_output(&raw);
    assert_int_equal(channel_request(ch, "exec", true, SPAN("ls", 2)), 0);
    assert_int_equal(channel_write(ch, 0, "in", 2), 0);
    channel_eof(ch);
    raw_expect_nothing(&raw);
    raw_send(&raw, 91, "uuuu", 0u, 7u, 10u, 20u);
    raw_expect(&raw, "98 7 exec 1 ls");
    raw_expect(&raw, "94 7 in");
    raw_expect(&raw, "96 7");
}

static void cancel(void (*how)(struct channel *))
{
    struct channel *ch = start_open();
    assert_int_equal(channel_write(ch, 0, "data", 4), 0);
    channel_eof(ch); /* is dropped with the data that stood in front of it */
    how(ch);
    raw_expect(&raw, "90 session 0 1000 500 more");
    raw_expect_nothing(&raw);
    raw_send(&raw, 91, "uuuu", 0u, 7u, 10u, 20u);
    raw_expect(&raw, "97 7");
    raw_expect_nothing(&raw);
    raw_expect_events(&raw, "");
    raw_send(&raw, 97, "u", 0u);
    raw_expect_events(&raw, "closed 0\n");
    raw_expect_nothing(&raw);
}

static void test_open_cancelled_by_close_is_closed_on_confirmation(void **state)
{
    (void)state;
    cancel(channel_close);
}

static void test_open_cancelled_by_abort_is_closed_on_confirmation(void **state)
{
    (void)state;
    cancel(channel_abort);
}

/* ---- opening from the peer's side ---- */

static void test_peer_open_is_confirmed(void **state)
{
    (void)state;
    raw_send(&raw, 90, "suuur", "direct-tcpip", 9u, 10u, 20u, "where");
    raw_expect_events(&raw, "channel_requested direct-tcpip where\n");
    raw_expect(&raw, "91 9 0 2097152 32768");
}

static void test_peer_open_is_refused(void **state)
{
    (void)state;
    raw.opens = RAW_ANSWER_NO;
    raw_send(&raw, 90, "suuu", "what", 9u, 10u, 20u);
    raw_expect(&raw, "92 9 3 Unknown channel type en-US");
    assert_int_equal(raw.e->mux.count, 0);
    assert_int_equal(raw.e->mux.undecided, 0);
}

static void test_peer_open_may_be_decided_later(void **state)
{
    (void)state;
    raw.opens = RAW_KEEP_OPEN;
    raw_send(&raw, 90, "suuu", "session", 9u, 10u, 20u);
    raw_send(&raw, 90, "suuu", "session", 8u, 10u, 20u);
    raw_expect_nothing(&raw);
    channel_accept(raw.channels[1], 100, 50, SPAN("x", 1), &raw_channel_events, &raw);
    channel_refuse(raw.channels[0], 2, "no");
    raw_expect(&raw, "91 8 1 100 50 x");
    raw_expect(&raw, "92 9 2 no en-US");
}

/* F1 */
static void test_peer_open_with_packet_size_0_ends_the_connection(void **state)
{
    (void)state;
    raw_send(&raw, 90, "suuu", "session", 9u, 10u, 0u);
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, NULL);
    raw_expect_events(&raw, "ended -102\n");
}

/* F1: tiny values work. */
static void test_packet_size_1_works(void **state)
{
    (void)state;
    struct channel *ch = raw_opened_by_peer(&raw, 3, 1);
    assert_int_equal(channel_write(ch, 0, "abcd", 4), 0);
    raw_expect(&raw, "94 100 a");
    raw_expect(&raw, "94 100 b");
    raw_expect(&raw, "94 100 c");
    raw_expect_nothing(&raw);
}

static void test_peer_opens_beyond_the_limits_get_resource_shortage(void **state)
{
    (void)state;
    raw.config.limits.channels = 5;
    raw.config.limits.undecided_opens = 2;
    for (int i = 0; i < 3; i++)
        raw_send(&raw, 90, "suuu", "session", 1u, 10u, 10u);
    raw.opens = RAW_KEEP_OPEN;
    raw_drop_output(&raw);
    for (int i = 0; i < 3; i++)
        raw_send(&raw, 90, "suuu", "session", 2u, 10u, 10u);
    raw_expect(&raw, "92 2 4 Too many channels en-US");
    channel_accept(raw.channels[3], 1, 1, SPAN(NULL, 0), &raw_channel_events, &raw);
    raw_expect(&raw, "91 2 3 1 1");
    raw_send(&raw, 90, "suuu", "session", 3u, 10u, 10u);
    raw_expect(&raw, "92 3 4 Too many channels en-US");
    assert_false(engine_ended(raw.e));
    channel_refuse(raw.channels[4], 1, "no");
}

static void test_verdict_after_the_end_is_harmless(void **state)
{
    (void)state;
    raw.opens = RAW_KEEP_OPEN;
    raw_send(&raw, 90, "suuu", "session", 9u, 10u, 20u);
    raw_send(&raw, 90, "suuu", "session", 9u, 10u, 20u);
    raw_send(&raw, 90, "suuu", "session", 9u, 10u, 20u);
    raw.log_len = 0;
    engine_disconnect(raw.e, 11, "bye", "");
    raw_expect_events(&raw, "ended 0\n");
    channel_accept(raw.channels[0], 100, 50, SPAN(NULL, 0), &raw_channel_events, &raw);
    raw_expect_events(&raw, "closed 0\n");
    channel_refuse(raw.channels[1], 1, "no");
    raw_expect(&raw, "1 11 bye");
    raw_expect_nothing(&raw);
}

/* ---- closing ---- */

static void test_close_sends_eof_and_close_and_waits_for_the_peers(void **state)
{
    (void)state;
    struct channel *ch = raw_open(&raw, 10, 20);
    channel_close(ch);
    channel_close(ch);
    channel_eof(ch);
    raw_expect(&raw, "96 100");
    raw_expect(&raw, "97 100");
    raw_expect_nothing(&raw);
    assert_true(channel_is_closed(ch));
    assert_int_equal(channel_request(ch, "signal", false, SPAN(NULL, 0)), SSHIO_ECLOSED);
    raw_expect_events(&raw, "");
    assert_int_equal(channel_number(start_open()), 1);
    raw_send(&raw, 97, "u", 0u);
    raw_expect_events(&raw, "closed 0\n");
    assert_int_equal(channel_number(start_open()), 0);
}

static void test_peers_close_is_answered_and_drops_what_waits(void **state)
{
    (void)state;
    struct channel *ch = raw_open(&raw, 0, 20);
    assert_int_equal(channel_write(ch, 0, "stuck", 5), 0);
    raw_send(&raw, 97, "u", 0u);
    raw_expect(&raw, "97 100");
    raw_expect_nothing(&raw);
    raw_expect_events(&raw, "closed 0\n");
}

static void test_peers_close_waits_for_undelivered_data(void **state)
{
    (void)state;
    struct channel *ch = raw_open(&raw, 10, 20);
    channel_pause(ch);
    raw_send(&raw, 94, "us", 0u, "last words");
    raw_send(&raw, 96, "u", 0u);
    raw_send(&raw, 97, "u", 0u);
    raw_expect_events(&raw, "");
    raw_expect(&raw, "97 100");
    assert_int_equal(channel_write(ch, 0, "x", 1), SSHIO_ECLOSED);
    assert_int_equal(channel_number(start_open()), 1);
    channel_resume(ch);
    raw_expect_events(&raw, "data 0 last words\neof\nclosed 0\n");
}

/* A session whose program was never started: nobody will come for the data, and the number is free again. */
static void test_peers_close_does_not_wait_where_nobody_reads(void **state)
{
    (void)state;
    struct channel *ch = raw_open(&raw, 10, 20);
    channel_pause(ch);
    channel_set_reader(ch, false);
    raw_send(&raw, 94, "us", 0u, "unread");
    raw_send(&raw, 97, "u", 0u);
    raw_expect_events(&raw, "closed 0\n");
    raw_expect(&raw, "97 100");
    assert_int_equal(channel_number(start_open()), 0);
}

static void test_abort_drops_everything_and_closes_at_once(void **state)
{
    (void)state;
    struct channel *ch = raw_open(&raw, 0, 20);
    assert_int_equal(channel_write(ch, 0, "stuck", 5), 0);
    channel_eof(ch);
    channel_pause(ch);
    raw_send(&raw, 94, "us", 0u, "unread");
    channel_abort(ch);
    raw_expect(&raw, "97 100");
    raw_expect_nothing(&raw);
    raw_send(&raw, 94, "us", 0u, "more");
    raw_send(&raw, 96, "u", 0u);
    raw_send(&raw, 97, "u", 0u);
    raw_expect_events(&raw, "closed 0\n");
    raw_expect_nothing(&raw);
}

static void test_abort_after_the_peers_close_drops_undelivered_data(void **state)
{
    (void)state;
    struct channel *ch = raw_open(&raw, 10, 20);
    channel_pause(ch);
    raw_send(&raw, 94, "us", 0u, "unread");
    raw_send(&raw, 97, "u", 0u);
    channel_abort(ch);
    raw_expect_events(&raw, "closed 0\n");
}

static void test_eof_leaves_the_other_way_open(void **state)
{
    (void)state;
    struct channel *ch = raw_open(&raw, 10, 20);
    raw_send(&raw, 96, "u", 0u);
    raw_expect_events(&raw, "eof\n");
    assert_int_equal(channel_write(ch, 0, "still", 5), 0);
    raw_expect(&raw, "94 100 still");
    channel_eof(ch);
    channel_eof(ch);
    raw_expect(&raw, "96 100");
    raw_expect_nothing(&raw);
}

static void take_undelivered(struct raw *r, struct channel *ch)
{
    uint32_t type;
    struct span data;
    while (channel_take_undelivered(ch, &type, &data))
        r->log_len += (size_t)sprintf(r->log + r->log_len, "taken %u %.*s\n", type, (int)data.len,
                                      (const char *)data.data);
}

static void test_end_of_the_connection_closes_every_channel(void **state)
{
    (void)state;
    start_open();
    struct channel *ch = raw_opened_by_peer(&raw, 10, 20);
    raw.extended_types = 2;
    raw_opened_by_peer(&raw, 10, 20);
    channel_pause(ch);
    channel_allow_extended(ch, 2);
    raw_send(&raw, 94, "us", 1u, "one");
    raw_send(&raw, 95, "uus", 1u, 1u, "two");
    raw.hook = take_undelivered;
    raw.hook_name = "closed";
    struct error error;
    error_init(&error);
    error_set(&error, SSHIO_ECONNECTION_LOST, "gone");
    engine_lost(raw.e, &error);
    raw_expect_events(
        &raw, "open_failed 2 SSH connection closed \nclosed -110\ntaken 0 one\ntaken 1 two\nclosed -110\nended -110\n");
    error_clear(&error);
}

/* ---- what ends the connection (F3) ---- */

static void test_messages_for_numbers_not_open_end_the_connection(void **state)
{
    (void)state;
    static const struct {
        int number;
        const char *format;
    } messages[] = {
        { 94, "us" }, { 95, "uus" }, { 96, "u" },    { 97, "u" },    { 98, "usb" },
        { 99, "u" },  { 100, "u" },  { 91, "uuuu" }, { 92, "uuss" },
    };
    enum { UNKNOWN, OPENING, UNDECIDED, CLOSED_BY_PEER, PLACES };
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        for (int place = 0; place < PLACES; place++) {
            bool answers = messages[i].number == 91 || messages[i].number == 92;
            if (place == OPENING && answers)
                continue;
            struct channel *ch = NULL;
            raw_done(&raw);
            raw_init(&raw, true, AUTH_DONE);
            if (place == OPENING) {
                start_open();
            } else if (place == UNDECIDED) {
                raw.opens = RAW_KEEP_OPEN;
                raw_send(&raw, 90, "suuu", "session", 9u, 10u, 20u);
            } else if (place == CLOSED_BY_PEER) {
                ch = raw_open(&raw, 10, 20);
                channel_pause(ch);
                raw_send(&raw, 94, "us", 0u, "unread");
                raw_send(&raw, 97, "u", 0u);
            }
            raw.log_len = 0;
            switch (messages[i].number) {
            case 91:
                raw_send(&raw, 91, "uuuu", 0u, 1u, 1u, 1u);
                break;
            case 92:
                raw_send(&raw, 92, "uuss", 0u, 1u, "", "");
                break;
            case 95:
                raw_send(&raw, 95, "uus", 0u, 1u, "x");
                break;
            case 98:
                raw_send(&raw, 98, "usb", 0u, "x", 1);
                break;
            default:
                raw_send(&raw, messages[i].number, messages[i].format, 0u, "x");
                break;
            }
            raw_expect_ended(&raw, SSHIO_EPROTOCOL, NULL);
        }
    }
}

static void test_data_after_eof_ends_the_connection(void **state)
{
    (void)state;
    raw_open(&raw, 10, 20);
    raw_send(&raw, 96, "u", 0u);
    raw_send(&raw, 94, "us", 0u, "x");
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, "Data after EOF on channel 0");
}

static void test_second_eof_ends_the_connection(void **state)
{
    (void)state;
    raw_open(&raw, 10, 20);
    raw_send(&raw, 96, "u", 0u);
    raw_send(&raw, 96, "u", 0u);
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, "Second EOF on channel 0");
}

static void test_extended_data_not_allowed_ends_the_connection(void **state)
{
    (void)state;
    static const uint32_t types[] = { 0, 2, 31, 32, 33, UINT32_MAX };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        raw_done(&raw);
        raw_init(&raw, true, AUTH_DONE);
        raw.extended_types = 1u << 1;
        raw_open(&raw, 10, 20);
        raw_send(&raw, 95, "uus", 0u, types[i], "x");
        raw_expect_ended(&raw, SSHIO_EPROTOCOL, NULL);
    }
}

/* Rule 2 of the wire: nothing is missing and nothing is left over. */
static void test_bytes_left_over_or_missing_end_the_connection(void **state)
{
    (void)state;
    static const struct {
        int number;
        const char *format;
    } bad[] = {
        { 90, "su" },  { 91, "uuu" }, { 92, "uu" },   { 93, "u" },  { 94, "u" },  { 95, "uu" }, { 96, "r" },
        { 97, "r" },   { 98, "u" },   { 99, "r" },    { 100, "r" }, { 82, "u" },  { 80, "u" },  { 92, "uussb" },
        { 93, "uuu" }, { 94, "usb" }, { 95, "uusb" }, { 96, "uu" }, { 97, "uu" }, { 99, "uu" }, { 100, "uu" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        raw_done(&raw);
        raw_init(&raw, true, AUTH_DONE);
        raw_open(&raw, 10, 20);
        const char *f = bad[i].format;
        if (strcmp(f, "r") == 0)
            raw_send(&raw, bad[i].number, f, "");
        else if (strcmp(f, "su") == 0)
            raw_send(&raw, bad[i].number, f, "session", 0u);
        else if (strcmp(f, "usb") == 0)
            raw_send(&raw, bad[i].number, f, 0u, "x", 1);
        else if (strcmp(f, "uusb") == 0)
            raw_send(&raw, bad[i].number, f, 0u, 1u, "x", 1);
        else if (strcmp(f, "uussb") == 0)
            raw_send(&raw, bad[i].number, f, 0u, 1u, "x", "y", 1);
        else
            raw_send(&raw, bad[i].number, f, 0u, 1u, 2u);
        raw_expect_ended(&raw, SSHIO_EPROTOCOL, NULL);
    }
}

static void test_name_that_is_not_ascii_ends_the_connection(void **state)
{
    (void)state;
    raw_send(&raw, 90, "suuu", "s\xc3\xa9ssion", 9u, 10u, 20u);
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, NULL);
}

/* ---- requests ---- */

static void test_requests_are_reported_one_at_a_time(void **state)
{
    (void)state;
    raw.requests = RAW_KEEP_OPEN;
    struct channel *ch = raw_open(&raw, 10, 20);
    raw_send(&raw, 98, "usbr", 0u, "env", 1, "A");
    raw_send(&raw, 98, "usbr", 0u, "env", 0, "B");
    raw_send(&raw, 98, "usbr", 0u, "exec", 1, "C");
    raw_expect_events(&raw, "request env 1 A\n");
    channel_reply(ch, true);
    raw_expect_events(&raw, "request env 0 B\n");
    raw_expect(&raw, "99 100");
    channel_reply(ch, false);
    raw_expect_events(&raw, "request exec 1 C\n");
    raw_expect_nothing(&raw);
    channel_reply(ch, false);
    channel_reply(ch, false);
    raw_expect(&raw, "100 100");
    raw_expect_nothing(&raw);
}

static void test_queued_requests_answered_in_the_event_do_not_recurse(void **state)
{
    (void)state;
    raw.requests = RAW_KEEP_OPEN;
    struct channel *ch = raw_open(&raw, 10, 20);
    for (int i = 0; i < 100; i++)
        raw_send(&raw, 98, "usb", 0u, "x", 1);
    raw.requests = RAW_ANSWER_NO;
    channel_reply(ch, true);
    assert_int_equal(raw_count(&raw, 100), 99);
    assert_int_equal(raw.e->mux.waiting_len, 0);
}

static void test_too_many_requests_end_the_connection(void **state)
{
    (void)state;
    raw.requests = RAW_KEEP_OPEN;
    raw_open(&raw, 10, 20);
    for (uint32_t i = 0; i < 1 + raw.config.limits.channel_requests; i++)
        raw_send(&raw, 98, "usb", 0u, "x", 1);
    assert_false(engine_ended(raw.e));
    raw_send(&raw, 98, "usb", 0u, "x", 1);
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, "Too many requests on channel 0");
}

/* P1: the number of requests is limited, and so are their bytes. */
static void test_bytes_of_waiting_requests_are_limited(void **state)
{
    (void)state;
    static char big[100 * 1024];
    raw.requests = RAW_KEEP_OPEN;
    raw_open(&raw, 10, 20);
    for (int i = 0; i < 41; i++)
        raw_send(&raw, 98, "usbS", 0u, "x", 1, big, sizeof big);
    assert_false(engine_ended(raw.e));
    raw_send(&raw, 98, "usbS", 0u, "x", 1, big, sizeof big);
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, "Too many bytes of requests wait for an answer");
}

static void test_no_reply_once_our_close_was_asked_for(void **state)
{
    (void)state;
    raw.requests = RAW_KEEP_OPEN;
    struct channel *ch = raw_open(&raw, 0, 20);
    raw_send(&raw, 98, "usb", 0u, "x", 1);
    raw_send(&raw, 98, "usb", 0u, "y", 1);
    assert_int_equal(channel_write(ch, 0, "stuck", 5), 0);
    channel_close(ch);
    channel_reply(ch, true);
    raw_expect_nothing(&raw);
    raw_send(&raw, 98, "usb", 0u, "z", 1);
    raw_expect_events(&raw, "request x 1 \n");
}

static void test_replies_come_in_order(void **state)
{
    (void)state;
    struct channel *ch = raw_open(&raw, 10, 20);
    assert_int_equal(channel_request(ch, "a", true, SPAN(NULL, 0)), 0);
    assert_int_equal(channel_request(ch, "b", false, SPAN(NULL, 0)), 0);
    assert_int_equal(channel_request(ch, "c", true, SPAN(NULL, 0)), 0);
    raw_send(&raw, 99, "u", 0u);
    raw_send(&raw, 100, "u", 0u);
    raw_expect_events(&raw, "replied 1\nreplied 0\n");
    raw_send(&raw, 99, "u", 0u);
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, "Unexpected reply to a request on channel 0");
}

/* F3: an answer to a request that waits behind data is one nobody asked for yet. */
static void test_reply_to_a_request_that_was_not_sent_ends_the_connection(void **state)
{
    (void)state;
    struct channel *ch = raw_open(&raw, 10, 20);
    assert_int_equal(channel_write(ch, 0, "x", 1), 0);
    assert_int_equal(channel_request(ch, "a", true, SPAN(NULL, 0)), 0);
    raw_send(&raw, 99, "u", 0u);
    raw_expect_ended(&raw, SSHIO_EPROTOCOL, NULL);
}

/* ---- events that end what they run on (F6) ---- */

static void do_close(struct raw *r, struct channel *ch)
{
    (void)r;
    channel_close(ch);
}

static void do_abort(struct raw *r, struct channel *ch)
{
    (void)r;
    channel_abort(ch);
}

static void do_disconnect(struct raw *r, struct channel *ch)
{
    (void)ch;
    engine_disconnect(r->e, 11, "bye", "");
}

static void do_resume(struct raw *r, struct channel *ch)
{
    (void)r;
    channel_resume(ch);
    channel_set_marks(ch, 1, 1);
    channel_reply(ch, true);
}

/* Something of everything, with the peer's CLOSE in the middle of undelivered data. */
static void live_through(const char *event, void (*hook)(struct raw *, struct channel *), bool paused)
{
    raw_done(&raw);
    raw_init(&raw, true, AUTH_DONE);
    raw.requests = RAW_KEEP_OPEN;
    raw.extended_types = 2;
    raw.hook = hook;
    raw.hook_name = event;
    struct channel *ch = start_open();
    channel_allow_extended(ch, 2);
    channel_set_marks(ch, 1, 0);
    assert_int_equal(channel_write(ch, 0, "text", 4), 0);
    assert_int_equal(channel_request(ch, "exec", true, SPAN(NULL, 0)), 0);
    if (paused)
        channel_pause(ch);
    raw_send(&raw, 91, "uuuu", 0u, 7u, 10u, 20u);
    raw_drop_output(&raw);
    raw_send(&raw, 99, "u", 0u);
    raw_send(&raw, 98, "usb", 0u, "one", 1);
    raw_send(&raw, 98, "usb", 0u, "two", 1);
    raw_send(&raw, 94, "us", 0u, "data");
    raw_send(&raw, 95, "uus", 0u, 1u, "more");
    raw_send(&raw, 96, "u", 0u);
    bool gone = strstr(raw.log, "closed") != NULL;
    if (!gone && !engine_ended(raw.e) && strcmp(event, "request") != 0)
        channel_reply(ch, true);
    gone = strstr(raw.log, "closed") != NULL;
    if (!gone && !engine_ended(raw.e))
        raw_send(&raw, 97, "u", 0u);
    gone = strstr(raw.log, "closed") != NULL;
    if (!gone && paused)
        channel_resume(ch);
    const char *first = strstr(raw.log, "closed");
    assert_non_null(first);
    assert_null(strstr(first + 1, "closed"));
}

static void test_events_may_end_what_they_run_on(void **state)
{
    (void)state;
    static const char *const events[] = { "opened", "data", "eof", "request", "replied", "writable", "closed" };
    static void (*const hooks[])(struct raw *, struct channel *) = { do_close, do_abort, do_disconnect, do_resume };
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        for (size_t k = 0; k < sizeof hooks / sizeof hooks[0]; k++)
            for (int paused = 0; paused < 2; paused++)
                live_through(events[i], hooks[k], paused != 0);
}

static void test_channel_requested_may_end_the_connection(void **state)
{
    (void)state;
    raw.hook = do_disconnect;
    raw.hook_name = "channel_requested";
    raw_send(&raw, 90, "suuu", "session", 9u, 10u, 20u);
    raw_expect_events(&raw, "channel_requested session \nclosed 0\nended 0\n");
}

static void test_open_failed_may_disconnect(void **state)
{
    (void)state;
    raw.hook = do_disconnect;
    raw.hook_name = "open_failed";
    start_open();
    start_open();
    raw_send(&raw, 92, "uuss", 0u, 1u, "no", "en");
    raw_expect_events(&raw, "open_failed 1 no en\nopen_failed 2 SSH connection closed \nended 0\n");
}

/* ---- memory ---- */

static void talk(void)
{
    struct channel *ch = NULL;
    if (channel_open(raw.e, "session", 1000, 500, SPAN(NULL, 0), &raw_channel_events, &raw, &ch, NULL) < 0)
        return;
    raw_send(&raw, 91, "uuuu", 0u, 7u, 10u, 20u);
    channel_pause(ch);
    (void)channel_write(ch, 0, "text", 4);
    (void)channel_request(ch, "exec", true, SPAN(NULL, 0));
    raw_send(&raw, 94, "us", 0u, "data");
    raw_send(&raw, 98, "usb", 0u, "one", 1);
    raw_send(&raw, 98, "usb", 0u, "two", 1);
    raw_send(&raw, 90, "suuu", "session", 9u, 10u, 20u);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    uint64_t nth = 0;
    uint64_t used;
    do {
        raw_done(&raw);
        raw_init(&raw, true, AUTH_DONE);
        raw.requests = RAW_KEEP_OPEN;
        uint64_t before = mem_allocations();
        mem_fail_at(++nth);
        talk();
        used = mem_allocations() - before;
        mem_fail_at(0);
    } while (used >= nth);
    assert_true(nth > 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_open_sends_and_confirmation_opens),
        TEST(test_open_failure_is_the_last_event),
        TEST(test_open_numbers_are_the_lowest_free),
        TEST(test_open_beyond_the_limit_fails),
        TEST(test_open_on_an_ended_connection_fails),
        TEST(test_confirmation_with_packet_size_0_ends_the_connection),
        TEST(test_writes_before_confirmation_wait),
        TEST(test_open_cancelled_by_close_is_closed_on_confirmation),
        TEST(test_open_cancelled_by_abort_is_closed_on_confirmation),
        TEST(test_peer_open_is_confirmed),
        TEST(test_peer_open_is_refused),
        TEST(test_peer_open_may_be_decided_later),
        TEST(test_peer_open_with_packet_size_0_ends_the_connection),
        TEST(test_packet_size_1_works),
        TEST(test_peer_opens_beyond_the_limits_get_resource_shortage),
        TEST(test_verdict_after_the_end_is_harmless),
        TEST(test_close_sends_eof_and_close_and_waits_for_the_peers),
        TEST(test_peers_close_is_answered_and_drops_what_waits),
        TEST(test_peers_close_waits_for_undelivered_data),
        TEST(test_peers_close_does_not_wait_where_nobody_reads),
        TEST(test_abort_drops_everything_and_closes_at_once),
        TEST(test_abort_after_the_peers_close_drops_undelivered_data),
        TEST(test_eof_leaves_the_other_way_open),
        TEST(test_end_of_the_connection_closes_every_channel),
        TEST(test_messages_for_numbers_not_open_end_the_connection),
        TEST(test_data_after_eof_ends_the_connection),
        TEST(test_second_eof_ends_the_connection),
        TEST(test_extended_data_not_allowed_ends_the_connection),
        TEST(test_bytes_left_over_or_missing_end_the_connection),
        TEST(test_name_that_is_not_ascii_ends_the_connection),
        TEST(test_requests_are_reported_one_at_a_time),
        TEST(test_queued_requests_answered_in_the_event_do_not_recurse),
        TEST(test_too_many_requests_end_the_connection),
        TEST(test_bytes_of_waiting_requests_are_limited),
        TEST(test_no_reply_once_our_close_was_asked_for),
        TEST(test_replies_come_in_order),
        TEST(test_reply_to_a_request_that_was_not_sent_ends_the_connection),
        TEST(test_events_may_end_what_they_run_on),
        TEST(test_channel_requested_may_end_the_connection),
        TEST(test_open_failed_may_disconnect),
        TEST(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("channels", tests, NULL, NULL);
}
