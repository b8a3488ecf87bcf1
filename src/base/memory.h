/* Memory: every allocation of the library goes through here, so that tests can count them and make the n-th one fail.
 */
#ifndef SSHIO_BASE_MEMORY_H
#define SSHIO_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *mem_alloc(size_t size);               /* NULL when out of memory; size 0 gives one byte */
void *mem_zalloc(size_t size);              /* the same, zeroed */
void *mem_array(size_t count, size_t size); /* zeroed; NULL also when count × size overflows */
void *mem_grow(void *memory, size_t size);  /* as realloc; not for secrets */
void *mem_dup(const void *data, size_t size);
char *mem_strdup(const char *text);                               /* NULL gives NULL */
void mem_free(void *memory);                                      /* takes NULL */
void mem_free_secret(void *memory, size_t size);                  /* wipes first */
void mem_wipe(void *memory, size_t size);                         /* not optimised away */
bool mem_equal_secret(const void *a, const void *b, size_t size); /* constant-time */

/* For tests and benchmarks. */
uint64_t mem_allocations(void); /* how many since the start of the process */
uint64_t mem_live(void);        /* how many of them have not been freed */
void mem_fail_at(uint64_t nth); /* the nth allocation from now fails, and only that; 0 = none */

#endif
