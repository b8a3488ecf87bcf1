/* What stands for bytes that are not UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8_errors.h"

static struct span decode(const char *in, sshio_text_errors errors, struct writer *w)
{
    writer_init(w, 1000);
    assert_true(utf8_decode(span_of(in), errors, w));
    assert_false(writer_failed(w));
    return writer_span(w);
}

/* One stand-in for each beginning of a character that does not go on, and for each byte that begins none: as Python
 * does it, from whose bytes.decode the results are. */
static const struct {
    const char *in, *replaced, *escaped, *surrogates, *ignored;
} rows[] = {
    { "", "", "", "", "" },
    { "plain \xc3\xa9", "plain \xc3\xa9", "plain \xc3\xa9", "plain \xc3\xa9", "plain \xc3\xa9" },
    { "caf\xe9", "caf\xef\xbf\xbd", "caf\\xe9", "caf\xed\xb3\xa9", "caf" },
    { "\x80z", "\xef\xbf\xbdz", "\\x80z", "\xed\xb2\x80z", "z" },
    { "\xe2\x82z", "\xef\xbf\xbdz", "\\xe2\\x82z", "\xed\xb3\xa2\xed\xb2\x82z", "z" },
    { "\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd", "\\xc0\\x80", "\xed\xb3\x80\xed\xb2\x80", "" },
    { "\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd", "\\xff\\xfe", "\xed\xb3\xbf\xed\xb3\xbe", "" },
    { "\xf0\x9f\x98", "\xef\xbf\xbd", "\\xf0\\x9f\\x98", "\xed\xb3\xb0\xed\xb2\x9f\xed\xb2\x98", "" },
};

static void test_each_treatment_has_its_stand_in(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct {
            sshio_text_errors errors;
            const char *out;
        } cases[] = { { SSHIO_ERRORS_REPLACE, rows[i].replaced },
                      { SSHIO_ERRORS_BACKSLASHREPLACE, rows[i].escaped },
                      { SSHIO_ERRORS_SURROGATEESCAPE, rows[i].surrogates },
                      { SSHIO_ERRORS_IGNORE, rows[i].ignored } };
        for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
            struct writer w;
            struct span out = decode(rows[i].in, cases[k].errors, &w);
            if (!span_is(out, cases[k].out))
                fail_msg("row %zu, treatment %d: \"%.*s\"", i, (int)cases[k].errors, (int)out.len,
                         (const char *)out.data);
            writer_done(&w);
        }
    }
}

static void test_strict_stops_at_what_is_not_utf8(void **state)
{
    (void)state;
    struct writer w;
    writer_init(&w, 100);
    assert_false(utf8_decode(span_of("caf\xe9 au lait"), SSHIO_ERRORS_STRICT, &w));
    assert_true(span_is(writer_span(&w), "caf"));
    writer_reset(&w);
    assert_true(utf8_decode(span_of("caf\xc3\xa9"), SSHIO_ERRORS_STRICT, &w));
    writer_done(&w);
}

static void test_unknown_treatment_is_named(void **state)
{
    (void)state;
    struct error e;
    error_init(&e);
    for (int errors = SSHIO_ERRORS_UNSET; errors <= SSHIO_ERRORS_SURROGATEESCAPE; errors++)
        assert_int_equal(text_errors_check("errors", (sshio_text_errors)errors, &e), 0);
    assert_int_equal(text_errors_check("errors", (sshio_text_errors)6, &e), SSHIO_EINVAL);
    assert_string_equal(error_message(&e), "errors is no way to treat text: 6");
    error_clear(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_treatment_has_its_stand_in),
        cmocka_unit_test(test_strict_stops_at_what_is_not_utf8),
        cmocka_unit_test(test_unknown_treatment_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
