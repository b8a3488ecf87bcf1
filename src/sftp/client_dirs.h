/* Whole listings of directories, as the parts of the client use them. */
#ifndef SSHIO_SFTP_CLIENT_DIRS_H
#define SSHIO_SFTP_CLIENT_DIRS_H

#include <sshio/sftp.h>

#include "base/error.h"

struct name_list { /* owned */
    size_t count, capacity;
    sshio_sftp_name **items;
    uint64_t bytes;
};
void name_list_done(struct name_list *list);
int name_list_add(struct name_list *list, sshio_sftp_name *name, struct error *e); /* takes name, unless ENOMEM */

/* Waits. Empty on failure. */
int client_list(sshio_sftp *s, const char *path, struct name_list *list);

/* Whether an entry is a directory itself, no link to one. Waits where the listing did not say. */
bool client_is_directory(sshio_sftp *s, const char *path, const sshio_sftp_attrs *listed);

#endif
