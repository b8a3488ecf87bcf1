/* Diffie-Hellman in a fixed group (RFC 4253 section 8, RFC 8268), and what group exchange does once the group is known;
 * see kex_dh.h. Here init is message 30 and reply 31. The secret enters the hash as an mpint. */
#include "engine/kex_dh.h"

#include "base/memory.h"
#include "engine/exchange.h"
#include "engine/internal.h"

#define LONG_BITS 3072 /* from here on a power is a matter of milliseconds */
#define PART_MAX (64 + 4 * (5 + DH_MAX_BITS / 8))

struct dh_exchange *dh_exchange_new(uint8_t init, uint8_t reply)
{
    struct dh_exchange *state = mem_zalloc(sizeof *state);
    if (state == NULL)
        return NULL;
    state->init = init;
    state->reply = reply;
    writer_init(&state->part, PART_MAX);
    return state;
}

void dh_exchange_free(void *memory)
{
    struct dh_exchange *state = memory;
    if (state == NULL)
        return;
    dh_free(state->dh);
    writer_done(&state->part);
    mem_free(state);
}

static void compute(struct engine *e, struct exchange *x, const struct computation *what)
{
    const struct dh_exchange *state = x->method_state;
    exchange_compute(e, x, what, dh_bits(state->dh) >= LONG_BITS);
}

/* ---- the client's value ---- */

static bool generate(void *memory)
{
    struct dh_exchange *state = memory;
    return dh_generate(state->dh);
}

static void send_init(struct engine *e, struct exchange *x, bool ok)
{
    const struct dh_exchange *state = x->method_state;
    if (!ok) {
        engine_error(e, SSHIO_EKEY_EXCHANGE_FAILED, "Kex DH e could not be computed");
        return;
    }
    dh_put_own(state->dh, engine_message(e, state->init));
    engine_send(e);
    x->expected = KEX_MESSAGE(state->reply);
}

void dh_exchange_begin(struct engine *e, struct exchange *x)
{
    static const struct computation own_value = { generate, send_init };
    const struct dh_exchange *state = x->method_state;
    if (e->config->server)
        x->expected = KEX_MESSAGE(state->init);
    else
        compute(e, x, &own_value);
}

/* ---- the secret ---- */

static bool derive(void *memory)
{
    struct dh_exchange *state = memory;
    return dh_derive(state->dh);
}

static bool generate_and_derive(void *memory)
{
    return generate(memory) && derive(memory);
}

static void agree(struct engine *e, struct exchange *x, bool ok)
{
    struct dh_exchange *state = x->method_state;
    if (!ok) {
        engine_protocol_error(e, "Kex DH secret out of range");
        return;
    }
    if (e->config->server)
        dh_put_peer(state->dh, &state->part);
    dh_put_own(state->dh, &state->part);
    if (!e->config->server)
        dh_put_peer(state->dh, &state->part);
    dh_put_secret(state->dh, &x->secret);
    if (writer_failed(&state->part))
        engine_out_of_memory(e);
    else
        exchange_agreed(e, x, writer_span(&state->part));
}

static void receive_init(struct engine *e, struct exchange *x, struct reader *r)
{
    static const struct computation own_value_and_secret = { generate_and_derive, agree };
    struct dh_exchange *state = x->method_state;
    struct span client_value = read_mpint(r);
    if (!reader_done(r))
        engine_protocol_error(e, "Malformed key exchange init message");
    else if (!dh_set_peer(state->dh, client_value))
        engine_protocol_error(e, "Kex DH e out of range");
    else
        compute(e, x, &own_value_and_secret);
}

static void receive_reply(struct engine *e, struct exchange *x, struct reader *r)
{
    static const struct computation secret = { derive, agree };
    struct dh_exchange *state = x->method_state;
    struct span host_key = read_string(r);
    struct span server_value = read_mpint(r);
    struct span signature = read_string(r);
    if (!reader_done(r))
        engine_protocol_error(e, "Malformed key exchange reply message");
    else if (!dh_set_peer(state->dh, server_value))
        engine_protocol_error(e, "Kex DH f out of range");
    else if (!exchange_keep_proof(x, host_key, signature))
        engine_out_of_memory(e);
    else
        compute(e, x, &secret);
}

void dh_exchange_receive(struct engine *e, struct exchange *x, struct reader *r)
{
    if (e->config->server)
        receive_init(e, x, r);
    else
        receive_reply(e, x, r);
}

void dh_exchange_reply(struct engine *e, struct exchange *x, struct span signature)
{
    const struct dh_exchange *state = x->method_state;
    struct writer *w = engine_message(e, state->reply);
    put_span(w, x->chosen.host_key != NULL ? x->chosen.host_key->blob : SPAN(NULL, 0));
    dh_put_own(state->dh, w);
    put_span(w, signature);
    engine_send(e);
}

/* ---- fixed groups ---- */

static bool dh_start(struct engine *e, struct exchange *x)
{
    struct dh_exchange *state = dh_exchange_new(MSG_KEXDH_INIT, MSG_KEXDH_REPLY);
    x->method_state = state;
    if (state == NULL)
        return false;
    state->dh = dh_new(x->chosen.kex->param);
    if (state->dh == NULL)
        return false;
    dh_exchange_begin(e, x);
    return true;
}

const struct kex_method kex_dh = {
    .start = dh_start, .receive = dh_exchange_receive, .reply = dh_exchange_reply, .free_state = dh_exchange_free
};
