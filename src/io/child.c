/* Child processes; see child.h.
 *
 * The parent prepares all that needs memory: where the program may be, and the texts. The child
 * makes only async-signal-safe calls, and tells through a pipe that closes itself on exec what went
 * wrong. The library installs no signal handler, so the end of a child is seen through a pidfd;
 * where the kernel has none, a thread waits for it. Nobody else in the process should reap it: if
 * somebody does, its status is unknown and reported as exit status 255. */
#include "io/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uv.h>

#include "base/memory.h"
#include "base/texts.h"
#include "io/internal.h"

#define ERROR_FD 3 /* in the child: the pipe that reports a failing start */
#define UNKNOWN_STATUS (255 << 8)
#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

extern char **environ;

struct child {
    struct parked parked; /* in the loop's list once nobody holds it */
    struct loop *loop;
    child_exited_fn exited;
    void *user;
    pid_t pid;
    bool reaped;
    bool abandoned; /* child_free was called before the end */
    bool has_handle;
    int pidfd; /* -1 = a thread waits */
    uv_poll_t poll;
    struct watcher *watcher;
};

/* A thread's view of a child. When the loop is gone the thread reaps by itself. */
struct watcher {
    struct message message;  /* that it has ended */
    struct mailbox *mailbox; /* NULL = reap at once */
    struct child *child;     /* for the loop's thread; NULL = nobody is interested */
    pid_t pid;
};

static bool avoid_pidfd; /* by tests */

void child_avoid_pidfd(bool avoid)
{
    avoid_pidfd = avoid;
}

/* ---- in the child ---- */

struct launch {
    const struct child_options *options;
    struct texts files; /* what to try to execute */
    char *const *argv;
    char *const *env;
    int error_fd;
    long most_fds;
};

/* The step that failed is told along with errno, for the message. */
enum step { STEP_DESCRIPTORS, STEP_SESSION, STEP_TERMINAL, STEP_ROOT, STEP_DIRECTORY, STEP_EXEC };

struct report {
    int step;
    int os_errno;
};

static void give_up(int fd, enum step step)
{
    struct report report = { step, errno };
    ssize_t n;
    do
        n = write(fd, &report, sizeof report);
    while (n < 0 && errno == EINTR);
    _exit(127);
}

/* Out of the way of 0 to 3. */
static int lift(int fd)
{
    return fd < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : fcntl(fd, F_DUPFD_CLOEXEC, ERROR_FD + 1);
}

static void close_from(int first, long most)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, (unsigned)first, ~0u, 0) == 0)
        return;
#endif
    for (int fd = first; fd < most; fd++)
        close(fd);
}

/* Makes 0, 1 and 2, puts the error pipe at 3, and closes all others. */
static void arrange_descriptors(struct launch *l)
{
    int wanted[] = { l->options->in, l->options->out, l->options->err };
    int error = fcntl(l->error_fd, F_DUPFD_CLOEXEC, ERROR_FD + 1);
    if (error < 0)
        give_up(l->error_fd, STEP_DESCRIPTORS);
    for (int i = 0; i < 3; i++) {
        wanted[i] = lift(wanted[i]);
        if (wanted[i] >= 0 && wanted[i] <= ERROR_FD)
            wanted[i] = lift(wanted[i]);
        if (wanted[i] < 0)
            give_up(error, STEP_DESCRIPTORS);
    }
    for (int i = 0; i < 3; i++)
        if (dup2(wanted[i], i) < 0)
            give_up(error, STEP_DESCRIPTORS);
    if (dup3(error, ERROR_FD, O_CLOEXEC) < 0)
        give_up(error, STEP_DESCRIPTORS);
    l->error_fd = ERROR_FD;
    close_from(ERROR_FD + 1, l->most_fds);
}

static void reset_signals(void)
{
    struct sigaction action = { .sa_handler = SIG_DFL };
    sigset_t none;
    for (int i = 1; i < NSIG; i++)
        sigaction(i, &action, NULL); /* those that cannot be changed say so */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* As execvp does: what is not there or not allowed is passed over, but remembered. */
static void execute(const struct launch *l)
{
    bool denied = false;
    errno = ENOENT;
    for (size_t i = 0; i < l->files.count; i++) {
        execve(l->files.items[i], l->argv, l->env);
        if (errno == EACCES)
            denied = true;
        else if (errno != ENOENT && errno != ENOTDIR)
            return;
    }
    if (denied)
        errno = EACCES;
}

static void run_child(struct launch *l)
{
    const struct child_options *o = l->options;
    arrange_descriptors(l);
    if (o->new_session && setsid() < 0)
        give_up(ERROR_FD, STEP_SESSION);
    if (o->controlling_terminal && ioctl(0, TIOCSCTTY, 0) != 0)
        give_up(ERROR_FD, STEP_TERMINAL);
    if (o->root != NULL && (chroot(o->root) != 0 || chdir("/") != 0))
        give_up(ERROR_FD, STEP_ROOT);
    if (o->cwd != NULL && chdir(o->cwd) != 0)
        give_up(ERROR_FD, STEP_DIRECTORY);
    reset_signals();
    execute(l);
    give_up(ERROR_FD, STEP_EXEC);
}

/* ---- preparing ---- */

static const char *path_of(const struct child_options *o)
{
    for (const char *const *item = o->env; item != NULL && *item != NULL; item++)
        if (strncmp(*item, "PATH=", 5) == 0)
            return *item + 5;
    const char *path = getenv("PATH");
    return path != NULL ? path : DEFAULT_PATH;
}

/* An empty element of PATH is the current directory. */
static bool find_files(struct launch *l, const struct child_options *o)
{
    if (strchr(o->file, '/') != NULL)
        return texts_add(&l->files, o->file);
    const char *path = path_of(o);
    for (;;) {
        size_t len = strcspn(path, ":");
        if (!texts_addf(&l->files, "%.*s%s%s", (int)len, path, len > 0 ? "/" : "", o->file))
            return false;
        if (path[len] == '\0')
            return true;
        path += len + 1;
    }
}

static int prepare(struct launch *l, const struct child_options *o, struct error *e)
{
    struct rlimit limit;
    *l = (struct launch){ .options = o };
    l->argv = (char *const *)(uintptr_t)o->argv;
    l->env = o->env != NULL ? (char *const *)(uintptr_t)o->env : environ;
    l->most_fds = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < INT_MAX ? (long)limit.rlim_cur : INT_MAX;
    if (o->file[0] == '\0')
        return error_set_errno(e, ENOENT, "cannot run an empty command");
    if (find_files(l, o))
        return 0;
    texts_done(&l->files);
    return error_nomem(e);
}

/* ---- starting ---- */

static int fail_start(const struct child_options *o, const struct report *report, struct error *e)
{
    switch (report->step) {
    case STEP_SESSION:
        return error_set_errno(e, report->os_errno, "cannot run %s: new session", o->file);
    case STEP_TERMINAL:
        return error_set_errno(e, report->os_errno, "cannot run %s: controlling terminal", o->file);
    case STEP_ROOT:
        return error_set_errno(e, report->os_errno, "cannot run %s: root directory %s", o->file, o->root);
    case STEP_DIRECTORY:
        return error_set_errno(e, report->os_errno, "cannot run %s: directory %s", o->file, o->cwd);
    case STEP_DESCRIPTORS:
        return error_set_errno(e, report->os_errno, "cannot run %s: descriptors", o->file);
    default:
        return error_set_errno(e, report->os_errno, "cannot run %s", o->file);
    }
}

/* The program's handlers must not run in the child before its signals are reset. */
static pid_t fork_child(struct launch *l, int error_pipe[2])
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0) {
        close(error_pipe[0]);
        l->error_fd = error_pipe[1];
        run_child(l);
    }
    int error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return pid;
}

static bool read_report(int fd, struct report *report)
{
    ssize_t n;
    do
        n = read(fd, report, sizeof *report);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof *report;
}

static void reap_failed(pid_t pid)
{
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

static int launch(struct launch *l, pid_t *pid, struct error *e)
{
    int error_pipe[2];
    struct report report;
    if (pipe2(error_pipe, O_CLOEXEC) != 0)
        return error_set_errno(e, errno, "cannot run %s", l->options->file);
    *pid = fork_child(l, error_pipe);
    int error = errno;
    close(error_pipe[1]);
    bool failed = *pid > 0 && read_report(error_pipe[0], &report);
    close(error_pipe[0]);
    if (*pid < 0)
        return error_set_errno(e, error, "cannot run %s", l->options->file);
    if (!failed)
        return 0;
    reap_failed(*pid);
    return fail_start(l->options, &report, e);
}

/* ---- its end ---- */

static int reap(pid_t pid, int flags, int *status)
{
    pid_t found;
    do
        found = waitpid(pid, status, flags);
    while (found < 0 && errno == EINTR);
    if (found < 0)
        *status = UNKNOWN_STATUS;
    return found != 0; /* 0 = it has not ended */
}

static void free_now(struct child *c)
{
    list_remove(&c->parked.link);
    mem_free(c);
}

static void poll_closed(uv_handle_t *handle)
{
    free_now(handle->data);
}

static void close_pidfd(struct child *c)
{
    if (c->pidfd < 0)
        return;
    uv_poll_stop(&c->poll);
    close(c->pidfd);
    c->pidfd = -1;
}

static void dispose(struct child *c)
{
    close_pidfd(c);
    if (c->has_handle)
        uv_close((uv_handle_t *)&c->poll, poll_closed);
    else
        free_now(c);
}

/* exited may free the child: what it says is read before. */
static void report_end(struct child *c, int status)
{
    c->reaped = true;
    c->watcher = NULL;
    close_pidfd(c);
    if (c->abandoned)
        dispose(c);
    else
        c->exited(c->user, status);
}

static void pidfd_ready(uv_poll_t *handle, int poll_status, int events)
{
    struct child *c = handle->data;
    int status = 0;
    (void)poll_status;
    (void)events;
    if (reap(c->pid, WNOHANG, &status))
        report_end(c, status);
}

static void thread_saw_end(struct message *message)
{
    struct watcher *w = LIST_ENTRY(message, struct watcher, message);
    struct child *c = w->child;
    int status = 0;
    reap(w->pid, 0, &status);
    mailbox_unref(w->mailbox);
    mem_free(w);
    if (c == NULL)
        return;
    loop_release(c->loop);
    report_end(c, status);
}

/* The child stays a zombie until the loop's thread reaps it, so that its number cannot go to
 * another process before. */
static void *wait_in_thread(void *arg)
{
    struct watcher *w = arg;
    siginfo_t info;
    int status, rc;
    do
        rc = waitid(P_PID, (id_t)w->pid, &info, WEXITED | WNOWAIT);
    while (rc != 0 && errno == EINTR);
    if (w->mailbox != NULL && mailbox_send(w->mailbox, &w->message))
        return NULL;
    reap(w->pid, 0, &status);
    mailbox_unref(w->mailbox);
    mem_free(w);
    return NULL;
}

static bool start_detached(void *(*fn)(void *arg), void *arg)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&thread, &attributes, fn, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return rc == 0;
}

static struct watcher *start_watcher(pid_t pid, struct child *c, struct mailbox *mailbox)
{
    struct watcher *w = mem_zalloc(sizeof *w);
    if (w == NULL)
        return NULL;
    *w = (struct watcher){ .mailbox = mailbox, .child = c, .pid = pid, .message.run = thread_saw_end };
    list_init(&w->message.link);
    if (mailbox != NULL)
        mailbox_ref(mailbox);
    if (start_detached(wait_in_thread, w))
        return w;
    mailbox_unref(mailbox);
    mem_free(w);
    return NULL;
}

/* The loop ends before a child that nobody holds any more. */
static void abandon(struct parked *parked)
{
    struct child *c = LIST_ENTRY(parked, struct child, parked);
    if (!c->reaped)
        start_watcher(c->pid, NULL, NULL);
    dispose(c);
}

/* ---- public to the layers above ---- */

static int open_pidfd(pid_t pid)
{
#ifdef SYS_pidfd_open
    return avoid_pidfd ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
#else
    (void)pid;
    return -1;
#endif
}

static int watch(struct child *c, struct error *e)
{
    c->pidfd = open_pidfd(c->pid);
    if (c->pidfd >= 0 && uv_poll_init(loop_uv(c->loop), &c->poll, c->pidfd) == 0) {
        c->has_handle = true;
        c->poll.data = c;
        uv_poll_start(&c->poll, UV_READABLE, pidfd_ready);
        return 0;
    }
    if (c->pidfd >= 0)
        close(c->pidfd);
    c->pidfd = -1;
    c->watcher = start_watcher(c->pid, c, c->loop->mailbox);
    if (c->watcher == NULL)
        return error_set(e, SSHIO_ENOMEM, "no thread can be started to wait for a child process");
    loop_hold(c->loop);
    return 0;
}

static void end_unwatched(pid_t pid)
{
    int status;
    kill(pid, SIGKILL);
    reap(pid, 0, &status);
}

int child_start(struct loop *loop, const struct child_options *o, child_exited_fn exited, void *user,
                struct child **child, struct error *e)
{
    struct launch l;
    struct child *c = mem_zalloc(sizeof *c);
    if (c == NULL)
        return error_nomem(e);
    *c = (struct child){ .loop = loop, .exited = exited, .user = user, .pidfd = -1, .parked.abandon = abandon };
    list_init(&c->parked.link);
    int rc = prepare(&l, o, e);
    if (rc == 0) {
        rc = launch(&l, &c->pid, e);
        texts_done(&l.files);
    }
    if (rc == 0 && (rc = watch(c, e)) != 0)
        end_unwatched(c->pid);
    if (rc != 0) {
        mem_free(c);
        return rc;
    }
    *child = c;
    return 0;
}

int child_signal(struct child *c, int signal, bool group)
{
    if (c->reaped)
        return SSHIO_ECLOSED;
    return kill(group ? -c->pid : c->pid, signal) == 0 ? 0 : SSHIO_ESYSTEM;
}

int child_pid(const struct child *c)
{
    return c->pid;
}

/* A child that runs on does not keep the loop alive. */
void child_free(struct child *c)
{
    if (c == NULL)
        return;
    if (c->reaped) {
        dispose(c);
        return;
    }
    c->abandoned = true;
    if (c->watcher != NULL) {
        c->watcher->child = NULL;
        c->watcher = NULL;
        loop_release(c->loop);
        c->reaped = true;
        dispose(c);
        return;
    }
    uv_unref((uv_handle_t *)&c->poll);
    list_append(&c->loop->parked, &c->parked.link);
}
