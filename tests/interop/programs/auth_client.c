/* Logs in by whatever it is given, and runs a command. What it was asked on the way goes to stderr.
 *
 *     auth_client PORT USER KNOWN_HOSTS [OPTION=VALUE...] COMMAND
 *
 *     password=P   key=FILE   preferred=LIST   trivial=no   keepalive=SECONDS     the options of these names
 *     answer=A     of a challenge; may be repeated
 *     new=P        of a password change; may be repeated
 *
 * The command "methods" asks what the server takes instead. */
#include <sshio.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST 8

struct client {
    const char *port, *user, *known_hosts, *command;
    const char *password, *key, *preferred, *trivial, *keepalive;
    const char *answers[MOST], *news[MOST];
    size_t next_answer, next_new;
};

static void banner(sshio_conn *conn, const char *msg, const char *lang, void *user)
{
    (void)conn;
    (void)lang;
    (void)user;
    fprintf(stderr, "banner %s", msg);
}

static int kbdint_auth_requested(sshio_conn *conn, sshio_request *req, void *user)
{
    const struct client *client = user;

    (void)conn;
    if (client->answers[0] == NULL)
        return SSHIO_DEFAULT;
    return client->next_answer == 0 ? sshio_answer_text(req, "") : SSHIO_REFUSE;
}

static int kbdint_challenge_received(sshio_conn *conn, const char *name, const char *instructions, const char *lang,
                                     const sshio_prompt *prompts, size_t count, sshio_request *req, void *user)
{
    struct client *client = user;
    const char *answers[MOST + 1] = { NULL };

    (void)conn;
    (void)lang;
    fprintf(stderr, "challenge [%s] [%s]", name, instructions);
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, " [%s]%s", prompts[i].text, prompts[i].echo ? "+" : "");
    fprintf(stderr, "\n");
    for (size_t i = 0; i < count && i < MOST; i++) {
        if (client->next_answer == MOST || client->answers[client->next_answer] == NULL)
            return SSHIO_REFUSE;
        answers[i] = client->answers[client->next_answer++];
    }
    return sshio_answer_texts(req, answers);
}

static int password_change_requested(sshio_conn *conn, const char *prompt, const char *lang, sshio_request *req,
                                     void *user)
{
    struct client *client = user;

    (void)conn;
    fprintf(stderr, "change [%s] [%s]\n", prompt, lang);
    if (client->next_new == MOST || client->news[client->next_new] == NULL)
        return SSHIO_REFUSE;
    return sshio_answer_passwords(req, client->password, client->news[client->next_new++]);
}

static void password_changed(sshio_conn *conn, void *user)
{
    (void)conn;
    (void)user;
    fprintf(stderr, "password_changed\n");
}

static void password_change_failed(sshio_conn *conn, void *user)
{
    (void)conn;
    (void)user;
    fprintf(stderr, "password_change_failed\n");
}

static const sshio_client_handlers handlers = {
    .auth_banner_received = banner,
    .password_change_requested = password_change_requested,
    .password_changed = password_changed,
    .password_change_failed = password_change_failed,
    .kbdint_auth_requested = kbdint_auth_requested,
    .kbdint_challenge_received = kbdint_challenge_received,
};

static void keep(const char **list, const char *value)
{
    size_t count = 0;
    while (count < MOST && list[count] != NULL)
        count++;
    if (count < MOST)
        list[count] = value;
}

static bool take(struct client *client, char *argument)
{
    char *value = strchr(argument, '=');

    if (value == NULL)
        return false;
    *value++ = '\0';
    if (strcmp(argument, "password") == 0)
        client->password = value;
    else if (strcmp(argument, "key") == 0)
        client->key = value;
    else if (strcmp(argument, "preferred") == 0)
        client->preferred = value;
    else if (strcmp(argument, "trivial") == 0)
        client->trivial = value;
    else if (strcmp(argument, "keepalive") == 0)
        client->keepalive = value;
    else if (strcmp(argument, "answer") == 0)
        keep(client->answers, value);
    else if (strcmp(argument, "new") == 0)
        keep(client->news, value);
    else
        return false;
    return true;
}

static int run_command(sshio_conn *conn, const char *command)
{
    sshio_result *result = NULL;
    int rc = sshio_run(conn, SSHIO_SESSION(.command = command), &result);

    if (rc == 0) {
        fwrite(result->out.data, 1, result->out.len, stdout);
        rc = result->exit_status;
    }
    sshio_result_free(result);
    return rc;
}

static int show_methods(const char *host, const sshio_client_options *options)
{
    sshio_texts methods = { 0 };
    int rc = sshio_get_server_auth_methods(host, options, &methods);

    for (size_t i = 0; i < methods.count; i++)
        printf("%s\n", methods.items[i]);
    sshio_texts_free(&methods);
    return rc;
}

static int run(void *arg)
{
    struct client *client = arg;
    const sshio_keyref keys[2] = { { .file = client->key } };
    sshio_conn *conn = NULL;
    int rc;
    const sshio_client_options *options =
        SSHIO_CLIENT(.username = client->user, .port = atoi(client->port), .password = client->password,
                     .client_keys = keys, .known_hosts = SSHIO_FILES(client->known_hosts), .handlers = &handlers,
                     .user = client, .preferred_auth = client->preferred,
                     .keepalive_interval = client->keepalive != NULL ? atof(client->keepalive) : 0,
                     .disable_trivial_auth = client->trivial != NULL ? SSHIO_YES : SSHIO_UNSET);

    if (strcmp(client->command, "methods") == 0)
        rc = show_methods("127.0.0.1", options);
    else if ((rc = sshio_connect("127.0.0.1", options, &conn)) == 0)
        rc = run_command(conn, client->command);
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", sshio_error_name(rc), sshio_error_message());
    sshio_conn_unref(conn);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc < 5)
        return 2;
    struct client client = { argv[1], argv[2], argv[3], argv[argc - 1] };
    for (int i = 4; i < argc - 1; i++)
        if (!take(&client, argv[i]))
            return 2;
    int rc = sshio_main(run, &client);
    return rc < 0 ? 1 : rc;
}
