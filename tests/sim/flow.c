/* A session as its client sees it, in four shapes: a command that is run, a process with streams, streams alone, and a
 * channel with handlers. Everything that arrives is compared with what the server's program sends. */
#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE 3000
#define READS_CANCELLED 20 /* so many times a reader tries again */

static struct sim *sim_of_flow(const struct flow *flow)
{
    return &flow->client->scenario->sim;
}

/* ---- how a session may end ---- */

/* rc 0 = it ended by itself. What an undisturbed session comes to is known; what is called a success is complete. */
static void check_end(struct flow *flow, int rc, int status)
{
    struct sim *sim = sim_of_flow(flow);
    sim_trace(sim, "client: session ended, result, status", rc, status);
    if (!flow_excused(flow)) {
        SIM_CHECK(sim, rc == 0);
        SIM_CHECK(sim, status == flow_status(flow));
    }
    SIM_CHECK(sim, rc == 0 || error_is_plausible(flow->client->scenario, rc));
    bool success = rc == 0 && status >= 0 && status == flow->status && !flow->dropped && sim->failing_memory == 0 &&
                   (flow->service == SERVICE_PROCESS || flow->service == SERVICE_HANDLERS);
    flow->complete = flow->down_seen == flow_out_len(flow) && flow->err_seen == flow_err_len(flow);
    SIM_CHECK(sim, flow->complete || (flow_excused(flow) && !success));
}

/* A session that did not come to be: refused by the server, or for a reason that explains it. */
static void check_refusal(struct flow *flow, int rc)
{
    struct sim *sim = sim_of_flow(flow);
    sim_trace(sim, "client: no session, flow, result", flow->number, rc);
    if (rc == SSHIO_ECHANNEL_OPEN && sshio_error_last()->reason == SSHIO_OPEN_ADMINISTRATIVELY_PROHIBITED)
        flow->client->refusals_seen++;
    else
        SIM_CHECK(sim, flow_excused(flow) && error_is_plausible(flow->client->scenario, rc));
}

/* ---- options ---- */

struct texts_of_flow {
    char number[24], variable[32];
    const char *env[2];
};

static void set_options(const struct flow *flow, sshio_session_options *o, struct texts_of_flow *t)
{
    struct sim *sim = sim_of_flow(flow);
    size_t volume = flow->up_len + flow->down_len + flow->err_len;
    sshio_session_options_init(o);
    snprintf(t->number, sizeof t->number, "%ld", flow->number);
    snprintf(t->variable, sizeof t->variable, "FLOW=%ld", flow->number);
    t->env[0] = t->variable;
    t->env[1] = NULL;
    if (flow->by_env)
        o->env = t->env;
    else if (flow->subsystem)
        o->subsystem = t->number;
    else
        o->command = t->number;
    if (flow->client->scenario->gentle)
        return;
    o->window = sim_one_in(sim, 2) ? 0 : (uint32_t)(1 + volume / 50 + sim_roll_wide(sim, 50000));
    o->max_pktsize = sim_one_in(sim, 2) ? 0 : (uint32_t)(1 + volume / 100 + sim_roll_wide(sim, 30000));
}

/* ---- run ---- */

static void check_output(struct flow *flow, const sshio_result *result)
{
    flow_check(flow, flow_out_stream(flow), &flow->down_seen, result->out.data, result->out.len);
    flow_check(flow, STREAM_ERR, &flow->err_seen, result->err.data, result->err.len);
}

/* What went wrong with a command may still say how it ended. */
static int take_process_error(struct flow *flow, int rc, int *status)
{
    const sshio_result *result = sshio_error_last()->result;
    struct sim *sim = sim_of_flow(flow);
    SIM_CHECK(sim, result != NULL);
    check_output(flow, result);
    *status = result->exit_status;
    if (rc == SSHIO_EPROCESS_TIMEOUT) {
        SIM_CHECK(sim, flow->timeout > 0);
        flow->disturbed = flow->dropped = true;
        return rc;
    }
    SIM_CHECK(sim, *status != 0);
    return 0;
}

static void run_command(struct flow *flow, sshio_conn *conn)
{
    sshio_session_options o;
    struct texts_of_flow texts;
    sshio_result *result = NULL;
    uint8_t *input = malloc(flow->up_len + 1);
    int status = SSHIO_NO_STATUS;
    set_options(flow, &o, &texts);
    flow_fill(flow, STREAM_UP, 0, input, flow->up_len);
    o.input = (sshio_span){ .data = input, .len = flow->up_len };
    o.in = flow->up_len == 0 ? (sshio_io)SSHIO_DEVNULL : o.in;
    o.check = sim_one_in(sim_of_flow(flow), 2);
    o.timeout = flow->timeout;
    o.kill_on_cancel = sim_one_in(sim_of_flow(flow), 2);
    flow->actor.doing = "running a command";
    int rc = sshio_run(conn, &o, &result);
    if (rc == 0) {
        check_output(flow, result);
        status = result->exit_status;
        sshio_result_free(result);
    } else if (rc == SSHIO_EPROCESS || rc == SSHIO_EPROCESS_TIMEOUT) {
        rc = take_process_error(flow, rc, &status);
    }
    free(input);
    if (rc != 0 && flow->service == SERVICE_NONE)
        check_refusal(flow, rc);
    else
        check_end(flow, rc, status);
}

/* ---- streams: three tasks, one for each ---- */

struct role {
    struct flow *flow;
    int stream;
    sshio_writer *in;
    sshio_reader *from;
    struct sim_actor actor;
};

static int feed(struct role *role)
{
    struct flow *flow = role->flow;
    struct sim *sim = sim_of_flow(flow);
    uint8_t buffer[PIECE];
    size_t done = 0;
    int rc = 0;
    while (rc == 0 && done < flow->up_len) {
        size_t len = 1 + sim_roll(sim, PIECE);
        len = len < flow->up_len - done ? len : flow->up_len - done;
        flow_fill(flow, STREAM_UP, done, buffer, len);
        rc = sshio_write(role->in, buffer, len);
        done += len;
        if (rc == 0)
            rc = sshio_drain(role->in);
        scenario_nap(flow->client->scenario, 20, 200);
    }
    SIM_CHECK(sim, rc == 0 || (flow_excused(flow) && error_is_plausible(flow->client->scenario, rc)));
    if (rc == 0)
        rc = sshio_write_eof(role->in);
    return rc;
}

static size_t *seen_by(struct role *role)
{
    return role->stream == STREAM_ERR ? &role->flow->err_seen : &role->flow->down_seen;
}

static void take(struct role *role, const void *data, size_t len)
{
    int stream = role->stream == STREAM_ERR ? STREAM_ERR : flow_out_stream(role->flow);
    flow_check(role->flow, stream, seen_by(role), data, len);
}

/* Why less has come, the next read tells: an end, or that the connection broke. */
static int read_exactly(struct role *role, uint8_t *buffer, size_t size)
{
    int rc = sshio_readexactly(role->from, buffer, size);
    if (rc == 0)
        take(role, buffer, size);
    if (rc != SSHIO_EINCOMPLETE_READ)
        return rc;
    take(role, sshio_error_last()->partial.data, sshio_error_last()->partial.len);
    return 0;
}

static int read_line(struct role *role)
{
    char *line;
    size_t len;
    int rc = sshio_readline(role->from, &line, &len);
    if (rc == 0)
        take(role, line, len);
    return rc;
}

static int read_to_end(struct role *role)
{
    sshio_bytes all = { 0 };
    int rc = sshio_read_all(role->from, &all);
    if (rc == 0)
        take(role, all.data, all.len);
    sshio_bytes_free(&all);
    return rc == 0 ? SSHIO_EEOF : rc;
}

static int read_somehow(void *arg)
{
    struct role *role = arg;
    struct sim *sim = sim_of_flow(role->flow);
    uint8_t buffer[PIECE];
    size_t size = 1 + sim_roll(sim, PIECE), got;
    uint32_t way = sim_roll(sim, 10);
    if (way == 0)
        return read_line(role);
    if (way == 1)
        return read_exactly(role, buffer, size);
    if (way == 2 && sim_one_in(sim, 4))
        return read_to_end(role);
    int rc = sshio_read(role->from, buffer, size, &got);
    if (rc == 0)
        take(role, buffer, got);
    return rc;
}

/* A read that was cancelled or timed out has lost nothing: the next one goes on where it began. */
static int drink(struct role *role)
{
    struct scenario *sc = role->flow->client->scenario;
    struct sim *sim = &sc->sim;
    unsigned patience = READS_CANCELLED;
    int rc = 0;
    while (rc == 0) {
        scenario_nap(sc, 20, 300);
        if (sim_one_in(sim, 10))
            rc = sshio_with_timeout(sim_roll(sim, 50) / 1000.0, read_somehow, role);
        else
            rc = read_somehow(role);
        if ((rc == SSHIO_ECANCELED || rc == SSHIO_ETIMEDOUT) && patience-- > 0)
            rc = 0;
    }
    if (!flow_excused(role->flow)) {
        SIM_CHECK(sim, rc == SSHIO_EEOF);
        size_t all = role->stream == STREAM_ERR ? flow_err_len(role->flow) : flow_out_len(role->flow);
        SIM_CHECK(sim, *seen_by(role) == all);
    }
    SIM_CHECK(sim, rc == SSHIO_EEOF || error_is_plausible(sc, rc));
    return rc == SSHIO_EEOF ? 0 : rc;
}

static int play(void *arg)
{
    static const char *const names[] = { "writer of stdin", "reader of stdout", "reader of stderr" };
    struct role *role = arg;
    sim_actor_begin(sim_of_flow(role->flow), &role->actor, names[role->stream], role->flow->number,
                    &role->flow->disturbed, &role->flow->dropped);
    role->actor.doing = "at it";
    int rc = role->stream == STREAM_UP ? feed(role) : drink(role);
    if (rc != 0) { /* who gives up ends it for all: nothing else would */
        role->flow->dropped = true;
        sshio_chan_close(role->flow->client_chan);
    }
    sim_actor_end(&role->actor);
    return rc;
}

static int play_all(struct flow *flow, sshio_writer *in, sshio_reader *out, sshio_reader *err)
{
    struct role roles[] = {
        { .flow = flow, .stream = STREAM_UP, .in = in },
        { .flow = flow, .stream = STREAM_DOWN, .from = out },
        { .flow = flow, .stream = STREAM_ERR, .from = err },
    };
    flow->actor.doing = "waiting for the tasks of its streams";
    int rc = sshio_gather(play, roles, 3, sizeof roles[0]);
    if (rc != 0) { /* one may never have begun */
        flow->dropped = true;
        sshio_writer_close(in);
    }
    SIM_CHECK(sim_of_flow(flow), rc == 0 || (flow_excused(flow) && error_is_plausible(flow->client->scenario, rc)));
    return rc;
}

static void run_process(struct flow *flow, sshio_conn *conn)
{
    sshio_session_options o;
    struct texts_of_flow texts;
    sshio_client_process *p = NULL;
    sshio_result *result = NULL;
    set_options(flow, &o, &texts);
    flow->actor.doing = "starting a process";
    int rc = sshio_create_process(conn, &o, &p);
    if (rc != 0) {
        check_refusal(flow, rc);
        return;
    }
    flow->client_chan = sshio_client_process_channel(p);
    play_all(flow, sshio_client_process_stdin(p), sshio_client_process_stdout(p), sshio_client_process_stderr(p));
    flow->actor.doing = "waiting for the end of a process";
    rc = sshio_client_process_wait(p, false, 0, &result);
    if (rc == 0)
        check_output(flow, result);
    check_end(flow, rc, rc == 0 ? result->exit_status : SSHIO_NO_STATUS);
    sshio_result_free(result);
    flow->client_chan = NULL;
    sshio_client_process_unref(p);
}

static void run_streams(struct flow *flow, sshio_conn *conn)
{
    sshio_session_options o;
    struct texts_of_flow texts;
    sshio_writer *in = NULL;
    sshio_reader *out = NULL, *err = NULL;
    set_options(flow, &o, &texts);
    flow->actor.doing = "opening streams";
    int rc = sshio_open_session(conn, &o, &in, &out, &err);
    if (rc != 0) {
        check_refusal(flow, rc);
        return;
    }
    flow->client_chan = sshio_writer_channel(in);
    rc = play_all(flow, in, out, err);
    flow->actor.doing = "waiting for the close of streams";
    int closed = sshio_writer_wait_closed(in);
    check_end(flow, rc != 0 ? rc : closed, sshio_chan_get_exit_status(flow->client_chan));
    flow->client_chan = NULL;
    sshio_writer_unref(in);
    sshio_reader_unref(out);
    sshio_reader_unref(err);
}

/* ---- a channel with handlers ---- */

static void chan_made(sshio_chan *chan, void *user)
{
    struct flow *flow = user;
    SIM_CHECK(sim_of_flow(flow), flow->client_made == 0);
    flow->client_made++;
    flow->client_chan = chan;
    storm_mischief(flow, chan);
}

static void chan_lost(sshio_chan *chan, const sshio_error *error, void *user)
{
    struct flow *flow = user;
    SIM_CHECK(sim_of_flow(flow), flow->client_lost == 0 && flow->client_chan == chan);
    SIM_CHECK(sim_of_flow(flow), error == NULL || error_is_plausible(flow->client->scenario, error->code));
    flow->client_lost++;
    flow->client_chan = NULL;
    flow->lost_code = error != NULL ? error->code : 0;
}

static void data_received(sshio_chan *chan, const void *data, size_t len, int datatype, void *user)
{
    struct flow *flow = user;
    struct sim *sim = sim_of_flow(flow);
    SIM_CHECK(sim, !flow->client_eof && !flow->client_paused);
    if (datatype == 0)
        flow_check(flow, flow_out_stream(flow), &flow->down_seen, data, len);
    else
        flow_check(flow, STREAM_ERR, &flow->err_seen, data, len);
    if (sim_one_in(sim, 8)) {
        flow->client_paused = true;
        sshio_chan_pause_reading(chan);
    }
    storm_mischief(flow, chan);
}

static int eof_received(sshio_chan *chan, void *user)
{
    struct flow *flow = user;
    SIM_CHECK(sim_of_flow(flow), !flow->client_eof);
    flow->client_eof = true;
    storm_mischief(flow, chan);
    return 1;
}

static void exit_status_received(sshio_chan *chan, int status, void *user)
{
    struct flow *flow = user;
    SIM_CHECK(sim_of_flow(flow), flow->seen_status == SSHIO_NO_STATUS);
    flow->seen_status = status;
    storm_mischief(flow, chan);
}

static void exit_signal_received(sshio_chan *chan, const sshio_exit_signal *signal, void *user)
{
    (void)signal;
    exit_status_received(chan, -1, user);
}

static void pause_writing(sshio_chan *chan, void *user)
{
    struct flow *flow = user;
    SIM_CHECK(sim_of_flow(flow), !flow->client_full);
    flow->client_full = true;
    storm_mischief(flow, chan);
}

static void resume_writing(sshio_chan *chan, void *user)
{
    struct flow *flow = user;
    SIM_CHECK(sim_of_flow(flow), flow->client_full);
    flow->client_full = false;
    storm_mischief(flow, chan);
}

static const sshio_session_handlers handlers = {
    .connection_made = chan_made,
    .connection_lost = chan_lost,
    .data_received = data_received,
    .eof_received = eof_received,
    .exit_status_received = exit_status_received,
    .exit_signal_received = exit_signal_received,
    .pause_writing = pause_writing,
    .resume_writing = resume_writing,
};

/* Writes while there is room; false = all is written, or nothing can be written any more. */
static bool write_more(struct flow *flow, sshio_chan *chan, size_t *done)
{
    struct sim *sim = sim_of_flow(flow);
    uint8_t buffer[PIECE];
    while (!flow->client_full && *done < flow->up_len) {
        size_t len = 1 + sim_roll(sim, PIECE);
        len = len < flow->up_len - *done ? len : flow->up_len - *done;
        flow_fill(flow, STREAM_UP, *done, buffer, len);
        int rc = sshio_chan_write(chan, buffer, len, 0);
        SIM_CHECK(sim, rc == 0 || (flow_excused(flow) && error_is_plausible(flow->client->scenario, rc)));
        if (rc != 0) {
            flow->dropped = true;
            sshio_chan_close(chan);
            return false;
        }
        *done += len;
    }
    if (*done == flow->up_len)
        sshio_chan_write_eof(chan);
    return *done < flow->up_len;
}

static void run_handlers(struct flow *flow, sshio_conn *conn)
{
    struct sim *sim = sim_of_flow(flow);
    sshio_session_options o;
    struct texts_of_flow texts;
    sshio_chan *chan = NULL;
    size_t done = 0;
    set_options(flow, &o, &texts);
    flow->actor.doing = "creating a session";
    int rc = sshio_create_session(conn, &handlers, flow, &o, &chan);
    if (rc != 0) {
        check_refusal(flow, rc);
        return;
    }
    flow->actor.doing = "serving the handlers of a session";
    bool more = true;
    while (flow->client_lost == 0 && rc == 0) {
        more = more && write_more(flow, chan, &done);
        if (flow->client_paused) {
            flow->client_paused = false;
            sshio_chan_resume_reading(chan);
        }
        rc = sshio_sleep((1 + sim_roll(sim, 100)) / 1000.0);
    }
    if (rc == 0)
        check_end(flow, flow->lost_code, flow->seen_status);
    sshio_chan_unref(chan);
}

/* ---- the task ---- */

int flow_run(void *arg)
{
    static void (*const shapes[])(struct flow * flow, sshio_conn * conn) = {
        [SHAPE_RUN] = run_command,
        [SHAPE_PROCESS] = run_process,
        [SHAPE_STREAMS] = run_streams,
        [SHAPE_HANDLERS] = run_handlers,
    };
    struct flow *flow = arg;
    struct client *c = flow->client;
    if (c->conn == NULL)
        return 0;
    sshio_conn *conn = sshio_conn_ref(c->conn);
    sim_actor_begin(&c->scenario->sim, &flow->actor, "session", flow->number, &flow->disturbed, &flow->dropped);
    scenario_nap(c->scenario, 4, 50);
    sim_trace(&c->scenario->sim, "client: session, flow, shape", flow->number, flow->shape);
    shapes[flow->shape](flow, conn);
    sim_actor_end(&flow->actor);
    sshio_conn_unref(conn);
    return 0;
}
