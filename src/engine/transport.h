/* The binary packet protocol (RFC 4253 sections 4 and 6): sequence numbers and keys of each
 * direction, and the output buffer.
 *
 * Each direction owns its cipher, its sequence number, its compression, and what its next NEWKEYS puts
 * in force. Packets are opened in place in the caller's memory (decompressed they are taken to a block
 * of the output pool), and framed and sealed straight into blocks of that pool; an idle transport
 * holds no block. Nothing here knows what a message means. */
#ifndef SSHIO_ENGINE_TRANSPORT_H
#define SSHIO_ENGINE_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/cipher.h"
#include "engine/compression.h"

struct engine_buffers;
struct output_block;

struct direction {
    struct cipher *cipher; /* NULL = in the clear */
    struct cipher *next;   /* what NEWKEYS puts in force; NULL = nothing was agreed */
    const struct compression_alg *compression, *next_compression; /* the same; NULL = "none", too */
    struct compression *stream;                                   /* NULL = no packet has needed it yet */
    uint32_t seq;                                                 /* of the next packet */
    /* receiving: of the packet that has begun to arrive; 0 = not known yet */
    uint32_t packet_len;
    uint64_t key_packets; /* under these keys */
    uint64_t key_bytes;   /* since the last NEWKEYS: sums of packet_length */
    uint64_t packets;     /* in all */
    uint64_t bytes;       /* in all, as they are on the wire */
};

struct transport {
    struct engine_buffers *buffers;
    struct direction send;
    struct direction recv;
    struct output_block *first; /* being written; NULL = nothing is unsent */
    struct output_block *last;  /* being filled */
    size_t unsent;
    bool logged_in;       /* delayed compression has begun */
    uint8_t *inflated;    /* a block with the payload of the last packet, when that was compressed */
    size_t inflated_room; /* of it that may have been written to */
};

/* One packet that was opened. payload is at least one byte, and lies in the memory that
 * transport_open was given, or stands until transport_forget. */
struct packet {
    uint8_t *payload;
    size_t len;
    uint32_t seq;
    size_t wire_len; /* 0 = more bytes are needed */
};

void transport_init(struct transport *t, struct engine_buffers *buffers);
void transport_done(struct transport *t);

/* The next packet at the start of data. 0; or the error, after which the direction must not be
 * used. max_len bounds packet_length, and what a payload decompresses to. */
int transport_open(struct transport *t, uint8_t *data, size_t len, uint32_t max_len, struct packet *packet,
                   struct error *error);

/* The packet was dealt with: nobody looks at its payload any more. */
void transport_forget(struct transport *t);

/* Frames one packet: head is copied, body is sealed from where it is. min_align 0, or a power of
 * two that hides the length. */
int transport_seal(struct transport *t, struct span head, struct span body, uint32_t min_align, struct error *error);

/* Bytes outside of any packet: the version line. */
int transport_put_raw(struct transport *t, struct span bytes, struct error *error);

/* NEWKEYS went by in that direction: what stood ready is in force. restart = strict key exchange,
 * sequence numbers begin again. */
void direction_switch(struct direction *d, bool restart);

/* what is to be written next, in one piece */
struct span transport_output(const struct transport *t);
void transport_sent(struct transport *t, size_t len);

#endif
