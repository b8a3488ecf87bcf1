/* See terminal.h. */
#include "terminal.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <sshio.h>

#include "talk.h"

static struct termios before;
static volatile sig_atomic_t changed_fd = -1; /* the terminal that is to be given back as in before */
static struct termios ours;                   /* as it was made */
static int suspended_fd = -1;                 /* the terminal that was given back for a while */
static int flags_before[3];
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
    ours = t;
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

static void make_nothing(struct termios *t)
{
    (void)t;
}

bool terminal_keep(void)
{
    return change(STDIN_FILENO, TCSADRAIN, make_nothing);
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

/* ---- children ---- */

#define FOLLOWERS_MAX 64 /* others end with their stdin */

static _Atomic pid_t followers[FOLLOWERS_MAX]; /* 0 = free */

static void replace_follower(pid_t old, pid_t new)
{
    for (size_t i = 0; i < FOLLOWERS_MAX; i++) {
        pid_t expected = old;
        if (atomic_compare_exchange_strong(&followers[i], &expected, new))
            return;
    }
}

void terminal_follow(pid_t pid)
{
    replace_follower(0, pid);
}

void terminal_unfollow(pid_t pid)
{
    replace_follower(pid, 0);
}

static void tell_followers(int signal)
{
    for (size_t i = 0; i < FOLLOWERS_MAX; i++) {
        pid_t pid = atomic_load(&followers[i]);
        if (pid > 0)
            kill(pid, signal);
    }
}

/* ---- signals ---- */

static void end_by_signal(int signal)
{
    char text[] = "Killed by signal   .\r\n";
    char *digits = text + sizeof "Killed by signal " - 1;

    tell_followers(SIGTERM);
    terminal_restore();
    restore_flags();
    digits[0] = (char)('0' + signal / 10 % 10);
    digits[1] = (char)('0' + signal % 10);
    if (!talk_is_silenced() && write(STDERR_FILENO, text, sizeof text - 1) < 0)
        _exit(status_of_signals);
    _exit(status_of_signals);
}

struct watcher {
    void (*told)(void *user);
    void *user;
};
static struct watcher of_size, of_interrupt;
static volatile sig_atomic_t interrupts_are_watched;

static void tell(void *arg)
{
    const struct watcher *watcher = arg;
    if (watcher->told != NULL)
        watcher->told(watcher->user);
}

/* With the terminal as it was; comes back when the program is continued. */
static void suspend(void)
{
    sigset_t stop;
    int flags[3];

    for (int fd = 0; fd < 3; fd++)
        flags[fd] = fcntl(fd, F_GETFL);
    suspended_fd = changed_fd;
    if (changed_fd >= 0)
        tcgetattr(changed_fd, &ours); /* an editor may have changed it since */
    terminal_restore();
    restore_flags();
    tell_followers(SIGTSTP);
    sigemptyset(&stop);
    sigaddset(&stop, SIGTSTP);
    kill(getpid(), SIGTSTP);
    pthread_sigmask(SIG_UNBLOCK, &stop, NULL); /* here it stops */
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
    tell_followers(SIGCONT);
    for (int fd = 0; fd < 3; fd++)
        if (flags[fd] >= 0)
            fcntl(fd, F_SETFL, flags[fd]);
}

/* Whoever had the terminal meanwhile may have changed it. */
static void go_on(void)
{
    int fd = suspended_fd >= 0 ? suspended_fd : changed_fd;

    if (fd < 0)
        return;
    if (suspended_fd >= 0)
        tcgetattr(fd, &before);
    suspended_fd = -1;
    changed_fd = fd;
    tcsetattr(fd, TCSADRAIN, &ours); /* in the background it waits for the foreground */
}

/* All signals come to this thread, which waits for them: nothing runs in a handler. */
static void *wait_for_signals(void *arg)
{
    const sigset_t *signals = arg;
    int signal;

    while (sigwait(signals, &signal) == 0) {
        bool is_watched = signal == SIGWINCH || (signal == SIGINT && interrupts_are_watched != 0);
        if (signal == SIGTSTP)
            suspend();
        else if (signal == SIGCONT)
            go_on();
        else if (!is_watched)
            end_by_signal(signal);
        sshio_post(NULL, tell, signal == SIGINT ? &of_interrupt : &of_size);
    }
    return NULL;
}

/* Blocked before there are other threads, which take the mask over. What nohup, and shells with &, have ignored stays
 * so. */
static void block_signals(sigset_t *signals)
{
    static const int kept[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
    struct sigaction now;

    sigemptyset(signals);
    sigaddset(signals, SIGWINCH);
    sigaddset(signals, SIGCONT);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        if (sigaction(kept[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            sigaddset(signals, kept[i]);
    pthread_sigmask(SIG_BLOCK, signals, NULL);
}

static void keep_flags(void)
{
    for (int fd = 0; fd < 3; fd++)
        flags_before[fd] = fcntl(fd, F_GETFL);
    atexit(restore_flags);
}

void terminal_guard(int exit_status)
{
    static sigset_t signals;
    pthread_t thread;

    status_of_signals = exit_status;
    keep_flags();
    block_signals(&signals);
    if (pthread_create(&thread, NULL, wait_for_signals, &signals) == 0)
        pthread_detach(thread);
    else
        pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
}

void terminal_watch_size(void (*changed)(void *user), void *user)
{
    of_size = (struct watcher){ changed, user };
}

void terminal_on_interrupt(void (*interrupted)(void *user), void *user)
{
    of_interrupt = (struct watcher){ interrupted, user };
    interrupts_are_watched = 1;
}

int terminal_columns(int fd)
{
    sshio_term_size size;
    return sshio_get_terminal(fd, &size, NULL, 0) == 0 && size.width > 0 ? size.width : 80;
}
