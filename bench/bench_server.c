/* The server of sshio-bench. Each command is a row of a table; all of it runs in callbacks, so that nothing is copied
 * on the way. */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

struct session;

struct command {
    const char *name;
    bool has_count;
    void (*start)(sshio_chan *chan, struct session *session);
    void (*data)(sshio_chan *chan, const void *data, size_t len);
    bool runs_to_eof; /* ends when the client has sent everything */
};

struct session {
    const struct command *command;
    struct pump pump;
};

static void run_source(sshio_chan *chan, struct session *session)
{
    if (pump_run(&session->pump, chan))
        sshio_chan_exit(chan, 0);
}

static void run_noop(sshio_chan *chan, struct session *session)
{
    (void)session;
    sshio_chan_exit(chan, 0);
}

static void send_back(sshio_chan *chan, const void *data, size_t len)
{
    if (sshio_chan_write(chan, data, len, 0) != 0)
        sshio_chan_abort(chan);
}

static const struct command commands[] = {
    { "bench source ", true, run_source, NULL, false },
    { "bench sink", false, NULL, NULL, true },
    { "bench echo", false, NULL, send_back, true },
    { "bench noop", false, run_noop, NULL, false },
};

/* ---- handlers ---- */

static void session_made(sshio_chan *chan, void *user)
{
    (void)user;
    sshio_chan_set_user(chan, calloc(1, sizeof(struct session)));
}

static bool matches(const struct command *command, const char *text, struct session *session)
{
    size_t len = strlen(command->name);

    if (!command->has_count)
        return strcmp(text, command->name) == 0;
    return strncmp(text, command->name, len) == 0 && bench_parse_count(text + len, &session->pump.left);
}

static int exec_requested(sshio_chan *chan, const char *text, void *user)
{
    struct session *session = user;

    (void)chan;
    for (size_t i = 0; session != NULL && i < sizeof commands / sizeof commands[0]; i++) {
        if (matches(&commands[i], text, session)) {
            session->command = &commands[i];
            return 1;
        }
    }
    return 0;
}

static void session_started(sshio_chan *chan, void *user)
{
    struct session *session = user;

    if (session->command != NULL && session->command->start != NULL)
        session->command->start(chan, session);
}

static void data_received(sshio_chan *chan, const void *data, size_t len, int datatype, void *user)
{
    struct session *session = user;

    (void)datatype;
    if (session->command != NULL && session->command->data != NULL)
        session->command->data(chan, data, len);
}

static int eof_received(sshio_chan *chan, void *user)
{
    struct session *session = user;

    if (session->command != NULL && session->command->runs_to_eof)
        sshio_chan_exit(chan, 0);
    return 1;
}

static void pause_writing(sshio_chan *chan, void *user)
{
    struct session *session = user;

    (void)chan;
    session->pump.paused = true;
}

static void resume_writing(sshio_chan *chan, void *user)
{
    struct session *session = user;

    session->pump.paused = false;
    if (session->command != NULL && session->command->has_count)
        run_source(chan, session);
}

static void session_lost(sshio_chan *chan, const sshio_error *error, void *user)
{
    (void)chan;
    (void)error;
    free(user);
}

static const sshio_session_handlers session_handlers = {
    .connection_made = session_made,
    .session_started = session_started,
    .data_received = data_received,
    .eof_received = eof_received,
    .connection_lost = session_lost,
    .pause_writing = pause_writing,
    .resume_writing = resume_writing,
    .exec_requested = exec_requested,
};

static int session_requested(sshio_conn *conn, sshio_request *req, void *user)
{
    (void)conn;
    (void)user;
    return sshio_accept_session(req, &session_handlers, NULL, NULL);
}

static const sshio_server_handlers server_handlers = { .session_requested = session_requested };

int bench_serve(const struct bench_args *args)
{
    sshio_listener *listener = NULL;
    int rc = sshio_create_server(&server_handlers, NULL, BENCH_HOST, args->port,
                                 SSHIO_SERVER(.host_keys = SSHIO_KEYS({ .file = args->host_key }),
                                              .authorized_keys = SSHIO_FILES(args->authorized_keys),
                                              .max_startups = "10000", .max_sessions = 1000, .password_auth = SSHIO_NO,
                                              .backlog = 1000, .sftp_server = SSHIO_SFTP_SERVER()),
                                 &listener);
    if (rc != 0)
        return sshio_report("sshio-bench server");
    printf("listening %d\n", sshio_listener_get_port(listener));
    fflush(stdout);
    sshio_listener_unref(listener);
    return sshio_run_forever() == 0 ? 0 : 1;
}
