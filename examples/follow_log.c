/* Handlers where data should not be kept: what a command writes is passed on as it arrives, with no task and no copy.
 *
 *     follow_log [host [port [user [key [known_hosts [command]]]]]] */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>

struct progress {
    size_t bytes;
    int status;
};

static void on_data(sshio_chan *chan, const void *data, size_t len, int datatype, void *user)
{
    struct progress *progress = (struct progress *)user;

    (void)chan;
    progress->bytes += len;
    fwrite(data, 1, len, datatype == SSHIO_EXTENDED_DATA_STDERR ? stderr : stdout);
}

static int on_eof(sshio_chan *chan, void *user)
{
    (void)chan;
    (void)user;
    return 0; /* answer with an EOF of our own */
}

static void on_exit_status(sshio_chan *chan, int status, void *user)
{
    (void)chan;
    ((struct progress *)user)->status = status;
}

static void on_lost(sshio_chan *chan, const sshio_error *error, void *user)
{
    const struct progress *progress = (const struct progress *)user;

    (void)chan;
    if (error != NULL)
        fprintf(stderr, "SSH session failed: %s\n", error->message);
    fprintf(stderr, "%zu bytes, exit status %d\n", progress->bytes, progress->status);
}

static const sshio_session_handlers handlers = {
    /* what is not set takes its default */
    .data_received = on_data,
    .eof_received = on_eof,
    .exit_status_received = on_exit_status,
    .connection_lost = on_lost,
};

int main(int argc, char **argv)
{
    const char *host = argc > 1 ? argv[1] : "localhost";
    int port = argc > 2 ? atoi(argv[2]) : 22;
    const char *user = argc > 3 ? argv[3] : "guest";
    const char *key = argc > 4 ? argv[4] : "~/.ssh/id_ed25519";
    const char *known_hosts = argc > 5 ? argv[5] : "~/.ssh/known_hosts";
    const char *command = argc > 6 ? argv[6] : "tail -f log";
    struct progress progress = { 0, -1 };
    sshio_conn *conn = NULL;
    sshio_chan *chan = NULL;

    int rc = sshio_connect(host,
                           SSHIO_CLIENT(.username = user, .port = port, .client_keys = SSHIO_KEYS({ .file = key }),
                                        .known_hosts = SSHIO_FILES(known_hosts)),
                           &conn);
    if (rc == 0)
        rc = sshio_create_session(conn, &handlers, &progress, SSHIO_SESSION(.command = command), &chan);
    if (rc == 0)
        rc = sshio_chan_wait_closed(chan);
    if (rc != 0)
        sshio_report("SSH connection failed");
    sshio_chan_unref(chan);
    sshio_conn_unref(conn);
    return rc != 0;
}
