/* The simulated world as a loop sees it: a clock that stands still while something runs, timers and work as events
 * among the others, and turns that are events. */
#include "sim.h"

#include "base/memory.h"
#include "io/loop.h"
#include "io/timer.h"

#define TIME_LIMIT_MS (6u * 3600 * 1000)
#define WORK_MS 20 /* the longest that work takes */

struct sim *sim_of(struct loop *loop)
{
    return LIST_ENTRY(loop_world(loop), struct sim, world);
}

static uint64_t now_ms(struct loop *loop)
{
    return sim_of(loop)->now_ms;
}

static void refresh(struct loop *loop)
{
    (void)loop;
}

/* Nobody may be left waiting for what never comes: neither for an event when there is none any more, nor for one that
 * the timers which still fire do not bring. */
static bool turn(struct loop *loop)
{
    struct sim *sim = sim_of(loop);
    if (loop_has_ready(loop))
        return true;
    if (sim->on_step != NULL)
        sim->on_step(sim);
    if (loop_has_ready(loop))
        return true;
    bool somebody_waits_for_nothing = !sim_step(sim);
    SIM_CHECK(sim, !somebody_waits_for_nothing);
    bool somebody_waits_forever = sim->now_ms > TIME_LIMIT_MS;
    SIM_CHECK(sim, !somebody_waits_forever);
    return true;
}

/* ---- timers ---- */

struct sim_timer {
    struct timer base;
    struct sim_event event;
    struct sim *sim;
    void (*fired)(void *user);
    void *user;
};

static void fire(struct sim_event *event)
{
    struct sim_timer *t = LIST_ENTRY(event, struct sim_timer, event);
    t->fired(t->user);
}

static void set_timer(struct timer *timer, uint64_t at_ms)
{
    struct sim_timer *t = LIST_ENTRY(timer, struct sim_timer, base);
    if (at_ms == UINT64_MAX)
        sim_event_cancel(&t->event);
    else
        sim_event_at(t->sim, &t->event, at_ms);
}

static void free_timer(struct timer *timer)
{
    struct sim_timer *t = LIST_ENTRY(timer, struct sim_timer, base);
    sim_event_cancel(&t->event);
    t->sim->timers--;
    mem_free(t);
}

static const struct timer_ops timer_ops = { .at = set_timer, .free = free_timer };

static struct timer *new_timer(struct loop *loop, void (*fired)(void *user), void *user)
{
    struct sim_timer *t = mem_zalloc(sizeof *t);
    if (t == NULL)
        return NULL;
    t->base.ops = &timer_ops;
    t->sim = sim_of(loop);
    t->fired = fired;
    t->user = user;
    t->sim->timers++;
    sim_event_init(&t->event, fire);
    return &t->base;
}

/* ---- work: run by an event, unless it was taken out of its queue before ---- */

struct worker {
    struct sim_event event;
    struct list queue; /* of one */
};

static void run_work(struct sim_event *event)
{
    struct worker *worker = LIST_ENTRY(event, struct worker, event);
    struct list *node = list_take(&worker->queue);
    if (node != NULL) {
        struct work *work = LIST_ENTRY(node, struct work, link);
        work->run(work);
    }
    mem_free(worker);
}

static bool queue_work(struct loop *loop, struct work *work)
{
    struct sim *sim = sim_of(loop);
    struct worker *worker = mem_zalloc(sizeof *worker);
    if (worker == NULL)
        return false;
    list_init(&worker->queue);
    list_append(&worker->queue, &work->link);
    sim_event_init(&worker->event, run_work);
    sim_event_at(sim, &worker->event, sim->now_ms + sim_roll(sim, WORK_MS));
    return true;
}

const struct world sim_world = {
    .now_ms = now_ms,
    .refresh = refresh,
    .turn = turn,
    .timer_new = new_timer,
    .connect = sim_connect,
    .listen = sim_listen,
    .work = queue_work,
};
