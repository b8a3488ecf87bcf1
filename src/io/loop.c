/* The turn of a loop: what runs when, and how long the loop goes on; see loop.h.
 *
 * Everything that becomes ready is put on a list, and the ready phase (dispatch) takes it off
 * again. Two things must not happen: libuv blocks, or leaves uv_run because no handle is active,
 * while something is on a list. So the first entry that is made outside the ready phase starts an
 * idle handle, which keeps libuv from both, and the ready phase that leaves nothing behind stops
 * it.
 *
 * A ready phase does a bounded number of steps, so that tasks that keep each other busy cannot
 * starve the descriptors. */
#include "io/loop.h"

#include <assert.h>
#include <unistd.h>

#include "base/memory.h"
#include "io/internal.h"

#define TURN_STEPS 10000
#define INPUT_BLOCKS_KEPT 4
#define REST_BLOCKS_KEPT 64
#define LAST_ROUNDS 64   /* of cancelling tasks that wait again for what cannot come */
#define LAST_TURNS 10000 /* of tasks that do not want to end */

/* ---- the ready phase ---- */

bool loop_has_ready(const struct loop *loop)
{
    return !list_empty(&loop->mail) || !list_empty(&loop->ready) || !list_empty(&loop->deferred) ||
           !list_empty(&loop->hooks);
}

static void spinning(uv_idle_t *handle)
{
    (void)handle;
}

static void set_spinning(struct loop *loop, bool spin)
{
    if (loop->spinning == spin)
        return;
    loop->spinning = spin;
    if (spin)
        uv_idle_start(&loop->spin, spinning);
    else
        uv_idle_stop(&loop->spin);
}

void loop_wake(struct loop *loop)
{
    if (!loop->dispatching)
        set_spinning(loop, true);
}

static void run_hook(struct list *node)
{
    struct turn_hook *hook = LIST_ENTRY(node, struct turn_hook, link);
    hook->run(hook);
}

/* The next thing to do, most urgent first; false = nothing. */
static bool step(struct loop *loop)
{
    struct list *node;
    if ((node = list_take(&loop->ready)) != NULL) {
        completion_resume(LIST_ENTRY(node, struct completion, link));
    } else if ((node = list_take(&loop->mail)) != NULL) {
        struct message *message = LIST_ENTRY(node, struct message, link);
        message->run(message);
    } else if ((node = list_take(&loop->deferred)) != NULL) {
        struct deferred *d = LIST_ENTRY(node, struct deferred, link);
        d->run(d);
    } else if ((node = list_take(&loop->hooks)) != NULL) {
        run_hook(node);
    } else {
        return false;
    }
    return true;
}

static void dispatch(struct loop *loop)
{
    if (loop->dispatching)
        return;
    loop->dispatching = true;
    unsigned steps = TURN_STEPS;
    mailbox_collect(loop->mailbox, &loop->mail);
    do {
        while (steps > 0 && step(loop))
            steps--;
    } while (steps > 0 && mailbox_collect(loop->mailbox, &loop->mail));
    if (steps == 0) { /* what was framed leaves even now */
        struct list due, *node;
        list_init(&due);
        list_splice(&loop->hooks, &due);
        while ((node = list_take(&due)) != NULL)
            run_hook(node);
    }
    loop->dispatching = false;
    set_spinning(loop, loop_has_ready(loop));
}

/* ---- running ---- */

int loop_run(struct loop *loop, bool (*done)(void *arg), void *arg)
{
    assert(!loop->running && !loop->dispatching);
    loop->running = true;
    loop->done = done;
    loop->done_arg = arg;
    int rc = 0;
    for (;;) {
        dispatch(loop);
        if (done(arg))
            break;
        if (!loop->world->turn(loop) && !loop_has_ready(loop) && !done(arg)) {
            rc = -1;
            break;
        }
    }
    loop->running = false;
    loop->done = NULL;
    return rc;
}

static bool flag_is_set(void *arg)
{
    return *(const bool *)arg;
}

int loop_run_until(struct loop *loop, const bool *done)
{
    return loop_run(loop, flag_is_set, (void *)(uintptr_t)done);
}

/* What this phase did may be what loop_run waits for; then the poll that follows must not block. */
static void before_poll(uv_prepare_t *handle)
{
    struct loop *loop = handle->data;
    dispatch(loop);
    if (loop->done != NULL && loop->done(loop->done_arg))
        uv_stop(loop->uv);
}

static void after_poll(uv_check_t *handle)
{
    dispatch(handle->data);
}

static void mail_came(uv_async_t *handle)
{
    (void)handle; /* the ready phase follows */
}

/* ---- life ---- */

static void init_lists(struct loop *loop)
{
    struct list *lists[] = { &loop->mail,    &loop->ready,   &loop->deferred, &loop->hooks,
                             &loop->objects, &loop->closing, &loop->tasks,    &loop->parked };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        list_init(lists[i]);
}

/* None of them keeps the loop alive but the idle handle, while it runs. */
static void start_handles(struct loop *loop)
{
    uv_prepare_init(loop->uv, &loop->prepare);
    uv_check_init(loop->uv, &loop->check);
    uv_idle_init(loop->uv, &loop->spin);
    loop->prepare.data = loop->check.data = loop->spin.data = loop->async.data = loop;
    loop->open_handles = 4;
    uv_prepare_start(&loop->prepare, before_poll);
    uv_check_start(&loop->check, after_poll);
    uv_unref((uv_handle_t *)&loop->prepare);
    uv_unref((uv_handle_t *)&loop->check);
    uv_unref((uv_handle_t *)&loop->async);
}

static bool open_uv(struct loop *loop, uv_loop_t *attached)
{
    loop->attached = attached != NULL;
    loop->uv = loop->attached ? attached : &loop->own;
    if (!loop->attached && uv_loop_init(loop->uv) != 0)
        return false;
    if (uv_async_init(loop->uv, &loop->async, mail_came) == 0)
        return true;
    if (!loop->attached)
        uv_loop_close(loop->uv);
    return false;
}

struct loop *loop_new(uv_loop_t *attached, const struct world *world)
{
    struct loop *loop = mem_zalloc(sizeof *loop);
    if (loop == NULL)
        return NULL;
    loop->world = world;
    loop->mailbox = mailbox_new(&loop->async);
    if (loop->mailbox == NULL || !open_uv(loop, attached)) {
        mailbox_unref(loop->mailbox);
        mem_free(loop);
        return NULL;
    }
    init_lists(loop);
    start_handles(loop);
    context_init(&loop->outside, loop);
    coroutine_pool_init(&loop->coroutines);
    engine_buffers_init(&loop->buffers);
    pool_init(&loop->input, LOOP_INPUT_BLOCK, INPUT_BLOCKS_KEPT);
    pool_init(&loop->rest, LOOP_REST_BLOCK, REST_BLOCKS_KEPT);
    workers_init(loop);
    loop->pid = getpid();
    return loop;
}

static bool nothing_keeps_running(void *arg)
{
    struct loop *loop = arg;
    if (loop->stopped)
        return true;
    LIST_EACH(node, &loop->objects)
    if (LIST_ENTRY(node, struct loop_object, link)->keeps_running)
        return false;
    return true;
}

static bool objects_are_gone(void *arg)
{
    struct loop *loop = arg;
    return list_empty(&loop->objects) && list_empty(&loop->closing);
}

static bool tasks_are_gone(void *arg)
{
    return list_empty(&((struct loop *)arg)->tasks);
}

static bool holds_are_gone(void *arg)
{
    return ((struct loop *)arg)->holds == 0;
}

/* Objects may make others while they close. */
static void close_objects(struct loop *loop)
{
    do {
        struct list *node;
        while ((node = list_take(&loop->objects)) != NULL) {
            struct loop_object *object = LIST_ENTRY(node, struct loop_object, link);
            list_append(&loop->closing, node);
            object->close(object);
        }
        if (loop_run(loop, objects_are_gone, loop) != 0)
            break;
    } while (!objects_are_gone(loop));
}

void loop_settle(struct loop *loop)
{
    loop_run(loop, nothing_keeps_running, loop);
    close_objects(loop);
    for (unsigned i = 0; i < LAST_ROUNDS && !tasks_are_gone(loop); i++) {
        tasks_cancel(loop);
        loop_run(loop, tasks_are_gone, loop);
    }
}

struct last_turns {
    struct loop *loop;
    unsigned left;
};

static bool tasks_are_gone_or_stubborn(void *arg)
{
    struct last_turns *turns = arg;
    return tasks_are_gone(turns->loop) || turns->left-- == 0;
}

/* All waits fail from here on; a task that goes on waiting nevertheless is given a number of turns.
 */
static bool end_tasks(struct loop *loop)
{
    struct last_turns turns = { loop, LAST_TURNS };
    loop->ending = true;
    tasks_cancel(loop);
    loop_run(loop, tasks_are_gone_or_stubborn, &turns);
    return tasks_are_gone(loop);
}

static void handle_closed(uv_handle_t *handle)
{
    struct loop *loop = handle->data;
    loop->open_handles--;
}

static void close_uv(struct loop *loop)
{
    uv_handle_t *handles[] = { (uv_handle_t *)&loop->prepare, (uv_handle_t *)&loop->check, (uv_handle_t *)&loop->spin,
                               (uv_handle_t *)&loop->async };
    for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++)
        uv_close(handles[i], handle_closed);
    while (loop->open_handles > 0)
        uv_run(loop->uv, UV_RUN_NOWAIT);
    /* What is told that its handle is closed may close another one then. On a loop of our own nobody else would see to
     * that. */
    for (unsigned i = 0; i < LAST_ROUNDS && !loop->attached && uv_loop_alive(loop->uv); i++)
        uv_run(loop->uv, UV_RUN_NOWAIT);
}

static void abandon_parked(struct loop *loop)
{
    struct list *node;
    while ((node = list_take(&loop->parked)) != NULL) {
        struct parked *p = LIST_ENTRY(node, struct parked, link);
        p->abandon(p);
    }
}

/* Where a task will not end, or a handle was never closed, memory is still in use: it is left to
 * the end of the process. */
void loop_free(struct loop *loop)
{
    close_objects(loop);
    if (!end_tasks(loop))
        return;
    loop_run(loop, holds_are_gone, loop);
    abandon_parked(loop);
    mailbox_close(loop->mailbox);
    close_uv(loop);
    mailbox_unref(loop->mailbox);
    if (loop->uses_workers)
        workers_unref();
    coroutine_pool_done(&loop->coroutines);
    engine_buffers_done(&loop->buffers);
    pool_done(&loop->input);
    pool_done(&loop->rest);
    pool_done(&loop->jobs);
    if (loop->attached || uv_loop_close(loop->uv) == 0)
        mem_free(loop);
}

/* ---- what the others use ---- */

uv_loop_t *loop_uv(struct loop *loop)
{
    return loop->uv;
}

uint64_t loop_now_ms(struct loop *loop)
{
    return loop->world->now_ms(loop);
}

bool loop_is_running(struct loop *loop)
{
    return loop->running || loop->dispatching || loop->attached;
}

void loop_ready(struct loop *loop, struct completion *c)
{
    list_append(&loop->ready, &c->link);
    loop_wake(loop);
}

void loop_hold(struct loop *loop)
{
    if (loop->holds++ == 0)
        uv_ref((uv_handle_t *)&loop->async);
}

void loop_release(struct loop *loop)
{
    if (--loop->holds == 0)
        uv_unref((uv_handle_t *)&loop->async);
}

void turn_hook_init(struct turn_hook *hook, void (*run)(struct turn_hook *hook))
{
    list_init(&hook->link);
    hook->run = run;
}

void turn_hook_schedule(struct loop *loop, struct turn_hook *hook)
{
    if (list_linked(&hook->link))
        return;
    list_append(&loop->hooks, &hook->link);
    loop_wake(loop);
}

void turn_hook_cancel(struct turn_hook *hook)
{
    list_remove(&hook->link);
}

void deferred_init(struct deferred *d, void (*run)(struct deferred *d))
{
    list_init(&d->link);
    d->run = run;
}

void loop_defer(struct loop *loop, struct deferred *d)
{
    if (list_linked(&d->link))
        return;
    list_append(&loop->deferred, &d->link);
    loop_wake(loop);
}

void deferred_cancel(struct deferred *d)
{
    list_remove(&d->link);
}

void loop_object_add(struct loop *loop, struct loop_object *object)
{
    object->loop = loop;
    list_append(&loop->objects, &object->link);
}

void loop_object_remove(struct loop_object *object)
{
    list_remove(&object->link);
}

struct engine_buffers *loop_engine_buffers(struct loop *loop)
{
    return &loop->buffers;
}

struct pool *loop_input_pool(struct loop *loop)
{
    return &loop->input;
}

struct pool *loop_rest_pool(struct loop *loop)
{
    return &loop->rest;
}
