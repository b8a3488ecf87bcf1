/* Message authentication codes beside ciphers that bring none: rows of one table.
 *
 * A code is over the packet's sequence number and one of two texts (RFC 4253 6.4): the packet as it was before
 * encryption, or, with the names in -etm, the length field in clear and what was encrypted. Which bytes these are is
 * the matter of cipher_paired.c; here they are just data. */
#ifndef SSHIO_CRYPTO_MAC_H
#define SSHIO_CRYPTO_MAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAC_MAX_KEY_LEN 64
#define MAC_MAX_TAG_LEN 64

struct mac; /* under one key; wiped when freed */
struct mac_family;

struct mac_alg {
    const char *name;
    size_t key_len;
    size_t tag_len; /* of what is sent */
    bool is_etm;    /* over what was encrypted, so that it is checked before anything is decrypted */
    bool is_default;
    bool is_weak;
    const struct mac_family *family;
    const void *param; /* for the family */
};

size_t mac_count(void);
const struct mac_alg *mac_at(size_t index); /* in order of preference */
const struct mac_alg *mac_find(const char *name);

struct mac *mac_new(const struct mac_alg *alg, const uint8_t *key); /* NULL = failed */
void mac_free(struct mac *m);                                       /* takes NULL */

/* One packet: begin, its text in any number of pieces, finish, which writes tag_len bytes. */
bool mac_begin(struct mac *m, uint32_t seq);
bool mac_update(struct mac *m, const uint8_t *data, size_t len);
bool mac_finish(struct mac *m, uint8_t *tag);

#endif
