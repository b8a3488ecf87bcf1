/* A pool of equal blocks: what the data path takes instead of allocating. Blocks are taken while they hold bytes and
 * given back when they are empty; a few are kept warm, the rest goes back to the allocator. One loop (thread) owns a
 * pool; it is not locked. */
#ifndef SSHIO_BASE_POOL_H
#define SSHIO_BASE_POOL_H

#include <stddef.h>

struct pool {
    size_t block_size;
    size_t keep; /* how many free blocks are kept at most */
    size_t free_count;
    void *free; /* each free block begins with a pointer to the next */
};

void pool_init(struct pool *pool, size_t block_size, size_t keep);
void pool_done(struct pool *pool);              /* every block must have been given back */
void *pool_take(struct pool *pool);             /* not cleared; NULL when out of memory */
void pool_give(struct pool *pool, void *block); /* takes NULL */

#endif
