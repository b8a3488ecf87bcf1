/* Hex text to bytes, and a comparison against it, for known-answer tests. */
#ifndef SSHIO_TESTS_CRYPTO_VECTORS_H
#define SSHIO_TESTS_CRYPTO_VECTORS_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <cmocka.h>

static inline size_t from_hex(const char *hex, uint8_t *out)
{
    size_t len = 0;
    for (; hex[2 * len] != '\0'; len++) {
        unsigned int value = 0;
        assert_int_equal(sscanf(hex + 2 * len, "%2x", &value), 1);
        out[len] = (uint8_t)value;
    }
    return len;
}

static inline void assert_hex_equal(const uint8_t *data, size_t len, const char *hex)
{
    uint8_t expected[512];
    assert_true(strlen(hex) / 2 <= sizeof expected);
    assert_int_equal(len, from_hex(hex, expected));
    assert_memory_equal(data, expected, len);
}

#endif
