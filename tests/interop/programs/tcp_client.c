/* Goes to another host through the server: what stdin has is sent there, up to its end, and what comes back is printed.
 *
 *     tcp_client PORT USER IDENTITY KNOWN_HOSTS DEST_HOST DEST_PORT */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>

static int send_input(void *arg)
{
    sshio_writer *writer = arg;
    static char buffer[65536];
    size_t got;
    int rc = 0;

    while (rc == 0 && (got = fread(buffer, 1, sizeof buffer, stdin)) > 0) {
        rc = sshio_write(writer, buffer, got);
        if (rc == 0)
            rc = sshio_drain(writer);
    }
    return rc == 0 ? sshio_write_eof(writer) : rc;
}

static int converse(sshio_reader *reader, sshio_writer *writer)
{
    static char buffer[65536];
    sshio_task *task = NULL;
    size_t got;
    int sent = 0, rc = sshio_spawn(send_input, writer, &task);

    while (rc == 0 && (rc = sshio_read(reader, buffer, sizeof buffer, &got)) == 0)
        fwrite(buffer, 1, got, stdout);
    if (task != NULL)
        sshio_join(task, &sent);
    return rc == SSHIO_EEOF ? sent : rc;
}

static int run(void *arg)
{
    char **argv = arg;
    sshio_conn *conn = NULL;
    sshio_reader *reader = NULL;
    sshio_writer *writer = NULL;
    int rc = sshio_connect("127.0.0.1",
                           SSHIO_CLIENT(.port = atoi(argv[1]), .username = argv[2],
                                        .client_keys = SSHIO_KEYS({ .file = argv[3] }),
                                        .known_hosts = SSHIO_FILES(argv[4])),
                           &conn);

    if (rc == 0)
        rc = sshio_open_connection(conn, argv[5], atoi(argv[6]), NULL, &reader, &writer);
    if (rc == 0)
        rc = converse(reader, writer);
    sshio_reader_unref(reader);
    sshio_writer_unref(writer);
    sshio_conn_unref(conn);
    return rc == 0 ? 0 : sshio_report("connection");
}

int main(int argc, char **argv)
{
    return argc == 7 ? sshio_main(run, argv) : 2;
}
