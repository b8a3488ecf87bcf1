/* The attributes that transfers give to directories. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client_bed.h"

static const struct timespec long_ago[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1100000000 } };

static void make_dir(const char *path, mode_t mode)
{
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void age(const char *path)
{
    assert_int_equal(utimensat(AT_FDCWD, path, long_ago, AT_SYMLINK_NOFOLLOW), 0);
}

static bool is_as_of_old(const char *path, mode_t mode)
{
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    return (st.st_mode & 07777) == mode && st.st_mtim.tv_sec == long_ago[1].tv_sec;
}

/* ---- who may rename in the target ---- */

/* Puts another directory where the one stands that is being filled. */
static int swap(const char *srcpath, const char *dstpath, uint64_t bytes, uint64_t total, void *user)
{
    (void)srcpath, (void)dstpath, (void)bytes, (void)total, (void)user;
    assert_int_equal(rename(at("copy/dir"), at("copy/away")), 0);
    assert_int_equal(rename(at("other"), at("copy/dir")), 0);
    return 0;
}

static void swap_a_directory(struct loopback *l)
{
    sshio_conn *conn = NULL;
    struct stat st;
    sshio_sftp *sftp = start(l, &conn, NULL);
    make_dir(at("tree"), 0755);
    make_dir(at("tree/dir"), 0777);
    make_dir(at("copy"), 0777);
    make_dir(at("other"), 0700);
    fill(at("tree/dir/file"), 10);
    age(at("tree/dir"));
    must(sshio_sftp_get(sftp, at("tree/dir"), at("copy"),
                        SSHIO_COPY(.recurse = true, .preserve = true, .progress = swap)));
    assert_int_equal(stat(at("copy/dir"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_not_equal(st.st_mtim.tv_sec, long_ago[1].tv_sec);
    assert_true(is_as_of_old(at("copy/away"), 0777));
    finish(sftp, conn);
}

static void test_attributes_go_to_the_directory_that_was_made(void **state)
{
    (void)state;
    run_with(swap_a_directory, serve_files);
}

/* ---- when they are set ---- */

static void make_tree(void)
{
    make_dir(at("tree"), 0755);
    make_dir(at("tree/a"), 0755);
    make_dir(at("tree/a/b"), 0755);
    fill(at("tree/a/b/large"), 600000); /* copied by the walk, while others copy the small ones */
    for (int i = 0; i < 40; i++) {
        char name[32];
        snprintf(name, sizeof name, "tree/a/b/%d", i);
        fill(at(name), 20);
        snprintf(name, sizeof name, "tree/a/%d", i);
        fill(at(name), 20);
    }
    assert_int_equal(symlink("b", at("tree/a/link")), 0);
    age(at("tree/a/link"));
    make_dir(at("tree/empty"), 0711);
    const char *const dirs[] = { "tree/a/b", "tree/a", "tree/empty", "tree" };
    for (size_t i = 0; i < COUNT(dirs); i++) {
        chmod(at(dirs[i]), i == 2 ? 0711 : 0555);
        age(at(dirs[i]));
    }
}

static void remove_trees(void)
{
    char command[512];
    snprintf(command, sizeof command, "chmod -R u+w %s %s && rm -rf %s %s", at("got"), at("there"), at("got"),
             at("there"));
    assert_int_equal(system(command), 0);
}

static void check_tree(const char *root)
{
    static const struct {
        const char *name;
        mode_t mode;
    } rows[] = { { "", 0555 }, { "/a", 0555 }, { "/a/b", 0555 }, { "/empty", 0711 }, { "/a/link", 0777 } };
    char path[64];
    for (size_t i = 0; i < COUNT(rows); i++) {
        snprintf(path, sizeof path, "%s%s", root, rows[i].name);
        if (!is_as_of_old(at(path), rows[i].mode))
            fail_msg("%s", path);
    }
    snprintf(path, sizeof path, "%s/a/b/large", root);
    assert_true(same(at("tree/a/b/large"), at(path)));
    snprintf(path, sizeof path, "%s/a/39", root);
    assert_true(same(at("tree/a/39"), at(path)));
}

/* Their owner could not fill them if their modes came earlier, and files in them change their times. */
static void copy_closed_directories(struct loopback *l)
{
    make_tree();
    for (int version = 3; version <= 6; version += 3) {
        sshio_conn *conn = NULL;
        sshio_sftp *sftp = start(l, &conn, SSHIO_SFTP(.sftp_version = version));
        must(sshio_sftp_get(sftp, at("tree"), at("got"), SSHIO_COPY(.recurse = true, .preserve = true)));
        check_tree("got");
        must(sshio_sftp_put(sftp, at("tree"), at("there"), SSHIO_COPY(.recurse = true, .preserve = true)));
        check_tree("there");
        remove_trees();
        finish(sftp, conn);
    }
    assert_int_equal(chmod(at("tree"), 0755) | chmod(at("tree/a"), 0755) | chmod(at("tree/a/b"), 0755), 0);
}

static void test_directories_are_filled_before_their_attributes_are_set(void **state)
{
    (void)state;
    run_with(copy_closed_directories, serve_files);
}

/* ---- how many are open ---- */

enum { MANY = 200, OPEN_MAX_HERE = 160 };

static void copy_many_directories(struct loopback *l)
{
    struct rlimit few, was;
    sshio_conn *conn = NULL;
    sshio_sftp *sftp = start(l, &conn, NULL);
    make_dir(at("tree"), 0755);
    for (int i = 0; i < MANY; i++) {
        char name[32];
        snprintf(name, sizeof name, "tree/%d", i);
        make_dir(at(name), 0755);
        snprintf(name, sizeof name, "tree/%d/inner", i);
        make_dir(at(name), 0755);
        age(at(name));
    }
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    few = (struct rlimit){ .rlim_cur = OPEN_MAX_HERE, .rlim_max = was.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    int rc = sshio_sftp_get(sftp, at("tree"), at("got"), SSHIO_COPY(.recurse = true, .preserve = true));
    setrlimit(RLIMIT_NOFILE, &was);
    must(rc);
    assert_true(is_as_of_old(at("got/0/inner"), 0755) && is_as_of_old(at("got/199/inner"), 0755));
    finish(sftp, conn);
}

static void test_directories_that_are_whole_are_not_kept_open(void **state)
{
    (void)state;
    run_with(copy_many_directories, serve_files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_attributes_go_to_the_directory_that_was_made, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_directories_are_filled_before_their_attributes_are_set, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_directories_that_are_whole_are_not_kept_open, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
