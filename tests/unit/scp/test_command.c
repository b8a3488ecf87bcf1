/* The command of the far side of SCP, and the names that it may answer with. (CVE-2020-15778, CVE-2019-6111) */
#include "unit.h"

#include "base/memory.h"
#include "scp/command.h"
#include "scp/names.h"

static struct error e;

static void test_commands_are_said(void **state)
{
    static const struct {
        struct scp_command command;
        sshio_scp_quoting quoting;
        const char *text;
    } rows[] = {
        { { .path = "f" }, SSHIO_SCP_QUOTE_GLOB, "scp -f f" },
        { { .path = "f", .sink = true, .directory = true, .preserve = true, .recurse = true },
          SSHIO_SCP_QUOTE_GLOB,
          "scp -t -d -p -r f" },
        { { .path = "" }, SSHIO_SCP_QUOTE_GLOB, "scp -f ." },
        { { .path = "-rf" }, SSHIO_SCP_QUOTE_GLOB, "scp -f ./-rf" },
        { { .path = "-rf" }, SSHIO_SCP_QUOTE_RAW, "scp -f ./-rf" },
        { { .path = "a b" }, SSHIO_SCP_QUOTE_GLOB, "scp -f a\\ b" },
        { { .path = "a b" }, SSHIO_SCP_QUOTE_RAW, "scp -f a b" },
        { { .path = "x;touch y" }, SSHIO_SCP_QUOTE_GLOB, "scp -f x\\;touch\\ y" },
        { { .path = "$(id)`id`" }, SSHIO_SCP_QUOTE_GLOB, "scp -f \\$\\(id\\)\\`id\\`" },
        { { .path = "a'b\"c\\d" }, SSHIO_SCP_QUOTE_GLOB, "scp -f a\\'b\\\"c\\\\d" },
        { { .path = "*.[ch]?" }, SSHIO_SCP_QUOTE_GLOB, "scp -f *.[ch]?" },
        { { .path = "*.[ch]?", .sink = true }, SSHIO_SCP_QUOTE_GLOB, "scp -t \\*.\\[ch\\]\\?" },
        { { .path = "*" }, SSHIO_SCP_QUOTE_FULL, "scp -f \\*" },
        { { .path = "~/x" }, SSHIO_SCP_QUOTE_GLOB, "scp -f ~/x" },
        { { .path = "~joe" }, SSHIO_SCP_QUOTE_GLOB, "scp -f ~joe" },
        { { .path = "~joe;x/y" }, SSHIO_SCP_QUOTE_GLOB, "scp -f \\~joe\\;x/y" },
        { { .path = "~/x" }, SSHIO_SCP_QUOTE_FULL, "scp -f \\~/x" },
        { { .path = "a~b" }, SSHIO_SCP_QUOTE_GLOB, "scp -f a\\~b" },
        { { .path = "{a,b}" }, SSHIO_SCP_QUOTE_GLOB, "scp -f \\{a,b\\}" },
        { { .path = "h\xc3\xa9\xff" }, SSHIO_SCP_QUOTE_GLOB, "scp -f h\xc3\xa9\xff" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *text = NULL;
        assert_int_equal(scp_command_format(&rows[i].command, rows[i].quoting, &text, &e), 0);
        assert_string_equal(text, rows[i].text);
        mem_free(text);
    }
}

static void test_path_with_a_newline_cannot_be_said(void **state)
{
    char *text = NULL;
    (void)state;
    assert_int_equal(scp_command_format(&(struct scp_command){ .path = "a\nb" }, SSHIO_SCP_QUOTE_GLOB, &text, &e),
                     SSHIO_EINVAL);
    assert_null(text);
    error_clear(&e);
}

static void test_commands_are_understood(void **state)
{
    static const struct {
        const char *text;
        bool sink, directory, preserve, recurse;
        const char *path;
    } rows[] = {
        { "scp -f f", false, false, false, false, "f" },
        { "scp -t .", true, false, false, false, "." },
        { "scp -pf 'x y'", false, false, true, false, "x y" },
        { "scp -prt -- -x", true, false, true, true, "-x" },
        { "scp -v -q -r -d -t a\\ b", true, true, false, true, "a b" },
        { "scp  -t \"a\\\"b\"", true, false, false, false, "a\"b" },
        { "scp -f '$(id)'", false, false, false, false, "$(id)" },
        { "scp -f a;b", false, false, false, false, "a;b" },
        { "scp -t ''", true, false, false, false, "." },
        { "scp -t -", true, false, false, false, "-" },
        { "scp f -f", false, false, false, false, "f" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scp_command c = { 0 };
        assert_true(scp_command_is_one(rows[i].text));
        assert_int_equal(scp_command_parse(rows[i].text, &c, &e), 0);
        assert_int_equal(c.sink, rows[i].sink);
        assert_int_equal(c.directory, rows[i].directory);
        assert_int_equal(c.preserve, rows[i].preserve);
        assert_int_equal(c.recurse, rows[i].recurse);
        assert_string_equal(c.path, rows[i].path);
        mem_free(c.path);
    }
}

static void test_bad_commands_are_refused_with_a_reason(void **state)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        { "scp -f", "the following arguments are required: path" },
        { "scp ", "the following arguments are required: path" },
        { "scp xxx", "one of the arguments -f -t is required" },
        { "scp -f -x f", "unrecognized arguments: -x" },
        { "scp -f a b", "unrecognized arguments: b" },
        { "scp -f -t a", "argument -t: not allowed with argument -f" },
        { "scp -tf a", "argument -f: not allowed with argument -t" },
        { "scp -f 'a", "No closing quotation" },
        { "scp -f a\\", "No closing quotation" },
        { "scp -S/bin/sh -f a", "unrecognized arguments: -S" },
        { "scp --help -f a", "unrecognized arguments: --" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scp_command c = { 0 };
        assert_int_equal(scp_command_parse(rows[i].text, &c, &e), SSHIO_EINVAL);
        assert_string_equal(error_message(&e), rows[i].message);
        assert_null(c.path);
    }
    assert_false(scp_command_is_one("scpx -f a"));
    assert_false(scp_command_is_one("scp"));
    error_clear(&e);
}

/* What is quoted reads the same on the other side. */
static void test_quoted_paths_come_back(void **state)
{
    (void)state;
    for (unsigned byte = 1; byte < 256; byte++) {
        char path[] = { 'a', (char)byte, 'b', '\0' };
        char *text = NULL;
        struct scp_command back = { 0 };
        if (byte == '\n')
            continue;
        assert_int_equal(scp_command_format(&(struct scp_command){ .path = path }, SSHIO_SCP_QUOTE_FULL, &text, &e), 0);
        assert_int_equal(scp_command_parse(text, &back, &e), 0);
        assert_string_equal(back.path, path);
        mem_free(text);
        mem_free(back.path);
    }
}

/* CVE-2019-6111 */
static void test_names_have_to_match_what_was_asked_for(void **state)
{
    static const struct {
        const char *asked, *name;
        bool matches, many;
    } rows[] = {
        { "f", "f", true, false },
        { "f", "g", false, false },
        { "f", ".bashrc", false, false },
        { "d/f", "f", true, false },
        { "d/f", "d", false, false },
        { "d/", "d", true, false },
        { "d/", "x", false, false },
        { "d//", "d", true, false },
        { "*.c", "a.c", true, true },
        { "*.c", "a.h", false, true },
        { "*", ".profile", true, true },
        { "a?c", "abc", true, true },
        { "a?c",
          "a\xc3\xa9"
          "c",
          true, true },
        { "[a-c]x", "bx", true, true },
        { "[a-c]x", "dx", false, true },
        { "[!a-c]x", "dx", true, true },
        { "[]]x", "]x", true, true },
        { "[a", "[a", true, true },
        { "[*]", "*", true, true },
        { "[*]", "x", false, true },
        { "{a,b}c", "bc", true, true },
        { "{a,b}c", "cc", false, true },
        { "x{a,{b,c}d}y", "xcdy", true, true },
        { "x{a,{b,c}d}y", "xdy", false, true },
        { "{a,b}{c,d}", "bc", true, true },
        { "{a,b}c", "{a,b}c", true, true },
        { "{a}", "{a}", true, false },
        { "{a}", "a", false, false },
        { "{a,b", "a", false, false },
        { "x{,y}", "x", true, true },
        { "*.{c,h}", "z.h", true, true },
        { "", "anything", true, true },
        { ".", "anything", true, true },
        { "..", "anything", true, true },
        { "~", "joe", true, false },
        { "~joe", "home", true, false },
        { "/", "anything", true, true },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (scp_names_match(rows[i].asked, rows[i].name) != rows[i].matches)
            fail_msg("%s against %s", rows[i].asked, rows[i].name);
        if (scp_names_many(rows[i].asked) != rows[i].many)
            fail_msg("%s: many is wrong", rows[i].asked);
    }
}

/* A pattern costs a bounded time, whatever it is. */
static void test_patterns_do_not_explode(void **state)
{
    char braces[2001], stars[401];
    (void)state;
    for (size_t i = 0; i < 400; i++)
        memcpy(braces + 5 * i, "{a,b}", 5);
    braces[2000] = '\0';
    for (size_t i = 0; i < 400; i += 2)
        memcpy(stars + i, "*[", 2);
    stars[400] = '\0';
    assert_false(scp_names_match(braces, "x"));
    assert_false(scp_names_match(stars, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"));
    assert_true(scp_names_match("*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaab"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands_are_said),       cmocka_unit_test(test_path_with_a_newline_cannot_be_said),
        cmocka_unit_test(test_commands_are_understood), cmocka_unit_test(test_bad_commands_are_refused_with_a_reason),
        cmocka_unit_test(test_quoted_paths_come_back),  cmocka_unit_test(test_names_have_to_match_what_was_asked_for),
        cmocka_unit_test(test_patterns_do_not_explode),
    };
    error_init(&e);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
