/* OpenSSH's private key format v1. */
#ifndef SSHIO_KEY_OPENSSH_FILE_H
#define SSHIO_KEY_OPENSSH_FILE_H

#include "key/pem.h"
#include "key/key.h"

int openssh_file_read(const struct pem_block *block, sshio_key **key, struct error *e);
int openssh_file_read_public(const struct pem_block *block, sshio_key **key,
                             struct error *e); /* of encrypted files as well */
int openssh_file_put(const sshio_key *key, struct writer *w, struct error *e);

#endif
