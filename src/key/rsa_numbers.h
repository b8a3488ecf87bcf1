/* The numbers of an RSA key, and whether they make one. */
#ifndef SSHIO_KEY_RSA_NUMBERS_H
#define SSHIO_KEY_RSA_NUMBERS_H

#include <openssl/bn.h>

#include "base/bytes.h"

enum rsa_number { RSA_N, RSA_E, RSA_D, RSA_P, RSA_Q, RSA_DMP1, RSA_DMQ1, RSA_IQMP, RSA_NUMBERS };

struct rsa_numbers { /* secret; a public key has n and e alone */
    BIGNUM *at[RSA_NUMBERS];
};

void rsa_numbers_done(struct rsa_numbers *numbers); /* wipes */
bool rsa_numbers_set(struct rsa_numbers *numbers, enum rsa_number which, struct span magnitude);

/* Each gives what is wrong, NULL = nothing. A private key's exponents modulo p - 1 and q - 1 are made where they were
 * not set, and checked where they were. */
const char *rsa_numbers_check_public(const struct rsa_numbers *numbers);
const char *rsa_numbers_check_private(struct rsa_numbers *numbers);

#endif
