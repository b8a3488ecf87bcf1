/* The queue of waiting bytes; see byte_queue.h.
 *
 * In a block, `start` is the header of the oldest entry and `end` where the next one goes. When
 * part of the oldest entry is taken, its header moves up with what is left, so that the block
 * always begins with a whole entry. `newest` is the header of the last entry. */
#include "engine/byte_queue.h"

#include <string.h>

#include "base/pool.h"

#define ENTRY_HEADER 4u

struct byte_block {
    struct byte_block *next;
    uint32_t start;
    uint32_t end;
    uint32_t newest;
    uint8_t data[];
};

/* A header is one number: the type in the top octet, the length in the rest. */
static void header_put(uint8_t *at, uint8_t type, size_t len)
{
    store_u32(at, (uint32_t)type << 24 | (uint32_t)len);
}

static uint8_t header_type(const uint8_t *at)
{
    return at[0];
}

static size_t header_len(const uint8_t *at)
{
    return load_u32(at) & 0xffffff;
}

static size_t block_capacity(const struct byte_queue *q)
{
    return q->pool->block_size - sizeof(struct byte_block);
}

static size_t block_room(const struct byte_queue *q, const struct byte_block *block)
{
    return block_capacity(q) - block->end;
}

void byte_queue_init(struct byte_queue *q, struct pool *pool)
{
    *q = (struct byte_queue){ .pool = pool };
}

static void give_chain(struct pool *pool, struct byte_block *block)
{
    while (block != NULL) {
        struct byte_block *next = block->next;
        pool_give(pool, block);
        block = next;
    }
}

void byte_queue_done(struct byte_queue *q)
{
    give_chain(q->pool, q->first);
    byte_queue_init(q, q->pool);
}

/* As many empty blocks as len bytes need, each with an entry of its own; all of them or NULL. */
static struct byte_block *take_chain(const struct byte_queue *q, size_t len)
{
    size_t per_block = block_capacity(q) - ENTRY_HEADER;
    struct byte_block *chain = NULL;
    for (size_t need = (len + per_block - 1) / per_block; need > 0; need--) {
        struct byte_block *block = pool_take(q->pool);
        if (block == NULL) {
            give_chain(q->pool, chain);
            return NULL;
        }
        block->next = chain;
        block->start = block->end = block->newest = 0;
        chain = block;
    }
    return chain;
}

/* Whether bytes of that type may join the newest entry of the block. */
static bool joins(const struct byte_block *block, uint8_t type)
{
    return block->end != block->start && type != BYTE_QUEUE_MARK && header_type(block->data + block->newest) == type;
}

/* How many bytes of that type the block still takes, a header included where one is needed. */
static size_t room_for(const struct byte_queue *q, const struct byte_block *block, uint8_t type)
{
    if (block == NULL)
        return 0;
    size_t room = block_room(q, block);
    if (joins(block, type))
        return room;
    return room > ENTRY_HEADER ? room - ENTRY_HEADER : 0;
}

static void block_add(struct byte_block *block, uint8_t type, const void *data, size_t len)
{
    if (!joins(block, type)) {
        block->newest = block->end;
        block->end += ENTRY_HEADER;
        header_put(block->data + block->newest, type, 0);
    }
    if (len == 0)
        return;
    uint8_t *header = block->data + block->newest;
    memcpy(block->data + block->end, data, len);
    header_put(header, type, header_len(header) + len);
    block->end += (uint32_t)len;
}

static void append_chain(struct byte_queue *q, struct byte_block *chain)
{
    if (q->last != NULL)
        q->last->next = chain;
    else
        q->first = chain;
}

bool byte_queue_add(struct byte_queue *q, uint8_t type, const void *data, size_t len)
{
    const uint8_t *from = data;
    if (len == 0)
        return true;
    size_t room = room_for(q, q->last, type);
    struct byte_block *chain = NULL;
    if (len > room && (chain = take_chain(q, len - room)) == NULL)
        return false;
    q->len += len;
    if (room > 0) {
        size_t part = len < room ? len : room;
        block_add(q->last, type, from, part);
        from += part;
        len -= part;
    }
    if (chain == NULL)
        return true;
    append_chain(q, chain);
    for (; chain != NULL; chain = chain->next) {
        room = room_for(q, chain, type);
        size_t part = len < room ? len : room;
        block_add(chain, type, from, part);
        from += part;
        len -= part;
        q->last = chain;
    }
    return true;
}

bool byte_queue_add_mark(struct byte_queue *q)
{
    if (q->last == NULL || block_room(q, q->last) < ENTRY_HEADER) {
        struct byte_block *block = take_chain(q, 1);
        if (block == NULL)
            return false;
        append_chain(q, block);
        q->last = block;
    }
    block_add(q->last, BYTE_QUEUE_MARK, NULL, 0);
    return true;
}

bool byte_queue_head(const struct byte_queue *q, uint8_t *type, struct span *data)
{
    if (q->first == NULL)
        return false;
    const uint8_t *header = q->first->data + q->first->start;
    *type = header_type(header);
    *data = SPAN(header + ENTRY_HEADER, header_len(header));
    return true;
}

void byte_queue_take(struct byte_queue *q, size_t len)
{
    struct byte_block *block = q->first;
    const uint8_t *header = block->data + block->start;
    uint8_t type = header_type(header);
    size_t left = header_len(header) - len;
    bool was_newest = block->newest == block->start;

    q->len -= len;
    block->start += (uint32_t)len;
    if (left > 0) {
        header_put(block->data + block->start, type, left);
        if (was_newest)
            block->newest = block->start;
        return;
    }
    block->start += ENTRY_HEADER;
    if (block->start != block->end)
        return;
    q->first = block->next;
    if (q->first == NULL)
        q->last = NULL;
    pool_give(q->pool, block);
}

bool byte_queue_is_empty(const struct byte_queue *q)
{
    return q->first == NULL;
}

/* Looks through the bytes of one entry, which stand at `begin` in the queue. */
static bool find_in_entry(struct span data, uint8_t byte, size_t begin, size_t from, size_t *at)
{
    size_t skip = from > begin ? from - begin : 0;
    if (skip >= data.len)
        return false;
    const uint8_t *found = memchr(data.data + skip, byte, data.len - skip);
    if (found != NULL)
        *at = begin + (size_t)(found - data.data);
    return found != NULL;
}

bool byte_queue_find(const struct byte_queue *q, uint8_t byte, size_t from, size_t *at)
{
    size_t begin = 0;
    for (const struct byte_block *block = q->first; block != NULL; block = block->next) {
        size_t len;
        for (uint32_t entry = block->start; entry < block->end; entry += ENTRY_HEADER + (uint32_t)len) {
            len = header_len(block->data + entry);
            if (find_in_entry(SPAN(block->data + entry + ENTRY_HEADER, len), byte, begin, from, at))
                return true;
            begin += len;
        }
    }
    return false;
}

/* Copies what lies in the entry, which begins at begin, of the bytes from `from` on. */
static size_t copy_entry(struct span entry, size_t begin, size_t from, uint8_t *to, size_t size)
{
    size_t skip = from > begin ? from - begin : 0;
    if (skip >= entry.len)
        return 0;
    size_t len = entry.len - skip < size ? entry.len - skip : size;
    memcpy(to, entry.data + skip, len);
    return len;
}

size_t byte_queue_copy(const struct byte_queue *q, size_t from, void *to, size_t size)
{
    size_t begin = 0, done = 0;
    for (const struct byte_block *block = q->first; block != NULL && done < size; block = block->next) {
        size_t len;
        for (uint32_t entry = block->start; entry < block->end; entry += ENTRY_HEADER + (uint32_t)len) {
            len = header_len(block->data + entry);
            done += copy_entry(SPAN(block->data + entry + ENTRY_HEADER, len), begin, from, (uint8_t *)to + done,
                               size - done);
            begin += len;
        }
    }
    return done;
}
