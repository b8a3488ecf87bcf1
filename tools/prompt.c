/* See prompt.h. The reading is done on a worker thread, so that connections go on meanwhile. */
#include "prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include "talk.h"
#include "terminal.h"

#define ANSWER_SIZE 1024
#define PROMPT_SIZE 4096
#define ASKPASS_DEFAULT "/usr/bin/ssh-askpass"

extern char **environ;

struct question {
    const char *text;
    bool echo;
    char answer[ANSWER_SIZE];
    bool answered;
};

static void wipe(void *data, size_t len)
{
    volatile char *p = data;
    while (len-- > 0)
        *p++ = 0;
}

static ssize_t read_byte(int fd, char *byte)
{
    ssize_t n;
    do
        n = read(fd, byte, 1);
    while (n < 0 && errno == EINTR);
    return n;
}

/* One line; what does not fit is dropped. False: there is none. */
static bool read_line(int fd, char *line, size_t size)
{
    size_t len = 0;
    ssize_t n;
    char c;

    while ((n = read_byte(fd, &c)) == 1 && c != '\n' && c != '\r')
        if (len + 1 < size)
            line[len++] = c;
    line[len] = '\0';
    return n == 1 || len != 0;
}

static void write_text(int fd, const char *text)
{
    size_t len = strlen(text);
    while (len != 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno != EINTR)
            return;
        text += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
}

static void ask_on_terminal(struct question *q, int fd)
{
    bool hidden = !q->echo && terminal_hide_input(fd);

    write_text(fd, q->text);
    q->answered = read_line(fd, q->answer, sizeof q->answer);
    if (hidden) {
        terminal_restore();
        write_text(fd, "\n");
    }
}

/* ---- the program that asks ---- */

static bool spawn_askpass(const char *program, const char *text, int out, pid_t *pid)
{
    char *const argv[] = { (char *)program, (char *)text, NULL };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, defaults;

    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int rc = posix_spawnp(pid, program, &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return rc == 0;
}

static bool await_success(pid_t pid)
{
    int status;
    pid_t got;

    do
        got = waitpid(pid, &status, 0);
    while (got < 0 && errno == EINTR);
    return got == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void ask_by_program(struct question *q)
{
    const char *program = getenv("SSH_ASKPASS");
    int ends[2];
    pid_t pid;

    if (program == NULL || program[0] == '\0')
        program = ASKPASS_DEFAULT;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return;
    bool started = spawn_askpass(program, q->text, ends[1], &pid);
    close(ends[1]);
    bool got = started && read_line(ends[0], q->answer, sizeof q->answer);
    close(ends[0]);
    q->answered = started && await_success(pid) && got;
}

/* ---- who is asked ---- */

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0';
}

static int ask(void *arg)
{
    struct question *q = arg;
    const char *require = getenv("SSH_ASKPASS_REQUIRE");
    bool may_ask_program = is_set("DISPLAY") || is_set("WAYLAND_DISPLAY");
    bool must_ask_program = false;

    if (require != NULL && strcasecmp(require, "force") == 0)
        must_ask_program = may_ask_program = true;
    else if (require != NULL && strcasecmp(require, "prefer") == 0)
        must_ask_program = may_ask_program;
    else if (require != NULL && strcasecmp(require, "never") == 0)
        may_ask_program = false;
    int fd = must_ask_program ? -1 : open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd >= 0) {
        ask_on_terminal(q, fd);
        close(fd);
    } else if (may_ask_program) {
        ask_by_program(q);
    }
    return 0;
}

char *prompt_read(const char *text, bool echo)
{
    char shown[PROMPT_SIZE];
    struct question *q = calloc(1, sizeof *q);

    if (q == NULL)
        return NULL;
    talk_escape(text, shown, sizeof shown);
    q->text = shown;
    q->echo = echo;
    char *answer = sshio_offload(ask, q) == 0 && q->answered ? strdup(q->answer) : NULL;
    wipe(q->answer, sizeof q->answer);
    free(q);
    return answer;
}

void prompt_free(char *answer)
{
    if (answer == NULL)
        return;
    wipe(answer, strlen(answer));
    free(answer);
}
