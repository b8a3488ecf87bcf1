/* See config_options.h. A table a side says which keyword goes into which field, and in which form. */
#include "conn/config_options.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "conn/algorithms.h"
#include "conn/sources.h"

enum field_kind {
    FIELD_TEXT,
    FIELD_ALGORITHMS, /* the row says of which kind */
    FIELD_COMPRESSION,
    FIELD_LIST,
    FIELD_TRI,
    FIELD_INT,
    FIELD_COUNT, /* an int where 0 means none at all */
    FIELD_SECONDS,
    FIELD_FAMILY,
    FIELD_PTY,
};

struct field {
    enum keyword_id id;
    enum field_kind kind;
    size_t offset;
    sshio_alg_kind algorithms;
};

#define CLIENT(field) offsetof(sshio_client_options, field)
#define SERVER(field) offsetof(sshio_server_options, field)

static const struct field client_fields[] = {
    { KEYWORD_USER, FIELD_TEXT, CLIENT(username), 0 },
    { KEYWORD_PORT, FIELD_INT, CLIENT(port), 0 },
    { KEYWORD_CONNECT_TIMEOUT, FIELD_SECONDS, CLIENT(connect_timeout), 0 },
    { KEYWORD_SERVER_ALIVE_INTERVAL, FIELD_SECONDS, CLIENT(keepalive_interval), 0 },
    { KEYWORD_SERVER_ALIVE_COUNT_MAX, FIELD_INT, CLIENT(keepalive_count_max), 0 },
    { KEYWORD_REMOTE_COMMAND, FIELD_TEXT, CLIENT(command), 0 },
    { KEYWORD_SET_ENV, FIELD_LIST, CLIENT(env), 0 },
    { KEYWORD_SEND_ENV, FIELD_LIST, CLIENT(send_env), 0 },
    { KEYWORD_REQUEST_TTY, FIELD_PTY, CLIENT(request_pty), 0 },
    { KEYWORD_PUBKEY_AUTHENTICATION, FIELD_TRI, CLIENT(public_key_auth), 0 },
    { KEYWORD_PASSWORD_AUTHENTICATION, FIELD_TRI, CLIENT(password_auth), 0 },
    { KEYWORD_KBDINT_AUTHENTICATION, FIELD_TRI, CLIENT(kbdint_auth), 0 },
    { KEYWORD_PREFERRED_AUTHENTICATIONS, FIELD_TEXT, CLIENT(preferred_auth), 0 },
    { KEYWORD_HOST_KEY_ALIAS, FIELD_TEXT, CLIENT(host_key_alias), 0 },
    { KEYWORD_HOST_KEY_ALGORITHMS, FIELD_ALGORITHMS, CLIENT(server_host_key_algs), SSHIO_ALG_PUBLIC_KEY },
    { KEYWORD_KEX_ALGORITHMS, FIELD_ALGORITHMS, CLIENT(kex_algs), SSHIO_ALG_KEX },
    { KEYWORD_CIPHERS, FIELD_ALGORITHMS, CLIENT(encryption_algs), SSHIO_ALG_ENCRYPTION },
    { KEYWORD_MACS, FIELD_ALGORITHMS, CLIENT(mac_algs), SSHIO_ALG_MAC },
    { KEYWORD_COMPRESSION, FIELD_COMPRESSION, CLIENT(compression_algs), 0 },
    { KEYWORD_PUBKEY_ACCEPTED_ALGORITHMS, FIELD_ALGORITHMS, CLIENT(signature_algs), SSHIO_ALG_SIGNATURE },
    { KEYWORD_REKEY_LIMIT, FIELD_TEXT, CLIENT(rekey_limit), 0 },
    { KEYWORD_REQUIRED_RSA_SIZE, FIELD_INT, CLIENT(required_rsa_size), 0 },
    { KEYWORD_ADDRESS_FAMILY, FIELD_FAMILY, CLIENT(family), 0 },
    { KEYWORD_BIND_ADDRESS, FIELD_TEXT, CLIENT(bind_address), 0 },
    { KEYWORD_TCP_KEEP_ALIVE, FIELD_TRI, CLIENT(tcp_keepalive), 0 },
};

static const struct field server_fields[] = {
    { KEYWORD_LOGIN_GRACE_TIME, FIELD_SECONDS, SERVER(login_timeout), 0 },
    { KEYWORD_CLIENT_ALIVE_INTERVAL, FIELD_SECONDS, SERVER(keepalive_interval), 0 },
    { KEYWORD_CLIENT_ALIVE_COUNT_MAX, FIELD_INT, SERVER(keepalive_count_max), 0 },
    { KEYWORD_MAX_AUTH_TRIES, FIELD_INT, SERVER(max_auth_tries), 0 },
    { KEYWORD_MAX_STARTUPS, FIELD_TEXT, SERVER(max_startups), 0 },
    { KEYWORD_MAX_SESSIONS, FIELD_COUNT, SERVER(max_sessions), 0 },
    { KEYWORD_PUBKEY_AUTHENTICATION, FIELD_TRI, SERVER(public_key_auth), 0 },
    { KEYWORD_PASSWORD_AUTHENTICATION, FIELD_TRI, SERVER(password_auth), 0 },
    { KEYWORD_KBDINT_AUTHENTICATION, FIELD_TRI, SERVER(kbdint_auth), 0 },
    { KEYWORD_PERMIT_TTY, FIELD_TRI, SERVER(allow_pty), 0 },
    { KEYWORD_AUTHENTICATION_METHODS, FIELD_LIST, SERVER(required_auth_methods), 0 },
    { KEYWORD_KEX_ALGORITHMS, FIELD_ALGORITHMS, SERVER(kex_algs), SSHIO_ALG_KEX },
    { KEYWORD_CIPHERS, FIELD_ALGORITHMS, SERVER(encryption_algs), SSHIO_ALG_ENCRYPTION },
    { KEYWORD_MACS, FIELD_ALGORITHMS, SERVER(mac_algs), SSHIO_ALG_MAC },
    { KEYWORD_SERVER_COMPRESSION, FIELD_COMPRESSION, SERVER(compression_algs), 0 },
    { KEYWORD_PUBKEY_ACCEPTED_ALGORITHMS, FIELD_ALGORITHMS, SERVER(signature_algs), SSHIO_ALG_SIGNATURE },
    { KEYWORD_REKEY_LIMIT, FIELD_TEXT, SERVER(rekey_limit), 0 },
    { KEYWORD_REQUIRED_RSA_SIZE, FIELD_INT, SERVER(required_rsa_size), 0 },
    { KEYWORD_ADDRESS_FAMILY, FIELD_FAMILY, SERVER(family), 0 },
    { KEYWORD_TCP_KEEP_ALIVE, FIELD_TRI, SERVER(tcp_keepalive), 0 },
};

/* ---- one field ---- */

/* Names that this build does not know are passed over in a configuration, which may be written for a newer program. */
static int select_algorithms(struct configured *c, const struct field *field, const char **text, struct error *e)
{
    struct texts names = { 0 };
    const char *selection = config_text(c->config, field->id, NULL);

    if (selection == NULL) {
        *text = SSHIO_NONE;
        return 0;
    }
    int rc = algorithms_select(field->algorithms, selection, true, &names, e);
    char *joined = rc == 0 ? texts_join(&names, ",") : NULL;
    if (rc == 0 && (joined == NULL || !texts_add(&c->texts, joined)))
        rc = error_nomem(e);
    if (rc == 0)
        *text = c->texts.items[c->texts.count - 1];
    mem_free(joined);
    texts_done(&names);
    return rc;
}

/* Plain zlib would compress before the user is authenticated; the keyword does not mean it. */
static const char *compression_of(const char *value)
{
    bool preferred = strcmp(value, "no") != 0 && strcmp(value, "false") != 0;
    return preferred ? "zlib@openssh.com,none" : "none,zlib@openssh.com";
}

static sshio_family family_of(const char *value)
{
    return strcmp(value, "inet") == 0    ? SSHIO_FAMILY_INET
           : strcmp(value, "inet6") == 0 ? SSHIO_FAMILY_INET6
                                         : SSHIO_FAMILY_ANY;
}

static sshio_pty_choice pty_choice_of(const char *value)
{
    static const struct {
        const char *word;
        sshio_pty_choice choice;
    } words[] = {
        { "yes", SSHIO_REQUEST_PTY_YES },  { "true", SSHIO_REQUEST_PTY_YES },    { "no", SSHIO_REQUEST_PTY_NO },
        { "false", SSHIO_REQUEST_PTY_NO }, { "force", SSHIO_REQUEST_PTY_FORCE }, { "auto", SSHIO_REQUEST_PTY_AUTO },
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i].word, value) == 0)
            return words[i].choice;
    return SSHIO_REQUEST_PTY_UNSET;
}

static int fill_text(struct configured *c, const struct field *field, const char **place, struct error *e)
{
    const char *text = config_text(c->config, field->id, NULL);

    if (*place != NULL)
        return 0;
    if (field->kind == FIELD_ALGORITHMS)
        return select_algorithms(c, field, place, e);
    if (field->kind == FIELD_COMPRESSION)
        *place = compression_of(text);
    else
        *place = text != NULL ? text : SSHIO_NONE;
    return 0;
}

static void fill_int(struct configured *c, const struct field *field, int *place)
{
    if (*place != 0)
        return;
    *place = (int)config_number(c->config, field->id, 0);
    if (field->kind == FIELD_COUNT && *place == 0)
        *place = -1;
}

static int fill_field(struct configured *c, const struct field *field, char *options, struct error *e)
{
    void *place = options + field->offset;
    const char *text = config_text(c->config, field->id, NULL);

    switch (field->kind) {
    case FIELD_TEXT:
    case FIELD_ALGORITHMS:
    case FIELD_COMPRESSION:
        return fill_text(c, field, place, e);
    case FIELD_LIST:
        if (*(const char *const **)place == NULL)
            *(const char *const **)place = text != NULL && strcmp(text, "any") != 0 ? config_texts(c->config, field->id)
                                                                                    : SSHIO_NONE;
        return 0;
    case FIELD_TRI:
        if (*(sshio_tri *)place == SSHIO_UNSET)
            *(sshio_tri *)place = strcmp(text, "yes") == 0 ? SSHIO_YES : SSHIO_NO;
        return 0;
    case FIELD_INT:
    case FIELD_COUNT:
        fill_int(c, field, place);
        return 0;
    case FIELD_SECONDS:
        if (*(double *)place == 0) {
            double seconds = config_seconds(c->config, field->id, 0);
            *(double *)place = seconds > 0 ? seconds : SSHIO_NEVER;
        }
        return 0;
    case FIELD_PTY:
        if (*(sshio_pty_choice *)place == SSHIO_REQUEST_PTY_UNSET)
            *(sshio_pty_choice *)place = pty_choice_of(text);
        return 0;
    case FIELD_FAMILY:
        if (*(sshio_family *)place == SSHIO_FAMILY_UNSET)
            *(sshio_family *)place = family_of(text);
        return 0;
    }
    return 0;
}

static int fill_fields(struct configured *c, const struct field *fields, size_t count, void *options, struct error *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++)
        if (config_is_set(c->config, fields[i].id))
            rc = fill_field(c, &fields[i], options, e);
    return rc;
}

/* ---- files ---- */

static bool is_there(const char *path)
{
    return strcmp(path, "/dev/null") != 0 && access(path, F_OK) == 0;
}

/* Adds the files that are there. Configurations name files for many hosts and machines, and the null device for none.
 */
static int add_existing(struct texts *files, const char *const *names, struct error *e)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        char *path = expand_home(names[i]);
        bool added = path != NULL && (!is_there(path) || texts_add(files, path));
        mem_free(path);
        if (!added)
            return error_nomem(e);
    }
    return 0;
}

static int make_keys(struct configured *c, enum keyword_id id, bool only_existing, const sshio_keyref **keys,
                     struct error *e)
{
    const char *const *names = config_texts(c->config, id);
    int rc = 0;

    if (*keys != NULL || !config_is_set(c->config, id))
        return 0;
    if (only_existing)
        rc = add_existing(&c->key_files, names, e);
    else if (!texts_copy(&c->key_files, names))
        rc = error_nomem(e);
    if (rc != 0)
        return rc;
    c->keys = mem_array(c->key_files.count + 1, sizeof *c->keys);
    if (c->keys == NULL)
        return error_nomem(e);
    for (size_t i = 0; i < c->key_files.count; i++)
        c->keys[i].file = c->key_files.items[i];
    *keys = c->keys;
    return 0;
}

static void use_source_files(struct configured *c, const sshio_source **source)
{
    c->source.files = texts_items(&c->source_files);
    *source = &c->source;
}

/* The user's files come first, also when only those of the machine are named. "none" is an empty set of known hosts:
 * a line in a file never turns the checking off. */
static int make_known_hosts(struct configured *c, const sshio_source **known_hosts, struct error *e)
{
    static const char *const usual[] = { "~/.ssh/known_hosts", NULL };
    bool own = config_is_set(c->config, KEYWORD_USER_KNOWN_HOSTS_FILE);

    if (*known_hosts != NULL || (!own && !config_is_set(c->config, KEYWORD_GLOBAL_KNOWN_HOSTS_FILE)))
        return 0;
    int rc = add_existing(&c->source_files, own ? config_texts(c->config, KEYWORD_USER_KNOWN_HOSTS_FILE) : usual, e);
    if (rc == 0)
        rc = add_existing(&c->source_files, config_texts(c->config, KEYWORD_GLOBAL_KNOWN_HOSTS_FILE), e);
    use_source_files(c, known_hosts);
    return rc;
}

/* ---- both sides ---- */

int configure_client(sshio_client_options *o, const char **host, struct configured *c, struct error *e)
{
    sshio_config_query query = { .host = *host, .username = o->username, .port = o->port };

    *c = (struct configured){ .config = NULL };
    if (o->config == NULL || (const void *)o->config == sshio_none)
        return 0;
    int rc = config_load(CONFIG_CLIENT, o->config, &query, &c->config, e);
    if (rc == 0)
        rc = fill_fields(c, client_fields, sizeof client_fields / sizeof client_fields[0], o, e);
    if (rc == 0)
        rc = make_keys(c, KEYWORD_IDENTITY_FILE, true, &o->client_keys, e);
    if (rc == 0)
        rc = make_known_hosts(c, &o->known_hosts, e);
    if (rc != 0)
        return rc;
    bool way_is_given = o->tunnel != NULL || o->proxy_jump != NULL || o->proxy_command != NULL ||
                        o->proxy_argv != NULL || o->sock != NULL;
    const char *jump = config_text(c->config, KEYWORD_PROXY_JUMP, NULL);
    if (!way_is_given && jump != NULL)
        o->proxy_jump = jump;
    if (!way_is_given && c->config->proxy_words.count != 0)
        o->proxy_argv = texts_items(&c->config->proxy_words);
    *host = config_text(c->config, KEYWORD_HOSTNAME, *host);
    return 0;
}

static bool has_token(const char *const *texts)
{
    for (size_t i = 0; texts[i] != NULL; i++)
        if (strchr(texts[i], '%') != NULL)
            return true;
    return false;
}

static int make_authorized_keys(struct configured *c, const sshio_source **authorized_keys, struct error *e)
{
    const char *const *names = config_texts(c->config, KEYWORD_AUTHORIZED_KEYS_FILE);

    if (*authorized_keys != NULL || !config_is_set(c->config, KEYWORD_AUTHORIZED_KEYS_FILE))
        return 0;
    if (has_token(names))
        return error_set(e, SSHIO_ECONFIG_PARSE, "AuthorizedKeysFile with a token is not supported: %s", names[0]);
    int rc = add_existing(&c->source_files, names, e);
    use_source_files(c, authorized_keys);
    return rc;
}

/* Restrictions of what runs, which is the program's own: one that loads its configuration can obey them. */
static int check_restrictions(const sshio_source *source, const struct sshio_config *config, struct error *e)
{
    static const enum keyword_id ids[] = { KEYWORD_FORCE_COMMAND, KEYWORD_CHROOT_DIRECTORY };

    for (size_t i = 0; source->config == NULL && i < sizeof ids / sizeof ids[0]; i++)
        if (config_text(config, ids[i], NULL) != NULL)
            return error_set(e, SSHIO_ECONFIG_PARSE,
                             "%s is not obeyed by this server: its program does not load the configuration",
                             keyword_at(ids[i])->name);
    return 0;
}

int configure_server(sshio_server_options *o, struct configured *c, struct error *e)
{
    static const sshio_config_query query = { .size = sizeof query };

    *c = (struct configured){ .config = NULL };
    if (o->config == NULL || (const void *)o->config == sshio_none)
        return 0;
    int rc = config_load(CONFIG_SERVER, o->config, &query, &c->config, e);
    if (rc == 0)
        rc = check_restrictions(o->config, c->config, e);
    if (rc == 0)
        rc = fill_fields(c, server_fields, sizeof server_fields / sizeof server_fields[0], o, e);
    if (rc == 0)
        rc = make_keys(c, KEYWORD_HOST_KEY, false, &o->host_keys, e);
    return rc == 0 ? make_authorized_keys(c, &o->authorized_keys, e) : rc;
}

void configured_done(struct configured *c)
{
    config_unref(c->config);
    texts_done(&c->texts);
    mem_free(c->keys);
    texts_done(&c->key_files);
    texts_done(&c->source_files);
}
