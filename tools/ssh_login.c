/* Connecting and logging in: keys, passwords, and what the hosts on the way are connected with. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "prompt.h"
#include "ssh.h"
#include "talk.h"

#define PROMPT_SIZE 1024
#define PROMPTS_DEFAULT "3"

static const char *user_of(const struct login *login)
{
    return options_text(login->config, "User", login->account->name);
}

static const char *host_of(const struct login *login)
{
    return options_text(login->config, "Hostname", login->host);
}

/* ---- keys ---- */

static const char *const usual_keys[] = { "~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ed25519", NULL };

/* A key that cannot be loaded is passed over: another one may do. Only those that were asked for are worth a warning.
 */
static sshio_key *load_key(const struct login *login, const char *name, bool asked_for)
{
    char *path = path_expand(login->account, name);
    sshio_key *key = NULL;

    if (path == NULL)
        return NULL;
    if (access(path, F_OK) != 0) {
        if (asked_for && !talk_is_silenced())
            say("Warning: Identity file %s not accessible: %s.", path, strerror(errno));
    } else if (sshio_read_private_key(path, NULL, &key) != 0 && !talk_is_silenced()) {
        say("Load key \"%s\": %s", path, sshio_error_message());
    }
    free(path);
    return key;
}

static bool load_keys(struct login *login)
{
    const char *const *files = sshio_config_get(login->config, "IdentityFile");
    bool asked_for = files != NULL;
    size_t count = 0, loaded = 0;

    if (files == NULL)
        files = usual_keys;
    while (files[count] != NULL)
        count++;
    login->keys = calloc(count + 1, sizeof *login->keys);
    for (size_t i = 0; login->keys != NULL && i < count; i++) {
        login->keys[loaded].key = load_key(login, files[i], asked_for);
        loaded += login->keys[loaded].key != NULL;
    }
    return login->keys != NULL;
}

/* ---- handlers ---- */

static void connection_made(sshio_conn *conn, void *user)
{
    struct login *login = user;
    login->conn = sshio_conn_ref(conn);
}

/* Whoever goes on with it holds it now. */
static void auth_completed(sshio_conn *conn, void *user)
{
    struct login *login = user;
    login->logged_in = true;
    login->conn = NULL;
    sshio_conn_unref(conn);
}

static void show_banner(sshio_conn *conn, const char *msg, const char *lang, void *user)
{
    (void)conn, (void)lang, (void)user;
    size_t len = strlen(msg);
    char *text = talk_tells_notes() ? strndup(msg, len != 0 && msg[len - 1] == '\n' ? len - 1 : len) : NULL;
    if (text != NULL)
        say_line(text);
    free(text);
}

static int validate_host(sshio_conn *conn, const char *host, const char *addr, int port, sshio_key *key, void *user)
{
    (void)conn;
    return hosts_validate(user, host, addr, port, key);
}

static bool may_ask(const struct login *login, int asked)
{
    if (login->passwords_off || options_tri(login->config, "BatchMode") == SSHIO_YES)
        return false;
    return asked < atoi(options_text(login->config, "NumberOfPasswordPrompts", PROMPTS_DEFAULT));
}

/* "user@host's password: ", with the words around it. */
static char *ask_password(const struct login *login, const char *before, const char *after)
{
    char text[PROMPT_SIZE];
    snprintf(text, sizeof text, "%s%s@%s's %s: ", before, user_of(login), host_of(login), after);
    return prompt_read(text, false);
}

static int ask_for_password(sshio_conn *conn, sshio_request *req, void *user)
{
    struct login *login = user;

    (void)conn;
    if (!may_ask(login, login->password_prompts))
        return 0;
    if (login->password_prompts++ > 0 && !talk_is_silenced())
        say_line("Permission denied, please try again.");
    char *password = ask_password(login, "", "password");
    int verdict = password != NULL ? sshio_answer_text(req, password) : 0;
    prompt_free(password);
    return verdict;
}

/* Until both entries of the new one are the same. */
static char *ask_new_password(const struct login *login)
{
    for (;;) {
        char *first = ask_password(login, "Enter ", "new password");
        char *second = first != NULL ? ask_password(login, "Retype ", "new password") : NULL;
        bool same = first != NULL && second != NULL && strcmp(first, second) == 0;
        bool gave_up = second == NULL;
        prompt_free(second);
        if (same)
            return first;
        prompt_free(first);
        if (gave_up)
            return NULL;
        say_line("Mismatch; try again, EOF to quit.");
    }
}

static int ask_to_change_password(sshio_conn *conn, const char *prompt, const char *lang, sshio_request *req,
                                  void *user)
{
    struct login *login = user;

    (void)conn, (void)lang;
    if (!may_ask(login, 0))
        return 0;
    if (prompt[0] != '\0')
        say_line(prompt);
    char *old = ask_password(login, "Enter ", "old password");
    char *new = old != NULL ? ask_new_password(login) : NULL;
    int verdict = new != NULL ? sshio_answer_passwords(req, old, new) : 0;
    prompt_free(old);
    prompt_free(new);
    return verdict;
}

/* A server that asks nothing in a dialogue, and then refuses, will not do better the next time. */
static int begin_dialogue(sshio_conn *conn, sshio_request *req, void *user)
{
    struct login *login = user;

    (void)conn;
    if (!may_ask(login, login->challenges) || (login->challenges > 0 && !login->challenged))
        return 0;
    login->challenges++;
    login->challenged = false;
    return sshio_answer_text(req, "");
}

static char *ask_prompt(const struct login *login, const sshio_prompt *prompt)
{
    char text[PROMPT_SIZE * 4];
    snprintf(text, sizeof text, "(%s@%s) %s", user_of(login), host_of(login), prompt->text);
    return prompt_read(text, prompt->echo);
}

static int answer_challenge(sshio_conn *conn, const char *name, const char *instructions, const char *lang,
                            const sshio_prompt *prompts, size_t count, sshio_request *req, void *user)
{
    struct login *login = user;
    char **answers = calloc(count + 1, sizeof *answers);
    size_t given = 0;

    (void)conn, (void)lang;
    if (answers == NULL)
        return 0;
    if (name[0] != '\0')
        say_line(name);
    if (instructions[0] != '\0')
        say_line(instructions);
    login->challenged = login->challenged || count != 0;
    while (given < count && (answers[given] = ask_prompt(login, &prompts[given])) != NULL)
        given++;
    int verdict = given == count ? sshio_answer_texts(req, (const char *const *)answers) : 0;
    for (size_t i = 0; i < given; i++)
        prompt_free(answers[i]);
    free(answers);
    return verdict;
}

static const sshio_client_handlers handlers = {
    .connection_made = connection_made,
    .validate_host_public_key = validate_host,
    .auth_banner_received = show_banner,
    .auth_completed = auth_completed,
    .password_auth_requested = ask_for_password,
    .password_change_requested = ask_to_change_password,
    .kbdint_auth_requested = begin_dialogue,
    .kbdint_challenge_received = answer_challenge,
};

/* ---- connecting ---- */

static void explain_failure(const struct login *login, int rc)
{
    sshio_texts methods = { 0, NULL };

    if (login->explained)
        return;
    if (rc == SSHIO_EHOST_KEY_NOT_VERIFIABLE) {
        hosts_explain_refusal(login);
        return;
    }
    if (talk_is_silenced())
        return;
    bool we_gave_up = rc == SSHIO_EPERMISSION_DENIED && sshio_error_last()->reason == 0; /* else the server says why */
    if (!we_gave_up || login->conn == NULL || sshio_conn_get_server_auth_methods(login->conn, &methods) != 0) {
        say("%s", sshio_error_message());
        return;
    }
    char list[PROMPT_SIZE] = "";
    for (size_t i = 0; i < methods.count; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i != 0 ? "," : "", methods.items[i]);
    char text[PROMPT_SIZE * 2];
    snprintf(text, sizeof text, "%s@%s: Permission denied (%s).", user_of(login), host_of(login), list);
    say_line(text);
    sshio_texts_free(&methods);
}

/* Everything that the options point to is the login's. */
static void use_login(struct login *login, sshio_client_options *options)
{
    login->known_hosts_source = (sshio_source){ .known_hosts = login->known_hosts };
    login->config_source = (sshio_source){ .config = login->config };
    options->config = &login->config_source;
    options->client_keys = login->keys;
    options->known_hosts = &login->known_hosts_source;
    options->handlers = &handlers;
    options->utf8_decode_errors = SSHIO_ERRORS_BACKSLASHREPLACE; /* as ssh shows such text, and no reason to stay out */
    options->user = login;
}

static bool prepare_login(struct login *login)
{
    return load_keys(login) && hosts_load(login);
}

/* One host on the way. It has its own configuration, from the same files, and is kept until all is over: its connection
 * may still ask something. */
static int prepare_hop(const char *host, sshio_client_options *options, void *user)
{
    struct login *login = user;
    struct login *hop = calloc(1, sizeof *hop);
    char port[16];

    if (hop == NULL)
        return SSHIO_ENOMEM;
    hop->next = login->next;
    login->next = hop;
    hop->account = login->account;
    hop->config_file = login->config_file;
    hop->host = strdup(host);
    snprintf(port, sizeof port, "%d", options->port);
    bool named = hop->host != NULL &&
                 (options->username == NULL || config_lines_add_value(&hop->lines, "User", options->username)) &&
                 (options->port == 0 || config_lines_add_value(&hop->lines, "Port", port));
    if (!named)
        return SSHIO_ENOMEM;
    if (!login_load_config(hop) || !prepare_login(hop)) {
        hop->explained = true;
        return SSHIO_ECONFIG_PARSE;
    }
    use_login(hop, options);
    return 0;
}

/* Hosts on the way come in their order, each before the one that it leads to is begun. */
static const struct login *failed_login(const struct login *login)
{
    const struct login *failed = login;

    for (; login != NULL; login = login->next)
        if (!login->logged_in)
            failed = login;
    return failed;
}

int login_open(struct login *login, sshio_conn **conn)
{
    sshio_client_options options;

    if (!prepare_login(login))
        return SSHIO_EINVAL;
    sshio_client_options_init(&options);
    use_login(login, &options);
    options.jump_handler = prepare_hop;
    int rc = sshio_connect(login->host, &options, conn);
    if (rc != 0)
        explain_failure(failed_login(login), rc);
    return rc;
}

void login_done(struct login *login)
{
    struct login *hop = login->next;

    while (hop != NULL) {
        struct login *next = hop->next;
        hop->next = NULL;
        login_done(hop);
        free(hop);
        hop = next;
    }
    for (size_t i = 0; login->keys != NULL && login->keys[i].key != NULL; i++)
        sshio_key_unref(login->keys[i].key);
    free(login->keys);
    sshio_conn_unref(login->conn);
    sshio_key_unref(login->changed_key);
    sshio_known_hosts_unref(login->known_hosts);
    sshio_config_unref(login->config);
    free(login->lines.text);
    free(login->host);
}
