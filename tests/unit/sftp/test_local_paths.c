/* Texts of paths below a root: the lexical half of what keeps a client inside. */
#include "unit.h"

#include <stdlib.h>
#include <time.h>

#include <sshio/base.h>

#include "base/memory.h"
#include "sftp/local.h"

static void test_paths_are_cleaned(void **state)
{
    static const struct {
        const char *base, *path, *clean;
    } rows[] = {
        { "/", "", "/" },
        { "/", ".", "/" },
        { "/", "..", "/" },
        { "/", "a", "/a" },
        { "/", "a/b/", "/a/b" },
        { "/", "//a//b", "/a/b" },
        { "/", "///", "/" },
        { "/", "a/./b/../c", "/a/c" },
        { "/", "../../a", "/a" },
        { "/", "a/../../../b", "/b" },
        { "/x/y", "a", "/x/y/a" },
        { "/x/y", "../a", "/x/a" },
        { "/x/y", "../../../a", "/a" },
        { "/x/y", "/a", "/a" },
        { "/x/y", "//etc/passwd", "/etc/passwd" },
        { "/", "...", "/..." },
        { "/", ".../..", "/" },
        { "/", "..a/b..", "/..a/b.." },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *clean = NULL;
        assert_int_equal(path_clean(rows[i].base, rows[i].path, &clean), 0);
        assert_string_equal(clean, rows[i].clean);
        mem_free(clean);
    }
}

static void test_only_what_is_below_is_below(void **state)
{
    (void)state;
    assert_string_equal(path_below("/srv", "/srv"), "");
    assert_string_equal(path_below("/srv", "/srv/a"), "/a");
    assert_null(path_below("/srv", "/srv-x"));
    assert_null(path_below("/srv", "/"));
    assert_null(path_below("/srv", "/sr"));
    assert_string_equal(path_below("", "/etc"), "/etc");
}

static void test_paths_go_to_the_root_and_back(void **state)
{
    static const struct {
        const char *path, *mapped, *back;
    } rows[] = {
        { "", "/proc/", "/" },
        { "/", "/proc/", "/" },
        { "//etc/passwd", "/proc/etc/passwd", "/etc/passwd" },
        { "..", "/proc/", "/" },
        { "a/../../b", "/proc/b", "/b" },
        { "/proc/x", "/proc/proc/x", "/proc/x" },
    };
    struct local *local = NULL;
    char *mapped = NULL, *back = NULL;
    (void)state;
    assert_int_equal(local_new(&(struct local_options){ .chroot = "/proc/../proc/." }, &local), 0);
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(local_map(local, rows[i].path, &mapped), 0);
        assert_string_equal(mapped, rows[i].mapped);
        assert_int_equal(local_reverse_map(local, mapped, &back), 0);
        assert_string_equal(back, rows[i].back);
        mem_free(mapped);
        mem_free(back);
    }
    assert_int_equal(local_reverse_map(local, "/process", &back), SSHIO_ESFTP_NO_SUCH_FILE);
    assert_int_equal(local_reverse_map(local, "/etc", &back), SSHIO_ESFTP_NO_SUCH_FILE);
    local_free(local);
}

static void test_without_a_root_paths_stay_as_they_are(void **state)
{
    struct local *local = NULL;
    char *mapped = NULL;
    (void)state;
    assert_int_equal(local_new(&(struct local_options){ .start_dir = "/start" }, &local), 0);
    static const char *const rows[][2] = {
        { "/a/../b", "/a/../b" }, { "x", "/start/x" }, { "", "/start" }, { "..", "/" }
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(local_map(local, rows[i][0], &mapped), 0);
        assert_string_equal(mapped, rows[i][1]);
        mem_free(mapped);
    }
    local_free(local);
}

/* The file name begins at column 56 as long as nothing is too long for its column. */
static void test_longnames_are_as_of_ls(void **state)
{
    static const int64_t now = 1700000000; /* 14 Nov 2023 22:13:20 UTC */
    static const struct {
        sshio_sftp_attrs attrs;
        const char *line;
    } rows[] = {
        { { .valid = 0 }, "                                                        name" },
        { { .valid = SSHIO_FILEXFER_ATTR_PERMISSIONS | SSHIO_FILEXFER_ATTR_SIZE | SSHIO_FILEXFER_ATTR_MODIFYTIME |
                     SSHIO_FILEXFER_ATTR_LINK_COUNT,
            .type = SSHIO_FILEXFER_TYPE_REGULAR,
            .permissions = 0104751,
            .size = 12345678,
            .mtime = 1699999990,
            .nlink = 2 },
          "-rwsr-x--x    2 user     group    12345678 Nov 14 22:13 name" },
        { { .valid = SSHIO_FILEXFER_ATTR_PERMISSIONS | SSHIO_FILEXFER_ATTR_MODIFYTIME,
            .type = SSHIO_FILEXFER_TYPE_DIRECTORY,
            .permissions = 01776,
            .mtime = 86400 },
          "drwxrwxrwT      user     group             Jan  2  1970 name" },
        { { .valid = SSHIO_FILEXFER_ATTR_PERMISSIONS | SSHIO_FILEXFER_ATTR_MODIFYTIME,
            .type = SSHIO_FILEXFER_TYPE_SYMLINK,
            .permissions = 02070,
            .mtime = 1700000001 },
          "l---rws---      user     group             Nov 14  2023 name" },
    };
    (void)state;
    setenv("TZ", "UTC", 1);
    tzset();
    for (size_t i = 0; i < COUNT(rows); i++) {
        const sshio_sftp_name name = { "name", "", rows[i].attrs };
        char *line = NULL;
        assert_int_equal(local_longname(&name, i == 0 ? "" : "user", i == 0 ? "" : "group", now, &line), 0);
        assert_string_equal(line, rows[i].line);
        mem_free(line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_are_cleaned),
        cmocka_unit_test(test_only_what_is_below_is_below),
        cmocka_unit_test(test_paths_go_to_the_root_and_back),
        cmocka_unit_test(test_without_a_root_paths_stay_as_they_are),
        cmocka_unit_test(test_longnames_are_as_of_ls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
