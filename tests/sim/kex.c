/* Two more key exchanges than the library has, without public key operations: one that proves the host by a signature,
 * and one that does not. The program is linked with --wrap, so that the table of key exchanges ends with these rows. */
#include "engine/test_kex.h"

static const struct kex_alg sim_kexes[] = {
    { .name = "sim-kex@sshio",
      .hash_name = "sha256",
      .no_host_key = true,
      .method = &kex_ecdh,
      .param = &test_agreement },
    { .name = "sim-signed-kex@sshio", .hash_name = "sha256", .method = &kex_ecdh, .param = &test_agreement },
};

#define SIM_KEXES (sizeof sim_kexes / sizeof sim_kexes[0])

size_t __real_kex_alg_count(void);
const struct kex_alg *__real_kex_alg_at(size_t index);
size_t __wrap_kex_alg_count(void);
const struct kex_alg *__wrap_kex_alg_at(size_t index);

size_t __wrap_kex_alg_count(void)
{
    return __real_kex_alg_count() + SIM_KEXES;
}

const struct kex_alg *__wrap_kex_alg_at(size_t index)
{
    size_t count = __real_kex_alg_count();
    if (index < count)
        return __real_kex_alg_at(index);
    return index - count < SIM_KEXES ? &sim_kexes[index - count] : NULL;
}
