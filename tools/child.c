/* See child.h. */
#include "child.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <sshio.h>

#include "talk.h"

extern char **environ;

struct child {
    char *const *argv;
    int status;
};

/* The signals that we keep for ourselves are the child's to have. */
static int spawn(char *const argv[], pid_t *pid)
{
    posix_spawnattr_t attributes;
    sigset_t none, defaults;

    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int rc = posix_spawnp(pid, argv[0], NULL, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    if (rc != 0)
        say("Couldn't execute \"%s\": %s", argv[0], strerror(rc));
    return rc == 0 ? 0 : SSHIO_ESYSTEM;
}

static int run(void *arg)
{
    struct child *child = arg;
    pid_t pid, got;

    if (spawn(child->argv, &pid) != 0)
        return SSHIO_ESYSTEM;
    do
        got = waitpid(pid, &child->status, 0);
    while (got < 0 && errno == EINTR);
    return got == pid ? 0 : SSHIO_ESYSTEM;
}

int child_run(char *const argv[], int *status)
{
    struct child child = { .argv = argv };

    fflush(stdout);
    int rc = sshio_offload(run, &child);
    *status = child.status;
    return rc;
}
