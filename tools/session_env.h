/* The environment of a command that sshd runs. */
#ifndef SSHIO_TOOLS_SESSION_ENV_H
#define SSHIO_TOOLS_SESSION_ENV_H

#include <sshio.h>

#include "files.h"

/* A list of "NAME=value", ended by NULL; NULL = out of memory. original: what the client asked for, where something
 * else runs; NULL = nothing does, or it asked for a shell. Of what the client sent it has the names that fit one of
 * the accepted patterns (NULL = none), and never one that is set here. */
char **session_env_new(const struct account *account, const sshio_process *process, const char *original,
                       const char *const *accepted);
void session_env_free(char **env);

#endif
