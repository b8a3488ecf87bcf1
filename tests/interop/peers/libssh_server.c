/* A server on libssh: runs commands by sh, one session a connection, for whoever has the key.
 *
 *     libssh_server HOST_KEY PUBLIC_KEY
 *
 * Prints "listening PORT", then serves until it is ended; each connection has a process of its own. */
#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct guest {
    ssh_key key; /* who has it is let in */
    ssh_event event;
    ssh_channel channel;
    pid_t program;
    int in, out, err; /* its streams, -1 = closed */
    bool out_ended, err_ended;
};

static void fail(const char *what, void *where)
{
    fprintf(stderr, "%s: %s\n", what, where != NULL ? ssh_get_error(where) : "failed");
    exit(1);
}

/* ---- the program ---- */

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static int pass_output(socket_t fd, int revents, void *user)
{
    struct guest *guest = user;
    char buffer[16384];
    ssize_t got = (revents & (POLLIN | POLLHUP)) != 0 ? read(fd, buffer, sizeof buffer) : -1;

    if (got > 0)
        return fd == guest->err ? ssh_channel_write_stderr(guest->channel, buffer, (uint32_t)got)
                                : ssh_channel_write(guest->channel, buffer, (uint32_t)got);
    *(fd == guest->err ? &guest->err_ended : &guest->out_ended) = true;
    return 0;
}

/* Not inside the callback, which runs over the list that this changes. */
static void forget(struct guest *guest, int *fd, bool ended)
{
    if (!ended || *fd < 0)
        return;
    ssh_event_remove_fd(guest->event, *fd);
    close_end(fd);
}

static int start(ssh_session session, ssh_channel channel, const char *command, void *user)
{
    struct guest *guest = user;
    int in[2], out[2], err[2];

    (void)session, (void)channel;
    if (guest->program > 0 || pipe(in) != 0 || pipe(out) != 0 || pipe(err) != 0)
        return SSH_ERROR;
    guest->program = fork();
    if (guest->program == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        dup2(err[1], 2);
        for (int fd = 3; fd < 64; fd++)
            close(fd);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    close(err[1]);
    guest->in = in[1];
    guest->out = out[0];
    guest->err = err[0];
    ssh_event_add_fd(guest->event, guest->out, POLLIN, pass_output, guest);
    ssh_event_add_fd(guest->event, guest->err, POLLIN, pass_output, guest);
    return guest->program > 0 ? SSH_OK : SSH_ERROR;
}

static int take_input(ssh_session session, ssh_channel channel, void *data, uint32_t len, int is_stderr, void *user)
{
    struct guest *guest = user;

    (void)session, (void)channel, (void)is_stderr;
    if (guest->in >= 0 && write(guest->in, data, len) < 0)
        close_end(&guest->in);
    return (int)len;
}

static void end_input(ssh_session session, ssh_channel channel, void *user)
{
    (void)session, (void)channel;
    close_end(&((struct guest *)user)->in);
}

/* ---- the connection ---- */

static int check_key(ssh_session session, const char *name, struct ssh_key_struct *key, char state, void *user)
{
    struct guest *guest = user;

    (void)session, (void)name;
    if (ssh_key_cmp(key, guest->key, SSH_KEY_CMP_PUBLIC) != 0)
        return SSH_AUTH_DENIED;
    return state == SSH_PUBLICKEY_STATE_NONE || state == SSH_PUBLICKEY_STATE_VALID ? SSH_AUTH_SUCCESS : SSH_AUTH_DENIED;
}

static ssh_channel open_session(ssh_session session, void *user)
{
    static struct ssh_channel_callbacks_struct callbacks = {
        .channel_exec_request_function = start,
        .channel_data_function = take_input,
        .channel_eof_function = end_input,
    };
    struct guest *guest = user;

    if (guest->channel != NULL)
        return NULL;
    callbacks.userdata = guest;
    ssh_callbacks_init(&callbacks);
    guest->channel = ssh_channel_new(session);
    ssh_set_channel_callbacks(guest->channel, &callbacks);
    return guest->channel;
}

static bool is_over(const struct guest *guest, ssh_session session)
{
    return !ssh_is_connected(session) || (guest->program > 0 && guest->out < 0 && guest->err < 0);
}

static void serve(ssh_session session, const char *public_key)
{
    static struct ssh_server_callbacks_struct callbacks = {
        .auth_pubkey_function = check_key,
        .channel_open_request_session_function = open_session,
    };
    struct guest guest = { .in = -1, .out = -1, .err = -1 };
    int status = 0;

    if (ssh_pki_import_pubkey_file(public_key, &guest.key) != SSH_OK)
        fail("public key", NULL);
    callbacks.userdata = &guest;
    ssh_callbacks_init(&callbacks);
    ssh_set_server_callbacks(session, &callbacks);
    ssh_set_auth_methods(session, SSH_AUTH_METHOD_PUBLICKEY);
    if (ssh_handle_key_exchange(session) != SSH_OK)
        fail("key exchange", session);
    guest.event = ssh_event_new();
    ssh_event_add_session(guest.event, session);
    while (!is_over(&guest, session) && ssh_event_dopoll(guest.event, -1) != SSH_ERROR) {
        forget(&guest, &guest.out, guest.out_ended);
        forget(&guest, &guest.err, guest.err_ended);
    }
    if (guest.program > 0) {
        close_end(&guest.in);
        waitpid(guest.program, &status, 0);
    }
    if (guest.channel != NULL && ssh_is_connected(session)) {
        if (WIFEXITED(status))
            ssh_channel_request_send_exit_status(guest.channel, WEXITSTATUS(status));
        ssh_channel_send_eof(guest.channel);
        ssh_channel_close(guest.channel);
    }
    while (ssh_is_connected(session) && ssh_event_dopoll(guest.event, 1000) != SSH_ERROR)
        continue;
    exit(0);
}

/* ---- the listener ---- */

static int port_of(ssh_bind bind)
{
    struct sockaddr_in address;
    socklen_t len = sizeof address;

    if (getsockname(ssh_bind_get_fd(bind), (struct sockaddr *)&address, &len) != 0)
        fail("getsockname", NULL);
    return ntohs(address.sin_port);
}

int main(int argc, char **argv)
{
    ssh_bind bind = ssh_bind_new();

    if (argc != 3 || bind == NULL)
        return 2;
    signal(SIGCHLD, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    ssh_bind_options_set(bind, SSH_BIND_OPTIONS_PROCESS_CONFIG, &(int){ 0 });
    ssh_bind_options_set(bind, SSH_BIND_OPTIONS_BINDADDR, "127.0.0.1");
    ssh_bind_options_set(bind, SSH_BIND_OPTIONS_BINDPORT, &(unsigned){ 0 });
    ssh_bind_options_set(bind, SSH_BIND_OPTIONS_HOSTKEY, argv[1]);
    if (ssh_bind_listen(bind) != SSH_OK)
        fail("listen", bind);
    printf("listening %d\n", port_of(bind));
    fflush(stdout);
    for (;;) {
        ssh_session session = ssh_new();
        if (session == NULL || ssh_bind_accept(bind, session) != SSH_OK)
            fail("accept", bind);
        if (fork() == 0) {
            ssh_bind_free(bind);
            serve(session, argv[2]);
        }
        ssh_silent_disconnect(session);
        ssh_free(session);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            continue;
    }
}
