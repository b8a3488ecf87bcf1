/* Private keys from what options name: files (read on a worker), bytes, key objects. */
#ifndef SSHIO_CONN_KEY_FILES_H
#define SSHIO_CONN_KEY_FILES_H

#include <sshio/key.h>

#include "base/error.h"

int key_files_load_private(const sshio_keyref *ref, sshio_key **key, struct error *e); /* waits */

#endif
