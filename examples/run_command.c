/* Runs one command on another host and prints its output: the smallest useful client.
 *
 *     run_command [host [port [user [key [known_hosts]]]]]
 *
 * There is no loop and there are no callbacks: outside a task, a call that waits runs the loop until it is done. */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    const char *host = argc > 1 ? argv[1] : "localhost";
    int port = argc > 2 ? atoi(argv[2]) : 22;
    const char *user = argc > 3 ? argv[3] : "guest";
    const char *key = argc > 4 ? argv[4] : "~/.ssh/id_ed25519";
    const char *known_hosts = argc > 5 ? argv[5] : "~/.ssh/known_hosts";
    sshio_conn *conn = NULL;
    sshio_result *result = NULL;

    int rc = sshio_connect(host,
                           SSHIO_CLIENT(.username = user, .port = port, .client_keys = SSHIO_KEYS({ .file = key }),
                                        .known_hosts = SSHIO_FILES(known_hosts)),
                           &conn);
    if (rc == 0)
        rc = sshio_run(conn, SSHIO_SESSION(.command = "echo Hello!", .check = true), &result);
    if (rc == 0)
        fwrite(result->out.data, 1, result->out.len, stdout);
    else
        sshio_report("SSH connection failed");
    sshio_result_free(result);
    sshio_conn_unref(conn); /* the last reference closes it */
    return rc != 0;
}
