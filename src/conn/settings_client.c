/* Settings of clients, from sshio_client_options. */
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "conn/algorithms.h"
#include "conn/option_checks.h"
#include "conn/prepared.h"
#include "conn/settings.h"
#include "conn/sources.h"
#include "io/last_error.h"
#include "io/options.h"

#define AUTH_ORDER_DEFAULT "publickey,keyboard-interactive,password"

void sshio_client_options_init(sshio_client_options *options)
{
    OPTIONS_TAKE(options, NULL);
}

static int set_username(struct settings *s, const char *username, struct error *e)
{
    char buffer[2048];
    struct passwd pw, *found = NULL;
    if (username == sshio_none)
        username = NULL;
    if (username == NULL && getpwuid_r(geteuid(), &pw, buffer, sizeof buffer, &found) == 0 && found != NULL)
        username = found->pw_name;
    if (username == NULL)
        return error_set(e, SSHIO_EINVAL, "no user name: none was given and the local user has none");
    if (strlen(username) > limits_default.user_len)
        return error_set(e, SSHIO_EINVAL, "User name of %zu bytes", strlen(username));
    return prepared_username(username, SSHIO_EINVAL, &s->username, e);
}

/* Names of methods that are not known here are passed over, so that files written for others can be used. */
static int set_preferred_auth(struct settings *s, const char *list, struct error *e)
{
    if (list == NULL || list == sshio_none)
        list = AUTH_ORDER_DEFAULT;
    if (list[0] == '\0' || !name_list_is_valid(span_of(list)))
        return error_set(e, SSHIO_EINVAL, "preferred_auth is not a list of methods: \"%s\"", list);
    return settings_text(&s->preferred_auth, list, e);
}

int settings_check_env(const char *const *env, struct error *e)
{
    for (size_t i = 0; env[i] != NULL; i++)
        if (strchr(env[i], '=') == NULL || env[i][0] == '=')
            return error_set(e, SSHIO_EINVAL, "environment entry is not NAME=value: %s", env[i]);
    return 0;
}

static bool copy_list(struct texts *to, const char *const *list)
{
    return (const void *)list == sshio_none || texts_copy(to, list);
}

static int set_env(struct settings *s, const sshio_client_options *o, struct error *e)
{
    if (o->env != NULL && (const void *)o->env != sshio_none) {
        int rc = settings_check_env(o->env, e);
        if (rc != 0)
            return rc;
    }
    return copy_list(&s->env, o->env) && copy_list(&s->send_env, o->send_env) ? 0 : error_nomem(e);
}

static int set_terminal(struct settings *s, const sshio_client_options *o, struct error *e)
{
    const sshio_term_mode *modes = (const void *)o->term_modes == sshio_none ? NULL : o->term_modes;
    int rc = settings_text(&s->terminal.type, o->term_type, e);
    if (rc == 0)
        rc = terminal_check(s->terminal.type, &o->term_size, modes, e);
    if (rc != 0)
        return rc;
    s->request_pty = o->request_pty;
    s->terminal.size = o->term_size;
    return terminal_modes_copy(&s->terminal.modes, modes) ? 0 : error_nomem(e);
}

static int set_known_hosts(struct settings *s, const sshio_source *source, struct error *e)
{
    s->check_host = (const void *)source != sshio_none;
    if (source == NULL || !s->check_host)
        return 0;
    int rc = source_known_hosts(source, &s->known_hosts);
    if (rc != 0)
        error_copy(e, last_error());
    return rc;
}

/* What is offered where nothing is known about the host; each connection makes its own list of the same text. */
static int set_host_key_algs(struct settings *s, const char *text, struct error *e)
{
    int rc = settings_text(&s->host_key_algs_text, text, e);
    if (rc == 0)
        rc = algorithms_rows(SSHIO_ALG_PUBLIC_KEY, text, &s->host_key_algs, e);
    s->engine.host_key_algs = (const struct sig_alg *const *)s->host_key_algs;
    return rc;
}

static int fill(struct settings *s, const sshio_client_options *o, struct error *e)
{
    struct settings_common common = SETTINGS_COMMON(o, o->client_version);
    int rc = check_client_options(o, e);
    if (rc == 0)
        rc = settings_set_common(s, &common, e);
    if (rc == 0)
        rc = set_username(s, o->username, e);
    if (rc == 0)
        rc = settings_text(&s->password, o->password, e);
    if (rc == 0)
        rc = set_preferred_auth(s, o->preferred_auth, e);
    if (rc == 0)
        rc = settings_text(&s->host_key_alias, o->host_key_alias, e);
    if (rc == 0)
        rc = settings_text(&s->command, o->command, e);
    if (rc == 0)
        rc = settings_text(&s->subsystem, o->subsystem, e);
    if (rc == 0)
        rc = set_env(s, o, e);
    if (rc == 0)
        rc = set_terminal(s, o, e);
    if (rc == 0)
        rc = settings_text(&s->encoding, o->encoding, e);
    if (rc == 0)
        rc = set_host_key_algs(s, o->server_host_key_algs, e);
    if (rc == 0)
        rc = settings_load_keys(s, o->client_keys, e);
    if (rc == 0)
        rc = set_known_hosts(s, o->known_hosts, e);
    s->password_handler = o->password_handler;
    s->disable_trivial_auth = settings_tri(o->disable_trivial_auth, false);
    s->user = o->user;
    if (o->handlers != NULL)
        s->client = *o->handlers;
    return rc;
}

int settings_client(const sshio_client_options *options, struct settings **settings, struct error *e)
{
    struct settings *s = mem_zalloc(sizeof *s);
    if (s == NULL)
        return error_nomem(e);
    s->refs = 1;
    int rc = fill(s, options, e);
    if (rc == 0)
        *settings = s;
    else
        settings_unref(s);
    return rc;
}
