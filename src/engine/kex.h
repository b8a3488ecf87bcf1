/* Key exchange methods: the table that negotiation chooses from, and what a method is to the engine (RFC 4253 sections
 * 7 and 8).
 *
 * A method is one file kex_<method>.c with both roles in it. It is a strict state machine: it names the message it
 * expects next, and any other kex number is a protocol error before it gets there. Adding an exchange of the same shape
 * takes a row in kex_algs.c only. */
#ifndef SSHIO_ENGINE_KEX_H
#define SSHIO_ENGINE_KEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct engine;
struct kex_method;
struct hash_alg;

struct kex_alg {
    const char *name;
    const char *hash_name;
    bool is_default;
    bool is_weak;
    bool is_post_quantum;
    bool no_host_key; /* the exchange proves the server in its own way (GSSAPI, tests): no host key is sent or signed
                         with */
    const struct kex_method *method;
    const void *param; /* of the method: which curve, which group */
};

size_t kex_alg_count(void);
const struct kex_alg *kex_alg_at(size_t index); /* in order of preference */
const struct kex_alg *kex_alg_find(const char *name);

#endif
