/* See pkey.h. Each result of libcrypto is compared with its one value for success (C5). */
#include "key/pkey.h"

#include "base/der.h"
#include "base/memory.h"

struct number {
    uint8_t bytes[PKEY_MAX_NUMBER_LEN];
    size_t len;
};

BIGNUM *pkey_number_of(struct span magnitude)
{
    BIGNUM *number = BN_secure_new();
    if (number != NULL && magnitude.len <= PKEY_MAX_NUMBER_LEN &&
        BN_bin2bn(magnitude.data, (int)magnitude.len, number) != NULL)
        return number;
    BN_clear_free(number);
    return NULL;
}

static bool get_number(const EVP_PKEY *pkey, const char *part, struct number *number)
{
    BIGNUM *bn = NULL;
    bool ok = EVP_PKEY_get_bn_param(pkey, part, &bn) == 1 && BN_num_bytes(bn) <= PKEY_MAX_NUMBER_LEN;
    if (ok) {
        number->len = (size_t)BN_num_bytes(bn);
        ok = BN_bn2binpad(bn, number->bytes, (int)number->len) == (int)number->len;
    }
    BN_clear_free(bn);
    return ok;
}

void pkey_put_mpint(struct writer *w, const EVP_PKEY *pkey, const char *part)
{
    struct number number;
    if (get_number(pkey, part, &number))
        put_mpint(w, number.bytes, number.len);
    else
        w->failed = true;
    mem_wipe(&number, sizeof number);
}

void pkey_put_der_integer(struct writer *w, const EVP_PKEY *pkey, const char *part)
{
    struct number number;
    if (get_number(pkey, part, &number))
        put_der_integer(w, SPAN(number.bytes, number.len));
    else
        w->failed = true;
    mem_wipe(&number, sizeof number);
}

bool pkey_number_to(const EVP_PKEY *pkey, const char *part, uint8_t *to, size_t len)
{
    BIGNUM *bn = NULL;
    bool ok = EVP_PKEY_get_bn_param(pkey, part, &bn) == 1 && BN_bn2binpad(bn, to, (int)len) == (int)len;
    BN_clear_free(bn);
    return ok;
}

EVP_PKEY *pkey_from_parts(const char *algorithm, int selection, OSSL_PARAM_BLD *parts)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(parts);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, algorithm, NULL);
    bool ok = params != NULL && ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
              EVP_PKEY_fromdata(ctx, &pkey, selection, params) == 1;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    if (ok)
        return pkey;
    EVP_PKEY_free(pkey);
    return NULL;
}

/* libcrypto takes a null pointer for a question about sizes, so empty data needs an address. */
static const uint8_t *address_of(struct span data)
{
    static const uint8_t nothing[1];
    return data.data != NULL ? data.data : nothing;
}

bool pkey_sign(EVP_PKEY *pkey, const char *hash, struct span data, uint8_t *memory, size_t *len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    *len = PKEY_MAX_SIGNATURE_LEN;
    bool ok = ctx != NULL && EVP_DigestSignInit_ex(ctx, NULL, hash, NULL, NULL, pkey, NULL) == 1 &&
              EVP_DigestSign(ctx, memory, len, address_of(data), data.len) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

bool pkey_verify(EVP_PKEY *pkey, const char *hash, struct span data, struct span signature)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool valid = ctx != NULL && EVP_DigestVerifyInit_ex(ctx, NULL, hash, NULL, NULL, pkey, NULL) == 1 &&
                 EVP_DigestVerify(ctx, signature.data, signature.len, address_of(data), data.len) == 1;
    EVP_MD_CTX_free(ctx);
    return valid;
}
