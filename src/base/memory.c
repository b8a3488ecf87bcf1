/* The allocation seam; see memory.h. The counters are atomic because worker threads allocate too. */
#define _DEFAULT_SOURCE
#include "base/memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static atomic_uint_fast64_t allocation_count;
static atomic_uint_fast64_t live_count;
static atomic_uint_fast64_t failing_at; /* value of allocation_count that fails; 0 = none */

static bool allocation_fails(void)
{
    uint64_t number = atomic_fetch_add_explicit(&allocation_count, 1, memory_order_relaxed) + 1;
    return number == atomic_load_explicit(&failing_at, memory_order_relaxed);
}

static void *count_live(void *memory)
{
    if (memory != NULL)
        atomic_fetch_add_explicit(&live_count, 1, memory_order_relaxed);
    return memory;
}

void *mem_alloc(size_t size)
{
    return allocation_fails() ? NULL : count_live(malloc(size != 0 ? size : 1));
}

void *mem_zalloc(size_t size)
{
    return allocation_fails() ? NULL : count_live(calloc(1, size != 0 ? size : 1));
}

void *mem_array(size_t count, size_t size)
{
    size_t total;
    return __builtin_mul_overflow(count, size, &total) ? NULL : mem_zalloc(total);
}

void *mem_grow(void *memory, size_t size)
{
    if (memory == NULL)
        return mem_alloc(size);
    return allocation_fails() ? NULL : realloc(memory, size != 0 ? size : 1);
}

void *mem_dup(const void *data, size_t size)
{
    void *copy = mem_alloc(size);
    if (copy != NULL && size != 0)
        memcpy(copy, data, size);
    return copy;
}

char *mem_strdup(const char *text)
{
    return text == NULL ? NULL : mem_dup(text, strlen(text) + 1);
}

void mem_free(void *memory)
{
    if (memory == NULL)
        return;
    atomic_fetch_sub_explicit(&live_count, 1, memory_order_relaxed);
    free(memory);
}

void mem_free_secret(void *memory, size_t size)
{
    if (memory != NULL)
        mem_wipe(memory, size);
    mem_free(memory);
}

void mem_wipe(void *memory, size_t size)
{
    if (size != 0)
        explicit_bzero(memory, size);
}

bool mem_equal_secret(const void *a, const void *b, size_t size)
{
    const volatile uint8_t *x = a, *y = b;
    uint8_t difference = 0;
    for (size_t i = 0; i < size; i++)
        difference |= x[i] ^ y[i];
    return difference == 0;
}

uint64_t mem_allocations(void)
{
    return atomic_load_explicit(&allocation_count, memory_order_relaxed);
}

uint64_t mem_live(void)
{
    return atomic_load_explicit(&live_count, memory_order_relaxed);
}

void mem_fail_at(uint64_t nth)
{
    atomic_store_explicit(&failing_at, nth != 0 ? mem_allocations() + nth : 0, memory_order_relaxed);
}
