/* A local program in the place of a server's process: a child, with three pipes or a terminal that are joined to the
 * client's streams.
 *
 * On a terminal all three of the child's descriptors are its slave side. The master is read until the program has ended
 * and what it wrote is read; somebody in the background may hold the slave open for long after. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/texts.h"
#include "io/child.h"
#include "io/last_error.h"
#include "io/options.h"
#include "io/pty.h"
#include "session/process.h"
#include "session/signals.h"

#define SHELL_DEFAULT "/bin/sh"

void sshio_exec_options_init(sshio_exec_options *options)
{
    OPTIONS_TAKE(options, NULL);
}

enum { IN, OUT, ERR, PIPE_COUNT };

struct execution {
    sshio_process *process;
    struct child *child;
    bool on_pty;
    struct pty pty;
    int ours[PIPE_COUNT], theirs[PIPE_COUNT]; /* ends of the pipes; -1 = closed or handed over */
    struct redirect *redirects[PIPE_COUNT];
    bool exited;
    int status;
    struct waiters ended; /* the child, or the channel */
};

extern char **environ;

static sshio_chan *chan_of(const struct execution *x)
{
    return x->process->streams->chan;
}

/* ---- descriptors ---- */

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

static int open_ends(struct execution *x)
{
    const struct terminal *t = &chan_of(x)->terminal;
    return x->on_pty ? pty_open(&x->pty, &t->size, terminal_modes(t), last_error()) : open_pipes(x);
}

static void close_ends(struct execution *x)
{
    pty_close(&x->pty);
    close_all(x->ours);
    close_all(x->theirs);
}

/* The client's stdin is the target of a reader, the program's outputs are sources of writers, whose end is not yet that
 * of the channel. */
static int join_ends(struct execution *x)
{
    const struct redirect_options o = { .send_eof = false, .recv_eof = true };
    struct streams *s = x->process->streams;
    sshio_io in = SSHIO_FD(x->on_pty ? x->pty.master : x->ours[IN]);
    sshio_io out = SSHIO_FD(x->on_pty ? x->pty.master : x->ours[OUT]);
    sshio_io err = SSHIO_FD(x->ours[ERR]);
    int rc = redirect_reader(&s->readers[0], &in, &o, &x->redirects[IN]);
    if (rc == 0)
        rc = redirect_writer(&s->writers[0], &out, &o, &x->redirects[OUT]);
    if (rc == 0 && !x->on_pty)
        rc = redirect_writer(&s->writers[1], &err, &o, &x->redirects[ERR]);
    close_all(x->ours);
    return rc;
}

/* ---- the program ---- */

struct program {
    const char *file;
    const char *argv[4]; /* of the shell */
    const char *const *args;
    struct texts env; /* used if it has entries */
    char *login_name; /* "-sh" */
};

static const char *find_env(const char *const *env, const char *name)
{
    size_t len = strlen(name);
    for (; *env != NULL; env++)
        if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
            return *env + len + 1;
    return NULL;
}

static int shell_program(struct program *p, const sshio_chan *chan, const sshio_exec_options *o, const char *const *env)
{
    const char *shell = o->file != NULL ? o->file : find_env(env, "SHELL");
    if (chan->subsystem != NULL)
        return fail(SSHIO_EINVAL, "sshio_process_exec: no program was named for subsystem %s", chan->subsystem);
    p->file = shell != NULL && shell[0] != '\0' ? shell : SHELL_DEFAULT;
    p->args = p->argv;
    const char *slash = strrchr(p->file, '/');
    const char *name = slash != NULL ? slash + 1 : p->file;
    if (chan->command != NULL) {
        p->argv[0] = name;
        p->argv[1] = "-c";
        p->argv[2] = chan->command;
        return 0;
    }
    size_t size = strlen(name) + 2;
    p->login_name = mem_alloc(size);
    if (p->login_name == NULL)
        return fail_nomem();
    p->login_name[0] = '-';
    memcpy(p->login_name + 1, name, size - 1);
    p->argv[0] = p->login_name;
    return 0;
}

/* What a program on a terminal is told of it. */
static int add_terminal(struct program *p, const struct execution *x, const char *const *env, const char *term)
{
    char name[64];
    bool made = texts_copy(&p->env, env);

    if (made && term[0] != '\0')
        made = texts_set(&p->env, "TERM", 4, term, strlen(term));
    if (made && ttyname_r(x->pty.slave, name, sizeof name) == 0)
        made = texts_set(&p->env, "SSH_TTY", 7, name, strlen(name));
    return made ? 0 : fail_nomem();
}

static int choose_program(struct program *p, const struct execution *x, const sshio_exec_options *o)
{
    const char *const *env = o->env != NULL ? o->env : (const char *const *)environ;
    const sshio_chan *chan = chan_of(x);
    const char *term = chan->terminal.type;
    *p = (struct program){ .file = o->file };
    if (o->argv != NULL && o->argv[0] == NULL)
        return fail(SSHIO_EINVAL, "sshio_process_exec: no program was named");
    if (o->argv != NULL) {
        p->file = o->file != NULL ? o->file : o->argv[0];
        p->args = o->argv;
    } else {
        int rc = shell_program(p, chan, o, env);
        if (rc != 0)
            return rc;
    }
    return x->on_pty ? add_terminal(p, x, env, term != NULL ? term : "") : 0;
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
    struct program p;
    int rc = choose_program(&p, x, o);
    if (rc == 0) {
        struct child_options options = {
            .file = p.file,
            .argv = p.args,
            .env = p.env.count != 0 ? texts_items(&p.env) : o->env,
            .root = o->root,
            .cwd = o->cwd,
            .in = x->on_pty ? x->pty.slave : x->theirs[IN],
            .out = x->on_pty ? x->pty.slave : x->theirs[OUT],
            .err = x->on_pty ? x->pty.slave : x->theirs[ERR],
            .new_session = x->on_pty || settings_tri(o->new_session, true),
            .controlling_terminal = x->on_pty,
        };
        rc = child_start(chan_of(x)->conn->loop, &options, exited, x, &x->child, last_error());
    }
    close_all(x->theirs);
    pty_close_slave(&x->pty);
    texts_done(&p.env);
    mem_free(p.login_name);
    return rc;
}

/* ---- what the client does ---- */

static void pass_signal(struct execution *x, const char *name)
{
    int number = signal_number(name);
    if (number == 0 || x->exited)
        return;
    if (!x->on_pty || !pty_signal(x->pty.master, number))
        child_signal(x->child, number, true);
}

static void on_in_band(void *user, const struct in_band *event)
{
    struct execution *x = user;
    if (event->code == SSHIO_ESIGNAL_RECEIVED)
        pass_signal(x, event->signal);
    else if (event->code == SSHIO_ETERMINAL_SIZE_CHANGED && x->on_pty)
        pty_set_size(x->pty.master, &event->term_size);
}

/* ---- the end ---- */

/* A turn of the loop, or the time until the channel takes more. */
static int let_output_go_on(struct execution *x)
{
    sshio_chan *chan = chan_of(x);
    return chan->writing_paused ? waiters_wait(&x->process->streams->writable) : sshio_sleep(0);
}

static int wait_for_output(struct execution *x)
{
    sshio_chan *chan = chan_of(x);
    int rc = 0;
    if (!x->on_pty) {
        rc = redirect_wait(x->redirects[OUT]);
        return rc == 0 && !chan->is_closed ? redirect_wait(x->redirects[ERR]) : rc;
    }
    while (rc == 0 && !chan->is_closed && !x->redirects[OUT]->done && pty_has_output(x->pty.master))
        rc = let_output_go_on(x);
    return rc;
}

/* Until the program has ended and its output is in the channel; a client that goes away hangs it up. */
static int wait_for_end(struct execution *x)
{
    sshio_chan *chan = chan_of(x);
    int rc = 0;
    while (rc == 0 && !x->exited && !chan->is_closed)
        rc = waiters_wait(&x->ended);
    if (!x->exited)
        child_signal(x->child, SIGHUP, true);
    return rc == 0 && !chan->is_closed ? wait_for_output(x) : rc;
}

static int report_end(const struct execution *x)
{
    sshio_chan *chan = chan_of(x);
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
    struct streams *s = x->process->streams;
    int rc = open_ends(x);
    if (rc == 0)
        rc = start_child(x, o);
    if (rc == 0) {
        s->on_in_band = on_in_band;
        s->on_in_band_user = x;
        rc = join_ends(x);
    }
    if (rc == 0)
        rc = wait_for_end(x);
    return rc == 0 ? report_end(x) : rc;
}

int sshio_process_exec(sshio_process *process, const sshio_exec_options *options)
{
    struct execution x = { .process = process, .pty = { -1, -1 }, .ours = { -1, -1, -1 }, .theirs = { -1, -1, -1 } };
    sshio_exec_options known;
    int rc = completion_can_wait();
    if (rc == 0)
        rc = OPTIONS_TAKE(&known, options);
    if (rc != 0)
        return rc;
    x.on_pty = settings_tri(known.pty, chan_of(&x)->terminal.type != NULL);
    waiters_init(&x.ended);
    process->on_end = &x.ended;
    rc = run(&x, &known);
    process->on_end = NULL;
    process->streams->on_in_band = NULL;
    for (int i = 0; i < PIPE_COUNT; i++)
        redirect_free(x.redirects[i]);
    child_free(x.child);
    close_ends(&x);
    return rc;
}
