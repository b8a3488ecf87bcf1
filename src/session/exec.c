/* A local program in the place of a server's process: three pipes joined to the client's streams, and a child. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "io/child.h"
#include "io/last_error.h"
#include "io/options.h"
#include "session/process.h"
#include "session/redirect.h"
#include "session/signals.h"

void sshio_exec_options_init(sshio_exec_options *options)
{
    OPTIONS_TAKE(options, NULL);
}

enum { IN, OUT, ERR, PIPE_COUNT };

struct execution {
    sshio_process *process;
    struct child *child;
    int ours[PIPE_COUNT], theirs[PIPE_COUNT]; /* ends of the pipes; -1 = closed or handed over */
    struct redirect *redirects[PIPE_COUNT];
    bool exited;
    int status;
    struct waiters ended; /* the child, or the channel */
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void close_all(int *fds)
{
    for (int i = 0; i < PIPE_COUNT; i++)
        close_fd(&fds[i]);
}

static int open_pipes(struct execution *x)
{
    for (int i = 0; i < PIPE_COUNT; i++) {
        int fds[2];
        if (pipe2(fds, O_CLOEXEC) != 0)
            return error_set_errno(last_error(), errno, "pipes for a program could not be made");
        x->ours[i] = i == IN ? fds[1] : fds[0];
        x->theirs[i] = i == IN ? fds[0] : fds[1];
    }
    return 0;
}

static void exited(void *user, int status)
{
    struct execution *x = user;
    x->exited = true;
    x->status = status;
    waiters_wake(&x->ended, 0);
}

static int start_child(struct execution *x, const sshio_exec_options *o)
{
    struct child_options options = {
        .file = o->file != NULL ? o->file : o->argv[0],
        .argv = o->argv,
        .env = o->env,
        .cwd = o->cwd,
        .in = x->theirs[IN],
        .out = x->theirs[OUT],
        .err = x->theirs[ERR],
        .new_session = settings_tri(o->new_session, true),
    };
    int rc = child_start(x->process->streams->chan->conn->loop, &options, exited, x, &x->child, last_error());
    close_all(x->theirs);
    return rc;
}

/* The client's stdin is the target of a reader, the program's outputs are sources of writers. */
static int join_pipes(struct execution *x)
{
    struct streams *s = x->process->streams;
    sshio_io in = SSHIO_FD(x->ours[IN]), out = SSHIO_FD(x->ours[OUT]), err = SSHIO_FD(x->ours[ERR]);
    int rc = redirect_target(&s->readers[0], &in, &x->redirects[IN]);
    if (rc == 0)
        rc = redirect_output(&s->writers[0], &out, &x->redirects[OUT]);
    if (rc == 0)
        rc = redirect_output(&s->writers[1], &err, &x->redirects[ERR]);
    close_all(x->ours);
    return rc;
}

static void pass_signal(const char *name, void *user)
{
    struct execution *x = user;
    int number = signal_number(name);
    if (number != 0 && !x->exited)
        child_signal(x->child, number, true);
}

/* Until the program has ended and its output is in the channel; a client that goes away hangs it up. */
static int wait_for_end(struct execution *x)
{
    sshio_chan *chan = x->process->streams->chan;
    int rc = 0;
    while (rc == 0 && !x->exited && !chan->is_closed)
        rc = waiters_wait(&x->ended);
    if (!x->exited)
        child_signal(x->child, SIGHUP, true);
    if (rc == 0 && !chan->is_closed)
        rc = redirect_wait(x->redirects[OUT]);
    if (rc == 0 && !chan->is_closed)
        rc = redirect_wait(x->redirects[ERR]);
    return rc;
}

static int report_end(const struct execution *x)
{
    sshio_chan *chan = x->process->streams->chan;
    if (!x->exited || chan->ch == NULL)
        return 0;
    if (WIFSIGNALED(x->status)) {
        const char *name = signal_name(WTERMSIG(x->status));
        sshio_exit_signal signal = { .name = name != NULL ? name : "TERM", .core_dumped = WCOREDUMP(x->status) != 0 };
        return sshio_chan_exit_with_signal(chan, &signal);
    }
    return sshio_chan_exit(chan, WEXITSTATUS(x->status));
}

static int run(struct execution *x, const sshio_exec_options *o)
{
    int rc = open_pipes(x);
    if (rc == 0)
        rc = start_child(x, o);
    if (rc == 0) {
        x->process->signalled = pass_signal;
        x->process->signalled_user = x;
        rc = join_pipes(x);
    }
    if (rc == 0)
        rc = wait_for_end(x);
    return rc == 0 ? report_end(x) : rc;
}

int sshio_process_exec(sshio_process *process, const sshio_exec_options *options)
{
    struct execution x = { .process = process, .ours = { -1, -1, -1 }, .theirs = { -1, -1, -1 } };
    sshio_exec_options known;
    int rc = completion_can_wait();
    if (rc == 0)
        rc = OPTIONS_TAKE(&known, options);
    if (rc != 0)
        return rc;
    if (known.argv == NULL || known.argv[0] == NULL)
        return fail(SSHIO_EINVAL, "sshio_process_exec: no program was named");
    waiters_init(&x.ended);
    process->on_end = &x.ended;
    rc = run(&x, &known);
    process->on_end = NULL;
    process->signalled = NULL;
    for (int i = 0; i < PIPE_COUNT; i++)
        redirect_free(x.redirects[i]);
    if (x.child != NULL)
        child_free(x.child);
    close_all(x.ours);
    close_all(x.theirs);
    return rc;
}
