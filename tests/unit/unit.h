/* What the unit tests share: cmocka with the headers that it needs, and checks for spans. */
#ifndef SSHIO_TESTS_UNIT_H
#define SSHIO_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The bytes of a string literal, which may hold NULs. */
#define LITERAL(text) (text), (sizeof(text) - 1)

/* assert_bytes(span, data, size) and assert_text(span, text): exactly these bytes. */
#define assert_bytes(...) check_bytes(__FILE__, __LINE__, __VA_ARGS__)
#define assert_text(...) check_text(__FILE__, __LINE__, __VA_ARGS__)

static inline void check_bytes(const char *file, int line, struct span span, const void *data, size_t size)
{
    _assert_int_equal(span.len, size, file, line);
    if (size != 0)
        _assert_memory_equal(span.data, data, size, file, line);
}

static inline void check_text(const char *file, int line, struct span span, const char *text)
{
    check_bytes(file, line, span, text, strlen(text));
}

#endif
