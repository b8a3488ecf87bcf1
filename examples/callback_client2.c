/* A session that is watched by handlers, on a connection that needs none.
 *
 *     callback_client2 [host [port [user [key [known_hosts]]]]] */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>

static void data_received(sshio_chan *chan, const void *data, size_t len, int datatype, void *user)
{
    (void)chan;
    (void)datatype;
    (void)user;
    fwrite(data, 1, len, stdout);
}

static void session_lost(sshio_chan *chan, const sshio_error *error, void *user)
{
    (void)chan;
    (void)user;
    if (error != NULL)
        fprintf(stderr, "SSH session error: %s\n", error->message);
}

static const sshio_session_handlers session = {
    .data_received = data_received,
    .connection_lost = session_lost,
};

int main(int argc, char **argv)
{
    const char *host = argc > 1 ? argv[1] : "localhost";
    int port = argc > 2 ? atoi(argv[2]) : 22;
    const char *user = argc > 3 ? argv[3] : NULL; /* the local user */
    const char *key = argc > 4 ? argv[4] : "~/.ssh/id_ed25519";
    const char *known_hosts = argc > 5 ? argv[5] : "~/.ssh/known_hosts";
    sshio_conn *conn = NULL;
    sshio_chan *chan = NULL;

    int rc = sshio_connect(host,
                           SSHIO_CLIENT(.username = user, .port = port, .client_keys = SSHIO_KEYS({ .file = key }),
                                        .known_hosts = SSHIO_FILES(known_hosts)),
                           &conn);
    if (rc == 0)
        rc = sshio_create_session(conn, &session, NULL, SSHIO_SESSION(.command = "ls abc"), &chan);
    if (rc == 0)
        rc = sshio_chan_wait_closed(chan);
    if (rc != 0)
        sshio_report("SSH connection failed");
    sshio_chan_unref(chan);
    sshio_conn_unref(conn);
    return rc != 0;
}
