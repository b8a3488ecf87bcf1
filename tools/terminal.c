/* See terminal.h. What a signal handler does here is only what signal handlers may do. */
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <sshio.h>

#include "talk.h"

static struct termios before;
static volatile sig_atomic_t changed_fd = -1; /* the terminal that is to be given back as in before */
static int flags_before[3];
static volatile sig_atomic_t guarded;
static int status_of_signals;

/* when: TCSADRAIN keeps what was typed ahead, TCSAFLUSH drops it. */
static bool change(int fd, int when, void (*make)(struct termios *t))
{
    static bool registered;
    struct termios t;

    if (tcgetattr(fd, &before) != 0)
        return false;
    if (!registered)
        atexit(terminal_restore);
    registered = true;
    t = before;
    make(&t);
    changed_fd = fd; /* first: a signal may come in between */
    if (tcsetattr(fd, when, &t) == 0)
        return true;
    changed_fd = -1;
    return false;
}

static void make_raw(struct termios *t)
{
    t->c_iflag |= IGNPAR;
    t->c_iflag &= ~(tcflag_t)(ISTRIP | INLCR | IGNCR | ICRNL | IXON | IXANY | IXOFF);
    t->c_lflag &= ~(tcflag_t)(ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHONL | IEXTEN);
    t->c_oflag &= ~(tcflag_t)OPOST;
    t->c_cc[VMIN] = 1;
    t->c_cc[VTIME] = 0;
}

static void make_hidden(struct termios *t)
{
    t->c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    t->c_lflag |= ICANON | ISIG;
}

bool terminal_make_raw(void)
{
    return change(STDIN_FILENO, TCSADRAIN, make_raw);
}

bool terminal_hide_input(int fd)
{
    return change(fd, TCSAFLUSH, make_hidden);
}

void terminal_restore(void)
{
    int fd = changed_fd;
    changed_fd = -1;
    if (fd >= 0)
        tcsetattr(fd, TCSADRAIN, &before);
}

/* Others share these descriptors, and most programs expect to wait on them. */
static void restore_flags(void)
{
    for (int fd = 0; fd < 3; fd++)
        if (flags_before[fd] >= 0)
            fcntl(fd, F_SETFL, flags_before[fd]);
}

static void end_by_signal(int signal)
{
    char text[] = "Killed by signal   .\r\n";
    char *digits = text + sizeof "Killed by signal " - 1;

    terminal_restore();
    restore_flags();
    digits[0] = (char)('0' + signal / 10 % 10);
    digits[1] = (char)('0' + signal % 10);
    if (!talk_is_silenced() && write(STDERR_FILENO, text, sizeof text - 1) < 0)
        _exit(status_of_signals);
    _exit(status_of_signals);
}

/* Before there are other threads, which take this over: the signal is for the one that waits for it. */
static void block_size_changes(void)
{
    sigset_t winch;

    sigemptyset(&winch);
    sigaddset(&winch, SIGWINCH);
    pthread_sigmask(SIG_BLOCK, &winch, NULL);
}

void terminal_guard(int exit_status)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
    struct sigaction action, now;

    status_of_signals = exit_status;
    for (int fd = 0; fd < 3; fd++)
        flags_before[fd] = fcntl(fd, F_GETFL);
    if (!guarded)
        atexit(restore_flags);
    guarded = 1;
    memset(&action, 0, sizeof action);
    action.sa_handler = end_by_signal;
    sigfillset(&action.sa_mask);
    block_size_changes();
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        if (sigaction(signals[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN) /* nohup, and shells with & */
            sigaction(signals[i], &action, NULL);
}

/* ---- its size ---- */

static struct {
    void (*changed)(void *user);
    void *user;
} watcher;

static void tell_change(void *arg)
{
    (void)arg;
    watcher.changed(watcher.user);
}

/* Waits for the signal in a thread of its own, and hands it to the loop. */
static void *wait_for_changes(void *arg)
{
    sigset_t winch;
    int signal;

    (void)arg;
    sigemptyset(&winch);
    sigaddset(&winch, SIGWINCH);
    while (sigwait(&winch, &signal) == 0)
        sshio_post(NULL, tell_change, NULL);
    return NULL;
}

/* A signal that is ignored, as this one is by default, would never become pending. */
static void do_nothing(int signal)
{
    (void)signal;
}

bool terminal_watch_size(void (*changed)(void *user), void *user)
{
    struct sigaction action;
    sigset_t all, old;
    pthread_t thread;

    watcher.changed = changed;
    watcher.user = user;
    memset(&action, 0, sizeof action);
    action.sa_handler = do_nothing;
    sigaction(SIGWINCH, &action, NULL);
    sigfillset(&all); /* the others are for the main thread */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    bool started = pthread_create(&thread, NULL, wait_for_changes, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (started)
        pthread_detach(thread);
    return started;
}
