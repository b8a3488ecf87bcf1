/* SSHServerProcess: the program that we are for a client; see process.h. */
#include "session/process.h"

#include <string.h>

#include <sshio/constants.h>

#include "base/memory.h"
#include "io/options.h"
#include "io/task.h"

static void release(sshio_process *p)
{
    if (--p->refs > 0)
        return;
    redirect_free(p->in);
    redirect_free(p->out);
    redirect_free(p->err);
    streams_release(p->streams);
    if (p->program.release != NULL)
        p->program.release(p->program.user);
    mem_free(p);
}

sshio_process *process_new(sshio_conn *conn, size_t window, const struct server_program *program)
{
    sshio_process *p = mem_zalloc(sizeof *p);
    if (p == NULL)
        return NULL;
    *p = (sshio_process){ .refs = 1, .program = *program };
    p->streams = streams_new(conn, window);
    if (p->streams == NULL) {
        mem_free(p);
        return NULL;
    }
    return p;
}

void process_free(sshio_process *p)
{
    release(p);
}

void process_attach(sshio_process *p, sshio_chan *chan)
{
    streams_attach(p->streams, chan);
}

/* ---- the handler's task ---- */

static int run(void *arg)
{
    sshio_process *p = arg;
    struct streams *s = p->streams;
    const struct server_program *program = &p->program;
    if (program->process != NULL)
        program->process(p, program->user);
    else
        program->session(&s->readers[0], &s->writers[0], &s->writers[1], program->user);
    return 0;
}

/* Its return ends the process, unless somebody keeps it. */
static void run_done(int result, void *arg)
{
    sshio_process *p = arg;
    (void)result;
    bool kept = p->refs > (p->streams->chan->is_closed ? 1 : 2);
    if (!kept && p->streams->chan->ch != NULL && !p->streams->chan->exit_sent)
        sshio_chan_exit(p->streams->chan, 0);
    release(p);
}

/* ---- the session's handlers: those of the streams, with the process around them ---- */

static void connection_made(sshio_chan *chan, void *user)
{
    streams_handlers.connection_made(chan, ((sshio_process *)user)->streams);
}

static void session_started(sshio_chan *chan, void *user)
{
    sshio_process *p = user;
    struct error e;
    error_init(&e);
    p->refs++;
    if (task_start(chan->conn->loop, run, p, run_done, NULL, &e) != 0) {
        log_error(sshio_chan_logger(chan), "a process could not be started: %s", error_message(&e));
        release(p);
        sshio_chan_exit(chan, 1);
    }
    error_clear(&e);
}

static void data_received(sshio_chan *chan, const void *data, size_t len, int datatype, void *user)
{
    streams_handlers.data_received(chan, data, len, datatype, ((sshio_process *)user)->streams);
}

static int eof_received(sshio_chan *chan, void *user)
{
    return streams_handlers.eof_received(chan, ((sshio_process *)user)->streams);
}

static void resume_writing(sshio_chan *chan, void *user)
{
    streams_handlers.resume_writing(chan, ((sshio_process *)user)->streams);
}

static void connection_lost(sshio_chan *chan, const sshio_error *error, void *user)
{
    sshio_process *p = user;
    streams_handlers.connection_lost(chan, error, p->streams);
    if (p->on_end != NULL)
        waiters_wake(p->on_end, 0);
    release(p);
}

static int start_requested(sshio_chan *chan, void *user)
{
    (void)chan, (void)user;
    return 1;
}

static int text_requested(sshio_chan *chan, const char *text, void *user)
{
    (void)chan, (void)text, (void)user;
    return 1;
}

static int break_received(sshio_chan *chan, int msec, void *user)
{
    return streams_handlers.break_received(chan, msec, ((sshio_process *)user)->streams);
}

static void signal_received(sshio_chan *chan, const char *signal, void *user)
{
    streams_handlers.signal_received(chan, signal, ((sshio_process *)user)->streams);
}

static void terminal_size_changed(sshio_chan *chan, const sshio_term_size *size, void *user)
{
    streams_handlers.terminal_size_changed(chan, size, ((sshio_process *)user)->streams);
}

const sshio_session_handlers process_handlers = {
    .connection_made = connection_made,
    .session_started = session_started,
    .data_received = data_received,
    .eof_received = eof_received,
    .resume_writing = resume_writing,
    .connection_lost = connection_lost,
    .shell_requested = start_requested,
    .exec_requested = text_requested,
    .subsystem_requested = text_requested,
    .break_received = break_received,
    .signal_received = signal_received,
    .terminal_size_changed = terminal_size_changed,
};

/* ---- the public side ---- */

sshio_process *sshio_process_ref(sshio_process *process)
{
    process->refs++;
    return process;
}

void sshio_process_unref(sshio_process *process)
{
    if (process != NULL)
        release(process);
}

sshio_reader *sshio_process_stdin(const sshio_process *process)
{
    return &process->streams->readers[0];
}

sshio_writer *sshio_process_stdout(const sshio_process *process)
{
    return &process->streams->writers[0];
}

sshio_writer *sshio_process_stderr(const sshio_process *process)
{
    return &process->streams->writers[1];
}

sshio_conn *sshio_process_conn(const sshio_process *process)
{
    return process->streams->chan->conn;
}

sshio_chan *sshio_process_channel(const sshio_process *process)
{
    return process->streams->chan;
}

sshio_logger *sshio_process_logger(const sshio_process *process)
{
    return sshio_chan_logger(process->streams->chan);
}

const char *sshio_process_command(const sshio_process *process)
{
    return process->streams->chan->command;
}

const char *sshio_process_subsystem(const sshio_process *process)
{
    return process->streams->chan->subsystem;
}

const char *const *sshio_process_env(const sshio_process *process)
{
    return sshio_chan_get_environment(process->streams->chan);
}

const char *sshio_process_getenv(const sshio_process *process, const char *name)
{
    const char *const *env = sshio_process_env(process);
    size_t len = strlen(name);
    for (size_t i = 0; env[i] != NULL; i++)
        if (strncmp(env[i], name, len) == 0 && env[i][len] == '=')
            return env[i] + len + 1;
    return NULL;
}

const char *sshio_process_term_type(const sshio_process *process)
{
    return sshio_chan_get_terminal_type(process->streams->chan);
}

sshio_term_size sshio_process_term_size(const sshio_process *process)
{
    return sshio_chan_get_terminal_size(process->streams->chan);
}

const sshio_term_mode *sshio_process_term_modes(const sshio_process *process)
{
    return sshio_chan_get_terminal_modes(process->streams->chan);
}

const char *sshio_process_get_extra_info(const sshio_process *process, const char *name, const char *def)
{
    return sshio_chan_get_extra_info(process->streams->chan, name, def);
}

int sshio_process_redirect(sshio_process *process, const sshio_redirect_options *options)
{
    sshio_redirect_options known;
    struct streams *s = process->streams;
    int rc = completion_can_wait();
    if (rc == 0)
        rc = OPTIONS_TAKE(&known, options);
    if (rc != 0)
        return rc;
    struct redirect_options o = redirect_options_of(&known);
    process->refs++;
    if (known.in.kind != SSHIO_IO_PIPE)
        rc = redirect_reader(&s->readers[0], &known.in, &o, &process->in);
    if (rc == 0 && known.out.kind != SSHIO_IO_PIPE)
        rc = redirect_writer(&s->writers[0], &known.out, &o, &process->out);
    if (rc == 0 && known.err.kind != SSHIO_IO_PIPE)
        rc = redirect_writer(&s->writers[1], &known.err, &o, &process->err);
    release(process);
    return rc;
}

int sshio_process_exit(sshio_process *process, int status)
{
    return sshio_chan_exit(process->streams->chan, status);
}

int sshio_process_exit_with_signal(sshio_process *process, const sshio_exit_signal *signal)
{
    return sshio_chan_exit_with_signal(process->streams->chan, signal);
}

void sshio_process_close(sshio_process *process)
{
    sshio_chan_close(process->streams->chan);
}

bool sshio_process_is_closing(const sshio_process *process)
{
    return sshio_chan_is_closing(process->streams->chan);
}

int sshio_process_wait_closed(sshio_process *process)
{
    int rc = sshio_chan_wait_closed(process->streams->chan);
    return rc == 0 ? redirect_wait(process->in) : rc;
}
