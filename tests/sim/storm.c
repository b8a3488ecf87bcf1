/* What happens to a stormy scenario: faults of its network, and blows that come before a step of the clock and strike
 * whatever is there. Each marks what it can explain. */
#include "scenario.h"

#include <string.h>

#include <sshio/constants.h>

#define STEPS_MAX 2000 /* a scenario seldom takes more */
#define BYTES_MAX 30000

void storm_plan(struct scenario *sc)
{
    struct sim *sim = &sc->sim;
    if (!sc->stormy)
        return;
    sc->blow_count = sim_roll(sim, BLOWS_MAX + 1);
    for (unsigned i = 0; i < sc->blow_count; i++)
        sc->blows[i].step = sim_one_in(sim, 2) ? sim_roll_wide(sim, STEPS_MAX) : 1 + sim_roll(sim, 300);
}

/* ---- faults of the network ---- */

void storm_accept(struct sim *sim, struct sim_link *link)
{
    struct scenario *sc = LIST_ENTRY(sim, struct scenario, sim);
    if (!sc->stormy || !sim_one_in(sim, 2))
        return;
    for (uint32_t count = 1 + sim_roll(sim, 2); count > 0; count--)
        sim_link_fault_at(link, (enum sim_fault)sim_roll(sim, SIM_FAULTS), (int)sim_roll(sim, 2),
                          sim_one_in(sim, 2) ? sim_roll(sim, BYTES_MAX) : sim_roll_wide(sim, BYTES_MAX));
}

/* Who is logged in waits through a stall; a login may be too late. */
void storm_fault(struct sim *sim, struct sim_link *link, enum sim_fault fault)
{
    struct scenario *sc = LIST_ENTRY(sim, struct scenario, sim);
    struct client *c = &sc->clients[sim_link_client(link) - 1];
    if (fault != SIM_STALL || !c->logged_in)
        c->disturbed = true;
}

/* ---- blows ---- */

static void strike_link(struct scenario *sc)
{
    struct sim *sim = &sc->sim;
    size_t count = sim_link_count(sim);
    if (count == 0)
        return;
    struct sim_link *link = sim_link_at(sim, sim_roll(sim, (uint32_t)count));
    sim_link_fault(link, (enum sim_fault)sim_roll(sim, SIM_FAULTS), (int)sim_roll(sim, 2));
}

static void cancel_somebody(struct scenario *sc)
{
    struct sim *sim = &sc->sim;
    uint32_t count = 0, at = 0;
    LIST_EACH(node, &sim->actors)
    count++;
    uint32_t chosen = sim_roll(sim, count);
    LIST_EACH(node, &sim->actors)
    {
        struct sim_actor *actor = LIST_ENTRY(node, struct sim_actor, link);
        if (at++ != chosen || actor->task == NULL)
            continue;
        sim_trace(sim, actor->name, actor->number, -1);
        sim_trace(sim, "… is cancelled", 0, 0);
        *actor->disturbed = true;
        if (actor->dropped != NULL)
            *actor->dropped = true;
        sshio_cancel(actor->task);
    }
}

static void strike_connection(struct scenario *sc)
{
    struct sim *sim = &sc->sim;
    struct client *c = &sc->clients[sim_roll(sim, sc->client_count)];
    sshio_conn *conn = sim_one_in(sim, 2) ? c->conn : c->server_conn;
    if (conn == NULL)
        return;
    uint32_t how = sim_roll(sim, 4);
    sim_trace(sim, conn == c->conn ? "blow: client's connection" : "blow: server's connection", c->number, how);
    if (how == 3) {
        sshio_conn_rekey(conn);
        return;
    }
    c->disturbed = true;
    for (unsigned i = 0; i < c->flow_count; i++)
        c->flows[i].dropped = true;
    if (how == 0)
        sshio_conn_close(conn);
    else if (how == 1)
        sshio_conn_abort(conn);
    else
        sshio_conn_disconnect(conn, SSHIO_DISC_TOO_MANY_CONNECTIONS, "enough", "en");
}

static void strike_channel(struct scenario *sc)
{
    struct sim *sim = &sc->sim;
    struct client *c = &sc->clients[sim_roll(sim, sc->client_count)];
    struct flow *flow = &c->flows[sim_roll(sim, c->flow_count)];
    sshio_chan *chan = sim_one_in(sim, 2) ? flow->client_chan : flow->server_chan;
    if (chan == NULL)
        return;
    uint32_t how = sim_roll(sim, 3);
    sim_trace(sim, "blow: channel, flow, how", flow->number, how);
    flow->disturbed = flow->dropped = true;
    if (how == 0)
        sshio_chan_close(chan);
    else if (how == 1)
        sshio_chan_abort(chan);
    else
        sshio_chan_write_eof(chan);
}

static void strike_listener(struct scenario *sc)
{
    if (sc->listener == NULL)
        return;
    sim_trace(&sc->sim, "blow: the listener is closed", 0, 0);
    for (unsigned i = 0; i < sc->client_count; i++)
        sc->clients[i].disturbed = sc->clients[i].disturbed || sc->clients[i].made == 0;
    sshio_listener_close(sc->listener);
}

void storm_step(struct sim *sim)
{
    static void (*const blows[])(struct scenario * sc) = {
        strike_link,    cancel_somebody, cancel_somebody, strike_connection,
        strike_channel, strike_channel,  strike_listener,
    };
    struct scenario *sc = LIST_ENTRY(sim, struct scenario, sim);
    for (unsigned i = 0; i < sc->blow_count; i++) {
        if (sc->blows[i].done || sim->steps < sc->blows[i].step)
            continue;
        sc->blows[i].done = true;
        blows[sim_roll(sim, sizeof blows / sizeof blows[0])](sc);
    }
}
