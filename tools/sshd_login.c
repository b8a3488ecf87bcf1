/* sshio sshd: who may log in. Only the name of the account that runs it gets in; for every other name the same is done,
 * and refused, so that nothing tells whose account this is. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "password.h"
#include "sshd.h"
#include "talk.h"

/* ---- files of keys ---- */

char *login_expand_tokens(const struct account *account, const char *name)
{
    char *path = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&path, &size);
    bool ok = out != NULL;

    if (out == NULL)
        return NULL;
    if (name[0] != '/' && name[0] != '%' && strncmp(name, "~/", 2) != 0)
        fprintf(out, "%s/", account->home);
    for (; ok && *name != '\0'; name++) {
        if (*name != '%')
            fputc(*name, out);
        else if (*++name == 'h')
            fputs(account->home, out);
        else if (*name == 'u')
            fputs(account->name, out);
        else if (*name == 'U')
            fprintf(out, "%lu", (unsigned long)getuid());
        else if (*name == '%')
            fputc('%', out);
        else
            ok = false;
        if (!ok)
            break;
    }
    ok = fclose(out) == 0 && ok;
    if (ok)
        return path;
    free(path);
    return NULL;
}

/* The lines of all files that are there and can be trusted. Filled on a worker thread. */
struct authorized_lines {
    const struct service *service;
    bool strict;
    char *text;
    size_t len;
};

static void append_file(struct authorized_lines *lines, const char *name)
{
    const struct account *account = &lines->service->server->account;
    char *expanded = login_expand_tokens(account, name);
    char *path = expanded != NULL ? path_expand(account, expanded) : NULL;
    const char *reason = "out of memory, or an unknown token in the name";

    bool ok = path != NULL && file_append(account, path, lines->strict, &lines->text, &lines->len, &reason);
    if (!ok && reason != NULL)
        say("Authentication refused: %s: %s", path != NULL ? path : name, reason);
    free(expanded);
    free(path);
}

static int read_lines(void *arg)
{
    static const char *const usual[] = { ".ssh/authorized_keys", ".ssh/authorized_keys2", NULL };
    struct authorized_lines *lines = arg;
    const char *const *files = sshio_config_get(lines->service->config, "AuthorizedKeysFile");

    if (files == NULL)
        files = usual;
    for (size_t i = 0; files[i] != NULL; i++)
        append_file(lines, files[i]);
    return 0;
}

/* ---- what is offered ---- */

/* Root is let in by keys alone, unless PermitRootLogin says more. */
static bool root_may_use_passwords(const struct service *service)
{
    return getuid() != 0 || strcmp(options_text(service->config, "PermitRootLogin", ""), "yes") == 0;
}

bool login_prepare(struct service *service)
{
    const sshio_config *config = service->config;
    bool wanted = options_tri(config, "PasswordAuthentication") != SSHIO_NO ||
                  options_tri(config, "KbdInteractiveAuthentication") != SSHIO_NO;

    service->takes_keys = options_tri(config, "PubkeyAuthentication") != SSHIO_NO;
    service->takes_passwords = wanted && root_may_use_passwords(service) &&
                               password_is_checkable(service->server->account.name);
    if (service->takes_keys || service->takes_passwords)
        return true;
    say("nobody could log in: keys are switched off, and passwords are switched off or cannot be checked by %s",
        service->server->account.name);
    return false;
}

int login_takes_keys(sshio_conn *conn, void *user)
{
    const struct client *client = user;
    (void)conn;
    return client->service->takes_keys;
}

int login_takes_passwords(sshio_conn *conn, void *user)
{
    const struct client *client = user;
    (void)conn;
    return client->service->takes_passwords;
}

/* ---- a login ---- */

static bool is_ours(const struct client *client, const char *username)
{
    return strcmp(username, client->service->server->account.name) == 0;
}

static int load_keys(struct client *client, const char *username)
{
    struct authorized_lines lines = {
        .service = client->service,
        .strict = options_tri(client->service->config, "StrictModes") != SSHIO_NO,
    };
    int rc = sshio_offload(read_lines, &lines);

    if (rc == 0 && lines.len != 0 && is_ours(client, username) && client->conn != NULL) {
        const sshio_source source = { .data = { lines.text, lines.len } };
        if (sshio_conn_set_authorized_keys(client->conn, &source) != 0)
            say("authorized keys of %s: %s", username, sshio_error_message());
    }
    free(lines.text);
    return rc;
}

/* Every user must log in. */
int login_begin(sshio_conn *conn, const char *username, void *user)
{
    struct client *client = client_ref(user);
    const char *banner = client->service->banner;
    int rc = client->service->takes_keys ? load_keys(client, username) : 0;

    if (rc == 0 && banner != NULL && client->conn != NULL)
        sshio_conn_send_auth_banner(conn, banner, "");
    client_unref(client);
    return rc == 0 ? SSHIO_REFUSE : rc;
}

int login_refuse_key(sshio_conn *conn, const char *username, sshio_key *key, void *user)
{
    struct client *client = user;

    (void)conn;
    (void)username;
    (void)key;
    client->has_failed = true;
    return SSHIO_REFUSE;
}

struct attempt {
    const char *account, *password;
    bool right;
};

static int hash_password(void *arg)
{
    struct attempt *attempt = arg;
    attempt->right = password_is_right(attempt->account, attempt->password);
    return 0;
}

int login_check_password(sshio_conn *conn, const char *username, const char *password, void *user)
{
    struct client *client = client_ref(user);
    struct attempt attempt = { client->service->server->account.name, password, false };
    int rc = sshio_offload(hash_password, &attempt);
    bool accepted = rc == 0 && attempt.right && is_ours(client, username);

    if (rc == 0 && !accepted) {
        const sshio_address *peer = sshio_conn_peername(conn);
        client->has_failed = true;
        say("Failed password for %s from %s port %d", username, peer->host, peer->port);
    }
    client_unref(client);
    return rc != 0 ? rc : accepted ? SSHIO_ACCEPT : SSHIO_REFUSE;
}

int login_ask_password(sshio_conn *conn, const char *username, const char *lang, const char *submethods,
                       sshio_request *req, void *user)
{
    static const sshio_prompt prompt = { "Password: ", false };

    (void)conn;
    (void)username;
    (void)lang;
    (void)submethods;
    (void)user;
    return sshio_answer_challenge(req, NULL, NULL, NULL, &prompt, 1);
}

int login_check_answer(sshio_conn *conn, const char *username, const char *const *responses, size_t count,
                       sshio_request *req, void *user)
{
    (void)req;
    return count == 1 ? login_check_password(conn, username, responses[0], user) : SSHIO_REFUSE;
}
