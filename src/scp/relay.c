/* Between two hosts. Lines are read and said again, never passed on as they are, so that a source can do no more to the
 * sink than it could do to us; see relay.h. */
#include "scp/relay.h"

#include <sshio/constants.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/last_error.h"
#include "scp/names.h"

struct relay {
    struct scp_job *job;
    struct scp_wire *source, *sink;
    unsigned items; /* at the top, so far */
    size_t depth;
    bool in_dot; /* the first level is ".", of which the sink does not hear */
    bool ended;
    struct scp_mark marks[SCP_DEPTH_MAX];
};

static int bad(const char *text)
{
    return error_set_reason(last_error(), SSHIO_ESFTP_BAD_MESSAGE, SSHIO_FX_BAD_MESSAGE, "%s", text);
}

/* The sink said no, in the last error, which the source is told: it goes on with the next item. */
static int pass_refusal(struct relay *r)
{
    struct error e;
    error_init(&e);
    error_copy(&e, last_error());
    int rc = wire_answer(r->source, SCP_WARNING, error_message(&e));
    if (rc == 0) {
        fail_with(&e);
        rc = scp_job_item_failed(r->job, SCP_REFUSED);
    }
    error_clear(&e);
    return rc;
}

/* Says a line to the sink, and its answer to the source. 0, SCP_REFUSED (told and reported), or an error. */
static int pass(struct relay *r, struct writer *line)
{
    int rc = wire_send(r->sink, line);
    if (rc == 0)
        rc = wire_read_answer(r->sink);
    if (rc == 0)
        return wire_answer_ok(r->source);
    if (rc != SCP_REFUSED)
        return rc;
    rc = pass_refusal(r);
    return rc == 0 ? SCP_REFUSED : rc;
}

/* ---- files ---- */

static int pass_content(struct relay *r, uint64_t size)
{
    struct scp_job *job = r->job;
    uint64_t at = 0;
    int rc = size == 0 ? scp_job_report(job, 0, 0) : 0;
    while (rc == 0 && at < size) {
        size_t part = scp_job_part(job, at, size);
        rc = wire_read_data(r->source, job->pieces[0], part);
        if (rc == 0)
            rc = r->sink->write(r->sink, job->pieces[0], part);
        at += part;
        if (rc == 0)
            rc = scp_job_report(job, at, size);
    }
    return rc;
}

/* What the source says of the bytes goes to the sink, and what that says of the file to the source. */
static int pass_verdicts(struct relay *r)
{
    struct scp_job *job = r->job;
    int rc = wire_read_answer(r->source);
    if (rc == SCP_REFUSED) {
        rc = wire_answer(r->sink, SCP_WARNING, sshio_error_message());
        if (rc == 0)
            rc = scp_job_item_failed(job, SCP_REFUSED);
    } else if (rc == 0) {
        rc = wire_answer_ok(r->sink);
    }
    if (rc != 0)
        return rc;
    rc = wire_read_answer(r->sink);
    if (rc == 0)
        return wire_answer_ok(r->source);
    return rc == SCP_REFUSED ? pass_refusal(r) : rc;
}

/* ---- lines ---- */

static int pass_file(struct relay *r, const struct scp_line *line, const char *name)
{
    struct writer w;
    writer_init(&w, SCP_LINE_MAX + 1);
    scp_put_file(&w, line->mode, line->size, name);
    int rc = pass(r, &w);
    if (rc == 0)
        rc = pass_content(r, line->size);
    if (rc == 0)
        rc = pass_verdicts(r);
    return rc == SCP_REFUSED ? 0 : rc;
}

static int pass_directory(struct relay *r, const struct scp_line *line, const char *name, struct scp_mark mark)
{
    struct writer w;
    int rc = 0;
    if (!r->job->recurse)
        return bad("Directory received without recurse");
    if (r->depth == SCP_DEPTH_MAX)
        return bad("Directories are too deep");
    if (line->name_is_dot) {
        r->in_dot = true;
        rc = wire_answer_ok(r->source);
    } else {
        writer_init(&w, SCP_LINE_MAX + 1);
        scp_put_directory(&w, line->mode, name);
        rc = pass(r, &w);
    }
    if (rc == 0)
        r->marks[r->depth++] = mark;
    return rc == SCP_REFUSED ? 0 : rc;
}

static int check_name(struct relay *r, const struct scp_line *line, const char *name)
{
    const char *asked = r->job->asked;
    if (line->name_is_dot)
        return r->depth == 0 && asked != NULL && scp_names_contents(asked) ? 0 : bad("Invalid filename: .");
    return r->depth == 0 && asked != NULL ? scp_names_check(asked, name, ++r->items, last_error()) : 0;
}

static int pass_entry(struct relay *r, const struct scp_line *line)
{
    struct scp_trail *trail = &r->job->trail;
    struct scp_mark mark = scp_trail_mark(trail);
    size_t depth = r->depth;
    char *name = span_dup_text(line->name);
    if (name == NULL)
        return fail_nomem();
    int rc = check_name(r, line, name);
    scp_trail_add_name(trail, name);
    if (rc == 0)
        rc = line->kind == SCP_FILE ? pass_file(r, line, name) : pass_directory(r, line, name, mark);
    if (r->depth == depth)
        scp_trail_back(trail, mark);
    mem_free(name);
    return rc;
}

static int pass_times(struct relay *r, const struct scp_line *line)
{
    struct writer w;
    if (!r->job->preserve)
        return wire_answer_ok(r->source);
    writer_init(&w, 256);
    scp_put_times(&w, line->mtime, line->atime);
    int rc = pass(r, &w);
    return rc == SCP_REFUSED ? 0 : rc;
}

static int pass_end(struct relay *r)
{
    struct writer w;
    if (r->depth == 0)
        r->ended = true;
    else
        scp_trail_back(&r->job->trail, r->marks[--r->depth]);
    if (r->depth == 0 && r->in_dot) {
        r->in_dot = false;
        return wire_answer_ok(r->source);
    }
    writer_init(&w, 8);
    scp_put_end(&w);
    int rc = pass(r, &w);
    return rc == SCP_REFUSED ? 0 : rc;
}

static int pass_line(struct relay *r, struct span text)
{
    struct scp_line line;
    int rc = scp_line_parse(text, &line, last_error());
    if (rc != 0)
        return rc;
    switch (line.kind) {
    case SCP_FILE:
    case SCP_DIRECTORY:
        return pass_entry(r, &line);
    case SCP_END:
        return pass_end(r);
    case SCP_TIMES:
        return pass_times(r, &line);
    case SCP_WARNING:
        return scp_job_item_failed(r->job, wire_fail_told(r->source, line.text));
    case SCP_FATAL:
        return wire_fail_told(r->source, line.text);
    default:
        return bad("Unknown SCP action");
    }
}

static int run(struct relay *r)
{
    bool any_line = false;
    int rc = wire_read_answer(r->sink);
    if (rc == SCP_REFUSED)
        return SSHIO_ESFTP_FAILURE;
    if (rc == 0)
        rc = wire_answer_ok(r->source);
    while (rc == 0 && !r->ended) {
        struct span text;
        rc = wire_read_line(r->source, &text);
        if (rc == SSHIO_EEOF)
            return r->depth != 0 || !any_line ? wire_lost(r->source) : 0;
        if (rc == 0)
            rc = pass_line(r, text);
        any_line = true;
    }
    if (rc == SSHIO_ESFTP_BAD_MESSAGE) { /* both hear why it ends */
        struct error e;
        error_init(&e);
        error_copy(&e, last_error());
        wire_answer(r->source, SCP_FATAL, error_message(&e));
        wire_answer(r->sink, SCP_FATAL, error_message(&e));
        rc = fail_with(&e);
        error_clear(&e);
    }
    return rc;
}

int scp_relay_run(struct scp_job *job, struct scp_wire *sink)
{
    struct relay *r = mem_zalloc(sizeof *r);
    if (r == NULL)
        return fail_nomem();
    r->job = job;
    r->source = job->wire;
    r->sink = sink;
    scp_trail_set(&job->trail, "");
    int rc = run(r);
    mem_free(r);
    return rc;
}
