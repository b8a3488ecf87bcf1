/* A server with every method of authentication. Prints "listening PORT", then "begin_auth USER" for each user that
 * begins and "password_asked LENGTH" for each password that is judged; every command is answered with a greeting.
 *
 *     auth_server HOST_KEY AUTHORIZED_KEYS USER PASSWORD [LIMIT=NUMBER...] [METHODS...]
 *
 * LIMIT is the name of one of the options below. METHODS are what a login takes, as AuthenticationMethods of
 * sshd_config. USER may also answer "Colour: " with "blue", "PIN: " with "1234" and then "Once more: " with "yes". The
 * password "old" has to be changed to PASSWORD. The user "open" gets in without a login. */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>

struct account {
    const char *user, *password;
};

static int begin_auth(sshio_conn *conn, const char *username, void *user)
{
    (void)user;
    printf("begin_auth %s\n", username);
    sshio_conn_send_auth_banner(conn, "mind the step\n", NULL);
    return strcmp(username, "open") == 0 ? SSHIO_ACCEPT : SSHIO_REFUSE;
}

static int supported(sshio_conn *conn, void *user)
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
    if (strcmp(username, account->user) != 0)
        return SSHIO_REFUSE;
    if (strcmp(password, "old") == 0)
        return sshio_raise_password_change_required("Your password is too old", "en");
    return strcmp(password, account->password) == 0;
}

static int change_password(sshio_conn *conn, const char *username, const char *old_password, const char *new_password,
                           void *user)
{
    const struct account *account = user;

    (void)conn;
    if (strcmp(username, account->user) != 0 || strcmp(old_password, "old") != 0)
        return SSHIO_REFUSE;
    if (strcmp(new_password, account->password) != 0)
        return sshio_raise_password_change_required("That one will not do", "en");
    return SSHIO_ACCEPT;
}

static int get_kbdint_challenge(sshio_conn *conn, const char *username, const char *lang, const char *submethods,
                                sshio_request *req, void *user)
{
    static const sshio_prompt prompts[] = { { .text = "Colour: ", .echo = true }, { .text = "PIN: " } };

    (void)conn;
    (void)username;
    (void)lang;
    (void)submethods;
    (void)user;
    return sshio_answer_challenge(req, "Login", "Two questions", NULL, prompts, 2);
}

/* Unknown users are asked what others are asked. */
static int validate_kbdint_response(sshio_conn *conn, const char *username, const char *const *responses, size_t count,
                                    sshio_request *req, void *user)
{
    static const sshio_prompt more = { .text = "Once more: " };
    const struct account *account = user;

    (void)conn;
    if (count == 0)
        return SSHIO_ACCEPT;
    if (strcmp(username, account->user) != 0)
        return SSHIO_REFUSE;
    if (count == 1)
        return strcmp(responses[0], "yes") == 0 ? sshio_answer_challenge(req, NULL, "Well done", NULL, NULL, 0)
                                                : SSHIO_REFUSE;
    return strcmp(responses[0], "blue") == 0 && strcmp(responses[1], "1234") == 0
               ? sshio_answer_challenge(req, NULL, NULL, NULL, &more, 1)
               : SSHIO_REFUSE;
}

static void greet(sshio_process *process, void *user)
{
    (void)user;
    sshio_printf(sshio_process_stdout(process), "welcome %s\n", sshio_conn_username(sshio_process_conn(process)));
    sshio_process_exit(process, 0);
}

static const sshio_server_handlers handlers = {
    .begin_auth = begin_auth,
    .password_auth_supported = supported,
    .validate_password = validate_password,
    .change_password = change_password,
    .kbdint_auth_supported = supported,
    .get_kbdint_challenge = get_kbdint_challenge,
    .validate_kbdint_response = validate_kbdint_response,
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
    else if (strncmp(word, "max_startups=", 13) == 0)
        options->max_startups = word + 13;
    else if (is_setting(word, "linger", &number))
        options->linger = number;
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    if (argc < 5)
        return 2;
    struct account account = { argv[3], argv[4] };
    sshio_listener *listener = NULL;
    sshio_server_options options = *SSHIO_SERVER(.host_keys = SSHIO_KEYS({ .file = argv[1] }),
                                                 .authorized_keys = SSHIO_FILES(argv[2]), .process_handler = greet);
    int next = 5;

    setvbuf(stdout, NULL, _IOLBF, 0);
    while (next < argc && set_limit(&options, argv[next]))
        next++;
    if (next < argc)
        options.required_auth_methods = (const char *const *)argv + next;
    if (sshio_create_server(&handlers, &account, "127.0.0.1", 0, &options, &listener) != 0)
        return sshio_report("auth_server");
    printf("listening %d\n", sshio_listener_get_port(listener));
    sshio_listener_unref(listener);
    return sshio_run_forever() == 0 ? 0 : 1;
}
