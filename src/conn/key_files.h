/* Keys and host lists from what options name: files (read on a worker), bytes, loaded objects. All wait. */
#ifndef SSHIO_CONN_KEY_FILES_H
#define SSHIO_CONN_KEY_FILES_H

#include <sshio/authorized_keys.h>
#include <sshio/key.h>
#include <sshio/known_hosts.h>

#include "base/error.h"

#define KEY_FILE_MAX (1024u * 1024)
#define LIST_FILE_MAX (64u * 1024 * 1024)

int key_files_load_private(const sshio_keyref *ref, sshio_key **key, struct error *e);
int key_files_load_known_hosts(const sshio_source *source, sshio_known_hosts **hosts, struct error *e);
int key_files_load_authorized_keys(const sshio_source *source, sshio_authorized_keys **keys, struct error *e);

/* ~ at the start is the home directory. NULL = out of memory. */
char *key_files_expand(const char *name);

#endif
