/* SFTP packets in a stream of bytes: u32 length, u8 type, and the rest. (draft-ietf-secsh-filexfer-13 section 4)
 *
 * Bytes are fed as they come. A packet that lies in them whole is handed out where it lies; one that comes in pieces is
 * put together in memory that grows with what has arrived, never with what was announced. The owner may keep that
 * memory, and may have the data of an FXP_DATA packet put straight where it is wanted.
 *
 *     head    the length, the type and, of a DATA packet, all in front of its data
 *     body    the rest of the packet, in memory
 *     data    the data of a DATA packet, on its way to where the owner wants it; then body again */
#ifndef SSHIO_SFTP_FRAMER_H
#define SSHIO_SFTP_FRAMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

#define SFTP_PACKET_MAX (4u * 1024 * 1024 + 1024) /* of a server's requests, and of a client's FXP_DATA */
#define SFTP_NAME_PACKET_MAX (16u * 1024 * 1024)  /* of a client's FXP_NAME */
#define SFTP_REPLY_PACKET_MAX (1u * 1024 * 1024)  /* of all else that a client takes */
#define FRAMER_DATA_HEAD 13u                      /* length, type, id and data length of FXP_DATA */

/* The memory of packets that come in pieces. take gives at least size bytes; NULL = out of memory. */
struct framer_memory {
    void *(*take)(void *user, size_t size, size_t *capacity);
    void (*give)(void *user, void *memory, size_t capacity);
};
extern const struct framer_memory framer_heap; /* from the allocator, user unused */

enum framer_result {
    FRAMER_MORE = 0, /* all was used, and no packet is complete */
    FRAMER_PACKET,   /* framer_packet has it, until the next call */
    FRAMER_DATA      /* a DATA packet has begun: framer_place says where its data goes */
};

struct framer {
    bool client; /* what is read comes from a server */
    const struct framer_memory *memory_ops;
    void *user;
    uint8_t head[FRAMER_DATA_HEAD];
    size_t head_len;
    uint32_t len; /* of the packet, without its length field; 0 = not known yet */
    uint8_t *memory;
    size_t have, capacity;
    uint8_t *place; /* of the data, NULL = dropped */
    uint32_t data_id, data_len, data_left;
    bool asking, placing, placed;
    struct span packet;
};

void framer_init(struct framer *f, bool client, const struct framer_memory *memory, void *user);
void framer_done(struct framer *f); /* may be repeated */

/* Uses bytes from the front of *bytes. One of enum framer_result, or SSHIO_ESFTP_BAD_MESSAGE (a length of 0, or above
 * the cap), SSHIO_ENOMEM; after a failure nothing more may be fed. */
int framer_feed(struct framer *f, struct span *bytes, struct error *e);

/* The packet, type first. Of one whose data was placed: what stood in front of it, and behind. */
struct span framer_packet(const struct framer *f);
bool framer_was_placed(const struct framer *f);

/* Takes over the memory in which the packet lies; NULL = it lies in the bytes that were fed. */
uint8_t *framer_take(struct framer *f, size_t *capacity);

/* After FRAMER_DATA: the request that it answers and how much data follows, at most what the packet has; then where it
 * goes. NULL leaves it in the packet. */
uint32_t framer_data_id(const struct framer *f);
uint32_t framer_data_len(const struct framer *f);
void framer_place(struct framer *f, uint8_t *place);
void framer_forget_place(struct framer *f); /* what is still to come of the data is dropped */

/* Has a part of a packet arrived? */
bool framer_is_inside(const struct framer *f);

#endif
