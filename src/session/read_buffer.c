/* The buffer of a reader; see read_buffer.h. */
#include "session/read_buffer.h"

#include <string.h>

#include "base/memory.h"

#define LEAST 4096u
#define KEPT_WHEN_EMPTY (64u * 1024)

/* Room for len more bytes behind what is there. */
static bool reserve(struct read_buffer *b, size_t len)
{
    size_t needed = b->len + len;
    if (b->start + needed <= b->capacity)
        return true;
    if (needed <= b->capacity / 2) {
        memmove(b->data, b->data + b->start, b->len);
        b->start = 0;
        return true;
    }
    size_t capacity = b->capacity != 0 ? b->capacity : LEAST;
    while (capacity < needed)
        capacity *= 2;
    uint8_t *data = mem_alloc(capacity);
    if (data == NULL)
        return false;
    if (b->len != 0)
        memcpy(data, b->data + b->start, b->len);
    mem_free(b->data);
    *b = (struct read_buffer){ .data = data, .len = b->len, .capacity = capacity };
    return true;
}

bool read_buffer_append(struct read_buffer *b, const void *data, size_t len)
{
    if (len == 0)
        return true;
    if (!reserve(b, len))
        return false;
    memcpy(b->data + b->start + b->len, data, len);
    b->len += len;
    return true;
}

const uint8_t *read_buffer_at(const struct read_buffer *b)
{
    return b->data + b->start;
}

void read_buffer_take(struct read_buffer *b, size_t len)
{
    b->start += len;
    b->len -= len;
    if (b->len == 0 && b->capacity > KEPT_WHEN_EMPTY)
        read_buffer_done(b);
    else if (b->len == 0)
        b->start = 0;
}

void read_buffer_done(struct read_buffer *b)
{
    mem_free(b->data);
    *b = (struct read_buffer){ 0 };
}
