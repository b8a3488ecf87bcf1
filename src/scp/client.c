/* sshio_scp: which hosts, which of the three ways, and one source after another; see job.h. */
#include <sshio/client.h>
#include <sshio/connection.h>
#include <sshio/scp.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "io/options.h"
#include "scp/job.h"
#include "scp/local_files.h"
#include "scp/place.h"
#include "scp/relay.h"
#include "scp/session.h"
#include "sftp/glob.h"

/* One end of a copy: a place, and the way to it, where it is remote. */
struct copy_end {
    struct scp_place place;
    sshio_scp_path way; /* its connection is NULL while it is not connected; no way = here */
    bool is_ours;       /* the connection was opened for this copy */
};

struct copy {
    sshio_scp_options o;
    sshio_copy_options c;
    sshio_scp_path from, to;
    bool several;   /* sources: the target is a directory then */
    bool is_upload; /* the path here is the source */
    struct copy_end source, target;
};

void sshio_scp_options_init(sshio_scp_options *options)
{
    OPTIONS_TAKE(options, NULL);
}

/* ---- ends ---- */

static int end_init(struct copy_end *end, const sshio_scp_path *way, const char *path)
{
    const char *text = path != NULL ? path : "";
    *end = (struct copy_end){ .way = *way };
    if (way->conn == NULL && way->start == NULL)
        return scp_place_parse(path != NULL ? path : ".", &end->place, last_error());
    end->place.path = mem_strdup(text);
    return end->place.path != NULL ? 0 : fail_nomem();
}

static void end_done(struct copy_end *end)
{
    if (end->is_ours)
        sshio_conn_unref(end->way.conn);
    scp_place_done(&end->place);
    *end = (struct copy_end){ .is_ours = false };
}

static bool is_remote(const struct copy_end *end)
{
    return end->way.conn != NULL || end->way.start != NULL || end->place.host != NULL;
}

static int end_connect(const struct copy *copy, struct copy_end *end)
{
    sshio_client_options options;
    if (end->way.conn != NULL || end->place.host == NULL)
        return 0;
    int rc = OPTIONS_TAKE(&options, copy->o.connect);
    if (rc != 0)
        return rc;
    if (end->place.user != NULL)
        options.username = end->place.user;
    if (end->place.port != 0)
        options.port = end->place.port;
    rc = sshio_connect(end->place.host, &options, &end->way.conn);
    end->is_ours = rc == 0;
    return rc;
}

/* ---- what a job tells ---- */

static void name_paths(struct copy *copy, struct scp_job *job, struct error *e)
{
    const char *path = scp_trail_path(&job->trail), *name = scp_trail_name(&job->trail);
    if (e->pub.srcpath != NULL)
        return;
    if (job->files == NULL)
        error_set_paths(e, name, name);
    else if (copy->is_upload)
        error_set_paths(e, path, name);
    else
        error_set_paths(e, name, path);
}

static int item_failed(struct scp_job *job)
{
    struct copy *copy = job->user;
    struct error *e = last_error();
    name_paths(copy, job, e);
    return copy->c.error_handler != NULL ? copy->c.error_handler(&e->pub, copy->c.user) : error_code(e);
}

static int progress(struct scp_job *job, uint64_t bytes, uint64_t total)
{
    struct copy *copy = job->user;
    const char *path = scp_trail_path(&job->trail), *name = scp_trail_name(&job->trail);
    if (job->files == NULL)
        path = name;
    return copy->c.progress(copy->is_upload ? path : name, copy->is_upload ? name : path, bytes, total, copy->c.user);
}

static int job_init(struct copy *copy, struct scp_job *job, struct scp_wire *wire, const struct scp_files *files)
{
    size_t block = copy->c.block_size > 0 ? (size_t)copy->c.block_size : SCP_BLOCK;
    int rc = scp_job_init(job, wire, (struct scp_files *)(uintptr_t)files, block);
    job->preserve = copy->c.preserve;
    job->recurse = copy->c.recurse;
    job->keep_special_modes = copy->c.keep_special_modes;
    job->directory = copy->several;
    job->asked = copy->o.strict_filenames != SSHIO_NO ? copy->source.place.path : NULL;
    job->failed = item_failed;
    job->progress = copy->c.progress != NULL ? progress : NULL;
    job->user = copy;
    return rc;
}

/* ---- the three ways ---- */

/* A job and the sessions of its wires, on the heap. */
struct running {
    struct scp_job job;
    struct scp_session session, second;
};

static int open_session(struct copy *copy, struct scp_session *session, const struct copy_end *end, bool sink,
                        bool directory)
{
    struct scp_command command = {
        .sink = sink,
        .directory = sink && directory,
        .preserve = copy->c.preserve,
        .recurse = copy->c.recurse,
        .path = end->place.path,
    };
    return scp_session_open(session, &end->way, &command, copy->o.path_quoting);
}

/* A name that is there stands for itself, even if it looks like a pattern. */
static int find_sources(const char *path, struct glob_list *list)
{
    facts found = { .valid = 0 };
    bool is_pattern = glob_is_pattern(path, strlen(path));
    if (is_pattern && side_local.stat(NULL, path, false, &found) != 0)
        return glob_expand(&side_local, NULL, path, list);
    return glob_list_add(list, path, &found);
}

static int send_all(struct copy *copy, struct running *r, const struct glob_list *list)
{
    int rc = open_session(copy, &r->session, &copy->target, true, copy->several || list->count > 1);
    if (rc == 0)
        rc = scp_source_begin(&r->job);
    for (size_t i = 0; rc == 0 && i < list->count; i++)
        rc = scp_source_send(&r->job, list->items[i].path);
    return rc;
}

static int upload(struct copy *copy, struct running *r)
{
    struct glob_list list = { .count = 0 };
    copy->is_upload = true;
    int rc = job_init(copy, &r->job, &r->session.wire, &local_files);
    scp_trail_set(&r->job.trail, copy->source.place.path);
    if (rc == 0)
        rc = find_sources(copy->source.place.path, &list);
    if (rc == 0)
        rc = send_all(copy, r, &list);
    else if (rc != SSHIO_ENOMEM)
        rc = scp_job_item_failed(&r->job, rc);
    glob_list_done(&list);
    return rc;
}

static int download(struct copy *copy, struct running *r)
{
    const char *target = copy->target.place.path[0] != '\0' ? copy->target.place.path : ".";
    int rc = job_init(copy, &r->job, &r->session.wire, &local_files);
    if (rc == 0)
        rc = open_session(copy, &r->session, &copy->source, false, false);
    return rc == 0 ? scp_sink_run(&r->job, target) : rc;
}

static int between(struct copy *copy, struct running *r)
{
    int rc = job_init(copy, &r->job, &r->session.wire, NULL);
    if (rc == 0)
        rc = open_session(copy, &r->session, &copy->source, false, false);
    if (rc == 0)
        rc = open_session(copy, &r->second, &copy->target, true, copy->several);
    return rc == 0 ? scp_relay_run(&r->job, &r->second.wire) : rc;
}

static int run_one(struct copy *copy, struct running *r)
{
    bool from_here = !is_remote(&copy->source), to_here = !is_remote(&copy->target);
    if (from_here && to_here)
        return fail(SSHIO_EINVAL, "Local copy not supported: neither %s nor %s is on another host",
                    copy->source.place.path, copy->target.place.path);
    int rc = end_connect(copy, &copy->target);
    if (rc == 0)
        rc = end_connect(copy, &copy->source);
    if (rc != 0)
        return rc;
    rc = from_here ? upload(copy, r) : to_here ? download(copy, r) : between(copy, r);
    if (rc != 0 && error_code(last_error()) == rc)
        name_paths(copy, &r->job, last_error());
    return rc;
}

static int copy_one(struct copy *copy, const char *path)
{
    struct running *r = mem_zalloc(sizeof *r);
    if (r == NULL)
        return fail_nomem();
    int rc = end_init(&copy->source, &copy->from, path);
    if (rc == 0)
        rc = run_one(copy, r);
    bool interrupted = rc == SSHIO_ECANCELED || rc == SSHIO_ETIMEDOUT;
    scp_session_close(&r->session, interrupted);
    scp_session_close(&r->second, interrupted);
    scp_job_done(&r->job);
    end_done(&copy->source);
    mem_free(r);
    return rc;
}

/* ---- the whole ---- */

static int copy_list(struct copy *copy, const char *const *paths)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && paths != NULL && paths[i] != NULL; i++)
        rc = copy_one(copy, paths[i]);
    return rc;
}

static int copy_all(void *arg)
{
    struct copy *copy = arg;
    int rc = end_init(&copy->target, &copy->to, copy->to.path);
    if (rc == 0 && copy->from.paths == NULL)
        rc = copy_one(copy, copy->from.path);
    if (rc == 0)
        rc = copy_list(copy, copy->from.paths);
    if (rc == 0)
        rc = copy_list(copy, copy->c.more_sources);
    end_done(&copy->target);
    return rc;
}

static int check(const struct copy *copy)
{
    if (copy->to.paths != NULL)
        return fail(SSHIO_EINVAL, "SCP has one target");
    if (copy->c.block_size > (int64_t)SCP_BLOCK_MAX)
        return fail(SSHIO_EINVAL, "SCP block size %lld, which must be at most %u bytes", (long long)copy->c.block_size,
                    SCP_BLOCK_MAX);
    if (copy->o.path_quoting > SSHIO_SCP_QUOTE_RAW)
        return fail(SSHIO_EINVAL, "SCP path quoting %d", (int)copy->o.path_quoting);
    return completion_can_wait();
}

int sshio_scp_paths(sshio_scp_path from, sshio_scp_path to, const sshio_scp_options *options)
{
    struct copy copy = { .from = from, .to = to };
    int rc = OPTIONS_TAKE(&copy.o, options);
    if (rc == 0)
        rc = OPTIONS_TAKE(&copy.c, copy.o.copy);
    if (rc == 0)
        rc = check(&copy);
    if (rc != 0)
        return rc;
    bool more = copy.c.more_sources != NULL && copy.c.more_sources[0] != NULL;
    copy.several = more || (from.paths != NULL && from.paths[0] != NULL && from.paths[1] != NULL);
    return copy.c.timeout > 0 ? sshio_with_timeout(copy.c.timeout, copy_all, &copy) : copy_all(&copy);
}

int sshio_scp(const char *from, const char *to, const sshio_scp_options *options)
{
    if (from == NULL)
        return fail(SSHIO_EINVAL, "sshio_scp: no source was given");
    return sshio_scp_paths((sshio_scp_path){ .path = from }, (sshio_scp_path){ .path = to }, options);
}
