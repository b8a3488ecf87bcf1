/* What a reader, or a slow target of redirection, holds: bytes in blocks of the loop's pool. An empty one holds no
 * block. */
#ifndef SSHIO_SESSION_READ_BUFFER_H
#define SSHIO_SESSION_READ_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "engine/byte_queue.h"

struct pool;

struct read_buffer {
    struct byte_queue queue; /* of one type */
};

void read_buffer_init(struct read_buffer *b, struct pool *pool);
void read_buffer_done(struct read_buffer *b); /* empty, and usable again */
size_t read_buffer_len(const struct read_buffer *b);
bool read_buffer_append(struct read_buffer *b, const void *data, size_t len); /* false = out of memory */
struct span read_buffer_head(
    const struct read_buffer *b); /* the oldest bytes that lie in one piece; empty = there are none */
void read_buffer_drop(struct read_buffer *b, size_t len);              /* of the head */
size_t read_buffer_read(struct read_buffer *b, void *to, size_t size); /* takes as much as there is, at most size */
size_t read_buffer_copy(const struct read_buffer *b, size_t from, void *to, size_t size); /* takes none */
bool read_buffer_find(const struct read_buffer *b, uint8_t byte, size_t from,
                      size_t *at); /* the first such byte at or after from */

#endif
