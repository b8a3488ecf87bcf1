/* A server that asks for passwords. The guest account has none and is let in without one.
 *
 *     simple_server [host [port [host_key]]] */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A real server keeps no passwords but hashes of them, and compares in constant time. */
static const struct user {
    const char *name;
    const char *password;
} users[] = { { "guest", "" }, { "user123", "secretpw" } };

static const struct user *find_user(const char *name)
{
    for (size_t i = 0; i < sizeof users / sizeof users[0]; i++)
        if (strcmp(users[i].name, name) == 0)
            return &users[i];
    return NULL;
}

static void connection_made(sshio_conn *conn, void *user)
{
    (void)user;
    fprintf(stderr, "SSH connection received from %s.\n", sshio_conn_peername(conn)->host);
}

static void connection_lost(sshio_conn *conn, const sshio_error *error, void *user)
{
    (void)conn;
    (void)user;
    if (error != NULL)
        fprintf(stderr, "SSH connection error: %s\n", error->message);
    else
        fprintf(stderr, "SSH connection closed.\n");
}

static int begin_auth(sshio_conn *conn, const char *username, void *user)
{
    const struct user *known = find_user(username);

    (void)conn;
    (void)user;
    return known != NULL && known->password[0] == '\0' ? SSHIO_ACCEPT : SSHIO_REFUSE;
}

static int password_auth_supported(sshio_conn *conn, void *user)
{
    (void)conn;
    (void)user;
    return SSHIO_ACCEPT;
}

static int validate_password(sshio_conn *conn, const char *username, const char *password, void *user)
{
    const struct user *known = find_user(username);

    (void)conn;
    (void)user;
    return known != NULL && strcmp(known->password, password) == 0 ? SSHIO_ACCEPT : SSHIO_REFUSE;
}

static void handle_client(sshio_process *process, void *user)
{
    (void)user;
    sshio_printf(sshio_process_stdout(process), "Welcome to my SSH server, %s!\n",
                 sshio_conn_username(sshio_process_conn(process)));
}

static const sshio_server_handlers handlers = {
    .connection_made = connection_made,
    .connection_lost = connection_lost,
    .begin_auth = begin_auth,
    .password_auth_supported = password_auth_supported,
    .validate_password = validate_password,
};

int main(int argc, char **argv)
{
    const char *host = argc > 1 ? argv[1] : "";
    int port = argc > 2 ? atoi(argv[2]) : 8022;
    const char *host_key = argc > 3 ? argv[3] : "ssh_host_key";
    sshio_listener *server = NULL;

    if (sshio_create_server(
            &handlers, NULL, host, port,
            SSHIO_SERVER(.host_keys = SSHIO_KEYS({ .file = host_key }), .process_handler = handle_client),
            &server) != 0)
        return sshio_report("Error starting server");
    fprintf(stderr, "listening %d\n", sshio_listener_get_port(server));
    return sshio_run_forever() != 0;
}
