/* Block pools; see pool.h. */
#include "base/pool.h"

#include "base/memory.h"

void pool_init(struct pool *pool, size_t block_size, size_t keep)
{
    *pool = (struct pool){ .block_size = block_size, .keep = keep };
}

void pool_done(struct pool *pool)
{
    while (pool->free != NULL) {
        void *block = pool->free;
        pool->free = *(void **)block;
        mem_free(block);
    }
    pool->free_count = 0;
}

void *pool_take(struct pool *pool)
{
    void *block = pool->free;
    if (block == NULL)
        return mem_alloc(pool->block_size);
    pool->free = *(void **)block;
    pool->free_count--;
    return block;
}

void pool_give(struct pool *pool, void *block)
{
    if (block == NULL)
        return;
    if (pool->free_count >= pool->keep) {
        mem_free(block);
        return;
    }
    *(void **)block = pool->free;
    pool->free = block;
    pool->free_count++;
}
