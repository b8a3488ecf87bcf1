/* DER (X.690): elements are read strictly and written in their one encoding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/der.h"

#define BYTES(text) SPAN(text, sizeof(text) - 1)

enum element { STRING, INTEGER, BITS };

/* One element that uses the data up, as its content; false = refused. */
static bool read_whole(enum element element, struct span der, struct span *content)
{
    struct reader r;
    reader_init(&r, der.data, der.len);
    *content = element == STRING    ? read_der(&r, DER_OCTET_STRING)
               : element == INTEGER ? read_der_integer(&r)
                                    : read_der_bits(&r, DER_BIT_STRING);
    return reader_done(&r);
}

static const struct {
    enum element element;
    struct span der, content;
} good[] = {
    { STRING, BYTES("\x04\x00"), BYTES("") },
    { STRING, BYTES("\x04\x02hi"), BYTES("hi") },
    { INTEGER, BYTES("\x02\x01\x00"), BYTES("") },
    { INTEGER, BYTES("\x02\x01\x7f"), BYTES("\x7f") },
    { INTEGER, BYTES("\x02\x02\x00\x80"), BYTES("\x80") },
    { INTEGER, BYTES("\x02\x02\x01\x00"), BYTES("\x01\x00") },
    { BITS, BYTES("\x03\x01\x00"), BYTES("") },
    { BITS, BYTES("\x03\x03\x00\x00\x01"), BYTES("\x00\x01") },
};

static void test_elements_are_read_and_written_alike(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        uint8_t memory[16];
        struct writer w;
        struct span content;
        assert_true(read_whole(good[i].element, good[i].der, &content));
        assert_true(span_equal(content, good[i].content));
        writer_init_fixed(&w, memory, sizeof memory);
        if (good[i].element == STRING)
            put_der(&w, DER_OCTET_STRING, content);
        else if (good[i].element == INTEGER)
            put_der_integer(&w, content);
        else
            put_der_bits(&w, DER_BIT_STRING, content);
        assert_true(span_equal(writer_span(&w), good[i].der));
    }
}

static const struct {
    enum element element;
    struct span der;
} bad[] = {
    { STRING, BYTES("") },
    { STRING, BYTES("\x04") },
    { STRING, BYTES("\x04\x01") },                  /* cut */
    { STRING, BYTES("\x04\x01xy") },                /* more behind it */
    { STRING, BYTES("\x02\x01x") },                 /* another tag */
    { STRING, BYTES("\x04\x80\x00\x00") },          /* indefinite length */
    { STRING, BYTES("\x04\x81\x01x") },             /* length not in its shortest form */
    { STRING, BYTES("\x04\x82\x00\x01x") },         /* the same */
    { STRING, BYTES("\x04\x84\x00\x00\x00\x01x") }, /* length of four bytes */
    { STRING, BYTES("\x04\x83\xff\xff\xff") },      /* far beyond the end */
    { STRING, BYTES("\x04\xff") },                  /* 127 bytes of length */
    { INTEGER, BYTES("\x02\x00") },                 /* no bytes at all */
    { INTEGER, BYTES("\x02\x01\x80") },             /* negative */
    { INTEGER, BYTES("\x02\x01\xff") },             /* the same */
    { INTEGER, BYTES("\x02\x02\x00\x7f") },         /* padded */
    { INTEGER, BYTES("\x02\x02\x00\x00") },         /* padded zero */
    { BITS, BYTES("\x03\x00") },                    /* no count of unused bits */
    { BITS, BYTES("\x03\x02\x01\x00") },            /* unused bits */
};

static void test_other_encodings_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct span content;
        assert_false(read_whole(bad[i].element, bad[i].der, &content));
    }
}

/* The forms of a length change at 128, 256 and 65536 bytes, and end below 16 MiB. */
static void test_lengths_of_each_size(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        size_t head;
    } rows[] = { { 127, 2 }, { 128, 3 }, { 255, 3 }, { 256, 4 }, { 65535, 4 }, { 65536, 5 }, { (1 << 24) - 1, 5 } };
    uint8_t *data = calloc(1, 1 << 24);
    assert_non_null(data);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct writer w;
        struct span content;
        writer_init(&w, (1 << 24) + 16);
        put_der(&w, DER_OCTET_STRING, SPAN(data, rows[i].len));
        assert_int_equal(w.len, rows[i].head + rows[i].len);
        assert_true(read_whole(STRING, writer_span(&w), &content));
        assert_int_equal(content.len, rows[i].len);
        writer_done(&w);
    }
    struct writer w;
    writer_init(&w, SIZE_MAX);
    put_der(&w, DER_OCTET_STRING, SPAN(data, 1 << 24));
    assert_true(writer_failed(&w));
    writer_done(&w);
    free(data);
}

static void test_what_comes_next_can_be_seen(void **state)
{
    (void)state;
    struct reader r;
    reader_init(&r, "\x04\x00", 2);
    assert_true(next_der_is(&r, DER_OCTET_STRING));
    assert_false(next_der_is(&r, DER_INTEGER));
    read_der(&r, DER_OCTET_STRING);
    assert_false(next_der_is(&r, DER_OCTET_STRING));
    assert_true(reader_done(&r));
}

static void test_integers_lose_leading_zeros(void **state)
{
    (void)state;
    uint8_t memory[16];
    struct writer w;
    writer_init_fixed(&w, memory, sizeof memory);
    put_der_integer(&w, BYTES("\x00\x00\x80"));
    put_der_integer(&w, BYTES("\x00"));
    assert_true(span_equal(writer_span(&w), BYTES("\x02\x02\x00\x80\x02\x01\x00")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elements_are_read_and_written_alike),
        cmocka_unit_test(test_other_encodings_are_refused),
        cmocka_unit_test(test_lengths_of_each_size),
        cmocka_unit_test(test_what_comes_next_can_be_seen),
        cmocka_unit_test(test_integers_lose_leading_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
