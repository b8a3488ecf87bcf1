/* Answering a client with another connection: what it asks for is asked for there, and both ends are joined.
 *
 * A session is a process here whose program is a client's process there; a TCP channel is opened there first, so that
 * the client hears the reason when that fails. Both hold the other connection like a user. */
#include <sshio/constants.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "session/process.h"
#include "session/server_session.h"
#include "session/tcp_channel.h"

#define STATUS_FAILED 255 /* as ssh has it when it did not get through */

static void release_upstream(void *user)
{
    sshio_conn_unref(user);
}

/* ---- a channel that ends with another one ---- */

struct bond {
    sshio_chan *leader, *follower;
    sshio_task *task;
};

static int follow(void *arg)
{
    const struct bond *bond = arg;
    int rc = sshio_chan_wait_closed(bond->leader);
    sshio_chan_close(bond->follower);
    return rc;
}

static int bond_begin(struct bond *bond)
{
    return sshio_spawn(follow, bond, &bond->task);
}

/* The follower is closed in either case. */
static void bond_end(struct bond *bond)
{
    int ignored;
    sshio_cancel(bond->task);
    while (sshio_join(bond->task, &ignored) == SSHIO_ECANCELED)
        ;
}

/* ---- sessions ---- */

static const void *or_none(const void *given)
{
    return given != NULL ? given : SSHIO_NONE;
}

static int start_upstream(sshio_process *p, sshio_conn *upstream, sshio_client_process **program)
{
    const struct settings *s = sshio_process_conn(p)->settings;
    const sshio_chan *chan = sshio_process_channel(p);
    const char *term_type = sshio_process_term_type(p);
    sshio_session_options options = {
        .size = sizeof options,
        .command = or_none(sshio_process_command(p)),
        .subsystem = or_none(sshio_process_subsystem(p)),
        .env = sshio_process_env(p),
        .send_env = SSHIO_NONE,
        .request_pty = term_type != NULL ? SSHIO_REQUEST_PTY_FORCE : SSHIO_REQUEST_PTY_NO,
        .term_type = or_none(term_type),
        .term_size = sshio_process_term_size(p),
        .term_modes = sshio_process_term_modes(p),
        .encoding = or_none(sshio_chan_get_encoding(chan)),
        .errors = s->errors,
    };
    return sshio_create_process(upstream, &options, program);
}

static int join(sshio_process *p, sshio_client_process *program)
{
    sshio_redirect_options ends = {
        .size = sizeof ends,
        .in = SSHIO_TO_WRITER(sshio_client_process_stdin(program)),
        .out = SSHIO_FROM_READER(sshio_client_process_stdout(program)),
        .err = SSHIO_FROM_READER(sshio_client_process_stderr(program)),
        .send_eof = SSHIO_NO, /* the end of one output is not that of the other */
    };
    return sshio_process_redirect(p, &ends);
}

static void pass_end(sshio_process *p, const sshio_client_process *program)
{
    const sshio_exit_signal *signal = sshio_client_process_exit_signal(program);
    int status = sshio_client_process_exit_status(program);
    if (signal != NULL)
        sshio_process_exit_with_signal(p, signal);
    else if (status >= 0)
        sshio_process_exit(p, status);
    else
        sshio_process_close(p);
}

static void run_together(sshio_process *p, sshio_client_process *program)
{
    struct bond bond = { sshio_process_channel(p), sshio_client_process_channel(program), NULL };
    int rc = bond_begin(&bond);
    if (rc != 0)
        return;
    rc = join(p, program);
    if (rc == 0)
        rc = sshio_client_process_wait_closed(program);
    if (rc == 0)
        pass_end(p, program);
    else
        sshio_process_close(p);
    bond_end(&bond);
}

static void relay_session(sshio_process *p, void *user)
{
    sshio_client_process *program = NULL;
    int rc = start_upstream(p, user, &program);
    if (rc == 0) {
        run_together(p, program); /* a client that goes away takes its program along */
    } else {
        sshio_printf(sshio_process_stderr(p), "%s\n", sshio_error_message());
        sshio_process_exit(p, STATUS_FAILED);
    }
    sshio_client_process_unref(program);
}

/* ---- TCP channels ---- */

struct other_end {
    sshio_reader *reader;
    sshio_writer *writer;
};

static void release_other_end(void *user)
{
    struct other_end *other = user;
    sshio_reader_unref(other->reader);
    sshio_writer_unref(other->writer);
    mem_free(other);
}

static void relay_streams(sshio_reader *reader, sshio_writer *writer, void *user)
{
    const struct other_end *other = user;
    sshio_redirect_options ends = {
        .size = sizeof ends,
        .in = SSHIO_FROM_READER(other->reader),
        .out = SSHIO_TO_WRITER(other->writer),
    };
    struct bond bond = { sshio_reader_channel(other->reader), sshio_writer_channel(writer), NULL };
    if (bond_begin(&bond) != 0)
        return;
    sshio_redirect_streams(reader, writer, &ends);
    bond_end(&bond); /* what breaks over there is no end of file alone */
}

/* The channel there holds its connection. */
static int open_other_end(struct asking *a, sshio_conn *upstream, struct other_end *other)
{
    sshio_channel_options options = {
        .size = sizeof options,
        .orig_host = a->orig_host,
        .orig_port = a->orig_port,
    };
    int rc = sshio_open_connection(upstream, a->dest_host, a->dest_port, &options, &other->reader, &other->writer);
    if (rc == 0 || rc == SSHIO_ECHANNEL_OPEN)
        return rc;
    log_info(a->conn->logger, "Relaying to %s port %d failed: %s", a->dest_host, a->dest_port, sshio_error_message());
    return sshio_raise_channel_open(SSHIO_OPEN_CONNECT_FAILED, a->question->refusal, NULL);
}

static int relay_connection(struct asking *a, sshio_conn *upstream)
{
    struct other_end *other = mem_zalloc(sizeof *other);
    if (other == NULL)
        return fail_nomem();
    int rc = open_other_end(a, upstream, other);
    if (rc == 0)
        return tcp_channel_serve(a, relay_streams, other, release_other_end);
    mem_free(other);
    return rc;
}

/* ---- the answer ---- */

int sshio_accept_relay(sshio_request *req, sshio_conn *upstream)
{
    struct asking *a = asking_of(req, &session_question, &tcp_question, NULL, "sshio_accept_relay");
    if (a == NULL)
        return SSHIO_EINVAL;
    if (upstream == NULL || upstream->server || upstream->loop != a->conn->loop)
        return fail(SSHIO_EINVAL, "sshio_accept_relay: what is relayed to is a client's connection of this thread");
    if (a->question == &tcp_question)
        return relay_connection(a, upstream);
    bool served = server_session_serve(a, &(struct server_program){ .process = relay_session,
                                                                    .user = sshio_conn_ref(upstream),
                                                                    .release = release_upstream });
    return served ? SSHIO_ANSWERED : fail_nomem();
}
