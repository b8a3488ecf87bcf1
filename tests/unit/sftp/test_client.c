/* The SFTP client and our own server in one process: each version, text, cancelled calls, many calls at once, and the
 * end of the session. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client_bed.h"

#include "base/memory.h"
#include "sftp/gang.h"
#include "sftp/status.h"

/* ---- each version ---- */

static void check_file(sshio_sftp *sftp)
{
    sshio_sftp_file *file = NULL;
    sshio_sftp_attrs *attrs = NULL;
    sshio_bytes data = { NULL, 0 };
    uint64_t position = 0;
    const int64_t ns[2] = { 1000000000000000001, 1100000000000000002 };
    int64_t mtime = 0;
    must(sshio_sftp_open(sftp, at("file"), "w+", NULL, &file));
    must(sshio_sftp_file_write(file, "0123456789", 10));
    must(sshio_sftp_file_tell(file, &position));
    assert_int_equal(position, 10);
    must(sshio_sftp_file_seek(file, -3, SEEK_END, &position));
    assert_int_equal(position, 7);
    must(sshio_sftp_file_read_all(file, &data));
    assert_int_equal(data.len, 3);
    assert_memory_equal(data.data, "789", 3);
    must(sshio_sftp_file_chmod(file, 0600));
    must(sshio_sftp_file_utime_ns(file, ns));
    must(sshio_sftp_file_fsync(file));
    must(sshio_sftp_file_stat(file, &attrs));
    assert_int_equal(attrs->size, 10);
    assert_int_equal(attrs->permissions & 07777, 0600);
    must(sshio_sftp_file_close(file));
    must(sshio_sftp_getmtime_ns(sftp, at("file"), &mtime));
    assert_int_equal(mtime, sshio_sftp_version(sftp) >= 4 ? ns[1] : 1100000000000000000);
    sshio_sftp_attrs_free(attrs);
    sshio_bytes_free(&data);
}

static void check_locks(sshio_sftp *sftp)
{
    sshio_sftp_file *file = NULL;
    must(sshio_sftp_open(sftp, at("file"), "r+", NULL, &file));
    int rc = sshio_sftp_file_lock(file, 0, 5, SSHIO_FXF_BLOCK_WRITE | SSHIO_FXF_BLOCK_ADVISORY);
    if (sshio_sftp_version(sftp) < 6) {
        assert_int_equal(rc, SSHIO_ESFTP_OP_UNSUPPORTED);
    } else {
        must(rc);
        must(sshio_sftp_file_unlock(file, 0, 5));
        assert_int_equal(sshio_sftp_file_unlock(file, 0, 5), SSHIO_ESFTP_NO_MATCHING_BYTE_RANGE_LOCK);
    }
    must(sshio_sftp_file_close(file));
}

static void check_names(sshio_sftp *sftp)
{
    char *text = NULL;
    bool yes = false;
    sshio_sftp_names names = { 0, NULL };
    must(sshio_sftp_symlink(sftp, "file", at("link")));
    must(sshio_sftp_readlink(sftp, at("link"), &text));
    assert_string_equal(text, "file");
    must(sshio_sftp_link(sftp, at("file"), at("hard")));
    must(sshio_sftp_makedirs(sftp, at("a/b/c"), NULL, false));
    must(sshio_sftp_isdir(sftp, at("a/b"), &yes));
    assert_true(yes);
    must(sshio_sftp_readdir(sftp, folder, &names));
    assert_int_equal(names.count, 6); /* with . and .. */
    assert_int_equal(sshio_sftp_rename(sftp, at("file"), at("hard"), 0),
                     sshio_sftp_version(sftp) >= 4 ? SSHIO_ESFTP_FILE_ALREADY_EXISTS : SSHIO_ESFTP_FAILURE);
    must(sshio_sftp_posix_rename(sftp, at("hard"), at("other")));
    must(sshio_sftp_rmtree(sftp, at("a"), false, NULL, NULL));
    must(sshio_sftp_remove(sftp, at("link")));
    must(sshio_sftp_remove(sftp, at("other")));
    sshio_sftp_names_free(&names);
    sshio_free(text);
}

static void use_each_version(struct loopback *l)
{
    for (int version = 3; version <= 6; version++) {
        sshio_conn *conn = NULL;
        sshio_sftp *sftp = start(l, &conn, SSHIO_SFTP(.sftp_version = version));
        assert_int_equal(sshio_sftp_version(sftp), version);
        assert_true(sshio_sftp_supports_remote_copy(sftp));
        check_file(sftp);
        check_locks(sftp);
        check_names(sftp);
        finish(sftp, conn);
    }
    sshio_conn *conn = loopback_connect(l);
    sshio_sftp *sftp = NULL;
    assert_int_equal(sshio_start_sftp_client(conn, SSHIO_SFTP(.sftp_version = 7), &sftp), SSHIO_EINVAL);
    sshio_conn_unref(conn);
}

static void test_each_version_does_all_there_is(void **state)
{
    (void)state;
    run_with(use_each_version, serve_files);
}

/* ---- cancelling ---- */

static sshio_task *busy;

static int cancel_it(const char *srcpath, const char *dstpath, uint64_t bytes, uint64_t total, void *user)
{
    (void)srcpath, (void)dstpath, (void)bytes, (void)total, (void)user;
    sshio_cancel(busy);
    return 0;
}

static int fetch(void *arg)
{
    return sshio_sftp_get(arg, at("data"), at("part"), SSHIO_COPY(.progress = cancel_it, .block_size = 4096));
}

static int store(void *arg)
{
    return sshio_sftp_put(arg, at("data"), at("part"), SSHIO_COPY(.progress = cancel_it, .block_size = 4096));
}

static void cancel_transfers(struct loopback *l)
{
    static const sshio_task_fn kinds[] = { fetch, store };
    sshio_conn *conn = NULL;
    sshio_sftp *sftp = start(l, &conn, NULL);
    fill(at("data"), 3000000);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        int result = 0;
        bool yes = false;
        must(sshio_spawn(kinds[i], sftp, &busy));
        must(sshio_join(busy, &result));
        assert_int_equal(result, SSHIO_ECANCELED);
        must(sshio_sftp_exists(sftp, at("data"), &yes)); /* the session lives on */
        assert_true(yes);
    }
    finish(sftp, conn);
}

static void test_cancelled_transfer_leaves_the_session_usable(void **state)
{
    (void)state;
    run_with(cancel_transfers, serve_files);
}

/* The small files of a tree are copied by other tasks, which end with the one that was told to be quick. */
static void be_quick(struct loopback *l)
{
    sshio_conn *conn = NULL;
    sshio_sftp *sftp = start(l, &conn, NULL);
    bool yes = false;
    assert_int_equal(mkdir(at("tree"), 0700), 0);
    for (int i = 0; i < 50; i++) {
        char name[32];
        snprintf(name, sizeof name, "tree/%d", i);
        fill(at(name), 100);
    }
    int rc = sshio_sftp_get(sftp, at("tree"), at("copy"), SSHIO_COPY(.recurse = true, .timeout = 1e-6));
    assert_int_equal(rc, SSHIO_ETIMEDOUT);
    must(sshio_sftp_get(sftp, at("tree"), at("copy"), SSHIO_COPY(.recurse = true, .timeout = 100)));
    must(sshio_sftp_exists(sftp, at("copy/49"), &yes));
    assert_true(yes || access(at("copy/tree/49"), F_OK) == 0);
    finish(sftp, conn);
}

static void test_transfer_has_a_time_limit(void **state)
{
    (void)state;
    run_with(be_quick, serve_files);
}

static int open_and_forget(void *arg)
{
    sshio_sftp_file *file = NULL;
    int rc = sshio_sftp_open(arg, at("data"), "r", NULL, &file);
    sshio_sftp_file_close(file);
    return rc;
}

/* The handle that a cancelled OPEN would have got is closed when the reply comes: a server has 1024 of them. */
static void cancel_opens(struct loopback *l)
{
    sshio_conn *conn = NULL;
    sshio_sftp *sftp = start(l, &conn, NULL);
    fill(at("data"), 10);
    for (int i = 0; i < 1500; i++) {
        int result = 0;
        must(sshio_spawn(open_and_forget, sftp, &busy));
        sshio_sleep(0); /* it has begun */
        sshio_cancel(busy);
        must(sshio_join(busy, &result));
        if (i % 50 == 0) /* the server is not to fall behind */
            must(open_and_forget(sftp));
    }
    assert_int_equal(open_and_forget(sftp), 0);
    finish(sftp, conn);
}

static void test_handle_of_a_cancelled_open_is_closed(void **state)
{
    (void)state;
    run_with(cancel_opens, serve_files);
}

/* ---- many at once ---- */

struct asking_one {
    sshio_sftp *sftp;
};

static int ask_one(void *arg)
{
    uint64_t size = 0;
    int rc = sshio_sftp_getsize(((struct asking_one *)arg)->sftp, at("data"), &size);
    return rc != 0 ? rc : size == 10 ? 0 : SSHIO_EINVAL;
}

/* More than the table holds: the others wait for a place. */
static void ask_many(struct loopback *l)
{
    enum { MANY = CLIENT_REQUESTS_MAX + 500 };
    sshio_conn *conn = NULL;
    sshio_sftp *sftp = start(l, &conn, NULL);
    struct asking_one *all = calloc(MANY, sizeof *all);
    fill(at("data"), 10);
    for (size_t i = 0; i < MANY; i++)
        all[i].sftp = sftp;
    must(sshio_gather(ask_one, all, MANY, sizeof *all));
    assert_int_equal(sftp->slots_used, 0);
    free(all);
    finish(sftp, conn);
}

static void test_more_requests_than_the_table_holds_wait(void **state)
{
    (void)state;
    run_with(ask_many, serve_files);
}

/* ---- ends ---- */

static void end_it(struct loopback *l)
{
    sshio_conn *conn = NULL;
    sshio_sftp *sftp = start(l, &conn, NULL);
    sshio_sftp_file *file = NULL;
    sshio_sftp_attrs *attrs = NULL;
    fill(at("data"), 10);
    must(sshio_sftp_open(sftp, at("data"), "r", NULL, &file));
    sshio_sftp_exit(sftp);
    sshio_sftp_exit(sftp);
    must(sshio_sftp_wait_closed(sftp));
    assert_int_equal(sshio_sftp_stat(sftp, "/", &attrs), SSHIO_ESFTP_NO_CONNECTION);
    assert_int_equal(sshio_sftp_get(sftp, at("data"), at("x"), NULL), SSHIO_ESFTP_NO_CONNECTION);
    assert_int_equal(sshio_error_last()->reason, SSHIO_FX_NO_CONNECTION);
    must(sshio_sftp_file_close(file));
    finish(sftp, conn);
}

static void test_calls_after_the_end_fail_and_close_succeeds(void **state)
{
    (void)state;
    run_with(end_it, serve_files);
}

static sshio_conn *doomed;

static int cut(const char *srcpath, const char *dstpath, uint64_t bytes, uint64_t total, void *user)
{
    (void)srcpath, (void)dstpath, (void)bytes, (void)total, (void)user;
    sshio_conn_abort(doomed);
    return 0;
}

static void lose_it(struct loopback *l)
{
    sshio_sftp *sftp = start(l, &doomed, NULL);
    fill(at("data"), 3000000);
    int rc = sshio_sftp_get(sftp, at("data"), at("part"), SSHIO_COPY(.progress = cut, .block_size = 4096));
    assert_int_equal(rc, SSHIO_ESFTP_CONNECTION_LOST);
    assert_string_equal(sshio_error_last()->srcpath, at("data"));
    assert_string_equal(sshio_error_last()->dstpath, at("part"));
    finish(sftp, doomed);
}

static void test_lost_connection_ends_a_transfer(void **state)
{
    (void)state;
    run_with(lose_it, serve_files);
}

/* ---- text ---- */

static void use_encoding(struct loopback *l)
{
    sshio_conn *conn = NULL;
    sshio_sftp *sftp = start(l, &conn, SSHIO_SFTP(.path_encoding = "latin1"));
    sshio_sftp_file *file = NULL;
    sshio_texts names = { 0, NULL };
    bool found = false;
    must(sshio_sftp_open(sftp, at("caf\xc3\xa9"), "w", NULL, &file));
    must(sshio_sftp_file_close(file));
    assert_int_equal(access(at("caf\xe9"), F_OK), 0);
    must(sshio_sftp_listdir(sftp, folder, &names));
    for (size_t i = 0; i < names.count; i++)
        found |= strcmp(names.items[i], "caf\xc3\xa9") == 0;
    assert_true(found);
    assert_int_equal(sshio_sftp_remove(sftp, at("\xe2\x82\xac")), SSHIO_ESFTP_BAD_MESSAGE); /* no euro in it */
    sshio_texts_free(&names);
    finish(sftp, conn);
    sftp = start(l, &conn, SSHIO_SFTP(.path_encoding = "utf-8"));
    assert_int_equal(sshio_sftp_listdir(sftp, folder, &names), SSHIO_ESFTP_BAD_MESSAGE);
    finish(sftp, conn);
    sftp = start(l, &conn, NULL); /* bytes */
    must(sshio_sftp_remove(sftp, at("caf\xe9")));
    finish(sftp, conn);
}

static void test_paths_are_bytes_or_text_in_an_encoding(void **state)
{
    (void)state;
    run_with(use_encoding, serve_files);
}

static void check_text_of_file(struct loopback *l)
{
    sshio_conn *conn = NULL;
    sshio_sftp *sftp = start(l, &conn, NULL);
    sshio_sftp_file *file = NULL;
    char buffer[8];
    size_t got = 0;
    const sshio_sftp_open_options *text = SSHIO_SFTP_OPEN(.encoding = "utf-8");
    must(sshio_sftp_open(sftp, at("text"), "w+", text, &file));
    must(sshio_sftp_file_write(file, "a\xc3\xa9\xe2\x82\xac", 6));
    assert_int_equal(sshio_sftp_file_write(file, "\xff", 1), SSHIO_EDECODE);
    must(sshio_sftp_file_pread(file, buffer, 2, 0, &got)); /* a character cut at the end … */
    must(sshio_sftp_file_read(file, buffer, 2, &got));     /* … and at the beginning */
    must(sshio_sftp_file_seek(file, 0, SEEK_SET, NULL));
    must(sshio_sftp_file_pread(file, buffer, 2, 4, &got)); /* wherever the file stands */
    must(sshio_sftp_file_close(file));
    must(sshio_sftp_open(sftp, at("text"), "w+", NULL, &file));
    must(sshio_sftp_file_write(file, "a\xff", 2));
    must(sshio_sftp_file_close(file));
    must(sshio_sftp_open(sftp, at("text"), "r", text, &file));
    assert_int_equal(sshio_sftp_file_read(file, buffer, 8, &got), SSHIO_EDECODE);
    assert_int_equal(sshio_sftp_file_pread(file, buffer, 8, 0, &got), SSHIO_EDECODE);
    must(sshio_sftp_file_close(file));
    assert_int_equal(sshio_sftp_open(sftp, at("text"), "r", SSHIO_SFTP_OPEN(.encoding = "latin1"), &file),
                     SSHIO_EINVAL);
    finish(sftp, conn);
}

static void test_text_in_files_is_checked(void **state)
{
    (void)state;
    run_with(check_text_of_file, serve_files);
}

/* ---- attributes ---- */

static void set_attributes(struct loopback *l)
{
    sshio_conn *conn = NULL;
    sshio_sftp *sftp = start(l, &conn, SSHIO_SFTP(.sftp_version = 6));
    sshio_sftp_attrs *attrs = NULL;
    const double times[2] = { 1000.25, -2000.5 };
    const int64_t link_ns[2] = { 5000000001, 6000000002 };
    double crtime = 0;
    int64_t crtime_ns = 0;
    fill(at("data"), 10);
    assert_int_equal(symlink("data", at("link")), 0);
    must(sshio_sftp_utime(sftp, at("link"), times, SSHIO_UNSET));
    must(sshio_sftp_utime_ns(sftp, at("link"), link_ns, SSHIO_NO));
    must(sshio_sftp_setstat(sftp, at("data"),
                            SSHIO_SFTP_ATTRS(.valid = SSHIO_FILEXFER_ATTR_PERMISSIONS, .permissions = 0604),
                            SSHIO_UNSET));
    must(sshio_sftp_stat(sftp, at("link"), &attrs));
    assert_int_equal(attrs->type, SSHIO_FILEXFER_TYPE_REGULAR);
    assert_int_equal(attrs->permissions & 07777, 0604);
    assert_true(attrs->mtime == -2001 && attrs->mtime_ns == 500000000 && attrs->atime == 1000);
    sshio_sftp_attrs_free(attrs);
    must(sshio_sftp_lstat(sftp, at("link"), &attrs));
    assert_int_equal(attrs->type, SSHIO_FILEXFER_TYPE_SYMLINK);
    assert_true(attrs->mtime == 6 && attrs->mtime_ns == 2);
    sshio_sftp_attrs_free(attrs);
    must(sshio_sftp_getcrtime(sftp, at("data"), &crtime));
    must(sshio_sftp_getcrtime_ns(sftp, at("data"), &crtime_ns));
    assert_true((int64_t)crtime == crtime_ns / 1000000000 - (crtime_ns < 0));
    assert_int_equal(sshio_sftp_utime(sftp, at("data"), (const double[2]){ 1e300, 0 }, SSHIO_YES), SSHIO_EINVAL);
    finish(sftp, conn);
}

static void test_attributes_of_links_and_paths(void **state)
{
    (void)state;
    run_with(set_attributes, serve_files);
}

static void set_file_attributes(struct loopback *l)
{
    sshio_conn *conn = NULL;
    sshio_sftp *sftp = start(l, &conn, NULL);
    sshio_sftp_file *file = NULL;
    sshio_sftp_attrs *attrs = NULL;
    const double times[2] = { 1000, 2000 };
    must(sshio_sftp_open(sftp, at("data"), "w", NULL, &file));
    must(sshio_sftp_file_chown(file, getuid(), getgid()));
    assert_int_equal(sshio_sftp_file_chown_names(file, "nobody", "nogroup"), SSHIO_EINVAL); /* v3 */
    must(sshio_sftp_file_utime(file, times));
    must(sshio_sftp_file_setstat(file, SSHIO_SFTP_ATTRS(.valid = SSHIO_FILEXFER_ATTR_SIZE, .size = 77)));
    must(sshio_sftp_file_utime(file, times));
    must(sshio_sftp_file_stat(file, &attrs));
    assert_true(attrs->size == 77 && attrs->mtime == 2000 && attrs->uid == getuid());
    sshio_sftp_attrs_free(attrs);
    must(sshio_sftp_file_close(file));
    finish(sftp, conn);
}

static void test_attributes_of_open_files(void **state)
{
    (void)state;
    run_with(set_file_attributes, serve_files);
}

/* ---- what a server says ---- */

static int say(sshio_sftp_server *server, const char *path, sshio_request *req, void *user)
{
    (void)server, (void)req, (void)user;
    return sshio_raise_sftp((uint32_t)strtoul(path + 1, NULL, 10), "as asked");
}

static void serve_errors(struct loopback *l)
{
    static sshio_sftp_server_options options;
    static sshio_sftp_server_handlers handlers;
    sshio_sftp_server_options_init(&options);
    handlers.stat = say;
    options.handlers = &handlers;
    l->server_options.sftp_server = &options;
    l->server_options.sftp_version = 6;
}

static void hear_errors(struct loopback *l)
{
    sshio_conn *conn = NULL;
    sshio_sftp *sftp = start(l, &conn, SSHIO_SFTP(.sftp_version = 6));
    for (uint32_t code = SSHIO_FX_EOF; code <= SSHIO_FX_NO_MATCHING_BYTE_RANGE_LOCK; code++) {
        sshio_sftp_attrs *attrs = NULL;
        char path[16];
        if (code == SSHIO_FX_NO_CONNECTION || code == SSHIO_FX_CONNECTION_LOST)
            continue; /* no server sends these */
        snprintf(path, sizeof path, "/%u", (unsigned)code);
        int rc = sshio_sftp_stat(sftp, path, &attrs);
        assert_int_equal(rc, SSHIO_ESFTP - (int)code);
        assert_true(sshio_error_is(rc, SSHIO_E_SFTP));
        assert_int_equal(sshio_error_last()->reason, code);
        assert_non_null(strstr(sshio_error_message(), "as asked"));
        assert_non_null(strstr(sshio_error_message(), path));
    }
    finish(sftp, conn);
}

static void test_each_status_has_an_error_of_its_own(void **state)
{
    (void)state;
    run_with(hear_errors, serve_errors);
}

/* draft-ietf-secsh-filexfer-13 section 9.1: the names follow the message. */
static void test_unknown_principals_are_named(void **state)
{
    static const uint8_t wire[] = "\0\0\0\x10\0\0\0\2no\0\0\0\0\0\0\0\3joe\0\0\0\2me";
    struct status status;
    struct reader r;
    struct error e, copy;
    (void)state;
    error_init(&e);
    error_init(&copy);
    reader_init(&r, wire, sizeof wire - 1);
    assert_int_equal(status_read(&r, 5, false, &status, &e), 0);
    assert_int_equal(status_record(&status, &e), SSHIO_ESFTP_UNKNOWN_PRINCIPAL);
    error_copy(&copy, &e);
    error_clear(&e);
    assert_string_equal(copy.pub.unknown_names[0], "joe");
    assert_string_equal(copy.pub.unknown_names[1], "me");
    assert_null(copy.pub.unknown_names[2]);
    error_clear(&copy);
}

static void have_logger(struct loopback *l)
{
    sshio_conn *conn = NULL;
    sshio_sftp *sftp = start(l, &conn, NULL);
    assert_non_null(sshio_sftp_logger(sftp));
    assert_ptr_not_equal(sshio_sftp_logger(sftp), sshio_get_logger());
    finish(sftp, conn);
}

static void test_session_has_a_logger_of_its_own(void **state)
{
    (void)state;
    run_with(have_logger, serve_files);
}

/* ---- gangs ---- */

struct worker {
    struct gang *gang;
    unsigned *most;
    unsigned *done;
};

static int work(void *arg)
{
    struct worker *w = arg;
    if (w->gang->running > *w->most)
        *w->most = w->gang->running;
    int rc = sshio_sleep(0);
    *w->done += rc == 0;
    return rc;
}

static int run_gang(void *arg)
{
    struct gang gang;
    unsigned most = 0, done = 0;
    struct worker w = { &gang, &most, &done };
    (void)arg;
    gang_init(&gang, 3);
    for (int i = 0; i < 20; i++)
        must(gang_start(&gang, work, &w));
    must(gang_wait(&gang));
    assert_int_equal(most, 3);
    assert_int_equal(done, 20);
    return 0;
}

static void test_gang_works_so_many_at_a_time(void **state)
{
    (void)state;
    assert_int_equal(sshio_main(run_gang, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_version_does_all_there_is, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_cancelled_transfer_leaves_the_session_usable, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_transfer_has_a_time_limit, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_handle_of_a_cancelled_open_is_closed, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_more_requests_than_the_table_holds_wait, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_calls_after_the_end_fail_and_close_succeeds, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_lost_connection_ends_a_transfer, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_paths_are_bytes_or_text_in_an_encoding, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_text_in_files_is_checked, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_attributes_of_links_and_paths, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_attributes_of_open_files, make_folder, remove_folder),
        cmocka_unit_test(test_each_status_has_an_error_of_its_own),
        cmocka_unit_test(test_unknown_principals_are_named),
        cmocka_unit_test(test_session_has_a_logger_of_its_own),
        cmocka_unit_test(test_gang_works_so_many_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
