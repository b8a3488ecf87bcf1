/* The side of SCP that receives: it does what lines say, and says for each whether that went well; see job.h.
 *
 * Nothing a source says decides where something is written: a name is one component, and inside directories no link is
 * followed. What was asked for decides which names may come at the top. Once a line cannot be understood nothing after
 * it can be, so that the job ends: what follows could be the bytes of a file. (CVE-2018-20685, CVE-2019-6111,
 * CVE-2026-54591) */
#include <string.h>

#include <sshio/constants.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/last_error.h"
#include "scp/job.h"
#include "scp/names.h"

#define OWNER_RWX 0700u

struct level {
    void *node;
    struct scp_changes changes; /* when it is complete */
    struct scp_mark mark;       /* of what it is in */
    bool is_said;               /* by a line D; else it is the target, which was there */
};

struct sink {
    struct scp_job *job;
    const char *target;
    bool ended;
    bool any_line;
    unsigned items; /* at the top, so far */
    bool have_times;
    int64_t mtime, atime; /* for the next item */
    size_t depth;
    struct level levels[SCP_DEPTH_MAX];
};

/* ---- failures ---- */

static int bad(const char *text, const char *name)
{
    char shown[256];
    return error_set_reason(last_error(), SSHIO_ESFTP_BAD_MESSAGE, SSHIO_FX_BAD_MESSAGE, "%s%s%s", text,
                            name[0] != '\0' ? ": " : "", log_escaped(span_of(name), shown, sizeof shown));
}

/* The last error is told to the source, as its answer; it is the last one afterwards as well. */
static int tell(struct scp_job *job, enum scp_kind kind)
{
    struct error e;
    error_init(&e);
    error_copy(&e, last_error());
    int rc = wire_answer(job->wire, kind, error_message(&e));
    if (rc == 0)
        fail_with(&e);
    error_clear(&e);
    return rc;
}

/* Refuses an item; the source goes on with the next. */
static int refuse_item(struct scp_job *job, int rc)
{
    if (rc == SSHIO_ECANCELED || rc == SSHIO_ETIMEDOUT)
        return rc;
    int sent = tell(job, SCP_WARNING);
    return sent == 0 ? scp_job_item_failed(job, rc) : sent;
}

/* The job cannot go on; an older sink hears it, too. */
static int give_up(struct scp_job *job, int rc)
{
    job->any_failed = true;
    tell(job, SCP_WARNING);
    return rc;
}

/* ---- what an item becomes ---- */

static struct level *top(struct sink *s)
{
    return s->depth != 0 ? &s->levels[s->depth - 1] : NULL;
}

/* At the top, is it what was asked for? */
static int check_name(struct sink *s, const struct scp_line *line, const char *name)
{
    const char *asked = s->job->asked;
    bool at_top = s->depth == 0 || (s->depth == 1 && !s->levels[0].is_said);
    if (line->name_is_dot && !(at_top && asked != NULL && scp_names_contents(asked)))
        return bad("Invalid filename", name);
    if (!at_top || asked == NULL)
        return 0;
    return line->name_is_dot ? 0 : scp_names_check(asked, name, ++s->items, last_error());
}

static struct scp_changes changes_of(const struct sink *s, uint32_t mode)
{
    const struct scp_job *job = s->job;
    return (struct scp_changes){
        .set_mode = job->preserve,
        .mode = mode & (job->keep_special_modes ? SCP_MODE_MASK : 0777u),
        .set_times = job->preserve && s->have_times,
        .mtime = s->mtime,
        .atime = s->atime,
    };
}

static int change(struct scp_job *job, void *node, const struct scp_changes *changes)
{
    return changes->set_mode || changes->set_times ? job->files->change(job->files, node, changes) : 0;
}

/* ---- files ---- */

struct content {
    uint64_t at;
    struct error error; /* what writing it met; the rest is read all the same */
};

static int remember(struct content *c, int rc)
{
    if (rc == SSHIO_ECANCELED || rc == SSHIO_ETIMEDOUT)
        return rc;
    if (rc != 0 && error_code(&c->error) == 0)
        error_copy(&c->error, last_error());
    return 0;
}

static int receive_content(struct scp_job *job, void *node, uint64_t size, struct content *c)
{
    int rc = size == 0 ? scp_job_report(job, 0, 0) : 0;
    while (rc == 0 && c->at < size) {
        size_t part = scp_job_part(job, c->at, size);
        rc = wire_read_data(job->wire, job->pieces[0], part);
        if (rc == 0 && error_code(&c->error) == 0)
            rc = remember(c, job->files->write(job->files, node, c->at, job->pieces[0], part));
        c->at += part;
        if (rc == 0 && error_code(&c->error) == 0)
            rc = scp_job_report(job, c->at, size);
    }
    return rc;
}

/* What the source says behind the bytes of a file: 0, SCP_REFUSED, or an error. Some sources hang up instead of that,
 * with the file complete: SSHIO_EEOF. */
static int read_verdict(struct scp_job *job)
{
    int rc = wire_read_answer(job->wire);
    return rc == SSHIO_ESFTP_CONNECTION_LOST ? SSHIO_EEOF : rc;
}

/* Both failures are told, the source's first. */
static int answer_file(struct scp_job *job, int verdict, struct content *c)
{
    int rc = verdict == SCP_REFUSED ? scp_job_item_failed(job, verdict) : 0;
    bool failed = error_code(&c->error) != 0;
    if (rc == 0 && failed)
        return refuse_item(job, fail_with(&c->error));
    return rc == 0 ? wire_answer_ok(job->wire) : rc;
}

static int receive_file(struct sink *s, void *node, const struct scp_line *line)
{
    struct scp_job *job = s->job;
    struct scp_changes changes = changes_of(s, line->mode);
    struct content c = { .at = 0 };
    error_init(&c.error);
    int verdict = 0, rc = receive_content(job, node, line->size, &c);
    if (rc == 0) {
        verdict = read_verdict(job);
        rc = verdict < 0 && verdict != SSHIO_EEOF ? verdict : 0;
    }
    if (rc == 0) { /* the last error is the source's, if that had one */
        struct error told;
        error_init(&told);
        error_copy(&told, last_error());
        rc = remember(&c, change(job, node, &changes));
        int closed = job->files->close(job->files, node);
        rc = rc == 0 ? remember(&c, closed) : rc;
        if (rc == 0 && verdict != 0)
            fail_with(&told);
        error_clear(&told);
    } else {
        job->files->close(job->files, node);
    }
    if (rc == 0)
        rc = verdict == SSHIO_EEOF ? SSHIO_ESFTP_CONNECTION_LOST : answer_file(job, verdict, &c);
    error_clear(&c.error);
    return rc;
}

/* In a directory it has its own name; else the target is the file. */
static int take_file(struct sink *s, const struct scp_line *line, const char *name)
{
    struct scp_job *job = s->job;
    struct level *level = top(s);
    void *node = NULL;
    int rc = job->files->create(job->files, level != NULL ? level->node : NULL, level != NULL ? name : s->target,
                                line->mode & 0777u, &node);
    if (rc != 0)
        return refuse_item(job, rc);
    rc = wire_answer_ok(job->wire);
    if (rc == 0)
        return receive_file(s, node, line);
    job->files->close(job->files, node);
    return rc;
}

/* ---- directories ---- */

/* Owners can always write into a directory that is new, until it is complete. */
static struct scp_changes directory_changes(const struct sink *s, uint32_t said, uint32_t has, bool made)
{
    struct scp_changes changes = changes_of(s, said);
    if (!changes.set_mode && made && (said & OWNER_RWX) != OWNER_RWX) {
        changes.set_mode = true;
        changes.mode = has & (said | ~OWNER_RWX) & 0777u;
    }
    return changes;
}

static int take_directory(struct sink *s, const struct scp_line *line, const char *name, struct scp_mark mark)
{
    struct scp_job *job = s->job;
    struct level *level = top(s);
    struct level next = { .mark = mark, .is_said = true };
    uint32_t has = line->mode | OWNER_RWX;
    bool made = false;
    if (!job->recurse)
        return give_up(job, bad("Directory received without recurse", name));
    if (s->depth == SCP_DEPTH_MAX)
        return refuse_item(
            job, error_set_reason(last_error(), SSHIO_ESFTP_FAILURE, SSHIO_FX_FAILURE, "Directories are too deep"));
    int rc = job->files->enter(job->files, level != NULL ? level->node : NULL, level != NULL ? name : s->target, true,
                               &has, &made, &next.node);
    if (rc != 0)
        return refuse_item(job, rc);
    if (!line->name_is_dot) /* that one is the target, which stays as it is */
        next.changes = directory_changes(s, line->mode, has, made);
    s->levels[s->depth++] = next;
    return wire_answer_ok(job->wire);
}

/* Closes a directory with what was to be done at its end. */
static int complete(struct scp_job *job, struct level *level)
{
    int rc = change(job, level->node, &level->changes);
    int closed = job->files->close(job->files, level->node);
    return rc != 0 ? rc : closed;
}

static int leave_directory(struct sink *s)
{
    struct level *level = top(s);
    if (level == NULL || !level->is_said) {
        s->ended = true;
        return wire_answer_ok(s->job->wire);
    }
    s->depth--;
    int rc = complete(s->job, level);
    rc = rc != 0 ? refuse_item(s->job, rc) : wire_answer_ok(s->job->wire);
    scp_trail_back(&s->job->trail, level->mark);
    return rc;
}

/* ---- lines ---- */

static int take_entry(struct sink *s, const struct scp_line *line)
{
    struct scp_job *job = s->job;
    char *name = span_dup_text(line->name);
    if (name == NULL)
        return fail_nomem();
    struct scp_mark mark = scp_trail_mark(&job->trail);
    int rc = check_name(s, line, name);
    if (rc != 0) {
        rc = give_up(job, rc);
    } else {
        size_t depth = s->depth;
        if (line->name_is_dot || s->depth == 0)
            scp_trail_add_name(&job->trail, name);
        else
            scp_trail_enter(&job->trail, name);
        rc = line->kind == SCP_FILE ? take_file(s, line, name) : take_directory(s, line, name, mark);
        if (s->depth == depth)
            scp_trail_back(&job->trail, mark);
    }
    s->have_times = false;
    mem_free(name);
    return rc;
}

static int take_times(struct sink *s, const struct scp_line *line)
{
    s->have_times = true;
    s->mtime = line->mtime;
    s->atime = line->atime;
    return wire_answer_ok(s->job->wire);
}

static int take_line(struct sink *s, struct span text)
{
    struct scp_job *job = s->job;
    struct scp_line line;
    int rc = scp_line_parse(text, &line, last_error());
    if (rc != 0)
        return give_up(job, rc);
    switch (line.kind) {
    case SCP_FILE:
    case SCP_DIRECTORY:
        return take_entry(s, &line);
    case SCP_END:
        return leave_directory(s);
    case SCP_TIMES:
        return take_times(s, &line);
    case SCP_WARNING:
        return scp_job_item_failed(job, wire_fail_told(job->wire, line.text));
    case SCP_FATAL:
        job->any_failed = true;
        return wire_fail_told(job->wire, line.text);
    default:
        return give_up(job, bad("Unknown request", ""));
    }
}

/* ---- the whole ---- */

/* Opens the target if it is a directory. */
static int open_target(struct sink *s)
{
    struct scp_job *job = s->job;
    struct level level = { 0 };
    uint32_t mode;
    bool made;
    int rc = job->files->enter(job->files, NULL, s->target, false, &mode, &made, &level.node);
    if (rc == 0)
        s->levels[s->depth++] = level;
    if (rc == 0 || rc == SSHIO_ECANCELED || rc == SSHIO_ETIMEDOUT)
        return rc;
    return job->directory
               ? error_set_reason(last_error(), SSHIO_ESFTP_FAILURE, SSHIO_FX_FAILURE, "Not a directory: %s", s->target)
               : 0;
}

/* That is fine between items, but neither inside a directory nor before what was asked for: then the program on the
 * other side has not even begun. */
static int hang_up(struct sink *s)
{
    bool is_inside = s->depth > 1 || (s->depth == 1 && s->levels[0].is_said);
    bool nothing_came = s->job->asked != NULL && !s->any_line;
    return is_inside || nothing_came ? wire_lost(s->job->wire) : 0;
}

static int receive(struct sink *s)
{
    int rc = wire_answer_ok(s->job->wire);
    while (rc == 0 && !s->ended) {
        struct span text;
        rc = wire_read_line(s->job->wire, &text);
        if (rc == SSHIO_EEOF)
            break;
        if (rc == SSHIO_ESFTP_BAD_MESSAGE)
            rc = give_up(s->job, rc);
        else if (rc == 0)
            rc = take_line(s, text);
        s->any_line |= rc == 0;
    }
    return rc == SSHIO_EEOF ? hang_up(s) : rc;
}

int scp_sink_run(struct scp_job *job, const char *path)
{
    struct sink *s = mem_zalloc(sizeof *s);
    if (s == NULL)
        return fail_nomem();
    s->job = job;
    s->target = path;
    scp_trail_set(&job->trail, path);
    int rc = open_target(s);
    if (rc != 0)
        rc = give_up(job, rc);
    else
        rc = receive(s);
    while (s->depth != 0) { /* what a source left open is completed, as far as that goes */
        struct level *level = &s->levels[--s->depth];
        change(job, level->node, &level->changes);
        job->files->close(job->files, level->node);
    }
    mem_free(s);
    return rc;
}
