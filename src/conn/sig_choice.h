/* Which signature algorithms a client tries with a key. (RFC 8332, RFC 8308 3.1) */
#ifndef SSHIO_CONN_SIG_CHOICE_H
#define SSHIO_CONN_SIG_CHOICE_H

#include <stddef.h>
#include <stdint.h>

#include "key/key.h"

#define SIG_CHOICE_MOST 2

struct sig_choice_server {
    const char *list; /* its server-sig-algs; NULL = it sent none */
    uint32_t quirks;  /* enum quirk */
};

/* The algorithms to try, in order: how many. allowed: what we sign with; ends with NULL. */
size_t sig_choice(const sshio_key *key, const struct sig_alg *const *allowed, const struct sig_choice_server *server,
                  const struct sig_alg *out[SIG_CHOICE_MOST]);

#endif
