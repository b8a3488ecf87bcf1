/* Signatures in the outer form, checked with keys that are the same in every run, one of each kind. A signature holds
 * under one algorithm, or under none. */
#include "fuzz.h"

#include "../unit/key/fixtures.h"
#include "crypto/random.h"
#include "key/key.h"

#define KEYS 4

static void make_keys(sshio_key **keys)
{
    static const struct key_fixture *const fixtures[] = { FIXTURE_ECDSA_256, FIXTURE_ECDSA_521, FIXTURE_RSA_1024 };
    random_seed(1);
    must(key_generate("ssh-ed25519", NULL, &keys[0], NULL) == 0);
    for (size_t i = 0; i < KEYS - 1; i++)
        must(key_from_public_text(span_of(fixtures[i]->openssh_public), &keys[i + 1], NULL) == 0);
}

static void try_key(const sshio_key *key, struct span signature)
{
    const struct span signed_data = SPAN("data", 4);
    int held = 0;
    for (size_t i = 0; i < sig_alg_count(); i++)
        held += key_verify(key, sig_alg_at(i), signed_data, signature);
    must(held == key_verify(key, NULL, signed_data, signature));
    must(held == sshio_key_verify(key, (sshio_span){ "data", 4 }, NULL, (sshio_span){ signature.data, signature.len }));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static sshio_key *keys[KEYS];
    if (keys[0] == NULL)
        make_keys(keys);
    for (size_t i = 0; i < KEYS; i++)
        try_key(keys[i], SPAN(data, size));
    return 0;
}
