/* A gang of tasks; see gang.h. */
#include "sftp/gang.h"

#include "base/memory.h"
#include "io/last_error.h"
#include "io/loop.h"
#include "io/task.h"

struct member {
    struct list link;
    struct gang *gang;
    sshio_task *task;
    sshio_task_fn fn;
    void *arg;
};

void gang_init(struct gang *gang, unsigned limit)
{
    *gang = (struct gang){ .limit = limit };
    list_init(&gang->members);
    waiters_init(&gang->changed);
}

static int work(void *arg)
{
    struct member *member = arg;
    return member->fn(member->arg);
}

static void ended(int result, void *arg)
{
    struct member *member = arg;
    struct gang *gang = member->gang;
    (void)result;
    list_remove(&member->link);
    mem_free(member);
    gang->running--;
    waiters_wake(&gang->changed, 0);
}

static void interrupt(struct gang *gang, int rc)
{
    if (gang->interrupted != 0)
        return;
    gang->interrupted = rc;
    LIST_EACH(node, &gang->members)
    sshio_cancel(LIST_ENTRY(node, struct member, link)->task);
}

int gang_wait(struct gang *gang)
{
    while (gang->running > 0) {
        int rc = waiters_wait(&gang->changed);
        if (rc != 0)
            interrupt(gang, rc);
    }
    return gang->interrupted;
}

int gang_start(struct gang *gang, sshio_task_fn fn, void *arg)
{
    while (gang->running >= gang->limit && gang->interrupted == 0) {
        int rc = waiters_wait(&gang->changed);
        if (rc != 0)
            interrupt(gang, rc);
    }
    if (gang->interrupted != 0)
        return gang->interrupted;
    struct member *member = mem_alloc(sizeof *member);
    if (member == NULL)
        return fail_nomem();
    *member = (struct member){ .gang = gang, .fn = fn, .arg = arg };
    int rc = task_start(loop_current(), work, member, ended, &member->task, last_error());
    if (rc != 0) {
        mem_free(member);
        return rc;
    }
    list_append(&gang->members, &member->link);
    gang->running++;
    return 0;
}

/* ---- the first error ---- */

void gang_error_init(struct gang_error *g)
{
    error_init(&g->error);
}

void gang_error_note(struct gang_error *g, int rc)
{
    if (rc == 0 || error_code(&g->error) != 0)
        return;
    if (error_code(last_error()) == rc)
        error_copy(&g->error, last_error());
    else
        error_set(&g->error, rc, "%s", rc < 0 ? sshio_error_text(rc) : "ended by the application");
}

int gang_error_raise(struct gang_error *g)
{
    int rc = error_code(&g->error);
    if (rc != 0)
        error_move(last_error(), &g->error);
    return rc;
}
