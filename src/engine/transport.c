/* Opening and sealing packets, and the blocks they leave in; see transport.h. */
#include "engine/transport.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/random.h"
#include "engine/engine.h"

#define CLEAR_BLOCK_LEN 8
#define LENGTH_LEN 4
#define MIN_PACKET_LEN 6 /* padding_length, one byte of payload, four of padding */
#define MIN_PADDING_LEN 4

/* As many connections as answer in one turn of the loop each hold a block until its end; what they never wrote to costs
 * no memory. */
#define OUTPUT_BLOCKS_KEPT 32

/* The bytes from start to end are framed and not yet written. */
struct output_block {
    struct output_block *next;
    size_t start;
    size_t end;
    uint8_t bytes[];
};

#define BLOCK_ROOM (ENGINE_OUTPUT_BLOCK - sizeof(struct output_block))

void engine_buffers_init(struct engine_buffers *buffers)
{
    pool_init(&buffers->output, ENGINE_OUTPUT_BLOCK, OUTPUT_BLOCKS_KEPT);
    pool_init(&buffers->queue, ENGINE_QUEUE_BLOCK, 64);
    writer_init(&buffers->message, ENGINE_MAX_MESSAGE);
    buffers->padding_left = 0;
}

void engine_buffers_done(struct engine_buffers *buffers)
{
    writer_done(&buffers->message);
    mem_wipe(buffers->padding, sizeof buffers->padding);
    pool_done(&buffers->queue);
    pool_done(&buffers->output);
}

void transport_init(struct transport *t, struct engine_buffers *buffers)
{
    *t = (struct transport){ .buffers = buffers };
}

static void direction_done(struct direction *d)
{
    cipher_free(d->cipher);
    cipher_free(d->next);
    d->cipher = d->next = NULL;
}

void transport_done(struct transport *t)
{
    direction_done(&t->send);
    direction_done(&t->recv);
    while (t->first != NULL) {
        struct output_block *block = t->first;
        t->first = block->next;
        pool_give(&t->buffers->output, block);
    }
    t->last = NULL;
    t->unsent = 0;
}

static size_t block_len(const struct direction *d)
{
    return d->cipher != NULL ? cipher_alg(d->cipher)->block_len : CLEAR_BLOCK_LEN;
}

static size_t tag_len(const struct direction *d)
{
    return d->cipher != NULL ? cipher_alg(d->cipher)->tag_len : 0;
}

/* How much of the length field counts where lengths are aligned: an AEAD cipher leaves it out (RFC
 * 5647 7.2). */
static size_t aligned_length_len(const struct direction *d)
{
    return d->cipher != NULL ? 0 : LENGTH_LEN;
}

/* One packet went by. A sequence number may wrap only under keys: before that a wrap would let
 * packets be dropped unseen. */
static int count_packet(struct direction *d, size_t packet_len, struct error *error)
{
    d->key_packets++;
    d->key_bytes += packet_len;
    d->packets++;
    d->bytes += LENGTH_LEN + packet_len + tag_len(d);
    d->seq++;
    if (d->seq == 0 && d->cipher == NULL)
        return error_set(error, SSHIO_EPROTOCOL, "Sequence rollover before kex complete");
    return 0;
}

void direction_switch(struct direction *d, bool restart)
{
    cipher_free(d->cipher);
    d->cipher = d->next;
    d->next = NULL;
    d->key_packets = 0;
    d->key_bytes = 0;
    if (restart)
        d->seq = 0;
}

/* ---- receiving ---- */

static int read_packet_len(struct direction *d, const uint8_t *data, uint32_t max_len, struct error *error)
{
    uint32_t len = load_u32(data);
    if (d->cipher != NULL && !cipher_open_length(d->cipher, d->seq, data, &len))
        return error_set(error, SSHIO_EMAC, "Packet length could not be decrypted");
    if (len < MIN_PACKET_LEN || len > max_len)
        return error_set(error, SSHIO_EPROTOCOL, "Invalid packet length %u, expected %d to %u", len, MIN_PACKET_LEN,
                         max_len);
    if ((aligned_length_len(d) + len) % block_len(d) != 0)
        return error_set(error, SSHIO_EPROTOCOL, "Packet length %u is not a multiple of the cipher's block", len);
    d->packet_len = len;
    return 0;
}

int transport_open(struct transport *t, uint8_t *data, size_t len, uint32_t max_len, struct packet *packet,
                   struct error *error)
{
    struct direction *d = &t->recv;
    packet->wire_len = 0;
    if (d->packet_len == 0) {
        if (len < LENGTH_LEN)
            return 0;
        int rc = read_packet_len(d, data, max_len, error);
        if (rc < 0)
            return rc;
    }
    size_t packet_len = d->packet_len;
    size_t wire_len = LENGTH_LEN + packet_len + tag_len(d);
    if (len < wire_len)
        return 0;
    if (d->cipher != NULL && !cipher_open(d->cipher, d->seq, data, packet_len))
        return error_set(error, SSHIO_EMAC, "MAC verification failed");
    size_t padding = data[LENGTH_LEN];
    if (padding < MIN_PADDING_LEN || padding > packet_len - 2)
        return error_set(error, SSHIO_EPROTOCOL, "Invalid padding length %zu in a packet of %zu bytes", padding,
                         packet_len);
    d->packet_len = 0;
    *packet = (struct packet){ data + LENGTH_LEN + 1, packet_len - 1 - padding, d->seq, wire_len };
    return count_packet(d, packet_len, error);
}

/* ---- sending ---- */

/* Random bytes come from a stock that is refilled now and then, because asking the generator costs
 * more than a small packet. */
static bool put_padding(struct engine_buffers *buffers, uint8_t *to, size_t len)
{
    if (buffers->padding_left < len) {
        if (!random_bytes(buffers->padding, sizeof buffers->padding))
            return false;
        buffers->padding_left = sizeof buffers->padding;
    }
    buffers->padding_left -= len;
    memcpy(to, buffers->padding + buffers->padding_left, len);
    return true;
}

static size_t padding_len(const struct direction *d, size_t payload_len, size_t min_align)
{
    size_t align = block_len(d) > min_align ? block_len(d) : min_align;
    size_t len = align - (aligned_length_len(d) + 1 + payload_len) % align;
    return len < MIN_PADDING_LEN ? len + align : len;
}

/* Where the next len bytes of output go; a packet never straddles blocks. NULL when out of
 * memory. */
static uint8_t *reserve(struct transport *t, size_t len)
{
    assert(len <= BLOCK_ROOM);
    if (t->last == NULL || BLOCK_ROOM - t->last->end < len) {
        struct output_block *block = pool_take(&t->buffers->output);
        if (block == NULL)
            return NULL;
        block->next = NULL;
        block->start = block->end = 0;
        if (t->last != NULL)
            t->last->next = block;
        else
            t->first = block;
        t->last = block;
    }
    return t->last->bytes + t->last->end;
}

static void commit(struct transport *t, size_t len)
{
    t->last->end += len;
    t->unsent += len;
}

/* head and padding stand in place behind the length field; the body is moved there by the cipher,
 * or copied where there is none. */
static bool seal(struct direction *d, uint8_t *packet, const struct cipher_parts *parts)
{
    if (d->cipher != NULL)
        return cipher_seal(d->cipher, d->seq, packet, parts);
    if (parts->body_len != 0)
        memcpy(packet + LENGTH_LEN + parts->head_len, parts->body, parts->body_len);
    return true;
}

int transport_seal(struct transport *t, struct span head, struct span body, uint32_t min_align, struct error *error)
{
    struct direction *d = &t->send;
    size_t payload_len = head.len + body.len;
    if (payload_len > ENGINE_MAX_MESSAGE)
        return error_set(error, SSHIO_ELIMIT, "A message of %zu bytes does not fit a packet", payload_len);
    size_t padding = padding_len(d, payload_len, min_align);
    size_t packet_len = 1 + payload_len + padding;
    size_t wire_len = LENGTH_LEN + packet_len + tag_len(d);
    uint8_t *packet = reserve(t, wire_len);
    if (packet == NULL)
        return error_nomem(error);
    store_u32(packet, (uint32_t)packet_len);
    packet[LENGTH_LEN] = (uint8_t)padding;
    memcpy(packet + LENGTH_LEN + 1, head.data, head.len);
    if (!put_padding(t->buffers, packet + LENGTH_LEN + 1 + payload_len, padding))
        return error_set(error, SSHIO_EUNSUPPORTED, "No random bytes for padding");
    struct cipher_parts parts = {
        .head_len = 1 + head.len, .body = body.data, .body_len = body.len, .tail_len = padding
    };
    if (!seal(d, packet, &parts))
        return error_set(error, SSHIO_EUNSUPPORTED, "A packet could not be encrypted");
    commit(t, wire_len);
    return count_packet(d, packet_len, error);
}

int transport_put_raw(struct transport *t, struct span bytes, struct error *error)
{
    uint8_t *to = reserve(t, bytes.len);
    if (to == NULL)
        return error_nomem(error);
    memcpy(to, bytes.data, bytes.len);
    commit(t, bytes.len);
    t->send.bytes += bytes.len;
    return 0;
}

struct span transport_output(const struct transport *t)
{
    if (t->first == NULL)
        return SPAN(NULL, 0);
    return SPAN(t->first->bytes + t->first->start, t->first->end - t->first->start);
}

void transport_sent(struct transport *t, size_t len)
{
    assert(len <= transport_output(t).len);
    t->unsent -= len;
    struct output_block *block = t->first;
    if (block == NULL)
        return;
    block->start += len;
    if (block->start < block->end)
        return;
    t->first = block->next;
    if (t->first == NULL)
        t->last = NULL;
    pool_give(&t->buffers->output, block);
}
