/* The subprocess API: a client process whose readers have sinks that call handlers. */
#include "base/memory.h"
#include "io/last_error.h"
#include "io/options.h"
#include "session/client_process.h"

/* ---- what is pushed ---- */

static void push_data(void *user, const void *data, size_t len)
{
    struct sshio_pipe *pipe = user;
    sshio_client_process *p = pipe->process;
    if (p->handlers.pipe_data_received != NULL)
        p->handlers.pipe_data_received(p, pipe->fd, data, len, p->user);
}

/* That there is no more is told when the channel has ended. */
static void push_end(void *user)
{
    (void)user;
}

/* ---- the session's handlers: those of the streams, with the process around them ---- */

static void connection_made(sshio_chan *chan, void *user)
{
    sshio_client_process *p = user;
    p->refs++;
    streams_handlers.connection_made(chan, p->streams);
    if (p->handlers.connection_made != NULL)
        p->handlers.connection_made(p, p->user);
}

static void data_received(sshio_chan *chan, const void *data, size_t len, int datatype, void *user)
{
    streams_handlers.data_received(chan, data, len, datatype, ((sshio_client_process *)user)->streams);
}

static int eof_received(sshio_chan *chan, void *user)
{
    return streams_handlers.eof_received(chan, ((sshio_client_process *)user)->streams);
}

static void resume_writing(sshio_chan *chan, void *user)
{
    streams_handlers.resume_writing(chan, ((sshio_client_process *)user)->streams);
}

static void tell_exit(sshio_client_process *p)
{
    if (p->handlers.process_exited != NULL)
        p->handlers.process_exited(p, p->user);
}

static void exit_status_received(sshio_chan *chan, int status, void *user)
{
    (void)chan, (void)status;
    tell_exit(user);
}

static void exit_signal_received(sshio_chan *chan, const sshio_exit_signal *signal, void *user)
{
    (void)chan, (void)signal;
    tell_exit(user);
}

static void connection_lost(sshio_chan *chan, const sshio_error *error, void *user)
{
    sshio_client_process *p = user;
    streams_handlers.connection_lost(chan, error, p->streams);
    for (int fd = 1; fd < 3; fd++)
        if (p->handlers.pipe_connection_lost != NULL)
            p->handlers.pipe_connection_lost(p, fd, error, p->user);
    client_process_release(p);
}

static const sshio_session_handlers subprocess_handlers = {
    .connection_made = connection_made,
    .data_received = data_received,
    .eof_received = eof_received,
    .exit_status_received = exit_status_received,
    .exit_signal_received = exit_signal_received,
    .connection_lost = connection_lost,
    .resume_writing = resume_writing,
};

int sshio_create_subprocess(sshio_conn *conn, const sshio_subprocess_handlers *handlers, void *user,
                            const sshio_session_options *options, sshio_client_process **transport)
{
    sshio_session_options known;
    if (handlers == NULL || transport == NULL)
        return fail(SSHIO_EINVAL, "sshio_create_subprocess: no %s",
                    handlers == NULL ? "handlers" : "place for the transport");
    int rc = OPTIONS_TAKE(&known, options);
    if (rc != 0)
        return rc;
    if (known.encoding == NULL)
        known.encoding = sshio_none;
    sshio_client_process *p = client_process_new(conn, &known);
    if (p == NULL)
        return fail_nomem();
    p->handlers = *handlers;
    p->user = user;
    for (int fd = 1; fd < 3; fd++) {
        p->pipes[fd].sink = (struct reader_sink){ .data = push_data, .end = push_end, .user = &p->pipes[fd] };
        reader_set_sink(&p->streams->readers[fd - 1], &p->pipes[fd].sink);
    }
    return client_process_open(p, conn, &subprocess_handlers, p, &known, transport);
}

/* ---- the transport ---- */

int sshio_client_process_get_pid(const sshio_client_process *transport)
{
    (void)transport;
    return -1;
}

sshio_pipe *sshio_client_process_get_pipe_transport(sshio_client_process *transport, int fd)
{
    return fd >= 0 && fd < 3 ? &transport->pipes[fd] : NULL;
}

int sshio_client_process_get_returncode(const sshio_client_process *transport)
{
    return sshio_client_process_returncode(transport);
}

/* ---- pipes ---- */

static sshio_chan *chan_of(const sshio_pipe *pipe)
{
    return pipe->process->streams->chan;
}

static sshio_writer *writer_of(const sshio_pipe *pipe)
{
    return pipe->fd == 0 ? &pipe->process->streams->writers[0] : NULL;
}

static int no_writer(void)
{
    return fail(SSHIO_EINVAL, "this pipe is one to read from");
}

const char *sshio_pipe_get_extra_info(const sshio_pipe *pipe, const char *name, const char *def)
{
    return sshio_chan_get_extra_info(chan_of(pipe), name, def);
}

void sshio_pipe_close(sshio_pipe *pipe)
{
    sshio_chan_close(chan_of(pipe));
}

void sshio_pipe_pause_reading(sshio_pipe *pipe)
{
    if (pipe->fd == 0 || pipe->paused)
        return;
    pipe->paused = true;
    streams_hold_back(pipe->process->streams);
}

void sshio_pipe_resume_reading(sshio_pipe *pipe)
{
    if (!pipe->paused)
        return;
    pipe->paused = false;
    streams_let_go(pipe->process->streams);
}

bool sshio_pipe_can_write_eof(const sshio_pipe *pipe)
{
    return writer_of(pipe) != NULL;
}

size_t sshio_pipe_get_write_buffer_size(const sshio_pipe *pipe)
{
    return writer_of(pipe) != NULL ? sshio_chan_get_write_buffer_size(chan_of(pipe)) : 0;
}

int sshio_pipe_set_write_buffer_limits(sshio_pipe *pipe, size_t high, size_t low)
{
    return writer_of(pipe) != NULL ? sshio_chan_set_write_buffer_limits(chan_of(pipe), high, low) : no_writer();
}

int sshio_pipe_write(sshio_pipe *pipe, const void *data, size_t len)
{
    return writer_of(pipe) != NULL ? sshio_write(writer_of(pipe), data, len) : no_writer();
}

int sshio_pipe_writelines(sshio_pipe *pipe, const sshio_span *parts, size_t count)
{
    return writer_of(pipe) != NULL ? sshio_writelines(writer_of(pipe), parts, count) : no_writer();
}

int sshio_pipe_write_eof(sshio_pipe *pipe)
{
    return writer_of(pipe) != NULL ? sshio_write_eof(writer_of(pipe)) : no_writer();
}

void sshio_pipe_abort(sshio_pipe *pipe)
{
    sshio_chan_abort(chan_of(pipe));
}
