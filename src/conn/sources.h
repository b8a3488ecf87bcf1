/* What options name (sshio_source) made into objects: from memory, from files, or loaded before. Failures are recorded
 * as the last error of the task. */
#ifndef SSHIO_CONN_SOURCES_H
#define SSHIO_CONN_SOURCES_H

#include <sshio/base.h>

/* All wait when files are named. A source with nothing set gives an empty object. */
int source_known_hosts(const sshio_source *source, sshio_known_hosts **hosts);
int source_authorized_keys(const sshio_source *source, sshio_authorized_keys **keys);

/* "~" and "~/x" in the user's home directory, other paths as they are. Freed with mem_free; NULL = out of memory. */
char *expand_home(const char *path);

#endif
