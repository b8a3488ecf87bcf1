/* The grammar of option lines. */
#include "unit.h"

#include "base/memory.h"
#include "config/config_line.h"

static const struct config_where where = { .filename = "f", .line = 7 };

static const struct {
    const char *line;
    const char *keyword;
    const char *rest;
} splits[] = {
    { "K v", "K", "v" },   { "K=v", "K", "v" },
    { "K =v", "K", "v" },  { "K= v", "K", "v" },
    { "K = v", "K", "v" }, { "  K\t=\tv w ", "K", "v w" },
    { "K==v", "K", "=v" }, { "K", "K", "" },
    { "K=", "K", "" },     { "SetEnv A=1 B=", "SetEnv", "A=1 B=" },
    { "=v", "", "v" },
};

/* The arguments, joined by bars. */
static const struct {
    const char *rest;
    const char *arguments;
} arguments[] = {
    { "", "" },
    { "a b\tc", "a|b|c" },
    { "\"a b\" c", "a b|c" },
    { "a\" b\"c", "a bc" },
    { "'a \"b'", "a \"b" },
    { "\"a 'b\"", "a 'b" },
    { "\"\"", "" },
    { "\"\" x", "|x" },
    { "a\\ b", "a b" },
    { "\"a\\ b\"", "a\\ b" },
    { "\\\"a\\\"", "\"a\"" },
    { "\"a\\\"b\"", "a\"b" },
    { "a\\\\b", "a\\b" },
    { "sed s/\\./x/", "sed|s/\\./x/" },
    { "a\\", "a\\" },
    { "a # b", "a" },
    { "# b", "" },
    { "a#b", "a#b" },
    { "\"#\" b", "#|b" },
    { "A=1 B= C=D=2", "A=1|B=|C=D=2" },
};

static void test_line_keyword_ends_at_blank_or_one_equals_sign(void **state)
{
    struct span keyword;
    struct span rest;

    (void)state;
    for (size_t i = 0; i < COUNT(splits); i++) {
        assert_true(config_line_split(span_of(splits[i].line), &keyword, &rest));
        if (!span_is(keyword, splits[i].keyword) || !span_is(rest, splits[i].rest))
            fail_msg("%s", splits[i].line);
    }
}

static void test_line_empty_and_comment_have_nothing(void **state)
{
    struct span keyword;
    struct span rest;

    (void)state;
    assert_false(config_line_split(span_of(""), &keyword, &rest));
    assert_false(config_line_split(span_of(" \t"), &keyword, &rest));
    assert_false(config_line_split(span_of("  # K v"), &keyword, &rest));
}

static void test_arguments_are_unquoted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(arguments); i++) {
        struct texts found = { 0 };
        assert_int_equal(config_line_arguments(span_of(arguments[i].rest), &where, &found, NULL), 0);
        char *joined = texts_join(&found, "|");
        assert_string_equal(joined, arguments[i].arguments);
        mem_free(joined);
        texts_done(&found);
    }
}

static void test_arguments_open_quote_is_an_error_with_its_place(void **state)
{
    static const char *const open[] = { "\"a", "'a", "a\"", "\"a\\\"", "b 'c\"" };
    struct texts found = { 0 };
    struct error e;

    (void)state;
    error_init(&e);
    for (size_t i = 0; i < COUNT(open); i++) {
        assert_int_equal(config_line_arguments(span_of(open[i]), &where, &found, &e), SSHIO_ECONFIG_PARSE);
        assert_string_equal(error_message(&e), "f line 7: No closing quotation");
        texts_done(&found);
    }
    error_clear(&e);
}

/* P8 */
static void test_arguments_nul_is_an_error(void **state)
{
    struct texts found = { 0 };

    (void)state;
    assert_int_equal(config_line_arguments(SPAN("a\0b", 3), &where, &found, NULL), SSHIO_ECONFIG_PARSE);
    texts_done(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line_keyword_ends_at_blank_or_one_equals_sign),
        cmocka_unit_test(test_line_empty_and_comment_have_nothing),
        cmocka_unit_test(test_arguments_are_unquoted),
        cmocka_unit_test(test_arguments_open_quote_is_an_error_with_its_place),
        cmocka_unit_test(test_arguments_nul_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
