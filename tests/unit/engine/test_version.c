/* Version lines (RFC 4253 section 4.2, P10). */
#include "engine/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "engine/pair.h"
#include "engine/version.h"

struct line_case {
    const char *what;
    const char *bytes;
    size_t len;
    bool server; /* our role */
    enum version_result result;
    int code; /* of a bad one */
};

#define LINE(text) text, sizeof(text) - 1

static const struct line_case line_cases[] = {
    { "nothing", LINE(""), false, VERSION_PARTIAL, 0 },
    { "the start", LINE("SSH-2.0-x"), true, VERSION_PARTIAL, 0 },
    { "plain", LINE("SSH-2.0-x\r\n"), true, VERSION_FOUND, 0 },
    { "without CR", LINE("SSH-2.0-x\n"), true, VERSION_FOUND, 0 },
    { "compatible", LINE("SSH-1.99-x comment\r\n"), false, VERSION_FOUND, 0 },
    { "not ASCII", LINE("SSH-2.0-\xc3\xa4\r\n"), false, VERSION_FOUND, 0 },
    { "version 1", LINE("SSH-1.5-x\r\n"), false, VERSION_BAD, SSHIO_EPROTOCOL_NOT_SUPPORTED },
    { "version 3", LINE("SSH-3.0-x\r\n"), true, VERSION_BAD, SSHIO_EPROTOCOL_NOT_SUPPORTED },
    { "text to a client", LINE("hello\r\n"), false, VERSION_TEXT, 0 },
    { "empty line to a client", LINE("\n"), false, VERSION_TEXT, 0 },
    { "text to a server", LINE("GET / HTTP/1.1\r\n"), true, VERSION_BAD, SSHIO_EPROTOCOL_NOT_SUPPORTED },
    { "start of text to a server", LINE("G"), true, VERSION_BAD, SSHIO_EPROTOCOL_NOT_SUPPORTED },
    { "NUL", LINE("SSH-2.0-x\0y\r\n"), false, VERSION_BAD, SSHIO_EPROTOCOL },
    { "NUL in text", LINE("a\0b\r\n"), false, VERSION_BAD, SSHIO_EPROTOCOL },
    { "CR inside", LINE("SSH-2.0-x\ry\r\n"), false, VERSION_BAD, SSHIO_EPROTOCOL },
    { "two CR", LINE("SSH-2.0-x\r\r\n"), false, VERSION_BAD, SSHIO_EPROTOCOL },
    { "two lines", LINE("SSH-2.0-x\nSSH-2.0-y\n"), false, VERSION_FOUND, 0 },
};

static void test_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(line_cases); i++) {
        const struct line_case *c = &line_cases[i];
        struct version_line line = { .used = 0 };
        struct error error;
        error_init(&error);
        enum version_result result = version_read(SPAN(c->bytes, c->len), c->server, &limits_default, &line, &error);
        if (result != c->result || error_code(&error) != c->code)
            fail_msg("%s: result %d, %s", c->what, result, error_message(&error));
        if (result == VERSION_FOUND)
            assert_int_equal(c->bytes[line.used - 1], '\n');
        error_clear(&error);
    }
}

/* The line has 255 bytes at most, without its end. */
static void test_p10_identification_of_256_bytes_is_refused(void **state)
{
    (void)state;
    for (size_t len = 254; len <= 258; len++)
        for (int ended = 0; ended < 2; ended++) {
            char text[300] = "SSH-2.0-";
            struct version_line line;
            struct error error;
            error_init(&error);
            memset(text + 8, 'x', len - 8);
            if (ended)
                memcpy(text + len, "\r\n", 2);
            enum version_result result = version_read(SPAN(text, ended ? len + 2 : len), true, &limits_default, &line,
                                                      &error);
            if (ended)
                assert_int_equal(result, len <= 255 ? VERSION_FOUND : VERSION_BAD);
            else
                assert_int_equal(result, len < 257 ? VERSION_PARTIAL : VERSION_BAD);
            error_clear(&error);
        }
}

static void feed(struct pair *p, const char *text)
{
    p->side[CLIENT].inbox_len = 0;
    pair_put_raw(p, CLIENT, text, strlen(text));
    engine_receive(p->side[CLIENT].engine, p->side[CLIENT].inbox, p->side[CLIENT].inbox_len, p->now_ms);
}

static void test_p10_lines_before_the_version_are_bounded(void **state)
{
    (void)state;
    for (int more = 0; more < 2; more++) {
        struct pair p;
        pair_init(&p, PAIR_FAST);
        pair_start(&p);
        for (uint32_t i = 0; i < limits_default.version_lines; i++)
            feed(&p, "welcome\r\n");
        assert_int_equal(p.side[CLIENT].ended, 0);
        feed(&p, more ? "welcome\r\n" : "SSH-2.0-x\r\n");
        assert_int_equal(p.side[CLIENT].ended, more);
        assert_int_equal(p.side[CLIENT].versions, 1 - more);
        pair_done(&p);
    }
}

static void test_p10_endless_line_is_refused(void **state)
{
    (void)state;
    struct pair p;
    char *text = malloc(9000);
    memset(text, 'x', 8999);
    text[8999] = '\0';
    pair_init(&p, PAIR_FAST);
    pair_start(&p);
    feed(&p, text);
    assert_int_equal(pair_error(&p, CLIENT), SSHIO_EPROTOCOL);
    pair_done(&p);
    free(text);
}

/* No DISCONNECT before both know that they speak the same protocol. */
static void test_errors_here_send_no_disconnect(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, PAIR_FAST);
    pair_start(&p);
    struct span out = engine_output(p.side[CLIENT].engine, p.now_ms);
    assert_true(span_is(out, "SSH-2.0-client_1.0\r\n"));
    engine_sent(p.side[CLIENT].engine, out.len);
    feed(&p, "SSH-1.5-old\r\n");
    assert_int_equal(pair_error(&p, CLIENT), SSHIO_EPROTOCOL_NOT_SUPPORTED);
    assert_int_equal(engine_output(p.side[CLIENT].engine, p.now_ms).len, 0);
    pair_done(&p);
}

static void test_versions_are_known_as_they_were_sent(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, PAIR_FAST);
    p.random = 3;
    pair_start(&p);
    assert_string_equal(engine_peer_version(p.side[CLIENT].engine), "");
    pair_run(&p);
    assert_string_equal(engine_peer_version(p.side[CLIENT].engine), "SSH-2.0-server_1.0");
    assert_string_equal(engine_own_version(p.side[CLIENT].engine), "SSH-2.0-client_1.0");
    assert_int_equal(p.side[CLIENT].versions, 1);
    pair_done(&p);
}

/* Whatever the peer does or does not do, the time to log in is limited; nothing is said to it
 * then. */
static void test_login_timeout_ends_without_disconnect(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, PAIR_FAST);
    p.cut[SERVER] = true;
    pair_start(&p);
    pair_run(&p);
    size_t unsent = engine_unsent(p.side[CLIENT].engine);
    pair_advance(&p, limits_default.login_ms - 1);
    assert_int_equal(p.side[CLIENT].ended, 0);
    pair_advance(&p, 1);
    assert_int_equal(p.side[CLIENT].ended, 1);
    assert_int_equal(pair_error(&p, CLIENT), SSHIO_ECONNECTION_LOST);
    assert_string_equal(pair_message(&p, CLIENT), "Login timeout expired");
    assert_int_equal(engine_unsent(p.side[CLIENT].engine), unsent);
    pair_done(&p);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_p10_identification_of_256_bytes_is_refused),
        cmocka_unit_test(test_p10_lines_before_the_version_are_bounded),
        cmocka_unit_test(test_p10_endless_line_is_refused),
        cmocka_unit_test(test_errors_here_send_no_disconnect),
        cmocka_unit_test(test_versions_are_known_as_they_were_sent),
        cmocka_unit_test(test_login_timeout_ends_without_disconnect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
