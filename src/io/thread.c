/* The loop of a thread: found, made, attached, run and given up; and the public functions for that.
 *
 * A thread's loop goes when the thread ends. For the thread that calls exit a handler does that,
 * before leak checkers look; it leaves everything alone when exit was called from inside the loop
 * or in a forked child, where closing would speak for the parent. */
#include "io/thread.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/memory.h"
#include "crypto/start.h"
#include "io/internal.h"
#include "io/last_error.h"
#include "io/task.h"

#define LAST_CANCELS 64 /* of a task that waits again and again for what cannot come */

static _Thread_local struct loop *current;

/* All loops, so that sshio_post finds them from other threads. */
struct entry {
    struct list link;
    struct loop *loop;
    uv_loop_t *uv;
    bool main_thread;
};

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct list registry = { &registry, &registry };

static pthread_once_t watch_once = PTHREAD_ONCE_INIT;
static pthread_key_t watch_key;

/* ---- the registry ---- */

static bool register_loop(struct loop *loop)
{
    struct entry *entry = mem_zalloc(sizeof *entry);
    if (entry == NULL)
        return false;
    entry->loop = loop;
    entry->uv = loop->uv;
    entry->main_thread = syscall(SYS_gettid) == getpid();
    pthread_mutex_lock(&registry_lock);
    list_append(&registry, &entry->link);
    pthread_mutex_unlock(&registry_lock);
    return true;
}

static void unregister_loop(struct loop *loop)
{
    struct entry *found = NULL;
    pthread_mutex_lock(&registry_lock);
    LIST_EACH(node, &registry)
    {
        struct entry *entry = LIST_ENTRY(node, struct entry, link);
        if (entry->loop == loop)
            found = entry;
    }
    if (found != NULL)
        list_remove(&found->link);
    pthread_mutex_unlock(&registry_lock);
    mem_free(found);
}

/* With a reference; NULL uv = the main thread's. */
static struct mailbox *find_mailbox(const uv_loop_t *uv)
{
    struct mailbox *box = NULL;
    pthread_mutex_lock(&registry_lock);
    LIST_EACH(node, &registry)
    {
        struct entry *entry = LIST_ENTRY(node, struct entry, link);
        if (uv != NULL ? entry->uv == uv : entry->main_thread)
            box = entry->loop->mailbox;
    }
    if (box != NULL)
        mailbox_ref(box);
    pthread_mutex_unlock(&registry_lock);
    return box;
}

/* ---- life ---- */

/* New loops are not found any more by others, but stay this thread's while they are emptied. */
static void give_up(struct loop *loop)
{
    unregister_loop(loop);
    loop_free(loop);
    current = NULL;
}

static void end_thread(void *unused)
{
    (void)unused;
    struct loop *loop = current;
    if (loop != NULL && loop->pid == getpid() && !loop->running && !loop->dispatching && !loop->attached)
        give_up(loop);
    last_error_forget();
}

static void end_process(void)
{
    end_thread(NULL);
}

static void watch(void)
{
    crypto_start(); /* the workers that end_process joins use it */
    pthread_key_create(&watch_key, end_thread);
    atexit(end_process);
}

void thread_watch_end(void)
{
    pthread_once(&watch_once, watch);
    pthread_setspecific(watch_key, &watch_key);
}

static struct loop *make_current(uv_loop_t *attached, const struct world *world)
{
    struct loop *loop = loop_new(attached, world);
    if (loop == NULL)
        return NULL;
    current = loop;
    if (!register_loop(loop)) {
        loop_free(loop);
        current = NULL;
        return NULL;
    }
    thread_watch_end();
    return loop;
}

struct loop *loop_current(void)
{
    return current != NULL ? current : make_current(NULL, &world_system);
}

struct loop *loop_if_any(void)
{
    return current;
}

int loop_enter_world(const struct world *world)
{
    if (current != NULL)
        return fail(SSHIO_EINVAL, "this thread has a loop already");
    return make_current(NULL, world) != NULL ? 0 : fail_nomem();
}

/* ---- public ---- */

int sshio_attach(struct uv_loop_s *loop)
{
    if (loop == NULL)
        return fail(SSHIO_EINVAL, "sshio_attach: no loop given");
    if (current != NULL && current->uv == loop)
        return 0;
    if (current != NULL)
        return fail(SSHIO_EINVAL, "sshio_attach: this thread has a loop already; "
                                  "attach before anything else, or sshio_detach first");
    return make_current(loop, &world_system) != NULL ? 0 : fail_nomem();
}

void sshio_detach(void)
{
    if (current != NULL && !current->running && !current->dispatching)
        give_up(current);
}

/* Fails where running the loop would nest. */
static int runnable_loop(const char *caller, struct loop **loop)
{
    *loop = loop_current();
    if (*loop == NULL)
        return fail_nomem();
    if (task_current() != NULL || (*loop)->running || (*loop)->dispatching)
        return fail(SSHIO_EINVAL, "%s: the loop is running already: called in a task or callback", caller);
    return 0;
}

int sshio_run_forever(void)
{
    struct loop *loop;
    int rc = runnable_loop("sshio_run_forever", &loop);
    if (rc != 0)
        return rc;
    loop->stopped = false;
    loop_hold(loop);
    loop_run_until(loop, &loop->stopped);
    loop_release(loop);
    return 0;
}

void sshio_stop(void)
{
    if (current != NULL)
        current->stopped = true;
}

static bool task_has_ended(void *arg)
{
    return task_ended(arg);
}

int sshio_main(sshio_task_fn fn, void *arg)
{
    struct loop *loop;
    sshio_task *task = NULL;
    int rc = runnable_loop("sshio_main", &loop);
    if (rc == 0)
        rc = sshio_spawn(fn, arg, &task);
    if (rc != 0)
        return rc;
    loop->stopped = false;
    for (unsigned i = 0; loop_run(loop, task_has_ended, task) != 0; i++) {
        if (i == LAST_CANCELS) {
            sshio_task_unref(task);
            return fail(SSHIO_EINVAL, "sshio_main: the task waits for what nothing on its loop can bring");
        }
        sshio_cancel(task);
    }
    int result = task_collect(task);
    loop_settle(loop);
    return result;
}

struct posted {
    struct message message;
    void (*fn)(void *arg);
    void *arg;
};

static void run_posted(struct message *message)
{
    struct posted call = *LIST_ENTRY(message, struct posted, message);
    mem_free(LIST_ENTRY(message, struct posted, message));
    call.fn(call.arg);
}

int sshio_post(struct uv_loop_s *loop, void (*fn)(void *arg), void *arg)
{
    if (fn == NULL)
        return fail(SSHIO_EINVAL, "sshio_post: no function given");
    struct posted *call = mem_alloc(sizeof *call);
    if (call == NULL)
        return fail_nomem();
    *call = (struct posted){ { { NULL, NULL }, run_posted }, fn, arg };
    list_init(&call->message.link);
    struct mailbox *box = find_mailbox(loop);
    bool sent = box != NULL && mailbox_send(box, &call->message);
    if (sent && current != NULL && current->mailbox == box)
        loop_wake(current); /* so that it does not end before it looks */
    mailbox_unref(box);
    if (sent)
        return 0;
    mem_free(call);
    return fail(SSHIO_EINVAL, loop != NULL ? "sshio_post: no thread is attached to this loop"
                                           : "sshio_post: the main thread has no loop");
}
