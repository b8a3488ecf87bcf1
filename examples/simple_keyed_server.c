/* A server where each user has a file of keys, which is looked up when the user's name is known.
 *
 *     simple_keyed_server [host [port [host_key [folder]]]] */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *folder = "authorized_keys";

/* Runs in a task, and may wait for files, databases or other hosts. Nobody gets in whose keys are not found. */
static int begin_auth(sshio_conn *conn, const char *username, void *user)
{
    char file[512];

    (void)user;
    if (username[0] == '.' || strchr(username, '/') != NULL) /* the name is the client's, and stays in the folder */
        return SSHIO_REFUSE;
    snprintf(file, sizeof file, "%s/%s", folder, username);
    if (sshio_conn_set_authorized_keys(conn, SSHIO_FILES(file)) != 0)
        fprintf(stderr, "No keys of %s: %s\n", username, sshio_error_message());
    return SSHIO_REFUSE; /* not without a login */
}

static void handle_client(sshio_process *process, void *user)
{
    (void)user;
    sshio_printf(sshio_process_stdout(process), "Welcome to my SSH server, %s!\n",
                 sshio_conn_username(sshio_process_conn(process)));
}

static const sshio_server_handlers handlers = { .begin_auth = begin_auth };

int main(int argc, char **argv)
{
    const char *host = argc > 1 ? argv[1] : "";
    int port = argc > 2 ? atoi(argv[2]) : 8022;
    const char *host_key = argc > 3 ? argv[3] : "ssh_host_key";
    sshio_listener *server = NULL;

    if (argc > 4)
        folder = argv[4];
    if (sshio_create_server(
            &handlers, NULL, host, port,
            SSHIO_SERVER(.host_keys = SSHIO_KEYS({ .file = host_key }), .process_handler = handle_client),
            &server) != 0)
        return sshio_report("Error starting server");
    fprintf(stderr, "listening %d\n", sshio_listener_get_port(server));
    return sshio_run_forever() != 0;
}
