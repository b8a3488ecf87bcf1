/* How ssh-keygen shows keys. */
#ifndef SSHIO_TOOLS_KEY_TEXT_H
#define SSHIO_TOOLS_KEY_TEXT_H

#include <sshio.h>

const char *key_type_name(const sshio_key *key); /* "ED25519" */
int key_size(const sshio_key *key);              /* in bits */
/* "256 SHA256:… comment (ED25519)" on stdout; comment NULL = "no comment". False: the hash does not exist. */
bool key_print_fingerprint(const sshio_key *key, const char *hash, const char *comment);

#endif
