/* A peer made by hand, during the first key exchange: one engine of a pair, whose other end is the test, packet by
 * packet and in the clear.
 *
 *     struct hand h;
 *     hand_init(&h, SERVER);           the engine is the server; change h.pair as for any pair
 *     hand_start(&h);                  makes the engine
 *     hand_greet(&h, &greeting);       our version and KEXINIT
 *     hand_send(&h, payload);          any message; the engine works it off at once
 *     hand_next(&h, &payload)          what it sent, in order
 *     hand_done(&h); */
#ifndef TESTS_ENGINE_HAND_H
#define TESTS_ENGINE_HAND_H

#include "engine/negotiation.h"
#include "engine/pair.h"

#define HAND_VERSION "SSH-2.0-hand"

struct hand {
    struct pair pair;
    int side;      /* of the engine */
    uint8_t *sent; /* by the engine, in the clear */
    size_t sent_len, sent_at;
    struct writer kexinit; /* ours, with its number */
};

struct hand_greeting {
    const char *kex;
    const char *host_key; /* NULL = ssh-ed25519 */
    bool guesses;         /* first_kex_packet_follows */
};

void hand_init(struct hand *h, int side); /* PAIR_REAL */
void hand_start(struct hand *h);
void hand_done(struct hand *h);
void hand_greet(struct hand *h, const struct hand_greeting *greeting);
void hand_send(struct hand *h, struct span payload);
bool hand_next(struct hand *h,
               struct span *payload); /* false = nothing more; after the version, which is passed over */

struct engine *hand_engine(struct hand *h);
int hand_error(const struct hand *h); /* as pair_error */
const char *hand_message(const struct hand *h);

/* A KEXINIT after its number, with these lists. */
void hand_put_kexinit(struct writer *w, const char *const lists[KEXINIT_LISTS], bool guesses);

#endif
