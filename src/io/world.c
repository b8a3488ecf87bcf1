/* The world that programs live in; see world.h. */
#include "io/world.h"

#include "io/internal.h"
#include "io/net_listener.h"
#include "io/stream.h"
#include "io/timer.h"

static uint64_t now_ms(struct loop *loop)
{
    return uv_now(loop->uv);
}

static void refresh(struct loop *loop)
{
    uv_update_time(loop->uv);
}

static bool turn(struct loop *loop)
{
    return uv_run(loop->uv, UV_RUN_ONCE) != 0;
}

const struct world world_system = {
    .now_ms = now_ms,
    .refresh = refresh,
    .turn = turn,
    .timer_new = timer_system_new,
    .connect = stream_system_connect,
    .listen = net_listener_system_open,
    .work = worker_system_queue,
};

const struct world *loop_world(const struct loop *loop)
{
    return loop->world;
}

struct timer *timer_new(struct loop *loop, void (*fired)(void *user), void *user)
{
    return loop->world->timer_new(loop, fired, user);
}

int stream_connect(struct loop *loop, const struct connect_options *options, struct stream **s, struct error *e)
{
    return loop->world->connect(loop, options, s, e);
}

int net_listener_open(struct loop *loop, const struct listen_options *options, const struct net_listener_events *events,
                      void *owner, sshio_logger *logger, struct net_listener **listener, struct error *e)
{
    return loop->world->listen(loop, options, events, owner, logger, listener, e);
}
