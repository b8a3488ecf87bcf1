/* One-shot timers, embedded in their owner. */
#ifndef SSHIO_IO_TIMER_H
#define SSHIO_IO_TIMER_H

#include <stdint.h>

struct loop;
struct timer;

/* A small heap object, because libuv closes handles later than their owner may want to go. */
struct timer *timer_new(struct loop *loop, void (*fired)(void *user), void *user); /* NULL = out of memory */
void timer_at(struct timer *t, uint64_t at_ms); /* loop_now_ms time; replaces an earlier one; UINT64_MAX stops */
void timer_stop(struct timer *t);
void timer_free(struct timer *t); /* takes NULL; fired is not called any more */

#endif
