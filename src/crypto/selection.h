/* The selection syntax of algorithm options: lists, wildcards, "default", and the prefixes ^ + - (see
 * sshio/algorithms.h). */
#ifndef SSHIO_CRYPTO_SELECTION_H
#define SSHIO_CRYPTO_SELECTION_H

#include <stdbool.h>

#include "base/error.h"
#include "base/texts.h"

struct selection_name { /* one possible algorithm, in order of preference */
    const char *name;
    bool is_default;
};

struct selection_rules {
    const char *kind;             /* "key exchange", "encryption", "MAC", "compression", "signature", "host key" */
    bool empty_allowed;           /* MAC, compression */
    bool from_config;             /* patterns that match nothing are ignored */
    const struct texts *defaults; /* the default list, where it is not that of the flags; possible names all; or NULL */
};

/* text NULL = the default list. names gets the result; SSHIO_EINVAL says which pattern matched nothing, or that none is
 * left. */
int selection_expand(const struct selection_name *possible, size_t count, const char *text,
                     const struct selection_rules *rules, struct texts *names, struct error *e);

#endif
