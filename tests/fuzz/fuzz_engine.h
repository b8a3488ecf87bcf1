/* For targets that drive an engine: one without encryption, at a chosen stage, and input that is a list of records.
 *
 * A record is an operation (one octet), the length of its bytes (two octets) and the bytes. Operations below FUZZ_LOCAL
 * are messages of that number from the peer; the others are things that the application does. */
#ifndef SSHIO_TESTS_FUZZ_ENGINE_H
#define SSHIO_TESTS_FUZZ_ENGINE_H

#include <string.h>

#include "crypto/cipher.h"
#include "engine/internal.h"
#include "engine/kex.h"
#include "fuzz.h"
#include "key/key.h"

#define FUZZ_LOCAL 200

struct fuzz_record {
    uint8_t operation;
    struct span bytes;
};

static inline bool fuzz_next(struct reader *r, struct fuzz_record *record)
{
    if (reader_left(r) < 3)
        return false;
    record->operation = read_u8(r);
    size_t len = (size_t)read_u8(r) << 8;
    len |= read_u8(r);
    record->bytes = read_bytes(r, len < reader_left(r) ? len : reader_left(r));
    return true;
}

/* After login, for targets that are about what comes before. */
static inline void fuzz_refuse_channel(void *owner, struct channel *ch, struct span type, struct span data)
{
    (void)owner, (void)type, (void)data;
    channel_refuse(ch, 1, "no");
}

/* A key exchange may be begun in the middle of things; nobody's host key is trusted, and a server has none. */
static struct engine *fuzz_engine;

static inline void fuzz_refuse_host_key(void *owner, struct span blob, const struct sig_alg *alg)
{
    struct error refused;
    (void)owner, (void)blob, (void)alg;
    error_init(&refused);
    error_set(&refused, SSHIO_EHOST_KEY_NOT_VERIFIABLE, "not trusted");
    engine_host_key_verdict(fuzz_engine, &refused);
    error_clear(&refused);
}

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

static inline struct engine *fuzz_engine_new(const struct engine_config *config, const struct engine_events *events,
                                             void *owner, struct engine_buffers *buffers, enum auth_stage stage)
{
    static struct engine_events complete;
    complete = *events;
    complete.host_key_received = fuzz_refuse_host_key;
    engine_buffers_init(buffers);
    struct engine *e = engine_new(fuzz_config(config), &complete, owner, buffers, log_base(), 0);
    must(e != NULL);
    fuzz_engine = e;
    e->phase = PHASE_SECURED;
    e->auth.stage = stage;
    memset(e->kex.session_id, 's', 32);
    e->kex.session_id_len = 32;
    return e;
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

static inline void fuzz_engine_done(struct engine *e, struct engine_buffers *buffers)
{
    engine_lost(e, NULL);
    must(engine_ended(e));
    engine_free(e);
    engine_buffers_done(buffers);
}

#endif
