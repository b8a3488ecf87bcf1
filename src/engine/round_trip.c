/* Measuring the round trip; see round_trip.h.
 *
 * The shortest of all samples counts: an answer queues behind the data that comes with it, so that any single one may
 * be too long. A peer that never answers leaves the round trip unknown, and its windows as they are. */
#include "engine/round_trip.h"

#include "engine/internal.h"

#define PROBE_EVERY_MS 1000
#define SHORT_MS 5

static bool is_short(const struct round_trip *rt)
{
    return rt->known && rt->ms < SHORT_MS;
}

bool engine_way_is_long(const struct engine *e)
{
    return e->round_trip.known && !is_short(&e->round_trip);
}

void round_trip_note(struct engine *e, uint64_t sent_ms)
{
    struct round_trip *rt = &e->round_trip;
    uint64_t took_ms = e->now_ms - sent_ms;
    if (!rt->known || took_ms < rt->ms)
        rt->ms = took_ms < UINT32_MAX ? (uint32_t)took_ms : UINT32_MAX;
    rt->known = true;
}

static void answered(void *user, bool ok, struct span data)
{
    struct engine *e = user;
    (void)ok; /* that a peer knows no such request is an answer as well */
    (void)data;
    e->round_trip.asked = false;
    if (!e->ended)
        round_trip_note(e, e->round_trip.sent_ms);
}

void round_trip_probe(struct engine *e)
{
    struct round_trip *rt = &e->round_trip;
    if (rt->asked || is_short(rt) || (rt->known && e->now_ms - rt->sent_ms < PROBE_EVERY_MS))
        return;
    rt->sent_ms = e->now_ms;
    rt->asked = engine_global_request(e, "keepalive@openssh.com", SPAN(NULL, 0), answered, e) == 0;
}
