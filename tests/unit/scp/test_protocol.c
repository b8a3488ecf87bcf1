/* The lines of the SCP protocol: what is taken for one, and what is said. (OpenSSH scp.c; CVE-2018-20685) */
#include "unit.h"

#include <sshio/constants.h>

#include "scp/protocol.h"

static struct error e;

static void test_lines_are_read(void **state)
{
    static const struct {
        const char *line;
        enum scp_kind kind;
        uint32_t mode;
        uint64_t size;
        const char *name;
        int64_t mtime, atime;
    } rows[] = {
        { "C0644 1234 a name", SCP_FILE, 0644, 1234, "a name", 0, 0 },
        { "C0644 0 x", SCP_FILE, 0644, 0, "x", 0, 0 },
        { "C100644 9223372036854775807 x", SCP_FILE, 0644, INT64_MAX, "x", 0, 0 },
        { "C4755 1  leading", SCP_FILE, 04755, 1, " leading", 0, 0 },
        { "C0644 1 trailing ", SCP_FILE, 0644, 1, "trailing ", 0, 0 },
        { "C0644 1 ...", SCP_FILE, 0644, 1, "...", 0, 0 },
        { "C0644 1 \xff\x01", SCP_FILE, 0644, 1, "\xff\x01", 0, 0 },
        { "D0755 0 d", SCP_DIRECTORY, 0755, 0, "d", 0, 0 },
        { "E", SCP_END, 0, 0, NULL, 0, 0 },
        { "T1700000000 0 1700000001 999999", SCP_TIMES, 0, 0, NULL, 1700000000, 1700000001 },
        { "T0 0 0 0", SCP_TIMES, 0, 0, NULL, 0, 0 },
        { "T9999999999999 0 0 0", SCP_TIMES, 0, 0, NULL, 9999999999999, 0 },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scp_line line = { 0 };
        assert_int_equal(scp_line_parse(span_of(rows[i].line), &line, &e), 0);
        assert_int_equal(line.kind, rows[i].kind);
        assert_int_equal(line.mode, rows[i].mode);
        assert_true(line.size == rows[i].size);
        assert_text(line.name, rows[i].name != NULL ? rows[i].name : "");
        assert_true(line.mtime == rows[i].mtime && line.atime == rows[i].atime);
        assert_false(line.name_is_dot);
    }
}

/* X2: exactly one space between fields, digits alone, below 2^63. */
static void test_malformed_lines_are_refused(void **state)
{
    static const char *const rows[] = {
        "C",
        "C0644",
        "C0644 ",
        "C0644 1",
        "C0644  1 x",
        "C644 1 x",
        "C00000644 1 x",
        "C0648 1 x",
        "C-644 1 x",
        "C0644 -1 x",
        "C0644 +1 x",
        "C0644 0x1 x",
        "C0644 1.0 x",
        "C0644 1\tx",
        "C0644 9223372036854775808 x",
        "C0644 18446744073709551616 x",
        "C0644 99999999999999999999999999 x",
        "D0755 x d",
        "T",
        "T1",
        "T1 0",
        "T1 0 1",
        "T1 0 1 0 ",
        "T1 0 1 1000000",
        "T-1 0 1 0",
        "T1 0 1 0 0",
        "Tx 0 1 0",
        "T1  0 1 0",
        "T9223372036854775808 0 1 0",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scp_line line = { 0 };
        assert_int_equal(scp_line_parse(span_of(rows[i]), &line, &e), SSHIO_ESFTP_BAD_MESSAGE);
        assert_int_equal(e.pub.reason, SSHIO_FX_BAD_MESSAGE);
        assert_int_equal(line.kind, 0);
    }
    error_clear(&e);
}

/* X2, CVE-2018-20685, CVE-2026-54591: a name is one component. */
static void test_names_that_are_none_are_refused(void **state)
{
    static const struct {
        const char *line;
        size_t len;
    } rows[] = {
        { LITERAL("C0644 1 ") },     { LITERAL("C0644 1 .") },    { LITERAL("C0644 1 ..") },
        { LITERAL("C0644 1 ../x") }, { LITERAL("C0644 1 /x") },   { LITERAL("C0644 1 a/b") },
        { LITERAL("C0644 1 a/") },   { LITERAL("C0644 1 a\\b") }, { LITERAL("C0644 1 a\0b") },
        { LITERAL("D0755 0 ") },     { LITERAL("D0755 0 ..") },   { LITERAL("D0755 0 ../../etc") },
        { LITERAL("D0755 0 /etc") },
    };
    struct scp_line line;
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(scp_line_parse(SPAN(rows[i].line, rows[i].len), &line, &e), SSHIO_ESFTP_BAD_MESSAGE);
        assert_non_null(strstr(error_message(&e), "Invalid filename"));
    }
    assert_int_equal(scp_line_parse(span_of("D0755 0 ."), &line, &e), 0);
    assert_true(line.name_is_dot);
    error_clear(&e);
}

/* P9: what is shown of a line has its controls escaped. */
static void test_errors_show_lines_escaped(void **state)
{
    struct scp_line line;
    (void)state;
    assert_int_equal(scp_line_parse(span_of("C0644 1 ../\x1b[31m"), &line, &e), SSHIO_ESFTP_BAD_MESSAGE);
    assert_null(strchr(error_message(&e), '\x1b'));
    assert_non_null(strstr(error_message(&e), "\\x1b[31m"));
    error_clear(&e);
}

static void test_answers_and_other_text(void **state)
{
    static const struct {
        const char *line;
        size_t len;
        enum scp_kind kind;
        const char *text;
    } rows[] = {
        { LITERAL("\0"), SCP_OK, "" },
        { LITERAL("\1scp: no"), SCP_WARNING, "scp: no" },
        { LITERAL("\2scp: never"), SCP_FATAL, "scp: never" },
        { LITERAL("\1"), SCP_WARNING, "" },
        { LITERAL("bash: scp: not found"), SCP_OTHER, "bash: scp: not found" },
        { LITERAL("E "), SCP_OTHER, "E " },
        { LITERAL(""), SCP_OTHER, "" },
        { LITERAL("\n"), SCP_OTHER, "\n" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scp_line line;
        assert_int_equal(scp_line_parse(SPAN(rows[i].line, rows[i].len), &line, &e), 0);
        assert_int_equal(line.kind, rows[i].kind);
        assert_text(line.text, rows[i].text);
    }
}

static void test_lines_are_written(void **state)
{
    struct writer w;
    (void)state;
    writer_init(&w, 4096);
    scp_put_times(&w, 1700000000, -5);
    scp_put_directory(&w, 042755, "d e");
    scp_put_file(&w, 0100644, UINT64_C(5000000000), "f");
    scp_put_end(&w);
    assert_text(writer_span(&w), "T1700000000 0 0 0\nD2755 0 d e\nC0644 5000000000 f\nE\n");
    writer_reset(&w);
    scp_put_message(&w, SCP_WARNING, "f: no\nC0644 1 x");
    assert_text(writer_span(&w), "\1scp: f: no\\x0aC0644 1 x\n");
    writer_reset(&w);
    scp_put_file(&w, 0644, 1, "a\nb");
    assert_true(writer_failed(&w));
    writer_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_are_read),
        cmocka_unit_test(test_malformed_lines_are_refused),
        cmocka_unit_test(test_names_that_are_none_are_refused),
        cmocka_unit_test(test_errors_show_lines_escaped),
        cmocka_unit_test(test_answers_and_other_text),
        cmocka_unit_test(test_lines_are_written),
    };
    error_init(&e);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
