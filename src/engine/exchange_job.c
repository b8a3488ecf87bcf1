/* Computations of a key exchange method that may run on another thread; see engine.h and exchange.h.
 *
 *     made ── run ──┬── done: the exchange goes on        engine and exchange are there
 *                   └── done: wiped and freed             the connection ended, or the engine is gone
 *
 * While a job is under way the method's state is the job's: the exchange keeps the pointer and does not follow it. The
 * engine's thread alone touches engine; run touches state and ok alone. */
#include "base/memory.h"
#include "engine/exchange.h"
#include "engine/internal.h"

struct engine_job {
    struct engine *engine; /* NULL = the exchange is gone, and state is left to the job */
    const struct kex_method *method;
    struct computation what;
    void *state;
    bool ok;
};

void exchange_compute(struct engine *e, struct exchange *x, const struct computation *what, bool is_long)
{
    if (!is_long || e->events->compute == NULL) {
        what->then(e, x, what->run(x->method_state));
        return;
    }
    struct engine_job *job = mem_alloc(sizeof *job);
    if (job == NULL) {
        engine_out_of_memory(e);
        return;
    }
    *job = (struct engine_job){ .engine = e, .method = x->chosen.kex->method, .what = *what, .state = x->method_state };
    x->job = job;
    e->waiting = true;
    e->events->compute(e->owner, job);
}

void exchange_abandon_job(struct exchange *x)
{
    x->job->engine = NULL;
    x->job = NULL;
    x->method_state = NULL;
}

void engine_job_run(struct engine_job *job)
{
    job->ok = job->what.run(job->state);
}

static void go_on(struct engine *e, const struct engine_job *job)
{
    struct exchange *x = e->kex.running;
    x->job = NULL;
    if (e->ended)
        return;
    engine_enter(e);
    e->waiting = false;
    job->what.then(e, x, job->ok);
    engine_leave(e);
}

void engine_job_done(struct engine_job *job)
{
    if (job->engine != NULL)
        go_on(job->engine, job);
    else
        job->method->free_state(job->state);
    mem_free(job);
}
