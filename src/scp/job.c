/* What a source and a sink of SCP share; see job.h. */
#include "scp/job.h"

#include <string.h>

#include "base/memory.h"
#include "io/last_error.h"

#define TRAIL_MAX (64u * 1024)

int scp_job_init(struct scp_job *job, struct scp_wire *wire, struct scp_files *files, size_t block_size)
{
    size_t piece = block_size < SCP_PIECE ? block_size : SCP_PIECE;
    *job = (struct scp_job){ .wire = wire, .files = files, .block_size = block_size, .piece = piece };
    writer_init(&job->trail.path, TRAIL_MAX);
    writer_init(&job->trail.name, TRAIL_MAX);
    for (size_t i = 0; i < 2; i++)
        if ((job->pieces[i] = mem_alloc(piece)) == NULL)
            return fail_nomem();
    return 0;
}

void scp_job_done(struct scp_job *job)
{
    for (size_t i = 0; i < 2; i++) {
        mem_free(job->pieces[i]);
        job->pieces[i] = NULL;
    }
    writer_done(&job->trail.path);
    writer_done(&job->trail.name);
}

int scp_job_item_failed(struct scp_job *job, int rc)
{
    if (rc == SSHIO_ECANCELED || rc == SSHIO_ETIMEDOUT || rc == SSHIO_ENOMEM || rc == SSHIO_ENOTASK)
        return rc;
    job->any_failed = true;
    return job->failed(job);
}

int scp_job_report(struct scp_job *job, uint64_t bytes, uint64_t total)
{
    bool is_due = bytes % job->block_size == 0 || bytes == total;
    return job->progress != NULL && is_due ? job->progress(job, bytes, total) : 0;
}

size_t scp_job_part(const struct scp_job *job, uint64_t at, uint64_t size)
{
    uint64_t left = size - at, in_block = job->block_size - at % job->block_size;
    uint64_t part = in_block < job->piece ? in_block : job->piece;
    return (size_t)(left < part ? left : part);
}

/* ---- the trail: what does not fit is left out ---- */

static void add(struct writer *text, const char *name)
{
    if (text->len != 0 && text->data[text->len - 1] != '/')
        put_u8(text, '/');
    put_chars(text, name);
}

static const char *text_of(struct writer *text)
{
    size_t len = text->len;
    put_u8(text, '\0');
    bool ended = text->len > len;
    text->len = len;
    return ended ? (const char *)text->data : "";
}

struct scp_mark scp_trail_mark(const struct scp_trail *trail)
{
    return (struct scp_mark){ trail->path.len, trail->name.len };
}

void scp_trail_set(struct scp_trail *trail, const char *path)
{
    writer_reset(&trail->path);
    writer_reset(&trail->name);
    put_chars(&trail->path, path);
}

void scp_trail_enter(struct scp_trail *trail, const char *name)
{
    add(&trail->path, name);
    add(&trail->name, name);
}

void scp_trail_add_name(struct scp_trail *trail, const char *name)
{
    add(&trail->name, name);
}

void scp_trail_back(struct scp_trail *trail, struct scp_mark mark)
{
    trail->path.len = mark.path_len;
    trail->name.len = mark.name_len;
}

const char *scp_trail_path(struct scp_trail *trail)
{
    return text_of(&trail->path);
}

const char *scp_trail_name(struct scp_trail *trail)
{
    return text_of(&trail->name);
}

const char *scp_basename(const char *path, size_t *len)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    if (start == end && end != 0) /* "/" */
        start = end - 1;
    *len = end - start;
    return path + start;
}
