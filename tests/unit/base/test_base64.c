/* Base64; the vectors are those of RFC 4648 section 10. */
#include "unit.h"

#include "base/base64.h"
#include "base/memory.h"

static const struct {
    const char *plain, *padded, *bare;
} vectors[] = {
    { "", "", "" },
    { "f", "Zg==", "Zg" },
    { "fo", "Zm8=", "Zm8" },
    { "foo", "Zm9v", "Zm9v" },
    { "foob", "Zm9vYg==", "Zm9vYg" },
    { "fooba", "Zm9vYmE=", "Zm9vYmE" },
    { "foobar", "Zm9vYmFy", "Zm9vYmFy" },
};

static void test_vectors_encode_with_and_without_padding(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct writer w;
        writer_init(&w, 100);
        put_base64(&w, span_of(vectors[i].plain), true, 0);
        assert_text(writer_span(&w), vectors[i].padded);
        writer_reset(&w);
        put_base64(&w, span_of(vectors[i].plain), false, 0);
        assert_text(writer_span(&w), vectors[i].bare);
        writer_done(&w);
    }
}

static void test_vectors_decode(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct writer w;
        writer_init(&w, 100);
        assert_true(base64_decode(span_of(vectors[i].padded), &w));
        assert_text(writer_span(&w), vectors[i].plain);
        writer_done(&w);
    }
}

static void test_every_byte_survives_the_round_trip(void **state)
{
    (void)state;
    uint8_t all[256];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (uint8_t)(i * 167 + 3);
    for (size_t len = 0; len <= sizeof all; len++) {
        struct writer text, back;
        writer_init(&text, 1000);
        writer_init(&back, 1000);
        put_base64(&text, SPAN(all, len), true, len % 2 != 0 ? 70 : 0);
        assert_true(base64_decode(writer_span(&text), &back));
        assert_bytes(writer_span(&back), all, len);
        writer_done(&text);
        writer_done(&back);
    }
}

static void test_lines_are_broken_at_the_column(void **state)
{
    (void)state;
    static const struct {
        size_t column;
        const char *lines;
    } rows[] = {
        { 4, "Zm9v\nYmFy\n" },
        { 5, "Zm9vY\nmFy\n" },
        { 8, "Zm9vYmFy\n" },
        { 70, "Zm9vYmFy\n" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct writer w;
        writer_init(&w, 100);
        put_base64(&w, span_of("foobar"), true, rows[i].column);
        assert_text(writer_span(&w), rows[i].lines);
        writer_done(&w);
    }
}

static void test_what_is_not_strict_base64_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "Z",        "Zg",       "Zg=",      "Zg===",       "Zm8",      "Zm9vY",    "=",        "====",
        "Zm9v====", "Zm9v=",    "Zg==Zg==", "Zg==x",       "Zm=8",     "Zh==", /* spare bits that are not zero */
        "Zm9=",     "Zm9v-_",   "Zm9v!mFy", "Zm9v\x80mFy", "Zm9v@mFy", "Zm9v[mFy", "Zm9v`mFy", "Zm9v{mFy",
        "Zm9v:mFy", "Zm9v,mFy", "Zm9v.mFy",
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct writer w;
        writer_init(&w, 100);
        assert_false(base64_decode(span_of(rows[i]), &w));
        writer_done(&w);
    }
}

/* Each octet on its own: the 64 of the alphabet, six of white space, the padding, and nothing else. */
static void test_the_alphabet_is_exactly_rfc_4648(void **state)
{
    (void)state;
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int octet = 0; octet < 256; octet++) {
        char text[] = { 'A', 'A', 'A', (char)octet };
        const char *place = octet != 0 ? strchr(alphabet, octet) : NULL;
        struct writer w;
        writer_init(&w, 100);
        bool good = base64_decode(SPAN(text, 4), &w);
        assert_int_equal(good, place != NULL || octet == '=');
        if (place != NULL)
            assert_int_equal(w.data[2], place - alphabet);
        writer_done(&w);
    }
}

static void test_white_space_is_skipped(void **state)
{
    (void)state;
    struct writer w;
    writer_init(&w, 100);
    assert_true(base64_decode(span_of(" Zm9v\r\n\tYg=\n=\n"), &w));
    assert_text(writer_span(&w), "foob");
    writer_done(&w);
}

static void test_decoding_past_the_writers_maximum_fails(void **state)
{
    (void)state;
    struct writer w;
    writer_init(&w, 5);
    assert_false(base64_decode(span_of("Zm9vYmFy"), &w));
    writer_done(&w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors_encode_with_and_without_padding),
        cmocka_unit_test(test_vectors_decode),
        cmocka_unit_test(test_every_byte_survives_the_round_trip),
        cmocka_unit_test(test_lines_are_broken_at_the_column),
        cmocka_unit_test(test_what_is_not_strict_base64_is_refused),
        cmocka_unit_test(test_the_alphabet_is_exactly_rfc_4648),
        cmocka_unit_test(test_white_space_is_skipped),
        cmocka_unit_test(test_decoding_past_the_writers_maximum_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
