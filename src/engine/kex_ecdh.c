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
    const struct agreement_alg *alg;
    struct agreement *own;
    uint8_t own_public[AGREEMENT_MAX_PUBLIC_LEN];
};

static struct span own_public(const struct exchange *x)
{
    const struct ecdh *state = x->method_state;
    return SPAN(state->own_public, state->alg->public_len);
}

static bool generate(struct exchange *x)
{
    struct ecdh *state = mem_zalloc(sizeof *state);
    if (state == NULL)
        return false;
    x->method_state = state;
    state->alg = x->chosen.kex->param;
    state->own = state->alg->generate(state->alg, state->own_public);
    return state->own != NULL;
}

static void ecdh_free(void *memory)
{
    struct ecdh *state = memory;
    if (state != NULL && state->own != NULL)
        state->alg->destroy(state->own);
    mem_free_secret(state, sizeof *state);
}

static bool ecdh_start(struct engine *e, struct exchange *x)
{
    if (e->config->server) {
        x->expected = KEX_MESSAGE(MSG_KEX_ECDH_INIT);
        return true;
    }
    if (!generate(x))
        return false;
    x->expected = KEX_MESSAGE(MSG_KEX_ECDH_REPLY);
    put_span(engine_message(e, MSG_KEX_ECDH_INIT), own_public(x));
    engine_send(e);
    return true;
}

/* K into x->secret. False when the peer's value is none. */
static bool derive(struct exchange *x, struct span peer_public)
{
    struct ecdh *state = x->method_state;
    uint8_t secret[AGREEMENT_MAX_SECRET_LEN];
    bool ok = state->alg->derive(state->own, peer_public.data, peer_public.len, secret);
    if (ok)
        put_mpint(&x->secret, secret, state->alg->secret_len);
    mem_wipe(secret, sizeof secret);
    return ok;
}

static void agree(struct engine *e, struct exchange *x, struct span peer_public)
{
    uint8_t memory[2 * (4 + AGREEMENT_MAX_PUBLIC_LEN)];
    struct writer part;
    writer_init_fixed(&part, memory, sizeof memory);
    put_span(&part, e->config->server ? peer_public : own_public(x));
    put_span(&part, e->config->server ? own_public(x) : peer_public);
    exchange_agreed(e, x, writer_span(&part));
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
    agree(e, x, client_public);
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
    if (!exchange_keep_proof(x, host_key, signature)) {
        engine_out_of_memory(e);
        return;
    }
    agree(e, x, server_public);
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
    .start = ecdh_start, .receive = ecdh_receive, .reply = ecdh_reply, .free_state = ecdh_free
};
