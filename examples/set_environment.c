/* Sets environment variables of a command. A server takes only those that it allows (AcceptEnv of sshd).
 *
 *     set_environment [host [port [user [key [known_hosts]]]]] */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>

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
        rc = sshio_run(conn, SSHIO_SESSION(.command = "env", .env = SSHIO_LIST("LANG=en_GB", "LC_COLLATE=C")), &result);
    if (rc == 0)
        fwrite(result->out.data, 1, result->out.len, stdout);
    else
        sshio_report("SSH connection failed");
    sshio_result_free(result);
    sshio_conn_unref(conn);
    return rc != 0;
}
