/* An SFTP client whose n-th allocation fails, for the first n one by one, and then some: whatever comes of it, nothing
 * leaks, hangs or crashes, and a call that says that it succeeded has done what it was for. The server is in the same
 * process, so that it may be the one that lacks memory. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "session/run.h"

static char folder[64];

static void serve_files(struct loopback *l)
{
    static sshio_sftp_server_options options;
    sshio_sftp_server_options_init(&options);
    l->server_options.sftp_server = &options;
    l->server_options.sftp_version = 6;
}

static void put_file(const char *name, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (size_t i = 0; i < size; i++)
        fputc('x', file);
    fclose(file);
}

static bool has_size(const char *name, off_t size)
{
    char path[128];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return stat(path, &st) == 0 && st.st_size == size;
}

static int walk(sshio_sftp *sftp, const char *top)
{
    sshio_sftp_walk *walk = NULL;
    const sshio_sftp_walk_entry *entry = NULL;
    unsigned count = 0;
    int rc = sshio_sftp_walk_open(sftp, top, &walk);
    while (rc == 0 && (rc = sshio_sftp_walk_next(walk, &entry)) == 0)
        count++;
    sshio_sftp_walk_close(walk);
    assert_true(rc != SSHIO_EEOF || count == 2);
    return rc == SSHIO_EEOF ? 0 : rc;
}

static int work(sshio_sftp *sftp)
{
    char from[96], to[96], pattern[96];
    sshio_sftp_names names = { 0, NULL };
    sshio_texts paths = { 0, NULL };
    snprintf(from, sizeof from, "%s/tree", folder);
    snprintf(to, sizeof to, "%s/copy", folder);
    snprintf(pattern, sizeof pattern, "%s/tree/*", folder);
    int rc = sshio_sftp_get(sftp, from, to, SSHIO_COPY(.recurse = true, .preserve = true, .atomic = true));
    assert_true(rc != 0 || (has_size("copy/small", 10) && has_size("copy/large", 600000)));
    if (rc == 0)
        rc = sshio_sftp_readdir(sftp, from, &names);
    if (rc == 0)
        rc = sshio_sftp_glob(sftp, SSHIO_LIST(pattern), &paths);
    assert_true(rc != 0 || (names.count == 4 && paths.count == 2));
    if (rc == 0)
        rc = walk(sftp, from);
    if (rc == 0)
        rc = sshio_sftp_rmtree(sftp, to, false, NULL, NULL);
    sshio_sftp_names_free(&names);
    sshio_texts_free(&paths);
    return rc;
}

static int session(sshio_conn *conn)
{
    sshio_sftp *sftp = NULL;
    int rc = sshio_start_sftp_client(conn, SSHIO_SFTP(.sftp_version = 6), &sftp);
    if (rc == 0)
        rc = work(sftp);
    sshio_sftp_unref(sftp);
    return rc;
}

static void clear(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s/copy", folder);
    assert_int_equal(system(command), 0);
}

static void fail_each(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    assert_int_equal(session(conn), 0); /* what is made once is made */
    clear();
    uint64_t before = mem_allocations(), failed = 0;
    assert_int_equal(session(conn), 0);
    uint64_t count = mem_allocations() - before;
    clear();
    assert_true(count > 100);
    for (uint64_t n = 1; n <= count; n += 1 + n / 60) {
        mem_fail_at(n);
        int rc = session(conn);
        mem_fail_at(0);
        failed += rc != 0;
        clear();
        if (sshio_conn_is_closed(conn) || rc != 0) {
            sshio_conn_unref(conn);
            conn = loopback_connect(l);
        }
    }
    assert_true(failed > 50);
    sshio_conn_unref(conn);
}

static void test_lack_of_memory_is_survived(void **state)
{
    char command[128];
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/sshio-sftp-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(command, sizeof command, "%s/tree", folder);
    assert_int_equal(mkdir(command, 0700), 0);
    put_file("tree/small", 10);
    put_file("tree/large", 600000);
    run_with(fail_each, serve_files);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lack_of_memory_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
