/* authorized_keys: which keys may log in. Immutable once it is shared; counted references, atomically.
 *
 * A line is "type base64 [comment]". A line with options is refused as a whole, because an option restricts, and
 * ignoring it would grant more than its author meant; so is a line that is too long, which is never read on as a new
 * line. What was refused is listed for the caller's log. */
#ifndef SSHIO_CONFIG_AUTHORIZED_KEYS_H
#define SSHIO_CONFIG_AUTHORIZED_KEYS_H

#include <stdbool.h>

#include <sshio/authorized_keys.h>

#include "base/bytes.h"
#include "base/error.h"

sshio_authorized_keys *authorized_keys_new(void); /* empty; NULL = out of memory */
sshio_authorized_keys *authorized_keys_ref(sshio_authorized_keys *keys);
void authorized_keys_unref(sshio_authorized_keys *keys);

/* Adds the lines of a text, before the object is shared: 0 or SSHIO_ENOMEM. */
int authorized_keys_parse(sshio_authorized_keys *keys, struct span text, const char *filename, struct error *e);

size_t authorized_keys_count(const sshio_authorized_keys *keys);
const char *const *authorized_keys_refused(const sshio_authorized_keys *keys);  /* "file line 3: …"; borrowed */
bool authorized_keys_find(const sshio_authorized_keys *keys, struct span blob); /* the public blob of a plain key */

#endif
