/* SSHClientProcess, and run: a command with its streams or redirections, and its result. */
#include "session/client_process.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "io/options.h"

/* ---- life ---- */

void client_process_release(sshio_client_process *p)
{
    if (--p->refs > 0)
        return;
    sshio_chan *chan = p->streams->chan;
    redirect_free(p->in);
    redirect_free(p->out);
    redirect_free(p->err);
    if (chan != NULL && p->kill && chan->ch != NULL && !chan->closing)
        sshio_chan_kill(chan);
    if (chan != NULL)
        sshio_chan_close(chan);
    streams_release(p->streams);
    mem_free(p);
}

sshio_client_process *client_process_new(sshio_conn *conn, const sshio_session_options *o)
{
    sshio_client_process *p = mem_zalloc(sizeof *p);
    if (p == NULL)
        return NULL;
    p->refs = 1;
    p->streams = streams_new(conn, o->window != 0 ? o->window : conn->settings->window);
    if (p->streams == NULL) {
        mem_free(p);
        return NULL;
    }
    for (int fd = 0; fd < 3; fd++)
        p->pipes[fd] = (struct sshio_pipe){ .process = p, .fd = fd };
    p->kill = o->kill_on_cancel;
    return p;
}

sshio_client_process *sshio_client_process_ref(sshio_client_process *process)
{
    process->refs++;
    return process;
}

void sshio_client_process_unref(sshio_client_process *process)
{
    if (process != NULL)
        client_process_release(process);
}

/* ---- redirection ---- */

static bool is_pipe(const sshio_io *io)
{
    return io->kind == SSHIO_IO_PIPE;
}

/* Handlers of a subprocess give way. */
static int redirect_output(sshio_client_process *p, int fd, const sshio_io *io, const struct redirect_options *o,
                           struct redirect **slot)
{
    sshio_reader *reader = &p->streams->readers[fd - 1];
    if (reader->sink == &p->pipes[fd].sink)
        reader_set_sink(reader, NULL);
    return redirect_reader(reader, io, o, slot);
}

static int redirect_stderr(sshio_client_process *p, const sshio_io *io, const struct redirect_options *o)
{
    if (io->kind != SSHIO_IO_STDOUT) {
        streams_merge(p->streams, false);
        return redirect_output(p, 2, io, o, &p->err);
    }
    redirect_free(p->err);
    p->err = NULL;
    streams_merge(p->streams, true);
    return 0;
}

static int redirect_all(sshio_client_process *p, const sshio_redirect_options *options)
{
    struct redirect_options o = redirect_options_of(options);
    int rc = 0;
    if (!is_pipe(&options->in))
        rc = redirect_writer(&p->streams->writers[0], &options->in, &o, &p->in);
    if (rc == 0 && !is_pipe(&options->out))
        rc = redirect_output(p, 1, &options->out, &o, &p->out);
    if (rc == 0 && !is_pipe(&options->err))
        rc = redirect_stderr(p, &options->err, &o);
    return rc;
}

int sshio_client_process_redirect(sshio_client_process *process, const sshio_redirect_options *options)
{
    sshio_redirect_options known;
    int rc = completion_can_wait();
    if (rc == 0)
        rc = OPTIONS_TAKE(&known, options);
    if (rc != 0)
        return rc;
    process->refs++;
    rc = redirect_all(process, &known);
    client_process_release(process);
    return rc;
}

/* ---- starting ---- */

/* Input that is given wins over a source of it. */
static int connect_ends(sshio_client_process *p, const sshio_session_options *o)
{
    sshio_writer *in = &p->streams->writers[0];
    sshio_redirect_options redirects = {
        .size = sizeof redirects,
        .out = o->out,
        .err = o->err,
        .bufsize = o->bufsize,
        .send_eof = o->send_eof,
        .recv_eof = o->recv_eof,
    };
    int rc = 0;
    if (o->input.len == 0)
        redirects.in = o->in;
    else if ((rc = sshio_write(in, o->input.data, o->input.len)) == 0)
        rc = sshio_write_eof(in);
    return rc == 0 ? redirect_all(p, &redirects) : rc;
}

int client_process_open(sshio_client_process *p, sshio_conn *conn, const sshio_session_handlers *handlers, void *user,
                        const sshio_session_options *o, sshio_client_process **process)
{
    sshio_chan *chan = NULL;
    int rc = client_session_open(conn, handlers, user, o, &chan);
    if (rc == 0) {
        chan_release(chan);
        rc = connect_ends(p, o);
    }
    if (rc == 0)
        *process = p;
    else
        client_process_release(p);
    return rc;
}

static int create_process(sshio_conn *conn, const sshio_session_options *o, sshio_client_process **process)
{
    sshio_client_process *p = client_process_new(conn, o);
    if (p == NULL)
        return fail_nomem();
    return client_process_open(p, conn, &streams_handlers, p->streams, o, process);
}

int sshio_create_process(sshio_conn *conn, const sshio_session_options *options, sshio_client_process **process)
{
    sshio_session_options known;
    if (process == NULL)
        return fail(SSHIO_EINVAL, "sshio_create_process: no place for the process");
    int rc = OPTIONS_TAKE(&known, options);
    return rc == 0 ? create_process(conn, &known, process) : rc;
}

int sshio_open_session(sshio_conn *conn, const sshio_session_options *options, sshio_writer **in, sshio_reader **out,
                       sshio_reader **err)
{
    sshio_session_options known;
    sshio_chan *chan = NULL;
    if (in == NULL || out == NULL || err == NULL)
        return fail(SSHIO_EINVAL, "sshio_open_session: no place for the streams");
    int rc = OPTIONS_TAKE(&known, options);
    if (rc != 0)
        return rc;
    struct streams *s = streams_new(conn, known.window != 0 ? known.window : conn->settings->window);
    if (s == NULL)
        return fail_nomem();
    rc = client_session_open(conn, &streams_handlers, s, &known, &chan);
    if (rc == 0) {
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

static int make_result(const sshio_client_process *p, sshio_result **result)
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
    int made = rc == 0 || rc == SSHIO_ETIMEDOUT ? make_result(process, &r) : 0;
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
    client_process_release(process);
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
    client_process_release(process);
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
    client_process_release(p);
    return rc;
}
