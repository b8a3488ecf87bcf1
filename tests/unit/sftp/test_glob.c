/* Patterns of one component (the reference's rules for SFTPClient.glob), and names and paths. */
#include "unit.h"

#include "base/memory.h"
#include "sftp/glob.h"
#include "sftp/path.h"

static const struct {
    const char *pattern, *name;
    bool matches;
} matches[] = {
    { "", "", true },
    { "", "a", false },
    { "a", "a", true },
    { "a", "A", false },
    { "*", "", true },
    { "*", ".hidden", true },
    { "*.c", "x.c", true },
    { "*.c", "x.cc", false },
    { "a*b*c", "a-b-b-c", true },
    { "a*b*c", "a-c-b", false },
    { "**", "anything", true },
    { "?", "a", true },
    { "?", "", false },
    { "?", "\xc3\xbc", true }, /* one character of UTF-8 */
    { "??", "\xc3\xbc", false },
    { "?", "\xff", true }, /* no UTF-8: one byte */
    { "??", "\xff\xfe", true },
    { "[abc]", "b", true },
    { "[abc]", "d", false },
    { "[!abc]", "d", true },
    { "[!abc]", "a", false },
    { "[a-c]x", "bx", true },
    { "[a-c]", "d", false },
    { "[c-a]", "b", false },
    { "[]]", "]", true }, /* the first one in a set stands for itself */
    { "[!]]", "]", false },
    { "[!]]", "a", true },
    { "[a-]", "-", true },
    { "[-a]", "-", true },
    { "[", "[", true }, /* never closed: it stands for itself */
    { "[abc", "[abc", true },
    { "[abc", "a", false },
    { "[*]", "*", true }, /* there is no other way to mean it */
    { "[*]", "a", false },
    { "\\*", "\\x", true }, /* a backslash is nothing special */
    { "[\xc3\xa4-\xc3\xbc]", "\xc3\xb6", true },
    { "x[0-9]*", "x1y", true },
};

static void test_patterns_match_as_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(matches); i++)
        if (glob_match(matches[i].pattern, matches[i].name) != matches[i].matches)
            fail_msg("\"%s\" and \"%s\"", matches[i].pattern, matches[i].name);
}

/* The time is bounded by length times length, and so this ends. */
static void test_many_stars_end_soon(void **state)
{
    char pattern[402] = "", name[5001];
    (void)state;
    for (size_t i = 0; i < 200; i++)
        memcpy(pattern + 2 * i, "a*", 3);
    pattern[400] = 'b';
    memset(name, 'a', 5000);
    name[5000] = '\0';
    assert_false(glob_match(pattern, name));
}

static void test_what_is_a_pattern(void **state)
{
    (void)state;
    assert_true(glob_is_pattern("a*", 2) && glob_is_pattern("?", 1) && glob_is_pattern("x[a]", 4));
    assert_false(glob_is_pattern("plain", 5));
    assert_false(glob_is_pattern("a*", 1));
}

static const struct {
    const char *path, *name, *joined;
} joins[] = { { "", "a", "a" },    { "/", "a", "/a" }, { "d", "a", "d/a" }, { "d/", "a", "d/a" },
              { "d", "/a", "/a" }, { "d", "", "d/" },  { "d/", "", "d/" },  { ".", "a", "./a" } };

static void test_paths_are_joined(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(joins); i++) {
        char *joined = path_append(joins[i].path, joins[i].name);
        assert_string_equal(joined, joins[i].joined);
        mem_free(joined);
    }
}

/* X1: a name from a listing is one component. What is left of "." and ".." at the end of a source is nothing. */
static void test_names_of_entries_are_one_component(void **state)
{
    static const char *const bad[] = { "", ".", "..", "a/b", "/a", "../x", "a/", "/" };
    static const char *const good[] = { "a", "...", ".a", "a..", "-", "a\nb", "\xff", "a\\b" };
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(path_name_is_safe(bad[i]));
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(path_name_is_safe(good[i]));
    assert_string_equal(path_basename("/a/b"), "b");
    assert_string_equal(path_basename("b"), "b");
    assert_string_equal(path_basename("a/"), "");
    assert_string_equal(path_basename("a/.."), "");
    assert_string_equal(path_basename("."), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns_match_as_the_table_says),
        cmocka_unit_test(test_many_stars_end_soon),
        cmocka_unit_test(test_what_is_a_pattern),
        cmocka_unit_test(test_paths_are_joined),
        cmocka_unit_test(test_names_of_entries_are_one_component),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
