/* The worker pool. Jobs wait in one queue; a thread is started when a job finds none idle, or another job in front of
 * it, up to a few. Long jobs wait in another queue, and some of the threads are never theirs. The threads are joined
 * when the last loop that has used them goes: a loop does not go before its jobs are done, so that they are idle then.
 *
 * What a job records as the last error of its thread is carried over to who waits for it. */
#include "io/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sshio/base.h>

#include "base/memory.h"
#include "io/completion.h"
#include "io/internal.h"
#include "io/last_error.h"
#include "io/world.h"

#define MOST_THREADS 4
#define MOST_LONG 2  /* of them with long jobs */
#define JOBS_KEPT 32 /* free ones of a loop */

struct job {
    struct work work;
    struct message message; /* that it is done */
    struct loop *loop;
    int (*fn)(void *arg);
    void *arg;
    int result;
    struct error error;
    void (*done)(int result, void *arg); /* callback form */
    struct completion completion;        /* waiting form */
    int cancelled;
};

static struct {
    pthread_mutex_t life; /* of the threads: taken before lock */
    unsigned loops;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t work;
    struct list jobs, long_jobs;
    unsigned long_running;
    pthread_t threads[MOST_THREADS];
    unsigned thread_count;
    unsigned idle;
    bool is_waking; /* a thread was woken and has not taken a job yet: it will wake the next one */
    bool stopping;
} pool = {
    .life = PTHREAD_MUTEX_INITIALIZER,
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .work = PTHREAD_COND_INITIALIZER,
    .jobs = { &pool.jobs, &pool.jobs },
    .long_jobs = { &pool.long_jobs, &pool.long_jobs },
};

void workers_init(struct loop *loop)
{
    pool_init(&loop->jobs, sizeof(struct job), JOBS_KEPT);
}

/* ---- on the threads ---- */

static void run_job(struct work *work)
{
    struct job *job = LIST_ENTRY(work, struct job, work);
    struct error *slot = last_error();
    error_clear(slot);
    job->result = job->fn(job->arg);
    if (job->result < 0 && error_code(slot) == job->result)
        error_move(&job->error, slot);
    mailbox_send(job->loop->mailbox, &job->message);
}

static bool has_job(void)
{
    return !list_empty(&pool.jobs) || (!list_empty(&pool.long_jobs) && pool.long_running < MOST_LONG);
}

/* NULL = there is nothing to do. */
static struct work *take_work(void)
{
    struct list *node = list_take(&pool.jobs);
    if (node == NULL && pool.long_running < MOST_LONG)
        node = list_take(&pool.long_jobs);
    struct work *work = node != NULL ? LIST_ENTRY(node, struct work, link) : NULL;
    pool.long_running += work != NULL && work->is_long;
    return work;
}

/* One thread at a time: when it runs at last, those before it may have done all there was. */
static void wake_one(void)
{
    if (pool.idle == 0 || pool.is_waking || !has_job())
        return;
    pool.is_waking = true;
    pthread_cond_signal(&pool.work);
}

static void wait_for_work(void)
{
    pool.idle++;
    pthread_cond_wait(&pool.work, &pool.lock);
    pool.idle--;
    pool.is_waking = false;
}

static void *serve(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&pool.lock);
    while (!pool.stopping) {
        struct work *work = take_work();
        if (work == NULL) {
            wait_for_work();
            continue;
        }
        bool is_long = work->is_long; /* it may be gone afterwards */
        wake_one();
        pthread_mutex_unlock(&pool.lock);
        work->run(work);
        pthread_mutex_lock(&pool.lock);
        pool.long_running -= is_long;
    }
    pthread_mutex_unlock(&pool.lock);
    return NULL;
}

/* ---- the pool ---- */

/* The program's signal handlers are not run on these threads. */
static bool start_thread(void)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&pool.threads[pool.thread_count], NULL, serve, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pool.thread_count += rc == 0;
    return rc == 0;
}

static void join_loop(struct loop *loop)
{
    if (loop->uses_workers)
        return;
    loop->uses_workers = true;
    pthread_mutex_lock(&pool.life);
    pool.loops++;
    pthread_mutex_unlock(&pool.life);
}

void workers_unref(void)
{
    pthread_mutex_lock(&pool.life);
    if (--pool.loops == 0) {
        pthread_mutex_lock(&pool.lock);
        pool.stopping = true;
        pthread_cond_broadcast(&pool.work);
        pthread_mutex_unlock(&pool.lock);
        for (unsigned i = 0; i < pool.thread_count; i++)
            pthread_join(pool.threads[i], NULL);
        pool.thread_count = 0;
        pool.stopping = false;
    }
    pthread_mutex_unlock(&pool.life);
}

/* false = there is no thread and none can be started. */
bool worker_system_queue(struct loop *loop, struct work *work)
{
    join_loop(loop);
    pthread_mutex_lock(&pool.lock);
    bool lacking = (pool.idle == 0 || has_job()) && pool.thread_count < MOST_THREADS;
    bool served = (!lacking || start_thread()) || pool.thread_count > 0;
    if (served) {
        list_append(work->is_long ? &pool.long_jobs : &pool.jobs, &work->link);
        wake_one();
    }
    pthread_mutex_unlock(&pool.lock);
    return served;
}

static bool enqueue(struct job *job)
{
    bool served = job->loop->world->work(job->loop, &job->work);
    if (served)
        loop_hold(job->loop);
    return served;
}

/* Takes a job back that no thread has begun. */
static bool withdraw(struct job *job)
{
    pthread_mutex_lock(&pool.lock);
    bool waiting = list_linked(&job->work.link);
    list_remove(&job->work.link);
    pthread_mutex_unlock(&pool.lock);
    if (waiting)
        loop_release(job->loop);
    return waiting;
}

/* NULL = out of memory. */
static struct job *job_new(struct loop *loop, int (*fn)(void *arg), void *arg, void (*run)(struct message *message))
{
    struct job *job = pool_take(&loop->jobs);
    if (job == NULL)
        return NULL;
    *job = (struct job){ .work.run = run_job, .loop = loop, .fn = fn, .arg = arg, .message.run = run };
    list_init(&job->work.link);
    list_init(&job->message.link);
    error_init(&job->error);
    return job;
}

static void job_free(struct job *job)
{
    error_clear(&job->error);
    pool_give(&job->loop->jobs, job);
}

/* ---- the waiting form ---- */

static void job_ended(struct message *message)
{
    struct job *job = LIST_ENTRY(message, struct job, message);
    loop_release(job->loop);
    completion_complete(&job->completion, job->cancelled != 0 ? job->cancelled : job->result);
}

static void cancel_job(struct completion *c, int code)
{
    struct job *job = c->user;
    job->cancelled = code;
    if (withdraw(job))
        completion_complete(c, code);
}

static int run_waiting(int (*fn)(void *arg), void *arg, bool is_long)
{
    int rc = completion_can_wait();
    if (rc != 0)
        return rc;
    struct job *job = job_new(loop_current(), fn, arg, job_ended);
    if (job == NULL)
        return fail_nomem();
    job->work.is_long = is_long;
    completion_init(&job->completion, cancel_job, job);
    if (enqueue(job)) {
        rc = completion_wait(&job->completion);
        if (rc < 0 && rc == error_code(&job->error))
            error_move(last_error(), &job->error);
    } else {
        rc = fail(SSHIO_ENOMEM, "no worker thread can be started");
    }
    job_free(job);
    return rc;
}

int worker_run(int (*fn)(void *arg), void *arg)
{
    return run_waiting(fn, arg, false);
}

int worker_run_long(int (*fn)(void *arg), void *arg)
{
    return run_waiting(fn, arg, true);
}

int sshio_offload(sshio_task_fn fn, void *arg)
{
    if (fn == NULL)
        return fail(SSHIO_EINVAL, "sshio_offload: no function given");
    return worker_run(fn, arg);
}

/* ---- the callback form ---- */

static void job_reported(struct message *message)
{
    struct job *job = LIST_ENTRY(message, struct job, message);
    loop_release(job->loop);
    if (error_code(&job->error) != 0)
        error_move(last_error(), &job->error);
    void (*done)(int result, void *arg) = job->done;
    void *arg = job->arg;
    int result = job->result;
    job_free(job);
    done(result, arg);
}

static int submit(int (*fn)(void *arg), void *arg, void (*done)(int result, void *arg), bool is_long)
{
    struct loop *loop = loop_current();
    struct job *job = loop != NULL ? job_new(loop, fn, arg, job_reported) : NULL;
    if (job == NULL)
        return fail_nomem();
    job->done = done;
    job->work.is_long = is_long;
    if (enqueue(job))
        return 0;
    job_free(job);
    return fail(SSHIO_ENOMEM, "no worker thread can be started");
}

int worker_submit(int (*fn)(void *arg), void *arg, void (*done)(int result, void *arg))
{
    return submit(fn, arg, done, false);
}

int worker_submit_long(int (*fn)(void *arg), void *arg, void (*done)(int result, void *arg))
{
    return submit(fn, arg, done, true);
}

/* ---- files ---- */

struct reading {
    const char *path;
    size_t max;
    uint8_t *data;
    size_t len;
    size_t capacity;
    struct error *error;
};

/* One byte more than the file seems to have, so that its end is seen at once, and a NUL can follow
 * the text. */
static int make_room(struct reading *r, size_t capacity)
{
    uint8_t *data = mem_alloc(capacity);
    if (data == NULL)
        return error_nomem(r->error);
    for (size_t i = 0; i < r->len; i++)
        data[i] = r->data[i];
    mem_free_secret(r->data, r->len);
    r->data = data;
    r->capacity = capacity;
    return 0;
}

static int read_all(struct reading *r, int fd)
{
    for (;;) {
        if (r->len > r->max)
            return error_set_file(r->error, SSHIO_ELIMIT, r->path, 0, "larger than %zu bytes", r->max);
        if (r->len == r->capacity) {
            int rc = make_room(r, r->capacity * 2);
            if (rc != 0)
                return rc;
        }
        ssize_t n = read(fd, r->data + r->len, r->capacity - r->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set_errno(r->error, errno, "read %s", r->path);
        if (n == 0)
            return r->len < r->capacity ? 0 : make_room(r, r->capacity + 1);
        r->len += (size_t)n;
    }
}

static int read_open(struct reading *r, int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return error_set_errno(r->error, errno, "read %s", r->path);
    if (S_ISDIR(st.st_mode))
        return error_set_errno(r->error, EISDIR, "read %s", r->path);
    if (!S_ISREG(st.st_mode))
        return error_set_file(r->error, SSHIO_EINVAL, r->path, 0, "not a regular file");
    if ((uint64_t)st.st_size > r->max)
        return error_set_file(r->error, SSHIO_ELIMIT, r->path, 0, "larger than %zu bytes", r->max);
    int rc = make_room(r, (size_t)st.st_size + 64);
    return rc != 0 ? rc : read_all(r, fd);
}

/* A fifo must not make the open wait. */
static int read_file(void *arg)
{
    struct reading *r = arg;
    int fd = open(r->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return error_set_errno(r->error, errno, "open %s", r->path);
    int rc = read_open(r, fd);
    close(fd);
    if (rc == 0)
        r->data[r->len] = 0;
    return rc;
}

int worker_read_file(const char *path, size_t max, uint8_t **data, size_t *len, struct error *e)
{
    struct reading r = { .path = path, .max = max, .error = e };
    int rc = worker_run(read_file, &r);
    if (rc != 0) {
        mem_free_secret(r.data, r.len);
        if (e != NULL && error_code(e) != rc)
            error_copy(e, last_error());
        return rc;
    }
    *data = r.data;
    *len = r.len;
    return 0;
}
