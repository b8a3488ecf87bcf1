/* SFTP packets in the log (spec 5.2.3). */
#include "unit.h"

#include <stdio.h>

#include <sshio/base.h>

#include "base/log.h"
#include "sftp/message_log.h"

static char lines[4][512];
static unsigned count;

static void note(sshio_log_level level, const char *logger, const char *context, const char *text, void *user)
{
    (void)level, (void)logger, (void)context, (void)user;
    assert_true(count < COUNT(lines));
    snprintf(lines[count++], sizeof lines[0], "%s", text);
}

static int set_up(void **state)
{
    (void)state;
    sshio_set_log_handler(note, NULL);
    sshio_set_log_level(SSHIO_LOG_DEBUG);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sshio_set_log_handler(NULL, NULL);
    sshio_set_log_level(SSHIO_LOG_NOTSET);
    sshio_set_debug_level(1);
    return 0;
}

/* packet: from the type on */
#define PACKET(text)                                                                                                   \
    {                                                                                                                  \
        (const uint8_t *)(text), sizeof(text) - 1                                                                      \
    }

static const struct {
    int version;
    struct span packet;
    const char *line;
} packets[] = {
    { 3, PACKET("\x01\0\0\0\x03"), "Received FXP_INIT, version 3" },
    { 3,
      PACKET("\x03\0\0\0\x07\0\0\0\x03"
             "a\nb"
             "\0\0\0\x1a\0\0\0\0"),
      "Received FXP_OPEN, id 7, path \"a\\x0ab\", flags 0x1a" },
    { 5,
      PACKET("\x03\0\0\0\x07\0\0\0\x01"
             "a"
             "\0\0\0\x01\0\0\0\x02\0\0\0\0\x01"),
      "Received FXP_OPEN, id 7, path \"a\", access 0x1, flags 0x2" },
    { 3,
      PACKET("\x05\0\0\0\x08\0\0\0\x02\x01\xff"
             "\0\0\0\x01\0\0\0\0\0\0\x80\0"),
      "Received FXP_READ, id 8, handle 01ff, offset 4294967296, length 32768" },
    { 3,
      PACKET("\x06\0\0\0\x09\0\0\0\x01\x01"
             "\0\0\0\0\0\0\0\x05"
             "\0\0\0\x03xyz"),
      "Received FXP_WRITE, id 9, handle 01, offset 5, data 3 bytes" },
    { 3, PACKET("\x12\0\0\0\x01\0\0\0\x01x\0\0\0\x01y"), "Received FXP_RENAME, id 1, old \"x\", new \"y\"" },
    { 3, PACKET("\x65\0\0\0\x01\0\0\0\x02\0\0\0\x04gone\0\0\0\0"),
      "Received FXP_STATUS, id 1, code 2, message \"gone\"" },
    { 3,
      PACKET("\x66\0\0\0\x01\0\0\0\x14"
             "aaaaaaaaaaaaaaaaaaaa"),
      "Received FXP_HANDLE, id 1, handle 61616161616161616161616161616161..." },
    { 3,
      PACKET("\xc8\0\0\0\x01\0\0\0\x09"
             "copy-data"
             "\0\0"),
      "Received FXP_EXTENDED, id 1, request \"copy-data\"" },
    /* cut short, and of no known type */
    { 3, PACKET("\x05\0\0\0\x08\0\0\0\x09\x01"), "Received FXP_READ, id 8, handle " },
    { 3, PACKET("\x05\0"), "Received FXP_READ, handle " },
    { 3, PACKET("\x63\0\0\0\x01rest"), "Received unknown, id 1" },
};

static void test_each_packet_is_a_line_with_its_fields(void **state)
{
    (void)state;
    sshio_set_debug_level(1);
    for (size_t i = 0; i < COUNT(packets); i++) {
        count = 0;
        message_log(log_base(), false, packets[i].version, packets[i].packet, SPAN(NULL, 0));
        assert_int_equal(count, 1);
        assert_string_equal(lines[0], packets[i].line);
    }
}

/* What is in files stands in the log at level 3 only. */
static void test_levels(void **state)
{
    const struct span head = PACKET("\x06\0\0\0\x09\0\0\0\x01\x01\0\0\0\0\0\0\0\0\0\0\0\x05"), data = PACKET("12345");
    (void)state;
    for (int level = 1; level <= 3; level++) {
        count = 0;
        sshio_set_debug_level(level);
        message_log(log_base(), true, 3, head, data);
        assert_true(count == (level < 3 ? 1u : 4u));
        assert_true((strstr(lines[0], "27 bytes") != NULL) == (level >= 2));
        assert_non_null(strstr(lines[0], "Sent FXP_WRITE, id 9, handle 01, offset 0, data 5 bytes"));
    }
    assert_non_null(strstr(lines[3], "12345"));
    count = 0;
    sshio_set_log_level(SSHIO_LOG_INFO);
    message_log(log_base(), true, 3, head, data);
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_packet_is_a_line_with_its_fields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_levels, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
