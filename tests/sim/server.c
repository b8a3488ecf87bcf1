/* The server of a scenario: its handlers, and its programs in the three shapes that a server can have them in. */
#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE 3000

static struct scenario *scenario_of(const struct client *c)
{
    return c->scenario;
}

/* ---- connections ---- */

static void connection_made(sshio_conn *conn, void *user)
{
    struct scenario *sc = user;
    struct client *c = &sc->clients[sshio_conn_peername(conn)->port - 1];
    sim_trace(&sc->sim, "server: connection made, client", c->number, 0);
    c->server_conn = conn;
    c->server_made++;
    sshio_conn_set_user(conn, c);
    if (sim_one_in(&sc->sim, 4))
        sshio_conn_send_auth_banner(conn, "welcome", NULL);
}

static void connection_lost(sshio_conn *conn, const sshio_error *error, void *user)
{
    struct client *c = user;
    struct scenario *sc = scenario_of(c);
    sim_trace(&sc->sim, "server: connection lost, client, code", c->number, error != NULL ? error->code : 0);
    SIM_CHECK(&sc->sim, c->server_conn == conn);
    SIM_CHECK(&sc->sim, error == NULL || error_is_plausible(sc, error->code));
    c->server_conn = NULL;
    c->server_lost++;
}

static int begin_auth(sshio_conn *conn, const char *username, void *user)
{
    struct client *c = user;
    (void)conn;
    scenario_nap(scenario_of(c), scenario_of(c)->waits ? 2 : 0, 100);
    return strcmp(username, "open") == 0 ? SSHIO_ACCEPT : 0;
}

static void auth_completed(sshio_conn *conn, void *user)
{
    struct client *c = user;
    (void)conn;
    scenario_nap(scenario_of(c), scenario_of(c)->waits ? 2 : 0, 100);
    c->server_completed++;
}

static int supported(sshio_conn *conn, void *user)
{
    (void)conn, (void)user;
    return 1;
}

static int validate_key(sshio_conn *conn, const char *username, sshio_key *key, void *user)
{
    struct client *c = user;
    (void)conn, (void)username, (void)key;
    scenario_nap(scenario_of(c), scenario_of(c)->waits ? 2 : 0, 50);
    return 0; /* those that are good are authorized */
}

static int compare_password(void *password)
{
    return strcmp(password, "secret") == 0;
}

/* As a program does that hashes it on a worker. */
static int validate_password(sshio_conn *conn, const char *username, const char *password, void *user)
{
    struct client *c = user;
    char copy[64];
    (void)conn, (void)username;
    snprintf(copy, sizeof copy, "%s", password);
    return sim_one_in(&scenario_of(c)->sim, 2) ? sshio_offload(compare_password, copy) : compare_password(copy);
}

/* For the others it is another way to ask for the password. */
static int supports_kbdint(sshio_conn *conn, void *user)
{
    (void)conn;
    return client_uses_kbdint(user) ? SSHIO_ACCEPT : SSHIO_DEFAULT;
}

static int get_challenge(sshio_conn *conn, const char *username, const char *lang, const char *submethods,
                         sshio_request *req, void *user)
{
    static const sshio_prompt prompts[] = { { .text = "Colour: ", .echo = true }, { .text = "PIN: " } };
    struct client *c = user;
    (void)conn, (void)username, (void)lang, (void)submethods;
    scenario_nap(scenario_of(c), scenario_of(c)->waits ? 2 : 0, 100);
    return sshio_answer_challenge(req, "Login", "Two questions", "en", prompts, 2);
}

static int validate_response(sshio_conn *conn, const char *username, const char *const *responses, size_t count,
                             sshio_request *req, void *user)
{
    static const sshio_prompt more = { .text = "Once more: " };
    struct client *c = user;
    (void)conn, (void)username;
    scenario_nap(scenario_of(c), scenario_of(c)->waits ? 2 : 0, 100);
    if (count == 1)
        return strcmp(responses[0], "yes") == 0;
    SIM_CHECK(&scenario_of(c)->sim, count == 2 && strcmp(responses[0], "blue") == 0);
    return strcmp(responses[1], "1234") == 0 ? sshio_answer_challenge(req, NULL, NULL, NULL, &more, 1) : 0;
}

/* ---- which session it is ---- */

static struct flow *find_flow(struct client *c, const sshio_chan *chan, enum service service)
{
    struct sim *sim = &scenario_of(c)->sim;
    const char *text = sshio_chan_get_command(chan);
    const char *const *env = sshio_chan_get_environment(chan);
    if (text == NULL)
        text = sshio_chan_get_subsystem(chan);
    for (; text == NULL && *env != NULL; env++)
        if (strncmp(*env, "FLOW=", 5) == 0)
            text = *env + 5;
    if (text == NULL) { /* the variable was not kept */
        SIM_CHECK(sim, sim->failing_memory != 0);
        return NULL;
    }
    long number = strtol(text, NULL, 10);
    for (unsigned i = 0; i < c->flow_count; i++) {
        if (c->flows[i].number != number)
            continue;
        c->flows[i].service = service;
        return &c->flows[i];
    }
    SIM_CHECK(sim, false);
    return NULL;
}

/* ---- programs with streams ---- */

struct io {
    sshio_reader *in;
    sshio_writer *out, *err;
};

static void check_input_end(struct flow *flow, int rc)
{
    struct sim *sim = &scenario_of(flow->client)->sim;
    if (!flow_excused(flow)) {
        SIM_CHECK(sim, rc == SSHIO_EEOF);
        SIM_CHECK(sim, flow->up_seen == flow->up_len);
    } else {
        SIM_CHECK(sim, rc == SSHIO_EEOF || error_is_plausible(scenario_of(flow->client), rc));
    }
}

static int write_piece(struct flow *flow, sshio_writer *to, const void *data, size_t len)
{
    struct sim *sim = &scenario_of(flow->client)->sim;
    int rc = sshio_write(to, data, len);
    if (rc == 0)
        rc = sshio_drain(to);
    SIM_CHECK(sim, rc == 0 || (flow_excused(flow) && error_is_plausible(scenario_of(flow->client), rc)));
    return rc;
}

static void serve_input(struct flow *flow, const struct io *io)
{
    struct scenario *sc = scenario_of(flow->client);
    uint8_t buffer[PIECE];
    size_t got;
    int rc;
    while ((rc = sshio_read(io->in, buffer, 1 + sim_roll(&sc->sim, PIECE), &got)) == 0) {
        flow_check(flow, STREAM_UP, &flow->up_seen, buffer, got);
        if (flow->program == PROGRAM_ECHO && (rc = write_piece(flow, io->out, buffer, got)) != 0)
            return;
        scenario_nap(sc, 20, 200);
    }
    check_input_end(flow, rc);
}

static void serve_output(struct flow *flow, const struct io *io)
{
    struct scenario *sc = scenario_of(flow->client);
    uint8_t buffer[PIECE];
    size_t done[2] = { 0, 0 };
    while (done[0] < flow->down_len || done[1] < flow->err_len) {
        int which = done[0] == flow->down_len || (done[1] < flow->err_len && sim_one_in(&sc->sim, 2));
        size_t left = which == 0 ? flow->down_len - done[0] : flow->err_len - done[1];
        size_t len = 1 + sim_roll(&sc->sim, PIECE);
        if (len > left)
            len = left;
        flow_fill(flow, which == 0 ? STREAM_DOWN : STREAM_ERR, done[which], buffer, len);
        if (write_piece(flow, which == 0 ? io->out : io->err, buffer, len) != 0)
            return;
        done[which] += len;
        scenario_nap(sc, 20, 200);
    }
}

static void serve(struct flow *flow, const struct io *io)
{
    if (flow_reads_input(flow))
        serve_input(flow, io);
    else if (flow->program == PROGRAM_SOURCE)
        serve_output(flow, io);
}

static void begin_actor(struct flow *flow, struct sim_actor *actor)
{
    struct sim *sim = &scenario_of(flow->client)->sim;
    sim_actor_begin(sim, actor, "server's program", flow->number, &flow->disturbed, &flow->dropped);
    actor->doing = "serving";
}

static void end_process(struct flow *flow, sshio_process *p)
{
    static const sshio_exit_signal term = { .name = "TERM", .core_dumped = true, .msg = "ended", .lang = "" };
    if (flow->program == PROGRAM_SIGNAL)
        sshio_process_exit_with_signal(p, &term);
    else if (flow->program == PROGRAM_NO_STATUS)
        sshio_process_close(p);
    else if (flow->status != 0 || sim_one_in(&scenario_of(flow->client)->sim, 2))
        sshio_process_exit(p, flow->status);
}

static void run_process(sshio_process *p, void *user)
{
    struct flow *flow = find_flow(user, sshio_process_channel(p), SERVICE_PROCESS);
    struct io io = { sshio_process_stdin(p), sshio_process_stdout(p), sshio_process_stderr(p) };
    struct sim_actor actor;
    if (flow == NULL)
        return;
    begin_actor(flow, &actor);
    serve(flow, &io);
    end_process(flow, p);
    sim_actor_end(&actor);
}

static void run_streams(sshio_reader *in, sshio_writer *out, sshio_writer *err, void *user)
{
    struct flow *flow = find_flow(user, sshio_reader_channel(in), SERVICE_STREAMS);
    struct io io = { in, out, err };
    struct sim_actor actor;
    if (flow == NULL)
        return;
    begin_actor(flow, &actor);
    serve(flow, &io);
    sim_actor_end(&actor);
}

/* ---- programs by callbacks ---- */

/* The user of a channel; lives from its acceptance to connection_lost. */
struct served {
    struct client *client;
    struct flow *flow; /* NULL = not started */
    unsigned made;
};

static void chan_made(sshio_chan *chan, void *user)
{
    struct served *s = user;
    (void)chan;
    s->made++;
}

static void chan_lost(sshio_chan *chan, const sshio_error *error, void *user)
{
    struct served *s = user;
    struct scenario *sc = scenario_of(s->client);
    (void)chan;
    SIM_CHECK(&sc->sim, s->made == 1);
    SIM_CHECK(&sc->sim, error == NULL || error_is_plausible(sc, error->code));
    if (s->flow != NULL) {
        s->flow->server_lost++;
        s->flow->server_chan = NULL;
    }
    free(s);
}

static int start_requested(sshio_chan *chan, void *user)
{
    struct served *s = user;
    s->flow = find_flow(s->client, chan, SERVICE_HANDLERS);
    if (s->flow == NULL)
        return 0;
    s->flow->server_made++;
    s->flow->server_chan = chan;
    storm_mischief(s->flow, chan);
    return 1;
}

static int text_requested(sshio_chan *chan, const char *text, void *user)
{
    (void)text;
    return start_requested(chan, user);
}

/* A program that cannot write gives up. */
static bool was_written(sshio_chan *chan, struct flow *flow, int rc)
{
    struct scenario *sc = scenario_of(flow->client);
    if (rc == 0)
        return true;
    SIM_CHECK(&sc->sim, flow_excused(flow) && error_is_plausible(sc, rc));
    flow->dropped = true;
    sshio_chan_abort(chan);
    return false;
}

static void continue_output(sshio_chan *chan, struct flow *flow)
{
    struct sim *sim = &scenario_of(flow->client)->sim;
    uint8_t buffer[PIECE];
    while (!flow->server_paused && flow->served_out + flow->served_err < flow->down_len + flow->err_len) {
        bool err = flow->served_out == flow->down_len || (flow->served_err < flow->err_len && sim_one_in(sim, 2));
        size_t *done = err ? &flow->served_err : &flow->served_out;
        size_t left = (err ? flow->err_len : flow->down_len) - *done, len = 1 + sim_roll(sim, PIECE);
        if (len > left)
            len = left;
        flow_fill(flow, err ? STREAM_ERR : STREAM_DOWN, *done, buffer, len);
        *done += len;
        int rc = err ? sshio_chan_write_stderr(chan, buffer, len) : sshio_chan_write(chan, buffer, len, 0);
        if (!was_written(chan, flow, rc))
            return;
    }
    if (!flow->server_paused)
        sshio_chan_exit(chan, flow->status);
}

static void session_started(sshio_chan *chan, void *user)
{
    struct served *s = user;
    static const sshio_exit_signal term = { .name = "TERM" };
    storm_mischief(s->flow, chan);
    if (s->flow->program == PROGRAM_SOURCE)
        continue_output(chan, s->flow);
    else if (s->flow->program == PROGRAM_STATUS)
        sshio_chan_exit(chan, s->flow->status);
    else if (s->flow->program == PROGRAM_SIGNAL)
        sshio_chan_exit_with_signal(chan, &term);
    else if (s->flow->program == PROGRAM_NO_STATUS)
        sshio_chan_close(chan);
}

static void pause_writing(sshio_chan *chan, void *user)
{
    struct served *s = user;
    (void)chan;
    SIM_CHECK(&scenario_of(s->client)->sim, !s->flow->server_paused);
    s->flow->server_paused = true;
}

static void resume_writing(sshio_chan *chan, void *user)
{
    struct served *s = user;
    SIM_CHECK(&scenario_of(s->client)->sim, s->flow->server_paused);
    s->flow->server_paused = false;
    if (s->flow->program == PROGRAM_SOURCE)
        continue_output(chan, s->flow);
}

static void data_received(sshio_chan *chan, const void *data, size_t len, int datatype, void *user)
{
    struct served *s = user;
    struct scenario *sc = scenario_of(s->client);
    SIM_CHECK(&sc->sim, datatype == 0 && !s->flow->server_eof);
    flow_check(s->flow, STREAM_UP, &s->flow->up_seen, data, len);
    storm_mischief(s->flow, chan);
    if (s->flow->program != PROGRAM_ECHO)
        return;
    was_written(chan, s->flow, sshio_chan_write(chan, data, len, 0));
}

static int eof_received(sshio_chan *chan, void *user)
{
    struct served *s = user;
    struct flow *flow = s->flow;
    SIM_CHECK(&scenario_of(s->client)->sim, !flow->server_eof);
    flow->server_eof = true;
    storm_mischief(flow, chan);
    if (!flow_reads_input(flow))
        return 1;
    check_input_end(flow, SSHIO_EEOF);
    sshio_chan_exit(chan, flow->status);
    return 1;
}

static const sshio_session_handlers session_handlers = {
    .connection_made = chan_made,
    .connection_lost = chan_lost,
    .session_started = session_started,
    .data_received = data_received,
    .eof_received = eof_received,
    .pause_writing = pause_writing,
    .resume_writing = resume_writing,
    .shell_requested = start_requested,
    .exec_requested = text_requested,
    .subsystem_requested = text_requested,
};

/* ---- sessions that are asked for ---- */

/* A channel to answer with, or NULL, which is the same for the client. Some are prepared for nothing. */
static sshio_chan *prepare_channel(struct scenario *sc, sshio_conn *conn)
{
    sshio_chan *chan = NULL;
    if (!sim_one_in(&sc->sim, 2) || sshio_create_server_channel(conn, NULL, &chan) != 0)
        return NULL;
    scenario_nap(sc, sc->waits ? 2 : 0, 100);
    if (!sim_one_in(&sc->sim, 8))
        return chan;
    sshio_chan_unref(chan);
    return NULL;
}

static int accept_by_handlers(struct client *c, sshio_request *req, sshio_chan *chan)
{
    struct served *s = calloc(1, sizeof *s);
    s->client = c;
    int answer = sshio_accept_session(req, &session_handlers, s, chan);
    if (answer != SSHIO_ANSWERED)
        free(s);
    return answer;
}

static int session_requested(sshio_conn *conn, sshio_request *req, void *user)
{
    struct client *c = user;
    struct scenario *sc = scenario_of(c);
    scenario_nap(sc, sc->waits ? 2 : 0, 100);
    if (sim_one_in(&sc->sim, sc->refuse_sessions)) {
        c->refusals_sent++;
        return sshio_raise_channel_open(SSHIO_OPEN_ADMINISTRATIVELY_PROHIBITED, "not now", NULL);
    }
    sshio_chan *chan = prepare_channel(sc, conn);
    switch (sc->service != SERVICE_NONE ? sc->service : (enum service)(1 + sim_roll(&sc->sim, 3))) {
    case SERVICE_PROCESS:
        return sshio_accept_process(req, run_process, c, chan);
    case SERVICE_STREAMS:
        return sshio_accept_session_streams(req, run_streams, c, chan);
    default:
        return accept_by_handlers(c, req, chan);
    }
}

/* ---- the listener ---- */

static const sshio_server_handlers handlers = {
    .connection_made = connection_made,
    .connection_lost = connection_lost,
    .begin_auth = begin_auth,
    .auth_completed = auth_completed,
    .public_key_auth_supported = supported,
    .validate_public_key = validate_key,
    .password_auth_supported = supported,
    .validate_password = validate_password,
    .kbdint_auth_supported = supports_kbdint,
    .get_kbdint_challenge = get_challenge,
    .validate_kbdint_response = validate_response,
    .session_requested = session_requested,
};

int server_start(struct scenario *sc)
{
    const struct sim_keys *keys = sim_keys();
    sshio_keyref host_keys[2] = { { .key = keys->host } };
    sshio_source authorized = { .data = { keys->authorized, strlen(keys->authorized) } };
    static const char *const two_steps[] = { "publickey,password", "publickey,keyboard-interactive", NULL };
    sshio_server_options o;
    sshio_server_options_init(&o);
    o.host_keys = host_keys;
    o.required_auth_methods = sc->two_steps ? two_steps : NULL;
    o.authorized_keys = &authorized;
    o.handlers = &handlers;
    o.user = sc;
    o.kex_algs = "sim-kex@sshio,sim-signed-kex@sshio,curve25519-sha256,ecdh-sha2-nistp256,ecdh-sha2-nistp384,"
                 "ecdh-sha2-nistp521,diffie-hellman-group14-sha256,diffie-hellman-group-exchange-sha256,"
                 "diffie-hellman-group16-sha512";
    if (sc->service == SERVICE_PROCESS && sim_one_in(&sc->sim, 2))
        o.process_handler = run_process;
    if (sc->service == SERVICE_STREAMS && sim_one_in(&sc->sim, 2))
        o.session_handler = run_streams;
    if (sim_one_in(&sc->sim, 4))
        o.rekey_limit = "100k 100";
    return sshio_listen("", 22, &o, &sc->listener);
}
