/* A server that shows its clients the environment variables that they have set.
 *
 *     show_environment [host [port [host_key [authorized_keys]]]] */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>

static void handle_client(sshio_process *process, void *user)
{
    sshio_writer *out = sshio_process_stdout(process);

    (void)user;
    sshio_puts(out, "Environment:\n");
    for (const char *const *entry = sshio_process_env(process); *entry != NULL; entry++)
        sshio_printf(out, "  %s\n", *entry);
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
        return sshio_report("Error starting server");
    fprintf(stderr, "listening %d\n", sshio_listener_get_port(server));
    return sshio_run_forever() != 0;
}
