/* Talks with a calculator on another host, line by line.
 *
 *     math_client [host [port [user [key [known_hosts]]]]] */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const problems[] = { "2+2", "1*2*3*4", "2^32" };

static int solve(sshio_client_process *calculator, const char *problem)
{
    char *answer;
    size_t len;

    int rc = sshio_printf(sshio_client_process_stdin(calculator), "%s\n", problem);
    if (rc == 0)
        rc = sshio_readline(sshio_client_process_stdout(calculator), &answer, &len);
    if (rc == 0)
        printf("%s = %s", problem, answer);
    return rc;
}

int main(int argc, char **argv)
{
    const char *host = argc > 1 ? argv[1] : "localhost";
    int port = argc > 2 ? atoi(argv[2]) : 22;
    const char *user = argc > 3 ? argv[3] : NULL; /* the local user */
    const char *key = argc > 4 ? argv[4] : "~/.ssh/id_ed25519";
    const char *known_hosts = argc > 5 ? argv[5] : "~/.ssh/known_hosts";
    sshio_conn *conn = NULL;
    sshio_client_process *calculator = NULL;

    int rc = sshio_connect(host,
                           SSHIO_CLIENT(.username = user, .port = port, .client_keys = SSHIO_KEYS({ .file = key }),
                                        .known_hosts = SSHIO_FILES(known_hosts)),
                           &conn);
    if (rc == 0)
        rc = sshio_create_process(conn, SSHIO_SESSION(.command = "bc"), &calculator);
    for (size_t i = 0; rc == 0 && i < sizeof problems / sizeof problems[0]; i++)
        rc = solve(calculator, problems[i]);
    if (rc != 0)
        sshio_report("SSH connection failed");
    sshio_client_process_unref(calculator);
    sshio_conn_unref(conn);
    return rc != 0;
}
