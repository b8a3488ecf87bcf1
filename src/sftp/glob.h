/* Patterns of paths, on either side: in a component "*" is any run, "?" a character, "[…]" one of a set and "[!…]" one
 * that is in none; a component "**" is any number of directories; a slash at the end means directories. */
#ifndef SSHIO_SFTP_GLOB_H
#define SSHIO_SFTP_GLOB_H

#include "sftp/side.h"

struct glob_entry {
    char *path;
    facts attrs;
    sshio_sftp_attrs *full; /* as listed; NULL = it was looked at by itself */
};
struct glob_list { /* owned */
    size_t count, capacity;
    struct glob_entry *items;
    void *paths; /* a search tree of the items' paths */
};
/* Unless it is there. ENOMEM. */
int glob_list_add(struct glob_list *list, const char *path, const facts *attrs);
int glob_list_take(struct glob_list *list, const char *path, const facts *attrs, const sshio_sftp_attrs *full);
void glob_list_done(struct glob_list *list);

/* Waits. Adds what matches, in the order of discovery. Nothing does: ESFTP_NO_SUCH_PATH, in version 3 _FILE; of an
 * empty pattern that is no error. */
int glob_expand(const struct side *side, sshio_sftp *s, const char *pattern, struct glob_list *list);

bool glob_match(const char *pattern, const char *name); /* of one component */
bool glob_is_pattern(const char *text, size_t len);

#endif
