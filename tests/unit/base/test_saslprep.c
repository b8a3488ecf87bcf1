/* SASLprep: the examples of RFC 4013 section 3, and what may not stand in names and passwords. */
#include "unit.h"

#include "base/memory.h"
#include "base/saslprep.h"

static const struct row {
    const char *text, *prepared; /* NULL = prohibited */
} ascii[] = {
    { "", "" },
    { "user", "user" },
    { "USER", "USER" },
    { " two  words~", " two  words~" },
    { "a\nb", NULL },
    { "\x1b[31m", NULL },
    { "\x7f", NULL },
    { "\x07", NULL },
}, unicode[] = {
    { "I\xc2\xadX", "IX" },
    { "\xc2\xaa", "a" },
    { "\xe2\x85\xa8", "IX" },
    { "j\xc3\xb6rg", "j\xc3\xb6rg" },
    { "jo\xcc\x88rg", "j\xc3\xb6rg" },
    { "a\xc2\xa0" "b", "a b" },
    { "\xd8\xa7" "1", NULL },              /* right to left must end so */
    { "\xd8\xa7" "1\xd8\xa7", "\xd8\xa7" "1\xd8\xa7" },
    { "a\xd8\xa7", NULL },                 /* both directions */
    { "\xe2\x80\x8e" "a", NULL },          /* a mark that turns the direction */
    { "\xee\x80\x80", NULL },              /* private use */
    { "\xef\xbf\xbd", NULL },              /* replacement character */
    { "\xc8\xa1", NULL },                  /* U+0221: unassigned in Unicode 3.2 */
}, malformed[] = {
    { "\xff", NULL },
    { "a\xc0\x80", NULL },
    { "\xed\xa0\x80", NULL },
    { "\xe2\x82", NULL },
};

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *prepared = NULL;
        enum saslprep_result result = saslprep(rows[i].text, &prepared);
        assert_int_equal(result, rows[i].prepared != NULL ? SASLPREP_OK : SASLPREP_PROHIBITED);
        if (rows[i].prepared != NULL)
            assert_string_equal(prepared, rows[i].prepared);
        else
            assert_null(prepared);
        mem_free(prepared);
    }
}

static void test_ascii_is_its_own_form(void **state)
{
    (void)state;
    check(ascii, COUNT(ascii));
}

static void test_what_is_not_utf8_is_prohibited(void **state)
{
    (void)state;
    check(malformed, COUNT(malformed));
}

/* RFC 4013 3, RFC 3454 6 and 7 */
static void test_unicode_is_normalised_or_prohibited(void **state)
{
    (void)state;
    char *prepared = NULL;
    if (saslprep_has_unicode())
        check(unicode, COUNT(unicode));
    else
        assert_int_equal(saslprep("\xc2\xaa", &prepared), SASLPREP_UNAVAILABLE);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    for (uint64_t nth = 1; nth <= 3; nth++) {
        char *prepared = NULL;
        mem_fail_at(nth);
        enum saslprep_result result = saslprep(nth == 1 ? "user" : "\xc2\xaa", &prepared);
        mem_fail_at(0);
        assert_true(result == SASLPREP_NO_MEMORY || prepared != NULL || !saslprep_has_unicode());
        mem_free(prepared);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ascii_is_its_own_form),
        cmocka_unit_test(test_what_is_not_utf8_is_prohibited),
        cmocka_unit_test(test_unicode_is_normalised_or_prohibited),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("saslprep", tests, NULL, NULL);
}
