/* Elliptic curve Diffie-Hellman over the NIST curves (RFC 5656 section 4). Points travel uncompressed (SEC 1 2.3.3),
 * and in no other form; the secret is the x coordinate, as long as the field's elements are.
 *
 * The points of these curves are all of one order, which is prime: that a point is on the curve is all there is to
 * check. Curves are made once per process. */
#include "crypto/agreement.h"

#include <pthread.h>

#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "base/memory.h"
#include "crypto/random.h"

#define UNCOMPRESSED 4
#define MAX_TRIES 256 /* of at least even chances each */

struct agreement {
    const EC_GROUP *curve;
    const struct agreement_alg *alg;
    BIGNUM *scalar;
};

enum curve { P256, P384, P521, CURVE_COUNT };

static const int curve_nids[CURVE_COUNT] = { NID_X9_62_prime256v1, NID_secp384r1, NID_secp521r1 };
static EC_GROUP *curves[CURVE_COUNT];
static pthread_once_t curves_made = PTHREAD_ONCE_INIT;

static void make_curves(void)
{
    for (int i = 0; i < CURVE_COUNT; i++)
        curves[i] = EC_GROUP_new_by_curve_name(curve_nids[i]);
}

static const EC_GROUP *curve_of(const struct agreement_alg *alg)
{
    const enum curve *which = alg->param;
    return pthread_once(&curves_made, make_curves) == 0 ? curves[*which] : NULL;
}

/* Uniform in 1 … order - 1: numbers of the order's length are drawn until one fits. */
static bool choose_scalar(struct agreement *a)
{
    const BIGNUM *order = EC_GROUP_get0_order(a->curve);
    uint8_t bytes[AGREEMENT_MAX_SECRET_LEN];
    size_t len = (size_t)BN_num_bytes(order);
    unsigned spare = (unsigned)(8 * BN_num_bytes(order) - BN_num_bits(order));
    bool ok = false;
    for (int i = 0; !ok && i < MAX_TRIES; i++) {
        if (len > sizeof bytes || !random_bytes(bytes, len))
            break;
        bytes[0] &= (uint8_t)(0xff >> spare);
        if (BN_bin2bn(bytes, (int)len, a->scalar) == NULL)
            break;
        ok = !BN_is_zero(a->scalar) && BN_cmp(a->scalar, order) < 0;
    }
    BN_set_flags(a->scalar, BN_FLG_CONSTTIME);
    mem_wipe(bytes, sizeof bytes);
    return ok;
}

static void ec_destroy(struct agreement *a)
{
    if (a == NULL)
        return;
    BN_clear_free(a->scalar);
    mem_free(a);
}

static bool put_public(const struct agreement *a, uint8_t *public_key)
{
    EC_POINT *point = EC_POINT_new(a->curve);
    size_t len = a->alg->public_len;
    bool ok = point != NULL && EC_POINT_mul(a->curve, point, a->scalar, NULL, NULL, NULL) == 1 &&
              EC_POINT_point2oct(a->curve, point, POINT_CONVERSION_UNCOMPRESSED, public_key, len, NULL) == len;
    EC_POINT_free(point);
    return ok;
}

static struct agreement *ec_generate(const struct agreement_alg *alg, uint8_t *public_key)
{
    struct agreement *a = mem_zalloc(sizeof *a);
    if (a == NULL)
        return NULL;
    *a = (struct agreement){ .curve = curve_of(alg), .alg = alg, .scalar = BN_new() };
    if (a->curve == NULL || a->scalar == NULL || !choose_scalar(a) || !put_public(a, public_key)) {
        ec_destroy(a);
        return NULL;
    }
    return a;
}

static bool put_x(const EC_GROUP *curve, const EC_POINT *point, uint8_t *out, size_t len)
{
    BIGNUM *x = BN_new();
    bool ok = x != NULL && EC_POINT_is_at_infinity(curve, point) == 0 &&
              EC_POINT_get_affine_coordinates(curve, point, x, NULL, NULL) == 1 &&
              BN_bn2binpad(x, out, (int)len) == (int)len;
    BN_clear_free(x);
    return ok;
}

/* EC_POINT_oct2point refuses coordinates that are no field elements, and points that are not on the curve. */
static bool ec_derive(struct agreement *a, const uint8_t *peer_public, size_t len, uint8_t *secret)
{
    if (len != a->alg->public_len || peer_public[0] != UNCOMPRESSED)
        return false;
    EC_POINT *peer = EC_POINT_new(a->curve);
    EC_POINT *shared = EC_POINT_new(a->curve);
    bool ok = peer != NULL && shared != NULL && EC_POINT_oct2point(a->curve, peer, peer_public, len, NULL) == 1 &&
              EC_POINT_is_on_curve(a->curve, peer, NULL) == 1 &&
              EC_POINT_mul(a->curve, shared, NULL, peer, a->scalar, NULL) == 1 &&
              put_x(a->curve, shared, secret, a->alg->secret_len);
    EC_POINT_free(peer);
    EC_POINT_clear_free(shared);
    if (!ok)
        mem_wipe(secret, a->alg->secret_len);
    return ok;
}

#define NIST_CURVE(curve_name, which, field_len)                                                                       \
    {                                                                                                                  \
        .name = (curve_name), .public_len = 1 + 2 * (field_len), .secret_len = (field_len),                            \
        .param = &(const enum curve){ which }, .generate = ec_generate, .derive = ec_derive, .destroy = ec_destroy     \
    }

const struct agreement_alg agreement_p256 = NIST_CURVE("P-256", P256, 32);
const struct agreement_alg agreement_p384 = NIST_CURVE("P-384", P384, 48);
const struct agreement_alg agreement_p521 = NIST_CURVE("P-521", P521, 66);
