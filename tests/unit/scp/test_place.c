/* Ends of a copy as texts. (scp(1); rule X7: no host begins with a dash) */
#include "unit.h"

#include "scp/place.h"

static struct error e;

static void test_places_are_read(void **state)
{
    static const struct {
        const char *text, *host, *user, *path;
        int port;
    } rows[] = {
        { "file", NULL, NULL, "file", 0 },
        { "./a:b", NULL, NULL, "./a:b", 0 },
        { "/a:b", NULL, NULL, "/a:b", 0 },
        { ":a", NULL, NULL, ":a", 0 },
        { "", NULL, NULL, "", 0 },
        { "host:", "host", NULL, "", 0 },
        { "host:a:b", "host", NULL, "a:b", 0 },
        { "joe@host:~/x y", "host", "joe", "~/x y", 0 },
        { "joe@corp@host:x", "host", "joe@corp", "x", 0 },
        { "[::1]:x", "::1", NULL, "x", 0 },
        { "joe@[fe80::1%eth0]:/x", "fe80::1%eth0", "joe", "/x", 0 },
        { "[x", NULL, NULL, "[x", 0 },
        { "scp://host", "host", NULL, "", 0 },
        { "scp://host/", "host", NULL, "", 0 },
        { "scp://host/a/b", "host", NULL, "a/b", 0 },
        { "scp://host//a", "host", NULL, "/a", 0 },
        { "scp://joe@host:22/a%20b%2fc", "host", "joe", "a b/c", 22 },
        { "scp://[::1]:65535/x", "::1", NULL, "x", 65535 },
        { "scp://[::1]/x", "::1", NULL, "x", 0 },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scp_place place = { .port = -1 };
        if (scp_place_parse(rows[i].text, &place, &e) != 0)
            fail_msg("%s: %s", rows[i].text, error_message(&e));
        assert_string_equal(place.host != NULL ? place.host : "(here)", rows[i].host != NULL ? rows[i].host : "(here)");
        assert_string_equal(place.user != NULL ? place.user : "(none)", rows[i].user != NULL ? rows[i].user : "(none)");
        assert_string_equal(place.path, rows[i].path);
        assert_int_equal(place.port, rows[i].port);
        scp_place_done(&place);
    }
}

static void test_bad_places_are_refused(void **state)
{
    static const char *const rows[] = {
        "-oProxyCommand=x:y",
        "joe@-x:y",
        "@host:x",
        "joe@:x",
        "[]:x",
        "scp://",
        "scp:///x",
        "scp://-x/y",
        "[::1]x:y",
        "scp://[::1]x/y",
        "scp://h:0/x",
        "scp://h:/x",
        "scp://h:65536/x",
        "scp://h:123456/x",
        "scp://@h/x",
        "scp://h/%",
        "scp://h/%4",
        "scp://h/%zz",
        "scp://h/a%00b",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scp_place place = { .path = NULL };
        if (scp_place_parse(rows[i], &place, &e) != SSHIO_EINVAL)
            fail_msg("%s was taken", rows[i]);
        assert_null(place.path);
        assert_null(place.host);
    }
    error_clear(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places_are_read),
        cmocka_unit_test(test_bad_places_are_refused),
    };
    error_init(&e);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
