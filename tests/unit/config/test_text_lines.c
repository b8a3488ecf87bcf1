/* Lines and words. */
#include "unit.h"

#include "config/text_lines.h"

static void test_lines_are_trimmed_and_counted(void **state)
{
    static const struct {
        const char *text;
        int number;
    } expected[] = { { "one", 1 }, { "", 2 }, { "two  words", 3 }, { "last", 4 } };
    struct text_lines lines;
    struct span line;

    (void)state;
    text_lines_init(&lines, span_of("\xef\xbb\xbf one\r\n\n\ttwo  words \f\nlast"));
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_true(text_lines_next(&lines, &line));
        assert_true(span_is(line, expected[i].text));
        assert_int_equal(lines.number, expected[i].number);
    }
    assert_false(text_lines_next(&lines, &line));
}

static void test_lines_empty_text_has_none(void **state)
{
    struct text_lines lines;
    struct span line;

    (void)state;
    text_lines_init(&lines, SPAN(NULL, 0));
    assert_false(text_lines_next(&lines, &line));
}

static void test_line_limit_is_64_kib(void **state)
{
    static char text[TEXT_LINE_MAX_LEN + 1];

    (void)state;
    memset(text, 'x', sizeof text);
    assert_false(text_line_too_long(SPAN(text, TEXT_LINE_MAX_LEN)));
    assert_true(text_line_too_long(SPAN(text, TEXT_LINE_MAX_LEN + 1)));
}

static void test_words_end_at_blanks(void **state)
{
    struct span rest = span_of("  a\tbc  ");

    (void)state;
    assert_true(span_is(text_word(&rest), "a"));
    assert_true(span_is(text_word(&rest), "bc"));
    assert_int_equal(text_word(&rest).len, 0);
}

static void test_comma_elements_may_be_empty(void **state)
{
    static const char *const expected[] = { "a", "", "b", "" };
    struct span rest = span_of("a,,b,");
    struct span element;

    (void)state;
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_true(text_comma_next(&rest, &element));
        assert_true(span_is(element, expected[i]));
    }
    assert_false(text_comma_next(&rest, &element));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_are_trimmed_and_counted), cmocka_unit_test(test_lines_empty_text_has_none),
        cmocka_unit_test(test_line_limit_is_64_kib),          cmocka_unit_test(test_words_end_at_blanks),
        cmocka_unit_test(test_comma_elements_may_be_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
