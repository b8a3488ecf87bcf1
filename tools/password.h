/* Passwords of accounts, checked against the shadow file by crypt(3). */
#ifndef SSHIO_TOOLS_PASSWORD_H
#define SSHIO_TOOLS_PASSWORD_H

#include <stdbool.h>

/* Whether this process may read the account's hash, the account has a password, and it has not expired. */
bool password_is_checkable(const char *account);

/* Takes the time that the hash was made to take, which is the same for every password: to be called on a worker thread.
 * Also false for all that password_is_checkable says. */
bool password_is_right(const char *account, const char *password);

/* The same with a hash as shadow has it. An empty hash, a locked one and one of an unknown kind fit no password. */
bool password_fits(const char *hash, const char *password);

#endif
