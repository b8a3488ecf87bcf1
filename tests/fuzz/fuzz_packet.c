/* Packets in the clear and under each cipher. The first byte chooses the cipher and whether the
 * input is sealed first: then its bytes are the packet's inside, lengths and padding included, and
 * reach what lies behind the tag. */
#include "fuzz.h"

#include <string.h>

#include "crypto/cipher.h"
#include "engine/engine.h"
#include "engine/transport.h"

#define MAX_LEN 262144u

static struct cipher *make(const struct cipher_alg *alg, bool sealing)
{
    static const uint8_t key[CIPHER_MAX_KEY_LEN];
    static const uint8_t iv[CIPHER_MAX_IV_LEN];
    struct cipher *cipher = cipher_new(alg, key, iv, sealing);
    must(cipher != NULL);
    return cipher;
}

/* Puts a tag behind the input, and the length that it claims where it is in front. */
static size_t seal(const struct cipher_alg *alg, uint8_t *packet, size_t size)
{
    if (size < 5)
        return size;
    struct cipher *cipher = make(alg, true);
    struct cipher_parts parts = { .head_len = size - 4, .body = packet };
    store_u32(packet, (uint32_t)(size - 4));
    must(cipher_seal(cipher, 0, packet, &parts));
    cipher_free(cipher);
    return size + alg->tag_len;
}

static void open_all(struct transport *t, uint8_t *data, size_t size)
{
    size_t used = 0;
    for (;;) {
        struct packet packet;
        if (transport_open(t, data + used, size - used, MAX_LEN, &packet, NULL) < 0 || packet.wire_len == 0)
            return;
        must(packet.len >= 1 && packet.wire_len <= size - used);
        must(packet.payload + packet.len <= data + used + packet.wire_len);
        used += packet.wire_len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct engine_buffers buffers;
    struct transport t;
    size_t choice = (data[0] & 0x7f) % (cipher_count() + 1);
    uint8_t *copy = malloc(size + CIPHER_MAX_TAG_LEN);
    must(copy != NULL);
    memcpy(copy, data + 1, size - 1);
    size_t len = size - 1;
    engine_buffers_init(&buffers);
    transport_init(&t, &buffers);
    if (choice != 0) {
        t.recv.cipher = make(cipher_at(choice - 1), false);
        if (data[0] & 0x80)
            len = seal(cipher_at(choice - 1), copy, len);
    }
    uint8_t *exact = malloc(len + 1); /* so that a byte read too many is seen */
    must(exact != NULL);
    memcpy(exact + 1, copy, len);
    open_all(&t, exact + 1, len);
    transport_done(&t);
    engine_buffers_done(&buffers);
    free(exact);
    free(copy);
    return 0;
}
