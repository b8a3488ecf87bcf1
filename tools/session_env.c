/* See session_env.h. */
#include "session_env.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define VARIABLES_MAX 16
#define SESSION_PATH "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"

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

char **session_env_new(const struct account *account, const sshio_conn *conn)
{
    const sshio_address *peer = sshio_conn_peername(conn);
    const sshio_address *local = sshio_conn_sockname(conn);
    struct env_list env = { .items = calloc(VARIABLES_MAX, sizeof *env.items) };

    if (env.items == NULL)
        return NULL;
    add(&env, "USER=%s", account->name);
    add(&env, "LOGNAME=%s", account->name);
    add(&env, "HOME=%s", account->home);
    add(&env, "PATH=%s", SESSION_PATH);
    add(&env, "SHELL=%s", account->shell);
    if (peer != NULL && local != NULL) {
        add(&env, "SSH_CLIENT=%s %d %d", peer->host, peer->port, local->port);
        add(&env, "SSH_CONNECTION=%s %d %s %d", peer->host, peer->port, local->host, local->port);
    }
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
