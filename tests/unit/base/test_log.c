/* Loggers, levels, and peer text made harmless (rule P9). */
#include "unit.h"

#include <stdio.h>

#include "base/log.h"
#include "base/memory.h"

static struct {
    int count;
    sshio_log_level level;
    char logger[64], context[160], text[1024];
} seen;

static void record(sshio_log_level level, const char *logger, const char *context, const char *text, void *user)
{
    assert_ptr_equal(user, &seen);
    seen.count++;
    seen.level = level;
    snprintf(seen.logger, sizeof seen.logger, "%s", logger);
    snprintf(seen.context, sizeof seen.context, "%s", context);
    snprintf(seen.text, sizeof seen.text, "%s", text);
}

static int listen_to_log(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof seen);
    sshio_set_log_handler(record, &seen);
    log_set_level(SSHIO_LOG_DEBUG);
    return 0;
}

static int reset_log(void **state)
{
    (void)state;
    sshio_set_log_handler(NULL, NULL);
    log_set_level(SSHIO_LOG_NOTSET);
    log_set_sftp_level(SSHIO_LOG_NOTSET);
    log_set_debug_level(1);
    return 0;
}

static void test_the_level_decides_and_is_warning_by_default(void **state)
{
    (void)state;
    static const struct {
        int level;
        const char *enabled;
    } rows[] = {
        /* of debug, info, warning, error, critical */
        { SSHIO_LOG_NOTSET, "00111" }, { SSHIO_LOG_DEBUG, "11111" },    { SSHIO_LOG_INFO, "01111" },
        { SSHIO_LOG_ERROR, "00011" },  { SSHIO_LOG_CRITICAL, "00001" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_true(log_set_level(rows[i].level));
        for (int k = 0; k < 5; k++)
            assert_int_equal(log_enabled(log_base(), (sshio_log_level)(10 * (k + 1)), 1), rows[i].enabled[k] == '1');
    }
}

static void test_levels_out_of_range_are_refused(void **state)
{
    (void)state;
    assert_false(log_set_level(-1));
    assert_false(log_set_level(51));
    assert_false(log_set_sftp_level(-10));
    assert_false(log_set_debug_level(0));
    assert_false(log_set_debug_level(4));
    assert_true(log_enabled(NULL, SSHIO_LOG_DEBUG, 1));
}

static void test_the_debug_level_counts_within_debug_only(void **state)
{
    (void)state;
    for (int debug_level = 1; debug_level <= 3; debug_level++) {
        log_set_debug_level(debug_level);
        for (int asked = 1; asked <= 3; asked++)
            assert_int_equal(log_enabled(NULL, SSHIO_LOG_DEBUG, asked), asked <= debug_level);
    }
    log_set_debug_level(1);
    assert_true(log_enabled(NULL, SSHIO_LOG_INFO, 3));
    log_set_level(SSHIO_LOG_INFO);
    log_set_debug_level(3);
    assert_false(log_enabled(NULL, SSHIO_LOG_DEBUG, 1));
}

static void test_the_sftp_logger_has_a_level_of_its_own(void **state)
{
    (void)state;
    sshio_logger *sftp = sshio_get_sftp_logger(), *child = logger_new(sshio_get_logger(), "sftp", "conn=1");
    log_set_level(SSHIO_LOG_ERROR);
    assert_false(log_enabled(sftp, SSHIO_LOG_INFO, 1));
    log_set_sftp_level(SSHIO_LOG_DEBUG);
    assert_true(log_enabled(sftp, SSHIO_LOG_INFO, 1));
    assert_true(log_enabled(child, SSHIO_LOG_INFO, 1));
    assert_false(log_enabled(log_base(), SSHIO_LOG_INFO, 1));
    logger_unref(child);
}

static void test_messages_reach_the_handler_with_level_name_and_text(void **state)
{
    (void)state;
    log_error(NULL, "code %d", 7);
    assert_int_equal(seen.level, SSHIO_LOG_ERROR);
    assert_string_equal(seen.logger, "sshio");
    assert_string_equal(seen.context, "");
    assert_string_equal(seen.text, "code 7");
    log_warning(NULL, "w");
    assert_int_equal(seen.level, SSHIO_LOG_WARNING);
    log_info(NULL, "i");
    assert_int_equal(seen.level, SSHIO_LOG_INFO);
    log_debug(NULL, 1, "d");
    assert_int_equal(seen.level, SSHIO_LOG_DEBUG);
    log_debug(NULL, 2, "not wanted");
    assert_string_equal(seen.text, "d");
    sshio_log(sshio_get_sftp_logger(), SSHIO_LOG_CRITICAL, "c");
    assert_string_equal(seen.logger, "sshio.sftp");
    sshio_log_debug(NULL, 1, "x");
    assert_int_equal(seen.count, 6);
}

static void test_long_messages_arrive_whole_or_cut_when_out_of_memory(void **state)
{
    (void)state;
    char text[600];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (size_t len = 250; len < 260; len++) {
        log_info(NULL, "%.*s", (int)len, text);
        assert_int_equal(strlen(seen.text), len);
    }
    mem_fail_at(1);
    log_info(NULL, "%s", text);
    mem_fail_at(0);
    assert_int_equal(strlen(seen.text), 255);
}

static void test_children_inherit_name_and_context(void **state)
{
    (void)state;
    static const struct {
        const char *name, *context, *full_name, *full_context;
    } rows[] = {
        { NULL, NULL, "sshio.demo", "conn=3" },
        { "", "", "sshio.demo", "conn=3" },
        { "x", "chan=0", "sshio.demo.x", "conn=3, chan=0" },
        { NULL, "chan=1", "sshio.demo", "conn=3, chan=1" },
    };
    sshio_logger *conn = logger_new(NULL, "demo", "conn=%d", 3);
    for (size_t i = 0; i < COUNT(rows); i++) {
        sshio_logger *child = logger_child(conn, rows[i].name, rows[i].context);
        log_info(child, "hello");
        assert_string_equal(seen.logger, rows[i].full_name);
        assert_string_equal(seen.context, rows[i].full_context);
        sshio_logger_unref(child);
    }
    logger_unref(conn);
}

static void test_references_keep_a_logger(void **state)
{
    (void)state;
    sshio_logger *logger = logger_new(NULL, NULL, NULL);
    assert_ptr_equal(logger_ref(logger), logger);
    logger_unref(logger);
    log_info(logger, "still here");
    logger_unref(logger);
    logger_unref(NULL);
    logger_unref(logger_ref(log_base()));
    log_info(log_base(), "as ever");
    assert_null(logger_ref(NULL));
}

static void test_a_logger_out_of_memory_is_null(void **state)
{
    (void)state;
    for (unsigned nth = 1; nth <= 3; nth++) {
        mem_fail_at(nth);
        assert_null(logger_new(NULL, "x", "y"));
    }
    mem_fail_at(0);
}

static void test_dump_shows_offset_hex_and_ascii(void **state)
{
    (void)state;
    static const char data[] = "0123456789abcdefgh\x1b\xff";
    log_set_debug_level(2);
    log_dump(NULL, SPAN(data, sizeof data - 1));
    assert_int_equal(seen.count, 0);
    log_set_debug_level(3);
    log_dump(NULL, SPAN(data, 16));
    assert_string_equal(seen.text, "  00000000: 30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef");
    log_dump(NULL, SPAN(data, sizeof data - 1));
    assert_int_equal(seen.count, 3);
    assert_memory_equal(seen.text, "  00000010: 67 68 1b ff    ", 27);
    assert_string_equal(seen.text + strlen(seen.text) - 6, "  gh..");
    log_dump(NULL, SPAN(NULL, 0));
    assert_int_equal(seen.count, 3);
}

/* Rule P9: ESC, CR and their kin never reach a log or a terminal; what is not UTF-8 neither. */
static void test_escaped_text_is_harmless(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
        const char *escaped;
    } rows[] = {
        { LITERAL(""), "" },
        { LITERAL("plain text ~"), "plain text ~" },
        { LITERAL("a\x1b[2Jb\r\n"), "a\\x1b[2Jb\\x0d\\x0a" },
        { LITERAL("\0\x7f\t"), "\\x00\\x7f\\x09" },
        { LITERAL("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
        { LITERAL("\xc2\x9b"), "\\xc2\\x9b" },          /* C1: CSI */
        { LITERAL("\xe2\x80\xae"), "\\xe2\\x80\\xae" }, /* right-to-left override */
        { LITERAL("\xe2\x80\xa8"), "\\xe2\\x80\\xa8" }, /* line separator */
        { LITERAL("\xc0\x80"), "\\xc0\\x80" },          /* overlong */
        { LITERAL("\xe0\x80\xaf"), "\\xe0\\x80\\xaf" },
        { LITERAL("\xf0\x80\x80\x80"), "\\xf0\\x80\\x80\\x80" },
        { LITERAL("\xed\xa0\x80"), "\\xed\\xa0\\x80" },          /* surrogate */
        { LITERAL("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80" }, /* above U+10FFFF */
        { LITERAL("\xff\xfe"), "\\xff\\xfe" },
        { LITERAL("\xe2\x82"), "\\xe2\\x82" },
        { LITERAL("\x80x"), "\\x80x" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char buffer[64];
        uint8_t *exact = mem_dup(rows[i].text, rows[i].len);
        assert_string_equal(log_escaped(SPAN(exact, rows[i].len), buffer, sizeof buffer), rows[i].escaped);
        mem_free(exact);
    }
}

static void test_escaped_text_is_cut_between_characters(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t size;
        const char *escaped;
    } rows[] = {
        { "abc", 4, "abc" },
        { "abc", 3, "ab" },
        { "abc", 1, "" },
        { "a\x1b", 5, "a" },
        { "a\x1b", 6, "a\\x1b" },
        { "a\xe2\x82\xac", 4, "a" },
        { "a\xe2\x82\xac", 5, "a\xe2\x82\xac" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *buffer = mem_alloc(rows[i].size);
        assert_string_equal(log_escaped(span_of(rows[i].text), buffer, rows[i].size), rows[i].escaped);
        mem_free(buffer);
    }
    assert_string_equal(log_escaped(span_of("abc"), NULL, 0), "");
}

/* Without a handler nothing below a warning is wanted, whatever the level. */
static void test_without_a_handler_only_warnings_and_worse_count(void **state)
{
    (void)state;
    sshio_set_log_handler(NULL, NULL);
    assert_false(log_enabled(NULL, SSHIO_LOG_DEBUG, 1));
    assert_false(log_enabled(NULL, SSHIO_LOG_INFO, 1));
    assert_true(log_enabled(NULL, SSHIO_LOG_WARNING, 1));
    log_set_level(SSHIO_LOG_ERROR);
    assert_false(log_enabled(NULL, SSHIO_LOG_WARNING, 1));
}

#define LOG_TEST(test) cmocka_unit_test_setup_teardown(test, listen_to_log, reset_log)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        LOG_TEST(test_the_level_decides_and_is_warning_by_default),
        LOG_TEST(test_levels_out_of_range_are_refused),
        LOG_TEST(test_the_debug_level_counts_within_debug_only),
        LOG_TEST(test_the_sftp_logger_has_a_level_of_its_own),
        LOG_TEST(test_messages_reach_the_handler_with_level_name_and_text),
        LOG_TEST(test_long_messages_arrive_whole_or_cut_when_out_of_memory),
        LOG_TEST(test_children_inherit_name_and_context),
        LOG_TEST(test_references_keep_a_logger),
        LOG_TEST(test_a_logger_out_of_memory_is_null),
        LOG_TEST(test_dump_shows_offset_hex_and_ascii),
        LOG_TEST(test_escaped_text_is_harmless),
        LOG_TEST(test_escaped_text_is_cut_between_characters),
        LOG_TEST(test_without_a_handler_only_warnings_and_worse_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
