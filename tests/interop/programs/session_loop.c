/* Opens sessions on one connection, one when the one before it has ended, and expects each to succeed.
 *
 *     session_loop PORT USER IDENTITY KNOWN_HOSTS COUNT COMMAND
 *
 * Prints "sessions COUNT". */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>

static int run_one(sshio_conn *conn, const char *command)
{
    sshio_result *result = NULL;
    int rc = sshio_run(conn, SSHIO_SESSION(.command = command, .check = true), &result);

    sshio_result_free(result);
    return rc;
}

static int run(void *arg)
{
    char **argv = arg;
    unsigned long count = strtoul(argv[5], NULL, 10), done = 0;
    sshio_conn *conn = NULL;

    int rc = sshio_connect("127.0.0.1",
                           SSHIO_CLIENT(.port = atoi(argv[1]), .username = argv[2],
                                        .client_keys = SSHIO_KEYS({ .file = argv[3] }),
                                        .known_hosts = SSHIO_FILES(argv[4])),
                           &conn);
    while (rc == 0 && done < count && (rc = run_one(conn, argv[6])) == 0)
        done++;
    if (rc != 0)
        sshio_report("session");
    sshio_conn_unref(conn);
    printf("sessions %lu\n", done);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc != 7)
        return 2;
    return sshio_main(run, argv) == 0 ? 0 : 1;
}
