/* SCP from host to host: the first byte has options, two say how much of the rest the source says, and what is left is
 * the sink's. Whatever they say, the source hears answers alone, and the sink whole lines that are well-formed, with
 * safe names, no more ends than directories, and as many bytes of a file as its line says. */
#include "fuzz.h"

#include "io/last_error.h"
#include "scp/memory_files.h"
#include "scp/relay.h"
#include "scp_bed.h"

#define SAYS_MAX 8192u

/* ---- what the sink heard ---- */

struct hearing {
    struct span left;        /* of what was said to the sink */
    struct memory_wire wire; /* its answers, once more */
    unsigned depth, most_ends;
};

static struct span take_line(struct hearing *h)
{
    const uint8_t *end = memchr(h->left.data, '\n', h->left.len);
    must(end != NULL);
    struct span line = SPAN(h->left.data, (size_t)(end - h->left.data));
    must(line.len <= SCP_LINE_MAX);
    h->left = SPAN(end + 1, h->left.len - line.len - 1);
    return line;
}

/* Nothing comes any more but why it ends. */
static bool check_end(struct hearing *h)
{
    if (h->left.len != 0)
        must(take_line(h).data[0] == SCP_FATAL && h->left.len == 0);
    return false;
}

/* 0, SCP_REFUSED, or an error: the end. */
static int next_answer(struct hearing *h)
{
    return wire_read_answer(&h->wire.wire);
}

/* The bytes of a file, and what the source said of them; false = that was all. */
static bool take_content(struct hearing *h, uint64_t size)
{
    if (h->left.len <= size)
        return false;
    h->left = SPAN(h->left.data + size, h->left.len - (size_t)size);
    if (h->left.data[0] == SCP_OK)
        h->left = SPAN(h->left.data + 1, h->left.len - 1);
    else if (h->left.data[0] == SCP_FATAL)
        return check_end(h);
    else
        must(take_line(h).data[0] == SCP_WARNING);
    int rc = next_answer(h);
    return rc == 0 || rc == SCP_REFUSED ? true : check_end(h);
}

static bool take_request(struct hearing *h)
{
    struct scp_line line;
    if (h->left.data[0] == SCP_FATAL)
        return check_end(h);
    must(scp_line_parse(take_line(h), &line, NULL) == 0);
    must(line.kind == SCP_FILE || line.kind == SCP_DIRECTORY || line.kind == SCP_END || line.kind == SCP_TIMES);
    must(!line.name_is_dot);
    h->most_ends -= line.kind == SCP_END && h->depth == 0;
    h->depth -= line.kind == SCP_END && h->depth != 0;
    int rc = next_answer(h);
    if (rc != 0 && rc != SCP_REFUSED)
        return check_end(h);
    h->depth += line.kind == SCP_DIRECTORY && rc == 0;
    return line.kind != SCP_FILE || rc == SCP_REFUSED || take_content(h, line.size);
}

/* One end more than there are directories is the source's last word. */
static void check_sink(struct span said, struct span answers)
{
    struct hearing h = { .left = said, .most_ends = 1 };
    memory_wire_init(&h.wire, answers);
    bool goes_on = next_answer(&h) == 0 || check_end(&h);
    while (goes_on && h.left.len != 0) {
        goes_on = take_request(&h);
        must(h.most_ends <= 1);
    }
    memory_wire_done(&h.wire);
}

/* ---- the relay ---- */

static void run_relay(uint8_t options, struct span source_says, struct span sink_says)
{
    static const char *const asked[] = { NULL, "x/d", "d/.", "*" };
    struct memory_wire source, sink;
    struct scp_job job;
    memory_wire_init(&source, source_says);
    memory_wire_init(&sink, sink_says);
    must(scp_job_init(&job, &source.wire, NULL, 512) == 0);
    job.failed = (options & 1) != 0 ? go_on : stop;
    job.recurse = (options & 2) != 0;
    job.preserve = (options & 4) != 0;
    job.asked = asked[(options >> 3) & 3];
    int rc = scp_relay_run(&job, &sink.wire);
    must(rc == 0 || error_code(last_error()) == rc);
    check_answers(writer_span(&source.out));
    check_sink(writer_span(&sink.out), sink_says);
    scp_job_done(&job);
    memory_wire_done(&source);
    memory_wire_done(&sink);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || size > SAYS_MAX)
        return 0;
    size_t len = (size_t)data[1] << 8 | data[2];
    len = len < size - 3 ? len : size - 3;
    run_relay(data[0], SPAN(data + 3, len), SPAN(data + 3 + len, size - 3 - len));
    return 0;
}
