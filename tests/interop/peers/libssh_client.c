/* A client on libssh: one command with this program's own streams, many sessions at once, or files.
 * libssh_client PORT USER IDENTITY KNOWN_HOSTS REKEY_BYTES SESSIONS COMMAND; SESSIONS 0 runs COMMAND once.
 * libssh_client PORT USER IDENTITY KNOWN_HOSTS REKEY_BYTES files WORDS; see libssh_files.h. */
#include "libssh_files.h"

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_SESSIONS 200

struct args {
    int port;
    const char *user, *identity, *known_hosts;
    uint64_t rekey;
    int sessions;
    const char *command;
};

static void fail(ssh_session session, const char *what)
{
    fprintf(stderr, "%s: %s\n", what, session != NULL ? ssh_get_error(session) : "out of memory");
    exit(125);
}

static ssh_session connect_to(const struct args *args)
{
    ssh_session session = ssh_new();
    ssh_key key = NULL;

    if (session == NULL)
        fail(session, "new");
    ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, &(int){ 0 });
    ssh_options_set(session, SSH_OPTIONS_HOST, "127.0.0.1");
    ssh_options_set(session, SSH_OPTIONS_PORT, &args->port);
    ssh_options_set(session, SSH_OPTIONS_USER, args->user);
    ssh_options_set(session, SSH_OPTIONS_KNOWNHOSTS, args->known_hosts);
    ssh_options_set(session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null");
    if (args->rekey != 0)
        ssh_options_set(session, SSH_OPTIONS_REKEY_DATA, &args->rekey);
    if (ssh_connect(session) != SSH_OK)
        fail(session, "connect");
    if (ssh_session_is_known_server(session) != SSH_KNOWN_HOSTS_OK)
        fail(session, "host key");
    if (ssh_pki_import_privkey_file(args->identity, NULL, NULL, NULL, &key) != SSH_OK)
        fail(session, "key file");
    if (ssh_userauth_publickey(session, NULL, key) != SSH_AUTH_SUCCESS)
        fail(session, "login");
    ssh_key_free(key);
    return session;
}

static ssh_channel open_channel(ssh_session session, const char *command)
{
    ssh_channel channel = ssh_channel_new(session);

    if (channel == NULL || ssh_channel_open_session(channel) != SSH_OK)
        fail(session, "open session");
    if (ssh_channel_request_exec(channel, command) != SSH_OK)
        fail(session, "exec");
    return channel;
}

static void write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t done = write(fd, data, len);
        if (done <= 0)
            exit(126);
        data += done;
        len -= (size_t)done;
    }
}

/* Moves what is there from one stream of the channel to a descriptor; false at its end. */
static void drain(ssh_session session, ssh_channel channel, int is_stderr)
{
    static char buffer[65536];
    int got;

    while ((got = ssh_channel_read_nonblocking(channel, buffer, sizeof buffer, is_stderr)) > 0)
        write_all(is_stderr ? STDERR_FILENO : STDOUT_FILENO, buffer, (size_t)got);
    if (got == SSH_ERROR)
        fail(session, "read");
}

/* Sends some input when the window is open; false after the end of input. */
static int feed(ssh_session session, ssh_channel channel)
{
    static char buffer[32768];
    uint32_t window = ssh_channel_window_size(channel);
    struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };

    if (window == 0 || poll(&input, 1, 0) <= 0)
        return 1;
    ssize_t got = read(STDIN_FILENO, buffer, window < sizeof buffer ? window : sizeof buffer);
    if (got <= 0) {
        ssh_channel_send_eof(channel);
        return 0;
    }
    if (ssh_channel_write(channel, buffer, (uint32_t)got) != (int)got)
        fail(session, "write");
    return 1;
}

static int run_command(ssh_session session, const char *command)
{
    ssh_channel channel = open_channel(session, command);
    int feeding = 1;

    while (!ssh_channel_is_eof(channel) && !ssh_channel_is_closed(channel)) {
        if (feeding)
            feeding = feed(session, channel);
        drain(session, channel, 0);
        drain(session, channel, 1);
        struct pollfd fds[2] = { { .fd = ssh_get_fd(session), .events = POLLIN },
                                 { .fd = STDIN_FILENO, .events = POLLIN } };
        if (!feeding || ssh_channel_window_size(channel) == 0)
            poll(fds, 1, 50);
        else
            poll(fds, 2, 50);
    }
    drain(session, channel, 0);
    drain(session, channel, 1);
    int status = ssh_channel_get_exit_status(channel);
    ssh_channel_close(channel);
    ssh_channel_free(channel);
    return status;
}

static void expect_line(ssh_session session, ssh_channel channel, const char *line)
{
    char got[64] = "";
    size_t len = 0;
    int part;

    while (len < sizeof got - 1 &&
           (part = ssh_channel_read(channel, got + len, (uint32_t)(sizeof got - 1 - len), 0)) > 0)
        len += (size_t)part;
    if (strcmp(got, line) != 0) {
        fprintf(stderr, "expected %sgot %s\n", line, got);
        fail(session, "echo");
    }
}

/* All are opened before the first one is written to. */
static void run_sessions(ssh_session session, int count)
{
    ssh_channel channels[MAX_SESSIONS];
    char line[32];

    for (int i = 0; i < count; i++)
        channels[i] = open_channel(session, "cat");
    for (int i = 0; i < count; i++) {
        snprintf(line, sizeof line, "line %d\n", i);
        if (ssh_channel_write(channels[i], line, (uint32_t)strlen(line)) < 0)
            fail(session, "write");
        ssh_channel_send_eof(channels[i]);
    }
    for (int i = 0; i < count; i++) {
        snprintf(line, sizeof line, "line %d\n", i);
        expect_line(session, channels[i], line);
        if (ssh_channel_get_exit_status(channels[i]) != 0)
            fail(session, "exit status");
        ssh_channel_free(channels[i]);
    }
    printf("sessions %d\n", count);
}

int main(int argc, char **argv)
{
    if (argc < 8)
        return 124;
    struct args args = {
        atoi(argv[1]), argv[2], argv[3], argv[4], strtoull(argv[5], NULL, 10), atoi(argv[6]), argv[7]
    };
    ssh_session session = connect_to(&args);
    int status = 0;

    if (strcmp(argv[6], "files") == 0)
        do_files(session, argv + 7);
    else if (args.sessions > 0 && args.sessions <= MAX_SESSIONS)
        run_sessions(session, args.sessions);
    else
        status = run_command(session, args.command);
    ssh_disconnect(session);
    ssh_free(session);
    return status;
}
