/* What every fuzz target defines, and how it says that something is wrong. */
#ifndef SSHIO_TESTS_FUZZ_H
#define SSHIO_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As assert, but in every build. */
static inline void must(int condition)
{
    if (!condition)
        abort();
}

#endif
