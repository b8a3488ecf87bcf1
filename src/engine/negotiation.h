/* KEXINIT and what follows from two of them (RFC 4253 section 7.1). */
#ifndef SSHIO_ENGINE_NEGOTIATION_H
#define SSHIO_ENGINE_NEGOTIATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "engine/engine.h"
#include "engine/kex.h"

#define KEXINIT_MAX_NAMES 1024 /* in one list */

enum kexinit_list {
    KEXINIT_KEX,
    KEXINIT_HOST_KEY,
    KEXINIT_CIPHER_C2S,
    KEXINIT_CIPHER_S2C,
    KEXINIT_MAC_C2S,
    KEXINIT_MAC_S2C,
    KEXINIT_COMPRESSION_C2S,
    KEXINIT_COMPRESSION_S2C,
    KEXINIT_LANGUAGE_C2S,
    KEXINIT_LANGUAGE_S2C,
    KEXINIT_LISTS
};

struct kexinit {
    struct span lists[KEXINIT_LISTS]; /* into the payload */
    bool first_kex_packet_follows;
};

struct direction_algs {
    const struct cipher_alg *cipher;
    const struct mac_alg *mac; /* NULL beside an AEAD cipher */
    const struct compression_alg *compression;
};

struct negotiated {
    const struct kex_alg *kex;
    const struct sig_alg *host_key_alg;     /* NULL when the method uses no host key */
    const struct engine_host_key *host_key; /* server: the key of that algorithm */
    struct direction_algs c2s;
    struct direction_algs s2c;
    /* the packet that the peer may have sent ahead is to be dropped */
    bool guess_wrong;
};

/* The message after its number. The pseudo names for EXT_INFO and strict key exchange go into the
 * first one only. */
void kexinit_put(struct writer *w, const struct engine_config *config, bool first);
bool kexinit_read(struct reader *r, struct kexinit *k);

/* Markers that the peer put into its first KEXINIT. server is our role. */
bool kexinit_has_strict(const struct kexinit *peer, bool server);
bool kexinit_has_ext_info(const struct kexinit *peer, bool server);

void kexinit_log(const struct kexinit *k, const char *whose, sshio_logger *logger); /* its lists, at debug level 2 */

/* SSHIO_EKEY_EXCHANGE_FAILED names the category that has nothing in common, and both lists. */
int negotiate(const struct engine_config *config, const struct kexinit *own, const struct kexinit *peer,
              struct negotiated *out, struct error *error);

#endif
