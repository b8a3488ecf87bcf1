/* Lines of sftp cut into words: sftp(1), quotes and patterns. */
#include "unit.h"

#include <stdlib.h>

#include "../../../tools/words.h"

static const struct {
    const char *line;
    size_t count;
    const char *text, *pattern; /* of the last word */
} rows[] = {
    { "", 0, NULL, NULL },
    { "  # nothing", 0, NULL, NULL },
    { "get a", 2, "a", "a" },
    { "get \"a b\"", 2, "a b", "a b" },
    { "get a\\ b", 2, "a b", "a b" },
    { "get 'it\\'s'", 2, "it's", "it's" },
    { "get 'a\\b'", 2, "a\\b", "a\\b" },
    { "get a*\"*\"", 2, "a**", "a*[*]" },
    { "get \\[x\\]", 2, "[x]", "[[]x]" },
    { "get \"\"", 2, "", "" },
    { "get a # b", 2, "a", "a" },
    { "get a#b", 2, "a#b", "a#b" },
};

static void test_words_are_cut_and_unquoted(void **state)
{
    struct words words;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(words_parse(rows[i].line, &words), WORDS_OK);
        assert_int_equal(words.count, rows[i].count);
        if (words.count > 0) {
            assert_string_equal(words.items[words.count - 1].text, rows[i].text);
            assert_string_equal(words.items[words.count - 1].pattern, rows[i].pattern);
        }
        words_done(&words);
    }
}

static void test_open_quote_is_told(void **state)
{
    struct words words;

    (void)state;
    assert_int_equal(words_parse("get \"a b", &words), WORDS_UNTERMINATED);
    assert_int_equal(words.quote, '"');
    assert_true(words.in_word);
    assert_string_equal(words.items[1].text, "a b");
    words_done(&words);
}

static void test_too_many_words_are_refused(void **state)
{
    struct words words;
    char line[2 * WORDS_MAX + 3];

    (void)state;
    for (size_t i = 0; i < sizeof line - 1; i++)
        line[i] = i % 2 == 0 ? 'a' : ' ';
    line[sizeof line - 1] = '\0';
    assert_int_equal(words_parse(line, &words), WORDS_TOO_MANY);
    words_done(&words);
}

static void test_quoted_text_is_read_back(void **state)
{
    static const char *const texts[] = { "plain", "a b", "it's", "a\"b", "st*r", "[x]", "back\\slash", "#x" };
    struct words words;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char *quoted = words_quote(texts[i], '\0');
        assert_int_equal(words_parse(quoted, &words), WORDS_OK);
        assert_int_equal(words.count, 1);
        assert_string_equal(words.items[0].text, texts[i]);
        words_done(&words);
        free(quoted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_are_cut_and_unquoted),
        cmocka_unit_test(test_open_quote_is_told),
        cmocka_unit_test(test_too_many_words_are_refused),
        cmocka_unit_test(test_quoted_text_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
