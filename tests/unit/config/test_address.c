/* Numeric addresses and networks. */
#include "unit.h"

#include "config/address.h"

static const struct {
    const char *network;
    const char *address;
    bool contained;
} contained[] = {
    { "192.0.2.0/24", "192.0.2.255", true },       { "192.0.2.0/24", "192.0.3.0", false },
    { "0.0.0.0/0", "203.0.113.9", true },          { "192.0.2.7", "192.0.2.7", true },
    { "192.0.2.7", "192.0.2.8", false },           { "192.0.2.7/32", "::ffff:192.0.2.7", true },
    { "2001:db8::/33", "2001:db8:7fff::1", true }, { "2001:db8::/33", "2001:db8:8000::1", false },
    { "2001:DB8:0::1", "2001:db8::1", true },      { "::/0", "192.0.2.1", false },
    { "fe80::1%eth0", "fe80::1%eth0", true },      { "fe80::1%eth0", "fe80::1%eth1", false },
    { "fe80::1", "fe80::1%eth1", true },           { "2001:db8::1%eth0", "2001:db8::1", true },
};

static const char *const bad[] = {
    "",
    "/",
    "192.0.2.1/",
    "192.0.2.1/33",
    "192.0.2.1/24",
    "::1/129",
    "192.0.2.0/+8",
    "192.0.2.0/024x",
    "192.0.2",
    "host",
    "*",
    "2001:db8::1/64",
    "192.0.2.0/0024",
    "fe80::1%an-interface-name-that-is-too-long",
};

static void test_network_contains_its_addresses(void **state)
{
    struct network network;
    struct address address;

    (void)state;
    for (size_t i = 0; i < COUNT(contained); i++) {
        assert_true(network_parse(span_of(contained[i].network), &network));
        assert_true(address_parse(span_of(contained[i].address), &address));
        if (network_contains(&network, &address) != contained[i].contained)
            fail_msg("%s in %s", contained[i].address, contained[i].network);
    }
}

static void test_network_bad_text_is_refused(void **state)
{
    struct network network;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        if (network_parse(span_of(bad[i]), &network))
            fail_msg("\"%s\" was taken", bad[i]);
}

/* P8 */
static void test_address_with_nul_is_refused(void **state)
{
    struct address address;

    (void)state;
    assert_false(address_parse(SPAN("192.0.2.1\0x", 11), &address));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_network_contains_its_addresses),
        cmocka_unit_test(test_network_bad_text_is_refused),
        cmocka_unit_test(test_address_with_nul_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
