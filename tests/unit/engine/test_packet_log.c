/* Debug level 3: every packet with its name, number and length, and what is in it, but no secret of the user's. */
#include "engine/unit.h"

#include <stdio.h>

#include "engine/pair.h"

#define SECRET "hush, not a word"

static char lines[256 * 1024]; /* of the log */
static char shown[64 * 1024];  /* what dumps show as characters */

static void append(char *to, size_t size, const char *text)
{
    size_t len = strlen(to);
    assert_true(len + strlen(text) + 2 < size);
    snprintf(to + len, size - len, "%s", text);
}

static void record(sshio_log_level level, const char *logger, const char *context, const char *text, void *user)
{
    static const size_t column = 61; /* of the characters */
    (void)level, (void)logger, (void)context, (void)user;
    append(lines, sizeof lines, text);
    append(lines, sizeof lines, "\n");
    if (strncmp(text, "  0000", 6) == 0 && strlen(text) > column)
        append(shown, sizeof shown, text + column);
}

static int listen_to_log(void **state)
{
    (void)state;
    lines[0] = shown[0] = '\0';
    sshio_set_log_handler(record, NULL);
    log_set_level(SSHIO_LOG_DEBUG);
    log_set_debug_level(3);
    return 0;
}

static int reset_log(void **state)
{
    (void)state;
    sshio_set_log_handler(NULL, NULL);
    log_set_level(SSHIO_LOG_NOTSET);
    log_set_debug_level(1);
    return 0;
}

/* ---- a login by answers that are refused, a password that is to be changed, and the new one ---- */

static void begin(void *owner)
{
    struct pair_side *s = owner;
    engine_auth_kbdint(s->engine, "guest", "");
}

static void answer(void *owner, const struct auth_challenge *challenge)
{
    static const char *const responses[] = { SECRET };
    struct pair_side *s = owner;
    engine_auth_respond(s->engine, responses, challenge->count);
}

static void go_on(void *owner, struct span methods, bool partial_success)
{
    struct pair_side *s = owner;
    (void)methods, (void)partial_success;
    engine_auth_password(s->engine, "guest", SECRET);
}

static void change(void *owner, struct span prompt, struct span lang)
{
    struct pair_side *s = owner;
    (void)prompt, (void)lang;
    engine_auth_password_new(s->engine, "guest", SECRET, SECRET SECRET);
}

static void judge(void *owner, const struct auth_request *request)
{
    static const sshio_prompt prompt = { .text = "tell me" };
    struct pair_side *s = owner;
    if (request->method == AUTH_KBDINT && !request->is_response)
        engine_auth_challenge(s->engine, "", "", "", &prompt, 1);
    else if (request->method == AUTH_KBDINT)
        engine_auth_refuse(s->engine, "password", false);
    else if (!request->password_change)
        engine_auth_change_password(s->engine, "too old", "");
    else
        engine_auth_accept(s->engine);
}

static void log_in(struct pair *p)
{
    pair_init(p, PAIR_FAST);
    p->side[CLIENT].hooks.auth_ready = begin;
    p->side[CLIENT].hooks.auth_failed = go_on;
    p->side[CLIENT].hooks.auth_password_change = change;
    p->side[SERVER].hooks.auth_requested = judge;
    p->side[CLIENT].hooks.auth_challenged = answer;
    pair_start(p);
    assert_true(pair_log_in(p));
}

static void test_each_packet_is_named_and_shown(void **state)
{
    static const char *const expected[] = {
        "Sent MSG_KEXINIT (20), ",
        "Received MSG_KEXINIT (20), ",
        "Sent MSG_NEWKEYS (21), 1 byte(s)\n  00000000: 15 ",
        "Received MSG_SERVICE_REQUEST (5), 17 byte(s)\n  00000000: 05 00 00 00 0c 73 73 68 2d 75 73 65 72 61 75 74  "
        ".....ssh-useraut\n  00000010: 68 ",
        "Sent MSG_USERAUTH_REQUEST (50), ",
        "Received MSG_USERAUTH_SUCCESS (52), 1 byte(s)\n  00000000: 34 ",
        "Sent MSG_DISCONNECT (1), ",
        "Received MSG_DISCONNECT (1), ",
    };
    static struct pair p;
    (void)state;
    log_in(&p);
    engine_disconnect(p.side[CLIENT].engine, 11, "bye", "");
    pair_run(&p);
    pair_done(&p);
    for (size_t i = 0; i < COUNT(expected); i++)
        if (strstr(lines, expected[i]) == NULL)
            fail_msg("no \"%s\" in:\n%s", expected[i], lines);
    assert_non_null(strstr(shown, "ssh-connection"));
}

static void test_no_secret_is_shown(void **state)
{
    static struct pair p;
    (void)state;
    log_in(&p);
    pair_done(&p);
    assert_null(strstr(lines, SECRET));
    assert_null(strstr(shown, "hush"));
    assert_null(strstr(shown, "a word"));
    assert_non_null(strstr(shown, "password"));
    assert_non_null(strstr(lines, "more, which may hold a secret"));
}

/* Data of a channel is in two pieces, which are shown as the one message that they are. */
static void test_channel_data_is_shown_whole(void **state)
{
    static struct pair p;
    (void)state;
    pair_init(&p, PAIR_FAST);
    pair_start(&p);
    assert_true(pair_log_in(&p));
    lines[0] = '\0';
    engine_enter(p.side[CLIENT].engine);
    engine_send_data(p.side[CLIENT].engine, (const uint8_t *)"\x5e\0\0\0\7\0\0\0\2", 9, (const uint8_t *)"hi", 2);
    engine_leave(p.side[CLIENT].engine);
    assert_string_equal(lines, "Sent MSG_CHANNEL_DATA (94), 11 byte(s)\n"
                               "  00000000: 5e 00 00 00 07 00 00 00 02 68 69                 ^........hi\n");
    pair_done(&p);
}

static void test_nothing_is_shown_below_level_3(void **state)
{
    static struct pair p;
    (void)state;
    log_set_debug_level(2);
    log_in(&p);
    pair_done(&p);
    assert_string_equal(shown, "");
    assert_null(strstr(lines, "Received MSG_"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, listen_to_log, reset_log)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_packet_is_named_and_shown),
        TEST(test_no_secret_is_shown),
        TEST(test_channel_data_is_shown_whole),
        TEST(test_nothing_is_shown_below_level_3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
