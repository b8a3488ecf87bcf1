/* Files of the account: names and what may be trusted in them. */
#ifndef SSHIO_TOOLS_FILES_H
#define SSHIO_TOOLS_FILES_H

#include <stdbool.h>
#include <stddef.h>

struct account { /* whoever runs this */
    char *name;
    char *home;
    char *shell; /* never empty */
};

/* home: the home directory, NULL = that of the password database. False: the database does not know this user. */
bool account_load(struct account *account, const char *home);
void account_done(struct account *account);

/* "~/x" in the home directory, other names as they are; freed by the caller, NULL = out of memory. */
char *path_expand(const struct account *account, const char *name);

/* Whether the file is there and belongs to nobody but this account and root. False as below. */
bool file_is_trusted(const char *path, const char **reason);

/* Appends the lines of a file to a text, which grows by realloc. False: nothing was read, and *reason says why; it is
 * NULL when there is no such file. Refused is what is not a regular file or is too long; what is strict also refuses a
 * file that somebody else owns or can write, or could replace: by its folders, up to the home directory or the root. */
bool file_append(const struct account *account, const char *path, bool strict, char **text, size_t *len,
                 const char **reason);

#endif
