/* Diffie-Hellman group exchange (RFC 4419, RFC 8270): the client says how large a group it wants, the server names one.
 *
 *     34  uint32 min, uint32 n, uint32 max     client → server     or, as it was first: 30  uint32 n
 *     31  mpint p, mpint g                     server → client
 *     32  init, 33  reply                      as in kex_dh.h
 *
 * What was asked and the group enter the hash before the values. We ask in the new form only, and answer with the fixed
 * groups, whose primes are safe. */
#include "crypto/cipher.h"
#include "engine/exchange.h"
#include "engine/internal.h"
#include "engine/kex_dh.h"

/* ---- client ---- */

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* How many bits of key material a direction needs at most at once. */
static size_t needed_bits(const struct direction_algs *algs)
{
    const struct cipher_alg *cipher = algs->cipher;
    size_t cipher_len = larger(larger(cipher->key_len, cipher->iv_len), cipher->block_len);
    return 8 * larger(cipher_len, algs->mac != NULL ? algs->mac->key_len : 0);
}

/* The size of a group that is about as strong (RFC 4419 section 3: n; sizes as in NIST SP 800-57). */
static uint32_t wanted_bits(const struct exchange *x)
{
    static const struct {
        size_t key_bits;
        uint32_t group_bits;
    } sizes[] = { { 112, 2048 }, { 128, 3072 }, { 192, 7680 } };
    size_t needed = larger(needed_bits(&x->chosen.c2s), needed_bits(&x->chosen.s2c));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        if (needed <= sizes[i].key_bits)
            return sizes[i].group_bits;
    return DH_MAX_BITS;
}

static uint32_t clamp(uint32_t value, uint32_t min, uint32_t max)
{
    return value < min ? min : value > max ? max : value;
}

static void send_request(struct engine *e, struct exchange *x)
{
    struct dh_exchange *state = x->method_state;
    const struct limits *limits = &e->config->limits;
    struct writer *w = engine_message(e, MSG_KEX_DH_GEX_REQUEST);
    state->min = limits->dh_min_bits;
    state->max = limits->dh_max_bits;
    put_u32(&state->part, state->min);
    put_u32(&state->part, clamp(wanted_bits(x), state->min, state->max));
    put_u32(&state->part, state->max);
    put_bytes(w, writer_span(&state->part).data, writer_span(&state->part).len);
    engine_send(e);
    x->expected = KEX_MESSAGE(MSG_KEX_DH_GEX_GROUP);
}

static void receive_group(struct engine *e, struct exchange *x, struct reader *r)
{
    struct dh_exchange *state = x->method_state;
    struct span p = read_mpint(r);
    struct span g = read_mpint(r);
    struct error error;
    if (!reader_done(r)) {
        engine_protocol_error(e, "Malformed key exchange group message");
        return;
    }
    error_init(&error);
    if (dh_new_given(p, g, state->min, state->max, &state->dh, &error) < 0) {
        engine_fail(e, &error);
        error_clear(&error);
        return;
    }
    dh_put_group(state->dh, &state->part);
    dh_exchange_begin(e, x);
}

/* ---- server ---- */

struct group_request {
    uint32_t min, wanted, max;
};

/* What is asked for, held against what we have; false = it makes no sense, or wants less than is safe. */
static bool make_sense(struct group_request *request, const struct limits *limits)
{
    bool sane = request->min <= request->wanted && request->wanted <= request->max &&
                request->max >= limits->dh_min_bits;
    request->min = clamp(request->min, limits->dh_min_bits, limits->dh_max_bits);
    request->wanted = clamp(request->wanted, limits->dh_min_bits, limits->dh_max_bits);
    request->max = clamp(request->max, limits->dh_min_bits, limits->dh_max_bits);
    return sane;
}

static void send_group(struct engine *e, struct exchange *x, const struct dh_group *group)
{
    struct dh_exchange *state = x->method_state;
    state->dh = dh_new(group);
    if (state->dh == NULL) {
        engine_out_of_memory(e);
        return;
    }
    dh_put_group(state->dh, &state->part);
    dh_put_group(state->dh, engine_message(e, MSG_KEX_DH_GEX_GROUP));
    engine_send(e);
    dh_exchange_begin(e, x);
}

/* The old form, a size alone, stands for all that we have around it. */
static void receive_request(struct engine *e, struct exchange *x, struct reader *r)
{
    struct dh_exchange *state = x->method_state;
    const struct limits *limits = &e->config->limits;
    bool old = e->message_number == MSG_KEX_DH_GEX_REQUEST_OLD;
    struct span sent = SPAN(r->at, reader_left(r));
    struct group_request request = { limits->dh_min_bits, 0, limits->dh_max_bits };
    if (!old)
        request.min = read_u32(r);
    request.wanted = read_u32(r);
    if (!old)
        request.max = read_u32(r);
    if (!reader_done(r)) {
        engine_protocol_error(e, "Malformed key exchange group request");
        return;
    }
    put_bytes(&state->part, sent.data, sent.len);
    struct group_request known = request;
    const struct dh_group *group = make_sense(&known, limits) ? dh_group_choose(known.min, known.wanted, known.max)
                                                              : NULL;
    if (group == NULL)
        engine_error(e, SSHIO_EKEY_EXCHANGE_FAILED, "No DH group of %u to %u bits, %u wanted, can be had", request.min,
                     request.max, request.wanted);
    else
        send_group(e, x, group);
}

/* ---- both ---- */

static bool gex_start(struct engine *e, struct exchange *x)
{
    x->method_state = dh_exchange_new(MSG_KEX_DH_GEX_INIT, MSG_KEX_DH_GEX_REPLY);
    if (x->method_state == NULL)
        return false;
    if (e->config->server)
        x->expected = KEX_MESSAGE(MSG_KEX_DH_GEX_REQUEST) | KEX_MESSAGE(MSG_KEX_DH_GEX_REQUEST_OLD);
    else
        send_request(e, x);
    return true;
}

static void gex_receive(struct engine *e, struct exchange *x, struct reader *r)
{
    const struct dh_exchange *state = x->method_state;
    if (state->dh != NULL)
        dh_exchange_receive(e, x, r);
    else if (e->config->server)
        receive_request(e, x, r);
    else
        receive_group(e, x, r);
}

const struct kex_method kex_gex = {
    .start = gex_start, .receive = gex_receive, .reply = dh_exchange_reply, .free_state = dh_exchange_free
};
