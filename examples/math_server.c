/* A server that adds the numbers that its clients type, each client in a task of its own.
 *
 *     math_server [host [port [host_key [authorized_keys]]]] */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>

static void handle_client(sshio_process *process, void *user)
{
    sshio_writer *out = sshio_process_stdout(process);
    long total = 0;
    char *line, *end;
    size_t len;

    (void)user;
    sshio_puts(out, "Enter numbers one per line, or EOF when done:\n");
    while (sshio_readline(sshio_process_stdin(process), &line, &len) == 0) { /* until EOF or a break */
        long number = strtol(line, &end, 10);
        if (end != line && (*end == '\n' || *end == '\0'))
            total += number;
        else
            sshio_printf(sshio_process_stderr(process), "Invalid number: %s", line);
    }
    sshio_printf(out, "Total = %ld\n", total);
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
