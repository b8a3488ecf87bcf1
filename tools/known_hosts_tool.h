/* What ssh-keygen does with a known_hosts file. Each gives an exit status. */
#ifndef SSHIO_TOOLS_KNOWN_HOSTS_TOOL_H
#define SSHIO_TOOLS_KNOWN_HOSTS_TOOL_H

#include <stdbool.h>

int known_hosts_find(const char *path, const char *host, bool fingerprints, bool quiet);
int known_hosts_remove(const char *path, const char *host, bool quiet);
int known_hosts_hash(const char *path, bool quiet);

#endif
