/* The buffer of a reader; see read_buffer.h. */
#include "session/read_buffer.h"

#include <string.h>

void read_buffer_init(struct read_buffer *b, struct pool *pool)
{
    byte_queue_init(&b->queue, pool);
}

void read_buffer_done(struct read_buffer *b)
{
    byte_queue_done(&b->queue);
}

size_t read_buffer_len(const struct read_buffer *b)
{
    return b->queue.len;
}

bool read_buffer_append(struct read_buffer *b, const void *data, size_t len)
{
    return byte_queue_add(&b->queue, 0, data, len);
}

struct span read_buffer_head(const struct read_buffer *b)
{
    struct span head = SPAN(NULL, 0);
    uint8_t type;
    byte_queue_head(&b->queue, &type, &head);
    return head;
}

void read_buffer_drop(struct read_buffer *b, size_t len)
{
    byte_queue_take(&b->queue, len);
}

size_t read_buffer_read(struct read_buffer *b, void *to, size_t size)
{
    size_t done = 0;
    while (done < size && b->queue.len != 0) {
        struct span head = read_buffer_head(b);
        size_t len = head.len < size - done ? head.len : size - done;
        memcpy((uint8_t *)to + done, head.data, len);
        byte_queue_take(&b->queue, len);
        done += len;
    }
    return done;
}

bool read_buffer_find(const struct read_buffer *b, uint8_t byte, size_t from, size_t *at)
{
    return byte_queue_find(&b->queue, byte, from, at);
}

size_t read_buffer_copy(const struct read_buffer *b, size_t from, void *to, size_t size)
{
    return byte_queue_copy(&b->queue, from, to, size);
}
