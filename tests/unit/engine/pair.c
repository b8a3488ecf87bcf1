/* Two engines joined in memory; see pair.h. */
#include "engine/pair.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/test_kex.h"
#include "key/key.h"

#define TAG_LEN 16

/* ---- events: counted, passed on, else answered ---- */

#define HOOK(s, name, ...) ((s)->hooks.name != NULL ? ((s)->hooks.name((s), __VA_ARGS__), true) : false)

static void on_version(void *owner, const char *line)
{
    struct pair_side *s = owner;
    s->versions++;
    (void)HOOK(s, version_received, line);
}

static void on_host_key(void *owner, struct span blob, const struct sig_alg *alg)
{
    struct pair_side *s = owner;
    s->host_keys++;
    if (!HOOK(s, host_key_received, blob, alg))
        engine_trust_host_key(s->engine, NULL);
}

static void on_sign(void *owner, void *key, const struct sig_alg *alg, struct span hash)
{
    struct pair_side *s = owner;
    struct writer w;
    s->signs++;
    if (HOOK(s, sign_exchange, key, alg, hash))
        return;
    writer_init(&w, 4096);
    bool signed_it = key_sign(key, alg, hash, &w, NULL) == 0 && !writer_failed(&w);
    engine_exchange_signature(s->engine, signed_it ? writer_span(&w) : SPAN(NULL, 0));
    writer_done(&w);
}

static void on_compute(void *owner, struct engine_job *job)
{
    struct pair_side *s = owner;
    s->computed++;
    if (HOOK(s, compute, job))
        return;
    engine_job_run(job);
    engine_job_done(job);
}

static void on_keys_changed(void *owner, bool first)
{
    struct pair_side *s = owner;
    s->keys_changed++;
    (void)HOOK(s, keys_changed, first);
}

static void on_debug_received(void *owner, bool always_display, struct span msg, struct span lang)
{
    struct pair_side *s = owner;
    s->debugs++;
    (void)HOOK(s, debug_received, always_display, msg, lang);
}

static void on_ended(void *owner, const struct error *error)
{
    struct pair_side *s = owner;
    s->ended++;
    if (error != NULL)
        error_copy(&s->error, error);
    (void)HOOK(s, ended, error);
}

static void on_auth_ready(void *owner)
{
    struct pair_side *s = owner;
    s->auth_ready++;
    if (s->hooks.auth_ready != NULL)
        s->hooks.auth_ready(s);
    else
        engine_auth_password(s->engine, "guest", "secret");
}

static void on_auth_failed(void *owner, struct span methods, bool partial_success)
{
    struct pair_side *s = owner;
    s->auth_failed++;
    (void)HOOK(s, auth_failed, methods, partial_success);
}

static void on_auth_key_accepted(void *owner, struct span alg, struct span blob)
{
    struct pair_side *s = owner;
    (void)HOOK(s, auth_key_accepted, alg, blob);
}

static void on_auth_password_change(void *owner, struct span prompt, struct span lang)
{
    struct pair_side *s = owner;
    (void)HOOK(s, auth_password_change, prompt, lang);
}

static void on_auth_challenged(void *owner, const struct auth_challenge *challenge)
{
    struct pair_side *s = owner;
    (void)HOOK(s, auth_challenged, challenge);
}

static void on_auth_banner_received(void *owner, struct span msg, struct span lang)
{
    struct pair_side *s = owner;
    s->auth_banners++;
    (void)HOOK(s, auth_banner, msg, lang);
}

static void on_auth_requested(void *owner, const struct auth_request *request)
{
    struct pair_side *s = owner;
    s->auth_requests++;
    if (!HOOK(s, auth_requested, request))
        engine_auth_accept(s->engine);
}

static void on_authenticated(void *owner)
{
    struct pair_side *s = owner;
    s->authenticated++;
    if (s->hooks.authenticated != NULL)
        s->hooks.authenticated(s);
}

static void on_channel_requested(void *owner, struct channel *ch, struct span type, struct span data)
{
    struct pair_side *s = owner;
    s->channels++;
    if (!HOOK(s, channel_requested, ch, type, data))
        channel_refuse(ch, 1, "refused");
}

static void on_global_request(void *owner, struct span name, bool want_reply, struct span data)
{
    struct pair_side *s = owner;
    s->global_requests++;
    if (!HOOK(s, global_request, name, want_reply, data))
        engine_global_reply(s->engine, false, SPAN(NULL, 0));
}

static void on_output_ready(void *owner)
{
    struct pair_side *s = owner;
    s->wants_output = true;
    if (s->hooks.output_ready != NULL)
        s->hooks.output_ready(s);
}

static const struct engine_events events = {
    .version_received = on_version,
    .host_key_received = on_host_key,
    .sign_exchange = on_sign,
    .compute = on_compute,
    .keys_changed = on_keys_changed,
    .debug_received = on_debug_received,
    .ended = on_ended,
    .auth_ready = on_auth_ready,
    .auth_failed = on_auth_failed,
    .auth_key_accepted = on_auth_key_accepted,
    .auth_password_change = on_auth_password_change,
    .auth_challenged = on_auth_challenged,
    .auth_banner = on_auth_banner_received,
    .auth_requested = on_auth_requested,
    .authenticated = on_authenticated,
    .channel_requested = on_channel_requested,
    .global_request = on_global_request,
    .output_ready = on_output_ready,
};

/* ---- life ---- */

/* One for the whole program: making it is the dear part. */
static sshio_key *shared_host_key(void)
{
    static sshio_key *key;
    if (key == NULL && key_generate("ssh-ed25519", NULL, &key, NULL) < 0)
        abort();
    return sshio_key_ref(key);
}

static void init_real(struct pair *p)
{
    p->kex_algs[0] = kex_alg_find("curve25519-sha256");
    p->host_key = shared_host_key();
    p->host_key_algs[0] = sig_alg_find(span_of("ssh-ed25519"));
    p->host_keys[0] = (struct engine_host_key){ p->host_key_algs[0], key_public_blob(p->host_key), p->host_key };
}

void pair_init(struct pair *p, enum pair_mode mode)
{
    memset(p, 0, sizeof *p);
    engine_buffers_init(&p->buffers);
    p->logger = log_base();
    p->now_ms = 1000;
    p->cipher_algs[0] = cipher_find("aes128-gcm@openssh.com");
    p->mac_algs[0] = mac_find("hmac-sha2-256-etm@openssh.com");
    p->compression_algs[0] = compression_at(0);
    p->kex_algs[0] = &test_kex;
    if (mode == PAIR_REAL)
        init_real(p);
    for (int i = 0; i < 2; i++) {
        p->config[i] = (struct engine_config){
            .server = i == SERVER,
            .version = i == SERVER ? "server_1.0" : "client_1.0",
            .kex_algs = p->kex_algs,
            .host_key_algs = i == CLIENT ? p->host_key_algs : NULL,
            .host_keys = i == SERVER ? p->host_keys : NULL,
            .cipher_algs = p->cipher_algs,
            .mac_algs = p->mac_algs,
            .compression_algs = p->compression_algs,
            .sig_algs = "ssh-ed25519",
            .limits = limits_default,
        };
        p->side[i].pair = p;
        p->side[i].side = i;
        error_init(&p->side[i].error);
    }
}

void pair_start(struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        p->side[i].engine = engine_new(&p->config[i], &events, &p->side[i], &p->buffers, p->logger, p->now_ms);
        if (p->side[i].engine == NULL)
            abort();
    }
    for (int i = 0; i < 2; i++)
        engine_start(p->side[i].engine);
}

void pair_done(struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        engine_free(p->side[i].engine);
        free(p->side[i].inbox);
        error_clear(&p->side[i].error);
    }
    sshio_key_unref(p->host_key);
    engine_buffers_done(&p->buffers);
}

/* ---- what arrived, read from the memory that the engine decrypted ---- */

static void record(struct pair_side *s, const uint8_t *payload, size_t len)
{
    struct pair_seen *seen = &s->seen[payload[0]];
    seen->count++;
    seen->len = len;
    memcpy(seen->head, payload, len < PAIR_HEAD_LEN ? len : PAIR_HEAD_LEN);
    if (s->order_len < sizeof s->order)
        s->order[s->order_len++] = payload[0];
}

static size_t skip_version(struct pair_side *s, const uint8_t *data, size_t len)
{
    size_t at = 0;
    while (!s->seen_version && at < len) {
        const uint8_t *end = memchr(data + at, '\n', len - at);
        if (end == NULL)
            return len;
        s->seen_version = memcmp(data + at, "SSH-", 4) == 0;
        at = (size_t)(end - data) + 1;
    }
    return at;
}

static void watch(struct pair_side *s, const uint8_t *data, size_t len, uint64_t packets)
{
    size_t at = skip_version(s, data, len);
    for (; packets > 0 && len - at > 5; packets--) {
        size_t packet_len = load_u32(data + at);
        record(s, data + at + 5, packet_len - 1 - data[at + 4]);
        uint8_t number = data[at + 5];
        at += 4 + packet_len + (s->seen_keys ? TAG_LEN : 0);
        s->seen_keys = s->seen_keys || number == MSG_NEWKEYS;
    }
}

static bool watchable(const struct pair *p)
{
    return !p->unwatched && strstr(p->cipher_algs[0]->name, "gcm") != NULL;
}

/* ---- carrying bytes ---- */

static size_t chunk(struct pair *p, size_t len)
{
    if (p->byte_by_byte && len != 0)
        return 1;
    if (p->random == 0 || len == 0)
        return len;
    p->random = p->random * 1664525u + 1013904223u;
    uint32_t value = p->random >> 8;
    size_t max = (value & 7) == 0 ? 70000 : (value & 7) < 4 ? 40 : 3000;
    size_t n = 1 + (value >> 3) % max;
    return n < len ? n : len;
}

void pair_put_raw(struct pair *p, int to, const void *bytes, size_t len)
{
    struct pair_side *s = &p->side[to];
    if (s->inbox_len + len > s->inbox_capacity) {
        s->inbox_capacity = 2 * (s->inbox_len + len);
        s->inbox = realloc(s->inbox, s->inbox_capacity);
    }
    if (len != 0)
        memcpy(s->inbox + s->inbox_len, bytes, len);
    s->inbox_len += len;
}

void pair_flush(struct pair *p, int from)
{
    struct pair_side *s = &p->side[from];
    while (s->wants_output) {
        s->wants_output = false;
        struct span out = engine_output(s->engine, p->now_ms);
        size_t len = chunk(p, out.len);
        if (len == 0)
            continue;
        if (!p->cut[1 - from])
            pair_put_raw(p, 1 - from, out.data, len);
        engine_sent(s->engine, len);
        s->wants_output = true;
    }
}

/* The engine sees an allocation of the exact size, so that the sanitizer finds a byte too many. */
static size_t deliver(struct pair *p, struct pair_side *s, size_t len)
{
    struct engine_stats before, after;
    uint8_t *copy = malloc(len);
    memcpy(copy, s->inbox, len);
    engine_stats(s->engine, &before);
    size_t used = engine_receive(s->engine, copy, len, p->now_ms);
    engine_stats(s->engine, &after);
    assert(used <= len);
    if (watchable(p))
        watch(s, copy, used, after.packets_received - before.packets_received);
    free(copy);
    s->inbox_len -= used;
    memmove(s->inbox, s->inbox + used, s->inbox_len);
    return used;
}

bool pair_step(struct pair *p, int side)
{
    struct pair_side *s = &p->side[side];
    pair_flush(p, 1 - side);
    if (s->inbox_len == 0 || engine_waiting(s->engine))
        return false;
    size_t len = chunk(p, s->inbox_len);
    size_t used = deliver(p, s, len);
    while (used == 0 && len < s->inbox_len && !engine_waiting(s->engine)) {
        len += chunk(p, s->inbox_len - len);
        used = deliver(p, s, len);
    }
    return used != 0;
}

void pair_run(struct pair *p)
{
    bool moved = true;
    while (moved) {
        moved = pair_step(p, SERVER);
        moved = pair_step(p, CLIENT) || moved;
    }
}

bool pair_log_in(struct pair *p)
{
    pair_run(p);
    return engine_is_authenticated(p->side[CLIENT].engine) && engine_is_authenticated(p->side[SERVER].engine);
}

void pair_advance(struct pair *p, uint64_t ms)
{
    p->now_ms += ms;
    for (int i = 0; i < 2; i++)
        if (p->now_ms >= engine_deadline(p->side[i].engine))
            engine_tick(p->side[i].engine, p->now_ms);
}

void pair_send_raw(struct pair *p, int from, const void *payload, size_t len)
{
    struct engine *e = p->side[from].engine;
    pair_flush(p, from);
    if (transport_seal(&e->transport, SPAN(payload, len), SPAN(NULL, 0), 0, NULL) < 0)
        abort();
    engine_wants_output(e);
    pair_flush(p, from);
}

/* ---- looking ---- */

unsigned pair_seen(const struct pair *p, int at, uint8_t number)
{
    return p->side[at].seen[number].count;
}

struct reader pair_last(const struct pair *p, int at, uint8_t number)
{
    const struct pair_seen *seen = &p->side[at].seen[number];
    struct reader r;
    reader_init(&r, seen->head, seen->len < PAIR_HEAD_LEN ? seen->len : PAIR_HEAD_LEN);
    read_u8(&r);
    return r;
}

int pair_error(const struct pair *p, int side)
{
    return error_code(&p->side[side].error);
}

const char *pair_message(const struct pair *p, int side)
{
    return error_message(&p->side[side].error);
}
