/* Child processes: what they inherit, how they end, what is said when they cannot be started. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/child.h"
#include "io/last_error.h"
#include "io/loop.h"

#include <cmocka.h>

struct ending {
    bool ended;
    int status;
    unsigned times;
};

static void exited(void *user, int status)
{
    struct ending *ending = user;
    ending->ended = true;
    ending->status = status;
    ending->times++;
}

/* Runs a shell command to its end; its output is what it wrote to a pipe. */
static int run(struct child_options o, const char *command, char *output, size_t size)
{
    const char *const argv[] = { "sh", "-c", command, NULL };
    struct ending ending = { .ended = false };
    struct child *child = NULL;
    int fds[2];
    size_t len = 0;
    ssize_t n;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    o.file = "sh";
    o.argv = argv;
    o.out = fds[1];
    assert_int_equal(child_start(loop_current(), &o, exited, &ending, &child, NULL), 0);
    close(fds[1]);
    while (len + 1 < size && (n = read(fds[0], output + len, size - 1 - len)) > 0)
        len += (size_t)n;
    output[len] = '\0';
    close(fds[0]);
    assert_int_equal(loop_run_until(loop_current(), &ending.ended), 0);
    assert_int_equal(ending.times, 1);
    assert_int_equal(child_signal(child, SIGTERM, false), SSHIO_ECLOSED);
    child_free(child);
    return ending.status;
}

static const struct child_options plain = { .in = -1, .out = -1, .err = 2 };

static void test_exit_status_is_reported(void **state)
{
    (void)state;
    char out[64];
    int status = run(plain, "echo hello; exit 3", out, sizeof out);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
    assert_string_equal(out, "hello\n");
    status = run(plain, "kill -9 $$", out, sizeof out);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

/* X9: nothing but 0, 1 and 2 is open; the descriptor of the directory that ls itself reads comes on
 * top. */
static void test_child_has_three_descriptors(void **state)
{
    (void)state;
    char out[256];
    int extra[] = { open("/dev/null", O_RDONLY), dup(0), open("/", O_RDONLY) };
    run(plain, "cd /proc/self/fd && for f in *; do test -e $f && echo $f; done", out, sizeof out);
    assert_string_equal(out, "0\n1\n2\n");
    for (int i = 0; i < 3; i++)
        close(extra[i]);
}

/* The numbers of the given descriptors may be those that they are put on. */
static void test_descriptors_may_be_swapped(void **state)
{
    (void)state;
    const char *const argv[] = { "sh", "-c", "read line; echo got $line >&2; echo out", NULL };
    int to[2], from[2], errors[2];
    char text[32] = "";
    assert_int_equal(pipe(to), 0);
    assert_int_equal(pipe(from), 0);
    assert_int_equal(pipe(errors), 0);
    int kept[3] = { dup(0), dup(1), dup(2) };
    dup2(from[1], 0);   /* as its output */
    dup2(errors[1], 1); /* as its error output */
    dup2(to[0], 2);     /* as its input */
    struct ending ending = { .ended = false };
    struct child *child = NULL;
    int rc = child_start(loop_current(),
                         &(struct child_options){ .file = "/bin/sh", .argv = argv, .in = 2, .out = 0, .err = 1 },
                         exited, &ending, &child, NULL);
    for (int i = 0; i < 3; i++) {
        dup2(kept[i], i);
        close(kept[i]);
    }
    assert_int_equal(rc, 0);
    close(to[0]);
    close(from[1]);
    close(errors[1]);
    assert_int_equal(write(to[1], "x\n", 2), 2);
    close(to[1]);
    assert_int_equal(loop_run_until(loop_current(), &ending.ended), 0);
    assert_int_equal(read(from[0], text, sizeof text), 4);
    assert_memory_equal(text, "out\n", 4);
    assert_int_equal(read(errors[0], text, sizeof text), 6);
    assert_memory_equal(text, "got x\n", 6);
    close(from[0]);
    close(errors[0]);
    child_free(child);
}

static void test_environment_and_directory_are_given(void **state)
{
    (void)state;
    char out[256];
    struct child_options o = plain;
    const char *const env[] = { "PATH=/nowhere::/usr/bin:/bin", "ANSWER=42", NULL };
    o.env = env;
    o.cwd = "/";
    run(o, "echo $ANSWER $HOME; pwd", out, sizeof out);
    assert_string_equal(out, "42\n/\n");
}

/* 32 and 33 belong to the C library, which lets nobody change them: they stay as this program was started with. */
#define LIBC_SIGNALS (1ul << 31 | 1ul << 32)

static void test_signals_are_reset(void **state)
{
    (void)state;
    char out[256];
    sigset_t set, before;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, &before);
    void (*old)(int) = signal(SIGPIPE, SIG_IGN);
    run(plain, "grep -E '^Sig(Blk|Ign)' /proc/self/status", out, sizeof out);
    signal(SIGPIPE, old);
    sigprocmask(SIG_SETMASK, &before, NULL);
    unsigned long blocked = 1, ignored = 1;
    assert_int_equal(sscanf(out, "SigBlk: %lx SigIgn: %lx", &blocked, &ignored), 2);
    assert_int_equal(blocked & ~LIBC_SIGNALS, 0);
    assert_int_equal(ignored & ~LIBC_SIGNALS, 0);
}

static void test_new_session_leads_a_group(void **state)
{
    (void)state;
    char out[64];
    struct child_options o = plain;
    o.new_session = true;
    /* pid, process group and session of the shell */
    run(o,
        "read pid comm state ppid pgrp session rest < /proc/$$/stat; test $pid = $pgrp && test "
        "$pid = $session && echo yes",
        out, sizeof out);
    assert_string_equal(out, "yes\n");
}

static void test_terminal_becomes_the_controlling_one(void **state)
{
    (void)state;
    char out[64];
    int master, slave;
    assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
    struct child_options o = plain;
    o.in = slave;
    o.new_session = o.controlling_terminal = true;
    int status = run(o, "test -t 0 && : < /dev/tty && echo tty", out, sizeof out);
    assert_int_equal(status, 0);
    assert_string_equal(out, "tty\n");
    close(slave);
    close(master);
}

static void test_failing_start_says_why(void **state)
{
    (void)state;
    const char *const argv[] = { "x", NULL };
    static const struct {
        struct child_options options;
        int os_errno;
        const char *message;
    } cases[] = {
        { { .file = "/no/such/program" }, ENOENT, "cannot run /no/such/program: No such file or directory" },
        { { .file = "no-such-program" }, ENOENT, "cannot run no-such-program: No such file or directory" },
        { { .file = "" }, ENOENT, "cannot run an empty command: No such file or directory" },
        { { .file = "/dev/null" }, EACCES, "cannot run /dev/null: Permission denied" },
        { { .file = "sh", .cwd = "/no/where" },
          ENOENT,
          "cannot run sh: directory /no/where: No such file or directory" },
        { { .file = "sh", .new_session = true, .controlling_terminal = true },
          ENOTTY,
          "cannot run sh: controlling terminal: Inappropriate ioctl for device" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct child_options o = cases[i].options;
        struct child *child = NULL;
        struct error e;
        o.argv = argv;
        o.in = o.out = o.err = -1;
        error_init(&e);
        assert_int_equal(child_start(loop_current(), &o, exited, NULL, &child, &e), SSHIO_ESYSTEM);
        assert_int_equal(e.pub.os_errno, cases[i].os_errno);
        assert_string_equal(error_message(&e), cases[i].message);
        assert_null(child);
        error_clear(&e);
    }
}

static struct child *start_sleeper(struct ending *ending)
{
    const char *const argv[] = { "sleep", "1000", NULL };
    struct child_options o = plain;
    struct child *child = NULL;
    o.file = "sleep";
    o.argv = argv;
    o.new_session = true;
    assert_int_equal(child_start(loop_current(), &o, exited, ending, &child, NULL), 0);
    return child;
}

static void test_signals_reach_the_group(void **state)
{
    (void)state;
    struct ending ending = { .ended = false };
    struct child *child = start_sleeper(&ending);
    assert_true(child_pid(child) > 0);
    assert_int_equal(child_signal(child, SIGTERM, true), 0);
    assert_int_equal(loop_run_until(loop_current(), &ending.ended), 0);
    assert_true(WIFSIGNALED(ending.status));
    assert_int_equal(WTERMSIG(ending.status), SIGTERM);
    child_free(child);
}

/* Given up before its end: nothing is told, but it does not stay a zombie. */
static void test_freed_child_is_reaped(void **state)
{
    (void)state;
    struct ending ending = { .ended = false };
    struct child *child = start_sleeper(&ending);
    int pid = child_pid(child);
    child_free(child);
    assert_int_equal(kill(pid, SIGKILL), 0);
    while (kill(pid, 0) == 0)
        assert_int_equal(sshio_sleep(0), 0);
    assert_int_equal(errno, ESRCH);
    assert_int_equal(ending.times, 0);
    child_free(NULL);
}

static int use_thread(void **state)
{
    (void)state;
    child_avoid_pidfd(true);
    return 0;
}

static int use_pidfd(void **state)
{
    (void)state;
    child_avoid_pidfd(false);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exit_status_is_reported),
        cmocka_unit_test(test_child_has_three_descriptors),
        cmocka_unit_test(test_descriptors_may_be_swapped),
        cmocka_unit_test(test_environment_and_directory_are_given),
        cmocka_unit_test(test_signals_are_reset),
        cmocka_unit_test(test_new_session_leads_a_group),
        cmocka_unit_test(test_terminal_becomes_the_controlling_one),
        cmocka_unit_test(test_failing_start_says_why),
        cmocka_unit_test(test_signals_reach_the_group),
        cmocka_unit_test(test_freed_child_is_reaped),
        cmocka_unit_test_setup_teardown(test_exit_status_is_reported, use_thread, use_pidfd),
        cmocka_unit_test_setup_teardown(test_signals_reach_the_group, use_thread, use_pidfd),
        cmocka_unit_test_setup_teardown(test_freed_child_is_reaped, use_thread, use_pidfd),
    };
    return cmocka_run_group_tests_name("child", tests, NULL, NULL);
}
