/* From the shared secret to the proof of the server: the exchange hash, the server's signature, the
 * client's trust.
 *
 * Client: host key blob and signature are kept until both sides have agreed and the owner has said whether it trusts
 * the key; only then is the blob parsed and the signature checked, with the algorithm that was negotiated and no other.
 * In a re-exchange the same blob needs no new trust. */
#include <string.h>

#include "base/memory.h"
#include "engine/exchange.h"
#include "engine/internal.h"
#include "key/key.h"

/* H = HASH(V_C ‖ V_S ‖ I_C ‖ I_S ‖ K_S ‖ part ‖ K) (RFC 4253 8) */
static bool compute_hash(struct engine *e, struct exchange *x, struct span host_key, struct span part)
{
    bool server = e->config->server;
    struct span own = SPAN(x->own_kexinit, x->own_kexinit_len);
    struct span peer = SPAN(x->peer_kexinit, x->peer_kexinit_len);
    struct span secret = writer_span(&x->secret);
    struct hash *h = hash_new(x->hash_alg);
    bool ok = h != NULL && !writer_failed(&x->secret) &&
              hash_string(h, span_of(server ? e->peer_version : e->own_version)) &&
              hash_string(h, span_of(server ? e->own_version : e->peer_version)) &&
              hash_string(h, server ? peer : own) && hash_string(h, server ? own : peer) && hash_string(h, host_key) &&
              hash_update(h, part.data, part.len) && hash_update(h, secret.data, secret.len) && hash_final(h, x->hash);
    hash_free(h);
    return ok;
}

/* ---- server ---- */

static void ask_for_signature(struct engine *e, struct exchange *x)
{
    x->asking = true;
    e->waiting = true;
    e->events->sign_exchange(e->owner, x->chosen.host_key->key, x->chosen.host_key->alg,
                             SPAN(x->hash, x->hash_alg->len));
}

static void answer_client(struct engine *e, struct exchange *x, struct span signature)
{
    x->chosen.kex->method->reply(e, x, signature);
    if (!e->ended)
        key_exchange_proven(e, x);
}

void engine_exchange_signature(struct engine *e, struct span signature)
{
    struct exchange *x = e->kex.running;
    if (e->ended || !e->config->server || x == NULL || !x->asking)
        return;
    engine_enter(e);
    x->asking = false;
    e->waiting = false;
    if (signature.len == 0)
        engine_error(e, SSHIO_EKEY_EXCHANGE_FAILED, "The host key could not sign the key exchange");
    else
        answer_client(e, x, signature);
    engine_leave(e);
}

/* ---- client ---- */

static bool signature_holds(const struct exchange *x, const sshio_key *key)
{
    return key_verify(key, x->chosen.host_key_alg, SPAN(x->hash, x->hash_alg->len),
                      SPAN(x->signature, x->signature_len));
}

static bool signature_holds_by_blob(const struct exchange *x)
{
    sshio_key *key = NULL;
    if (key_from_public_blob(SPAN(x->host_key, x->host_key_len), &key, NULL) < 0)
        return false;
    bool ok = signature_holds(x, key);
    sshio_key_unref(key);
    return ok;
}

static void trust(struct engine *e, struct exchange *x, const sshio_key *key)
{
    if (key != NULL ? !signature_holds(x, key) : !signature_holds_by_blob(x)) {
        engine_error(e, SSHIO_EKEY_EXCHANGE_FAILED, "Key exchange hash mismatch");
        return;
    }
    mem_free(e->kex.host_key);
    e->kex.host_key = x->host_key;
    e->kex.host_key_len = x->host_key_len;
    x->host_key = NULL;
    key_exchange_proven(e, x);
}

/* Whether it is asked, and so the question is over; the caller leaves the engine then. */
static bool enter_with_verdict(struct engine *e)
{
    struct exchange *x = e->kex.running;
    if (e->ended || e->config->server || x == NULL || !x->asking)
        return false;
    engine_enter(e);
    x->asking = false;
    e->waiting = false;
    return true;
}

void engine_trust_host_key(struct engine *e, const sshio_key *key)
{
    if (!enter_with_verdict(e))
        return;
    trust(e, e->kex.running, key);
    engine_leave(e);
}

void engine_refuse_host_key(struct engine *e, const struct error *reason)
{
    if (!enter_with_verdict(e))
        return;
    engine_fail(e, reason);
    engine_leave(e);
}

/* The blob must be of the type that the negotiated algorithm signs with, before anything looks into
 * it. */
static bool right_type(const struct exchange *x)
{
    struct reader r;
    reader_init(&r, x->host_key, x->host_key_len);
    struct span type = read_string(&r);
    return !reader_failed(&r) && span_is(type, x->chosen.host_key_alg->type->name);
}

static void ask_for_trust(struct engine *e, struct exchange *x)
{
    struct span blob = SPAN(x->host_key, x->host_key_len);
    if (!right_type(x)) {
        engine_protocol_error(e, "The server's host key is not of the type negotiated, %s",
                              x->chosen.host_key_alg->type->name);
        return;
    }
    if (e->kex.host_key != NULL && span_equal(blob, SPAN(e->kex.host_key, e->kex.host_key_len))) {
        trust(e, x, NULL);
        return;
    }
    x->asking = true;
    e->waiting = true;
    e->events->host_key_received(e->owner, blob, x->chosen.host_key_alg);
}

bool exchange_keep_proof(struct exchange *x, struct span host_key, struct span signature)
{
    x->host_key_len = host_key.len;
    x->signature_len = signature.len;
    return span_dup(host_key, &x->host_key) && span_dup(signature, &x->signature);
}

/* K_S, as it was or will be sent. */
static struct span shown_host_key(const struct engine *e, const struct exchange *x)
{
    if (!e->config->server)
        return SPAN(x->host_key, x->host_key_len);
    return x->chosen.host_key != NULL ? x->chosen.host_key->blob : SPAN(NULL, 0);
}

void exchange_agreed(struct engine *e, struct exchange *x, struct span part)
{
    bool server = e->config->server;
    if (!compute_hash(e, x, shown_host_key(e, x), part))
        engine_error(e, SSHIO_EKEY_EXCHANGE_FAILED, "The exchange hash could not be computed");
    else if (x->chosen.kex->no_host_key && server)
        answer_client(e, x, SPAN(NULL, 0));
    else if (x->chosen.kex->no_host_key)
        key_exchange_proven(e, x);
    else if (server)
        ask_for_signature(e, x);
    else
        ask_for_trust(e, x);
}
