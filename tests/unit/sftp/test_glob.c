/* Patterns of one component (the reference's rules for SFTPClient.glob), what they find in a tree, and names and paths.
 */
#include <stdio.h>

#include "io/last_error.h"

#include "base/memory.h"
#include "sftp/attrs.h"
#include "sftp/glob.h"
#include "sftp/path.h"

#include "unit.h"

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

/* ---- in a tree: "" has "d" and "f", "d" has "d/d" and "d/f", and so on; "many" has many files ---- */

#define NESTED 40u
#define MANY 60000u

static unsigned lists, stats;

static bool is_nested(const char *path, unsigned *depth)
{
    size_t len = strlen(path);
    *depth = (unsigned)(len + 1) / 2;
    for (size_t i = 0; i < len; i++)
        if (path[i] != (i % 2 == 0 ? 'd' : '/'))
            return false;
    return len == 0 || path[len - 1] == 'd';
}

static void put(struct name_list *list, const char *text, sshio_filexfer_type type)
{
    struct attrs_wire wire;
    sshio_sftp_attrs attrs = { .struct_size = sizeof attrs, .type = type };
    attrs_to_wire(&attrs, &wire);
    sshio_sftp_name *name = name_new(span_of(text), SPAN("", 0), &wire);
    assert_int_equal(name_list_add(list, name, last_error()), 0);
}

static int list_tree(sshio_sftp *s, const char *path, struct name_list *list)
{
    unsigned depth;
    (void)s;
    lists++;
    *list = (struct name_list){ .count = 0 };
    if (strcmp(path, "many") == 0) {
        for (unsigned i = 0; i < MANY; i++) {
            char text[16];
            snprintf(text, sizeof text, "%u", i);
            put(list, text, SSHIO_FILEXFER_TYPE_REGULAR);
        }
        return 0;
    }
    assert_true(is_nested(strcmp(path, ".") == 0 ? "" : path, &depth));
    put(list, ".", SSHIO_FILEXFER_TYPE_DIRECTORY);
    put(list, "..", SSHIO_FILEXFER_TYPE_DIRECTORY);
    put(list, "../f", SSHIO_FILEXFER_TYPE_REGULAR); /* never gone on with */
    put(list, "f", SSHIO_FILEXFER_TYPE_REGULAR);
    if (depth < NESTED)
        put(list, "d", SSHIO_FILEXFER_TYPE_DIRECTORY);
    return 0;
}

static int stat_tree(sshio_sftp *s, const char *path, bool follow, facts *found)
{
    unsigned depth;
    size_t len = strlen(path);
    (void)s;
    (void)follow;
    stats++;
    bool is_dir = (is_nested(path, &depth) && depth <= NESTED) || strcmp(path, "many") == 0;
    *found = (facts){ .struct_size = sizeof *found,
                      .type = is_dir ? SSHIO_FILEXFER_TYPE_DIRECTORY : SSHIO_FILEXFER_TYPE_REGULAR };
    char folder[4 * NESTED];
    snprintf(folder, sizeof folder, "%.*s", len > 2 ? (int)len - 2 : 0, path);
    bool is_file = len != 0 && path[len - 1] == 'f' && is_nested(folder, &depth) && depth <= NESTED;
    if (is_dir || is_file)
        return 0;
    return error_set_reason(last_error(), SSHIO_ESFTP_NO_SUCH_FILE, SSHIO_FX_NO_SUCH_FILE, "no such file");
}

static const struct side tree = { .stat = stat_tree, .list = list_tree };

static int find(const char *pattern, struct glob_list *found)
{
    *found = (struct glob_list){ .count = 0 };
    lists = stats = 0;
    return glob_expand(&tree, NULL, pattern, found);
}

static const struct {
    const char *pattern;
    size_t count; /* 0 = nothing matches, which is an error */
    const char *first;
} finds[] = {
    { "f", 1, "f" },
    { "*", 2, "f" },
    { "*/", 1, "d/" },
    { "d/*", 2, "d/f" },
    { "?/f", 1, "d/f" },
    { "**/f", NESTED + 1, "f" },
    { "**/**/f", NESTED + 1, "f" },
    { "d/**", 2 * NESTED, "d" },
    { "d/**/", NESTED, "d/" },
    { "d/**/**/", NESTED, "d/" },
    { "**/d/d/f", NESTED - 1, "d/d/f" },
    { "**/d/**/f", NESTED, "d/f" },
    { "**/x*", 0, NULL },
};

static void test_each_path_is_found_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(finds); i++) {
        struct glob_list found;
        int rc = find(finds[i].pattern, &found);
        if ((rc == 0) != (finds[i].count != 0) || found.count != finds[i].count ||
            (rc == 0 && strcmp(found.items[0].path, finds[i].first) != 0))
            fail_msg("%s: %d, %zu, %s", finds[i].pattern, rc, found.count, rc == 0 ? found.items[0].path : "");
        glob_list_done(&found);
    }
}

/* X8: there are thousands of millions of ways to lead eight "**" through forty directories. */
static void test_many_ways_to_one_place_are_gone_once(void **state)
{
    struct glob_list found;
    (void)state;
    assert_int_equal(find("**/*/**/*/**/*/**/*/**/*/**/*/**/*/**/*q", &found), SSHIO_ESFTP_NO_SUCH_FILE);
    assert_int_equal(lists, NESTED + 1);
    glob_list_done(&found);
    assert_int_equal(find("**/d/**/d/**/d/**/d/**/d/**/d/**/d/**/d/q", &found), SSHIO_ESFTP_NO_SUCH_FILE);
    assert_true(lists <= NESTED + 1 && stats <= 10 * NESTED);
    glob_list_done(&found);
}

static int outcome(sshio_task *task)
{
    int result = 0;
    assert_int_equal(sshio_join(task, &result), 0);
    return result;
}

static int count_turns(void *arg)
{
    unsigned *turns = arg;
    int rc = 0;
    while ((rc = sshio_sleep(0)) == 0)
        ++*turns;
    return rc;
}

static int find_many(void *arg)
{
    struct glob_list *found = arg;
    return find("many/**", found);
}

/* However many names there are, others have their turn meanwhile, and it does not take the square of their number. */
static void test_many_names_do_not_hold_up_others(void **state)
{
    struct glob_list found;
    unsigned turns = 0;
    sshio_task *counter, *finder;
    (void)state;
    assert_int_equal(sshio_spawn(count_turns, &turns, &counter), 0);
    assert_int_equal(sshio_spawn(find_many, &found, &finder), 0);
    assert_int_equal(outcome(finder), 0);
    assert_int_equal(found.count, MANY + 1);
    assert_true(turns >= MANY / 1024);
    sshio_cancel(counter);
    assert_int_equal(outcome(counter), SSHIO_ECANCELED);
    glob_list_done(&found);
}

static void test_long_search_can_be_cancelled(void **state)
{
    struct glob_list found;
    sshio_task *finder;
    (void)state;
    assert_int_equal(sshio_spawn(find_many, &found, &finder), 0);
    assert_int_equal(sshio_sleep(0), 0);
    assert_true(lists == 1);
    sshio_cancel(finder);
    assert_int_equal(outcome(finder), SSHIO_ECANCELED);
    assert_true(found.count < MANY);
    glob_list_done(&found);
}

int main(void)
{
    sshio_set_log_level(SSHIO_LOG_ERROR); /* there are warnings of "../f" */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_path_is_found_once),
        cmocka_unit_test(test_many_ways_to_one_place_are_gone_once),
        cmocka_unit_test(test_many_names_do_not_hold_up_others),
        cmocka_unit_test(test_long_search_can_be_cancelled),
        cmocka_unit_test(test_patterns_match_as_the_table_says),
        cmocka_unit_test(test_many_stars_end_soon),
        cmocka_unit_test(test_what_is_a_pattern),
        cmocka_unit_test(test_paths_are_joined),
        cmocka_unit_test(test_names_of_entries_are_one_component),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
