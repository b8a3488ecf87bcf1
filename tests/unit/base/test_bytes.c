/* The bounded reader and the capped writer (RFC 4251 section 5; rule P1: one bounds-checked reader for all wire data).
 */
#include "unit.h"

#include <sshio/base.h>

#include "base/bytes.h"
#include "base/memory.h"

/* ---- reader ---- */

static void test_reader_reads_each_field_in_order(void **state)
{
    (void)state;
    static const char wire[] = "\x07"
                               "\x01\x02\x03\x04"
                               "\x01\x02\x03\x04\x05\x06\x07\x08"
                               "\x02"
                               "\0\0\0\3abc"
                               "xyz";
    struct reader r;
    reader_init(&r, LITERAL(wire));
    assert_int_equal(read_u8(&r), 7);
    assert_int_equal(read_u32(&r), 0x01020304);
    assert_true(read_u64(&r) == 0x0102030405060708);
    assert_true(read_bool(&r));
    assert_text(read_string(&r), "abc");
    assert_false(reader_done(&r));
    assert_text(read_rest(&r), "xyz");
    assert_true(reader_done(&r));
}

/* RFC 4251 5: all non-zero values of a boolean are true. */
static void test_reader_bool_is_true_for_every_octet_but_zero(void **state)
{
    (void)state;
    for (int octet = 0; octet < 256; octet++) {
        uint8_t wire = (uint8_t)octet;
        struct reader r;
        reader_init(&r, &wire, 1);
        assert_int_equal(read_bool(&r), octet != 0);
        assert_true(reader_done(&r));
    }
}

static void test_reader_of_nothing_is_done_and_yields_nothing(void **state)
{
    (void)state;
    struct reader r;
    reader_init(&r, NULL, 0);
    assert_true(reader_done(&r));
    assert_int_equal(reader_left(&r), 0);
    assert_int_equal(read_rest(&r).len, 0);
    assert_true(reader_done(&r));
    assert_int_equal(read_u8(&r), 0);
    assert_true(reader_failed(&r));
}

/* Rule P1: a length is checked against the bytes left, however large it says it is. */
static void test_reader_string_past_end_fails(void **state)
{
    (void)state;
    static const struct {
        const char *wire;
        size_t len;
    } rows[] = {
        { LITERAL("") },
        { LITERAL("\0\0\0") },
        { LITERAL("\0\0\0\1") },
        { LITERAL("\0\0\0\4abc") },
        { LITERAL("\x7f\xff\xff\xff"
                  "abc") },
        { LITERAL("\x80\0\0\0"
                  "abc") },
        { LITERAL("\xff\xff\xff\xff"
                  "abc") },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t *exact = mem_dup(rows[i].wire, rows[i].len); /* so that AddressSanitizer sees the byte past the end */
        struct reader r;
        reader_init(&r, exact, rows[i].len);
        assert_int_equal(read_string(&r).len, 0);
        assert_true(reader_failed(&r));
        assert_int_equal(reader_left(&r), 0);
        mem_free(exact);
    }
}

static void test_reader_failure_is_sticky(void **state)
{
    (void)state;
    struct reader r;
    reader_init(&r, LITERAL("\0\0\0\x09"
                            "abcdefgh"));
    (void)read_string(&r);
    assert_int_equal(read_u8(&r), 0);
    assert_int_equal(read_u32(&r), 0);
    assert_true(read_u64(&r) == 0);
    assert_false(read_bool(&r));
    assert_int_equal(read_bytes(&r, 0).len, 0);
    assert_int_equal(read_rest(&r).len, 0);
    assert_int_equal(read_mpint(&r).len, 0);
    assert_int_equal(read_name_list(&r).len, 0);
    assert_true(reader_failed(&r));
    assert_false(reader_done(&r));
}

static void test_reader_cut_anywhere_fails(void **state)
{
    (void)state;
    static const char wire[] = "\x05"
                               "\0\0\0\3abc"
                               "\0\0\0\1"
                               "\0\0\0\2\0\x80";
    for (size_t len = 0; len < sizeof wire; len++) {
        struct reader r;
        reader_init(&r, wire, len);
        (void)read_u8(&r);
        (void)read_string(&r);
        (void)read_u32(&r);
        (void)read_mpint(&r);
        assert_int_equal(reader_done(&r), len == sizeof wire - 1);
    }
}

/* Rule P8: strings are not C strings; a NUL is refused where text is expected. */
static void test_reader_text_with_nul_fails(void **state)
{
    (void)state;
    static const struct {
        const char *wire;
        size_t len;
        bool good;
    } rows[] = {
        { LITERAL("\0\0\0\0"), true },    { LITERAL("\0\0\0\3abc"), true },    { LITERAL("\0\0\0\3a\0c"), false },
        { LITERAL("\0\0\0\1\0"), false }, { LITERAL("\0\0\0\4root\0"), true },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct reader r;
        reader_init(&r, rows[i].wire, rows[i].len);
        (void)read_text(&r);
        assert_int_equal(reader_failed(&r), !rows[i].good);
    }
}

/* RFC 4251 5, mpint: two's complement, no unnecessary leading bytes; here also never negative. */
static void test_reader_mpint_takes_only_the_minimal_form(void **state)
{
    (void)state;
    static const struct {
        const char *wire;
        size_t len;
        bool good;
        const char *value;
        size_t value_len;
    } rows[] = {
        { LITERAL("\0\0\0\0"), true, LITERAL("") },
        { LITERAL("\0\0\0\x08\x09\xa3\x78\xf9\xb2\xe3\x32\xa7"), true, LITERAL("\x09\xa3\x78\xf9\xb2\xe3\x32\xa7") },
        { LITERAL("\0\0\0\2\0\x80"), true, LITERAL("\x80") },
        { LITERAL("\0\0\0\1\x7f"), true, LITERAL("\x7f") },
        { LITERAL("\0\0\0\1\0"), false, LITERAL("") },     /* zero has no bytes */
        { LITERAL("\0\0\0\2\0\x7f"), false, LITERAL("") }, /* one byte too many */
        { LITERAL("\0\0\0\3\0\0\x80"), false, LITERAL("") },
        { LITERAL("\0\0\0\2\xed\xcc"), false, LITERAL("") },             /* -1234 */
        { LITERAL("\0\0\0\5\xff\x21\x52\x41\x11"), false, LITERAL("") }, /* -deadbeef */
        { LITERAL("\0\0\0\1\x80"), false, LITERAL("") },                 /* -128 */
        { LITERAL("\0\0\0\5\0\x80"), false, LITERAL("") },               /* cut */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct reader r;
        reader_init(&r, rows[i].wire, rows[i].len);
        struct span value = read_mpint(&r);
        assert_int_equal(reader_failed(&r), !rows[i].good);
        assert_bytes(value, rows[i].value, rows[i].value_len);
    }
}

/* RFC 4251 5, name-list: names of printable US-ASCII without commas, none of them empty. */
static void test_reader_name_list_has_no_empty_and_no_odd_names(void **state)
{
    (void)state;
    static const struct {
        const char *wire;
        size_t len;
        bool good;
    } rows[] = {
        { LITERAL("\0\0\0\0"), true },
        { LITERAL("\0\0\0\x04zlib"), true },
        { LITERAL("\0\0\0\x09zlib,none"), true },
        { LITERAL("\0\0\0\1,"), false },
        { LITERAL("\0\0\0\2a,"), false },
        { LITERAL("\0\0\0\2,a"), false },
        { LITERAL("\0\0\0\4a,,b"), false },
        { LITERAL("\0\0\0\3a b"), false },
        { LITERAL("\0\0\0\3a\0b"), false },
        { LITERAL("\0\0\0\3a\nb"), false },
        { LITERAL("\0\0\0\3a\x7f"
                  "b"),
          false },
        { LITERAL("\0\0\0\3a\xc3\xa9"), false },
        { LITERAL("\0\0\0\3a~!"), true },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct reader r;
        reader_init(&r, rows[i].wire, rows[i].len);
        (void)read_name_list(&r);
        assert_int_equal(reader_failed(&r), !rows[i].good);
    }
}

static void test_name_list_next_walks_the_names(void **state)
{
    (void)state;
    struct span rest = span_of("one,two,three"), name;
    static const char *const expected[] = { "one", "two", "three" };
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_true(name_list_next(&rest, &name));
        assert_text(name, expected[i]);
    }
    assert_false(name_list_next(&rest, &name));
    assert_false(name_list_next(&rest, &name));
}

static void test_name_list_has_finds_whole_names_only(void **state)
{
    (void)state;
    struct span list = span_of("aes128-ctr,aes256-ctr,none");
    assert_true(name_list_has(list, "aes128-ctr"));
    assert_true(name_list_has(list, "none"));
    assert_false(name_list_has(list, "aes256"));
    assert_false(name_list_has(list, "ctr,none"));
    assert_false(name_list_has(list, ""));
    assert_false(name_list_has(SPAN(NULL, 0), "none"));
}

/* ---- spans ---- */

static void test_span_comparisons(void **state)
{
    (void)state;
    assert_true(span_equal(span_of(NULL), span_of("")));
    assert_true(span_is(span_of("abc"), "abc"));
    assert_false(span_is(span_of("abc"), "ab"));
    assert_false(span_is(SPAN("abc\0", 4), "abc"));
    assert_false(span_equal(span_of("abc"), span_of("abd")));
}

static void test_span_dup_text_refuses_nul(void **state)
{
    (void)state;
    char *text = span_dup_text(SPAN("abcd", 3));
    assert_string_equal(text, "abc");
    mem_free(text);
    text = span_dup_text(SPAN(NULL, 0));
    assert_string_equal(text, "");
    mem_free(text);
    assert_null(span_dup_text(SPAN("a\0b", 3)));
    mem_fail_at(1);
    assert_null(span_dup_text(SPAN("abc", 3)));
}

static void test_span_dup_copies_bytes_with_nul(void **state)
{
    (void)state;
    uint8_t *copy = NULL;
    assert_true(span_dup(SPAN("a\0b", 3), &copy));
    assert_memory_equal(copy, "a\0b", 4);
    mem_free(copy);
    assert_true(span_dup(SPAN(NULL, 0), &copy));
    mem_free(copy);
    mem_fail_at(1);
    assert_false(span_dup(SPAN("a", 1), &copy));
}

/* ---- writer ---- */

static void test_writer_writes_each_field(void **state)
{
    (void)state;
    struct writer w;
    writer_init(&w, 1000);
    put_u8(&w, 7);
    put_u32(&w, 0x01020304);
    put_u64(&w, 0x0102030405060708);
    put_bool(&w, true);
    put_bool(&w, false);
    put_string(&w, "abc", 3);
    put_span(&w, SPAN(NULL, 0));
    put_text(&w, "de");
    put_chars(&w, "fg");
    put_bytes(&w, NULL, 0);
    assert_false(writer_failed(&w));
    assert_bytes(writer_span(&w), LITERAL("\x07\1\2\3\4\1\2\3\4\5\6\7\x08\1\0\0\0\0\3abc\0\0\0\0\0\0\0\2defg"));
    writer_done(&w);
    writer_done(&w);
}

/* The examples of RFC 4251 5 that are not negative, and leading zeros. */
static void test_writer_mpint_is_minimal(void **state)
{
    (void)state;
    static const struct {
        const char *magnitude;
        size_t len;
        const char *wire;
        size_t wire_len;
    } rows[] = {
        { LITERAL(""), LITERAL("\0\0\0\0") },
        { LITERAL("\0\0\0"), LITERAL("\0\0\0\0") },
        { LITERAL("\x09\xa3\x78\xf9\xb2\xe3\x32\xa7"), LITERAL("\0\0\0\x08\x09\xa3\x78\xf9\xb2\xe3\x32\xa7") },
        { LITERAL("\x80"), LITERAL("\0\0\0\2\0\x80") },
        { LITERAL("\0\0\x80\0"), LITERAL("\0\0\0\3\0\x80\0") },
        { LITERAL("\0\x7f"), LITERAL("\0\0\0\1\x7f") },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct writer w;
        struct reader r;
        writer_init(&w, 100);
        put_mpint(&w, rows[i].magnitude, rows[i].len);
        assert_bytes(writer_span(&w), rows[i].wire, rows[i].wire_len);
        reader_init(&r, w.data, w.len);
        (void)read_mpint(&r);
        assert_true(reader_done(&r));
        writer_done(&w);
    }
}

static void test_writer_past_its_maximum_fails_and_stays_failed(void **state)
{
    (void)state;
    struct writer w;
    uint8_t *data;
    size_t len;
    writer_init(&w, 10);
    put_bytes(&w, "12345678", 8);
    put_u32(&w, 1);
    assert_true(writer_failed(&w));
    assert_int_equal(w.len, 8);
    put_u8(&w, 1); /* would fit, but the error is sticky */
    assert_int_equal(w.len, 8);
    assert_int_equal(writer_take(&w, &data, &len), SSHIO_ELIMIT);
    writer_reset(&w);
    put_bytes(&w, "1234567890", 10);
    assert_false(writer_failed(&w));
    writer_done(&w);
}

static void test_writer_grows_up_to_exactly_its_maximum(void **state)
{
    (void)state;
    static const size_t sizes[] = { 1, 63, 64, 65, 127, 128, 1000, 4097 };
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct writer w;
        writer_init(&w, sizes[i]);
        for (size_t n = 0; n < sizes[i]; n++)
            put_u8(&w, (uint8_t)n);
        assert_false(writer_failed(&w));
        assert_int_equal(w.len, sizes[i]);
        for (size_t n = 0; n < sizes[i]; n++)
            assert_int_equal(w.data[n], (uint8_t)n);
        put_u8(&w, 0);
        assert_true(writer_failed(&w));
        writer_done(&w);
    }
}

static void test_writer_out_of_memory_is_told_apart(void **state)
{
    (void)state;
    struct writer w;
    uint8_t *data;
    size_t len;
    writer_init(&w, 1000);
    put_u32(&w, 1);
    mem_fail_at(1);
    put_bytes(&w, (const char[200]){ 0 }, 200);
    assert_true(writer_failed(&w));
    assert_int_equal(w.len, 4);
    assert_int_equal(writer_take(&w, &data, &len), SSHIO_ENOMEM);
    writer_done(&w);
}

static void test_writer_fixed_never_grows(void **state)
{
    (void)state;
    char memory[4];
    struct writer w;
    writer_init_fixed(&w, memory, sizeof memory);
    put_bytes(&w, "abcd", 4);
    assert_false(writer_failed(&w));
    put_u8(&w, 'e');
    assert_true(writer_failed(&w));
    assert_memory_equal(memory, "abcd", 4);
    writer_done(&w);
    assert_memory_equal(memory, "\0\0\0\0", 4); /* wiped */
}

static void test_writer_take_hands_the_memory_over(void **state)
{
    (void)state;
    struct writer w;
    uint8_t *data = NULL;
    size_t len = 0;
    writer_init(&w, 100);
    put_chars(&w, "abc");
    assert_int_equal(writer_take(&w, &data, &len), 0);
    assert_bytes(SPAN(data, len), "abc", 3);
    mem_free(data);
    put_u8(&w, 1);
    assert_true(writer_failed(&w)); /* it has to be begun again first */
    writer_init(&w, 100);
    assert_int_equal(writer_take(&w, &data, &len), 0);
    assert_non_null(data);
    assert_int_equal(len, 0);
    mem_free(data);
}

static void test_writer_open_and_close_nest(void **state)
{
    (void)state;
    struct writer w;
    writer_init(&w, 100);
    size_t outer = put_open(&w);
    put_u8(&w, 1);
    size_t inner = put_open(&w);
    put_chars(&w, "xy");
    put_close(&w, inner);
    put_close(&w, outer);
    assert_bytes(writer_span(&w), LITERAL("\0\0\0\7\1\0\0\0\2xy"));
    writer_done(&w);
}

static void test_writer_close_after_failure_touches_nothing(void **state)
{
    (void)state;
    struct writer w;
    writer_init(&w, 2);
    size_t mark = put_open(&w);
    put_close(&w, mark);
    assert_true(writer_failed(&w));
    assert_int_equal(w.len, 0);
    writer_done(&w);
}

static void test_numbers_in_memory_are_big_endian(void **state)
{
    (void)state;
    uint8_t memory[8];
    store_u32(memory, 0xfedcba98);
    assert_int_equal(load_u32(memory), 0xfedcba98);
    store_u64(memory, 0x8877665544332211);
    assert_memory_equal(memory, "\x88\x77\x66\x55\x44\x33\x22\x11", 8);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reader_reads_each_field_in_order),
        cmocka_unit_test(test_reader_bool_is_true_for_every_octet_but_zero),
        cmocka_unit_test(test_reader_of_nothing_is_done_and_yields_nothing),
        cmocka_unit_test(test_reader_string_past_end_fails),
        cmocka_unit_test(test_reader_failure_is_sticky),
        cmocka_unit_test(test_reader_cut_anywhere_fails),
        cmocka_unit_test(test_reader_text_with_nul_fails),
        cmocka_unit_test(test_reader_mpint_takes_only_the_minimal_form),
        cmocka_unit_test(test_reader_name_list_has_no_empty_and_no_odd_names),
        cmocka_unit_test(test_name_list_next_walks_the_names),
        cmocka_unit_test(test_name_list_has_finds_whole_names_only),
        cmocka_unit_test(test_span_comparisons),
        cmocka_unit_test(test_span_dup_text_refuses_nul),
        cmocka_unit_test(test_span_dup_copies_bytes_with_nul),
        cmocka_unit_test(test_writer_writes_each_field),
        cmocka_unit_test(test_writer_mpint_is_minimal),
        cmocka_unit_test(test_writer_past_its_maximum_fails_and_stays_failed),
        cmocka_unit_test(test_writer_grows_up_to_exactly_its_maximum),
        cmocka_unit_test(test_writer_out_of_memory_is_told_apart),
        cmocka_unit_test(test_writer_fixed_never_grows),
        cmocka_unit_test(test_writer_take_hands_the_memory_over),
        cmocka_unit_test(test_writer_open_and_close_nest),
        cmocka_unit_test(test_writer_close_after_failure_touches_nothing),
        cmocka_unit_test(test_numbers_in_memory_are_big_endian),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
