/* A server for tests with hostile peers: one user with one password and a file of authorized keys, and limits that the
 * command line sets. Prints "listening PORT", "begin_auth USER" for every user that begins, "password_asked" when a
 * password is judged, and "session USER" when a program runs; every command is answered with a greeting.
 *
 *     raw_target HOST_KEY AUTHORIZED_KEYS USER PASSWORD [name=value ...] */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct account {
    const char *user, *password;
};

static int begin_auth(sshio_conn *conn, const char *username, void *user)
{
    (void)conn;
    (void)user;
    printf("begin_auth %s\n", username);
    return SSHIO_REFUSE;
}

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
    printf("password_asked %zu\n", strlen(password));
    return strcmp(username, account->user) == 0 && strcmp(password, account->password) == 0;
}

static void greet(sshio_process *process, void *user)
{
    (void)user;
    printf("session %s\n", sshio_conn_username(sshio_process_conn(process)));
    sshio_printf(sshio_process_stdout(process), "welcome\n");
    sshio_process_exit(process, 0);
}

static const sshio_server_handlers handlers = {
    .begin_auth = begin_auth,
    .password_auth_supported = password_auth_supported,
    .validate_password = validate_password,
};

/* Whether the word is "name=number". */
static bool is_setting(const char *word, const char *name, double *number)
{
    size_t len = strlen(name);
    if (strncmp(word, name, len) != 0 || word[len] != '=')
        return false;
    *number = strtod(word + len + 1, NULL);
    return true;
}

static bool set_limit(sshio_server_options *options, const char *word)
{
    double number;
    if (is_setting(word, "login_timeout", &number))
        options->login_timeout = number;
    else if (is_setting(word, "max_auth_tries", &number))
        options->max_auth_tries = (int)number;
    else if (is_setting(word, "max_startups", &number))
        options->max_startups = (int)number;
    else if (is_setting(word, "max_sessions", &number))
        options->max_sessions = (int)number;
    else if (is_setting(word, "require_strict_kex", &number))
        options->require_strict_kex = number != 0 ? SSHIO_YES : SSHIO_NO;
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    if (argc < 5)
        return 2;
    struct account account = { argv[3], argv[4] };
    const char *const files[] = { argv[2], NULL };
    const sshio_source authorized = { .files = files };
    sshio_listener *listener = NULL;
    sshio_server_options options = *SSHIO_SERVER(.host_keys = SSHIO_KEYS({ .file = argv[1] }), .process_handler = greet,
                                                 .authorized_keys = &authorized, .linger = 0.2);

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 5; i < argc; i++)
        if (!set_limit(&options, argv[i]))
            return 2;
    if (sshio_create_server(&handlers, &account, "127.0.0.1", 0, &options, &listener) != 0)
        return sshio_report("raw_target");
    printf("listening %d\n", sshio_listener_get_port(listener));
    sshio_listener_unref(listener);
    return sshio_run_forever() == 0 ? 0 : 1;
}
