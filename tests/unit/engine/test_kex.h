/* A key exchange for tests: no host key, no public key operations, the shape of ECDH. Who listens
 * knows the secret. */
#ifndef TESTS_ENGINE_TEST_KEX_H
#define TESTS_ENGINE_TEST_KEX_H

#include <string.h>

#include "base/memory.h"
#include "crypto/agreement.h"
#include "crypto/random.h"
#include "engine/exchange.h"
#include "engine/kex.h"

#define TEST_KEX_LEN 32

struct agreement {
    uint8_t own[TEST_KEX_LEN];
};

static struct agreement *test_agreement_generate(const struct agreement_alg *alg, uint8_t *public_key)
{
    struct agreement *a = mem_alloc(sizeof *a);
    (void)alg;
    if (a != NULL && !random_bytes(a->own, sizeof a->own)) {
        mem_free(a);
        return NULL;
    }
    if (a != NULL)
        memcpy(public_key, a->own, sizeof a->own);
    return a;
}

static bool test_agreement_derive(struct agreement *a, const uint8_t *peer_public, size_t len, uint8_t *secret)
{
    if (len != TEST_KEX_LEN)
        return false;
    for (size_t i = 0; i < len; i++)
        secret[i] = a->own[i] ^ peer_public[i];
    return true;
}

static void test_agreement_destroy(struct agreement *a)
{
    mem_free(a);
}

static const struct agreement_alg test_agreement = {
    .name = "test",
    .public_len = TEST_KEX_LEN,
    .secret_len = TEST_KEX_LEN,
    .generate = test_agreement_generate,
    .derive = test_agreement_derive,
    .destroy = test_agreement_destroy,
};

static const struct kex_alg test_kex = {
    .name = "test-kex@sshio",
    .hash_name = "sha256",
    .no_host_key = true,
    .method = &kex_ecdh,
    .param = &test_agreement,
};

#endif
