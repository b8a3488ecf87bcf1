/* The loop of a thread: a libuv loop of our own, or one that the program attached.
 *
 * Order of a turn. libuv polls and runs callbacks. At the end of that (uv_check), and again before the next poll
 * (uv_prepare, for what timers and closing callbacks did), the loop runs what became ready: completed waits resume
 * their tasks, posted calls run, and then turn hooks flush what was framed. This repeats until nothing is ready. So
 * many writes of one turn leave in one system call, and nothing framed is left lying while the loop sleeps. */
#ifndef SSHIO_IO_LOOP_H
#define SSHIO_IO_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "base/list.h"
#include "base/pool.h"
#include "engine/engine.h"

struct loop;

struct loop *loop_current(void); /* this thread's, made when first asked for; NULL = out of memory or descriptors */
struct loop *loop_if_any(void);  /* NULL = this thread has none yet */
uv_loop_t *loop_uv(struct loop *loop);
uint64_t loop_now_ms(struct loop *loop); /* cached per turn, monotonic */
bool loop_is_running(struct loop *loop); /* is a callback of this loop on the stack? Assumed for an attached loop */

/* Something to do once at the end of this turn. Linked again and again at no cost; the hook is off the list before it
 * runs. */
struct turn_hook {
    struct list link;
    void (*run)(struct turn_hook *hook);
};
void turn_hook_init(struct turn_hook *hook, void (*run)(struct turn_hook *hook));
void turn_hook_schedule(struct loop *loop, struct turn_hook *hook); /* nothing if it is scheduled already */
void turn_hook_cancel(struct turn_hook *hook);

/* Like a hook, but run before the hooks, in order, and from a fresh stack: "later, but in this turn". */
struct deferred {
    struct list link;
    void (*run)(struct deferred *d);
};
void deferred_init(struct deferred *d, void (*run)(struct deferred *d));
void loop_defer(struct loop *loop, struct deferred *d); /* nothing if it is queued already */
void deferred_cancel(struct deferred *d);

/* Objects that must be closed before the loop may be given up (connections, listeners, children). close starts closing
 * and does not wait; it is called at most once, and the object removes itself when it is closed. sshio_main waits until
 * what keeps_running has ended by itself, and then closes the others; the end of the thread closes all. */
struct loop_object {
    struct list link;
    struct loop *loop;
    void (*close)(struct loop_object *object);
    bool keeps_running; /* until somebody closes it: a listener, a forwarder */
};
void loop_object_add(struct loop *loop, struct loop_object *object);
void loop_object_remove(struct loop_object *object);

/* The buffers of the data path, shared by all connections of the loop. */
#define LOOP_INPUT_BLOCK (512u * 1024)
struct engine_buffers *loop_engine_buffers(struct loop *loop);
struct pool *loop_input_pool(struct loop *loop);

/* Small blocks, for what is left of an input when nothing more is there: the large ones go back meanwhile. */
#define LOOP_REST_BLOCK 4096u
struct pool *loop_rest_pool(struct loop *loop);

/* Runs the loop until *done is true. Only outside callbacks and tasks; -1 when nothing is left that could make it true.
 */
int loop_run_until(struct loop *loop, const bool *done);

#endif
