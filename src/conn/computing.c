/* Long computations of the key exchange, on the worker pool. Where no worker can be had they hold the loop up, which is
 * better than a connection that fails. The connection stays until the job is back. */
#include "base/memory.h"
#include "conn/conn.h"
#include "io/worker.h"

struct computing {
    sshio_conn *conn;
    struct engine_job *job;
};

static int run(void *arg)
{
    const struct computing *c = arg;
    engine_job_run(c->job);
    return 0;
}

static void done(int result, void *arg)
{
    struct computing *c = arg;
    sshio_conn *conn = c->conn;
    (void)result;
    engine_job_done(c->job);
    mem_free(c);
    conn_verdict_given(conn);
    conn_release(conn);
}

static void compute_now(struct engine_job *job)
{
    engine_job_run(job);
    engine_job_done(job);
}

void conn_compute(sshio_conn *conn, struct engine_job *job)
{
    struct computing *c = mem_alloc(sizeof *c);
    if (c == NULL) {
        compute_now(job);
        return;
    }
    *c = (struct computing){ .conn = conn, .job = job };
    conn_hold(conn);
    if (worker_submit(run, c, done) != 0) {
        mem_free(c);
        conn_release(conn);
        compute_now(job);
    }
}
