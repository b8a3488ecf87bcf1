/* Starting key exchanges, running them through to NEWKEYS, and putting their keys in force; see
 * key_exchange.h and exchange.h. */
#include "engine/key_exchange.h"

#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "engine/exchange.h"
#include "engine/ext_info.h"
#include "engine/internal.h"
#include "key/key.h"

#define HARD_MAX_PACKETS (UINT64_C(1) << 31) /* RFC 4344 3.1 */
#define REKEY_MS 120000                      /* for a re-exchange to complete, where logging in has no limit */
#define LIGHT_REKEY_SPAN_MS 10000

void key_exchange_init(struct key_exchange *kex)
{
    *kex = (struct key_exchange){ .running = NULL };
}

void key_exchange_done(struct key_exchange *kex)
{
    exchange_free(kex->running);
    mem_free(kex->host_key);
    mem_free(kex->server_sig_algs);
    kex->running = NULL;
    kex->host_key = NULL;
    kex->server_sig_algs = NULL;
}

bool key_exchange_holds(const struct key_exchange *kex)
{
    return kex->running != NULL && kex->running->sent_kexinit && !kex->running->sent_newkeys;
}

uint64_t key_exchange_deadline(const struct key_exchange *kex)
{
    return kex->running != NULL ? kex->running->deadline_ms : UINT64_MAX;
}

void key_exchange_passed(struct key_exchange *kex, uint8_t number)
{
    if (number < MSG_KEXINIT || number > MSG_KEX_LAST)
        kex->quiet = false;
}

/* ---- starting ---- */

static bool begin(struct engine *e)
{
    struct exchange *x = exchange_new();
    if (x == NULL) {
        engine_out_of_memory(e);
        return false;
    }
    x->first = e->kex.session_id_len == 0;
    if (!x->first)
        x->deadline_ms = e->now_ms + (e->config->limits.login_ms != 0 ? e->config->limits.login_ms : REKEY_MS);
    e->kex.running = x;
    e->kex.last_ms = e->now_ms;
    log_debug(e->logger, 1, "%s key exchange", x->first ? "Beginning" : "Beginning another");
    return true;
}

void key_exchange_start(struct engine *e)
{
    if (e->ended || (e->kex.running == NULL && !begin(e)))
        return;
    struct exchange *x = e->kex.running;
    if (x->sent_kexinit)
        return;
    struct writer *w = engine_message(e, MSG_KEXINIT);
    kexinit_put(w, e->config, !e->kex.first_kexinit_sent);
    if (writer_failed(w) || !span_dup(writer_span(w), &x->own_kexinit)) {
        engine_out_of_memory(e);
        return;
    }
    x->own_kexinit_len = writer_span(w).len;
    engine_send(e);
    x->sent_kexinit = true;
    e->kex.first_kexinit_sent = true;
}

static bool reached(uint64_t value, uint64_t limit)
{
    return limit != 0 && value >= limit;
}

static bool spent(const struct direction *d, uint64_t rekey_bytes)
{
    if (d->key_packets >= HARD_MAX_PACKETS || reached(d->key_bytes, rekey_bytes))
        return true;
    if (d->cipher == NULL)
        return false;
    const struct cipher_alg *alg = cipher_alg(d->cipher);
    return d->key_packets >= alg->max_packets || reached(d->key_bytes, alg->max_bytes);
}

void key_exchange_consider(struct engine *e)
{
    if (e->ended || e->auth.stage != AUTH_DONE || e->kex.running != NULL || e->kex.quiet)
        return;
    /* Such a peer cannot rekey: it is left alone while that is safe. */
    bool able = strstr(e->peer_version, "Sun_SSH_1.0") == NULL;
    uint64_t bytes = able ? e->config->rekey_bytes : 0;
    uint32_t after_ms = able ? e->config->rekey_ms : 0;
    bool due = spent(&e->transport.send, bytes) || spent(&e->transport.recv, bytes) ||
               (after_ms != 0 && e->now_ms - e->kex.last_ms >= after_ms);
    if (due)
        key_exchange_start(e);
}

/* ---- KEXINIT ---- */

/* A peer may start exchanges as it likes, but each costs us public key operations: those that
 * little data explains are counted. */
static bool count_peer_rekey(struct engine *e)
{
    struct key_exchange *kex = &e->kex;
    const struct limits *limits = &e->config->limits;
    if (e->mux.data_passed - kex->data_at_last >= limits->peer_rekey_data)
        return true;
    if (kex->light_count == 0 || e->now_ms - kex->light_since_ms >= LIGHT_REKEY_SPAN_MS) {
        kex->light_since_ms = e->now_ms;
        kex->light_count = 0;
    }
    if (++kex->light_count <= limits->peer_rekeys)
        return true;
    engine_protocol_error(e, "The peer starts key exchanges too often");
    return false;
}

static bool store_peer_kexinit(struct engine *e, struct exchange *x, struct reader *r)
{
    struct span rest = SPAN(r->at, reader_left(r));
    uint8_t *payload = mem_alloc(1 + rest.len);
    if (payload == NULL) {
        engine_out_of_memory(e);
        return false;
    }
    payload[0] = MSG_KEXINIT;
    memcpy(payload + 1, rest.data, rest.len);
    x->peer_kexinit = payload;
    x->peer_kexinit_len = 1 + rest.len;
    return true;
}

/* What only the first KEXINIT of a peer can say. */
static bool note_markers(struct engine *e, const struct kexinit *peer)
{
    bool server = e->config->server;
    e->kex.peer_wants_ext_info = kexinit_has_ext_info(peer, server);
    e->kex.strict = kexinit_has_strict(peer, server);
    if (e->kex.strict && e->message_seq != 0) {
        engine_protocol_error(e, "Strict key exchange, but KEXINIT was not the first packet");
        return false;
    }
    if (!e->kex.strict && e->config->require_strict_kex) {
        engine_error(e, SSHIO_EKEY_EXCHANGE_FAILED, "The peer does not support strict key exchange, which is required");
        return false;
    }
    return true;
}

static void log_direction(struct engine *e, const char *name, const struct direction_algs *algs)
{
    log_debug(e->logger, 2, "  %s: encryption %s, MAC %s, compression %s", name, algs->cipher->name,
              algs->mac != NULL ? algs->mac->name : algs->cipher->name, algs->compression->name);
}

static void log_chosen(struct engine *e, const struct negotiated *chosen)
{
    if (!log_enabled(e->logger, SSHIO_LOG_DEBUG, 2))
        return;
    log_debug(e->logger, 2, "Chosen algorithms:");
    log_debug(e->logger, 2, "  Key exchange: %s", chosen->kex->name);
    log_debug(e->logger, 2, "  Host key: %s", chosen->host_key_alg != NULL ? chosen->host_key_alg->name : "none");
    log_direction(e, "Client to server", &chosen->c2s);
    log_direction(e, "Server to client", &chosen->s2c);
}

/* Without strict key exchange some pairs do not notice packets that were removed before NEWKEYS. */
static bool warn_of_truncation(struct engine *e, const struct direction_algs *algs)
{
    if (!algs->cipher->needs_strict_kex || (algs->mac != NULL && !algs->mac->is_etm))
        return false;
    log_warning(e->logger, "%s is used with a peer that does not support strict key exchange", algs->cipher->name);
    return true;
}

/* Both KEXINIT are there: chooses, and sets the method going. */
static void run_method(struct engine *e, struct exchange *x, const struct kexinit *peer)
{
    struct reader r;
    struct kexinit own;
    struct error error;
    reader_init(&r, x->own_kexinit + 1, x->own_kexinit_len - 1);
    if (!kexinit_read(&r, &own)) {
        engine_protocol_error(e, "Our own KEXINIT is malformed");
        return;
    }
    kexinit_log(&own, "Our", e->logger);
    kexinit_log(peer, "The peer's", e->logger);
    error_init(&error);
    if (negotiate(e->config, &own, peer, &x->chosen, &error) < 0) {
        engine_fail(e, &error);
        error_clear(&error);
        return;
    }
    log_chosen(e, &x->chosen);
    if (e->kex.session_id_len == 0 && !e->kex.strict && !warn_of_truncation(e, &x->chosen.c2s))
        warn_of_truncation(e, &x->chosen.s2c);
    x->hash_alg = hash_find(x->chosen.kex->hash_name);
    /* Every method lets the client speak first, so that a server has nothing to guess with. */
    x->drop_guess = peer->first_kex_packet_follows && (x->chosen.guess_wrong || !e->config->server);
    x->spoke_ms = e->now_ms;
    if (x->hash_alg == NULL || !x->chosen.kex->method->start(e, x))
        engine_error(e, SSHIO_EKEY_EXCHANGE_FAILED, "Key exchange %s could not be started", x->chosen.kex->name);
}

void key_exchange_on_kexinit(struct engine *e, struct reader *r)
{
    struct kexinit peer;
    bool first = e->kex.session_id_len == 0;
    if (e->kex.running == NULL && ((!first && !count_peer_rekey(e)) || !begin(e)))
        return;
    struct exchange *x = e->kex.running;
    if (!store_peer_kexinit(e, x, r))
        return;
    e->kex.data_at_last = e->mux.data_passed;
    x->got_kexinit = true;
    struct reader stored;
    reader_init(&stored, x->peer_kexinit + 1, x->peer_kexinit_len - 1);
    if (!kexinit_read(&stored, &peer)) {
        engine_protocol_error(e, "Malformed KEXINIT");
        return;
    }
    if (first && !note_markers(e, &peer))
        return;
    key_exchange_start(e);
    if (!e->ended)
        run_method(e, x, &peer);
}

/* ---- the method's messages ---- */

void key_exchange_on_message(struct engine *e, struct reader *r)
{
    struct exchange *x = e->kex.running;
    if (x->drop_guess) {
        x->drop_guess = false;
        return;
    }
    if ((x->expected & KEX_MESSAGE(e->message_number)) == 0) {
        engine_protocol_error(e, "Unexpected key exchange message %u", e->message_number);
        return;
    }
    x->expected = 0;
    x->chosen.kex->method->receive(e, x, r);
}

/* ---- NEWKEYS ---- */

/* RFC 4253 7.2: A, C, E for what the client sends, B, D, F for what the server does. */
struct letters {
    char iv, key, mac_key;
};

static struct cipher *make_cipher(struct engine *e, const struct exchange *x, bool from_client, bool sealing)
{
    struct letters letters = from_client ? (struct letters){ 'A', 'C', 'E' } : (struct letters){ 'B', 'D', 'F' };
    const struct direction_algs *algs = from_client ? &x->chosen.c2s : &x->chosen.s2c;
    struct span session_id = engine_session_id(e);
    uint8_t iv[CIPHER_MAX_IV_LEN];
    uint8_t key[CIPHER_MAX_KEY_LEN];
    uint8_t mac_key[MAC_MAX_KEY_LEN];
    struct cipher *cipher = NULL;
    if (exchange_derive(x, session_id, letters.iv, iv, algs->cipher->iv_len) &&
        exchange_derive(x, session_id, letters.key, key, algs->cipher->key_len) &&
        exchange_derive(x, session_id, letters.mac_key, mac_key, algs->mac != NULL ? algs->mac->key_len : 0))
        cipher = cipher_new(algs->cipher, algs->mac, &(struct cipher_keys){ key, iv, mac_key }, sealing);
    mem_wipe(iv, sizeof iv);
    mem_wipe(key, sizeof key);
    mem_wipe(mac_key, sizeof mac_key);
    return cipher;
}

static bool prepare_direction(struct engine *e, const struct exchange *x, struct direction *d, bool from_client)
{
    const struct compression_alg *compression = from_client ? x->chosen.c2s.compression : x->chosen.s2c.compression;
    d->next = make_cipher(e, x, from_client, d == &e->transport.send);
    d->next_compression = compression->compresses ? compression : NULL;
    return d->next != NULL;
}

static bool prepare_keys(struct engine *e, const struct exchange *x)
{
    bool server = e->config->server;
    return prepare_direction(e, x, &e->transport.send, !server) && prepare_direction(e, x, &e->transport.recv, server);
}

static void finish(struct engine *e, struct exchange *x)
{
    bool first = x->first;
    struct key_exchange *kex = &e->kex;
    kex->alg = x->chosen.kex;
    kex->host_key_alg = x->chosen.host_key_alg;
    kex->running = NULL;
    if (!first) {
        kex->rekeys++;
        nudge_start(e);
    }
    exchange_free(x);
    log_debug(e->logger, 1, "Completed key exchange");
    if (first)
        e->phase = PHASE_SECURED;
    if (e->events->keys_changed != NULL)
        e->events->keys_changed(e->owner, first);
    if (first && !e->ended)
        engine_first_keys(e);
}

void key_exchange_proven(struct engine *e, struct exchange *x)
{
    if (x->first) {
        memcpy(e->kex.session_id, x->hash, x->hash_alg->len);
        e->kex.session_id_len = x->hash_alg->len;
    }
    if (!prepare_keys(e, x)) {
        engine_error(e, SSHIO_EKEY_EXCHANGE_FAILED, "New keys could not be set up");
        return;
    }
    engine_message(e, MSG_NEWKEYS);
    engine_send(e);
    direction_switch(&e->transport.send, e->kex.strict);
    x->sent_newkeys = true;
    if (e->config->server)
        x->spoke_ms = e->now_ms;
    e->kex.quiet = true;
    if (x->first && e->kex.peer_wants_ext_info)
        ext_info_send(e);
    engine_release_held(e);
}

void key_exchange_on_newkeys(struct engine *e, struct reader *r)
{
    struct exchange *x = e->kex.running;
    if (!reader_done(r)) {
        engine_protocol_error(e, "Malformed NEWKEYS");
        return;
    }
    direction_switch(&e->transport.recv, e->kex.strict);
    x->got_newkeys = true;
    if (x->first)
        round_trip_note(e, x->spoke_ms);
    finish(e, x);
}
