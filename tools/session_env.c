/* See session_env.h. */
#include "session_env.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OWN_VARIABLES_MAX 16
#define SESSION_PATH "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
#define NO_ADDRESS "UNKNOWN"
#define NO_PORT 65535

struct env_list {
    char **items;
    size_t count;
    bool failed;
};

static void add(struct env_list *env, const char *format, ...) SSHIO_PRINTF(2, 3);

static void add(struct env_list *env, const char *format, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0)
        env->failed = true;
    else
        env->items[env->count++] = text;
}

/* What is not known, as on a connection that is no socket of the network, has values that OpenSSH has for it. */
static void add_connection(struct env_list *env, const sshio_conn *conn)
{
    const sshio_address *peer = sshio_conn_peername(conn);
    const sshio_address *local = sshio_conn_sockname(conn);
    bool known = peer != NULL && peer->host[0] != '\0' && local != NULL && local->host[0] != '\0';
    const char *hosts[] = { known ? peer->host : NO_ADDRESS, known ? local->host : NO_ADDRESS };
    int ports[] = { known ? peer->port : NO_PORT, known ? local->port : NO_PORT };

    add(env, "SSH_CLIENT=%s %d %d", hosts[0], ports[0], ports[1]);
    add(env, "SSH_CONNECTION=%s %d %s %d", hosts[0], ports[0], hosts[1], ports[1]);
}

static bool is_set(const struct env_list *env, const char *name, size_t len)
{
    for (size_t i = 0; i < env->count; i++)
        if (strncmp(env->items[i], name, len) == 0 && env->items[i][len] == '=')
            return true;
    return false;
}

static bool is_accepted(const char *const *patterns, const char *variable, size_t name_len)
{
    char name[256];

    if (patterns == NULL || name_len == 0 || name_len >= sizeof name)
        return false;
    memcpy(name, variable, name_len);
    name[name_len] = '\0';
    for (; *patterns != NULL; patterns++)
        if (fnmatch(*patterns, name, FNM_NOESCAPE) == 0)
            return true;
    return false;
}

static void add_clients(struct env_list *env, const char *const *sent, const char *const *accepted)
{
    for (; sent != NULL && *sent != NULL; sent++) {
        size_t len = strcspn(*sent, "=");
        if (is_accepted(accepted, *sent, len) && !is_set(env, *sent, len))
            add(env, "%s", *sent);
    }
}

char **session_env_new(const struct account *account, const sshio_process *process, const char *original,
                       const char *const *accepted)
{
    const char *const *sent = sshio_process_env(process);
    const char *time_zone = getenv("TZ");
    size_t count = 0;

    while (sent != NULL && sent[count] != NULL)
        count++;
    struct env_list env = { .items = calloc(OWN_VARIABLES_MAX + count, sizeof *env.items) };
    if (env.items == NULL)
        return NULL;
    add(&env, "USER=%s", account->name);
    add(&env, "LOGNAME=%s", account->name);
    add(&env, "HOME=%s", account->home);
    add(&env, "PATH=%s", SESSION_PATH);
    add(&env, "SHELL=%s", account->shell);
    if (time_zone != NULL)
        add(&env, "TZ=%s", time_zone);
    if (original != NULL)
        add(&env, "SSH_ORIGINAL_COMMAND=%s", original);
    add_connection(&env, sshio_process_conn(process));
    add_clients(&env, sent, accepted);
    if (!env.failed)
        return env.items;
    session_env_free(env.items);
    return NULL;
}

void session_env_free(char **env)
{
    for (size_t i = 0; env != NULL && env[i] != NULL; i++)
        free(env[i]);
    free(env);
}
