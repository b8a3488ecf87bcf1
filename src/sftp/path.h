/* Names and paths, as the parts of a transfer put them together. */
#ifndef SSHIO_SFTP_PATH_H
#define SSHIO_SFTP_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/log.h"

/* Freed by the caller; NULL = out of memory. An absolute name takes the place of the path; an empty path is none, and
 * an empty name leaves a slash at the end. */
char *path_append(const char *path, const char *name);
/* What follows the last slash, "" for ".", ".." and after a slash at the end: the contents are meant. Borrowed. */
const char *path_basename(const char *path);
bool path_is_dots(const char *name);      /* "." or ".." */
bool path_name_is_safe(const char *name); /* of an entry: one component, and not "." or ".." */
/* Whether an entry of a listing may be gone on with. Of another than "." and ".." that may not there is a warning. */
bool path_entry_is_taken(const char *name, sshio_logger *logger);

#endif
