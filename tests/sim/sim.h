/* The simulator: whole clients and servers in one process, over a network in memory, under virtual time, in an order
 * that a seed decides. One simulation at a time runs on a thread, from sim_init to sim_done:
 *
 *     struct sim sim = { .seed = seed };
 *     sim_init(&sim);            the thread's loop belongs to the simulated world now
 *     sshio_main(task, &sim);    sshio_connect and sshio_listen meet in memory
 *     sim_done(&sim);            everything that was begun must have ended, and all memory given back
 *
 * Nothing here is timed or threaded: the same seed gives the same run. */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sshio.h>

#include "base/list.h"
#include "io/world.h"

/* Something that happens at a time of the simulated clock. Of those that are due together, the seed chooses one. */
struct sim_event {
    struct list link;
    uint64_t at_ms;
    void (*run)(struct sim_event *event);
};

/* Who may have to wait, so that a hang can tell whom for; see sim_actor_begin. */
struct sim_actor {
    struct list link;
    const char *name;
    long number;
    const char *doing;
    sshio_task *task;          /* to be cancelled; NULL = not a task */
    bool *disturbed, *dropped; /* set when it is cancelled; dropped may be NULL */
};

#define SIM_TRACE_LEN 2048

struct sim_record {
    uint64_t at_ms, step;
    const char *what;
    long a, b;
};

struct sim_link;

enum sim_fault {
    SIM_STALL,      /* nothing is carried for some time */
    SIM_CUT,        /* both ends see an end, and what is on its way is lost */
    SIM_RESET,      /* both ends see ECONNRESET */
    SIM_CORRUPTION, /* one bit of the next byte is changed */
    SIM_SILENCE,    /* nothing is carried any more; long after, both ends see ETIMEDOUT */
    SIM_FAULTS
};

/* How the network treats bytes, decided by the seed. */
struct sim_weather {
    uint32_t latency_ms;  /* most */
    uint32_t chunk;       /* most bytes that are carried at once */
    uint32_t capacity;    /* bytes in flight, each way */
    uint32_t refuse_each; /* one connection attempt in so many is refused; 0 = none */
};

struct sim {
    struct world world;
    uint64_t seed;
    uint64_t random;
    uint64_t now_ms;
    uint64_t steps; /* events that have run */
    struct list events;
    struct list actors;
    struct sim_weather weather;
    struct list links; /* connections, both ends of them */
    long links_made;
    struct list listeners;            /* that clients can reach */
    void (*on_step)(struct sim *sim); /* before each event; NULL = nothing */
    void (*on_accept)(struct sim *sim, struct sim_link *link);
    void (*on_fault)(struct sim *sim, struct sim_link *link, enum sim_fault fault);
    uint64_t live_before;    /* allocations when it began */
    unsigned timers;         /* that exist */
    uint64_t failing_memory; /* the number of the allocation that fails on purpose; 0 = none */
    char replay[96];         /* how to run this again; said when a check fails */
    struct sim_record trace[SIM_TRACE_LEN];
    uint64_t traced;
};

/* ---- sim.c: seed, clock, checks ---- */

/* seed, failing_memory and replay are taken over. false = out of memory, on purpose; nothing is to be done then. */
bool sim_init(struct sim *sim);
void sim_done(struct sim *sim);

uint32_t sim_roll(struct sim *sim, uint32_t sides);    /* 0 … sides - 1 */
bool sim_one_in(struct sim *sim, uint32_t chances);    /* 0 = never */
uint32_t sim_roll_wide(struct sim *sim, uint32_t max); /* 1 … max, each order of magnitude as likely as the others */

void sim_trace(struct sim *sim, const char *what, long a, long b); /* what is a literal */

/* A condition that does not hold ends the program with the seed, the way to replay it, and what happened before. */
#define SIM_CHECK(sim, condition) sim_check((sim), (condition), #condition, __FILE__, __LINE__)
void sim_check(struct sim *sim, bool holds, const char *condition, const char *file, int line);

void sim_event_init(struct sim_event *event, void (*run)(struct sim_event *event));
void sim_event_at(struct sim *sim, struct sim_event *event, uint64_t at_ms); /* moves it if it was scheduled */
void sim_event_soon(struct sim *sim, struct sim_event *event);               /* after a latency of this network */
void sim_event_cancel(struct sim_event *event);
bool sim_step(struct sim *sim); /* time goes on to the next event, which runs; false = there is none */

void sim_actor_begin(struct sim *sim, struct sim_actor *actor, const char *name, long number, bool *disturbed,
                     bool *dropped);
void sim_actor_end(struct sim_actor *actor);

/* From here on libuv's allocations are counted and fail like the library's. Before anything else of libuv is called. */
void sim_count_libuv(void);

/* ---- world.c ---- */

extern const struct world sim_world;
struct sim *sim_of(struct loop *loop);

/* ---- net.c: the network ---- */

int sim_connect(struct loop *loop, const struct connect_options *options, struct stream **s, struct error *e);
int sim_listen(struct loop *loop, const struct listen_options *options, const struct net_listener_events *events,
               void *owner, sshio_logger *logger, struct net_listener **listener, struct error *e);

/* The connections there are, in the order of their making. */
size_t sim_link_count(const struct sim *sim);
struct sim_link *sim_link_at(const struct sim *sim, size_t index);
long sim_link_number(const struct sim_link *link);
long sim_link_client(const struct sim_link *link); /* the local port that its client asked for */

void sim_link_fault(struct sim_link *link, enum sim_fault fault, int direction); /* now */
/* The same once so many bytes have been carried that way. */
void sim_link_fault_at(struct sim_link *link, enum sim_fault fault, int direction, uint64_t byte);

#endif
