/* sshio/authorized_keys.h: which keys may log in. Immutable, may be shared by threads. */
#ifndef SSHIO_AUTHORIZED_KEYS_H
#define SSHIO_AUTHORIZED_KEYS_H
#include "base.h"
SSHIO_BEGIN

/* The keys in a text or in files of OpenSSH's form. Lines with options are refused as a whole, as options restrict
 * what a key may do; the log names them. SSHIO_EINVAL when not one line gives a key. */
SSHIO_API int sshio_import_authorized_keys(const char *data, size_t len, sshio_authorized_keys **keys);
SSHIO_API int sshio_read_authorized_keys(const char *const *files,
                                         sshio_authorized_keys **keys); /* waits; ~ expanded; ESYSTEM: no such file */

/* Count references to authorized keys: one more, which is also the result, and one given back. */
SSHIO_API sshio_authorized_keys *sshio_authorized_keys_ref(sshio_authorized_keys *keys);
SSHIO_API void sshio_authorized_keys_unref(sshio_authorized_keys *keys); /* takes NULL */

SSHIO_END
#endif
