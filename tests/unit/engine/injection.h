/* A key exchange method around another one, which puts a packet of the test's into a chosen place
 * of the first exchange. */
#ifndef TESTS_ENGINE_INJECTION_H
#define TESTS_ENGINE_INJECTION_H

#include "engine/exchange.h"
#include "engine/pair.h"

enum place {
    BEFORE_KEXINIT, /* of the side that sends it */
    AFTER_KEXINIT,
    BEFORE_NEWKEYS,
    INSTEAD_OF_INIT /* the client's method does not begin */
};

struct injection {
    int from;
    enum place place;
    const uint8_t *payload;
    size_t len;
};

/* For one pair, before pair_start. The method of alg is wrapped. */
void injection_set(struct pair *p, const struct kex_alg *alg, const struct injection *injection);

/* Neither side says in its KEXINIT that it knows strict key exchange and EXT_INFO. After
 * pair_start. */
void pair_without_markers(struct pair *p);

#endif
