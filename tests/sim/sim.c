/* The seed, the clock, and what a failure says; see sim.h. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "crypto/random.h"
#include "io/internal.h"

#define TRACE_SHOWN 200

/* ---- random ---- */

uint32_t sim_roll(struct sim *sim, uint32_t sides)
{
    sim->random ^= sim->random >> 12;
    sim->random ^= sim->random << 25;
    sim->random ^= sim->random >> 27;
    return sides != 0 ? (uint32_t)((sim->random * 2685821657736338717u) >> 33) % sides : 0;
}

bool sim_one_in(struct sim *sim, uint32_t chances)
{
    return chances != 0 && sim_roll(sim, chances) == 0;
}

uint32_t sim_roll_wide(struct sim *sim, uint32_t max)
{
    uint32_t magnitudes = 1;
    while (magnitudes < 31 && (1u << magnitudes) < max)
        magnitudes++;
    uint32_t top = 1u << (1 + sim_roll(sim, magnitudes));
    return 1 + sim_roll(sim, top < max ? top : max);
}

/* ---- what happened ---- */

void sim_trace(struct sim *sim, const char *what, long a, long b)
{
    sim->trace[sim->traced++ % SIM_TRACE_LEN] = (struct sim_record){ sim->now_ms, sim->steps, what, a, b };
}

static void print_trace(const struct sim *sim)
{
    uint64_t from = sim->traced > TRACE_SHOWN ? sim->traced - TRACE_SHOWN : 0;
    if (from != 0)
        fprintf(stderr, "  … %llu earlier\n", (unsigned long long)from);
    for (uint64_t i = from; i < sim->traced; i++) {
        const struct sim_record *r = &sim->trace[i % SIM_TRACE_LEN];
        fprintf(stderr, "  %8llu ms, step %5llu: %s %ld %ld\n", (unsigned long long)r->at_ms,
                (unsigned long long)r->step, r->what, r->a, r->b);
    }
}

static void print_actors(const struct sim *sim)
{
    LIST_EACH(node, &sim->actors)
    {
        const struct sim_actor *actor = LIST_ENTRY(node, struct sim_actor, link);
        fprintf(stderr, "  not finished: %s %ld: %s\n", actor->name, actor->number, actor->doing);
    }
}

void sim_check(struct sim *sim, bool holds, const char *condition, const char *file, int line)
{
    if (holds)
        return;
    fprintf(stderr, "what happened:\n");
    print_trace(sim);
    print_actors(sim);
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    fprintf(stderr, "last error: %s\n", sshio_error_message());
    fprintf(stderr, "replay: %s\n", sim->replay);
    fflush(NULL);
    _exit(1); /* tasks are on their own stacks: nothing can be unwound */
}

/* ---- time ---- */

void sim_event_init(struct sim_event *event, void (*run)(struct sim_event *event))
{
    list_init(&event->link);
    event->run = run;
}

void sim_event_at(struct sim *sim, struct sim_event *event, uint64_t at_ms)
{
    struct list *after = sim->events.prev;
    list_remove(&event->link);
    event->at_ms = at_ms > sim->now_ms ? at_ms : sim->now_ms;
    after = sim->events.prev;
    while (after != &sim->events && LIST_ENTRY(after, struct sim_event, link)->at_ms > event->at_ms)
        after = after->prev;
    list_insert(after->next, &event->link);
}

void sim_event_soon(struct sim *sim, struct sim_event *event)
{
    uint32_t most = sim->weather.latency_ms;
    sim_event_at(sim, event, sim->now_ms + (most != 0 ? sim_roll(sim, most + 1) : 0));
}

void sim_event_cancel(struct sim_event *event)
{
    list_remove(&event->link);
}

/* One of those that come first. */
static struct sim_event *choose(struct sim *sim)
{
    struct list *node = sim->events.next;
    uint64_t at = LIST_ENTRY(node, struct sim_event, link)->at_ms;
    uint32_t count = 0;
    LIST_EACH(other, &sim->events)
    {
        if (LIST_ENTRY(other, struct sim_event, link)->at_ms != at)
            break;
        count++;
    }
    for (uint32_t skip = sim_roll(sim, count); skip > 0; skip--)
        node = node->next;
    return LIST_ENTRY(node, struct sim_event, link);
}

bool sim_step(struct sim *sim)
{
    if (list_empty(&sim->events))
        return false;
    struct sim_event *event = choose(sim);
    list_remove(&event->link);
    sim->now_ms = event->at_ms;
    sim->steps++;
    event->run(event);
    return true;
}

/* ---- who waits ---- */

void sim_actor_begin(struct sim *sim, struct sim_actor *actor, const char *name, long number, bool *disturbed,
                     bool *dropped)
{
    *actor = (struct sim_actor){ .name = name,
                                 .number = number,
                                 .doing = "starting",
                                 .task = sshio_task_self(),
                                 .disturbed = disturbed,
                                 .dropped = dropped };
    list_append(&sim->actors, &actor->link);
}

void sim_actor_end(struct sim_actor *actor)
{
    list_remove(&actor->link);
}

/* ---- memory ---- */

/* libuv ends the process when its table of descriptors cannot grow, the only thing that it reallocates: that never
 * fails here. */
static void *grow(void *memory, size_t size)
{
    void *grown = mem_grow(memory, size);
    return grown != NULL ? grown : mem_grow(memory, size);
}

void sim_count_libuv(void)
{
    if (uv_replace_allocator(mem_alloc, grow, mem_array, mem_free) != 0)
        abort();
}

/* ---- life ---- */

bool sim_init(struct sim *sim)
{
    struct sim fresh = { .world = sim_world, .seed = sim->seed, .now_ms = 1000, .failing_memory = sim->failing_memory };
    memcpy(fresh.replay, sim->replay, sizeof fresh.replay);
    *sim = fresh;
    sim->random = (sim->seed + 1) * 0x9e3779b97f4a7c15u;
    list_init(&sim->events);
    list_init(&sim->actors);
    list_init(&sim->links);
    list_init(&sim->listeners);
    sim_roll(sim, 2); /* neighbouring seeds part */
    random_seed(sim->seed);
    sim->live_before = mem_live();
    bool entered = loop_enter_world(&sim->world) == 0;
    SIM_CHECK(sim, entered || sim->failing_memory != 0);
    if (!entered) {
        last_error_forget();
        random_unseed();
        SIM_CHECK(sim, mem_live() == sim->live_before);
    }
    return entered;
}

void sim_done(struct sim *sim)
{
    sshio_detach();
    last_error_forget();
    random_unseed();
    SIM_CHECK(sim, list_empty(&sim->actors));
    SIM_CHECK(sim, sim->timers == 0);
    while (sim_step(sim)) /* ends that nobody waits for, workers whose work was taken back */
        ;
    SIM_CHECK(sim, list_empty(&sim->links));
    SIM_CHECK(sim, list_empty(&sim->listeners));
    SIM_CHECK(sim, mem_live() == sim->live_before);
}
