/* One scenario: its plan, its run, and what must hold when all is over; see scenario.h. */
#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/random.h"

#define LOGIN_BYTES 8000u
#define LOGIN_MS 40000u
#define SMALL_CHUNK 64 /* with less than this at once, little is sent */

/* ---- keys ---- */

static struct sim_keys keys;

static void generate(sshio_key **key)
{
    if (sshio_generate_private_key("ssh-ed25519", NULL, key) != 0)
        abort();
}

/* "name type base64\n" or "type base64\n" */
static void public_line(const sshio_key *key, const char *name, char *line, size_t size)
{
    sshio_bytes text = { 0 };
    if (sshio_key_export_public_key(key, SSHIO_FORMAT_OPENSSH, &text) != 0)
        abort();
    snprintf(line, size, "%s%.*s", name, (int)text.len, text.data);
    sshio_bytes_free(&text);
}

/* The same ones in each run of the program. */
const struct sim_keys *sim_keys(void)
{
    if (keys.host != NULL)
        return &keys;
    random_seed(1);
    generate(&keys.host);
    generate(&keys.user);
    generate(&keys.other);
    random_unseed();
    public_line(keys.host, "server.sim ", keys.known_hosts, sizeof keys.known_hosts);
    public_line(keys.other, "server.sim ", keys.wrong_hosts, sizeof keys.wrong_hosts);
    public_line(keys.user, "", keys.authorized, sizeof keys.authorized);
    return &keys;
}

void sim_keys_done(void)
{
    sshio_key_unref(keys.host);
    sshio_key_unref(keys.user);
    sshio_key_unref(keys.other);
    keys = (struct sim_keys){ .host = NULL };
}

/* ---- what a flow carries ---- */

uint8_t flow_octet(const struct flow *flow, int stream, size_t at)
{
    return (uint8_t)(at * 167 + (at >> 7) + (size_t)flow->number * 31 + (size_t)stream * 77);
}

void flow_fill(const struct flow *flow, int stream, size_t at, uint8_t *to, size_t len)
{
    for (size_t i = 0; i < len; i++)
        to[i] = flow_octet(flow, stream, at + i);
}

/* The next bytes of a stream: in order, once, and not more than there are. */
void flow_check(struct flow *flow, int stream, size_t *seen, const void *data, size_t len)
{
    struct sim *sim = &flow->client->scenario->sim;
    const uint8_t *bytes = data;
    size_t wrong = 0;
    for (size_t i = 0; i < len; i++)
        wrong += bytes[i] != flow_octet(flow, stream, *seen + i);
    SIM_CHECK(sim, wrong == 0);
    *seen += len;
    size_t most = stream == STREAM_UP ? flow->up_len : stream == STREAM_DOWN ? flow->down_len : flow->err_len;
    SIM_CHECK(sim, *seen <= most);
}

int flow_out_stream(const struct flow *flow)
{
    return flow->program == PROGRAM_ECHO ? STREAM_UP : STREAM_DOWN;
}

size_t flow_out_len(const struct flow *flow)
{
    return flow->program == PROGRAM_ECHO ? flow->up_len : flow->program == PROGRAM_SOURCE ? flow->down_len : 0;
}

size_t flow_err_len(const struct flow *flow)
{
    return flow->program == PROGRAM_SOURCE ? flow->err_len : 0;
}

bool flow_reads_input(const struct flow *flow)
{
    return flow->program == PROGRAM_ECHO || flow->program == PROGRAM_SINK;
}

int flow_status(const struct flow *flow)
{
    if (flow->service == SERVICE_STREAMS)
        return 0;
    if (flow->program == PROGRAM_SIGNAL)
        return -1;
    return flow->program == PROGRAM_NO_STATUS ? SSHIO_NO_STATUS : flow->status;
}

bool flow_excused(const struct flow *flow)
{
    return flow->disturbed || flow->client->disturbed || flow->client->scenario->sim.failing_memory != 0;
}

/* ---- the rest that both sides use ---- */

void scenario_nap(struct scenario *sc, uint32_t chances, uint32_t ms)
{
    if (sim_one_in(&sc->sim, chances))
        sshio_sleep(sim_roll(&sc->sim, ms) / 1000.0);
}

/* What nobody may get to see, whatever happens to a connection. */
bool error_is_plausible(const struct scenario *sc, int code)
{
    static const int never[] = { SSHIO_EINVAL,           SSHIO_ENOTASK, SSHIO_EEOF,
                                 SSHIO_EINCOMPLETE_READ, SSHIO_EDECODE, SSHIO_EUNSUPPORTED };
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        if (code == never[i])
            return false;
    return code < 0 && (code != SSHIO_ENOMEM || sc->sim.failing_memory != 0);
}

/* ---- the plan ---- */

static void plan_weather(struct scenario *sc)
{
    struct sim *sim = &sc->sim;
    struct sim_weather *w = &sim->weather;
    *w = (struct sim_weather){ .latency_ms = 1, .chunk = 70000, .capacity = 1000000 };
    if (sc->gentle)
        return;
    w->latency_ms = sim_one_in(sim, 3) ? 0 : sim_roll_wide(sim, 200);
    w->chunk = sim_one_in(sim, 4)    ? 70000
               : sim_one_in(sim, 16) ? sim_roll_wide(sim, 40)
                                     : 40 + sim_roll_wide(sim, 3000);
    w->capacity = sim_one_in(sim, 2) ? 200000 : sim_roll_wide(sim, 20000);
    w->refuse_each = sc->stormy ? 30 : 0;
    uint32_t piece = w->chunk < w->capacity ? w->chunk : w->capacity;
    uint32_t patience = LOGIN_MS / (LOGIN_BYTES / piece + 1); /* so that a login can be in time */
    w->latency_ms = w->latency_ms < patience ? w->latency_ms : patience;
}

static size_t plan_len(struct scenario *sc)
{
    struct sim *sim = &sc->sim;
    bool slow = sim->weather.chunk < SMALL_CHUNK || sim->weather.capacity < SMALL_CHUNK;
    if (sc->gentle)
        return 100;
    return sim_one_in(sim, 6) ? 0 : sim_roll_wide(sim, slow ? 300 : sim_one_in(sim, 12) ? 100000 : 4000);
}

static void plan_flow(struct client *c, struct flow *flow, long number)
{
    struct scenario *sc = c->scenario;
    struct sim *sim = &sc->sim;
    *flow = (struct flow){ .client = c, .number = number, .seen_status = SSHIO_NO_STATUS };
    flow->program = (enum program)sim_roll(sim, PROGRAM_COUNT);
    flow->shape = (enum shape)sim_roll(sim, SHAPE_COUNT);
    if (sc->gentle) {
        flow->program = number % 2 == 0 ? PROGRAM_ECHO : PROGRAM_SOURCE;
        flow->shape = (enum shape)(number % SHAPE_COUNT);
    }
    flow->up_len = flow_reads_input(flow) ? plan_len(sc) : 0;
    flow->down_len = plan_len(sc);
    flow->err_len = plan_len(sc);
    flow->status = sim_one_in(sim, 2) ? 0 : (int)sim_roll(sim, 256);
    flow->by_env = sim_one_in(sim, 4);
    flow->subsystem = sim_one_in(sim, 4);
    flow->timeout = sc->stormy && sim_one_in(sim, 4) ? (1 + sim_roll_wide(sim, 100000)) / 1000.0 : 0;
}

static void plan(struct scenario *sc)
{
    struct sim *sim = &sc->sim;
    sc->stormy = !sc->gentle && !sim_one_in(sim, 3);
    plan_weather(sc);
    sc->service = sim_one_in(sim, 2) ? SERVICE_NONE : (enum service)(1 + sim_roll(sim, 3));
    sc->waits = sim_one_in(sim, 2);
    sc->refuse_sessions = sim_one_in(sim, 4) ? 4 : 0;
    sc->two_steps = sim_one_in(sim, 6);
    sc->client_count = sim_one_in(sim, 4) ? 1 + sim_roll(sim, CLIENTS_MAX) : 1;
    if (sc->gentle) {
        sc->service = (enum service)(1 + sim->seed % 3);
        sc->refuse_sessions = 0;
        sc->two_steps = sim->seed % GENTLE_KINDS == 5;
        sc->client_count = 1;
    }
    for (unsigned i = 0; i < sc->client_count; i++) {
        struct client *c = &sc->clients[i];
        *c = (struct client){ .scenario = sc, .number = i };
        client_plan(sc, c);
        c->flow_count = sc->gentle ? 2 : 1 + sim_roll(sim, FLOWS_MAX);
        for (unsigned k = 0; k < c->flow_count; k++)
            plan_flow(c, &c->flows[k], sc->gentle ? (long)(sim->seed + k) : (long)k);
    }
    storm_plan(sc);
}

/* ---- the run ---- */

static int run_clients(struct scenario *sc)
{
    sshio_task *tasks[CLIENTS_MAX] = { NULL };
    unsigned count = 0;
    int rc = 0;
    while (rc == 0 && count < sc->client_count)
        if ((rc = sshio_spawn(client_run, &sc->clients[count], &tasks[count])) == 0)
            count++;
    for (unsigned i = 0; i < count; i++)
        sshio_join(tasks[i], NULL);
    return rc;
}

static int run(void *arg)
{
    struct scenario *sc = arg;
    struct sim *sim = &sc->sim;
    struct sim_actor actor;
    sim_actor_begin(sim, &actor, "scenario", 0, NULL, NULL);
    actor.task = NULL; /* not to be cancelled */
    int rc = server_start(sc);
    SIM_CHECK(sim, rc == 0 || sim->failing_memory != 0);
    if (rc == 0) {
        actor.doing = "waiting for the clients";
        run_clients(sc);
        actor.doing = "closing the listener";
        sshio_listener_close(sc->listener);
        sshio_listener_wait_closed(sc->listener);
        sshio_listener_unref(sc->listener);
        sc->listener = NULL;
    }
    sim_actor_end(&actor);
    return 0;
}

/* Everything that was begun has ended, once. */
static void check(struct scenario *sc)
{
    for (unsigned i = 0; i < sc->client_count; i++)
        client_check(&sc->clients[i]);
}

void scenario_run(struct scenario *sc, const struct scenario_order *order)
{
    memset(sc, 0, sizeof *sc);
    sc->sim.seed = order->seed;
    sc->sim.failing_memory = order->failing_memory;
    snprintf(sc->sim.replay, sizeof sc->sim.replay, "%s", order->replay);
    if (!sim_init(&sc->sim))
        return;
    sc->gentle = order->gentle;
    sc->sim.on_step = storm_step;
    sc->sim.on_accept = storm_accept;
    sc->sim.on_fault = storm_fault;
    plan(sc);
    if (order->blow.step != 0)
        sc->blows[sc->blow_count++] = order->blow;
    int rc = sshio_main(run, sc);
    SIM_CHECK(&sc->sim, rc == 0 || order->failing_memory != 0);
    sim_done(&sc->sim);
    check(sc);
}
