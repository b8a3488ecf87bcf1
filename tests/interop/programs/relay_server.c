/* A server that has nothing of its own: sessions and connections of its clients are relayed to another server, over one
 * connection for all of them. Prints "listening PORT".
 *
 *     relay_server HOST_KEY AUTHORIZED_KEYS PORT USER KEY KNOWN_HOSTS */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>

static sshio_conn *upstream;

static int session_requested(sshio_conn *conn, sshio_request *req, void *user)
{
    (void)conn;
    (void)user;
    return sshio_accept_relay(req, upstream);
}

static int connection_requested(sshio_conn *conn, const char *dest_host, int dest_port, const char *orig_host,
                                int orig_port, sshio_request *req, void *user)
{
    (void)conn;
    (void)dest_host;
    (void)dest_port;
    (void)orig_host;
    (void)orig_port;
    (void)user;
    return sshio_accept_relay(req, upstream);
}

static const sshio_server_handlers server = {
    .session_requested = session_requested,
    .connection_requested = connection_requested,
};

static int serve(void *arg)
{
    char **argv = arg;
    sshio_listener *listener = NULL;
    int rc = sshio_connect("127.0.0.1",
                           SSHIO_CLIENT(.username = argv[4], .port = atoi(argv[3]),
                                        .client_keys = SSHIO_KEYS({ .file = argv[5] }),
                                        .known_hosts = SSHIO_FILES(argv[6])),
                           &upstream);

    if (rc == 0)
        rc = sshio_create_server(
            &server, NULL, "127.0.0.1", 0,
            SSHIO_SERVER(.host_keys = SSHIO_KEYS({ .file = argv[1] }), .authorized_keys = SSHIO_FILES(argv[2])),
            &listener);
    if (rc != 0)
        return sshio_report("relay");
    printf("listening %d\n", sshio_listener_get_port(listener));
    return sshio_listener_wait_closed(listener);
}

int main(int argc, char **argv)
{
    if (argc != 7)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    return sshio_main(serve, argv);
}
