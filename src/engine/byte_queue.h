/* Bytes that wait, in order: written and not yet packetised, or received and not yet delivered.
 *
 * The bytes lie in blocks of a pool, as entries; an entry is a header of four octets (type and length) and its bytes,
 * never straddles blocks, and grows while more of its type is added behind it. Taking from the head moves nothing,
 * blocks that became empty go back to the pool, and an empty queue holds no block. A mark is an entry without bytes:
 * the place in the order of something kept elsewhere. */
#ifndef SSHIO_ENGINE_BYTE_QUEUE_H
#define SSHIO_ENGINE_BYTE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct pool;
struct byte_block;

#define BYTE_QUEUE_MARK 255u /* the type of marks; those of data are below */

struct byte_queue {
    struct pool *pool;
    struct byte_block *first;
    struct byte_block *last;
    size_t len; /* bytes of data in all */
};

void byte_queue_init(struct byte_queue *q, struct pool *pool);
void byte_queue_done(struct byte_queue *q); /* may be repeated; the queue is empty and usable afterwards */

bool byte_queue_add(struct byte_queue *q, uint8_t type, const void *data,
                    size_t len); /* false = out of memory, nothing was added */
bool byte_queue_add_mark(struct byte_queue *q);

/* The oldest bytes that lie in one piece, and their type; a mark has none. False = the queue is empty. Bytes that were
 * handed out stay where they are until they are taken. */
bool byte_queue_head(const struct byte_queue *q, uint8_t *type, struct span *data);
void byte_queue_take(struct byte_queue *q, size_t len); /* of what byte_queue_head gave: len bytes, or the mark */
bool byte_queue_find(const struct byte_queue *q, uint8_t byte, size_t from,
                     size_t *at); /* the first such byte at or after from; of all
                                     types, counted over all entries */
size_t byte_queue_copy(const struct byte_queue *q, size_t from, void *to, size_t size); /* bytes from there on, of all
                                                                                          types; takes none; how many */
bool byte_queue_is_empty(const struct byte_queue *q);

#endif
