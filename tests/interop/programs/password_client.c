/* Logs in with a password and runs a command.
 *
 *     password_client PORT USER PASSWORD KNOWN_HOSTS COMMAND */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>

static int run(void *arg)
{
    char **argv = arg;
    sshio_conn *conn = NULL;
    sshio_result *result = NULL;
    int rc = sshio_connect("127.0.0.1",
                           SSHIO_CLIENT(.port = atoi(argv[1]), .username = argv[2], .password = argv[3],
                                        .client_keys = SSHIO_NONE, .known_hosts = SSHIO_FILES(argv[4])),
                           &conn);

    if (rc == 0)
        rc = sshio_run(conn, SSHIO_SESSION(.command = argv[5]), &result);
    if (rc != 0) {
        fprintf(stderr, "%s: %s\n", sshio_error_name(rc), sshio_error_message());
    } else {
        fwrite(result->out.data, 1, result->out.len, stdout);
        rc = result->exit_status;
    }
    sshio_result_free(result);
    sshio_conn_unref(conn);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc != 6)
        return 2;
    int rc = sshio_main(run, argv);
    return rc < 0 ? 1 : rc;
}
