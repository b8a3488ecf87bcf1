/* Powers modulo a prime, by libcrypto's big numbers; see dh.h.
 *
 * libcrypto's own DH is not used: it checks public values of the known groups by a power with an exponent as long as
 * the group, which costs up to sixteen times what the agreement itself does. In a group of a safe prime the range check
 * leaves only one thing to learn from a peer's value, one bit of an exponent that is used once. */
#include "crypto/dh.h"

#include <openssl/bn.h>

#include "base/memory.h"
#include "crypto/random.h"

#define MAX_LEN (DH_MAX_BITS / 8)

/* Twice the strength of the strongest cipher (256 bits), with the top bit set. A full-length exponent would gain
 * nothing and cost up to sixteen times as much. */
#define EXPONENT_LEN (512 / 8)

#define FEWEST_BITS_SET 4

struct dh_group {
    unsigned bits;
    BIGNUM *(*prime)(BIGNUM *to);
};

const struct dh_group dh_group14 = { 2048, BN_get_rfc3526_prime_2048 };
const struct dh_group dh_group15 = { 3072, BN_get_rfc3526_prime_3072 };
const struct dh_group dh_group16 = { 4096, BN_get_rfc3526_prime_4096 };
const struct dh_group dh_group17 = { 6144, BN_get_rfc3526_prime_6144 };
const struct dh_group dh_group18 = { 8192, BN_get_rfc3526_prime_8192 };

/* Those that a server hands out, in order of size. */
static const struct dh_group *const handed_out[] = { &dh_group14, &dh_group15, &dh_group16, &dh_group17, &dh_group18 };

struct dh {
    BIGNUM *p, *g;
    BIGNUM *top; /* p - 1 */
    BIGNUM *exponent;
    BIGNUM *own, *peer, *secret;
};

const struct dh_group *dh_group_choose(uint32_t min, uint32_t wanted, uint32_t max)
{
    const struct dh_group *chosen = NULL;
    for (size_t i = 0; i < sizeof handed_out / sizeof handed_out[0]; i++) {
        unsigned bits = handed_out[i]->bits;
        if (bits < min || bits > max)
            continue;
        chosen = handed_out[i];
        if (bits >= wanted)
            break;
    }
    return chosen;
}

unsigned dh_group_bits(const struct dh_group *group)
{
    return group->bits;
}

/* ---- life ---- */

void dh_free(struct dh *dh)
{
    if (dh == NULL)
        return;
    BN_free(dh->p);
    BN_free(dh->g);
    BN_free(dh->top);
    BN_clear_free(dh->exponent);
    BN_clear_free(dh->own);
    BN_clear_free(dh->peer);
    BN_clear_free(dh->secret);
    mem_free(dh);
}

/* Takes the numbers over, which may be NULL. */
static struct dh *new_in_group(BIGNUM *p, BIGNUM *g)
{
    struct dh *dh = mem_zalloc(sizeof *dh);
    if (dh == NULL) {
        BN_free(p);
        BN_free(g);
        return NULL;
    }
    *dh = (struct dh){
        .p = p, .g = g, .top = BN_new(), .exponent = BN_new(), .own = BN_new(), .peer = BN_new(), .secret = BN_new()
    };
    bool complete = p != NULL && g != NULL && dh->top != NULL && dh->exponent != NULL && dh->own != NULL &&
                    dh->peer != NULL && dh->secret != NULL;
    if (!complete || BN_sub(dh->top, p, BN_value_one()) != 1) {
        dh_free(dh);
        return NULL;
    }
    return dh;
}

struct dh *dh_new(const struct dh_group *group)
{
    BIGNUM *g = BN_new();
    if (g != NULL && BN_set_word(g, 2) != 1) {
        BN_free(g);
        g = NULL;
    }
    return new_in_group(group->prime(NULL), g);
}

static bool in_range(const struct dh *dh, const BIGNUM *value)
{
    return BN_cmp(value, BN_value_one()) > 0 && BN_cmp(value, dh->top) < 0;
}

static int check_group(const struct dh *dh, uint32_t min_bits, uint32_t max_bits, struct error *e)
{
    unsigned bits = dh_bits(dh);
    if (bits < min_bits || bits > max_bits)
        return error_set(e, SSHIO_EPROTOCOL, "Kex DH group has %u bits, asked for were %u to %u", bits, min_bits,
                         max_bits);
    if (!BN_is_odd(dh->p))
        return error_set(e, SSHIO_EPROTOCOL, "Kex DH p is even");
    if (!in_range(dh, dh->g))
        return error_set(e, SSHIO_EPROTOCOL, "Kex DH g out of range");
    return 0;
}

/* NULL = too long, or out of memory. */
static BIGNUM *number_of(struct span magnitude)
{
    return magnitude.len <= MAX_LEN ? BN_bin2bn(magnitude.data, (int)magnitude.len, NULL) : NULL;
}

int dh_new_given(struct span p, struct span g, uint32_t min_bits, uint32_t max_bits, struct dh **out, struct error *e)
{
    if (p.len > MAX_LEN || g.len > p.len)
        return error_set(e, SSHIO_EPROTOCOL, "Kex DH group has numbers of %zu and %zu bytes", p.len, g.len);
    struct dh *dh = new_in_group(number_of(p), number_of(g));
    if (dh == NULL)
        return error_nomem(e);
    int rc = check_group(dh, min_bits, max_bits, e);
    if (rc == 0)
        *out = dh;
    else
        dh_free(dh);
    return rc;
}

unsigned dh_bits(const struct dh *dh)
{
    return (unsigned)BN_num_bits(dh->p);
}

/* ---- the agreement ---- */

/* base to our exponent. In constant time for all exponents of a length. */
static bool raise(const struct dh *dh, const BIGNUM *base, BIGNUM *result)
{
    BN_CTX *ctx = BN_CTX_new();
    bool ok = ctx != NULL && BN_mod_exp_mont_consttime(result, base, dh->exponent, dh->p, ctx, NULL) == 1;
    BN_CTX_free(ctx);
    return ok && in_range(dh, result);
}

static bool choose_exponent(struct dh *dh)
{
    uint8_t bytes[EXPONENT_LEN];
    bool ok = random_bytes(bytes, sizeof bytes);
    bytes[0] |= 0x80;
    ok = ok && BN_bin2bn(bytes, sizeof bytes, dh->exponent) != NULL;
    BN_set_flags(dh->exponent, BN_FLG_CONSTTIME);
    mem_wipe(bytes, sizeof bytes);
    return ok;
}

bool dh_generate(struct dh *dh)
{
    return choose_exponent(dh) && raise(dh, dh->g, dh->own);
}

static bool enough_bits_set(struct span value)
{
    int count = 0;
    for (size_t i = 0; i < value.len && count < FEWEST_BITS_SET; i++)
        count += __builtin_popcount(value.data[i]);
    return count >= FEWEST_BITS_SET;
}

bool dh_set_peer(struct dh *dh, struct span value)
{
    return value.len <= MAX_LEN && enough_bits_set(value) && BN_bin2bn(value.data, (int)value.len, dh->peer) != NULL &&
           in_range(dh, dh->peer);
}

bool dh_derive(struct dh *dh)
{
    return raise(dh, dh->peer, dh->secret);
}

/* ---- out ---- */

static void put_number(struct writer *w, const BIGNUM *number)
{
    uint8_t bytes[MAX_LEN];
    if (BN_bn2binpad(number, bytes, sizeof bytes) == sizeof bytes)
        put_mpint(w, bytes, sizeof bytes);
    else
        w->failed = true;
    mem_wipe(bytes, sizeof bytes);
}

void dh_put_group(const struct dh *dh, struct writer *w)
{
    put_number(w, dh->p);
    put_number(w, dh->g);
}

void dh_put_own(const struct dh *dh, struct writer *w)
{
    put_number(w, dh->own);
}

void dh_put_peer(const struct dh *dh, struct writer *w)
{
    put_number(w, dh->peer);
}

void dh_put_secret(const struct dh *dh, struct writer *w)
{
    put_number(w, dh->secret);
}
