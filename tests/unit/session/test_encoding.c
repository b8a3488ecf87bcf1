/* Text encodings: each case is converted in one piece, byte by byte, and cut once at every place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "session/encoding.h"
#include "session/run.h"

struct text {
    char data[256];
    size_t len;
};

static void collect(void *user, const void *data, size_t len)
{
    struct text *text = user;
    assert_true(text->len + len <= sizeof text->data);
    memcpy(text->data + text->len, data, len);
    text->len += len;
}

#define LITERAL(s) s, sizeof s - 1
#define FAILS NULL, 0

struct row {
    const char *encoding;
    sshio_text_errors errors;
    const char *in;
    size_t in_len;
    const char *out;
    size_t out_len;
};

typedef int (*convert_fn)(struct encoding *enc, unsigned type, struct span in, bool last, encoding_fn out, void *user);

static int convert_cut(const struct row *row, convert_fn convert, size_t cut, bool each, struct text *out)
{
    struct error e;
    error_init(&e);
    struct encoding *enc = encoding_new(row->encoding, row->errors, &e);
    assert_non_null(enc);
    const uint8_t *in = (const uint8_t *)row->in;
    int rc = 0;
    out->len = 0;
    for (size_t at = 0; rc == 0 && at < row->in_len;) {
        size_t len = each ? 1 : at < cut ? cut - at : row->in_len - at;
        rc = convert(enc, 0, SPAN(in + at, len), false, collect, out);
        at += len;
    }
    if (rc == 0)
        rc = convert(enc, 0, SPAN(NULL, 0), true, collect, out);
    encoding_unref(enc);
    return rc;
}

static void check_row(const struct row *row, convert_fn convert)
{
    struct text out;
    for (size_t cut = 0; cut <= row->in_len; cut++) {
        int rc = convert_cut(row, convert, cut, cut == row->in_len, &out);
        assert_int_equal(rc, row->out != NULL ? 0 : SSHIO_EDECODE);
        if (row->out == NULL)
            continue;
        assert_int_equal(out.len, row->out_len);
        assert_memory_equal(out.data, row->out, out.len);
    }
}

static void test_bytes_become_text_however_they_are_cut(void **state)
{
    static const struct row rows[] = {
        { "utf-8", SSHIO_ERRORS_UNSET, LITERAL("plain and long enough"), LITERAL("plain and long enough") },
        { "UTF8", SSHIO_ERRORS_STRICT, LITERAL("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80!"),
          LITERAL("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80!") },
        { "utf-8", SSHIO_ERRORS_STRICT, LITERAL("a\xff"), FAILS },
        { "utf-8", SSHIO_ERRORS_STRICT, LITERAL("a\xe2\x82"), FAILS },
        { "utf-8", SSHIO_ERRORS_STRICT, LITERAL("\xed\xa0\x80"), FAILS },
        { "utf-8", SSHIO_ERRORS_IGNORE, LITERAL("a\xff\xe2\x82z"), LITERAL("az") },
        { "utf-8", SSHIO_ERRORS_REPLACE, LITERAL("a\xff\xe2\x82z"), LITERAL("a\xef\xbf\xbd\xef\xbf\xbdz") },
        { "utf-8", SSHIO_ERRORS_REPLACE, LITERAL("\xe2\x82"), LITERAL("\xef\xbf\xbd") },
        { "utf-8", SSHIO_ERRORS_BACKSLASHREPLACE, LITERAL("a\xff\xe2\x82"), LITERAL("a\\xff\\xe2\\x82") },
        { "utf-8", SSHIO_ERRORS_SURROGATEESCAPE, LITERAL("a\xffz"), LITERAL("a\xed\xb3\xbfz") },
        { "latin1", SSHIO_ERRORS_STRICT, LITERAL("caf\xe9"), LITERAL("caf\xc3\xa9") },
        { "ascii", SSHIO_ERRORS_STRICT, LITERAL("caf\xe9"), FAILS },
        { "ascii", SSHIO_ERRORS_BACKSLASHREPLACE, LITERAL("caf\xe9!"), LITERAL("caf\\xe9!") },
        { "utf-16le", SSHIO_ERRORS_STRICT, LITERAL("\x3d\xd8\x00\xde\x61\x00"),
          LITERAL("\xf0\x9f\x98\x80"
                  "a") },
        { "shift_jis", SSHIO_ERRORS_STRICT, LITERAL("\x82\xa0"), LITERAL("\xe3\x81\x82") },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_row(&rows[i], encoding_decode);
}

static void test_text_becomes_bytes_however_it_is_cut(void **state)
{
    static const struct row rows[] = {
        { "utf-8", SSHIO_ERRORS_STRICT, LITERAL("\xc3\xa9!"), LITERAL("\xc3\xa9!") },
        { "utf-8", SSHIO_ERRORS_STRICT, LITERAL("\xc3!"), FAILS },
        { "latin1", SSHIO_ERRORS_STRICT, LITERAL("caf\xc3\xa9"), LITERAL("caf\xe9") },
        { "latin1", SSHIO_ERRORS_STRICT, LITERAL("\xe2\x82\xac"), FAILS },
        { "latin1", SSHIO_ERRORS_IGNORE, LITERAL("a\xe2\x82\xacz"), LITERAL("az") },
        { "latin1", SSHIO_ERRORS_REPLACE, LITERAL("a\xe2\x82\xacz"), LITERAL("a?z") },
        { "latin1", SSHIO_ERRORS_BACKSLASHREPLACE, LITERAL("\xe2\x82\xac\xf0\x9f\x98\x80"),
          LITERAL("\\u20ac\\U0001f600") },
        { "utf-16le", SSHIO_ERRORS_STRICT, LITERAL("\xc3\xa9"), LITERAL("\xe9\x00") },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_row(&rows[i], encoding_encode);
}

static void test_escaped_bytes_come_out_as_they_went_in(void **state)
{
    static const char bytes[] = "a\xff\x80\xe2z\xc3";
    struct error e;
    struct text text = { .len = 0 }, back = { .len = 0 };
    (void)state;
    error_init(&e);
    struct encoding *enc = encoding_new("utf-8", SSHIO_ERRORS_SURROGATEESCAPE, &e);
    struct span in = SPAN((const uint8_t *)bytes, sizeof bytes - 1);
    assert_int_equal(encoding_decode(enc, 0, in, true, collect, &text), 0);
    assert_int_equal(encoding_encode(enc, 0, SPAN((uint8_t *)text.data, text.len), true, collect, &back), 0);
    assert_int_equal(back.len, sizeof bytes - 1);
    assert_memory_equal(back.data, bytes, back.len);
    encoding_unref(enc);
}

static void test_unknown_encodings_and_tricks_of_iconv_are_refused(void **state)
{
    static const char *const names[] = { "no-such", "ascii//TRANSLIT", "utf-8/", "latin1//IGNORE" };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct error e;
        error_init(&e);
        assert_null(encoding_new(names[i], SSHIO_ERRORS_UNSET, &e));
        assert_int_equal(error_code(&e), SSHIO_EINVAL);
        error_clear(&e);
    }
}

/* ---- in sessions ---- */

static void latin1(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_result *result = NULL;
    assert_int_equal(
        sshio_run(conn, SSHIO_SESSION(.command = "echo", .input = SSHIO_TEXT("caf\xc3\xa9"), .encoding = "latin1"),
                  &result),
        0);
    assert_string_equal(result->out.data, "caf\xc3\xa9");
    sshio_result_free(result);
    assert_int_equal(
        sshio_run(conn, SSHIO_SESSION(.command = "sink", .input = SSHIO_TEXT("caf\xc3\xa9"), .encoding = "latin1"),
                  &result),
        0);
    assert_int_equal(result->out.data[0], '4'); /* bytes that the server got */
    sshio_result_free(result);
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.encoding = "no-such"), &result), SSHIO_EINVAL);
    sshio_conn_unref(conn);
}

static void test_session_with_an_encoding_converts_both_ways(void **state)
{
    (void)state;
    run_with(latin1, NULL);
}

static void bad_text(struct loopback *l)
{
    sshio_conn *conn = loopback_connect(l);
    sshio_client_process *p = NULL;
    sshio_result *result = NULL;
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "source 1000", .encoding = "utf-8"), &result),
                     SSHIO_EPROTOCOL);
    assert_int_equal(sshio_run(conn, SSHIO_SESSION(.command = "source 1000"), &result), 0);
    assert_int_equal(result->out.len, 1000);
    sshio_result_free(result);
    assert_int_equal(sshio_create_process(conn, SSHIO_SESSION(.command = "echo", .encoding = "ascii"), &p), 0);
    assert_int_equal(sshio_puts(sshio_client_process_stdin(p), "\xc3\xa9"), SSHIO_EDECODE);
    sshio_chan *chan = sshio_client_process_channel(p);
    assert_string_equal(sshio_chan_get_encoding(chan), "ascii");
    assert_int_equal(sshio_chan_set_encoding(chan, NULL, SSHIO_ERRORS_UNSET), 0);
    assert_null(sshio_chan_get_encoding(chan));
    assert_int_equal(sshio_puts(sshio_client_process_stdin(p), "\xc3\xa9"), 0);
    sshio_client_process_unref(p);
    sshio_conn_unref(conn);
}

/* FC: the connection goes on, because the program wrote this and not the peer's library. */
static void test_what_is_no_text_ends_only_its_channel(void **state)
{
    (void)state;
    run_with(bad_text, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_become_text_however_they_are_cut),
        cmocka_unit_test(test_text_becomes_bytes_however_it_is_cut),
        cmocka_unit_test(test_escaped_bytes_come_out_as_they_went_in),
        cmocka_unit_test(test_unknown_encodings_and_tricks_of_iconv_are_refused),
        cmocka_unit_test(test_session_with_an_encoding_converts_both_ways),
        cmocka_unit_test(test_what_is_no_text_ends_only_its_channel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
