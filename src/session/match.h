/* The search for separators in a text. */
#ifndef SSHIO_SESSION_MATCH_H
#define SSHIO_SESSION_MATCH_H

#include <stddef.h>

/* Where the match ends that begins first, at or after from; of those that begin at one place the first in the list
 * counts. 0 = there is none. The list ends with NULL; none of it is empty. */
size_t match_earliest(const char *data, size_t len, size_t from, const char *const *separators);

#endif
