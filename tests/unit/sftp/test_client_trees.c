/* Transfers of the SFTP client, also of what changes meanwhile, patterns, and walks, with our own server in one
 * process. */
#include "client_bed.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

/* ---- transfers ---- */

static void transfer_each_version(struct loopback *l)
{
    fill(at("data"), 1500001);
    for (int version = 3; version <= 6; version++) {
        sshio_conn *conn = NULL;
        sshio_sftp *sftp = start(l, &conn, SSHIO_SFTP(.sftp_version = version));
        must(sshio_sftp_put(sftp, at("data"), at("there"), SSHIO_COPY(.preserve = true)));
        must(sshio_sftp_get(sftp, at("there"), at("back"), SSHIO_COPY(.atomic = true)));
        must(sshio_sftp_copy(sftp, at("there"), at("copy"), SSHIO_COPY(.remote_only = true)));
        assert_true(same(at("data"), at("there")) && same(at("data"), at("back")) && same(at("data"), at("copy")));
        unlink(at("there"));
        unlink(at("back"));
        unlink(at("copy"));
        finish(sftp, conn);
    }
}

static void test_transfers_of_each_version_are_whole(void **state)
{
    (void)state;
    run_with(transfer_each_version, serve_files);
}

/* Version 3 has no such times: they are left out, and the file is transferred all the same. */
static void keep_old_times(struct loopback *l)
{
    const struct timespec old[2] = { { .tv_sec = -1000 }, { .tv_sec = -2000, .tv_nsec = 5 } };
    fill(at("data"), 10);
    assert_int_equal(utimensat(AT_FDCWD, at("data"), old, 0), 0);
    for (int version = 3; version <= 4; version++) {
        sshio_conn *conn = NULL;
        struct stat st;
        sshio_sftp *sftp = start(l, &conn, SSHIO_SFTP(.sftp_version = version));
        must(sshio_sftp_put(sftp, at("data"), at("there"), SSHIO_COPY(.preserve = true)));
        assert_int_equal(stat(at("there"), &st), 0);
        assert_true(version == 3 ? st.st_mtime > 0 : st.st_mtime == -2000 && st.st_mtim.tv_nsec == 5);
        finish(sftp, conn);
    }
}

static void test_times_that_a_version_has_not_are_left_out(void **state)
{
    (void)state;
    run_with(keep_old_times, serve_files);
}

struct found_ranges {
    unsigned count;
    uint64_t first, last_end;
};

static int note_range(uint64_t offset, uint64_t length, void *user)
{
    struct found_ranges *f = user;
    if (f->count++ == 0)
        f->first = offset;
    assert_true(length > 0 && offset >= f->last_end);
    f->last_end = offset + length;
    return 0;
}

static int end_at_once(uint64_t offset, uint64_t length, void *user)
{
    (void)offset, (void)length, (void)user;
    return 17;
}

static void check_ranges(sshio_sftp *sftp, const char *path)
{
    struct found_ranges f = { 0, 0, 0 };
    sshio_sftp_file *file = NULL;
    must(sshio_sftp_open(sftp, path, "r", NULL, &file));
    must(sshio_sftp_file_request_ranges(file, 0, UINT64_MAX, note_range, &f));
    assert_int_equal(f.count, 2);
    assert_true(f.first == 0 && f.last_end > 5 << 20 && f.last_end <= 6 << 20);
    assert_int_equal(sshio_sftp_file_request_ranges(file, 0, 9 << 20, end_at_once, NULL), 17);
    must(sshio_sftp_file_close(file));
}

/* A file with a hole in the middle and one at the end: ranges@asyncssh.com. (spec: sparse) */
static void keep_holes(struct loopback *l)
{
    sshio_conn *conn = NULL;
    struct stat st;
    sshio_sftp *sftp = start(l, &conn, NULL);
    int fd = open(at("holes"), O_RDWR | O_CREAT, 0600);
    assert_int_equal(pwrite(fd, "x", 1, 0), 1);
    assert_int_equal(pwrite(fd, "y", 1, 5 << 20), 1);
    assert_int_equal(ftruncate(fd, 9 << 20), 0);
    close(fd);
    check_ranges(sftp, at("holes"));
    must(sshio_sftp_get(sftp, at("holes"), at("got"), NULL));
    must(sshio_sftp_copy(sftp, at("holes"), at("copy"), NULL));
    assert_true(same(at("holes"), at("got")) && same(at("holes"), at("copy")));
    assert_int_equal(stat(at("got"), &st), 0);
    assert_true(st.st_blocks * 512 < 1 << 20);
    finish(sftp, conn);
}

static void test_holes_are_not_transferred(void **state)
{
    (void)state;
    run_with(keep_holes, serve_files);
}

/* ---- sources that change meanwhile ---- */

static uint64_t new_size;
static char changed[64]; /* the name of the file that is copied last */

/* When one file has arrived the other one gets another size than it had when it was looked at. */
static int change_other(const char *srcpath, const char *dstpath, uint64_t bytes, uint64_t total, void *user)
{
    (void)dstpath, (void)user;
    if (changed[0] == '\0' && bytes == total) {
        snprintf(changed, sizeof changed, "%s", strstr(srcpath, "pair/one") != NULL ? "two" : "one");
        char path[192];
        snprintf(path, sizeof path, "%s/pair/%s", folder, changed);
        assert_int_equal(truncate(path, (off_t)new_size), 0);
    }
    return 0;
}

static int copy_pair(sshio_sftp *sftp, unsigned way, sshio_tri sparse, uint64_t size)
{
    static int (*const ways[])(sshio_sftp *, const char *, const char *,
                               const sshio_copy_options *) = { sshio_sftp_mget, sshio_sftp_mput, sshio_sftp_mcopy };
    changed[0] = '\0';
    new_size = size;
    fill(at("pair/one"), 2000000);
    fill(at("pair/two"), 2000000);
    return ways[way](sftp, at("pair/*"), at("into"), SSHIO_COPY(.progress = change_other, .sparse = sparse));
}

static void check_shrunk(sshio_sftp *sftp, unsigned way, sshio_tri sparse, uint64_t size)
{
    assert_int_equal(copy_pair(sftp, way, sparse, size), SSHIO_ESFTP_FAILURE);
    const sshio_error *e = sshio_error_last();
    assert_non_null(strstr(sshio_error_message(), "Unexpected EOF"));
    assert_string_equal(strrchr(e->srcpath, '/') + 1, changed);
    assert_true(e->offset <= size);
}

/* Row 22 of spec 5.19: what has become shorter is an error, where the source tells its holes and where not, and what
 * has become longer is copied up to the length that it had. */
static void change_sources(struct loopback *l)
{
    sshio_conn *conn = NULL;
    struct stat st;
    char copy[192];
    sshio_sftp *sftp = start(l, &conn, NULL);
    assert_int_equal(mkdir(at("pair"), 0700), 0);
    assert_int_equal(mkdir(at("into"), 0700), 0);
    for (unsigned i = 0; i < 6; i++) {
        sshio_tri sparse = i % 2 == 0 ? SSHIO_YES : SSHIO_NO;
        check_shrunk(sftp, i / 2, sparse, 0);
        check_shrunk(sftp, i / 2, sparse, 1000000);
        must(copy_pair(sftp, i / 2, sparse, 3000000));
        snprintf(copy, sizeof copy, "%s/into/%s", folder, changed);
        assert_int_equal(stat(copy, &st), 0);
        assert_int_equal(st.st_size, 2000000);
    }
    finish(sftp, conn);
}

static void test_sources_that_change_meanwhile(void **state)
{
    (void)state;
    run_with(change_sources, serve_files);
}

/* ---- walking ---- */

static void touch(const char *name)
{
    fill(at(name), 1);
}

/* The entries, with their depths, put in order: directories come in the order of the disk. */
static unsigned walked(sshio_sftp *sftp, const char *top, const char *prune, char seen[16][64])
{
    sshio_sftp_walk *walk = NULL;
    const sshio_sftp_walk_entry *entry = NULL;
    unsigned count = 0;
    int rc = 0;
    must(sshio_sftp_walk_open(sftp, top, &walk));
    while (count < 16 && (rc = sshio_sftp_walk_next(walk, &entry)) == 0) {
        snprintf(seen[count++], 64, "%s%s %u", entry->path + strlen(top) + 1, entry->is_dir ? "/" : "", entry->depth);
        if (strcmp(entry->name->filename, prune) == 0)
            sshio_sftp_walk_prune(walk);
    }
    assert_int_equal(rc, SSHIO_EEOF);
    assert_int_equal(sshio_sftp_walk_next(walk, &entry), SSHIO_EEOF);
    sshio_sftp_walk_close(walk);
    qsort(seen, count, 64, (int (*)(const void *, const void *))strcmp);
    return count;
}

static void check_walked(sshio_sftp *sftp, const char *prune, const char *const *wanted, unsigned count)
{
    char seen[16][64];
    assert_int_equal(walked(sftp, at("w"), prune, seen), count);
    for (unsigned i = 0; i < count; i++)
        assert_string_equal(seen[i], wanted[i]);
}

/* Spec 5.17 number 11, and issue: walk helpers. */
static void walk_tree(struct loopback *l)
{
    static const char *const all[] = { "a/ 1", "a/b/ 2", "a/b/c/ 3", "a/b/c/f 4", "a/b/f 3", "f 1", "link 1" };
    static const char *const pruned[] = { "a/ 1", "a/b/ 2", "f 1", "link 1" };
    sshio_conn *conn = NULL;
    sshio_sftp_walk *walk = NULL;
    const sshio_sftp_walk_entry *entry = NULL;
    sshio_sftp *sftp = start(l, &conn, NULL);
    must(sshio_sftp_makedirs(sftp, at("w/a/b/c"), NULL, false));
    touch("w/f");
    touch("w/a/b/f");
    touch("w/a/b/c/f");
    assert_int_equal(symlink("a", at("w/link")), 0);
    check_walked(sftp, "", all, COUNT(all));
    check_walked(sftp, "b", pruned, COUNT(pruned));
    must(sshio_sftp_walk_open(sftp, at("none"), &walk));
    assert_int_equal(sshio_sftp_walk_next(walk, &entry), SSHIO_ESFTP_NO_SUCH_FILE);
    assert_int_equal(sshio_sftp_walk_next(walk, &entry), SSHIO_EEOF);
    sshio_sftp_walk_close(walk);
    must(sshio_sftp_walk_open(sftp, at("w"), &walk)); /* closed in the middle */
    must(sshio_sftp_walk_next(walk, &entry));
    sshio_sftp_walk_close(walk);
    finish(sftp, conn);
}

static void test_trees_are_walked_through(void **state)
{
    (void)state;
    run_with(walk_tree, serve_files);
}

/* A directory that goes away while it is ahead is an error, and the rest follows. */
static void walk_past_error(struct loopback *l)
{
    sshio_conn *conn = NULL;
    sshio_sftp_walk *walk = NULL;
    const sshio_sftp_walk_entry *entry = NULL;
    unsigned errors = 0, entries = 0;
    int rc;
    sshio_sftp *sftp = start(l, &conn, NULL);
    must(sshio_sftp_makedirs(sftp, at("w/gone"), NULL, false));
    touch("w/a");
    touch("w/z");
    must(sshio_sftp_walk_open(sftp, at("w"), &walk));
    while ((rc = sshio_sftp_walk_next(walk, &entry)) != SSHIO_EEOF) {
        entries += rc == 0;
        errors += rc == SSHIO_ESFTP_NO_SUCH_FILE;
        if (rc == 0 && entry->is_dir)
            assert_int_equal(rmdir(at("w/gone")), 0);
    }
    assert_true(entries == 3 && errors == 1);
    sshio_sftp_walk_close(walk);
    finish(sftp, conn);
}

static void test_walk_goes_on_behind_what_fails(void **state)
{
    (void)state;
    run_with(walk_past_error, serve_files);
}

/* ---- patterns ---- */

static void copy_by_pattern(struct loopback *l)
{
    sshio_conn *conn = NULL;
    sshio_sftp *sftp = start(l, &conn, NULL);
    sshio_sftp_names names = { 0, NULL };
    fill(at("one.c"), 10);
    fill(at("two.c"), 20);
    fill(at("three.h"), 30);
    assert_int_equal(mkdir(at("into"), 0700), 0);
    must(sshio_sftp_mcopy(sftp, at("*.c"), at("into"), NULL));
    assert_true(same(at("one.c"), at("into/one.c")) && same(at("two.c"), at("into/two.c")));
    assert_int_equal(access(at("into/three.h"), F_OK), -1);
    must(sshio_sftp_glob_sftpname(sftp, SSHIO_LIST(at("t*"), at("one.c")), &names));
    assert_int_equal(names.count, 3);
    for (size_t i = 0; i < names.count; i++)
        assert_int_equal(names.items[i]->attrs.size, strstr(names.items[i]->filename, "one.c")   ? 10
                                                     : strstr(names.items[i]->filename, "two.c") ? 20
                                                                                                 : 30);
    sshio_sftp_names_free(&names);
    finish(sftp, conn);
}

static void test_copies_by_pattern(void **state)
{
    (void)state;
    run_with(copy_by_pattern, serve_files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_transfers_of_each_version_are_whole, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_times_that_a_version_has_not_are_left_out, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_holes_are_not_transferred, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_sources_that_change_meanwhile, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_copies_by_pattern, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_trees_are_walked_through, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_walk_goes_on_behind_what_fails, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
