/* The environment of a command that sshd runs. Nothing of it comes from the client. */
#ifndef SSHIO_TOOLS_SESSION_ENV_H
#define SSHIO_TOOLS_SESSION_ENV_H

#include <sshio.h>

#include "files.h"

/* A list of "NAME=value", ended by NULL; NULL = out of memory. */
char **session_env_new(const struct account *account, const sshio_conn *conn);
void session_env_free(char **env);

#endif
