/* get, put and copy, and their forms with patterns; see transfer.h. */
#include "sftp/transfer.h"

#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/last_error.h"
#include "io/options.h"
#include "sftp/glob.h"
#include "sftp/path.h"

#define FILES_AT_A_TIME 64
#define HANDLES_SPARED 4u /* of those that the server has: for directories, and for others on this session */

void sshio_copy_options_init(sshio_copy_options *options)
{
    OPTIONS_TAKE(options, NULL);
}

/* ---- errors ---- */

/* Of this one item alone: the session, the task and the program are well. */
static bool is_of_item(const struct transfer *t, int rc)
{
    return !t->sftp->ended && (rc == SSHIO_ESYSTEM || client_is_status(rc) || rc == SSHIO_ESFTP_BAD_MESSAGE);
}

int transfer_item_failed(struct transfer *t, int rc, const char *src, const char *dst)
{
    struct error *e = last_error();
    if (rc == 0)
        return 0;
    if (error_code(e) != rc)
        return rc;
    if (e->pub.srcpath == NULL)
        error_set_paths(e, src, dst);
    if (t->o.error_handler == NULL || !is_of_item(t, rc))
        return rc;
    log_info(t->sftp->logger, "Passing over %s: %s", src, error_message(e));
    return t->o.error_handler(&e->pub, t->o.user);
}

bool transfer_goes_on(const struct transfer *t)
{
    return error_code(&t->failed.error) == 0 && t->gang.interrupted == 0;
}

facts transfer_kept(const struct transfer *t, const facts *attrs)
{
    facts f = *attrs;
    f.valid &= ~(uint32_t)SSHIO_FILEXFER_ATTR_SIZE;
    f.permissions &= t->from->is_remote && !t->to->is_remote && !t->o.keep_special_modes ? 0777 : 07777;
    return f;
}

unsigned transfer_first_mode(const struct transfer *t, const facts *attrs, unsigned needed)
{
    bool known = t->o.source_modes && (attrs->valid & SSHIO_FILEXFER_ATTR_PERMISSIONS) != 0;
    return known ? (attrs->permissions & 0777) | needed : 0;
}

/* ---- sources and targets ---- */

struct sources {
    const char *const *paths; /* NULL-terminated */
    bool patterns;
    const char *dst; /* NULL = the working directory */
};

struct plan {
    struct transfer *t;
    const struct sources *sources;
    struct glob_list found;
    struct folder *into; /* the target, where it is a directory */
};

static int add_plain(struct plan *p, const char *path)
{
    facts f;
    int rc = p->t->from->stat(p->t->sftp, path, p->t->o.follow_symlinks, &f);
    if (rc != 0)
        return transfer_item_failed(p->t, rc, path, p->sources->dst);
    return glob_list_add(&p->found, path, &f);
}

static int add_matches(struct plan *p, const char *pattern)
{
    int rc = glob_expand(p->t->from, p->t->sftp, pattern, &p->found);
    if (rc == 0 || error_code(last_error()) != rc)
        return rc;
    return transfer_item_failed(p->t, rc, pattern, p->sources->dst);
}

static int find_sources(struct plan *p)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && p->sources->paths[i] != NULL; i++)
        rc = p->sources->patterns ? add_matches(p, p->sources->paths[i]) : add_plain(p, p->sources->paths[i]);
    return rc;
}

static int find_target(struct plan *p)
{
    struct transfer *t = p->t;
    const char *dst = p->sources->dst;
    facts f = { .valid = 0 };
    int rc = dst != NULL ? t->to->stat(t->sftp, dst, true, &f) : 0;
    if (rc != 0 && !side_is_missing(rc))
        return rc;
    if (dst == NULL || (rc == 0 && f.type == SSHIO_FILEXFER_TYPE_DIRECTORY))
        return t->to->open_folder(t->sftp, dst != NULL ? dst : "", &p->into);
    if (p->found.count > 1 || p->sources->paths[0] == NULL || p->sources->paths[1] != NULL)
        return client_fail_v6(t->sftp, SSHIO_ESFTP_NOT_A_DIRECTORY, dst, "must be a directory");
    return 0;
}

/* Where a source goes: into the directory by its name, or to the path itself. */
static bool find_spot(const struct plan *p, const char *src, struct spot *spot)
{
    const char *name = path_basename(src);
    if (p->into == NULL)
        return spot_at(spot, p->sources->dst);
    if (name[0] != '\0')
        return spot_in(spot, p->into, name);
    return spot_at(spot, p->into->path[0] != '\0' ? p->into->path : ".");
}

static int copy_found(struct plan *p)
{
    int rc = 0;
    p->t->many = p->found.count > 1;
    for (size_t i = 0; rc == 0 && i < p->found.count && transfer_goes_on(p->t); i++) {
        struct glob_entry *entry = &p->found.items[i];
        struct spot spot;
        if (!find_spot(p, entry->path, &spot))
            return fail_nomem();
        struct item item = { .src = entry->path, .dst = &spot, .attrs = entry->attrs };
        rc = transfer_item(p->t, &item);
        spot_done(&spot);
    }
    return rc;
}

static int run_plan(struct plan *p)
{
    int rc = find_sources(p);
    if (rc == 0)
        rc = find_target(p);
    if (rc == 0)
        rc = copy_found(p);
    return rc;
}

/* ---- the transfer ---- */

/* As many files as are wanted, and as the server lets us have open. */
static unsigned files_at_a_time(const struct transfer *t)
{
    uint64_t files = t->o.max_files > 0 ? (uint64_t)t->o.max_files : FILES_AT_A_TIME;
    uint64_t handles = t->sftp->one_at_a_time ? 1 : t->sftp->limits.max_open_handles;
    if (handles == 0)
        return (unsigned)files;
    uint64_t most = handles > 2 * HANDLES_SPARED ? (handles - HANDLES_SPARED) / (t->is_copy ? 2 : 1) : 1;
    return (unsigned)(files < most ? files : most);
}

static int run_transfer(struct transfer *t, const struct sources *sources)
{
    struct plan p = { .t = t, .sources = sources };
    gang_init(&t->gang, files_at_a_time(t));
    gang_error_init(&t->failed);
    int rc = run_plan(&p);
    struct error e;
    error_init(&e);
    if (rc != 0)
        error_copy(&e, last_error());
    int waited = gang_wait(&t->gang);
    int beside = gang_error_raise(&t->failed);
    if (rc != 0)
        fail_with(&e);
    else
        rc = waited != 0 ? fail(waited, "%s", sshio_error_text(waited)) : beside;
    error_clear(&e);
    glob_list_done(&p.found);
    folder_unref(p.into);
    return rc;
}

struct running {
    struct transfer *t;
    const struct sources *sources;
};

static int run_running(void *arg)
{
    struct running *r = arg;
    return run_transfer(r->t, r->sources);
}

/* First the one path that was given, then the others. */
static const char **list_sources(const char *first, const char *const *more)
{
    size_t count = 0;
    while (more != NULL && more[count] != NULL)
        count++;
    const char **all = mem_array(count + 2, sizeof *all);
    if (all == NULL)
        return NULL;
    all[0] = first;
    for (size_t i = 0; i < count; i++)
        all[i + 1] = more[i];
    return all;
}

static int transfer(sshio_sftp *s, const struct side *from, const struct side *to, const char *src, const char *dst,
                    const sshio_copy_options *options, bool patterns)
{
    struct transfer *t = mem_zalloc(sizeof *t);
    if (t == NULL)
        return fail_nomem();
    t->sftp = s;
    t->from = from;
    t->to = to;
    t->is_copy = from == to;
    int rc = src != NULL ? OPTIONS_TAKE(&t->o, options) : fail(SSHIO_EINVAL, "nothing to be copied was given");
    if (rc == 0)
        rc = completion_can_wait();
    const char **paths = rc == 0 ? list_sources(src, t->o.more_sources) : NULL;
    if (rc == 0 && paths == NULL)
        rc = fail_nomem();
    if (rc == 0) {
        struct sources sources = { .paths = paths, .patterns = patterns, .dst = dst };
        struct running running = { t, &sources };
        client_hold(s);
        rc = t->o.timeout > 0 ? sshio_with_timeout(t->o.timeout, run_running, &running) : run_running(&running);
        client_release(s);
    }
    mem_free(paths);
    mem_free(t);
    return rc;
}

int sshio_sftp_get(sshio_sftp *sftp, const char *remote, const char *local, const sshio_copy_options *options)
{
    return transfer(sftp, &side_remote, &side_local, remote, local, options, false);
}

int sshio_sftp_put(sshio_sftp *sftp, const char *local, const char *remote, const sshio_copy_options *options)
{
    return transfer(sftp, &side_local, &side_remote, local, remote, options, false);
}

int sshio_sftp_copy(sshio_sftp *sftp, const char *from, const char *to, const sshio_copy_options *options)
{
    return transfer(sftp, &side_remote, &side_remote, from, to, options, false);
}

int sshio_sftp_mget(sshio_sftp *sftp, const char *remote, const char *local, const sshio_copy_options *options)
{
    return transfer(sftp, &side_remote, &side_local, remote, local, options, true);
}

int sshio_sftp_mput(sshio_sftp *sftp, const char *local, const char *remote, const sshio_copy_options *options)
{
    return transfer(sftp, &side_local, &side_remote, local, remote, options, true);
}

int sshio_sftp_mcopy(sshio_sftp *sftp, const char *from, const char *to, const sshio_copy_options *options)
{
    return transfer(sftp, &side_remote, &side_remote, from, to, options, true);
}
