/* Which message is legal where: all 256 numbers in all states and both roles, against a table
 * written from the RFCs and not from the code; then the rules S1, S2, S3, S9, S12 and S13 on
 * running engines. */
#include "engine/unit.h"

#include "engine/admission.h"
#include "engine/injection.h"
#include "engine/pair.h"

/* ---- the whole table ---- */

/* One letter for each column:  a admitted, d dropped, u UNIMPLEMENTED, n not available, . refused
 * K KEXINIT awaited   M method runs   N NEWKEYS awaited   (first exchange)
 * m method runs       w NEWKEYS awaited                   (first exchange, strict)
 * S service   A authentication   O logged in   R method runs   W NEWKEYS awaited (re-exchange) */
struct expectation {
    int first, last;
    const char *client; /* we are a client */
    const char *server;
};

static const enum admission_state columns[] = {
    STATE_KEXINIT, STATE_KEX,  STATE_NEWKEYS, STATE_STRICT_KEX, STATE_STRICT_NEWKEYS,
    STATE_SERVICE, STATE_AUTH, STATE_OPEN,    STATE_REKEY,      STATE_REKEY_NEWKEYS,
};

/* clang-format off */
static const struct expectation expectations[] = {
    /*            KMN   mw   SAO   RW     KMN   mw   SAO   RW */
    { 0, 0,      "uuu" ".." "uuu" "uu", "uuu" ".." "uuu" "uu" },
    { 1, 1,      "aaa" "aa" "aaa" "aa", "aaa" "aa" "aaa" "aa" },  /* DISCONNECT */
    { 2, 4,      "aaa" ".." "aaa" "aa", "aaa" ".." "aaa" "aa" },  /* IGNORE, UNIMPLEMENTED, DEBUG */
    { 5, 5,      "..." ".." "..." "..", "..." ".." "ann" ".." },  /* SERVICE_REQUEST */
    { 6, 6,      "..." ".." "ann" "..", "..." ".." "..." ".." },  /* SERVICE_ACCEPT */
    { 7, 7,      "..." ".." "aa." "..", "..." ".." "a.." ".." },  /* EXT_INFO */
    { 8, 19,     "uuu" ".." "uuu" "uu", "uuu" ".." "uuu" "uu" },
    { 20, 20,    "a.." ".." "aaa" "..", "a.." ".." "aaa" ".." },  /* KEXINIT */
    { 21, 21,    "..a" ".a" "..." ".a", "..a" ".a" "..." ".a" },  /* NEWKEYS */
    { 22, 29,    "uuu" ".." "uuu" "uu", "uuu" ".." "uuu" "uu" },
    { 30, 49,    ".a." "a." "..." "a.", ".a." "a." "..." "a." },  /* key exchange methods */
    { 50, 50,    "..." ".." "..." "..", "..." ".." ".aa" ".." },  /* USERAUTH_REQUEST */
    { 51, 53,    "..." ".." ".a." "..", "..." ".." "..." ".." },  /* FAILURE, SUCCESS, BANNER */
    { 54, 59,    "uuu" ".." "uuu" "uu", "uuu" ".." "uuu" "uu" },
    { 60, 60,    "..." ".." ".a." "..", "..." ".." "..." ".." },  /* PK_OK, PASSWD_CHANGEREQ, INFO_REQUEST */
    { 61, 61,    "..." ".." "..." "..", "..." ".." ".a." ".." },  /* INFO_RESPONSE */
    { 62, 79,    "..." ".." "..." "..", "..." ".." "..." ".." },
    { 80, 82,    "..." ".." "..a" "..", "..." ".." "..a" ".." },  /* global requests */
    { 83, 89,    "..." ".." "..u" "..", "..." ".." "..u" ".." },
    { 90, 100,   "..." ".." "..a" "..", "..." ".." "..a" ".." },  /* channels */
    { 101, 127,  "..." ".." "..u" "..", "..." ".." "..u" ".." },
    { 128, 191,  "uuu" ".." "..u" "uu", "uuu" ".." "..u" "uu" },
    { 192, 193,  "..." ".." "dda" "..", "..." ".." "dda" ".." },  /* PING, PONG */
    { 194, 255,  "uuu" ".." "..u" "uu", "uuu" ".." "..u" "uu" },
};
/* clang-format on */

static char letter_of(enum admission admission)
{
    return "adun."[admission];
}

static void check_number(const struct expectation *expected, int number)
{
    for (size_t column = 0; column < COUNT(columns); column++)
        for (int server = 0; server < 2; server++) {
            char wanted = (server ? expected->server : expected->client)[column];
            char found = letter_of(admission_of((uint8_t)number, columns[column], server));
            if (wanted != found)
                fail_msg("number %d, column %zu, %s: expected %c, found %c", number, column,
                         server ? "server" : "client", wanted, found);
        }
}

static void test_every_number_in_every_state_and_role(void **state)
{
    (void)state;
    int next = 0;
    for (size_t i = 0; i < COUNT(expectations); i++) {
        assert_int_equal(expectations[i].first, next);
        for (; next <= expectations[i].last; next++)
            check_number(&expectations[i], next);
    }
    assert_int_equal(next, PAIR_NUMBERS);
}

static void test_no_packet_is_admitted_before_the_version(void **state)
{
    (void)state;
    for (int number = 0; number < PAIR_NUMBERS; number++)
        for (int server = 0; server < 2; server++)
            assert_int_equal(admission_of((uint8_t)number, STATE_VERSION, server), REFUSE);
}

/* ---- on running engines ---- */

static void never_begin(void *owner)
{
    (void)owner;
}

static void never_answer(void *owner, const struct auth_request *request)
{
    (void)owner, (void)request;
}

/* A pair that stands right behind NEWKEYS with the service accepted, and nobody logged in. */
static void start_without_login(struct pair *p)
{
    pair_init(p, PAIR_FAST);
    p->side[CLIENT].hooks.auth_ready = never_begin;
    pair_start(p);
    pair_run(p);
    assert_int_equal(p->side[SERVER].engine->auth.stage, AUTH_RUNNING);
}

/* RFC 4252 6: a server that has not let the client in acts on nothing of the connection
 * protocol. */
static void test_s1_server_refuses_connection_messages_before_login(void **state)
{
    (void)state;
    for (int number = 80; number < 128; number++) {
        struct pair p;
        uint8_t payload[] = "\0\0\0\0\7session\0\0\0\0\0\0\1\0\0\0\1";
        payload[0] = (uint8_t)number;
        start_without_login(&p);
        pair_send_raw(&p, CLIENT, payload, sizeof payload);
        pair_run(&p);
        assert_int_equal(pair_error(&p, SERVER), SSHIO_EPROTOCOL);
        assert_int_equal(p.side[SERVER].channels + p.side[SERVER].global_requests, 0);
        for (uint8_t answer = 80; answer < 128; answer++)
            assert_int_equal(pair_seen(&p, CLIENT, answer), 0);
        assert_int_equal(pair_seen(&p, CLIENT, MSG_DISCONNECT), 1);
        pair_done(&p);
    }
}

struct wrong_way {
    int from;
    uint8_t number;
};

static const struct wrong_way wrong_ways[] = {
    { CLIENT, 6 },  { CLIENT, 51 }, { CLIENT, 52 }, { CLIENT, 53 }, { CLIENT, 60 },
    { CLIENT, 31 }, { SERVER, 5 },  { SERVER, 50 }, { SERVER, 61 }, { SERVER, 30 },
};

static void test_s2_messages_from_the_wrong_side_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(wrong_ways); i++)
        for (int logged_in = 0; logged_in < 2; logged_in++) {
            struct pair p;
            if (logged_in) {
                pair_init(&p, PAIR_FAST);
                pair_start(&p);
                assert_true(pair_log_in(&p));
            } else {
                start_without_login(&p);
            }
            pair_send_raw(&p, wrong_ways[i].from, &wrong_ways[i].number, 1);
            pair_run(&p);
            assert_int_equal(pair_error(&p, 1 - wrong_ways[i].from), SSHIO_EPROTOCOL);
            pair_done(&p);
        }
}

/* The same inside the first exchange, strict and not. */
static void test_s2_method_messages_from_the_wrong_side_end(void **state)
{
    (void)state;
    static const struct wrong_way cases[] = { { CLIENT, 31 }, { CLIENT, 49 }, { SERVER, 30 }, { SERVER, 32 } };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pair p;
        struct injection injection = { cases[i].from, AFTER_KEXINIT, &cases[i].number, 1 };
        pair_init(&p, PAIR_FAST);
        injection_set(&p, p.kex_algs[0], &injection);
        pair_start(&p);
        pair_run(&p);
        assert_int_equal(pair_error(&p, 1 - cases[i].from), SSHIO_EPROTOCOL);
        pair_done(&p);
    }
}

static void test_s3_success_that_nobody_asked_for_ends(void **state)
{
    (void)state;
    static const uint8_t success = MSG_USERAUTH_SUCCESS;
    struct pair p;
    start_without_login(&p);
    pair_send_raw(&p, SERVER, &success, 1);
    pair_run(&p);
    assert_int_equal(pair_error(&p, CLIENT), SSHIO_EPROTOCOL);
    assert_int_equal(p.side[CLIENT].authenticated, 0);
    pair_done(&p);
}

/* SERVICE_ACCEPT and FAILURE in the clear: no user name leaves. */
static void test_s3_authentication_in_the_clear_ends(void **state)
{
    (void)state;
    static const uint8_t accept[] = { 6, 0, 0, 0, 12, 's', 's', 'h', '-', 'u', 's', 'e', 'r', 'a', 'u', 't', 'h' };
    static const uint8_t failure[] = { 51, 0, 0, 0, 0, 0 };
    const struct injection cases[] = {
        { SERVER, AFTER_KEXINIT, accept, sizeof accept },
        { SERVER, BEFORE_NEWKEYS, failure, sizeof failure },
        { SERVER, BEFORE_KEXINIT, accept, sizeof accept },
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        for (int strict = 0; strict < 2; strict++) {
            struct pair p;
            pair_init(&p, PAIR_FAST);
            injection_set(&p, p.kex_algs[0], &cases[i]);
            pair_start(&p);
            if (!strict)
                pair_without_markers(&p);
            pair_run(&p);
            assert_int_equal(pair_error(&p, CLIENT), SSHIO_EPROTOCOL);
            assert_int_equal(pair_seen(&p, SERVER, MSG_USERAUTH_REQUEST), 0);
            pair_done(&p);
        }
}

static void test_s9_messages_too_early_end(void **state)
{
    (void)state;
    static const uint8_t newkeys = MSG_NEWKEYS;
    static const uint8_t service[] = { 5, 0, 0, 0, 12, 's', 's', 'h', '-', 'u', 's', 'e', 'r', 'a', 'u', 't', 'h' };
    static const uint8_t kexinit = MSG_KEXINIT;
    const struct injection cases[] = {
        { CLIENT, AFTER_KEXINIT, &newkeys, 1 }, { CLIENT, BEFORE_NEWKEYS, service, sizeof service },
        { CLIENT, AFTER_KEXINIT, &kexinit, 1 }, { CLIENT, BEFORE_KEXINIT, &newkeys, 1 },
        { SERVER, AFTER_KEXINIT, &kexinit, 1 }, { SERVER, AFTER_KEXINIT, &newkeys, 1 },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pair p;
        pair_init(&p, PAIR_FAST);
        injection_set(&p, p.kex_algs[0], &cases[i]);
        pair_start(&p);
        pair_without_markers(&p);
        pair_run(&p);
        assert_int_equal(pair_error(&p, 1 - cases[i].from), SSHIO_EPROTOCOL);
        pair_done(&p);
    }
}

/* Sent by the client when it has its keys, and before it asks for the service. */
static void send_request_first(void *owner, bool first)
{
    static const uint8_t request[] = { 50, 0, 0, 0, 0 };
    struct pair_side *s = owner;
    assert_true(first);
    pair_send_raw(s->pair, CLIENT, request, sizeof request);
}

static void test_s9_user_request_without_the_service_ends(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, PAIR_FAST);
    p.side[CLIENT].hooks.keys_changed = send_request_first;
    pair_start(&p);
    pair_run(&p);
    assert_int_equal(pair_error(&p, SERVER), SSHIO_EPROTOCOL);
    assert_int_equal(p.side[SERVER].auth_requests, 0);
    assert_int_equal(pair_seen(&p, CLIENT, MSG_SERVICE_ACCEPT), 0);
    pair_done(&p);
}

/* RFC 4253 10: the service is asked for once. */
static void test_s9_second_service_request_is_not_available(void **state)
{
    (void)state;
    static const uint8_t service[] = { 5, 0, 0, 0, 12, 's', 's', 'h', '-', 'u', 's', 'e', 'r', 'a', 'u', 't', 'h' };
    struct pair p;
    start_without_login(&p);
    pair_send_raw(&p, CLIENT, service, sizeof service);
    pair_run(&p);
    assert_int_equal(pair_error(&p, SERVER), SSHIO_ESERVICE_NOT_AVAILABLE);
    assert_int_equal(pair_error(&p, CLIENT), SSHIO_ESERVICE_NOT_AVAILABLE);
    pair_done(&p);
}

/* RFC 4253 11.1 */
static void test_s12_nothing_is_read_or_sent_after_disconnect(void **state)
{
    (void)state;
    static const uint8_t disconnect[] = { 1, 0, 0, 0, 11, 0, 0, 0, 3, 'b', 'y', 'e', 0, 0, 0, 0 };
    static const uint8_t unknown = 180;
    struct pair p;
    pair_init(&p, PAIR_FAST);
    pair_start(&p);
    assert_true(pair_log_in(&p));
    pair_send_raw(&p, CLIENT, disconnect, sizeof disconnect);
    pair_send_raw(&p, CLIENT, &unknown, 1);
    size_t before = p.side[CLIENT].order_len;
    pair_run(&p);
    assert_int_equal(p.side[SERVER].ended, 1);
    assert_int_equal(pair_error(&p, SERVER), 0);
    assert_int_equal(p.side[CLIENT].order_len, before);
    engine_send_ignore(p.side[SERVER].engine, 10);
    engine_disconnect(p.side[SERVER].engine, 11, "again", "");
    assert_int_equal(engine_unsent(p.side[SERVER].engine), 0);
    assert_int_equal(p.side[SERVER].ended, 1);
    pair_done(&p);
}

/* Before login even "by application" is a refusal. */
static void test_disconnect_before_login_is_an_error(void **state)
{
    (void)state;
    struct pair p;
    start_without_login(&p);
    engine_disconnect(p.side[SERVER].engine, 11, "not \x1b[2Jtoday", "en");
    pair_run(&p);
    assert_int_equal(pair_error(&p, SERVER), 0);
    assert_int_equal(pair_error(&p, CLIENT), SSHIO_EDISCONNECT);
    assert_int_equal(p.side[CLIENT].error.pub.reason, 11);
    assert_null(strchr(pair_message(&p, CLIENT), '\x1b'));
    assert_string_equal(p.side[CLIENT].error.pub.lang, "en");
    pair_done(&p);
}

/* RFC 4253 11.4: the number of the packet that was not understood, in order, and no other
 * effect. */
static void test_s13_unknown_numbers_get_unimplemented(void **state)
{
    (void)state;
    static const uint8_t numbers[] = { 180, 8, 255, 83 };
    struct pair p;
    pair_init(&p, PAIR_FAST);
    pair_start(&p);
    assert_true(pair_log_in(&p));
    for (size_t i = 0; i < COUNT(numbers); i++) {
        uint32_t seq = p.side[CLIENT].engine->transport.send.seq;
        pair_send_raw(&p, CLIENT, &numbers[i], 1);
        pair_run(&p);
        struct reader r = pair_last(&p, CLIENT, MSG_UNIMPLEMENTED);
        assert_int_equal(pair_seen(&p, CLIENT, MSG_UNIMPLEMENTED), i + 1);
        assert_int_equal(read_u32(&r), seq);
    }
    assert_int_equal(p.side[SERVER].ended, 0);
    pair_done(&p);
}

static void test_ping_is_dropped_before_login_and_answered_after(void **state)
{
    (void)state;
    static const uint8_t ping[] = { 192, 0, 0, 0, 2, 'h', 'i' };
    struct pair p;
    start_without_login(&p);
    pair_send_raw(&p, CLIENT, ping, sizeof ping);
    pair_run(&p);
    assert_int_equal(pair_seen(&p, CLIENT, MSG_PONG), 0);
    assert_int_equal(p.side[SERVER].ended, 0);
    engine_auth_none(p.side[CLIENT].engine, "guest");
    assert_true(pair_log_in(&p));
    pair_send_raw(&p, CLIENT, ping, sizeof ping);
    pair_run(&p);
    struct reader r = pair_last(&p, CLIENT, MSG_PONG);
    assert_true(span_is(read_string(&r), "hi"));
    pair_done(&p);
}

/* A peer that asks and does not read is answered up to 16 KiB. */
static void test_unread_pongs_are_bounded(void **state)
{
    (void)state;
    uint8_t ping[1005] = { 192, 0, 0, 3, 0xe8 };
    struct pair p;
    pair_init(&p, PAIR_FAST);
    pair_start(&p);
    assert_true(pair_log_in(&p));
    for (int i = 0; i < 200; i++)
        pair_send_raw(&p, CLIENT, ping, sizeof ping);
    uint8_t *inbox = p.side[SERVER].inbox;
    assert_int_equal(engine_receive(p.side[SERVER].engine, inbox, p.side[SERVER].inbox_len, p.now_ms),
                     p.side[SERVER].inbox_len);
    p.side[SERVER].inbox_len = 0;
    assert_in_range(engine_unsent(p.side[SERVER].engine), 8 * 1024, 20 * 1024);
    pair_done(&p);
}

/* Between question and verdict nothing is consumed. */
static void test_input_waits_for_the_verdict_of_a_request(void **state)
{
    (void)state;
    static const uint8_t unknown = 8;
    struct pair p;
    pair_init(&p, PAIR_FAST);
    p.side[SERVER].hooks.auth_requested = never_answer;
    pair_start(&p);
    pair_run(&p);
    assert_true(engine_waiting(p.side[SERVER].engine));
    pair_send_raw(&p, CLIENT, &unknown, 1);
    pair_run(&p);
    assert_int_equal(pair_seen(&p, CLIENT, MSG_UNIMPLEMENTED), 0);
    engine_auth_accept(p.side[SERVER].engine);
    assert_true(pair_log_in(&p));
    assert_int_equal(pair_seen(&p, CLIENT, MSG_UNIMPLEMENTED), 1);
    pair_done(&p);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_number_in_every_state_and_role),
        cmocka_unit_test(test_no_packet_is_admitted_before_the_version),
        cmocka_unit_test(test_s1_server_refuses_connection_messages_before_login),
        cmocka_unit_test(test_s2_messages_from_the_wrong_side_end),
        cmocka_unit_test(test_s2_method_messages_from_the_wrong_side_end),
        cmocka_unit_test(test_s3_success_that_nobody_asked_for_ends),
        cmocka_unit_test(test_s3_authentication_in_the_clear_ends),
        cmocka_unit_test(test_s9_messages_too_early_end),
        cmocka_unit_test(test_s9_user_request_without_the_service_ends),
        cmocka_unit_test(test_s9_second_service_request_is_not_available),
        cmocka_unit_test(test_s12_nothing_is_read_or_sent_after_disconnect),
        cmocka_unit_test(test_disconnect_before_login_is_an_error),
        cmocka_unit_test(test_s13_unknown_numbers_get_unimplemented),
        cmocka_unit_test(test_ping_is_dropped_before_login_and_answered_after),
        cmocka_unit_test(test_unread_pongs_are_bounded),
        cmocka_unit_test(test_input_waits_for_the_verdict_of_a_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
