/* The random source, and the seeded sequence that tests put in its place. The sequence (splitmix64)
 * is per thread and not secret. */
#include "crypto/random.h"

#include <limits.h>
#include <string.h>

#include <openssl/rand.h>

static _Thread_local bool seeded;
static _Thread_local uint64_t seed_state;
static _Thread_local const uint8_t *replayed; /* what comes before the sequence */
static _Thread_local size_t replayed_len;

static uint64_t next_seeded(void)
{
    seed_state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = seed_state;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static size_t fill_replayed(uint8_t *to, size_t len)
{
    size_t part = len < replayed_len ? len : replayed_len;
    if (part == 0)
        return 0;
    memcpy(to, replayed, part);
    replayed += part;
    replayed_len -= part;
    return part;
}

static void fill_seeded(uint8_t *to, size_t len)
{
    size_t done = fill_replayed(to, len);
    to += done;
    len -= done;
    while (len != 0) {
        uint64_t word = next_seeded();
        size_t part = len < sizeof word ? len : sizeof word;
        for (size_t i = 0; i < part; i++)
            to[i] = (uint8_t)(word >> (8 * i));
        to += part;
        len -= part;
    }
}

bool random_bytes(void *to, size_t len)
{
    if (len == 0)
        return true;
    if (seeded) {
        fill_seeded(to, len);
        return true;
    }
    return len <= INT_MAX && RAND_bytes(to, (int)len) == 1;
}

void random_seed(uint64_t seed)
{
    seeded = true;
    seed_state = seed;
    replayed_len = 0;
}

void random_replay(const void *bytes, size_t len)
{
    random_seed(0);
    replayed = bytes;
    replayed_len = len;
}

void random_unseed(void)
{
    seeded = false;
}

bool random_seeded(void)
{
    return seeded;
}
