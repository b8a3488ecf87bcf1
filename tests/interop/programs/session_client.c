/* A session with a terminal (vt100, 80 by 24, no echo, no CR before LF) and the variable LC_SSHIO=there. What the
 * server sends goes to stdout, with lines of our own for what else it tells.
 *
 *     session_client PORT USER IDENTITY KNOWN_HOSTS TERM COMMAND [SEEN ACTION]...
 *
 * When all that was received so far holds SEEN, ACTION is done and the next pair is looked at: "size WxH", "break
 * MSEC", "signal NAME", "eof". TERM is the terminal's type, "" for no terminal. */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct session {
    char **script; /* pairs, then NULL */
    char seen[64 * 1024];
    size_t len;
};

static int act(sshio_chan *chan, const char *action)
{
    sshio_term_size size = { 0 };
    char word[32];
    int number;

    if (sscanf(action, "size %dx%d", &size.width, &size.height) == 2)
        return sshio_chan_change_terminal_size(chan, size);
    if (sscanf(action, "break %d", &number) == 1)
        return sshio_chan_send_break(chan, number);
    if (sscanf(action, "signal %31s", word) == 1)
        return sshio_chan_send_signal(chan, word);
    return sshio_chan_write_eof(chan);
}

static void data_received(sshio_chan *chan, const void *data, size_t len, int datatype, void *user)
{
    struct session *session = user;
    size_t room = sizeof session->seen - 1 - session->len;

    (void)datatype;
    fwrite(data, 1, len, stdout);
    memcpy(session->seen + session->len, data, len < room ? len : room);
    session->len += len < room ? len : room;
    while (session->script[0] != NULL && strstr(session->seen, session->script[0]) != NULL) {
        if (act(chan, session->script[1]) != 0)
            sshio_report(session->script[1]);
        session->script += 2;
    }
}

static void xon_xoff_requested(sshio_chan *chan, bool client_can_do, void *user)
{
    (void)chan;
    (void)user;
    printf("xon-xoff %d\n", client_can_do);
}

static void exit_signal_received(sshio_chan *chan, const sshio_exit_signal *signal, void *user)
{
    (void)chan;
    (void)user;
    printf("ended by %s %d %s\n", signal->name, signal->core_dumped, signal->msg);
}

static const sshio_session_handlers handlers = {
    .data_received = data_received,
    .xon_xoff_requested = xon_xoff_requested,
    .exit_signal_received = exit_signal_received,
};

static int converse(sshio_conn *conn, const char *term_type, const char *command, char **script)
{
    struct session session = { .script = script };
    sshio_chan *chan = NULL;
    int rc = sshio_create_session(
        conn, &handlers, &session,
        SSHIO_SESSION(.command = command, .term_type = term_type[0] != '\0' ? term_type : NULL,
                      .term_size = { 80, 24, 0, 0 },
                      .term_modes = SSHIO_MODES({ SSHIO_PTY_ECHO, 0 }, { SSHIO_PTY_ONLCR, 0 }),
                      .env = SSHIO_LIST("LC_SSHIO=there")),
        &chan);

    if (rc != 0)
        return rc;
    sshio_chan_wait_closed(chan);
    printf("status %d\n", sshio_chan_get_exit_status(chan));
    sshio_chan_unref(chan);
    return 0;
}

static int run(void *arg)
{
    char **argv = arg;
    sshio_conn *conn = NULL;
    int rc = sshio_connect("127.0.0.1",
                           SSHIO_CLIENT(.port = atoi(argv[1]), .username = argv[2],
                                        .client_keys = SSHIO_KEYS({ .file = argv[3] }),
                                        .known_hosts = SSHIO_FILES(argv[4])),
                           &conn);

    if (rc == 0)
        rc = converse(conn, argv[5], argv[6], argv + 7);
    sshio_conn_unref(conn);
    return rc == 0 ? 0 : sshio_report("session");
}

int main(int argc, char **argv)
{
    return argc >= 7 && argc % 2 == 1 ? sshio_main(run, argv) : 2;
}
