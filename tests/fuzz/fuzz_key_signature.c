/* Signatures in the outer form, checked with a key that is the same in every run. */
#include "fuzz.h"

#include "crypto/random.h"
#include "key/key.h"

static sshio_key *fixed_key(void)
{
    sshio_key *key = NULL;
    random_seed(1);
    must(key_generate("ssh-ed25519", NULL, &key, NULL) == 0);
    return key;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static sshio_key *key;
    if (key == NULL)
        key = fixed_key();
    bool any = key_verify(key, NULL, SPAN("data", 4), SPAN(data, size));
    bool best = key_verify(key, key_sig_alg(key, 0), SPAN("data", 4), SPAN(data, size));
    must(any == best);
    must(any == sshio_key_verify(key, (sshio_span){ "data", 4 }, "ssh-ed25519", (sshio_span){ data, size }));
    return 0;
}
