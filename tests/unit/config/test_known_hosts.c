/* known_hosts: what counts as trust, and what never does. */
#include <stdlib.h>

#include "unit.h"
#include "keys.h"

#include "base/memory.h"
#include "config/known_hosts.h"
#include "config/text_lines.h"
#include "key/key.h"

static sshio_key *key_of(const char *text)
{
    sshio_key *key = NULL;
    assert_int_equal(key_from_public_text(span_of(text), &key, NULL), 0);
    return key;
}

static sshio_known_hosts *hosts_of(const char *text)
{
    sshio_known_hosts *hosts = known_hosts_new();
    assert_non_null(hosts);
    assert_int_equal(known_hosts_parse(hosts, span_of(text), "kh", NULL), 0);
    return hosts;
}

/* The status of KEY_A, and the line that decided. */
static const struct {
    const char *text;
    const char *host;
    const char *addr;
    int port;
    sshio_host_status status;
    int line;
} matches[] = {
    { "h " KEY_A, "h", NULL, 0, SSHIO_HOST_OK, 1 },
    { "h " KEY_A, "h", "192.0.2.1", 22, SSHIO_HOST_OK, 1 },
    { "h " KEY_A " a comment", "H", NULL, 0, SSHIO_HOST_OK, 1 },
    { "H " KEY_A, "h", NULL, 0, SSHIO_HOST_OK, 1 },
    { "# h\n\n  other,h\t" KEY_A "\r\n", "h", NULL, 0, SSHIO_HOST_OK, 3 },
    { "h " KEY_A, "g", NULL, 0, SSHIO_HOST_UNKNOWN, 0 },
    { "", "h", NULL, 0, SSHIO_HOST_UNKNOWN, 0 },
    /* A changed key, and A13: a type that is not in the file is not trusted. */
    { "h " KEY_B, "h", NULL, 0, SSHIO_HOST_CHANGED, 1 },
    { "h " KEY_B "\nh " KEY_A, "h", NULL, 0, SSHIO_HOST_OK, 2 },
    { "h " KEY_ECDSA, "h", NULL, 0, SSHIO_HOST_OTHER_TYPE, 1 },
    { "h " KEY_ECDSA "\nh " KEY_B, "h", NULL, 0, SSHIO_HOST_CHANGED, 2 },
    /* Addresses, networks, wildcards, negation. */
    { "192.0.2.1 " KEY_A, "h", "192.0.2.1", 0, SSHIO_HOST_OK, 1 },
    { "192.0.2.0/24 " KEY_A, "h", "192.0.2.77", 0, SSHIO_HOST_OK, 1 },
    { "192.0.2.0/24 " KEY_A, "192.0.2.77", NULL, 0, SSHIO_HOST_OK, 1 },
    { "192.0.2.0/24 " KEY_A, "h", "192.0.3.1", 0, SSHIO_HOST_UNKNOWN, 0 },
    { "2001:db8::1 " KEY_A, "h", "2001:DB8:0:0::1", 0, SSHIO_HOST_OK, 1 },
    { "::ffff:192.0.2.1 " KEY_A, "h", "192.0.2.1", 0, SSHIO_HOST_OK, 1 },
    { "*.example " KEY_A, "a.example", NULL, 0, SSHIO_HOST_OK, 1 },
    { "h? " KEY_A, "h", NULL, 0, SSHIO_HOST_UNKNOWN, 0 },
    { "*.example,!a.example " KEY_A, "a.example", NULL, 0, SSHIO_HOST_UNKNOWN, 0 },
    { "!a.example,*.example " KEY_A, "b.example", NULL, 0, SSHIO_HOST_OK, 1 },
    { "!b.example " KEY_A, "a.example", NULL, 0, SSHIO_HOST_UNKNOWN, 0 },
    { "*,!192.0.2.0/24 " KEY_A, "h", "192.0.2.1", 0, SSHIO_HOST_UNKNOWN, 0 },
    { ",!,g " KEY_A, "h", NULL, 0, SSHIO_HOST_UNKNOWN, 0 },
    /* Ports. */
    { "[h]:2222 " KEY_A, "h", NULL, 2222, SSHIO_HOST_OK, 1 },
    { "[h]:2222 " KEY_A, "h", NULL, 22, SSHIO_HOST_UNKNOWN, 0 },
    { "[*]:2222 " KEY_A, "h", NULL, 2222, SSHIO_HOST_OK, 1 },
    { "[2001:db8::1]:2222 " KEY_A, "h", "2001:db8::1", 2222, SSHIO_HOST_OK, 1 },
    { "192.0.2.0/24 " KEY_A, "h", "192.0.2.1", 2222, SSHIO_HOST_OK, 1 },
    { "h " KEY_A, "h", NULL, 2222, SSHIO_HOST_OK, 1 },
    { "h " KEY_B, "h", NULL, 2222, SSHIO_HOST_UNKNOWN, 0 },
    { "h " KEY_A "\n[h]:2222 " KEY_B, "h", NULL, 2222, SSHIO_HOST_CHANGED, 2 },
    /* Markers. */
    { "@revoked h " KEY_A "\nh " KEY_A, "h", NULL, 0, SSHIO_HOST_REVOKED, 1 },
    { "h " KEY_A "\n@revoked * " KEY_A, "h", NULL, 0, SSHIO_HOST_REVOKED, 2 },
    { "@revoked * " KEY_B "\nh " KEY_A, "h", NULL, 0, SSHIO_HOST_OK, 2 },
    { "@revoked * " KEY_B, "h", NULL, 0, SSHIO_HOST_UNKNOWN, 0 },
    { "@revoked [h]:2222 " KEY_A "\nh " KEY_A, "h", NULL, 2222, SSHIO_HOST_REVOKED, 1 },
    { "@revoked h " KEY_A, "h", NULL, 2222, SSHIO_HOST_REVOKED, 1 },
    { "@cert-authority h " KEY_A, "h", NULL, 0, SSHIO_HOST_UNKNOWN, 0 },
    { "@cert-authority [h]:2222 " KEY_B "\nh " KEY_A, "h", NULL, 2222, SSHIO_HOST_UNKNOWN, 0 },
    /* Hashed names. */
    { HASHED_HOST " " KEY_A, "host.example", NULL, 0, SSHIO_HOST_OK, 1 },
    { HASHED_HOST " " KEY_A, "HOST.example", NULL, 0, SSHIO_HOST_OK, 1 },
    { HASHED_HOST " " KEY_A, "other.example", NULL, 0, SSHIO_HOST_UNKNOWN, 0 },
    { HASHED_HOST_2222 " " KEY_A, "host.example", NULL, 2222, SSHIO_HOST_OK, 1 },
    { HASHED_HOST_2222 " " KEY_A, "host.example", NULL, 22, SSHIO_HOST_UNKNOWN, 0 },
    { "@revoked " HASHED_HOST " " KEY_A "\n* " KEY_A, "host.example", NULL, 0, SSHIO_HOST_REVOKED, 1 },
    /* Key data that is no plain key is skipped. */
    { "h ssh-future AAAA\nh " KEY_A, "h", NULL, 0, SSHIO_HOST_OK, 2 },
    { "h ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIE4em8Vp1M80HpHsOYtm2o4xxqfbsDE7pYh3KkhySDZr", "h", NULL, 0,
      SSHIO_HOST_UNKNOWN, 0 },
    { "h 2048 65537 1234567890", "h", NULL, 0, SSHIO_HOST_UNKNOWN, 0 },
    { "h x509v3-ssh-rsa Subject:CN=h", "h", NULL, 0, SSHIO_HOST_UNKNOWN, 0 },
};

static void test_known_hosts_statuses(void **state)
{
    sshio_key *key = key_of(KEY_A);

    (void)state;
    for (size_t i = 0; i < COUNT(matches); i++) {
        sshio_known_hosts *hosts = hosts_of(matches[i].text);
        const struct host_query query = { matches[i].host, matches[i].addr, matches[i].port };
        struct host_place place;
        sshio_host_status status = known_hosts_match(hosts, &query, key, &place);
        if (status != matches[i].status || place.line != matches[i].line)
            fail_msg("row %zu: status %d, line %d\n%s", i, (int)status, place.line, matches[i].text);
        if (place.line != 0)
            assert_string_equal(place.filename, "kh");
        known_hosts_unref(hosts);
    }
    sshio_key_unref(key);
}

static const struct {
    const char *text;
    const char *message;
} bad[] = {
    { "h", "kh line 1: Invalid known hosts entry: h" },
    { "\n@revoked h", "kh line 2: Invalid known hosts entry: @revoked h" },
    { "@revoked", "kh line 1: Invalid known hosts entry: @revoked" },
    { "@cert_authority h " KEY_A, "kh line 1: Invalid known hosts marker: @cert_authority" },
    { "@revoked @cert-authority h " KEY_A, "kh line 1: Invalid known hosts marker: @cert-authority" },
    { "|2|KQ/B/heHqnWZjp68igeDU7zQ358=|7Wkkd13z2tvJUsAwednkzN/05UM= " KEY_A,
      "kh line 1: Invalid known hosts hash type: 2" },
    { "|1|KQ/B/heHqnWZjp68igeDU7zQ358= " KEY_A,
      "kh line 1: Invalid known hosts hash entry: |1|KQ/B/heHqnWZjp68igeDU7zQ358=" },
    { HASHED_HOST "| " KEY_A, "kh line 1: Invalid known hosts hash entry: " HASHED_HOST "|" },
    { "|1||7Wkkd13z2tvJUsAwednkzN/05UM= " KEY_A,
      "kh line 1: Invalid known hosts hash entry: |1||7Wkkd13z2tvJUsAwednkzN/05UM=" },
    { "|1|AAAA|AAAA " KEY_A, "kh line 1: Invalid known hosts hash entry: |1|AAAA|AAAA" },
    { "|1|!!!!|7Wkkd13z2tvJUsAwednkzN/05UM= " KEY_A,
      "kh line 1: Invalid known hosts hash entry: |1|!!!!|7Wkkd13z2tvJUsAwednkzN/05UM=" },
};

static void test_known_hosts_bad_lines_are_errors_with_their_place(void **state)
{
    struct error e;

    (void)state;
    error_init(&e);
    for (size_t i = 0; i < COUNT(bad); i++) {
        sshio_known_hosts *hosts = known_hosts_new();
        assert_int_equal(known_hosts_parse(hosts, span_of(bad[i].text), "kh", &e), SSHIO_EINVAL);
        assert_string_equal(error_message(&e), bad[i].message);
        known_hosts_unref(hosts);
    }
    error_clear(&e);
}

static void test_known_hosts_line_too_long_is_an_error(void **state)
{
    size_t len = TEXT_LINE_MAX_LEN + 2;
    char *text = malloc(len);
    sshio_known_hosts *hosts = known_hosts_new();

    (void)state;
    memset(text, 'h', len);
    text[1] = ' ';
    assert_int_equal(known_hosts_parse(hosts, SPAN(text, len), NULL, NULL), SSHIO_EINVAL);
    known_hosts_unref(hosts);
    free(text);
}

static void test_known_hosts_types_come_once_and_in_order(void **state)
{
    sshio_known_hosts *hosts = hosts_of("h " KEY_ECDSA "\nh " KEY_A "\nh " KEY_B "\n@revoked h " KEY_A
                                        "\n@cert-authority g " KEY_B);
    const struct host_query query = { "h", NULL, 2222 };
    const struct host_query other = { "g", NULL, 0 };
    struct texts types = { 0 };

    (void)state;
    assert_true(known_hosts_types(hosts, &query, &types));
    assert_int_equal(types.count, 2);
    assert_string_equal(types.items[0], "ecdsa-sha2-nistp256");
    assert_string_equal(types.items[1], "ssh-ed25519");
    texts_done(&types);
    assert_true(known_hosts_types(hosts, &other, &types));
    assert_int_equal(types.count, 0);
    texts_done(&types);
    known_hosts_unref(hosts);
}

static void test_known_hosts_files_add_up(void **state)
{
    sshio_known_hosts *hosts = hosts_of("h " KEY_B);
    sshio_key *key = key_of(KEY_A);
    const struct host_query query = { "h", NULL, 0 };
    struct host_place place;

    (void)state;
    assert_int_equal(known_hosts_parse(hosts, span_of("\nh " KEY_A), "second", NULL), 0);
    assert_int_equal(known_hosts_match(hosts, &query, key, &place), SSHIO_HOST_OK);
    assert_string_equal(place.filename, "second");
    assert_int_equal(place.line, 2);
    sshio_key_unref(key);
    known_hosts_unref(known_hosts_ref(hosts));
    known_hosts_unref(hosts);
}

/* A14: whatever allocation fails, on the way into the object or in the look-up, nothing is trusted that is revoked. */
static void test_known_hosts_out_of_memory_is_never_trust(void **state)
{
    static const char text[] = "* " KEY_A "\n@revoked " HASHED_HOST " " KEY_A "\n@revoked h,host.example " KEY_A;
    const struct host_query query = { "host.example", "192.0.2.1", 0 };
    sshio_key *key = key_of(KEY_A);
    sshio_host_status status = SSHIO_HOST_UNKNOWN;

    (void)state;
    for (uint64_t nth = 1; status != SSHIO_HOST_REVOKED; nth++) {
        mem_fail_at(nth);
        sshio_known_hosts *hosts = known_hosts_new();
        if (hosts != NULL && known_hosts_parse(hosts, span_of(text), "kh", NULL) == 0)
            status = known_hosts_match(hosts, &query, key, NULL);
        mem_fail_at(0);
        assert_int_not_equal(status, SSHIO_HOST_OK);
        known_hosts_unref(hosts);
    }
    sshio_key_unref(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_hosts_statuses),
        cmocka_unit_test(test_known_hosts_bad_lines_are_errors_with_their_place),
        cmocka_unit_test(test_known_hosts_line_too_long_is_an_error),
        cmocka_unit_test(test_known_hosts_types_come_once_and_in_order),
        cmocka_unit_test(test_known_hosts_files_add_up),
        cmocka_unit_test(test_known_hosts_out_of_memory_is_never_trust),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
