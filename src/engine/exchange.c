/* The memory of a running exchange and the derivation of its keys; see exchange.h. */
#include "engine/exchange.h"

#include <string.h>

#include "base/memory.h"

#define MAX_SECRET_LEN 2048 /* K, encoded: 8192 bits of Diffie-Hellman and more */

struct exchange *exchange_new(void)
{
    struct exchange *x = mem_zalloc(sizeof *x);
    if (x != NULL) {
        writer_init(&x->secret, MAX_SECRET_LEN);
        x->deadline_ms = UINT64_MAX;
    }
    return x;
}

void exchange_free(struct exchange *x)
{
    if (x == NULL)
        return;
    if (x->job != NULL)
        exchange_abandon_job(x);
    else if (x->chosen.kex != NULL)
        x->chosen.kex->method->free_state(x->method_state);
    writer_done(&x->secret);
    mem_free(x->own_kexinit);
    mem_free(x->peer_kexinit);
    mem_free(x->host_key);
    mem_free(x->signature);
    mem_free_secret(x, sizeof *x);
}

/* One hash of the chain: HASH(K ‖ H ‖ letter ‖ session_id) at first, HASH(K ‖ H ‖ all so far) after
 * it. */
static bool derive_block(const struct exchange *x, struct span a, struct span b, uint8_t *out)
{
    struct span secret = writer_span(&x->secret);
    struct hash *h = hash_new(x->hash_alg);
    bool ok = h != NULL && hash_update(h, secret.data, secret.len) && hash_update(h, x->hash, x->hash_alg->len) &&
              hash_update(h, a.data, a.len) && hash_update(h, b.data, b.len) && hash_final(h, out);
    hash_free(h);
    return ok;
}

bool exchange_derive(const struct exchange *x, struct span session_id, char letter, uint8_t *out, size_t len)
{
    uint8_t material[256 + HASH_MAX_LEN];
    size_t have = 0;
    bool ok = len <= 256;
    while (ok && have < len) {
        struct span a = have == 0 ? SPAN(&letter, 1) : SPAN(material, have);
        struct span b = have == 0 ? session_id : SPAN("", 0);
        ok = derive_block(x, a, b, material + have);
        have += x->hash_alg->len;
    }
    if (ok)
        memcpy(out, material, len);
    mem_wipe(material, sizeof material);
    return ok;
}
