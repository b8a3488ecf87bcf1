/* A server that greets its clients and sends their lines back. The handler of a client is straight-line code in a task
 * of its own.
 *
 *     echo_server [host [port [host_key [authorized_keys]]]] */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>

static void handle_client(sshio_process *process, void *user)
{
    sshio_writer *out = sshio_process_stdout(process);
    char *line;
    size_t len;

    (void)user;
    sshio_printf(out, "Welcome, %s!\n", sshio_conn_username(sshio_process_conn(process)));
    while (sshio_readline(sshio_process_stdin(process), &line, &len) == 0) {
        if (sshio_write(out, line, len) != 0 || sshio_drain(out) != 0)
            return; /* the client is gone */
    }
    sshio_process_exit(process, 0);
}

int main(int argc, char **argv)
{
    const char *host = argc > 1 ? argv[1] : "";
    int port = argc > 2 ? atoi(argv[2]) : 8022;
    const char *host_key = argc > 3 ? argv[3] : "ssh_host_key";
    const char *authorized_keys = argc > 4 ? argv[4] : "authorized_keys";
    sshio_listener *server = NULL;

    if (sshio_listen(host, port,
                     SSHIO_SERVER(.host_keys = SSHIO_KEYS({ .file = host_key }),
                                  .authorized_keys = SSHIO_FILES(authorized_keys), .process_handler = handle_client),
                     &server) != 0)
        return sshio_report("listen");
    fprintf(stderr, "listening %d\n", sshio_listener_get_port(server));
    return sshio_run_forever() != 0;
}
