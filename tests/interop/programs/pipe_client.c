/* The output of a program on one server becomes the input of one on another; what that says is printed.
 *
 *     pipe_client PORT KNOWN_HOSTS OTHER_PORT OTHER_KNOWN_HOSTS USER IDENTITY COMMAND OTHER_COMMAND
 *
 * Its status is that of the second program. */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>

static int connect_to(char **argv, const char *port, const char *known_hosts, sshio_conn **conn)
{
    return sshio_connect("127.0.0.1",
                         SSHIO_CLIENT(.port = atoi(port), .username = argv[5],
                                      .client_keys = SSHIO_KEYS({ .file = argv[6] }),
                                      .known_hosts = SSHIO_FILES(known_hosts)),
                         conn);
}

/* The second program's end is waited for; the first one's output ends before it. */
static int join(char **argv, sshio_conn *from_conn, sshio_conn *to_conn)
{
    sshio_client_process *from = NULL, *to = NULL;
    sshio_result *result = NULL;

    int rc = sshio_create_process(from_conn, SSHIO_SESSION(.command = argv[7]), &from);
    if (rc == 0)
        rc = sshio_create_process(
            to_conn, SSHIO_SESSION(.command = argv[8], .in = SSHIO_FROM_READER(sshio_client_process_stdout(from))),
            &to);
    if (rc == 0)
        rc = sshio_client_process_wait(to, false, 0, &result);
    if (rc == 0) {
        fwrite(result->out.data, 1, result->out.len, stdout);
        rc = result->exit_status;
    }
    sshio_result_free(result);
    sshio_client_process_unref(to);
    sshio_client_process_unref(from);
    return rc;
}

static int run(void *arg)
{
    char **argv = arg;
    sshio_conn *from = NULL, *to = NULL;

    int rc = connect_to(argv, argv[1], argv[2], &from);
    if (rc == 0)
        rc = connect_to(argv, argv[3], argv[4], &to);
    if (rc == 0)
        rc = join(argv, from, to);
    if (rc < 0)
        sshio_report("pipe");
    sshio_conn_unref(to);
    sshio_conn_unref(from);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc != 9)
        return 2;
    int rc = sshio_main(run, argv);
    return rc < 0 ? 1 : rc;
}
