/* Key exchange and re-exchange (RFC 4253 sections 7 to 9), strict key exchange, and what EXT_INFO
 * told (RFC 8308).
 *
 * What lasts is small and stands in struct key_exchange. What belongs to one running exchange (both
 * KEXINIT payloads, the method's secrets, the exchange hash) is a struct exchange: allocated when
 * the first KEXINIT of either side goes by, wiped and freed when both NEWKEYS have. See
 * exchange.h. */
#ifndef SSHIO_ENGINE_KEY_EXCHANGE_H
#define SSHIO_ENGINE_KEY_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/hash.h"

struct engine;
struct exchange;
struct kex_alg;
struct sig_alg;

struct key_exchange {
    struct exchange *running;           /* NULL = none */
    const struct kex_alg *alg;          /* of the last finished exchange */
    const struct sig_alg *host_key_alg; /* NULL also when no host key was used */
    uint8_t *host_key;                  /* client: the blob that was trusted last */
    size_t host_key_len;
    uint8_t session_id[HASH_MAX_LEN];
    size_t session_id_len; /* 0 before the first exchange */
    char *server_sig_algs; /* client, until logged in; NULL = none came */
    uint64_t last_ms;      /* when the last exchange began */
    uint64_t rekeys;       /* finished re-exchanges */
    uint64_t data_at_last; /* mux.data_passed when the last exchange began */
    /* peer-started rekeys with little data: when the running 10 s began, and how many there were */
    uint64_t light_since_ms;
    uint32_t light_count;
    bool strict;
    bool first_kexinit_sent; /* markers go into the first one only */
    bool peer_wants_ext_info;
    /* no packet but those of key exchanges since the last one: none may start yet */
    bool quiet;
    /* the place for EXT_INFO right after the first NEWKEYS is used up, or passed */
    bool ext_info_early;
    bool ext_info_late; /* client: the one during authentication came */
};

void key_exchange_init(struct key_exchange *kex);
void key_exchange_done(struct key_exchange *kex);

/* sends our KEXINIT, unless an exchange of ours runs */
void key_exchange_start(struct engine *e);
/* from our KEXINIT until our NEWKEYS: only kex messages may leave */
bool key_exchange_holds(const struct key_exchange *kex);
/* starts one where bytes, packets or time say so */
void key_exchange_consider(struct engine *e);
/* when a re-exchange has taken too long; UINT64_MAX = none runs */
uint64_t key_exchange_deadline(const struct key_exchange *kex);
/* a message of that number was sent or received */
void key_exchange_passed(struct key_exchange *kex, uint8_t number);

/* Handlers */
void key_exchange_on_kexinit(struct engine *e, struct reader *r);
void key_exchange_on_message(struct engine *e, struct reader *r); /* 30 to 49 */
void key_exchange_on_newkeys(struct engine *e, struct reader *r);

/* For exchange_proof.c: the exchange is proven, so new keys are made and NEWKEYS is sent. */
void key_exchange_proven(struct engine *e, struct exchange *x);

#endif
