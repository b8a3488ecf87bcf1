/* What a DISCONNECT of the peer's means (RFC 4253 section 11.1): the error of each reason, before and after the login,
 * on both sides. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <sshio/constants.h>

#include "engine/raw_peer.h"

static const struct {
    uint32_t reason;
    int code;
} rows[] = {
    { SSHIO_DISC_HOST_NOT_ALLOWED_TO_CONNECT, SSHIO_EDISCONNECT },
    { SSHIO_DISC_PROTOCOL_ERROR, SSHIO_EPROTOCOL },
    { SSHIO_DISC_KEY_EXCHANGE_FAILED, SSHIO_EKEY_EXCHANGE_FAILED },
    { SSHIO_DISC_RESERVED, SSHIO_EDISCONNECT },
    { SSHIO_DISC_MAC_ERROR, SSHIO_EMAC },
    { SSHIO_DISC_COMPRESSION_ERROR, SSHIO_ECOMPRESSION },
    { SSHIO_DISC_SERVICE_NOT_AVAILABLE, SSHIO_ESERVICE_NOT_AVAILABLE },
    { SSHIO_DISC_PROTOCOL_VERSION_NOT_SUPPORTED, SSHIO_EPROTOCOL_NOT_SUPPORTED },
    { SSHIO_DISC_HOST_KEY_NOT_VERIFIABLE, SSHIO_EHOST_KEY_NOT_VERIFIABLE },
    { SSHIO_DISC_CONNECTION_LOST, SSHIO_ECONNECTION_LOST },
    { SSHIO_DISC_BY_APPLICATION, SSHIO_EDISCONNECT }, /* after the login it is a clean end */
    { SSHIO_DISC_TOO_MANY_CONNECTIONS, SSHIO_EDISCONNECT },
    { SSHIO_DISC_AUTH_CANCELLED_BY_USER, SSHIO_EDISCONNECT },
    { SSHIO_DISC_NO_MORE_AUTH_METHODS_AVAILABLE, SSHIO_EPERMISSION_DENIED },
    { SSHIO_DISC_ILLEGAL_USER_NAME, SSHIO_EILLEGAL_USER_NAME },
    { 0, SSHIO_EDISCONNECT },
    { 16, SSHIO_EDISCONNECT },
    { 99, SSHIO_EDISCONNECT },
    { UINT32_MAX, SSHIO_EDISCONNECT },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct raw raw;

/* The peer hangs up at this stage; nothing may be answered. */
static const struct error *hang_up(bool server, enum auth_stage stage, uint32_t reason)
{
    raw_init(&raw, server, stage);
    raw_send(&raw, 1, "uss", reason, "that was all", "en");
    assert_true(engine_ended(raw.e));
    raw_expect_nothing(&raw);
    return &raw.e->error;
}

static void check(bool server, enum auth_stage stage, uint32_t reason, int code)
{
    const struct error *error = hang_up(server, stage, reason);
    if (error_code(error) != code || error->pub.reason != reason)
        fail_msg("reason %" PRIu32 ": error %d with reason %" PRIu32 " instead of %d", reason, error_code(error),
                 error->pub.reason, code);
    assert_string_equal(error_message(error), "that was all");
    assert_string_equal(error->pub.lang, "en");
    raw_done(&raw);
}

static void check_clean(bool server)
{
    assert_int_equal(error_code(hang_up(server, AUTH_DONE, SSHIO_DISC_BY_APPLICATION)), 0);
    raw_expect_events(&raw, "ended 0\n");
    raw_done(&raw);
}

static void test_each_reason_is_an_error_before_the_login(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        for (int server = 0; server < 2; server++)
            check(server != 0, AUTH_RUNNING, rows[i].reason, rows[i].code);
}

static void test_each_reason_but_by_application_is_an_error_after_the_login(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        for (int server = 0; server < 2; server++)
            if (rows[i].reason == SSHIO_DISC_BY_APPLICATION)
                check_clean(server != 0);
            else
                check(server != 0, AUTH_DONE, rows[i].reason, rows[i].code);
}

/* What was being opened, and what is open, hears of it. */
static void test_channels_end_with_the_same_error(void **state)
{
    (void)state;
    raw_init(&raw, false, AUTH_DONE);
    raw_open(&raw, 1000, 1000);
    raw_send(&raw, 1, "uss", (uint32_t)SSHIO_DISC_TOO_MANY_CONNECTIONS, "enough", "");
    char lines[64];
    snprintf(lines, sizeof lines, "closed %d\nended %d\n", SSHIO_EDISCONNECT, SSHIO_EDISCONNECT);
    raw_expect_events(&raw, lines);
    raw_done(&raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_reason_is_an_error_before_the_login),
        cmocka_unit_test(test_each_reason_but_by_application_is_an_error_after_the_login),
        cmocka_unit_test(test_channels_end_with_the_same_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
