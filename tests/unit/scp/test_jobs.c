/* The two sides of SCP on a file system in memory, against a peer that is a text. Rule X2 row by row. (OpenSSH scp.c;
 * CVE-2018-20685, CVE-2019-6111, CVE-2026-54591) */
#include "unit.h"

#include <sshio/constants.h>

#include "base/memory.h"
#include "scp/memory_files.h"

#define BLOCK 4096u

static struct memory_files files;
static struct memory_wire wire;
static struct scp_job job;
static unsigned failures, reports;
static uint64_t reported;
static int verdict; /* of `failed`: 0 = go on */

static int item_failed(struct scp_job *j)
{
    (void)j;
    failures++;
    return verdict == 0 ? 0 : sshio_error_last()->code;
}

static int progress(struct scp_job *j, uint64_t bytes, uint64_t total)
{
    (void)j;
    assert_true(bytes <= total);
    reports++;
    reported = bytes;
    return 0;
}

static void begin(struct span says)
{
    memory_files_init(&files);
    memory_wire_init(&wire, says);
    assert_int_equal(scp_job_init(&job, &wire.wire, &files.files, BLOCK), 0);
    job.failed = item_failed;
    job.progress = progress;
    failures = reports = 0;
    verdict = 1;
}

/* Whatever happened, nothing is left open. */
static void end(void)
{
    assert_int_equal(files.open, 0);
    scp_job_done(&job);
    memory_wire_done(&wire);
    memory_files_done(&files);
}

/* ---- the sink ---- */

static void test_sink_makes_a_tree(void **state)
{
    static const char says[] = "T5 0 6 0\nD0750 0 sub\nC0600 5 f\nhello\0C0644 0 empty\n\0E\nC0644 2 g\nhi\0";
    (void)state;
    begin(SPAN(says, sizeof says - 1));
    job.recurse = job.preserve = true;
    memory_add_directory(&files, "to");
    assert_int_equal(scp_sink_run(&job, "to"), 0);
    const struct memory_node *f = memory_find(&files, "to/sub/f"), *sub = memory_find(&files, "to/sub");
    assert_non_null(f);
    assert_bytes(SPAN(f->content, f->len), "hello", 5);
    assert_int_equal(f->attrs.mode, 0600);
    assert_int_equal(f->attrs.mtime, 1000); /* times are of the next item alone */
    assert_int_equal(sub->attrs.mode, 0750);
    assert_int_equal(sub->attrs.mtime, 5);
    assert_int_equal(sub->attrs.atime, 6);
    assert_int_equal(memory_find(&files, "to/sub/empty")->len, 0);
    assert_non_null(memory_find(&files, "to/g"));
    assert_bytes(writer_span(&wire.out), "\0\0\0\0\0\0\0\0\0\0", 10);
    assert_int_equal(reports, 3); /* one for each file, also for the empty one */
    end();
}

static void test_sink_with_a_file_as_target_ignores_the_name(void **state)
{
    static const char says[] = "C0644 2 other\nhi\0";
    (void)state;
    begin(SPAN(says, sizeof says - 1));
    assert_int_equal(scp_sink_run(&job, "file"), 0);
    assert_int_equal(memory_find(&files, "file")->len, 2);
    assert_null(memory_find(&files, "other"));
    end();
}

static void test_sink_that_needs_a_directory_makes_none(void **state)
{
    (void)state;
    begin(SPAN("", 0));
    job.directory = true;
    assert_int_equal(scp_sink_run(&job, "missing"), SSHIO_ESFTP_FAILURE);
    assert_string_equal(sshio_error_message(), "Not a directory: missing");
    assert_int_equal(files.count, 0);
    assert_int_equal(wire.out.data[0], SCP_WARNING);
    end();
}

/* What a hostile or broken source says, what that ends with, and whether the sink is to take nothing at all from it. */
static const struct hostile {
    const char *says;
    size_t len;
    bool recurse;
    const char *asked;
    int code;
    const char *message;
} hostile_rows[] = {
    { LITERAL("C0644 2 ../x\nhi\0"), true, NULL, SSHIO_ESFTP_BAD_MESSAGE, "Invalid filename" },
    { LITERAL("C0644 2 /x\nhi\0"), true, NULL, SSHIO_ESFTP_BAD_MESSAGE, "Invalid filename" },
    { LITERAL("C0644 2 a\\b\nhi\0"), true, NULL, SSHIO_ESFTP_BAD_MESSAGE, "Invalid filename" },
    { LITERAL("C0644 2 .\nhi\0"), true, NULL, SSHIO_ESFTP_BAD_MESSAGE, "Invalid filename" },
    { LITERAL("C0644 2 ..\nhi\0"), true, NULL, SSHIO_ESFTP_BAD_MESSAGE, "Invalid filename" },
    { LITERAL("C0644 2 \nhi\0"), true, NULL, SSHIO_ESFTP_BAD_MESSAGE, "Invalid filename" },
    { LITERAL("D0777 0 .\nE\n"), true, NULL, SSHIO_ESFTP_BAD_MESSAGE, "Invalid filename" },
    { LITERAL("D0777 0 .\nE\n"), true, "d", SSHIO_ESFTP_BAD_MESSAGE, "Invalid filename" },
    { LITERAL("D0777 0 ..\nC0644 2 x\nhi\0E\n"), true, NULL, SSHIO_ESFTP_BAD_MESSAGE, "Invalid filename" },
    { LITERAL("D0755 0 d\nE\n"), false, NULL, SSHIO_ESFTP_BAD_MESSAGE, "Directory received without recurse" },
    { LITERAL("C0644 2 g\nhi\0"), true, "f", SSHIO_ESFTP_BAD_MESSAGE, "Filename does not match request" },
    { LITERAL("D0755 0 g\nE\n"), true, "f", SSHIO_ESFTP_BAD_MESSAGE, "Filename does not match request" },
    { LITERAL("C0644 -1 f\n"), true, NULL, SSHIO_ESFTP_BAD_MESSAGE, "Invalid copy or dir request" },
    { LITERAL("C0644 9223372036854775808 f\n"), true, NULL, SSHIO_ESFTP_BAD_MESSAGE, "Invalid copy or dir request" },
    { LITERAL("C9999 1 f\n"), true, NULL, SSHIO_ESFTP_BAD_MESSAGE, "Invalid copy or dir request" },
    { LITERAL("T1 2\n"), true, NULL, SSHIO_ESFTP_BAD_MESSAGE, "Invalid time request" },
    { LITERAL("X\n"), true, NULL, SSHIO_ESFTP_BAD_MESSAGE, "Unknown request" },
    { LITERAL("bash: scp: command not found\n"), true, NULL, SSHIO_ESFTP_BAD_MESSAGE, "Unknown request" },
    { LITERAL("\0"), true, NULL, SSHIO_ESFTP_BAD_MESSAGE, "Unknown request" },
    { LITERAL("\2scp: never\n"), true, NULL, SSHIO_ESFTP_FAILURE, "scp: never" },
    { LITERAL("\1scp: not this\x1b[2J\n"), true, NULL, SSHIO_ESFTP_FAILURE, "scp: not this\\x1b[2J" },
};

static void test_x2_hostile_source_changes_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(hostile_rows); i++) {
        const struct hostile *row = &hostile_rows[i];
        begin(SPAN(row->says, row->len));
        job.recurse = row->recurse;
        job.preserve = true;
        job.asked = row->asked;
        memory_add_directory(&files, "to");
        assert_int_equal(scp_sink_run(&job, "to"), row->code);
        assert_non_null(strstr(sshio_error_message(), row->message));
        assert_int_equal(files.count, 1);
        assert_int_equal(memory_find(&files, "to")->attrs.mode, 0755);
        end();
    }
}

/* X2: a line of any length costs 4 KiB. */
static void test_x2_line_without_an_end_is_refused(void **state)
{
    static char says[64 * 1024];
    (void)state;
    memset(says, 'a', sizeof says);
    memcpy(says, "C0644 1 ", 8);
    begin(SPAN(says, sizeof says));
    assert_int_equal(scp_sink_run(&job, "to"), SSHIO_ESFTP_BAD_MESSAGE);
    assert_true(wire.in.len > sizeof says - 3 * SCP_LINE_MAX);
    end();
}

/* X2: more items than were asked for. */
static void test_x2_second_item_needs_a_pattern(void **state)
{
    static const char says[] = "C0644 1 f\na\0C0644 1 f\nb\0";
    static const struct {
        const char *asked;
        int code;
        char content;
    } rows[] = { { "d/f", SSHIO_ESFTP_BAD_MESSAGE, 'a' }, { "d/?", 0, 'b' } };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        begin(SPAN(says, sizeof says - 1));
        job.asked = rows[i].asked;
        memory_add_directory(&files, "to");
        assert_int_equal(scp_sink_run(&job, "to"), rows[i].code);
        assert_int_equal(memory_find(&files, "to/f")->content[0], rows[i].content);
        end();
    }
}

/* X2, CVE-2018-20685: "D ." is the directory that was asked for, where that makes sense, and changes nothing of it. */
static void test_x2_dot_changes_no_attributes(void **state)
{
    static const char says[] = "T9 0 9 0\nD0777 0 .\nC0644 1 f\na\0E\n";
    (void)state;
    begin(SPAN(says, sizeof says - 1));
    job.asked = "d/.";
    job.recurse = job.preserve = true;
    memory_add_directory(&files, "to");
    assert_int_equal(scp_sink_run(&job, "to"), 0);
    assert_non_null(memory_find(&files, "to/f"));
    assert_int_equal(memory_find(&files, "to")->attrs.mode, 0755);
    assert_int_equal(memory_find(&files, "to")->attrs.mtime, 1000);
    end();
}

/* X2, CVE-2026-35385: setuid, setgid and sticky. */
static void test_x2_special_modes_need_to_be_wanted(void **state)
{
    static const char says[] = "C6755 1 f\na\0D7700 0 d\nE\n";
    static const struct {
        bool preserve, keep;
        uint32_t file, directory;
    } rows[] = { { false, false, 0755, 0700 },
                 { false, true, 0755, 0700 },
                 { true, false, 0755, 0700 },
                 { true, true, 06755, 07700 } };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        begin(SPAN(says, sizeof says - 1));
        job.recurse = true;
        job.preserve = rows[i].preserve;
        job.keep_special_modes = rows[i].keep;
        memory_add_directory(&files, "to");
        assert_int_equal(scp_sink_run(&job, "to"), 0);
        assert_int_equal(memory_find(&files, "to/f")->attrs.mode, rows[i].file);
        assert_int_equal(memory_find(&files, "to/d")->attrs.mode, rows[i].directory);
        end();
    }
}

/* A directory that its owner may not write into is filled first. */
static void test_new_directory_is_writable_until_it_is_complete(void **state)
{
    static const char says[] = "D0555 0 d\nC0644 1 f\na\0E\n";
    (void)state;
    begin(SPAN(says, sizeof says - 1));
    job.recurse = true;
    memory_add_directory(&files, "to");
    assert_int_equal(scp_sink_run(&job, "to"), 0);
    assert_int_equal(memory_find(&files, "to/d")->attrs.mode, 0555);
    end();
}

static void test_depth_is_limited(void **state)
{
    struct writer says;
    (void)state;
    writer_init(&says, 65536);
    for (unsigned i = 0; i < SCP_DEPTH_MAX + 1; i++)
        scp_put_directory(&says, 0755, "d");
    begin(writer_span(&says));
    job.recurse = true;
    assert_int_equal(scp_sink_run(&job, "to"), SSHIO_ESFTP_FAILURE);
    assert_string_equal(sshio_error_message(), "Directories are too deep");
    end();
    writer_done(&says);
}

/* What is cut off is an error, except where an item ends. */
static void test_source_that_hangs_up(void **state)
{
    static const char says[] = "D0755 0 d\nC0644 3 f\nabc\0E\n";
    (void)state;
    for (size_t len = 0; len < sizeof says; len++) {
        begin(SPAN(says, len));
        job.recurse = true;
        memory_add_directory(&files, "to");
        int rc = scp_sink_run(&job, "to");
        bool whole = len == 0 || len >= sizeof says - 2; /* the last line may lack its end */
        if (whole ? rc != 0 : rc != SSHIO_ESFTP_CONNECTION_LOST && rc != SSHIO_ESFTP_BAD_MESSAGE)
            fail_msg("after %zu bytes: %d", len, rc);
        end();
    }
}

/* Uploads of libssh2 and curl end with the last byte: the file is whole, the job is not. */
static void test_file_without_a_verdict_is_kept(void **state)
{
    static const char says[] = "C0600 2 f\nhi";
    (void)state;
    begin(SPAN(says, sizeof says - 1));
    job.preserve = true;
    assert_int_equal(scp_sink_run(&job, "f"), SSHIO_ESFTP_CONNECTION_LOST);
    assert_int_equal(memory_find(&files, "f")->len, 2);
    assert_int_equal(memory_find(&files, "f")->attrs.mode, 0600);
    end();
}

/* An item that cannot be written is refused, and the next one taken. */
static void test_sink_goes_on_after_an_item_that_failed(void **state)
{
    static const char says[] = "C0644 2 a\nC0644 2 b\nhi\0";
    (void)state;
    begin(SPAN(says, sizeof says - 1));
    verdict = 0;
    memory_add_directory(&files, "to");
    memory_add_file(&files, "to/a", "old")->refuses = true;
    assert_int_equal(scp_sink_run(&job, "to"), 0);
    assert_int_equal(failures, 1);
    assert_true(job.any_failed);
    assert_int_equal(memory_find(&files, "to/a")->len, 3);
    assert_int_equal(memory_find(&files, "to/b")->len, 2);
    assert_int_equal(wire.out.data[1], SCP_WARNING);
    end();
}

/* A disk that is full in the middle: the rest is read, and the next item is understood. */
static void test_sink_stays_in_step_when_writing_fails(void **state)
{
    struct writer says;
    char *big = mem_zalloc(MEMORY_CONTENT + BLOCK);
    (void)state;
    writer_init(&says, 1u << 20);
    scp_put_file(&says, 0644, MEMORY_CONTENT + BLOCK, "big");
    put_bytes(&says, big, MEMORY_CONTENT + BLOCK);
    put_u8(&says, 0);
    scp_put_file(&says, 0644, 1, "next");
    put_bytes(&says, "x\0", 2);
    begin(writer_span(&says));
    verdict = 0;
    memory_add_directory(&files, "to");
    assert_int_equal(scp_sink_run(&job, "to"), 0);
    assert_int_equal(failures, 1);
    assert_int_equal(memory_find(&files, "to/next")->len, 1);
    end();
    writer_done(&says);
    mem_free(big);
}

/* ---- the source ---- */

#define YES "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

static int send_path(const char *path)
{
    int rc = scp_source_begin(&job);
    return rc == 0 ? scp_source_send(&job, path) : rc;
}

static void test_source_says_a_tree(void **state)
{
    static const char said[] = "T1000 0 2000 0\nD0755 0 d\nT1000 0 2000 0\nC0644 2 f\nhi\0E\n";
    (void)state;
    begin(SPAN(YES, sizeof YES - 1));
    job.recurse = job.preserve = true;
    memory_add_directory(&files, "x/d");
    memory_add_file(&files, "x/d/f", "hi");
    assert_int_equal(send_path("x/d/"), 0);
    assert_bytes(writer_span(&wire.out), said, sizeof said - 1);
    end();
}

/* Sinks refuse the names "." and "..", so what is in them is said instead. */
static void test_source_says_the_contents_of_dot(void **state)
{
    (void)state;
    begin(SPAN(YES, sizeof YES - 1));
    job.recurse = true;
    memory_add_directory(&files, ".");
    memory_add_file(&files, "./f", "hi");
    assert_int_equal(send_path("."), 0);
    assert_bytes(writer_span(&wire.out), LITERAL("C0644 2 f\nhi\0"));
    end();
}

static void test_source_refuses_what_it_cannot_send(void **state)
{
    static const struct {
        const char *path, *message;
    } rows[] = { { "missing", "missing: No such file" },
                 { "special", "not a regular file" },
                 { "d", "is a directory" },
                 { "a\nb", "Invalid filename" } };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        begin(SPAN(YES, sizeof YES - 1));
        verdict = 0;
        memory_add_directory(&files, "d");
        memory_add_file(&files, "special", "")->attrs.type = SCP_TYPE_SPECIAL;
        memory_add_file(&files, "a\nb", "");
        assert_int_equal(send_path(rows[i].path), 0);
        assert_int_equal(failures, 1);
        assert_non_null(strstr(sshio_error_message(), rows[i].message));
        assert_int_equal(wire.out.data[0], SCP_WARNING);
        assert_int_equal(wire.out.data[wire.out.len - 1], '\n');
        end();
    }
}

/* As many bytes follow as were announced, with a warning behind them. */
static void test_source_fills_up_a_file_that_shrank(void **state)
{
    static const char said[] = "C0644 3 f\nab\0\1scp: f: unexpected end of file\n";
    (void)state;
    begin(SPAN(YES, sizeof YES - 1));
    memory_add_file(&files, "f", "abc")->short_by_one = true;
    assert_int_equal(send_path("f"), SSHIO_ESFTP_FAILURE);
    assert_bytes(writer_span(&wire.out), said, sizeof said - 1);
    end();
}

static void test_source_goes_on_after_a_refusal(void **state)
{
    static const char says[] = "\0\0\1scp: a: no\n\0\0\0";
    static const char said[] = "D0755 0 d\nC0644 1 a\nC0644 1 b\nB\0E\n";
    (void)state;
    begin(SPAN(says, sizeof says - 1));
    job.recurse = true;
    verdict = 0;
    memory_add_directory(&files, "d");
    memory_add_file(&files, "d/a", "A");
    memory_add_file(&files, "d/b", "B");
    assert_int_equal(send_path("d"), 0);
    assert_int_equal(failures, 1);
    assert_bytes(writer_span(&wire.out), said, sizeof said - 1);
    end();
}

static void test_source_ends_with_what_ends_it(void **state)
{
    static const struct {
        const char *says;
        size_t len;
        int code;
        const char *message;
    } rows[] = {
        { LITERAL(""), SSHIO_ESFTP_CONNECTION_LOST, "Connection lost" },
        { LITERAL("sh: scp: not found\n"), SSHIO_ESFTP_FAILURE, "sh: scp: not found" },
        { LITERAL("\1scp: no such directory\n"), SSHIO_ESFTP_FAILURE, "scp: no such directory" },
        { LITERAL("\0"), SSHIO_ESFTP_CONNECTION_LOST, "Connection lost" },
        { LITERAL("\0\2scp: out of space\n"), SSHIO_ESFTP_FAILURE, "scp: out of space" },
        { LITERAL("\0\0"), SSHIO_ESFTP_CONNECTION_LOST, "Connection lost" },
        { LITERAL("\0\0\1scp: out of space\n"), SSHIO_ESFTP_FAILURE, "scp: out of space" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        begin(SPAN(rows[i].says, rows[i].len));
        memory_add_file(&files, "f", "abc");
        assert_int_equal(send_path("f"), rows[i].code);
        assert_string_equal(sshio_error_message(), rows[i].message);
        end();
    }
}

static void test_directory_within_itself_is_refused(void **state)
{
    (void)state;
    begin(SPAN(YES, sizeof YES - 1));
    job.recurse = true;
    verdict = 0;
    memory_add_directory(&files, "d");
    struct memory_node *loop = memory_add_directory(&files, "d/loop");
    loop->attrs.id[0] = memory_find(&files, "d")->attrs.id[0];
    assert_int_equal(send_path("d"), 0);
    assert_int_equal(failures, 1);
    assert_non_null(strstr(sshio_error_message(), "within itself"));
    end();
}

/* 5.15.1: ceil(size / block) calls. */
static void test_progress_is_told_for_each_block(void **state)
{
    char *content = mem_zalloc(3 * BLOCK + 2);
    (void)state;
    memset(content, 'a', 3 * BLOCK + 1);
    begin(SPAN(YES, sizeof YES - 1));
    memory_add_file(&files, "f", content);
    assert_int_equal(send_path("f"), 0);
    assert_int_equal(reports, 4);
    assert_int_equal(reported, 3 * BLOCK + 1);
    end();
    mem_free(content);
}

static unsigned reads, writes, reads_at_write[8];
static int (*plain_read)(struct scp_files *f, void *node, uint64_t offset, void *buffer, size_t size, size_t *got);
static int (*plain_write)(struct scp_wire *w, const void *data, size_t len);

static int counted_read(struct scp_files *f, void *node, uint64_t offset, void *buffer, size_t size, size_t *got)
{
    reads++;
    return plain_read(f, node, offset, buffer, size, got);
}

static int slow_write(struct scp_wire *w, const void *data, size_t len)
{
    int rc = len >= BLOCK ? sshio_sleep(0) : 0;
    if (len >= BLOCK)
        reads_at_write[writes++ % COUNT(reads_at_write)] = reads;
    return rc == 0 ? plain_write(w, data, len) : rc;
}

static int endless_write(struct scp_wire *w, const void *data, size_t len)
{
    return len >= BLOCK ? sshio_sleep(1000) : plain_write(w, data, len);
}

/* A file of four blocks, and what counts its reads. */
static char *begin_with_four_blocks(int (*write)(struct scp_wire *w, const void *data, size_t len))
{
    char *content = mem_zalloc(4 * BLOCK + 1);
    for (size_t i = 0; i < (size_t)4 * BLOCK; i++)
        content[i] = (char)('a' + i / 7 % 26);
    begin(SPAN(YES, sizeof YES - 1));
    memory_add_file(&files, "f", content);
    reads = writes = 0;
    plain_read = files.files.read;
    plain_write = wire.wire.write;
    files.files.read = counted_read;
    wire.wire.write = write;
    return content;
}

/* 5.15.6: one piece is read ahead while the channel drains, and not more. */
static void test_source_reads_ahead(void **state)
{
    (void)state;
    char *content = begin_with_four_blocks(slow_write);
    assert_int_equal(send_path("f"), 0);
    assert_int_equal(writes, 4);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(reads_at_write[i], i < 3 ? i + 2 : 4);
    assert_bytes(SPAN(wire.out.data + wire.out.len - 4 * BLOCK - 1, 4 * BLOCK), content, 4 * BLOCK);
    end();
    mem_free(content);
}

/* The peer gets as many bytes as were said, zeros in place of what cannot be read, and a warning. */
static void test_source_that_ends_early_while_it_is_read_ahead(void **state)
{
    (void)state;
    char *content = begin_with_four_blocks(slow_write);
    memory_find(&files, "f")->short_by_one = true;
    assert_int_equal(send_path("f"), SSHIO_ESFTP_FAILURE);
    assert_non_null(strstr(sshio_error_message(), "unexpected end of file"));
    assert_int_equal(reported, 4 * BLOCK);
    end();
    mem_free(content);
}

static int send_f(void *arg)
{
    (void)arg;
    return send_path("f");
}

static int cancel_a_copy(void *arg)
{
    sshio_task *task;
    int result = 0;
    (void)arg;
    assert_int_equal(sshio_spawn(send_f, NULL, &task), 0);
    assert_int_equal(sshio_sleep(0.001), 0);
    sshio_cancel(task);
    assert_int_equal(sshio_join(task, &result), 0);
    return result;
}

static void test_cancelled_copy_ends_the_reading_ahead(void **state)
{
    (void)state;
    char *content = begin_with_four_blocks(endless_write);
    assert_int_equal(sshio_main(cancel_a_copy, NULL), SSHIO_ECANCELED);
    assert_int_equal(reads, 2);
    end();
    mem_free(content);
}

/* ---- both ---- */

/* The n-th allocation fails; whether the job went well. */
static bool run_with_failing_allocation(uint64_t nth, bool is_sink)
{
    static const char sink_hears[] = "T5 0 6 0\nD0750 0 sub\nC0600 5 f\nhello\0E\nC0644 2 g\nhi\0";
    memory_files_init(&files);
    memory_wire_init(&wire, is_sink ? SPAN(sink_hears, sizeof sink_hears - 1) : SPAN(YES, sizeof YES - 1));
    memory_add_directory(&files, "d");
    memory_add_file(&files, "d/f", "hi");
    mem_fail_at(nth);
    int rc = scp_job_init(&job, &wire.wire, &files.files, BLOCK);
    job.failed = item_failed;
    job.recurse = job.preserve = true;
    verdict = 1;
    if (rc == 0)
        rc = is_sink ? scp_sink_run(&job, "d") : send_path("d");
    mem_fail_at(0);
    assert_true(rc == 0 || rc == SSHIO_ENOMEM || rc == SSHIO_ESFTP_FAILURE || rc == SSHIO_ESYSTEM ||
                rc == SSHIO_ELIMIT);
    end();
    return rc == 0;
}

/* Where a trail finds no memory it is just not told, so that some runs go well. */
static void test_failing_allocations_leave_nothing_open(void **state)
{
    (void)state;
    for (int is_sink = 0; is_sink < 2; is_sink++) {
        unsigned failed = 0;
        for (uint64_t nth = 1; nth <= 100; nth++)
            failed += !run_with_failing_allocation(nth, is_sink != 0);
        assert_true(failed > 5 && failed < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sink_makes_a_tree),
        cmocka_unit_test(test_sink_with_a_file_as_target_ignores_the_name),
        cmocka_unit_test(test_sink_that_needs_a_directory_makes_none),
        cmocka_unit_test(test_x2_hostile_source_changes_nothing),
        cmocka_unit_test(test_x2_line_without_an_end_is_refused),
        cmocka_unit_test(test_x2_second_item_needs_a_pattern),
        cmocka_unit_test(test_x2_dot_changes_no_attributes),
        cmocka_unit_test(test_x2_special_modes_need_to_be_wanted),
        cmocka_unit_test(test_new_directory_is_writable_until_it_is_complete),
        cmocka_unit_test(test_depth_is_limited),
        cmocka_unit_test(test_source_that_hangs_up),
        cmocka_unit_test(test_file_without_a_verdict_is_kept),
        cmocka_unit_test(test_sink_goes_on_after_an_item_that_failed),
        cmocka_unit_test(test_sink_stays_in_step_when_writing_fails),
        cmocka_unit_test(test_source_says_a_tree),
        cmocka_unit_test(test_source_says_the_contents_of_dot),
        cmocka_unit_test(test_source_refuses_what_it_cannot_send),
        cmocka_unit_test(test_source_fills_up_a_file_that_shrank),
        cmocka_unit_test(test_source_goes_on_after_a_refusal),
        cmocka_unit_test(test_source_ends_with_what_ends_it),
        cmocka_unit_test(test_directory_within_itself_is_refused),
        cmocka_unit_test(test_progress_is_told_for_each_block),
        cmocka_unit_test(test_source_reads_ahead),
        cmocka_unit_test(test_source_that_ends_early_while_it_is_read_ahead),
        cmocka_unit_test(test_cancelled_copy_ends_the_reading_ahead),
        cmocka_unit_test(test_failing_allocations_leave_nothing_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
