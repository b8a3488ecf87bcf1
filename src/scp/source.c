/* The side of SCP that sends: items one after another, directories in full; see job.h.
 *
 * A directory that is being sent is a level. Links are followed, so that a directory may turn up within itself: one
 * that is already open above is refused, and the depth is limited.
 *
 * Once the size of a file was said, as many bytes follow, whatever happens to the file: zeros in place of what cannot
 * be read, and a warning behind them. */
#include <string.h>

#include <sshio/constants.h>

#include "base/memory.h"
#include "io/completion.h"
#include "io/last_error.h"
#include "scp/job.h"
#include "sftp/gang.h"

struct level {
    void *node;
    uint64_t id[2];
    struct scp_mark mark; /* of what it is in */
    bool is_said;         /* else its entries are said as if each had been asked for */
};

struct source {
    struct scp_job *job;
    size_t depth;
    struct level levels[SCP_DEPTH_MAX];
};

struct item { /* that is about to be sent */
    void *node;
    const char *name;
    struct scp_attrs attrs;
    struct scp_mark mark;
};

/* ---- failures ---- */

/* Of an item that the sink knows nothing about: it is told, and does not answer. */
static int item_failed(struct scp_job *job, int rc)
{
    struct error e;
    error_init(&e);
    error_copy(&e, last_error());
    int sent = wire_answer(job->wire, SCP_WARNING, error_message(&e));
    if (sent == 0) {
        fail_with(&e);
        sent = scp_job_item_failed(job, rc);
    }
    error_clear(&e);
    return sent;
}

static int refuse(const char *name, const char *why)
{
    return error_set_reason(last_error(), SSHIO_ESFTP_FAILURE, SSHIO_FX_FAILURE, "%s: %s", name, why);
}

/* ---- lines ---- */

/* Sends it, and waits for the answer: 0, SCP_REFUSED or an error. */
static int say(struct scp_job *job, struct writer *line)
{
    int rc = wire_send(job->wire, line);
    return rc == 0 ? wire_read_answer(job->wire) : rc;
}

static int say_times(struct scp_job *job, const struct scp_attrs *attrs)
{
    struct writer line;
    if (!job->preserve)
        return 0;
    writer_init(&line, SCP_LINE_MAX + 1);
    scp_put_times(&line, attrs->mtime, attrs->atime);
    return say(job, &line);
}

static int say_entry(struct scp_job *job, const struct item *item)
{
    struct writer line;
    int rc = say_times(job, &item->attrs);
    if (rc != 0)
        return rc;
    writer_init(&line, SCP_LINE_MAX + 1);
    if (item->attrs.type == SCP_TYPE_DIRECTORY)
        scp_put_directory(&line, item->attrs.mode, item->name);
    else
        scp_put_file(&line, item->attrs.mode, item->attrs.size, item->name);
    return say(job, &line);
}

static bool can_be_said(const char *name)
{
    return strlen(name) < SCP_LINE_MAX - 64 && scp_name_is_safe(span_of(name));
}

/* ---- files ---- */

struct content {
    struct scp_job *job;
    const struct item *item;
    struct error error;   /* what reading it met; zeros follow from there on */
    uint64_t read, sent;  /* bytes */
    size_t lens[2];       /* of the pieces of the job that were read and not sent; 0 = free */
    bool stopped;         /* nothing more is to be read */
    struct waiters moved; /* a piece was read, or sent */
};

/* Fills a piece, with zeros if need be; an interruption. */
static int read_piece(struct content *c, uint8_t *piece, size_t want)
{
    struct scp_files *files = c->job->files;
    size_t have = 0;
    int rc = 0;
    while (rc == 0 && have < want && error_code(&c->error) == 0) {
        size_t got = 0;
        rc = files->read(files, c->item->node, c->read + have, piece + have, want - have, &got);
        if (rc == 0 && got == 0)
            rc = refuse(c->item->name, "unexpected end of file");
        have += got;
    }
    if (rc == SSHIO_ECANCELED || rc == SSHIO_ETIMEDOUT)
        return rc;
    if (rc != 0)
        error_copy(&c->error, last_error());
    memset(piece + have, 0, want - have);
    return 0;
}

static int read_next(struct content *c, size_t at)
{
    size_t want = scp_job_part(c->job, c->read, c->item->attrs.size);
    int rc = read_piece(c, c->job->pieces[at], want);
    if (rc == 0) {
        c->read += want;
        c->lens[at] = want;
    }
    return rc;
}

/* Reads one piece while the other is sent. A task of its own. */
static int read_ahead(void *arg)
{
    struct content *c = arg;
    int rc = 0;
    for (size_t at = 0; rc == 0 && !c->stopped && c->read < c->item->attrs.size; at = 1 - at) {
        while (rc == 0 && c->lens[at] != 0 && !c->stopped)
            rc = waiters_wait(&c->moved);
        if (rc == 0 && !c->stopped)
            rc = read_next(c, at);
        waiters_wake(&c->moved, 0);
    }
    c->stopped = true;
    waiters_wake(&c->moved, 0);
    return rc;
}

/* ahead: somebody else reads. */
static int send_pieces(struct content *c, bool ahead)
{
    struct scp_job *job = c->job;
    uint64_t size = c->item->attrs.size;
    int rc = 0;
    for (size_t at = 0; rc == 0 && c->sent < size; at = ahead ? 1 - at : 0) {
        while (rc == 0 && ahead && c->lens[at] == 0)
            rc = c->stopped ? SSHIO_ECANCELED : waiters_wait(&c->moved);
        if (rc == 0 && !ahead)
            rc = read_next(c, at);
        if (rc == 0)
            rc = job->wire->write(job->wire, job->pieces[at], c->lens[at]);
        c->sent += c->lens[at];
        c->lens[at] = 0;
        waiters_wake(&c->moved, 0);
        if (rc == 0)
            rc = scp_job_report(job, c->sent, size);
    }
    return rc;
}

static int send_content(struct content *c)
{
    struct gang reader;
    if (c->item->attrs.size == 0)
        return scp_job_report(c->job, 0, 0);
    if (c->item->attrs.size <= c->job->block_size)
        return send_pieces(c, false);
    gang_init(&reader, 1);
    int rc = gang_start(&reader, read_ahead, c);
    if (rc != 0)
        return rc;
    rc = send_pieces(c, true);
    c->stopped = true;
    waiters_wake(&c->moved, 0);
    int interrupted = gang_wait(&reader);
    return rc == 0 ? interrupted : rc;
}

/* The sink has said yes. */
static int send_file(struct scp_job *job, const struct item *item)
{
    struct content c = { .job = job, .item = item };
    error_init(&c.error);
    waiters_init(&c.moved);
    int rc = send_content(&c);
    bool failed = error_code(&c.error) != 0;
    if (rc == 0)
        rc = failed ? wire_answer(job->wire, SCP_WARNING, error_message(&c.error)) : wire_answer_ok(job->wire);
    if (rc == 0)
        rc = wire_read_answer(job->wire);
    if (failed && (rc == 0 || rc == SCP_REFUSED))
        rc = scp_job_item_failed(job, fail_with(&c.error));
    else if (rc == SCP_REFUSED)
        rc = scp_job_item_failed(job, rc);
    error_clear(&c.error);
    return rc;
}

/* ---- directories ---- */

static bool is_open(const struct source *s, const struct scp_attrs *attrs)
{
    for (size_t i = 0; i < s->depth; i++)
        if ((attrs->id[0] | attrs->id[1]) != 0 && memcmp(s->levels[i].id, attrs->id, sizeof attrs->id) == 0)
            return true;
    return false;
}

/* Why a directory is not sent; 0 = it is. */
static int check_directory(const struct source *s, const struct item *item)
{
    if (!s->job->recurse)
        return refuse(item->name, "is a directory");
    if (s->depth == SCP_DEPTH_MAX)
        return refuse(item->name, "directories are too deep");
    if (is_open(s, &item->attrs))
        return refuse(item->name, "the directory is within itself");
    return 0;
}

static void enter(struct source *s, const struct item *item, bool is_said)
{
    struct level *level = &s->levels[s->depth++];
    *level = (struct level){ .node = item->node, .mark = item->mark, .is_said = is_said };
    memcpy(level->id, item->attrs.id, sizeof level->id);
}

static int leave(struct source *s)
{
    struct level *level = &s->levels[--s->depth];
    struct scp_job *job = s->job;
    struct writer line;
    job->files->close(job->files, level->node);
    scp_trail_back(&job->trail, level->mark);
    if (!level->is_said)
        return 0;
    writer_init(&line, SCP_LINE_MAX + 1);
    scp_put_end(&line);
    int rc = say(job, &line);
    return rc == SCP_REFUSED ? scp_job_item_failed(job, rc) : rc;
}

/* ---- items ---- */

/* "." and "..": sinks refuse these names. What is in the directory goes into the sink's. */
static bool is_contents(const struct item *item)
{
    return item->attrs.type == SCP_TYPE_DIRECTORY && (strcmp(item->name, ".") == 0 || strcmp(item->name, "..") == 0);
}

static int check(const struct source *s, const struct item *item)
{
    if (!is_contents(item) && !can_be_said(item->name))
        return error_set_reason(last_error(), SSHIO_ESFTP_FAILURE, SSHIO_FX_FAILURE, "Invalid filename");
    if (item->attrs.type == SCP_TYPE_SPECIAL)
        return refuse(item->name, "not a regular file");
    return item->attrs.type == SCP_TYPE_DIRECTORY ? check_directory(s, item) : 0;
}

/* Its node is taken over, or closed. */
static int send_open_item(struct source *s, struct item *item)
{
    struct scp_job *job = s->job;
    bool is_directory = item->attrs.type == SCP_TYPE_DIRECTORY;
    int rc = check(s, item);
    if (rc != 0) {
        rc = item_failed(job, rc);
    } else {
        rc = is_contents(item) ? 0 : say_entry(job, item);
        if (rc == 0 && is_directory) {
            enter(s, item, !is_contents(item));
            return 0;
        }
        if (rc == SCP_REFUSED)
            rc = scp_job_item_failed(job, rc);
        else if (rc == 0)
            rc = send_file(job, item);
    }
    job->files->close(job->files, item->node);
    scp_trail_back(&job->trail, item->mark);
    return rc;
}

/* Of the directory that is open, or of the user. */
static int send_item(struct source *s, const char *name, const char *said, struct scp_mark mark)
{
    struct scp_job *job = s->job;
    void *dir = s->depth != 0 ? s->levels[s->depth - 1].node : NULL;
    struct item item = { .name = said, .mark = mark };
    int rc = job->files->open(job->files, dir, name, &item.node, &item.attrs);
    if (rc == 0)
        return send_open_item(s, &item);
    rc = item_failed(job, rc);
    scp_trail_back(&job->trail, mark);
    return rc;
}

static int send_next(struct source *s)
{
    struct scp_job *job = s->job;
    const char *name;
    int rc = job->files->next(job->files, s->levels[s->depth - 1].node, &name);
    if (rc == SSHIO_EEOF)
        return leave(s);
    if (rc != 0) {
        rc = item_failed(job, rc);
        return rc == 0 ? leave(s) : rc;
    }
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return 0;
    struct scp_mark mark = scp_trail_mark(&job->trail);
    char *kept = mem_strdup(name);
    if (kept == NULL)
        return fail_nomem();
    scp_trail_enter(&job->trail, kept);
    rc = send_item(s, kept, kept, mark);
    mem_free(kept);
    return rc;
}

static char *name_to_say(const char *path)
{
    size_t len;
    const char *base = scp_basename(path, &len);
    return len == 1 && base[0] == '/' ? mem_strdup(".") : span_dup_text(SPAN(base, len));
}

int scp_source_begin(struct scp_job *job)
{
    int rc = wire_read_answer(job->wire);
    return rc == SCP_REFUSED ? SSHIO_ESFTP_FAILURE : rc;
}

int scp_source_send(struct scp_job *job, const char *path)
{
    struct source *s = mem_zalloc(sizeof *s);
    char *said = name_to_say(path);
    int rc = s != NULL && said != NULL ? 0 : fail_nomem();
    if (rc == 0) {
        s->job = job;
        scp_trail_set(&job->trail, path);
        rc = send_item(s, path, said, scp_trail_mark(&job->trail));
        while (rc == 0 && s->depth != 0)
            rc = send_next(s);
        while (s->depth != 0)
            job->files->close(job->files, s->levels[--s->depth].node);
    }
    mem_free(said);
    mem_free(s);
    return rc;
}
