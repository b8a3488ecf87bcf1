/* Waking a peer that does not look into its own buffer; see nudge.h.
 *
 * One nudge is always sent, because what the peer has at that time may come from before it took our message in. After
 * that, anything that arrives shows that it reads again. Silence may also mean that there is nothing to say, so nudging
 * ends by itself. */
#include "engine/nudge.h"

#include "engine/internal.h"
#include "engine/quirks.h"

#define FIRST_WAIT_MS 20
#define LAST_WAIT_MS 4000

void nudge_init(struct nudge *n)
{
    *n = (struct nudge){ .deadline_ms = UINT64_MAX };
}

static void put_off(struct engine *e, uint32_t wait_ms)
{
    e->nudge.deadline_ms = e->now_ms + wait_ms;
    e->nudge.wait_ms = 2 * wait_ms;
    e->nudge.packets = e->transport.recv.packets;
}

void nudge_start(struct engine *e)
{
    if ((e->quirks & QUIRK_WAITS_FOR_MORE) != 0)
        put_off(e, FIRST_WAIT_MS);
}

void nudge_tick(struct engine *e)
{
    struct nudge *n = &e->nudge;
    if (e->ended || e->now_ms < n->deadline_ms)
        return;
    bool first = n->wait_ms == 2 * FIRST_WAIT_MS;
    bool silent = e->transport.recv.packets == n->packets;
    n->deadline_ms = UINT64_MAX;
    if (!first && (!silent || n->wait_ms > LAST_WAIT_MS))
        return;
    engine_send_ignore(e, 0);
    put_off(e, n->wait_ms);
}
