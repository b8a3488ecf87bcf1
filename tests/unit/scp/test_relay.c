/* Between two hosts: what of a source's lines reaches the sink, and what of the sink's answers the source. */
#include "unit.h"

#include <sshio/constants.h>

#include "scp/memory_files.h"
#include "scp/relay.h"

static struct memory_wire source, sink;
static struct scp_job job;
static unsigned failures;

static int go_on(struct scp_job *j)
{
    (void)j;
    failures++;
    return 0;
}

static int relay(struct span source_says, struct span sink_says, const char *asked)
{
    memory_wire_init(&source, source_says);
    memory_wire_init(&sink, sink_says);
    assert_int_equal(scp_job_init(&job, &source.wire, NULL, 512), 0);
    job.failed = go_on;
    job.asked = asked;
    job.recurse = job.preserve = true;
    failures = 0;
    return scp_relay_run(&job, &sink.wire);
}

static void end(void)
{
    scp_job_done(&job);
    memory_wire_done(&source);
    memory_wire_done(&sink);
}

#define YES "\0\0\0\0\0\0\0\0\0\0\0\0"

static void test_tree_passes_with_its_answers(void **state)
{
    static const char says[] = "T5 0 6 0\nD0755 0 d\nC0644 2 f\nhi\0E\n";
    (void)state;
    assert_int_equal(relay(SPAN(says, sizeof says - 1), SPAN(YES, 12), "x/d"), 0);
    assert_bytes(writer_span(&sink.out), says, sizeof says - 1);
    assert_bytes(writer_span(&source.out), "\0\0\0\0\0\0", 6);
    end();
}

/* The sink never hears of "D .", whose contents go where it is. */
static void test_dot_is_not_passed(void **state)
{
    static const char says[] = "D0755 0 .\nC0644 2 f\nhi\0E\n", passed[] = "C0644 2 f\nhi\0";
    (void)state;
    assert_int_equal(relay(SPAN(says, sizeof says - 1), SPAN(YES, 12), "d/."), 0);
    assert_bytes(writer_span(&sink.out), passed, sizeof passed - 1);
    end();
}

static void test_refusal_of_the_sink_reaches_the_source(void **state)
{
    static const char says[] = "C0644 2 f\nC0644 1 g\nx\0", answers[] = "\0\1scp: full\n\0\0";
    static const char heard[] = "\0\1scp: scp: full\n\0\0";
    (void)state;
    assert_int_equal(relay(SPAN(says, sizeof says - 1), SPAN(answers, sizeof answers - 1), "?"), 0);
    assert_int_equal(failures, 1);
    assert_bytes(writer_span(&source.out), heard, sizeof heard - 1);
    end();
}

static void test_warning_behind_a_file_reaches_the_sink(void **state)
{
    static const char says[] = "C0644 2 f\n\0\0\1scp: f: short\n", passed[] = "C0644 2 f\n\0\0\1scp: scp: f: short\n";
    (void)state;
    assert_int_equal(relay(SPAN(says, sizeof says - 1), SPAN(YES, 12), "f"), 0);
    assert_int_equal(failures, 1);
    assert_bytes(writer_span(&sink.out), passed, sizeof passed - 1);
    end();
}

/* X2: nothing of it reaches the sink, and both hear the end. */
static void test_x2_hostile_lines_end_it(void **state)
{
    static const struct {
        const char *says;
        size_t len;
        const char *asked;
    } rows[] = {
        { LITERAL("C0644 2 ../f\nhi\0"), "f" },
        { LITERAL("C0644 2 g\nhi\0"), "f" },
        { LITERAL("D0755 0 .\n"), "f" },
        { LITERAL("C0644 -1 f\n"), "f" },
        { LITERAL("rm -rf /\n"), "f" },
        { LITERAL("\0"), "f" },
        { LITERAL("T1\n"), "f" },
        { LITERAL("D0755 0 ..\n"), "*" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(relay(SPAN(rows[i].says, rows[i].len), SPAN(YES, 12), rows[i].asked), SSHIO_ESFTP_BAD_MESSAGE);
        assert_int_equal(sink.out.data[0], SCP_FATAL);
        assert_int_equal(source.out.data[1], SCP_FATAL);
        end();
    }
}

static void test_either_end_may_hang_up(void **state)
{
    static const char says[] = "C0644 2 f\nhi\0";
    (void)state;
    for (size_t len = 0; len < 3; len++) {
        assert_int_equal(relay(SPAN(says, sizeof says - 1), SPAN(YES, len), "f"), SSHIO_ESFTP_CONNECTION_LOST);
        end();
    }
    for (size_t len = 0; len < sizeof says - 1; len++) {
        int rc = relay(SPAN(says, len), SPAN(YES, 12), "f");
        if (rc != SSHIO_ESFTP_CONNECTION_LOST && rc != SSHIO_ESFTP_BAD_MESSAGE)
            fail_msg("%zu bytes: %d", len, rc);
        end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree_passes_with_its_answers),
        cmocka_unit_test(test_dot_is_not_passed),
        cmocka_unit_test(test_refusal_of_the_sink_reaches_the_source),
        cmocka_unit_test(test_warning_behind_a_file_reaches_the_sink),
        cmocka_unit_test(test_x2_hostile_lines_end_it),
        cmocka_unit_test(test_either_end_may_hang_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
