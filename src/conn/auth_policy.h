/* What a login takes, and how far one has come.
 *
 * A policy is a set of lists of methods, as OpenSSH's AuthenticationMethods: who has gone through all entries of one
 * list in its order is let in. An entry is a method, or "keyboard-interactive:device". Without lists any one method
 * will do. A list is behind when its next entry is not what just succeeded; it waits where it is. */
#ifndef SSHIO_CONN_AUTH_POLICY_H
#define SSHIO_CONN_AUTH_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/texts.h"

/* Copies the lists of an option; NULL, SSHIO_NONE and "any" alone give none. SSHIO_EINVAL for one that names no method
 * of this build. */
int auth_policy_set(struct texts *policy, const char *const *lists, struct error *e);

struct auth_progress { /* of one user on one connection */
    const struct texts *policy;
    size_t *passed;     /* of each list: how many of its entries */
    struct writer keys; /* that counted already: their blobs, as strings */
};

bool auth_progress_init(struct auth_progress *p, const struct texts *policy); /* false = out of memory */
void auth_progress_done(struct auth_progress *p);
void auth_progress_reset(struct auth_progress *p); /* another user: nothing has been passed */

/* Is this method the next of some list? */
bool auth_progress_allows(const struct auth_progress *p, const char *method);

/* Which device a keyboard-interactive dialogue is to use, of those that the client would like ("" = any): the first one
 * that is next in a list. Empty = as the client likes. False = none that it would like will do. */
bool auth_progress_device(const struct auth_progress *p, struct span wishes, struct span *device);

/* The method succeeded, on that device ("" = none was named). True = that was all. */
bool auth_progress_pass(struct auth_progress *p, const char *method, struct span device);

bool auth_progress_key_is_used(const struct auth_progress *p, struct span blob);
bool auth_progress_use_key(struct auth_progress *p, struct span blob); /* false = out of memory */

#endif
