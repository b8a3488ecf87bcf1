/* One running key exchange, and what a method is to it. Included by the engine's key exchange files
 * and their tests only.
 *
 *     sent_kexinit ┐                                                    ┌ sent_newkeys ┐
 *                  ├ negotiated → method runs → agreed → proven → keys ─┤              ├ done
 *     got_kexinit  ┘   (the client's first message)    (a question)     └ got_newkeys  ┘
 *
 * agreed: the exchange hash is known. The server asks its owner for a signature over it, the client
 * asks whether the host key is to be trusted and then checks the signature; a method without host
 * key proves itself. */
#ifndef SSHIO_ENGINE_EXCHANGE_H
#define SSHIO_ENGINE_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "engine/messages.h"
#include "engine/negotiation.h"

struct engine;
struct engine_job;

/* The numbers from 30 on as a set: a method may wait for one of several. */
#define KEX_MESSAGE(number) (UINT32_C(1) << ((number)-MSG_KEX_FIRST))

struct exchange {
    bool first; /* of the connection */
    bool sent_kexinit, got_kexinit;
    bool sent_newkeys, got_newkeys;
    bool drop_guess;   /* the next packet numbered 30 to 49 was a wrong guess */
    bool asking;       /* the owner has the host key or the hash in front of it */
    uint32_t expected; /* what the method waits for: a set of KEX_MESSAGE; 0 = nothing */
    uint64_t deadline_ms;
    uint64_t spoke_ms;    /* when our half was sent, which the peer's NEWKEYS answers */
    uint8_t *own_kexinit; /* the payloads, with their number */
    size_t own_kexinit_len;
    uint8_t *peer_kexinit;
    size_t peer_kexinit_len;
    struct negotiated chosen;
    const struct hash_alg *hash_alg;
    void *method_state;         /* not to be touched while job is set */
    struct engine_job *job;     /* a computation that is under way, maybe on another thread; NULL = none */
    struct writer secret;       /* K, in the encoding that is hashed */
    uint8_t hash[HASH_MAX_LEN]; /* H */
    uint8_t *host_key;          /* client: K_S, from exchange_keep_proof until it is trusted */
    size_t host_key_len;
    uint8_t *signature; /* client: over H */
    size_t signature_len;
};

struct kex_method {
    /* the client sends its first message, or begins to compute it; sets expected. false = no memory */
    bool (*start)(struct engine *e, struct exchange *x);
    /* the expected message, after its number */
    void (*receive)(struct engine *e, struct exchange *x, struct reader *r);
    /* server: the message that carries the proof */
    void (*reply)(struct engine *e, struct exchange *x, struct span signature);
    /* frees a method_state, which may be NULL; the exchange may be gone by then */
    void (*free_state)(void *state);
};

/* Client: what the server's last message says beside the method's own values. false = no memory */
bool exchange_keep_proof(struct exchange *x, struct span host_key, struct span signature);

/* Called by a method when both sides have what they need. part is what H covers between the host
 * key and the secret. The secret stands in x->secret. */
void exchange_agreed(struct engine *e, struct exchange *x, struct span part);

/* Runs run(method_state), and goes on with then, which is told whether it succeeded: at once, or, where the computation
 * is a long one and the owner takes such, when it is back. Input waits until then. The method does nothing more after
 * calling this. */
struct computation {
    bool (*run)(void *state);
    void (*then)(struct engine *e, struct exchange *x, bool ok);
};
void exchange_compute(struct engine *e, struct exchange *x, const struct computation *what, bool is_long);

/* The exchange goes away: what is under way then belongs to itself. */
void exchange_abandon_job(struct exchange *x);

struct exchange *exchange_new(void);
void exchange_free(struct exchange *x);

/* RFC 4253 7.2: len bytes of key material for a letter. */
bool exchange_derive(const struct exchange *x, struct span session_id, char letter, uint8_t *out, size_t len);

/* RFC 5656, RFC 8731: param is a struct agreement_alg */
extern const struct kex_method kex_ecdh;

/* RFC 4253 8, RFC 8268: param is a struct dh_group */
extern const struct kex_method kex_dh;

/* RFC 4419, RFC 8270 */
extern const struct kex_method kex_gex;

#endif
