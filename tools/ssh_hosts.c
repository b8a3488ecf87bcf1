/* Whether the host that answers is the one that was meant: known_hosts files, the question to the user, and what is
 * said and written about it. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "prompt.h"
#include "ssh.h"
#include "talk.h"

#define NAME_SIZE 512

/* ---- the files ---- */

static const char *const usual_files[] = { "~/.ssh/known_hosts", "~/.ssh/known_hosts2", NULL };

static const char *const *own_files(const struct login *login)
{
    const char *const *files = sshio_config_get(login->config, "UserKnownHostsFile");
    return files != NULL ? files : usual_files;
}

/* Adds those that exist. The null device knows nobody; people name it to have nothing written. */
static bool add_existing(const struct login *login, const char *const *names, char **files, size_t *count)
{
    for (size_t i = 0; names != NULL && names[i] != NULL; i++) {
        char *path = path_expand(login->account, names[i]);
        if (path == NULL)
            return false;
        if (access(path, F_OK) == 0 && strcmp(path, "/dev/null") != 0)
            files[(*count)++] = path;
        else
            free(path);
    }
    return true;
}

static size_t count_texts(const char *const *texts)
{
    size_t count = 0;
    while (texts != NULL && texts[count] != NULL)
        count++;
    return count;
}

bool hosts_load(struct login *login)
{
    static const char *const usual_global[] = { "/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2", NULL };
    const char *const *global = sshio_config_get(login->config, "GlobalKnownHostsFile");
    const char *const *own = own_files(login);
    size_t count = 0;

    if (global == NULL && login->config_file == NULL)
        global = usual_global;
    char **files = calloc(count_texts(own) + count_texts(global) + 1, sizeof *files);
    bool listed = files != NULL && add_existing(login, own, files, &count) &&
                  add_existing(login, global, files, &count);
    int rc = 0;
    if (listed && count != 0)
        rc = sshio_read_known_hosts((const char *const *)files, &login->known_hosts);
    else if (listed)
        rc = sshio_import_known_hosts("", 0, &login->known_hosts);
    if (!listed)
        say("out of memory");
    else if (rc != 0)
        say("%s", sshio_error_message());
    for (size_t i = 0; i < count; i++)
        free(files[i]);
    free(files);
    return listed && rc == 0;
}

/* ---- texts ---- */

/* As known_hosts has it. */
static const char *name_of(const char *host, int port, char *name)
{
    if (port == 0 || port == 22)
        snprintf(name, NAME_SIZE, "%s", host);
    else
        snprintf(name, NAME_SIZE, "[%s]:%d", host, port);
    return name;
}

static const char *type_of(const sshio_key *key)
{
    const char *algorithm = sshio_key_get_algorithm(key);
    return strstr(algorithm, "ed25519") != NULL ? "ED25519" : strstr(algorithm, "ecdsa") != NULL ? "ECDSA" : "RSA";
}

static const char *checking_of(const struct login *login)
{
    const char *checking = options_text(login->config, "StrictHostKeyChecking", "ask");
    if (strcmp(checking, "true") == 0)
        return "yes";
    return strcmp(checking, "false") == 0 || strcmp(checking, "off") == 0 ? "no" : checking;
}

/* file NULL = not known */
static void say_it_changed(const struct login *login, const sshio_key *key, const char *file, int line,
                           const char *name)
{
    static const char rule[] = "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@";
    char text[NAME_SIZE * 4];
    char *fingerprint = NULL;

    if (talk_is_silenced())
        return;
    sshio_key_get_fingerprint(key, NULL, &fingerprint);
    say_line(rule);
    say_line("@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @");
    say_line(rule);
    say_line("Either somebody pretends to be this host and could read everything that you send to it,");
    say_line("or the host was given a new key. Ask whoever runs it before you believe the latter.");
    snprintf(text, sizeof text, "The %s key that was shown has the fingerprint\n%s.", type_of(key),
             fingerprint != NULL ? fingerprint : "");
    say_line(text);
    if (file != NULL) {
        snprintf(text, sizeof text, "Offending key in %s:%d\n  remove with:\n  ssh-keygen -f \"%s\" -R \"%s\"", file,
                 line, file, name);
        say_line(text);
    }
    if (login->passwords_off)
        say_line("Password and keyboard-interactive authentication are off for this connection.");
    sshio_free(fingerprint);
}

/* ---- the answer ---- */

static void remember(const struct login *login, const char *host, int port, const sshio_key *key, const char *name)
{
    const char *const *files = own_files(login);
    bool hash = options_tri(login->config, "HashKnownHosts") == SSHIO_YES;
    char text[NAME_SIZE + 80];

    if (files[0] == NULL)
        return;
    char *path = path_expand(login->account, files[0]);
    if (path == NULL)
        return;
    bool is_file = strcmp(path, "/dev/null") != 0;
    if (is_file && sshio_add_known_host(path, host, port == 22 ? 0 : port, key, hash) != 0) {
        say("Failed to add the host to the list of known hosts (%s): %s", path, sshio_error_message());
    } else if (talk_tells_notes()) {
        snprintf(text, sizeof text, "Warning: Permanently added '%s' (%s) to the list of known hosts.", name,
                 type_of(key));
        say_line(text);
    }
    free(path);
}

static bool understand(const char *answer, const char *fingerprint, bool *yes)
{
    size_t start = strspn(answer, " \t");
    size_t len = strcspn(answer + start, " \t");
    char word[NAME_SIZE];

    snprintf(word, sizeof word, "%.*s", (int)len, answer + start);
    *yes = strcasecmp(word, "yes") == 0 || (fingerprint != NULL && strcmp(word, fingerprint) == 0);
    return *yes || strcasecmp(word, "no") == 0;
}

static bool user_agrees(const char *host, const char *addr, int port, const sshio_key *key)
{
    char name[NAME_SIZE], at[NAME_SIZE], place[NAME_SIZE + 4], text[NAME_SIZE * 4];
    char *fingerprint = NULL;
    bool yes = false, understood = false;

    sshio_key_get_fingerprint(key, NULL, &fingerprint);
    name_of(host, port, name);
    if (addr != NULL && addr[0] != '\0')
        snprintf(place, sizeof place, " (%s)", name_of(addr, port, at));
    else
        place[0] = '\0';
    snprintf(text, sizeof text,
             "The authenticity of host '%s%s' can't be established.\n%s key fingerprint is %s.\n"
             "Are you sure you want to continue connecting (yes/no/[fingerprint])? ",
             name, place, type_of(key), fingerprint != NULL ? fingerprint : "not available");
    for (;;) {
        char *answer = prompt_read(text, true);
        if (answer == NULL)
            break;
        understood = understand(answer, fingerprint, &yes);
        prompt_free(answer);
        if (understood)
            break;
        snprintf(text, sizeof text, "Please type 'yes', 'no' or the fingerprint: ");
    }
    sshio_free(fingerprint);
    return understood && yes;
}

static int validate_changed(struct login *login, const sshio_key *key, const char *name)
{
    sshio_key_unref(login->changed_key);
    login->changed_key = sshio_key_ref((sshio_key *)key);
    if (strcmp(checking_of(login), "no") != 0)
        return 0;
    login->passwords_off = true;
    say_it_changed(login, key, NULL, 0, name);
    return 1;
}

static bool may_be_added(const struct login *login, const char *host, const char *addr, int port, const sshio_key *key,
                         const char *name)
{
    const char *checking = checking_of(login);

    if (strcmp(checking, "no") == 0 || strcmp(checking, "accept-new") == 0)
        return true;
    if (strcmp(checking, "yes") == 0) {
        char text[NAME_SIZE + 120];
        snprintf(text, sizeof text, "No %s host key is known for %s and you have requested strict checking.",
                 type_of(key), name);
        if (!talk_is_silenced())
            say_line(text);
        return false;
    }
    return options_tri(login->config, "BatchMode") != SSHIO_YES && user_agrees(host, addr, port, key);
}

int hosts_validate(struct login *login, const char *host, const char *addr, int port, sshio_key *key)
{
    char name[NAME_SIZE];

    if (options_text(login->config, "HostKeyAlias", NULL) != NULL)
        port = 0; /* the alias is the whole name */
    name_of(host, port, name);
    if (sshio_known_hosts_status(login->known_hosts, host, addr, port, key) == SSHIO_HOST_CHANGED)
        return validate_changed(login, key, name);
    if (!may_be_added(login, host, addr, port, key, name))
        return 0;
    remember(login, host, port, key, name);
    return 1;
}

void hosts_explain_refusal(const struct login *login)
{
    const sshio_error *error = sshio_error_last();
    char name[NAME_SIZE], text[NAME_SIZE + 120];
    const char *host = options_text(login->config, "HostKeyAlias", NULL);
    int port = host != NULL ? 0 : atoi(options_text(login->config, "Port", "22"));

    if (host == NULL)
        host = options_text(login->config, "Hostname", login->host);
    name_of(host, port, name);
    if (login->changed_key != NULL) {
        say_it_changed(login, login->changed_key, error->filename, error->line, name);
        snprintf(text, sizeof text, "Host key for %s has changed and you have requested strict checking.", name);
        say_line(text);
    } else if (!talk_is_silenced()) {
        say("%s", sshio_error_message());
    }
    say_line("Host key verification failed.");
}
