/* Key exchange by two public values and one shared secret: elliptic curve Diffie-Hellman (RFC 5656
 * section 4) and X25519 (RFC 8731).
 *
 *     30  string Q_C                                    client → server
 *     31  string K_S, string Q_S, string signature      server → client
 *
 * The secret enters the hash as an mpint. */
#include <string.h>

#include "base/memory.h"
#include "crypto/agreement.h"
#include "engine/exchange.h"
#include "engine/internal.h"

struct ecdh {
    struct agreement *own;
    uint8_t own_public[AGREEMENT_MAX_PUBLIC_LEN];
};

static const struct agreement_alg *agreement_alg(const struct exchange *x)
{
    return x->chosen.kex->param;
}

static struct span own_public(const struct exchange *x)
{
    const struct ecdh *state = x->method_state;
    return SPAN(state->own_public, agreement_alg(x)->public_len);
}

static bool generate(struct exchange *x)
{
    struct ecdh *state = mem_zalloc(sizeof *state);
    if (state == NULL)
        return false;
    x->method_state = state;
    state->own = agreement_alg(x)->generate(agreement_alg(x), state->own_public);
    return state->own != NULL;
}

static void ecdh_done(struct exchange *x)
{
    struct ecdh *state = x->method_state;
    if (state != NULL && state->own != NULL)
        agreement_alg(x)->destroy(state->own);
    mem_free_secret(state, sizeof *state);
    x->method_state = NULL;
}

static bool ecdh_start(struct engine *e, struct exchange *x)
{
    if (e->config->server) {
        x->expected = MSG_KEX_ECDH_INIT;
        return true;
    }
    if (!generate(x))
        return false;
    x->expected = MSG_KEX_ECDH_REPLY;
    put_span(engine_message(e, MSG_KEX_ECDH_INIT), own_public(x));
    engine_send(e);
    return true;
}

/* K into x->secret. False when the peer's value is none. */
static bool derive(struct exchange *x, struct span peer_public)
{
    struct ecdh *state = x->method_state;
    uint8_t secret[AGREEMENT_MAX_SECRET_LEN];
    bool ok = agreement_alg(x)->derive(state->own, peer_public.data, peer_public.len, secret);
    if (ok)
        put_mpint(&x->secret, secret, agreement_alg(x)->secret_len);
    mem_wipe(secret, sizeof secret);
    return ok;
}

static void agree(struct engine *e, struct exchange *x, struct span host_key, struct span peer_public,
                  struct span signature)
{
    uint8_t memory[2 * (4 + AGREEMENT_MAX_PUBLIC_LEN)];
    struct writer part;
    writer_init_fixed(&part, memory, sizeof memory);
    put_span(&part, e->config->server ? peer_public : own_public(x));
    put_span(&part, e->config->server ? own_public(x) : peer_public);
    exchange_agreed(e, x, host_key, writer_span(&part), signature);
}

static void receive_init(struct engine *e, struct exchange *x, struct reader *r)
{
    struct span client_public = read_string(r);
    if (!reader_done(r)) {
        engine_protocol_error(e, "Malformed key exchange init message");
        return;
    }
    if (!generate(x)) {
        engine_out_of_memory(e);
        return;
    }
    if (!derive(x, client_public)) {
        engine_protocol_error(e, "Invalid ECDH client public key");
        return;
    }
    agree(e, x, SPAN(NULL, 0), client_public, SPAN(NULL, 0));
}

static void receive_reply(struct engine *e, struct exchange *x, struct reader *r)
{
    struct span host_key = read_string(r);
    struct span server_public = read_string(r);
    struct span signature = read_string(r);
    if (!reader_done(r)) {
        engine_protocol_error(e, "Malformed key exchange reply message");
        return;
    }
    if (!derive(x, server_public)) {
        engine_protocol_error(e, "Invalid ECDH server public key");
        return;
    }
    agree(e, x, host_key, server_public, signature);
}

static void ecdh_receive(struct engine *e, struct exchange *x, struct reader *r)
{
    if (e->config->server)
        receive_init(e, x, r);
    else
        receive_reply(e, x, r);
}

static void ecdh_reply(struct engine *e, struct exchange *x, struct span signature)
{
    struct writer *w = engine_message(e, MSG_KEX_ECDH_REPLY);
    put_span(w, x->chosen.host_key != NULL ? x->chosen.host_key->blob : SPAN(NULL, 0));
    put_span(w, own_public(x));
    put_span(w, signature);
    engine_send(e);
}

const struct kex_method kex_ecdh = {
    .start = ecdh_start, .receive = ecdh_receive, .reply = ecdh_reply, .done = ecdh_done
};
