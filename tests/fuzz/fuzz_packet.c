/* Packets in the clear, under each cipher, and under each pair of a cipher and a MAC, compressed or not.
 *
 * The first byte chooses the cipher, the second the MAC, and the third whether payloads are compressed and whether the
 * input is sealed first: then its bytes are the packet's inside, lengths and padding included, and reach what lies
 * behind the tag. */
#include "fuzz.h"

#include <string.h>

#include "crypto/cipher.h"
#include "engine/engine.h"
#include "engine/transport.h"

#define MAX_LEN 262144u
#define CHOICE_LEN 3
#define SEALED 0x80
#define COMPRESSED 0x01

static struct cipher *make(const uint8_t *choice, bool sealing)
{
    static const uint8_t zeros[CIPHER_MAX_KEY_LEN];
    size_t which = choice[0] % (cipher_count() + 1);
    if (which == 0)
        return NULL;
    struct cipher *cipher = cipher_new(cipher_at(which - 1), mac_at(choice[1] % mac_count()),
                                       &(struct cipher_keys){ zeros, zeros, zeros }, sealing);
    must(cipher != NULL);
    return cipher;
}

/* Puts a tag behind the input, and the length that it claims where it is in front. */
static size_t seal(const uint8_t *choice, uint8_t *packet, size_t size)
{
    struct cipher *cipher = size >= 5 ? make(choice, true) : NULL;
    if (cipher == NULL)
        return size;
    struct cipher_parts parts = { .head_len = size - 4, .body = packet };
    store_u32(packet, (uint32_t)(size - 4));
    must(cipher_seal(cipher, 0, packet, &parts));
    size += cipher_shape(cipher)->tag_len;
    cipher_free(cipher);
    return size;
}

static void open_all(struct transport *t, uint8_t *data, size_t size)
{
    size_t used = 0;
    for (;;) {
        struct packet packet;
        if (transport_open(t, data + used, size - used, MAX_LEN, &packet, NULL) < 0 || packet.wire_len == 0)
            return;
        must(packet.len >= 1 && packet.wire_len <= size - used);
        must(t->recv.compression != NULL || packet.payload + packet.len <= data + used + packet.wire_len);
        must(packet.len <= MAX_LEN);
        used += packet.wire_len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < CHOICE_LEN)
        return 0;
    struct engine_buffers buffers;
    struct transport t;
    size_t len = size - CHOICE_LEN;
    uint8_t *copy = malloc(len + CIPHER_MAX_TAG_LEN);
    must(copy != NULL);
    memcpy(copy, data + CHOICE_LEN, len);
    engine_buffers_init(&buffers);
    transport_init(&t, &buffers);
    t.recv.cipher = make(data, false);
    if (data[2] & COMPRESSED)
        t.recv.compression = compression_at(2);
    if (data[2] & SEALED)
        len = seal(data, copy, len);
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
