/* The key exchange methods there are, best first; see kex.h. */
#include "engine/kex.h"

#include <string.h>

#include "crypto/agreement.h"
#include "crypto/dh.h"
#include "engine/exchange.h"

static const struct kex_alg kex_algs[] = {
    { "curve25519-sha256", "sha256", .is_default = true, .method = &kex_ecdh, .param = &agreement_x25519 },
    { "curve25519-sha256@libssh.org", "sha256", .is_default = true, .method = &kex_ecdh, .param = &agreement_x25519 },
    { "ecdh-sha2-nistp521", "sha512", .is_default = true, .method = &kex_ecdh, .param = &agreement_p521 },
    { "ecdh-sha2-nistp384", "sha384", .is_default = true, .method = &kex_ecdh, .param = &agreement_p384 },
    { "ecdh-sha2-nistp256", "sha256", .is_default = true, .method = &kex_ecdh, .param = &agreement_p256 },
    { "diffie-hellman-group-exchange-sha256", "sha256", .is_default = true, .method = &kex_gex },
    { "diffie-hellman-group14-sha256", "sha256", .is_default = true, .method = &kex_dh, .param = &dh_group14 },
    { "diffie-hellman-group15-sha512", "sha512", .is_default = true, .method = &kex_dh, .param = &dh_group15 },
    { "diffie-hellman-group16-sha512", "sha512", .is_default = true, .method = &kex_dh, .param = &dh_group16 },
    { "diffie-hellman-group17-sha512", "sha512", .is_default = true, .method = &kex_dh, .param = &dh_group17 },
    { "diffie-hellman-group18-sha512", "sha512", .is_default = true, .method = &kex_dh, .param = &dh_group18 },
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
