/* Checking the numbers of RSA keys; see rsa_numbers.h.
 *
 * A public key is only measured: modulus and exponent odd, neither too short nor too long to compute with. Of a private
 * key every relation between the numbers is checked, and that p and q pass Fermat's test to the base 2, which finds
 * damage. It does not find composites that were made to pass it; but whoever makes such a key only hurts himself: no
 * signature leaves that the public half does not verify (C3). Full tests would take a hundred times as long. */
#include "key/rsa_numbers.h"

#include <openssl/crypto.h>

#include "key/key.h"
#include "key/pkey.h"

#define EXPONENT_MOST_BITS 64

void rsa_numbers_done(struct rsa_numbers *numbers)
{
    for (size_t i = 0; i < RSA_NUMBERS; i++)
        BN_clear_free(numbers->at[i]);
}

bool rsa_numbers_set(struct rsa_numbers *numbers, enum rsa_number which, struct span magnitude)
{
    BN_clear_free(numbers->at[which]);
    numbers->at[which] = pkey_number_of(magnitude);
    return numbers->at[which] != NULL;
}

const char *rsa_numbers_check_public(const struct rsa_numbers *numbers)
{
    const BIGNUM *n = numbers->at[RSA_N], *e = numbers->at[RSA_E];
    if (BN_num_bits(n) < KEY_RSA_LEAST_BITS || BN_num_bits(n) > KEY_RSA_MOST_BITS)
        return "the modulus has fewer than 1024 or more than 16384 bits";
    if (!BN_is_odd(n))
        return "the modulus is even";
    if (!BN_is_odd(e) || BN_is_one(e) || BN_num_bits(e) > EXPONENT_MOST_BITS)
        return "the public exponent is even, 1, or has more than 64 bits";
    return NULL;
}

/* a·b ≡ 1 (mod m) */
static bool are_inverse(const BIGNUM *a, const BIGNUM *b, const BIGNUM *m, BN_CTX *ctx)
{
    BIGNUM *product = BN_CTX_get(ctx);
    return product != NULL && BN_mod_mul(product, a, b, m, ctx) == 1 && BN_is_one(product);
}

/* 2^(p-1) ≡ 1 (mod p) */
static bool passes_fermat(const BIGNUM *p, const BIGNUM *p_less_1, BN_CTX *ctx)
{
    BIGNUM *two = BN_CTX_get(ctx), *power = BN_CTX_get(ctx);
    return two != NULL && power != NULL && BN_set_word(two, 2) == 1 &&
           BN_mod_exp_mont_consttime(power, two, p_less_1, p, ctx, NULL) == 1 && BN_is_one(power);
}

/* The private exponent modulo p - 1. */
static bool reduce(BIGNUM **reduced, const BIGNUM *d, const BIGNUM *p_less_1, BN_CTX *ctx)
{
    BIGNUM *made = BN_CTX_get(ctx);
    if (made == NULL || BN_mod(made, d, p_less_1, ctx) != 1)
        return false;
    if (*reduced != NULL)
        return BN_cmp(*reduced, made) == 0;
    *reduced = BN_secure_new();
    return *reduced != NULL && BN_copy(*reduced, made) != NULL;
}

static bool factor_fits(struct rsa_numbers *numbers, enum rsa_number factor, enum rsa_number reduced, BN_CTX *ctx)
{
    const BIGNUM *p = numbers->at[factor], *d = numbers->at[RSA_D];
    BIGNUM *p_less_1 = BN_CTX_get(ctx);
    return p_less_1 != NULL && BN_is_odd(p) && !BN_is_one(p) && BN_sub(p_less_1, p, BN_value_one()) == 1 &&
           are_inverse(d, numbers->at[RSA_E], p_less_1, ctx) && reduce(&numbers->at[reduced], d, p_less_1, ctx) &&
           passes_fermat(p, p_less_1, ctx);
}

static bool product_fits(const struct rsa_numbers *numbers, BN_CTX *ctx)
{
    BIGNUM *product = BN_CTX_get(ctx);
    return product != NULL && BN_mul(product, numbers->at[RSA_P], numbers->at[RSA_Q], ctx) == 1 &&
           BN_cmp(product, numbers->at[RSA_N]) == 0 && BN_cmp(numbers->at[RSA_D], numbers->at[RSA_N]) < 0;
}

static bool all_fits(struct rsa_numbers *numbers, BN_CTX *ctx)
{
    return product_fits(numbers, ctx) && factor_fits(numbers, RSA_P, RSA_DMP1, ctx) &&
           factor_fits(numbers, RSA_Q, RSA_DMQ1, ctx) && BN_cmp(numbers->at[RSA_IQMP], numbers->at[RSA_P]) < 0 &&
           are_inverse(numbers->at[RSA_IQMP], numbers->at[RSA_Q], numbers->at[RSA_P], ctx);
}

const char *rsa_numbers_check_private(struct rsa_numbers *numbers)
{
    const char *wrong = rsa_numbers_check_public(numbers);
    if (wrong != NULL)
        return wrong;
    BN_CTX *ctx = BN_CTX_secure_new();
    if (ctx == NULL)
        return "out of memory";
    BN_CTX_start(ctx);
    wrong = all_fits(numbers, ctx) ? NULL : "the numbers of the private key do not fit together";
    BN_CTX_end(ctx);
    BN_CTX_free(ctx);
    return wrong;
}
