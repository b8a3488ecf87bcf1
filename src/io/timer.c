/* Timers as their users call them, and the ones over libuv; see timer.h. */
#include "io/timer.h"

#include <stdbool.h>

#include <uv.h>

#include "base/list.h"
#include "base/memory.h"
#include "io/loop.h"
#include "io/world.h"

void timer_at(struct timer *t, uint64_t at_ms)
{
    t->ops->at(t, at_ms);
}

void timer_stop(struct timer *t)
{
    t->ops->at(t, UINT64_MAX);
}

void timer_free(struct timer *t)
{
    if (t != NULL)
        t->ops->free(t);
}

/* ---- over libuv ---- */

struct uv_timer {
    struct timer base;
    uv_timer_t handle;
    struct loop *loop;
    void (*fired)(void *user);
    void *user;
    bool firing;
};

static struct uv_timer *self_of(struct timer *t)
{
    return LIST_ENTRY(t, struct uv_timer, base);
}

static void expired(uv_timer_t *handle)
{
    struct uv_timer *t = handle->data;
    t->firing = true;
    t->fired(t->user);
    t->firing = false;
}

static void closed(uv_handle_t *handle)
{
    mem_free(handle->data);
}

static void set(struct timer *timer, uint64_t at_ms)
{
    struct uv_timer *t = self_of(timer);
    if (at_ms == UINT64_MAX) {
        uv_timer_stop(&t->handle);
        return;
    }
    uint64_t now = loop_now_ms(t->loop);
    /* libuv goes on until no timer is due: one that makes itself due again would let the loop do nothing else. */
    uint64_t least = t->firing ? 1 : 0;
    uv_timer_start(&t->handle, expired, at_ms > now ? at_ms - now : least, 0);
}

static void close_timer(struct timer *timer)
{
    uv_close((uv_handle_t *)&self_of(timer)->handle, closed);
}

static const struct timer_ops uv_timer_ops = { .at = set, .free = close_timer };

struct timer *timer_system_new(struct loop *loop, void (*fired)(void *user), void *user)
{
    struct uv_timer *t = mem_zalloc(sizeof *t);
    if (t == NULL)
        return NULL;
    t->base.ops = &uv_timer_ops;
    t->loop = loop;
    t->fired = fired;
    t->user = user;
    uv_timer_init(loop_uv(loop), &t->handle);
    t->handle.data = t;
    return &t->base;
}
