/* For targets that begin in the middle of a connection: an engine without encryption, at a chosen stage, whose peer's
 * messages are the records of the input. */
#ifndef SSHIO_TESTS_FUZZ_ENGINE_H
#define SSHIO_TESTS_FUZZ_ENGINE_H

#include "crypto/cipher.h"
#include "engine/kex.h"
#include "key/key.h"
#include "owner.h"

/* A key exchange may be begun in the middle of things; nobody's host key is trusted, and a server has none. */
static inline const struct engine_config *fuzz_config(const struct engine_config *config)
{
    static const struct kex_alg *kex_algs[2];
    static const struct cipher_alg *cipher_algs[2];
    static const struct sig_alg *host_key_algs[2];
    static const struct engine_host_key no_host_keys[1];
    static struct engine_config complete;
    kex_algs[0] = kex_alg_at(0);
    cipher_algs[0] = cipher_at(0);
    host_key_algs[0] = sig_alg_at(0);
    complete = *config;
    complete.kex_algs = kex_algs;
    complete.cipher_algs = cipher_algs;
    complete.host_key_algs = host_key_algs;
    complete.host_keys = no_host_keys;
    return &complete;
}

static inline void fuzz_engine_start(struct owner *o, bool server, enum auth_stage stage)
{
    struct engine_config config = { .server = server, .version = "sshio_fuzz", .limits = limits_default };
    owner_init(o);
    o->distrust = true;
    o->e = engine_new(fuzz_config(&config), &owner_events, o, owner_buffers(), log_base(), 0);
    must(o->e != NULL);
    o->e->phase = PHASE_SECURED;
    o->e->auth.stage = stage;
    memset(o->e->kex.session_id, 's', 32);
    o->e->kex.session_id_len = 32;
}

/* The peer's packet, in memory of its exact size, so that the sanitizer sees a byte too many. */
static inline void fuzz_receive(struct engine *e, uint8_t number, struct span body)
{
    size_t padding = 8 - (6 + body.len) % 8;
    padding = padding < 4 ? padding + 8 : padding;
    size_t len = 6 + body.len + padding;
    uint8_t *packet = calloc(1, len);
    must(packet != NULL);
    store_u32(packet, (uint32_t)(len - 4));
    packet[4] = (uint8_t)padding;
    packet[5] = number;
    if (body.len > 0)
        memcpy(packet + 6, body.data, body.len);
    (void)engine_receive(e, packet, len, 0);
    free(packet);
}

static inline void fuzz_drop_output(struct engine *e)
{
    struct span out;
    while ((out = engine_output(e, 0)).len > 0)
        engine_sent(e, out.len);
}

static inline void fuzz_engine_done(struct owner *o)
{
    engine_lost(o->e, NULL);
    must(engine_ended(o->e));
    owner_done(o);
    engine_free(o->e);
}

#endif
