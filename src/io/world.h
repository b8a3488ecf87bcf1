/* The world of a loop: its clock, its timers, its connections, its worker threads, and what happens while nothing is
 * ready. world_system is libuv and the operating system. A simulator has a world of its own, so that whole clients and
 * servers run under virtual time, without descriptors and threads, in an order that a seed decides. What is not here
 * (look-ups of names, children, descriptors that a program hands in) is the system's in every world. */
#ifndef SSHIO_IO_WORLD_H
#define SSHIO_IO_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/list.h"
#include "base/log.h"

struct loop;
struct timer;
struct stream;
struct connect_options;
struct listen_options;
struct net_listener;
struct net_listener_events;

/* What a worker runs. link is in a queue of the world until run begins, and is taken out of it when the work is not
 * wanted any more. */
struct work {
    struct list link;
    void (*run)(struct work *work);
    bool is_long; /* others are not to wait for its end */
};

struct world {
    uint64_t (*now_ms)(struct loop *loop); /* monotonic; constant while callbacks run, but for refresh */
    void (*refresh)(struct loop *loop);    /* the clock may go on although a callback runs */
    /* Lets the next thing happen: calls back, or waits for that. It returns at once while the loop has something ready
     * (loop_has_ready). false = nothing can happen any more. */
    bool (*turn)(struct loop *loop);
    struct timer *(*timer_new)(struct loop *loop, void (*fired)(void *user), void *user); /* timer.h */
    int (*connect)(struct loop *loop, const struct connect_options *options, struct stream **s,
                   struct error *e); /* stream.h */
    int (*listen)(struct loop *loop, const struct listen_options *options, const struct net_listener_events *events,
                  void *owner, sshio_logger *logger, struct net_listener **listener, struct error *e);
    bool (*work)(struct loop *loop, struct work *work); /* queues it; false = nobody can ever run it */
};

extern const struct world world_system;

const struct world *loop_world(const struct loop *loop);
bool loop_has_ready(const struct loop *loop);

/* Makes this thread's loop, which belongs to that world until sshio_detach. 0; SSHIO_EINVAL when the thread has one,
 * SSHIO_ENOMEM. */
int loop_enter_world(const struct world *world);

/* The rows of world_system, each beside what it is made of. */
struct timer *timer_system_new(struct loop *loop, void (*fired)(void *user), void *user);
int stream_system_connect(struct loop *loop, const struct connect_options *options, struct stream **s, struct error *e);
int net_listener_system_open(struct loop *loop, const struct listen_options *options,
                             const struct net_listener_events *events, void *owner, sshio_logger *logger,
                             struct net_listener **listener, struct error *e);
bool worker_system_queue(struct loop *loop, struct work *work);

#endif
