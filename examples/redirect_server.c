/* A server whose clients talk to a local program, the calculator bc: its stdin, stdout and stderr are theirs.
 *
 *     redirect_server [host [port [host_key [authorized_keys]]]] */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>

/* Signals and the size of a terminal are passed on as well, and how the program ends is how the session ends. */
static void handle_client(sshio_process *process, void *user)
{
    (void)user;
    if (sshio_process_exec(process, SSHIO_EXEC(.argv = SSHIO_LIST("bc", "-q"))) != 0) {
        sshio_printf(sshio_process_stderr(process), "%s\n", sshio_error_message());
        sshio_process_exit(process, 1);
    }
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
        return sshio_report("Error starting server");
    fprintf(stderr, "listening %d\n", sshio_listener_get_port(server));
    return sshio_run_forever() != 0;
}
