/* Timers over libuv; see timer.h. */
#include "io/timer.h"

#include <stdbool.h>

#include <uv.h>

#include "base/memory.h"
#include "io/loop.h"

struct timer {
    uv_timer_t handle;
    struct loop *loop;
    void (*fired)(void *user);
    void *user;
    bool firing;
};

static void expired(uv_timer_t *handle)
{
    struct timer *t = handle->data;
    t->firing = true;
    t->fired(t->user);
    t->firing = false;
}

static void closed(uv_handle_t *handle)
{
    mem_free(handle->data);
}

struct timer *timer_new(struct loop *loop, void (*fired)(void *user), void *user)
{
    struct timer *t = mem_zalloc(sizeof *t);
    if (t == NULL)
        return NULL;
    t->loop = loop;
    t->fired = fired;
    t->user = user;
    uv_timer_init(loop_uv(loop), &t->handle);
    t->handle.data = t;
    return t;
}

void timer_at(struct timer *t, uint64_t at_ms)
{
    if (at_ms == UINT64_MAX) {
        uv_timer_stop(&t->handle);
        return;
    }
    uint64_t now = loop_now_ms(t->loop);
    /* libuv goes on until no timer is due: one that makes itself due again would never let the loop do anything else.
     */
    uint64_t least = t->firing ? 1 : 0;
    uv_timer_start(&t->handle, expired, at_ms > now ? at_ms - now : least, 0);
}

void timer_stop(struct timer *t)
{
    uv_timer_stop(&t->handle);
}

void timer_free(struct timer *t)
{
    if (t != NULL)
        uv_close((uv_handle_t *)&t->handle, closed);
}
