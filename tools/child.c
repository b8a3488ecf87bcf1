/* See child.h. */
#include "child.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sshio.h>

#include "talk.h"
#include "terminal.h"

extern char **environ;

struct child {
    char *const *argv;
    int status;
};

/* The signals that we keep for ourselves are the child's to have. end: of its stdin and stdout; -1 = ours. */
static int spawn(char *const argv[], int end, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, defaults;

    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawn_file_actions_init(&actions);
    if (end >= 0) {
        posix_spawn_file_actions_adddup2(&actions, end, STDIN_FILENO);
        posix_spawn_file_actions_adddup2(&actions, end, STDOUT_FILENO);
    }
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int rc = posix_spawnp(pid, argv[0], &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

static int await(pid_t pid, int *status)
{
    pid_t got;
    do
        got = waitpid(pid, status, 0);
    while (got < 0 && errno == EINTR);
    return got == pid ? 0 : SSHIO_ESYSTEM;
}

static int run(void *arg)
{
    struct child *child = arg;
    pid_t pid;
    int rc = spawn(child->argv, -1, &pid);

    if (rc == 0)
        return await(pid, &child->status);
    say("Couldn't execute \"%s\": %s", child->argv[0], strerror(rc));
    return SSHIO_ESYSTEM;
}

int child_run(char *const argv[], int *status)
{
    struct child child = { .argv = argv };

    fflush(stdout);
    int rc = sshio_offload(run, &child);
    *status = child.status;
    return rc;
}

/* ---- beside us ---- */

/* What is ignored here is ignored there. */
static int spawn_beside(char *const argv[], bool ignores_interrupts, int end, pid_t *pid)
{
    struct sigaction now;

    if (!ignores_interrupts || sigaction(SIGINT, NULL, &now) != 0 || SIG_IGN == now.sa_handler)
        return spawn(argv, end, pid);
    signal(SIGINT, SIG_IGN);
    int rc = spawn(argv, end, pid);
    signal(SIGINT, SIG_DFL);
    return rc;
}

bool child_start(char *const argv[], bool ignores_interrupts, pid_t *pid, int *fd)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        say("socketpair: %s", strerror(errno));
        return false;
    }
    int rc = spawn_beside(argv, ignores_interrupts, ends[1], pid);
    close(ends[1]);
    if (rc != 0) {
        say("exec: %s: %s", argv[0], strerror(rc));
        close(ends[0]);
        return false;
    }
    terminal_follow(*pid);
    *fd = ends[0];
    return true;
}

struct waiting {
    pid_t pid;
    int status;
};

static int wait_for(void *arg)
{
    struct waiting *waiting = arg;
    return await(waiting->pid, &waiting->status);
}

bool child_wait(pid_t pid, bool wait, int *status)
{
    struct waiting waiting = { .pid = pid };

    if (wait)
        sshio_offload(wait_for, &waiting);
    else if (waitpid(pid, &waiting.status, WNOHANG) != pid)
        return false;
    terminal_unfollow(pid);
    *status = waiting.status;
    return true;
}
