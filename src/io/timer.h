/* One-shot timers: small heap objects, because libuv closes handles later than their owner may want to go. */
#ifndef SSHIO_IO_TIMER_H
#define SSHIO_IO_TIMER_H

#include <stdint.h>

struct loop;
struct timer;

/* What a timer is made of; io/timer.c has the one over libuv, a simulated world its own. */
struct timer_ops {
    void (*at)(struct timer *t, uint64_t at_ms);
    void (*free)(struct timer *t);
};

struct timer {
    const struct timer_ops *ops;
};

struct timer *timer_new(struct loop *loop, void (*fired)(void *user), void *user); /* NULL = out of memory */
void timer_at(struct timer *t, uint64_t at_ms); /* loop_now_ms time; replaces an earlier one; UINT64_MAX stops */
void timer_stop(struct timer *t);
void timer_free(struct timer *t); /* takes NULL; fired is not called any more */

#endif
