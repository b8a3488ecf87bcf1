/* The test bed: a client and a server engine joined in memory, under virtual time.
 *
 *     struct pair p;
 *     pair_init(&p, PAIR_FAST);        configurations stand; change p.config[…], p.side[…].hooks
 *     pair_start(&p);                  makes the engines
 *     assert_true(pair_log_in(&p));    or pair_run(&p): moves bytes until nothing moves any more
 *     …
 *     pair_done(&p);
 *
 * Every event is counted, then passed to the hook of that side, where there is one (owner is the
 * struct pair_side). Questions are answered by the bed where no hook is set: the host key is
 * trusted, the exchange signed, what is long computed at once, a request accepted, channels are refused, global
 * requests fail. The plain text of what each side receives is recorded too (AES-GCM without compression only). */
#ifndef TESTS_ENGINE_PAIR_H
#define TESTS_ENGINE_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sshio/key.h>

#include "engine/engine.h"
#include "engine/internal.h"

enum { CLIENT, SERVER };

enum pair_mode {
    PAIR_FAST, /* the test key exchange, aes128-gcm */
    PAIR_REAL  /* curve25519-sha256, an Ed25519 host key, aes128-gcm */
};

#define PAIR_NUMBERS 256
#define PAIR_HEAD_LEN 64

/* What of a message that arrived is kept: how many there were of its number, and the start of the
 * last one. */
struct pair_seen {
    unsigned count;
    size_t len;
    uint8_t head[PAIR_HEAD_LEN];
};

struct pair;

struct pair_side {
    struct pair *pair;
    int side;
    struct engine *engine;
    struct engine_events hooks;
    void *user;
    /* events */
    unsigned versions, host_keys, signs, computed, keys_changed, debugs, ended, auth_ready, auth_failed, auth_banners,
        auth_requests, authenticated, channels, global_requests;
    struct error error; /* of ended; no error = it was clean, or it did not end */
    /* bytes on their way to this side */
    uint8_t *inbox;
    size_t inbox_len, inbox_capacity;
    /* what arrived */
    struct pair_seen seen[PAIR_NUMBERS];
    uint8_t order[4096]; /* numbers, in order */
    size_t order_len;
    bool seen_version, seen_keys;
    bool wants_output;
};

struct pair {
    struct engine_buffers buffers;
    struct engine_config config[2];
    struct pair_side side[2];
    const struct kex_alg *kex_algs[4];
    const struct cipher_alg *cipher_algs[4];
    const struct mac_alg *mac_algs[4];
    const struct compression_alg *compression_algs[4]; /* "none" unless a test says otherwise */
    const struct sig_alg *host_key_algs[4];
    struct engine_host_key host_keys[2];
    sshio_key *host_key;
    sshio_logger *logger;
    uint64_t now_ms;
    /* state of the generator that chooses chunks; 0 = everything at once */
    uint32_t random;
    bool byte_by_byte; /* instead */
    bool unwatched;    /* what arrives is not recorded: a test does other things than AES-GCM without compression */
    bool cut[2];       /* nothing more is carried to that side */
};

void pair_init(struct pair *p, enum pair_mode mode);
void pair_start(struct pair *p);
void pair_done(struct pair *p);

/* carries one chunk to that side, after what the other has to send; false = nothing moved */
bool pair_step(struct pair *p, int side);
void pair_run(struct pair *p);    /* until nothing moves */
bool pair_log_in(struct pair *p); /* runs; whether both sides are logged in */
/* lets time go by and what is due run; carries nothing */
void pair_advance(struct pair *p, uint64_t ms);

/* a packet under its keys, whatever is allowed */
void pair_send_raw(struct pair *p, int from, const void *payload, size_t len);
/* bytes straight into the inbox */
void pair_put_raw(struct pair *p, int to, const void *bytes, size_t len);
/* what it has to send goes into the other's inbox */
void pair_flush(struct pair *p, int from);

/* how many of that number arrived there */
unsigned pair_seen(const struct pair *p, int at, uint8_t number);
/* the last of them, after its number */
struct reader pair_last(const struct pair *p, int at, uint8_t number);
/* code of the end; 0 = none or clean */
int pair_error(const struct pair *p, int side);
const char *pair_message(const struct pair *p, int side);

#endif
