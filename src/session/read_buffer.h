/* What a reader holds: bytes in one piece. Appending is amortised constant, taking moves nothing, and memory that was grown for a burst
 * goes back when all was taken. */
#ifndef SSHIO_SESSION_READ_BUFFER_H
#define SSHIO_SESSION_READ_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct read_buffer {
    uint8_t *data;
    size_t start, len, capacity;
};

bool read_buffer_append(struct read_buffer *b, const void *data, size_t len);   /* false = out of memory */
const uint8_t *read_buffer_at(const struct read_buffer *b);                     /* the first byte; only while len is not 0 */
void read_buffer_take(struct read_buffer *b, size_t len);
void read_buffer_done(struct read_buffer *b);

#endif
