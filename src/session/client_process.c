/* SSHClientProcess, and run: a command with its streams or redirections, and its result. */
#include "session/client_process.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "io/options.h"

/* ---- life ---- */

static void release(sshio_client_process *p)
{
    if (--p->refs > 0)
        return;
    redirect_free(p->in);
    redirect_free(p->out);
    redirect_free(p->err);
    if (p->streams->chan != NULL)
        sshio_chan_close(p->streams->chan);
    streams_release(p->streams);
    mem_free(p);
}

sshio_client_process *sshio_client_process_ref(sshio_client_process *process)
{
    process->refs++;
    return process;
}

void sshio_client_process_unref(sshio_client_process *process)
{
    if (process != NULL)
        release(process);
}

static bool is_pipe(const sshio_io *io)
{
    return io->kind == SSHIO_IO_PIPE;
}

static int redirect_all(sshio_client_process *p, const sshio_session_options *o)
{
    struct streams *s = p->streams;
    int rc = 0;
    if (o->input.len != 0) {
        rc = sshio_write(&s->writers[0], o->input.data, o->input.len);
        if (rc == 0)
            rc = sshio_write_eof(&s->writers[0]);
    } else if (o->in.kind == SSHIO_IO_DEVNULL) {
        rc = sshio_write_eof(&s->writers[0]);
    } else if (!is_pipe(&o->in)) {
        rc = redirect_source(&s->writers[0], &o->in, &p->in);
    }
    if (rc == 0 && !is_pipe(&o->out))
        rc = redirect_target(&s->readers[0], &o->out, &p->out);
    if (rc == 0 && !is_pipe(&o->err))
        rc = redirect_target(&s->readers[1], &o->err, &p->err);
    return rc;
}

static int create_process(sshio_conn *conn, const sshio_session_options *o, sshio_client_process **process)
{
    sshio_chan *chan = NULL;
    sshio_client_process *p = mem_zalloc(sizeof *p);
    if (p == NULL)
        return fail_nomem();
    p->refs = 1;
    p->streams = streams_new(conn, o->window != 0 ? o->window : conn->settings->window);
    if (p->streams == NULL) {
        mem_free(p);
        return fail_nomem();
    }
    int rc = client_session_open(conn, &streams_handlers, p->streams, o, &chan);
    if (rc == 0) {
        streams_attach(p->streams, chan);
        chan_release(chan);
        rc = redirect_all(p, o);
    }
    if (rc == 0)
        *process = p;
    else
        release(p);
    return rc;
}

int sshio_create_process(sshio_conn *conn, const sshio_session_options *options, sshio_client_process **process)
{
    sshio_session_options known;
    int rc = OPTIONS_TAKE(&known, options);
    return rc == 0 ? create_process(conn, &known, process) : rc;
}

int sshio_open_session(sshio_conn *conn, const sshio_session_options *options, sshio_writer **in, sshio_reader **out,
                       sshio_reader **err)
{
    sshio_session_options known;
    sshio_chan *chan = NULL;
    int rc = OPTIONS_TAKE(&known, options);
    if (rc != 0)
        return rc;
    struct streams *s = streams_new(conn, known.window != 0 ? known.window : conn->settings->window);
    if (s == NULL)
        return fail_nomem();
    rc = client_session_open(conn, &streams_handlers, s, &known, &chan);
    if (rc == 0) {
        streams_attach(s, chan);
        chan_release(chan);
        *in = sshio_writer_ref(&s->writers[0]);
        *out = sshio_reader_ref(&s->readers[0]);
        *err = sshio_reader_ref(&s->readers[1]);
    }
    streams_release(s);
    return rc;
}

/* ---- results ---- */

int sshio_client_process_collect_output(sshio_client_process *process, sshio_bytes *out, sshio_bytes *err)
{
    sshio_bytes taken = { 0 };
    int rc = reader_take_all(&process->streams->readers[0], &taken);
    if (rc == 0)
        rc = reader_take_all(&process->streams->readers[1], err);
    if (rc == 0)
        *out = taken;
    else
        sshio_bytes_free(&taken);
    return rc;
}

/* A result and what its pointers point to. */
struct owned_result {
    sshio_result pub;
    sshio_exit_signal signal;
    char *signal_name, *signal_msg, *signal_lang;
    char *command, *subsystem;
    struct texts env;
};

void sshio_result_free(sshio_result *result)
{
    struct owned_result *r = (struct owned_result *)result;
    if (r == NULL)
        return;
    sshio_bytes_free(&r->pub.out);
    sshio_bytes_free(&r->pub.err);
    mem_free(r->signal_name);
    mem_free(r->signal_msg);
    mem_free(r->signal_lang);
    mem_free(r->command);
    mem_free(r->subsystem);
    texts_done(&r->env);
    mem_free(r);
}

static void copy_signal(struct owned_result *r, const sshio_exit_signal *signal)
{
    if (signal == NULL)
        return;
    r->signal_name = mem_strdup(signal->name);
    r->signal_msg = mem_strdup(signal->msg);
    r->signal_lang = mem_strdup(signal->lang);
    r->signal = (sshio_exit_signal){
        .name = r->signal_name, .core_dumped = signal->core_dumped, .msg = r->signal_msg, .lang = r->signal_lang
    };
    r->pub.exit_signal = &r->signal;
}

int client_process_result(const sshio_client_process *p, sshio_result **result)
{
    const sshio_chan *chan = p->streams->chan;
    struct owned_result *r = mem_zalloc(sizeof *r);
    if (r == NULL)
        return fail_nomem();
    r->pub.size = sizeof r->pub;
    r->pub.exit_status = sshio_chan_get_exit_status(chan);
    r->pub.returncode = sshio_chan_get_returncode(chan);
    copy_signal(r, sshio_chan_get_exit_signal(chan));
    r->pub.command = r->command = mem_strdup(chan->command);
    r->pub.subsystem = r->subsystem = mem_strdup(chan->subsystem);
    bool copied = texts_copy(&r->env, texts_items(&chan->env));
    r->pub.env = texts_items(&r->env);
    int rc = copied ? reader_take_all(&p->streams->readers[0], &r->pub.out) : fail_nomem();
    if (rc == 0)
        rc = reader_take_all(&p->streams->readers[1], &r->pub.err);
    if (rc == 0)
        *result = &r->pub;
    else
        sshio_result_free(&r->pub);
    return rc;
}

/* Says in words how a command ended. */
static int fail_ended(const sshio_result *r)
{
    const sshio_exit_signal *signal = r->exit_signal;
    if (signal != NULL)
        return fail(SSHIO_EPROCESS, "Process exited with signal %s%s%s%s", signal->name,
                    signal->msg != NULL && signal->msg[0] != '\0' ? ": " : "", signal->msg != NULL ? signal->msg : "",
                    signal->core_dumped ? " (core dumped)" : "");
    if (r->exit_status == SSHIO_NO_STATUS)
        return fail(SSHIO_EPROCESS, "Process ended without an exit status");
    return fail(SSHIO_EPROCESS, "Process exited with non-zero exit status %d", r->exit_status);
}

/* The result goes into the last error, which owns it from now on. */
static int fail_with_result(int rc, sshio_result *result)
{
    error_attach_result(last_error(), result, sshio_result_free);
    return rc;
}

/* ---- waiting ---- */

/* Until the channel is closed and redirected output is written. */
static int wait_ended(sshio_client_process *p, double timeout)
{
    sshio_chan *chan = p->streams->chan;
    int rc = completion_can_wait();
    if (rc == 0 && !chan->is_closed)
        rc = waiters_wait_for(&chan->closed, timeout);
    if (rc == 0)
        rc = redirect_wait(p->out);
    if (rc == 0)
        rc = redirect_wait(p->err);
    return rc;
}

int sshio_client_process_wait(sshio_client_process *process, bool check, double timeout, sshio_result **result)
{
    sshio_result *r = NULL;
    if (result == NULL)
        return fail(SSHIO_EINVAL, "sshio_client_process_wait: no place for the result");
    process->refs++;
    streams_set_limit(process->streams, SIZE_MAX);
    int rc = wait_ended(process, timeout);
    int made = rc == 0 || rc == SSHIO_ETIMEDOUT ? client_process_result(process, &r) : 0;
    if (made != 0) {
        rc = made;
    } else if (rc == SSHIO_ETIMEDOUT) {
        rc = fail_with_result(fail(SSHIO_EPROCESS_TIMEOUT, "Process did not end within %g s", timeout), r);
    } else if (rc == 0 && error_code(&process->streams->error) != 0) {
        sshio_result_free(r);
        rc = fail_with(&process->streams->error);
    } else if (rc == 0 && check && r->exit_status != 0) {
        rc = fail_with_result(fail_ended(r), r);
    } else if (rc == 0) {
        *result = r;
    }
    release(process);
    return rc;
}

int sshio_client_process_communicate(sshio_client_process *process, sshio_span input, sshio_bytes *out,
                                     sshio_bytes *err)
{
    int rc = 0;
    process->refs++;
    streams_set_limit(process->streams, SIZE_MAX);
    if (input.len != 0)
        rc = sshio_write(&process->streams->writers[0], input.data, input.len);
    if (rc == 0 && input.len != 0)
        rc = sshio_write_eof(&process->streams->writers[0]);
    if (rc == 0)
        rc = wait_ended(process, 0);
    if (rc == 0)
        rc = sshio_client_process_collect_output(process, out, err);
    release(process);
    return rc;
}

/* ---- run ---- */

int sshio_run(sshio_conn *conn, const sshio_session_options *options, sshio_result **result)
{
    sshio_session_options known;
    sshio_client_process *p = NULL;
    int rc = result != NULL ? OPTIONS_TAKE(&known, options) : fail(SSHIO_EINVAL, "sshio_run: no place for the result");
    if (rc == 0)
        rc = create_process(conn, &known, &p);
    if (rc != 0)
        return rc;
    streams_set_ceiling(p->streams, known.max_output);
    rc = sshio_client_process_wait(p, known.check, known.timeout, result);
    if (rc != 0 && !p->streams->chan->is_closed) {
        if (known.kill_on_cancel && p->streams->chan->ch != NULL)
            sshio_chan_kill(p->streams->chan);
        sshio_chan_abort(p->streams->chan);
    }
    release(p);
    return rc;
}

/* ---- attributes ---- */

sshio_writer *sshio_client_process_stdin(const sshio_client_process *process)
{
    return process->in == NULL ? &process->streams->writers[0] : NULL;
}

sshio_reader *sshio_client_process_stdout(const sshio_client_process *process)
{
    return process->out == NULL ? &process->streams->readers[0] : NULL;
}

sshio_reader *sshio_client_process_stderr(const sshio_client_process *process)
{
    return process->err == NULL ? &process->streams->readers[1] : NULL;
}

sshio_chan *sshio_client_process_channel(const sshio_client_process *process)
{
    return process->streams->chan;
}

sshio_logger *sshio_client_process_logger(const sshio_client_process *process)
{
    return sshio_chan_logger(process->streams->chan);
}

const char *const *sshio_client_process_env(const sshio_client_process *process)
{
    return sshio_chan_get_environment(process->streams->chan);
}

const char *sshio_client_process_command(const sshio_client_process *process)
{
    return process->streams->chan->command;
}

const char *sshio_client_process_subsystem(const sshio_client_process *process)
{
    return process->streams->chan->subsystem;
}

int sshio_client_process_exit_status(const sshio_client_process *process)
{
    return sshio_chan_get_exit_status(process->streams->chan);
}

const sshio_exit_signal *sshio_client_process_exit_signal(const sshio_client_process *process)
{
    return sshio_chan_get_exit_signal(process->streams->chan);
}

int sshio_client_process_returncode(const sshio_client_process *process)
{
    return sshio_chan_get_returncode(process->streams->chan);
}

int sshio_client_process_send_signal(sshio_client_process *process, const char *signal)
{
    return sshio_chan_send_signal(process->streams->chan, signal);
}

int sshio_client_process_terminate(sshio_client_process *process)
{
    return sshio_chan_terminate(process->streams->chan);
}

int sshio_client_process_kill(sshio_client_process *process)
{
    return sshio_chan_kill(process->streams->chan);
}

void sshio_client_process_close(sshio_client_process *process)
{
    sshio_chan_close(process->streams->chan);
}

bool sshio_client_process_is_closing(const sshio_client_process *process)
{
    return sshio_chan_is_closing(process->streams->chan);
}

int sshio_client_process_wait_closed(sshio_client_process *process)
{
    int rc = sshio_chan_wait_closed(process->streams->chan);
    if (rc == 0)
        rc = redirect_wait(process->out);
    if (rc == 0)
        rc = redirect_wait(process->err);
    return rc;
}
