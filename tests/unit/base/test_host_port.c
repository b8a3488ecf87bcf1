/* Words that name a host. */
#include "unit.h"

#include <stdio.h>

#include "base/host_port.h"

static const struct {
    const char *text, *host, *port, *wrong;
} rows[] = {
    { "host", "host", NULL, NULL },
    { "host:22", "host", "22", NULL },
    { "[host]", "host", NULL, NULL },
    { "[::1]", "::1", NULL, NULL },
    { "[::1]:65535", "::1", "65535", NULL },
    { "::1", "::1", NULL, NULL },
    { "fe80::1%eth0", "fe80::1%eth0", NULL, NULL },
    { "::1:22", "::1:22", NULL, NULL },
    { "[::1]text", NULL, NULL, "something stands behind the brackets that is no port" },
    { "[::1]text:22", NULL, NULL, "something stands behind the brackets that is no port" },
    { "[::1]]", NULL, NULL, "something stands behind the brackets that is no port" },
    { "[::1", NULL, NULL, "a bracket is not closed" },
    { "[::1:22", NULL, NULL, "a bracket is not closed" },
    { "", NULL, NULL, "no host is named" },
    { ":22", NULL, NULL, "no host is named" },
    { "[]", NULL, NULL, "no host is named" },
    { "[]:22", NULL, NULL, "no host is named" },
    { "host:", NULL, NULL, "the port is no number from 1 to 65535" },
    { "host:0", NULL, NULL, "the port is no number from 1 to 65535" },
    { "host:65536", NULL, NULL, "the port is no number from 1 to 65535" },
    { "host:+22", NULL, NULL, "the port is no number from 1 to 65535" },
    { "host:22x", NULL, NULL, "the port is no number from 1 to 65535" },
    { "host:000000000000000000000000022", NULL, NULL, "the port is no number from 1 to 65535" },
    { "[::1]:22:33", NULL, NULL, "the port is no number from 1 to 65535" },
};

static void test_words_are_cut_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct host_port parts = { NULL, NULL };
        char text[64];
        snprintf(text, sizeof text, "%s", rows[i].text);
        const char *wrong = host_port_cut(text, &parts);
        if (rows[i].wrong != NULL) {
            assert_non_null(wrong);
            assert_string_equal(wrong, rows[i].wrong);
            assert_null(parts.host);
            continue;
        }
        assert_null(wrong);
        assert_string_equal(parts.host, rows[i].host);
        assert_true((parts.port == NULL) == (rows[i].port == NULL));
        if (rows[i].port != NULL)
            assert_string_equal(parts.port, rows[i].port);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_are_cut_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
