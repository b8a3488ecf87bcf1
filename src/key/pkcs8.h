/* PKCS#8: private keys (RFC 5208, RFC 5958) and public keys (SubjectPublicKeyInfo, RFC 5280 4.1.2.7) in DER. */
#ifndef SSHIO_KEY_PKCS8_H
#define SSHIO_KEY_PKCS8_H

#include "key/key.h"
#include "key/pem.h"

int pkcs8_read_private(struct span der, sshio_key **key, struct error *e);
int pkcs8_read_public(struct span der, sshio_key **key, struct error *e);

/* The same from and to PEM. armored false: DER is written. */
int pkcs8_read_private_block(const struct pem_block *block, sshio_key **key, struct error *e);
int pkcs8_read_public_block(const struct pem_block *block, sshio_key **key, struct error *e);
int pkcs8_put_private(const sshio_key *key, bool armored, struct writer *w, struct error *e);
int pkcs8_put_public(const sshio_key *key, bool armored, struct writer *w, struct error *e);

#endif
