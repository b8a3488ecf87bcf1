/* A cipher and a MAC together (RFC 4253 sections 6.3 and 6.4), in two ways:
 *
 *     of the clear text    the whole packet is encrypted, its length field too; the MAC is over it as it was before
 *     of the ciphertext    -etm: the length field stays in clear; the MAC is over it and what was encrypted behind it
 *
 * In the first way the length can be had only by decrypting the first block, before anything is verified; what it
 * decrypts to is kept for the rest of the packet, because the cipher has moved on. (RFC 4253 6.4 wants no more than
 * that; limits are checked by the caller.) In the second way nothing is decrypted before the MAC was found right.
 *
 * Counter mode runs on from packet to packet (RFC 4344 section 4): an instance is given each packet once, in order. */
#include "crypto/cipher_families.h"

#include <string.h>

#include "base/memory.h"

#define LENGTH_LEN 4
#define FIRST_MAX_LEN 16

struct paired {
    struct cipher base;
    EVP_CIPHER_CTX *ctx;
    struct mac *mac;
    bool sealing;
    size_t first_len; /* of the packet whose length was asked for; 0 = there is none */
    uint8_t first[FIRST_MAX_LEN];
};

static void paired_destroy(struct cipher *c)
{
    struct paired *p = (struct paired *)c;
    EVP_CIPHER_CTX_free(p->ctx);
    mac_free(p->mac);
    mem_free_secret(p, sizeof *p);
}

static struct cipher *paired_create(const struct cipher_alg *alg, const struct mac_alg *mac,
                                    const struct cipher_keys *keys, bool sealing)
{
    struct paired *p = mem_zalloc(sizeof *p);
    if (p == NULL)
        return NULL;
    p->sealing = sealing;
    p->ctx = cipher_context(*(const enum library_cipher *)alg->param, keys->key, keys->iv, sealing);
    p->mac = mac_new(mac, keys->mac_key);
    if (p->ctx == NULL || p->mac == NULL) {
        paired_destroy(&p->base);
        return NULL;
    }
    return &p->base;
}

/* Whether the tag behind the packet is the one that belongs to its bytes as they stand there. */
static bool verify(struct paired *p, uint32_t seq, const uint8_t *packet, size_t len)
{
    uint8_t tag[MAC_MAX_TAG_LEN];
    return mac_begin(p->mac, seq) && mac_update(p->mac, packet, len) && mac_finish(p->mac, tag) &&
           mem_equal_secret(tag, packet + len, p->base.shape.tag_len);
}

/* ---- over the ciphertext ---- */

static bool seal_then_mac(struct cipher *c, uint32_t seq, uint8_t *packet, const struct cipher_parts *parts)
{
    struct paired *p = (struct paired *)c;
    size_t len = LENGTH_LEN + cipher_parts_len(parts);
    return p->sealing && cipher_update_parts(p->ctx, packet, parts) && mac_begin(p->mac, seq) &&
           mac_update(p->mac, packet, len) && mac_finish(p->mac, packet + len);
}

static bool verify_then_open(struct cipher *c, uint32_t seq, uint8_t *packet, size_t length)
{
    struct paired *p = (struct paired *)c;
    return !p->sealing && verify(p, seq, packet, LENGTH_LEN + length) &&
           cipher_update(p->ctx, packet + LENGTH_LEN, packet + LENGTH_LEN, length);
}

const struct cipher_family cipher_mac_of_ciphertext = {
    .create = paired_create,
    .destroy = paired_destroy,
    .seal = seal_then_mac,
    .open_length = cipher_open_clear_length,
    .open = verify_then_open,
};

/* ---- over the clear text ---- */

static bool mac_parts(struct paired *p, uint32_t seq, const uint8_t *packet, const struct cipher_parts *parts)
{
    size_t head_len = LENGTH_LEN + parts->head_len;
    size_t body_end = head_len + parts->body_len;
    return mac_begin(p->mac, seq) && mac_update(p->mac, packet, head_len) &&
           mac_update(p->mac, parts->body, parts->body_len) && mac_update(p->mac, packet + body_end, parts->tail_len);
}

static bool mac_and_seal(struct cipher *c, uint32_t seq, uint8_t *packet, const struct cipher_parts *parts)
{
    struct paired *p = (struct paired *)c;
    uint8_t *tag = packet + LENGTH_LEN + cipher_parts_len(parts);
    return p->sealing && mac_parts(p, seq, packet, parts) && mac_finish(p->mac, tag) &&
           cipher_update(p->ctx, packet, packet, LENGTH_LEN) && cipher_update_parts(p->ctx, packet, parts);
}

static bool open_first(struct cipher *c, uint32_t seq, const uint8_t *packet, uint32_t *length)
{
    struct paired *p = (struct paired *)c;
    (void)seq;
    if (p->sealing || p->first_len != 0 || !cipher_update(p->ctx, p->first, packet, c->alg->block_len))
        return false;
    p->first_len = c->alg->block_len;
    *length = load_u32(p->first);
    return true;
}

static bool open_and_verify(struct cipher *c, uint32_t seq, uint8_t *packet, size_t length)
{
    struct paired *p = (struct paired *)c;
    size_t len = LENGTH_LEN + length;
    size_t first_len = p->first_len;
    if (p->sealing || first_len == 0 || len < first_len)
        return false;
    p->first_len = 0;
    memcpy(packet, p->first, first_len);
    return cipher_update(p->ctx, packet + first_len, packet + first_len, len - first_len) &&
           verify(p, seq, packet, len);
}

const struct cipher_family cipher_mac_of_clear_text = {
    .create = paired_create,
    .destroy = paired_destroy,
    .seal = mac_and_seal,
    .open_length = open_first,
    .open = open_and_verify,
    .length_is_sealed = true,
};
