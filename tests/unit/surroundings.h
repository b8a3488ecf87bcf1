/* What a test asks of the process that it runs in: settings from its environment, and the descriptors that it has. */
#ifndef TESTS_SURROUNDINGS_H
#define TESTS_SURROUNDINGS_H

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>

#define DESCRIPTORS_MAX 256 /* more are never open in a test that counts them */

static inline int descriptors_open(void)
{
    int count = 0;
    for (int fd = 0; fd < DESCRIPTORS_MAX; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* A number from the environment; otherwise, when it is not set or empty. */
static inline uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL && text[0] != '\0' ? strtoull(text, NULL, 10) : otherwise;
}

#endif
