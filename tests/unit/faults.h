/* Functions of libcrypto, each call of which can be made to fail once: for test programs that are linked with --wrap
 * for each of them (unit_wrapped). */
#ifndef TESTS_FAULTS_H
#define TESTS_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

static unsigned int fault_calls; /* so far */
static unsigned int fault_at;    /* which of them fails; 0 = none */
static int fault_result;         /* what a function that gives an int then gives: 0 or -1 */
static const char *fault_name;   /* the function that failed */

static inline bool fault_is_due(const char *name)
{
    if (++fault_calls != fault_at)
        return false;
    fault_name = name;
    return true;
}

/* From here on the nth call fails, and so an int function gives result. */
static inline void fault_set(unsigned int nth, int result)
{
    fault_calls = 0;
    fault_at = nth;
    fault_result = result;
    fault_name = "none";
}

/* One whose failure is a null pointer, and one with 1 for success. The parameters and the arguments come in
 * parentheses. */
#define FAULT_POINTER(result, name, parameters, arguments)                                                             \
    result __real_##name parameters;                                                                                   \
    result __wrap_##name parameters;                                                                                   \
    result __wrap_##name parameters                                                                                    \
    {                                                                                                                  \
        return fault_is_due(#name) ? NULL : __real_##name arguments;                                                   \
    }

#define FAULT_INT(name, parameters, arguments)                                                                         \
    int __real_##name parameters;                                                                                      \
    int __wrap_##name parameters;                                                                                      \
    int __wrap_##name parameters                                                                                       \
    {                                                                                                                  \
        return fault_is_due(#name) ? fault_result : __real_##name arguments;                                           \
    }

/* One that says how many bytes there are. */
#define FAULT_SIZE(name, parameters, arguments)                                                                        \
    size_t __real_##name parameters;                                                                                   \
    size_t __wrap_##name parameters;                                                                                   \
    size_t __wrap_##name parameters                                                                                    \
    {                                                                                                                  \
        return fault_is_due(#name) ? 0 : __real_##name arguments;                                                      \
    }

#endif
