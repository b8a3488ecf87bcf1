/* A server that knows one user with one password. Prints "listening PORT"; every command is answered with a greeting.
 *
 *     password_server HOST_KEY USER PASSWORD */
#include <sshio.h>
#include <stdio.h>

struct account {
    const char *user, *password;
};

static int password_auth_supported(sshio_conn *conn, void *user)
{
    (void)conn;
    (void)user;
    return SSHIO_ACCEPT;
}

static int validate_password(sshio_conn *conn, const char *username, const char *password, void *user)
{
    const struct account *account = user;

    (void)conn;
    return strcmp(username, account->user) == 0 && strcmp(password, account->password) == 0;
}

static void greet(sshio_process *process, void *user)
{
    (void)user;
    sshio_printf(sshio_process_stdout(process), "welcome %s\n", sshio_conn_username(sshio_process_conn(process)));
    sshio_process_exit(process, 0);
}

static const sshio_server_handlers handlers = {
    .password_auth_supported = password_auth_supported,
    .validate_password = validate_password,
};

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    struct account account = { argv[2], argv[3] };
    sshio_listener *listener = NULL;
    int rc = sshio_create_server(&handlers, &account, "127.0.0.1", 0,
                                 SSHIO_SERVER(.host_keys = SSHIO_KEYS({ .file = argv[1] }), .process_handler = greet),
                                 &listener);

    if (rc != 0)
        return sshio_report("password_server");
    printf("listening %d\n", sshio_listener_get_port(listener));
    fflush(stdout);
    sshio_listener_unref(listener);
    return sshio_run_forever() == 0 ? 0 : 1;
}
