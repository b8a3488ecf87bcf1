/* Wildcard patterns and pattern lists. */
#include "unit.h"

#include "base/memory.h"
#include "base/pattern.h"

static void test_pattern_matches_the_whole_text(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool matches;
    } rows[] = {
        { "", "", true },
        { "", "a", false },
        { "a", "", false },
        { "a", "a", true },
        { "a", "ab", false },
        { "*", "", true },
        { "*", "anything", true },
        { "**", "", true },
        { "?", "", false },
        { "?", "a", true },
        { "?", "ab", false },
        { "??", "ab", true },
        { "*?", "a", true },
        { "*?", "", false },
        { "?*", "abc", true },
        { "a*c", "abc", true },
        { "a*c", "ac", true },
        { "a*c", "acb", false },
        { "a*c", "acbc", true },
        { "*.example.com", "www.example.com", true },
        { "*.example.com", "example.com", false },
        { "*.example.com", "example.com.evil", false },
        { "192.168.0.?", "192.168.0.1", true },
        { "192.168.0.?", "192.168.0.10", false },
        { "*ab*ab*", "abab", true },
        { "*ab*ab*", "aab", false },
        { "*a?c*", "xxabxabc", true },
        { "A", "a", false },
        { "[a]", "a", false },
        { "\\*", "*", false },
        { "\\*", "\\x", true },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(pattern_match(span_of(rows[i].pattern), span_of(rows[i].text)), rows[i].matches);
}

static void test_question_mark_is_one_utf8_character(void **state)
{
    (void)state;
    assert_true(pattern_match(span_of("m?ller"), span_of("m\xc3\xbcller")));
    assert_false(pattern_match(span_of("m??ller"), span_of("m\xc3\xbcller")));
    assert_true(pattern_match(span_of("*?"), span_of("\xe2\x82\xac")));
    assert_false(pattern_match(span_of("*??"), span_of("\xe2\x82\xac")));
    assert_true(pattern_match(span_of("?"), SPAN("\xc3", 1)));
}

static void test_nocase_folds_ascii_letters_only(void **state)
{
    (void)state;
    assert_true(pattern_match_nocase(span_of("*.Example.COM"), span_of("WWW.exAMPLE.com")));
    assert_false(pattern_match_nocase(span_of("@"), span_of("`")));
    assert_false(pattern_match_nocase(span_of("["), span_of("{")));
    assert_false(pattern_match_nocase(span_of("\xc3\x9c"), span_of("\xc3\xbc")));
}

static void test_bytes_of_any_value_are_literal(void **state)
{
    (void)state;
    assert_true(pattern_match(SPAN("a\0b", 3), SPAN("a\0b", 3)));
    assert_false(pattern_match(SPAN("a\0b", 3), SPAN("a\0c", 3)));
    assert_true(pattern_match(SPAN("*b", 2), SPAN("a\0b", 3)));
}

/* Time is bounded by the product of the lengths. With backtracking over every star this would not end. */
static void test_many_stars_take_no_exponential_time(void **state)
{
    (void)state;
    char pattern[2 * 500 + 1], text[5000];
    for (size_t i = 0; i < 500; i++)
        memcpy(pattern + 2 * i, "*a", 2);
    pattern[1000] = 'b';
    memset(text, 'a', sizeof text);
    assert_false(pattern_match(SPAN(pattern, 1001), SPAN(text, sizeof text)));
    text[sizeof text - 1] = 'b';
    assert_true(pattern_match(SPAN(pattern, 1001), SPAN(text, sizeof text)));
}

static void test_list_needs_a_positive_and_no_negated_match(void **state)
{
    (void)state;
    static const struct {
        const char *list, *text;
        bool matches;
    } rows[] = {
        { "a,b", "b", true },
        { "a,b", "c", false },
        { "*,!b", "b", false },
        { "!b,*", "b", false },
        { "!b,*", "c", true },
        { "!b", "c", false },
        { "", "", false },
        { ",", "", false },
        { "a,,b", "", false },
        { "a,,b", "b", true },
        { "!", "", false },
        { "!,*", "x", true },
        { "!*.evil,*", "host.evil", false },
        { "!!a,*", "!a", false },
        { "!!a,*", "a", true },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(pattern_list_match(span_of(rows[i].list), span_of(rows[i].text)), rows[i].matches);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pattern_matches_the_whole_text),
        cmocka_unit_test(test_question_mark_is_one_utf8_character),
        cmocka_unit_test(test_nocase_folds_ascii_letters_only),
        cmocka_unit_test(test_bytes_of_any_value_are_literal),
        cmocka_unit_test(test_many_stars_take_no_exponential_time),
        cmocka_unit_test(test_list_needs_a_positive_and_no_negated_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
