/* Coroutines over ucontext.
 *
 * ucontext makes a context and enters it for the first time; every later switch is _setjmp and
 * _longjmp, which save no signal mask and so make no system call. The fortified longjmp takes a
 * jump to another stack for an attack: this file is compiled without it.
 *
 * AddressSanitizer and ThreadSanitizer keep state for each stack and are told of every switch;
 * valgrind is told where stacks are. */
#undef _FORTIFY_SOURCE

#include "io/coroutine.h"

#include <errno.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/memory.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define WITH_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WITH_TSAN 1
#endif
#endif

#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef WITH_TSAN
#include <sanitizer/tsan_interface.h>
#endif
#ifdef HAVE_VALGRIND
#include <valgrind/memcheck.h>
#endif

#ifdef WITH_ASAN
#define STACK_SIZE ((size_t)1024 * 1024) /* red zones make frames larger */
#else
#define STACK_SIZE ((size_t)256 * 1024) /* of address space, not of memory */
#endif
#define STACK_WARM ((size_t)16 * 1024) /* stays when a coroutine is parked */
#define MARK_SIZE ((size_t)1024)       /* whose use tells that a stack went deeper than that */
#define KEEP_IDLE 64

/* One side of a switch. */
struct side {
    jmp_buf env;
    const void *stack; /* lowest address */
    size_t stack_size;
    void *fake_stack; /* AddressSanitizer's */
    void *fiber;      /* ThreadSanitizer's */
};

struct coroutine {
    struct list link;
    struct side self;
    struct side loop; /* who resumed it */
    void (*fn)(void *arg);
    void *arg;
    char *map;
    size_t map_size;
    bool entered;
    bool parking; /* fn has returned */
    unsigned valgrind_id;
};

/* ---- the tools ---- */

static void leave(struct side *from, const struct side *to, bool for_good)
{
#ifdef WITH_ASAN
    __sanitizer_start_switch_fiber(for_good ? NULL : &from->fake_stack, to->stack, to->stack_size);
#endif
#ifdef WITH_TSAN
    __tsan_switch_to_fiber(to->fiber, 0);
#endif
    (void)from;
    (void)to;
    (void)for_good;
}

/* The first arrival in a coroutine is where the bounds of the loop's stack become known. */
static void arrive(struct side *here, struct side *from)
{
#ifdef WITH_ASAN
    __sanitizer_finish_switch_fiber(here->fake_stack, &from->stack, &from->stack_size);
    here->fake_stack = NULL;
#endif
    (void)here;
    (void)from;
}

static void announce(struct coroutine *co)
{
#ifdef WITH_TSAN
    co->self.fiber = __tsan_create_fiber(0);
#endif
#ifdef HAVE_VALGRIND
    co->valgrind_id = VALGRIND_STACK_REGISTER(co->self.stack, (const char *)co->self.stack + co->self.stack_size);
#endif
    (void)co;
}

static void renounce(struct coroutine *co)
{
#ifdef WITH_ASAN
    ASAN_UNPOISON_MEMORY_REGION(co->self.stack, co->self.stack_size);
#endif
#ifdef WITH_TSAN
    __tsan_destroy_fiber(co->self.fiber);
#endif
#ifdef HAVE_VALGRIND
    VALGRIND_STACK_DEREGISTER(co->valgrind_id);
#endif
    (void)co;
}

/* ---- switching ---- */

/* Nothing here has its address taken: a parked coroutine's fake stack is dropped. */
static void live(unsigned high, unsigned low)
{
    struct coroutine *co = (struct coroutine *)((uintptr_t)high << 32 | (uintptr_t)low);
    arrive(&co->self, &co->loop);
    for (;;) {
        co->fn(co->arg);
        co->parking = true;
        coroutine_suspend(co);
    }
}

/* Its frame is never left, only jumped over: it must not mark its surroundings as forbidden. */
__attribute__((noinline, no_sanitize_address)) static void enter(struct coroutine *co)
{
    ucontext_t first;
    uintptr_t self = (uintptr_t)co;
    co->entered = true;
    getcontext(&first);
    first.uc_stack.ss_sp = co->map + (co->map_size - STACK_SIZE);
    first.uc_stack.ss_size = STACK_SIZE;
    first.uc_link = NULL;
    makecontext(&first, (void (*)(void))live, 2, (unsigned)(self >> 32), (unsigned)self);
    setcontext(&first);
}

void coroutine_resume(struct coroutine *co)
{
#ifdef WITH_TSAN
    co->loop.fiber = __tsan_get_current_fiber();
#endif
    if (_setjmp(co->loop.env) == 0) {
        leave(&co->loop, &co->self, false);
        if (!co->entered)
            enter(co);
        _longjmp(co->self.env, 1);
    }
    arrive(&co->loop, &co->self);
}

void coroutine_suspend(struct coroutine *co)
{
    if (_setjmp(co->self.env) == 0) {
        leave(&co->self, &co->loop, co->parking);
        _longjmp(co->loop.env, 1);
    }
    arrive(&co->self, &co->loop);
}

void coroutine_start(struct coroutine *co, void (*fn)(void *arg), void *arg)
{
    co->fn = fn;
    co->arg = arg;
    co->parking = false;
    coroutine_resume(co);
}

/* ---- stacks ---- */

static bool map_stack(struct coroutine *co)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    co->map_size = STACK_SIZE + page;
    void *map = mmap(NULL, co->map_size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (map == MAP_FAILED)
        return false;
    if (mprotect(map, page, PROT_NONE) != 0) {
        int error = errno;
        munmap(map, co->map_size);
        errno = error;
        return false;
    }
    co->map = map;
    co->self.stack = co->map + page;
    co->self.stack_size = STACK_SIZE;
    return true;
}

static struct coroutine *create(struct coroutine_pool *pool)
{
    struct coroutine *co = mem_zalloc(sizeof *co);
    if (co == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    if (!map_stack(co)) {
        int error = errno;
        mem_free(co);
        errno = error;
        return NULL;
    }
    list_init(&co->link);
    announce(co);
    pool->count++;
    return co;
}

static void destroy(struct coroutine_pool *pool, struct coroutine *co)
{
    renounce(co);
    munmap(co->map, co->map_size);
    mem_free(co);
    pool->count--;
}

/* A fresh page is all zeros, and so is one that was given back. Reading it costs no memory. */
__attribute__((no_sanitize_address, no_sanitize_thread)) static bool was_used(const uintptr_t *words, size_t count)
{
#ifdef HAVE_VALGRIND
    VALGRIND_MAKE_MEM_DEFINED(words, count * sizeof *words);
#endif
    uintptr_t any = 0;
    for (size_t i = 0; i < count; i++)
        any |= words[i];
    return any != 0;
}

/* Gives the pages below the warm part back, if their upper end was used: a stack hardly ever leaps
 * over it. To ask the kernel which pages are there would cost more than all else of a short task. */
static void trim(struct coroutine *co)
{
    char *stack = co->map + (co->map_size - STACK_SIZE);
    size_t cold = STACK_SIZE - STACK_WARM;
    if (was_used((const uintptr_t *)(void *)(stack + cold - MARK_SIZE), MARK_SIZE / sizeof(uintptr_t)))
        madvise(stack, cold, MADV_DONTNEED);
}

/* ---- the pool ---- */

void coroutine_pool_init(struct coroutine_pool *pool)
{
    *pool = (struct coroutine_pool){ 0 };
    list_init(&pool->idle);
}

void coroutine_pool_done(struct coroutine_pool *pool)
{
    struct list *node;
    while ((node = list_take(&pool->idle)) != NULL)
        destroy(pool, LIST_ENTRY(node, struct coroutine, link));
    pool->idle_count = 0;
}

struct coroutine *coroutine_take(struct coroutine_pool *pool)
{
    struct list *node = list_take(&pool->idle);
    if (node == NULL)
        return create(pool);
    pool->idle_count--;
    return LIST_ENTRY(node, struct coroutine, link);
}

void coroutine_give(struct coroutine_pool *pool, struct coroutine *co)
{
    if (pool->idle_count >= KEEP_IDLE) {
        destroy(pool, co);
        return;
    }
    trim(co);
    list_prepend(&pool->idle, &co->link);
    pool->idle_count++;
}

void coroutine_discard(struct coroutine_pool *pool, struct coroutine *co)
{
    destroy(pool, co);
}
