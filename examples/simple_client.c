/* Runs a command, and tells a command that failed from a connection that failed.
 *
 *     simple_client [host [port [user [key [known_hosts]]]]] */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>

static void print_failure(int rc)
{
    const sshio_result *failed = sshio_error_last()->result;

    if (rc != SSHIO_EPROCESS) {
        sshio_report("SSH connection failed");
        return;
    }
    fwrite(failed->err.data, 1, failed->err.len, stdout);
    fprintf(stderr, "Process exited with status %d\n", failed->exit_status);
}

int main(int argc, char **argv)
{
    const char *host = argc > 1 ? argv[1] : "localhost";
    int port = argc > 2 ? atoi(argv[2]) : 22;
    const char *user = argc > 3 ? argv[3] : NULL; /* the local user */
    const char *key = argc > 4 ? argv[4] : "~/.ssh/id_ed25519";
    const char *known_hosts = argc > 5 ? argv[5] : "~/.ssh/known_hosts";
    sshio_conn *conn = NULL;
    sshio_result *result = NULL;

    int rc = sshio_connect(host,
                           SSHIO_CLIENT(.username = user, .port = port, .client_keys = SSHIO_KEYS({ .file = key }),
                                        .known_hosts = SSHIO_FILES(known_hosts)),
                           &conn);
    if (rc == 0)
        rc = sshio_run(conn, SSHIO_SESSION(.command = "ls abc", .check = true), &result);
    if (rc == 0)
        fwrite(result->out.data, 1, result->out.len, stdout);
    else
        print_failure(rc);
    sshio_result_free(result);
    sshio_conn_unref(conn);
    return rc != 0;
}
