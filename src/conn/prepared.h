/* User names and passwords in the form that is sent and compared (base/saslprep.h). A build without tables of Unicode
 * leaves passwords that are not ASCII as they are, which is what servers that prepare nothing expect, and takes no such
 * user names: two that look alike could be two users. */
#ifndef SSHIO_CONN_PREPARED_H
#define SSHIO_CONN_PREPARED_H

#include "base/error.h"

/* The name, owned; `code` when it cannot be one. */
int prepared_username(const char *name, int code, char **prepared, struct error *e);

/* Owned, to be given to prepared_free. SSHIO_EPROTOCOL for characters that have no place in a password. */
int prepared_password(const char *password, char **prepared, struct error *e);
/* The same for our own: what cannot be prepared is left as it is. */
int prepared_own_password(const char *password, char **prepared, struct error *e);
void prepared_free(char *prepared); /* wipes; takes NULL */

#endif
