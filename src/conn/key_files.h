/* Private keys from what options name: files (read on a worker), bytes, key objects. */
#ifndef SSHIO_CONN_KEY_FILES_H
#define SSHIO_CONN_KEY_FILES_H

#include <sshio/key.h>

#include "base/error.h"

/* A list of them: ends with an empty element; NULL and SSHIO_NONE are empty. The keys end with NULL. */
int key_files_load_list(const sshio_keyref *refs, sshio_key ***keys, struct error *e); /* waits */
void key_files_free(sshio_key **keys);                                                 /* takes NULL */

int key_files_load_private(const sshio_keyref *ref, sshio_key **key, struct error *e); /* waits */

#endif
