/* Directories that a handler lists. The handler runs in a task of its own, which waits whenever a batch of names is
 * there that nobody has fetched yet. See server.h. */
#include "base/memory.h"
#include "conn/request.h"
#include "io/last_error.h"
#include "io/task.h"
#include "sftp/attrs.h"
#include "sftp/server.h"

struct listing {
    int refs; /* the handle's, and the task's */
    sshio_sftp_server *server;
    char *path;
    sshio_sftp_names names;
    bool or_ours; /* without a handler the local file system is listed */
    bool done, closed;
    int result;
    struct error error;
    struct waiters changed; /* names were added or fetched, or the end came */
};

static void release(struct listing *l)
{
    if (--l->refs > 0)
        return;
    sftp_server_release(l->server);
    sshio_sftp_names_free(&l->names);
    error_clear(&l->error);
    mem_free(l->path);
    mem_free(l);
}

int names_add(sshio_sftp_names *names, sshio_sftp_name *name)
{
    if (names->count % SERVER_BATCH == 0) {
        sshio_sftp_name **more = mem_grow(names->items, (names->count + SERVER_BATCH) * sizeof(*more));
        if (more == NULL) {
            sshio_sftp_name_free(name);
            return fail_nomem();
        }
        names->items = more;
    }
    names->items[names->count++] = name;
    return 0;
}

static int run(void *arg)
{
    struct listing *l = arg;
    sshio_request req;
    request_init(&req, NULL, TAKES_NAMES);
    req.place = l;
    int (*handler)(sshio_sftp_server * server, const char *path, sshio_request *req,
                   void *user) = l->server->handlers.scandir;
    int rc = handler != NULL ? handler(l->server, l->path, &req, l->server->user) : SSHIO_DEFAULT;
    if (rc == SSHIO_DEFAULT && l->or_ours)
        rc = sshio_sftp_server_scandir(l->server, l->path, &req);
    request_done(&req);
    l->result = rc == SSHIO_ANSWERED ? 0 : rc;
    if (rc < 0)
        error_copy(&l->error, last_error());
    return rc;
}

static void run_done(int result, void *arg)
{
    struct listing *l = arg;
    (void)result;
    l->done = true;
    waiters_wake(&l->changed, 0);
    release(l);
}

static struct listing *listing_new(sshio_sftp_server *server, const char *path, bool or_ours)
{
    struct listing *l = mem_zalloc(sizeof *l);
    if (l == NULL)
        return NULL;
    l->refs = 1;
    l->server = server;
    l->server->refs++;
    l->path = mem_strdup(path);
    l->or_ours = or_ours;
    error_init(&l->error);
    waiters_init(&l->changed);
    if (l->path != NULL)
        return l;
    release(l);
    return NULL;
}

static int begin(struct listing *l)
{
    l->refs++;
    int rc = task_start(l->server->loop, run, l, run_done, NULL, last_error());
    if (rc != 0)
        release(l);
    return rc;
}

static int wait_for(struct listing *l, size_t count)
{
    int rc = 0;
    while (rc == 0 && l->names.count < count && !l->done)
        rc = waiters_wait(&l->changed);
    return rc;
}

int listing_open(sshio_sftp_server *server, const char *path, bool or_ours, struct listing **opened)
{
    struct listing *l = listing_new(server, path, or_ours);
    if (l == NULL)
        return fail_nomem();
    int rc = begin(l);
    if (rc == 0)
        rc = wait_for(l, 1);
    if (rc == 0 && l->done && l->result != 0)
        rc = l->result < 0 ? fail_with(&l->error) : l->result;
    if (rc == 0)
        *opened = l;
    else
        listing_close(l);
    return rc;
}

int listing_start(struct sftp_request *q)
{
    if (q->server->handlers.scandir == NULL)
        return SSHIO_DEFAULT;
    return listing_open(q->server, q->path, false, &q->opened_listing);
}

int listing_fetch(struct listing *l, sshio_sftp_names *names, bool *at_end)
{
    l->refs++;
    int rc = wait_for(l, SERVER_BATCH);
    if (rc == 0 && l->names.count == 0) {
        rc = l->result < 0 ? fail_with(&l->error) : local_fail_sftp(SSHIO_FX_EOF, sshio_error_text(SSHIO_ESFTP_EOF));
    } else if (rc == 0) {
        *names = l->names;
        *at_end = l->done && l->result == 0;
        l->names = (sshio_sftp_names){ 0, NULL };
        waiters_wake(&l->changed, 0);
    }
    release(l);
    return rc;
}

int listing_take(struct sftp_request *q)
{
    return listing_fetch(q->handle->listing, &q->names, &q->at_end);
}

void listing_close(struct listing *l)
{
    if (l == NULL)
        return;
    l->closed = true;
    waiters_wake(&l->changed, 0);
    release(l);
}

int listing_add(struct listing *l, const sshio_sftp_name *name)
{
    struct attrs_wire wire;
    int rc = 0;
    while (rc == 0 && l->names.count >= SERVER_BATCH && !l->closed)
        rc = waiters_wait(&l->changed);
    if (rc != 0)
        return rc;
    if (l->closed)
        return fail(SSHIO_ECLOSED, "the directory was closed");
    attrs_to_wire(&name->attrs, &wire);
    sshio_sftp_name *copy = name_new(span_of(name->filename), span_of(name->longname), &wire);
    if (copy == NULL)
        return fail_nomem();
    rc = names_add(&l->names, copy);
    waiters_wake(&l->changed, 0);
    return rc;
}
