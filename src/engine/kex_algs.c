/* The key exchange methods there are, best first; see kex.h. */
#include "engine/kex.h"

#include <string.h>

#include "crypto/agreement.h"
#include "engine/exchange.h"

static const struct kex_alg kex_algs[] = {
    { .name = "curve25519-sha256",
      .hash_name = "sha256",
      .is_default = true,
      .method = &kex_ecdh,
      .param = &agreement_x25519 },
    { .name = "curve25519-sha256@libssh.org",
      .hash_name = "sha256",
      .is_default = true,
      .method = &kex_ecdh,
      .param = &agreement_x25519 },
};

size_t kex_alg_count(void)
{
    return sizeof kex_algs / sizeof kex_algs[0];
}

const struct kex_alg *kex_alg_at(size_t index)
{
    return index < kex_alg_count() ? &kex_algs[index] : NULL;
}

const struct kex_alg *kex_alg_find(const char *name)
{
    for (size_t i = 0; i < kex_alg_count(); i++)
        if (strcmp(kex_algs[i].name, name) == 0)
            return &kex_algs[i];
    return NULL;
}
