/* The clients of a scenario: how they connect and log in, what may come of it, and how they leave. Their sessions are
 * in flow.c. */
#include "scenario.h"

#include <stdio.h>
#include <string.h>

#include "conn/conn.h"
#include "crypto/cipher.h"

/* ---- the plan ---- */

static enum login plan_login(struct scenario *sc)
{
    struct sim *sim = &sc->sim;
    if (sim_one_in(sim, 4))
        return (enum login)sim_roll(sim, LOGIN_COUNT);
    if (sc->two_steps)
        return sim_one_in(sim, 2) ? LOGIN_KEY_AND_PASSWORD : LOGIN_KEY_AND_KBDINT;
    return sim_one_in(sim, 4) ? LOGIN_KBDINT : LOGIN_PASSWORD;
}

/* Mostly one of those that cost nothing; sets whether the host is proved. */
static const char *plan_kex(struct sim *sim, bool *proves_host)
{
    static const char *const dear[] = { "curve25519-sha256",
                                        NULL,
                                        "ecdh-sha2-nistp256",
                                        "ecdh-sha2-nistp384",
                                        "ecdh-sha2-nistp521",
                                        "diffie-hellman-group14-sha256",
                                        "diffie-hellman-group-exchange-sha256",
                                        "diffie-hellman-group16-sha512" };
    uint32_t kex = sim_roll(sim, 32);
    *proves_host = kex >= 18;
    if (kex < 18)
        return "sim-kex@sshio";
    if (kex < 30)
        return "sim-signed-kex@sshio";
    /* The last ones are dearest by far. */
    return dear[sim_roll(sim, sim_one_in(sim, 8) ? sizeof dear / sizeof dear[0] : 5)];
}

static void plan_gentle(const struct sim *sim, struct client *c)
{
    bool even = sim->seed % 2 == 0;
    c->login = c->scenario->two_steps ? LOGIN_KEY_AND_KBDINT : even ? LOGIN_KEY : LOGIN_ASKED_PASSWORD;
    c->trust = even ? TRUST_KNOWN : TRUST_ASKED;
    c->kex = even ? "sim-signed-kex@sshio" : "curve25519-sha256";
    c->cipher = NULL;
    c->compresses = sim->seed % GENTLE_KINDS == 4;
    c->proves_host = true;
}

void client_plan(struct scenario *sc, struct client *c)
{
    struct sim *sim = &sc->sim;
    c->kex = plan_kex(sim, &c->proves_host);
    c->login = plan_login(sc);
    c->trust = sim_one_in(sim, 5) ? (enum trust)sim_roll(sim, TRUST_COUNT) : TRUST_KNOWN;
    c->cipher = sim_one_in(sim, 2) ? cipher_at(sim_roll(sim, (uint32_t)cipher_count()))->name : NULL;
    c->compresses = sim_one_in(sim, 8);
    if (sc->gentle)
        plan_gentle(sim, c);
    if (sc->stormy && sim_one_in(sim, 6)) {
        c->connect_timeout = sim_roll_wide(sim, 5000) / 1000.0;
        c->disturbed = true;
    }
}

bool client_uses_kbdint(const struct client *c)
{
    return c->login == LOGIN_KBDINT || c->login == LOGIN_WRONG_KBDINT || c->login == LOGIN_KEY_AND_KBDINT;
}

static bool is_trusted(const struct client *c)
{
    return !c->proves_host || c->trust == TRUST_KNOWN || c->trust == TRUST_ASKED || c->trust == TRUST_UNCHECKED;
}

static bool can_log_in(const struct client *c)
{
    if (c->scenario->two_steps)
        return c->login == LOGIN_KEY_AND_PASSWORD || c->login == LOGIN_KEY_AND_KBDINT || c->login == LOGIN_OPEN;
    return c->login != LOGIN_WRONG_KEY && c->login != LOGIN_WRONG_PASSWORD && c->login != LOGIN_WRONG_KBDINT;
}

static int expected_result(const struct client *c)
{
    if (!is_trusted(c))
        return SSHIO_EHOST_KEY_NOT_VERIFIABLE;
    return can_log_in(c) ? 0 : SSHIO_EPERMISSION_DENIED;
}

/* ---- handlers ---- */

static void connection_made(sshio_conn *conn, void *user)
{
    struct client *c = user;
    c->conn = conn;
    c->made++;
}

static void connection_lost(sshio_conn *conn, const sshio_error *error, void *user)
{
    struct client *c = user;
    struct scenario *sc = c->scenario;
    sim_trace(&sc->sim, "client: connection lost, client, code", c->number, error != NULL ? error->code : 0);
    SIM_CHECK(&sc->sim, c->conn == conn);
    SIM_CHECK(&sc->sim, error == NULL || error_is_plausible(sc, error->code));
    c->conn = NULL;
    c->lost++;
}

static int validate_host(sshio_conn *conn, const char *host, const char *addr, int port, sshio_key *key, void *user)
{
    struct client *c = user;
    (void)conn, (void)addr, (void)port, (void)key;
    SIM_CHECK(&c->scenario->sim, strcmp(host, "server.sim") == 0);
    scenario_nap(c->scenario, c->scenario->waits ? 2 : 0, 100);
    return c->trust == TRUST_ASKED;
}

static int ask_password(sshio_conn *conn, sshio_request *req, void *user)
{
    struct client *c = user;
    (void)conn;
    scenario_nap(c->scenario, c->scenario->waits ? 2 : 0, 100);
    unsigned count = c->passwords_asked++;
    if (c->login == LOGIN_WRONG_PASSWORD && count > 1)
        return 0;
    bool right = c->login == LOGIN_ASKED_PASSWORD ? count > 0 : c->login == LOGIN_KEY_THEN_PASSWORD;
    return sshio_answer_text(req, right ? "secret" : "guess");
}

/* Once. */
static int begin_kbdint(sshio_conn *conn, sshio_request *req, void *user)
{
    struct client *c = user;
    (void)conn;
    scenario_nap(c->scenario, c->scenario->waits ? 2 : 0, 100);
    return c->kbdint_asked++ == 0 ? sshio_answer_text(req, "") : 0;
}

static int answer_challenge(sshio_conn *conn, const char *name, const char *instructions, const char *lang,
                            const sshio_prompt *prompts, size_t count, sshio_request *req, void *user)
{
    struct client *c = user;
    (void)conn, (void)name, (void)instructions, (void)lang, (void)prompts;
    scenario_nap(c->scenario, c->scenario->waits ? 2 : 0, 100);
    if (count == 2)
        return sshio_answer_texts(req, SSHIO_LIST("blue", c->login == LOGIN_WRONG_KBDINT ? "4321" : "1234"));
    return sshio_answer_texts(req, count == 1 ? SSHIO_LIST("yes") : NULL);
}

static sshio_client_handlers choose_handlers(const struct client *c)
{
    sshio_client_handlers h = { .connection_made = connection_made, .connection_lost = connection_lost };
    if (c->trust == TRUST_ASKED || c->trust == TRUST_REFUSED)
        h.validate_host_public_key = validate_host;
    if (c->login == LOGIN_ASKED_PASSWORD || c->login == LOGIN_WRONG_PASSWORD || c->login == LOGIN_KEY_THEN_PASSWORD)
        h.password_auth_requested = ask_password;
    if (client_uses_kbdint(c)) {
        h.kbdint_auth_requested = begin_kbdint;
        h.kbdint_challenge_received = answer_challenge;
    }
    return h;
}

/* ---- connecting ---- */

static void set_options(const struct client *c, sshio_client_options *o)
{
    static sshio_keyref own[2], others[2];
    static sshio_source known, wrong;
    const struct sim_keys *keys = sim_keys();
    own[0].key = keys->user;
    others[0].key = keys->other;
    known.data = (sshio_span)SSHIO_TEXT(keys->known_hosts);
    wrong.data = (sshio_span)SSHIO_TEXT(keys->wrong_hosts);
    sshio_client_options_init(o);
    o->username = c->login == LOGIN_OPEN ? "open" : "guest";
    o->bind_port = (int)c->number + 1;
    o->kex_algs = c->kex;
    o->encryption_algs = c->cipher;
    o->connect_timeout = c->connect_timeout;
    o->compression_algs = c->compresses ? "zlib@openssh.com" : NULL;
    o->password = c->login == LOGIN_PASSWORD || c->login == LOGIN_KEY_AND_PASSWORD ? "secret"
                  : c->login == LOGIN_WRONG_PASSWORD                               ? "guess"
                                                                                   : NULL;
    if (c->login == LOGIN_KEY || c->login == LOGIN_KEY_AND_PASSWORD || c->login == LOGIN_KEY_AND_KBDINT)
        o->client_keys = own;
    else
        o->client_keys = c->login == LOGIN_WRONG_KEY || c->login == LOGIN_KEY_THEN_PASSWORD ? others : NULL;
    o->known_hosts = c->trust == TRUST_KNOWN       ? &known
                     : c->trust == TRUST_WRONG     ? &wrong
                     : c->trust == TRUST_UNCHECKED ? SSHIO_NONE
                                                   : NULL;
    if (sim_one_in(&c->scenario->sim, 4))
        o->rekey_limit = "64k 200";
}

static int connect_client(struct client *c, sshio_conn **conn)
{
    struct scenario *sc = c->scenario;
    sshio_client_options options;
    sshio_client_handlers handlers = choose_handlers(c);
    set_options(c, &options);
    c->actor.doing = "connecting";
    int rc = sshio_create_connection(&handlers, c, "server.sim", &options, conn);
    sim_trace(&sc->sim, "client: connected, client, result", c->number, rc);
    bool refused = sc->stormy && rc == SSHIO_ESYSTEM;
    if (!c->disturbed && !refused && sc->sim.failing_memory == 0)
        SIM_CHECK(&sc->sim, rc == expected_result(c));
    else
        SIM_CHECK(&sc->sim, rc == 0 || error_is_plausible(sc, rc));
    SIM_CHECK(&sc->sim, rc != 0 || (is_trusted(c) && can_log_in(c)));
    return rc;
}

/* ---- what goes on beside the sessions ---- */

static void global_answered(void *user, bool ok, struct span data)
{
    struct client *c = user;
    (void)ok, (void)data;
    c->globals_answered++;
}

static void send_global(struct client *c)
{
    if (c->conn == NULL || engine_ended(c->conn->engine))
        return;
    c->globals_made++;
    if (engine_global_request(c->conn->engine, "keepalive@openssh.com", SPAN(NULL, 0), global_answered, c) != 0)
        c->globals_made--;
}

static void fidget(struct client *c, sshio_conn *conn)
{
    struct sim *sim = &c->scenario->sim;
    c->actor.doing = "looking after its connection";
    while (sim_roll(sim, 3) != 0) {
        uint32_t what = sim_roll(sim, 4);
        if (what == 0)
            sshio_conn_rekey(conn);
        else if (what == 1)
            sshio_conn_send_debug(conn, "fidgeting", NULL, true);
        else if (what == 2)
            send_global(c);
        else
            scenario_nap(c->scenario, 1, 100);
    }
}

static void run_flows(struct client *c, sshio_conn *conn)
{
    sshio_task *tasks[FLOWS_MAX];
    unsigned count = 0;
    while (count < c->flow_count && sshio_spawn(flow_run, &c->flows[count], &tasks[count]) == 0)
        count++;
    fidget(c, conn);
    c->actor.doing = "waiting for its sessions";
    for (unsigned i = 0; i < count; i++)
        while (sshio_join(tasks[i], NULL) != 0) /* cancelled, and so are they */
            for (unsigned k = i; k < count; k++) {
                c->flows[k].disturbed = c->flows[k].dropped = true;
                sshio_cancel(tasks[k]);
            }
}

static void leave(struct client *c, sshio_conn *conn)
{
    struct sim *sim = &c->scenario->sim;
    uint32_t way = sim_roll(sim, 5);
    sim_trace(sim, "client: leaving, client, way", c->number, way);
    c->actor.doing = "leaving";
    if (way == 0)
        sshio_conn_disconnect(conn, SSHIO_DISC_BY_APPLICATION, "good-bye", NULL);
    else if (way == 1)
        sshio_conn_abort(conn);
    else if (way == 2)
        sshio_conn_close(conn);
    if (way < 3 && sshio_conn_wait_closed(conn) == 0) {
        SIM_CHECK(sim, c->conn == NULL);
        SIM_CHECK(sim, sshio_conn_is_closed(conn));
    }
    sshio_conn_unref(conn);
}

int client_run(void *arg)
{
    struct client *c = arg;
    struct sim *sim = &c->scenario->sim;
    sshio_conn *conn = NULL;
    sim_actor_begin(sim, &c->actor, "client", c->number, &c->disturbed, NULL);
    if (connect_client(c, &conn) == 0) {
        c->logged_in = true;
        run_flows(c, conn);
        leave(c, conn);
    }
    sim_actor_end(&c->actor);
    return 0;
}

/* When all is over. */
void client_check(struct client *c)
{
    struct sim *sim = &c->scenario->sim;
    SIM_CHECK(sim, c->made <= 1 && c->made == c->lost);
    SIM_CHECK(sim, c->server_made <= 1 && c->server_made == c->server_lost);
    SIM_CHECK(sim, c->server_completed <= c->server_made);
    SIM_CHECK(sim, c->globals_made == c->globals_answered);
    bool calm = c->logged_in && !c->disturbed && sim->failing_memory == 0;
    SIM_CHECK(sim, !calm || c->server_completed == 1);
    for (unsigned i = 0; i < c->flow_count; i++) {
        calm = calm && !c->flows[i].disturbed;
        SIM_CHECK(sim, c->flows[i].client_made == c->flows[i].client_lost);
        SIM_CHECK(sim, c->flows[i].server_made == c->flows[i].server_lost);
    }
    SIM_CHECK(sim, c->refusals_seen == c->refusals_sent || (!calm && c->refusals_seen < c->refusals_sent));
}
