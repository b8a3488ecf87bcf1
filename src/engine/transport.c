/* Opening and sealing packets, and the blocks they leave in; see transport.h. */
#include "engine/transport.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/random.h"
#include "engine/engine.h"

#define LENGTH_LEN 4
#define MIN_PACKET_LEN 6 /* padding_length, one byte of payload, four of padding */
#define MIN_PADDING_LEN 4
#define MAX_PADDING_LEN 255

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

/* RFC 4253 section 6 before any key. */
static const struct cipher_shape clear = { .align = 8, .length_needs = LENGTH_LEN };

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
    compression_free(d->stream);
    d->cipher = d->next = NULL;
    d->stream = NULL;
}

void transport_done(struct transport *t)
{
    direction_done(&t->send);
    direction_done(&t->recv);
    transport_forget(t);
    while (t->first != NULL) {
        struct output_block *block = t->first;
        t->first = block->next;
        pool_give(&t->buffers->output, block);
    }
    t->last = NULL;
    t->unsent = 0;
}

static const struct cipher_shape *shape(const struct direction *d)
{
    return d->cipher != NULL ? cipher_shape(d->cipher) : &clear;
}

/* On the wire, all of a packet. */
static size_t wire_len(const struct direction *d, size_t packet_len)
{
    return LENGTH_LEN + packet_len + shape(d)->tag_len;
}

/* One packet went by. A sequence number may wrap only under keys: before that a wrap would let
 * packets be dropped unseen. */
static int count_packet(struct direction *d, size_t packet_len, struct error *error)
{
    d->key_packets++;
    d->key_bytes += packet_len;
    d->packets++;
    d->bytes += wire_len(d, packet_len);
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
    compression_free(d->stream);
    d->stream = NULL;
    d->compression = d->next_compression;
    d->next_compression = NULL;
    d->key_packets = 0;
    d->key_bytes = 0;
    if (restart)
        d->seq = 0;
}

/* ---- compression ---- */

static bool is_compressed(const struct transport *t, const struct direction *d)
{
    return d->compression != NULL && (t->logged_in || !d->compression->is_delayed);
}

static int need_stream(struct direction *d, bool compresses, struct error *error)
{
    if (d->stream == NULL)
        d->stream = compression_new(compresses);
    return d->stream != NULL ? 0 : error_nomem(error);
}

/* Before login it may hold a password. */
void transport_forget(struct transport *t)
{
    if (t->inflated == NULL)
        return;
    if (!t->logged_in)
        mem_wipe(t->inflated, t->inflated_room);
    pool_give(&t->buffers->output, t->inflated);
    t->inflated = NULL;
}

static int inflate_packet(struct transport *t, struct packet *packet, size_t max_len, struct error *error)
{
    struct direction *d = &t->recv;
    int rc = need_stream(d, false, error);
    if (rc < 0)
        return rc;
    if (t->inflated == NULL && (t->inflated = pool_take(&t->buffers->output)) == NULL)
        return error_nomem(error);
    assert(max_len < ENGINE_OUTPUT_BLOCK);
    t->inflated_room = max_len + 1;
    struct span deflated = SPAN(packet->payload, packet->len);
    packet->payload = t->inflated;
    return compression_inflate(d->stream, deflated, t->inflated, max_len, &packet->len, error);
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
    if ((LENGTH_LEN - shape(d)->aligned_from + len) % shape(d)->align != 0)
        return error_set(error, SSHIO_EPROTOCOL, "Packet length %u is not a multiple of the cipher's block", len);
    d->packet_len = len;
    return 0;
}

/* The payload of a packet that is there as a whole, and stands in the clear. */
static int take_payload(struct transport *t, uint8_t *data, uint32_t max_len, struct packet *packet,
                        struct error *error)
{
    struct direction *d = &t->recv;
    size_t packet_len = d->packet_len;
    size_t padding = data[LENGTH_LEN];
    if (padding < MIN_PADDING_LEN || padding > packet_len - 2)
        return error_set(error, SSHIO_EPROTOCOL, "Invalid padding length %zu in a packet of %zu bytes", padding,
                         packet_len);
    struct packet found = { data + LENGTH_LEN + 1, packet_len - 1 - padding, d->seq, wire_len(d, packet_len) };
    int rc = is_compressed(t, d) ? inflate_packet(t, &found, max_len, error) : 0;
    if (rc < 0)
        return rc;
    d->packet_len = 0;
    *packet = found;
    return count_packet(d, packet_len, error);
}

int transport_open(struct transport *t, uint8_t *data, size_t len, uint32_t max_len, struct packet *packet,
                   struct error *error)
{
    struct direction *d = &t->recv;
    packet->wire_len = 0;
    if (d->packet_len == 0) {
        if (len < shape(d)->length_needs)
            return 0;
        int rc = read_packet_len(d, data, max_len, error);
        if (rc < 0)
            return rc;
    }
    if (len < wire_len(d, d->packet_len))
        return 0;
    if (d->cipher != NULL && !cipher_open(d->cipher, d->seq, data, d->packet_len))
        return error_set(error, SSHIO_EMAC, "MAC verification failed");
    return take_payload(t, data, max_len, packet, error);
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
    const struct cipher_shape *s = shape(d);
    size_t align = s->align > min_align ? s->align : min_align;
    size_t len = align - (LENGTH_LEN - s->aligned_from + 1 + payload_len) % align;
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

/* Where a packet with a payload of up to that length goes, and its payload in it. NULL when out of memory. */
static uint8_t *reserve_packet(struct transport *t, size_t payload_len)
{
    return reserve(t, wire_len(&t->send, 1 + payload_len + MAX_PADDING_LEN));
}

/* A payload whose first head_len bytes stand in the packet; body is behind them. */
static int finish_packet(struct transport *t, uint8_t *packet, size_t head_len, struct span body, uint32_t min_align,
                         struct error *error)
{
    struct direction *d = &t->send;
    size_t payload_len = head_len + body.len;
    size_t padding = padding_len(d, payload_len, min_align);
    size_t packet_len = 1 + payload_len + padding;
    store_u32(packet, (uint32_t)packet_len);
    packet[LENGTH_LEN] = (uint8_t)padding;
    if (!put_padding(t->buffers, packet + LENGTH_LEN + 1 + payload_len, padding))
        return error_set(error, SSHIO_EUNSUPPORTED, "No random bytes for padding");
    struct cipher_parts parts = {
        .head_len = 1 + head_len, .body = body.data, .body_len = body.len, .tail_len = padding
    };
    if (!seal(d, packet, &parts))
        return error_set(error, SSHIO_EUNSUPPORTED, "A packet could not be encrypted");
    commit(t, wire_len(d, packet_len));
    return count_packet(d, packet_len, error);
}

static int seal_compressed(struct transport *t, struct span head, struct span body, uint32_t min_align,
                           struct error *error)
{
    size_t len;
    int rc = need_stream(&t->send, true, error);
    if (rc < 0)
        return rc;
    uint8_t *packet = reserve_packet(t, compression_bound(t->send.stream, head.len + body.len));
    if (packet == NULL)
        return error_nomem(error);
    rc = compression_deflate(t->send.stream, head, body, packet + LENGTH_LEN + 1, &len, error);
    return rc == 0 ? finish_packet(t, packet, len, SPAN(NULL, 0), min_align, error) : rc;
}

int transport_seal(struct transport *t, struct span head, struct span body, uint32_t min_align, struct error *error)
{
    size_t payload_len = head.len + body.len;
    if (payload_len > ENGINE_MAX_MESSAGE)
        return error_set(error, SSHIO_ELIMIT, "A message of %zu bytes does not fit a packet", payload_len);
    if (is_compressed(t, &t->send))
        return seal_compressed(t, head, body, min_align, error);
    uint8_t *packet = reserve_packet(t, payload_len);
    if (packet == NULL)
        return error_nomem(error);
    memcpy(packet + LENGTH_LEN + 1, head.data, head.len);
    return finish_packet(t, packet, head.len, body, min_align, error);
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
