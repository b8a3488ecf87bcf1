/* Algorithms that hide and prove nothing, under the names of real ones, so that what real peers said is understood: an
 * exchange in which any 32 bytes are a public value, and a cipher that leaves packets as they are behind four bytes of
 * tag that nobody looks at. Whoever makes an input can say everything that a real peer could. */
#ifndef SSHIO_TESTS_FUZZ_NULL_SUITE_H
#define SSHIO_TESTS_FUZZ_NULL_SUITE_H

#include "crypto/cipher.h"
#include "engine/kex.h"

#define NULL_SUITE_HOST_KEY_LEN 51 /* of an ssh-ed25519 blob */

extern const struct kex_alg null_kex;           /* curve25519-sha256 */
extern const struct cipher_alg null_ciphers[2]; /* aes128-gcm@openssh.com, chacha20-poly1305@openssh.com */
extern const uint8_t null_host_key[NULL_SUITE_HOST_KEY_LEN];

/* Programs with this file are linked with --wrap=key_verify: a signature holds that is long enough. */
#define NULL_SUITE_SIGNATURE_LEN 64

#endif
