/* What happens to a stormy scenario: faults of its network, and blows that come before a step of the clock, or from
 * inside a callback, and strike whatever is there. Each marks what it can explain. */
#include "scenario.h"

#include <sshio/constants.h>

#define STEPS_MAX 2000 /* a scenario seldom takes more */
#define BYTES_MAX 30000
#define MISCHIEF_CHANCES 150

static struct scenario *scenario_of(struct sim *sim)
{
    return LIST_ENTRY(sim, struct scenario, sim);
}

void storm_plan(struct scenario *sc)
{
    struct sim *sim = &sc->sim;
    if (!sc->stormy)
        return;
    sc->blow_count = sim_roll(sim, BLOWS_MAX + 1);
    for (unsigned i = 0; i < sc->blow_count; i++) {
        sc->blows[i].row = BLOW_ANY;
        sc->blows[i].step = sim_one_in(sim, 2) ? sim_roll_wide(sim, STEPS_MAX) : 1 + sim_roll(sim, 300);
    }
}

/* ---- faults of the network ---- */

void storm_accept(struct sim *sim, struct sim_link *link)
{
    if (!scenario_of(sim)->stormy || !sim_one_in(sim, 2))
        return;
    for (uint32_t count = 1 + sim_roll(sim, 2); count > 0; count--)
        sim_link_fault_at(link, (enum sim_fault)sim_roll(sim, SIM_FAULTS), (int)sim_roll(sim, 2),
                          sim_one_in(sim, 2) ? sim_roll(sim, BYTES_MAX) : sim_roll_wide(sim, BYTES_MAX));
}

/* Who is logged in waits through a stall; a login may be too late. */
void storm_fault(struct sim *sim, struct sim_link *link, enum sim_fault fault)
{
    struct client *c = &scenario_of(sim)->clients[sim_link_client(link) - 1];
    if (fault != SIM_STALL || !c->logged_in)
        c->disturbed = true;
}

/* ---- blows: each strikes one of what is there, in a given way ---- */

static void strike_link(struct scenario *sc, uint32_t fault)
{
    struct sim *sim = &sc->sim;
    size_t count = sim_link_count(sim);
    if (count != 0)
        sim_link_fault(sim_link_at(sim, sim_roll(sim, (uint32_t)count)), (enum sim_fault)fault, (int)sim_roll(sim, 2));
}

/* The actors in the order in which they began; the scenario itself is not one to be cancelled. */
static void cancel_actor(struct scenario *sc, uint32_t index)
{
    struct sim *sim = &sc->sim;
    LIST_EACH(node, &sim->actors)
    {
        struct sim_actor *actor = LIST_ENTRY(node, struct sim_actor, link);
        if (actor->task == NULL || index-- != 0)
            continue;
        sim_trace(sim, actor->name, actor->number, 0);
        sim_trace(sim, "… is cancelled", 0, 0);
        *actor->disturbed = true;
        if (actor->dropped != NULL)
            *actor->dropped = true;
        sshio_cancel(actor->task);
        return;
    }
}

static void end_connection(struct client *c, sshio_conn *conn, uint32_t how)
{
    sim_trace(&c->scenario->sim, conn == c->conn ? "blow: client's connection" : "blow: server's connection", c->number,
              how);
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

static struct client *choose_client(struct scenario *sc)
{
    return &sc->clients[sim_roll(&sc->sim, sc->client_count)];
}

static void strike_client(struct scenario *sc, uint32_t how)
{
    struct client *c = choose_client(sc);
    if (c->conn != NULL)
        end_connection(c, c->conn, how);
}

static void strike_server(struct scenario *sc, uint32_t how)
{
    struct client *c = choose_client(sc);
    if (c->server_conn != NULL)
        end_connection(c, c->server_conn, how);
}

static void end_channel(struct flow *flow, sshio_chan *chan, uint32_t how)
{
    if (chan == NULL)
        return;
    sim_trace(&flow->client->scenario->sim, "blow: channel, flow, how", flow->number, how);
    flow->disturbed = flow->dropped = true;
    if (how == 0)
        sshio_chan_close(chan);
    else if (how == 1)
        sshio_chan_abort(chan);
    else
        sshio_chan_write_eof(chan);
}

static struct flow *choose_flow(struct scenario *sc)
{
    struct client *c = choose_client(sc);
    return &c->flows[sim_roll(&sc->sim, c->flow_count)];
}

static void strike_client_channel(struct scenario *sc, uint32_t how)
{
    struct flow *flow = choose_flow(sc);
    end_channel(flow, flow->client_chan, how);
}

static void strike_server_channel(struct scenario *sc, uint32_t how)
{
    struct flow *flow = choose_flow(sc);
    end_channel(flow, flow->server_chan, how);
}

static void close_listener(struct scenario *sc, uint32_t unused)
{
    (void)unused;
    if (sc->listener == NULL)
        return;
    sim_trace(&sc->sim, "blow: the listener is closed", 0, 0);
    for (unsigned i = 0; i < sc->client_count; i++)
        sc->clients[i].disturbed = sc->clients[i].disturbed || sc->clients[i].made == 0;
    sshio_listener_close(sc->listener);
}

struct blow_row {
    void (*strike)(struct scenario *sc, uint32_t how);
    uint32_t how;
};

static const struct blow_row rows[] = {
    { strike_link, SIM_STALL },
    { strike_link, SIM_CUT },
    { strike_link, SIM_RESET },
    { strike_link, SIM_SILENCE },
    { strike_link, SIM_CORRUPTION },
    { cancel_actor, 0 },
    { cancel_actor, 1 },
    { cancel_actor, 2 },
    { cancel_actor, 3 },
    { cancel_actor, 4 },
    { cancel_actor, 5 },
    { cancel_actor, 6 },
    { cancel_actor, 7 },
    { cancel_actor, 8 },
    { strike_client, 0 },
    { strike_client, 1 },
    { strike_client, 2 },
    { strike_client, 3 },
    { strike_server, 0 },
    { strike_server, 1 },
    { strike_server, 2 },
    { strike_server, 3 },
    { strike_client_channel, 0 },
    { strike_client_channel, 1 },
    { strike_client_channel, 2 },
    { strike_server_channel, 0 },
    { strike_server_channel, 1 },
    { strike_server_channel, 2 },
    { close_listener, 0 },
};

int blow_count(void)
{
    return (int)(sizeof rows / sizeof rows[0]);
}

void storm_step(struct sim *sim)
{
    struct scenario *sc = scenario_of(sim);
    for (unsigned i = 0; i < sc->blow_count; i++) {
        struct blow *blow = &sc->blows[i];
        if (blow->done || sim->steps < blow->step)
            continue;
        blow->done = true;
        const struct blow_row *row =
            &rows[blow->row != BLOW_ANY ? (uint32_t)blow->row : sim_roll(sim, (uint32_t)blow_count())];
        row->strike(sc, row->how);
    }
}

/* ---- from inside a callback of a channel ---- */

void storm_mischief(struct flow *flow, sshio_chan *chan)
{
    struct client *c = flow->client;
    struct sim *sim = &c->scenario->sim;
    if (!c->scenario->stormy || !sim_one_in(sim, MISCHIEF_CHANCES))
        return;
    sim_trace(sim, "mischief in a callback, flow", flow->number, 0);
    if (sim_one_in(sim, 2))
        end_channel(flow, chan, sim_roll(sim, 3));
    else
        end_connection(c, sshio_chan_conn(chan), sim_roll(sim, 4));
}
