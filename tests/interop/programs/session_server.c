/* A server whose sessions tell the client, line by line, what they were told: terminal, environment, start, then window
 * changes, breaks, signals and data. Prints "listening PORT".
 *
 *     session_server HOST_KEY AUTHORIZED_KEYS
 *
 * The signal TERM ends a session by that signal, EOF and ^D with exit status 5. The command "refused" is refused, the
 * terminal type "none" as well. Connections are forwarded to
 * 127.0.0.1 alone. */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lines that were to be said before the session had started. */
struct notes {
    char text[4096];
};

static void session_made(sshio_chan *chan, void *user)
{
    (void)user;
    sshio_chan_set_user(chan, calloc(1, sizeof(struct notes)));
}

static void session_lost(sshio_chan *chan, const sshio_error *error, void *user)
{
    (void)error;
    free(user);
    sshio_chan_set_user(chan, NULL);
}

static int pty_requested(sshio_chan *chan, const char *term_type, const sshio_term_size *size,
                         const sshio_term_mode *modes, void *user)
{
    struct notes *notes = user;
    int len = snprintf(notes->text, sizeof notes->text, "pty %s %d %d %d %d\nmodes", term_type, size->width,
                       size->height, size->pixwidth, size->pixheight);

    (void)chan;
    for (; modes->op != SSHIO_PTY_OP_END && len < (int)sizeof notes->text - 32; modes++)
        len += snprintf(notes->text + len, 32, " %u=%u", modes->op, (unsigned)modes->value);
    return strcmp(term_type, "none") != 0;
}

static int shell_requested(sshio_chan *chan, void *user)
{
    (void)chan;
    (void)user;
    return SSHIO_ACCEPT;
}

static int exec_requested(sshio_chan *chan, const char *command, void *user)
{
    (void)chan;
    (void)user;
    return strcmp(command, "refused") != 0;
}

static void session_started(sshio_chan *chan, void *user)
{
    const struct notes *notes = user;
    const char *const *env = sshio_chan_get_environment(chan);

    if (notes->text[0] != '\0')
        sshio_chan_printf(chan, "%s\n", notes->text);
    for (; *env != NULL; env++)
        sshio_chan_printf(chan, "env %s\n", *env);
    sshio_chan_set_xon_xoff(chan, true);
    sshio_chan_puts(chan, "ready\n");
}

static void data_received(sshio_chan *chan, const void *data, size_t len, int datatype, void *user)
{
    (void)datatype;
    (void)user;
    sshio_chan_printf(chan, "data %zu\n", len);
    if (memchr(data, 4, len) != NULL)
        sshio_chan_exit(chan, 5);
}

static int eof_received(sshio_chan *chan, void *user)
{
    (void)user;
    sshio_chan_exit(chan, 5);
    return 1;
}

static int break_received(sshio_chan *chan, int msec, void *user)
{
    (void)user;
    sshio_chan_printf(chan, "break %d\n", msec);
    return SSHIO_ACCEPT;
}

static void signal_received(sshio_chan *chan, const char *signal, void *user)
{
    const sshio_exit_signal end = { .name = signal, .core_dumped = true, .msg = "as you wish" };

    (void)user;
    sshio_chan_printf(chan, "signal %s\n", signal);
    if (strcmp(signal, "TERM") == 0)
        sshio_chan_exit_with_signal(chan, &end);
}

static void size_changed(sshio_chan *chan, const sshio_term_size *size, void *user)
{
    (void)user;
    sshio_chan_printf(chan, "size %d %d %d %d\n", size->width, size->height, size->pixwidth, size->pixheight);
}

static const sshio_session_handlers session = {
    .connection_made = session_made,
    .session_started = session_started,
    .data_received = data_received,
    .eof_received = eof_received,
    .connection_lost = session_lost,
    .pty_requested = pty_requested,
    .shell_requested = shell_requested,
    .exec_requested = exec_requested,
    .break_received = break_received,
    .signal_received = signal_received,
    .terminal_size_changed = size_changed,
};

static int session_requested(sshio_conn *conn, sshio_request *req, void *user)
{
    (void)conn;
    (void)user;
    return sshio_accept_session(req, &session, NULL, NULL);
}

static int connection_requested(sshio_conn *conn, const char *dest_host, int dest_port, const char *orig_host,
                                int orig_port, sshio_request *req, void *user)
{
    (void)conn;
    (void)dest_port;
    (void)orig_host;
    (void)orig_port;
    (void)req;
    (void)user;
    return strcmp(dest_host, "127.0.0.1") == 0;
}

static const sshio_server_handlers server = {
    .session_requested = session_requested,
    .connection_requested = connection_requested,
};

static int serve(void *arg)
{
    char **argv = arg;
    sshio_listener *listener = NULL;
    int rc = sshio_create_server(
        &server, NULL, "127.0.0.1", 0,
        SSHIO_SERVER(.host_keys = SSHIO_KEYS({ .file = argv[1] }), .authorized_keys = SSHIO_FILES(argv[2])), &listener);

    if (rc != 0)
        return sshio_report("listen");
    printf("listening %d\n", sshio_listener_get_port(listener));
    return sshio_listener_wait_closed(listener);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    return sshio_main(serve, argv);
}
