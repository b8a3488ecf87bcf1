/* Addresses that have to wait, after SECURITY-CHECKLIST's "penalties per source" and OpenSSH's PerSourcePenalties. */
#include "unit.h"

#include <stdio.h>

#include "../../../tools/penalties.h"

static const struct penalty_rules rules = { { 1, 5, 10 }, 15, 600, 4 };

static void test_an_address_is_refused_from_the_least_time_until_all_has_passed(void **state)
{
    (void)state;
    struct penalties *p = penalties_new(1);
    for (int i = 0; i < 2; i++)
        penalties_add(p, &rules, "192.0.2.1", PENALTY_REFUSED, 100);
    assert_false(penalties_refuse(p, "192.0.2.1", 100)); /* 10 s, less than the least */
    penalties_add(p, &rules, "192.0.2.1", PENALTY_REFUSED, 100);
    assert_true(penalties_refuse(p, "192.0.2.1", 100));
    assert_false(penalties_refuse(p, "192.0.2.2", 100));
    assert_true(penalties_refuse(p, "192.0.2.1", 114.9)); /* to the end, not only while the rest is long */
    assert_false(penalties_refuse(p, "192.0.2.1", 115));
    assert_int_equal(penalties_count(p), 0);
    penalties_free(p);
}

static void test_time_passes_between_failures(void **state)
{
    (void)state;
    struct penalties *p = penalties_new(1);
    for (int i = 0; i < 100; i++) /* every 5 s one of 5 s: never 15 s at once */
        penalties_add(p, &rules, "192.0.2.1", PENALTY_REFUSED, 5 * i);
    assert_false(penalties_refuse(p, "192.0.2.1", 500));
    penalties_free(p);
}

static void test_penalties_have_a_highest_time(void **state)
{
    (void)state;
    struct penalties *p = penalties_new(1);
    for (int i = 0; i < 1000; i++)
        penalties_add(p, &rules, "2001:db8::1", PENALTY_TOO_SLOW, 0);
    assert_true(penalties_refuse(p, "2001:db8::1", 599));
    assert_false(penalties_refuse(p, "2001:db8::1", 600));
    penalties_free(p);
}

static void test_the_loopback_is_exempt(void **state)
{
    (void)state;
    static const char *const hosts[] = { "127.0.0.1", "127.9.8.7", "::1", "::ffff:127.0.0.1", "" };
    struct penalties *p = penalties_new(1);
    for (size_t i = 0; i < COUNT(hosts); i++)
        for (int k = 0; k < 100; k++)
            penalties_add(p, &rules, hosts[i], PENALTY_REFUSED, 0);
    assert_int_equal(penalties_count(p), 0);
    penalties_free(p);
}

static void test_the_table_has_a_limit_and_forgets_what_has_passed(void **state)
{
    (void)state;
    struct penalties *p = penalties_new(1);
    char host[32];
    for (int i = 0; i < 10; i++) {
        snprintf(host, sizeof host, "192.0.2.%d", i);
        penalties_add(p, &rules, host, PENALTY_REFUSED, i < 2 ? 0 : 3);
    }
    assert_int_equal(penalties_count(p), 4);
    penalties_add(p, &rules, "198.51.100.1", PENALTY_REFUSED, 6); /* two have passed at 5 s */
    assert_int_equal(penalties_count(p), 3);
    penalties_free(p);
}

static void test_rules_are_read(void **state)
{
    (void)state;
    static const char *const yes[] = { "yes", NULL }, *const no[] = { "no", NULL };
    static const char *const some[] = { "authfail:1m", "min:30", "max:1h", NULL };
    struct penalty_rules read;
    const char *wrong = NULL;
    bool on = false;
    assert_true(penalty_rules_read(NULL, &read, &on, &wrong) && on);
    assert_true(read.added[PENALTY_REFUSED] == 5 && read.least == 15 && read.most == 600);
    assert_true(penalty_rules_read(yes, &read, &on, &wrong) && on);
    assert_true(penalty_rules_read(no, &read, &on, &wrong) && !on);
    assert_true(penalty_rules_read(some, &read, &on, &wrong) && on);
    assert_true(read.added[PENALTY_REFUSED] == 60 && read.added[PENALTY_NO_LOGIN] == 1);
    assert_true(read.least == 30 && read.most == 3600);
    static const char *const bad[] = { "maybe", "authfail", "authfail:", "authfail:x", "authfai:5", "" };
    for (size_t i = 0; i < COUNT(bad); i++) {
        const char *const values[] = { "max:600", bad[i], NULL };
        assert_false(penalty_rules_read(values, &read, &on, &wrong));
        assert_string_equal(wrong, bad[i]);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_address_is_refused_from_the_least_time_until_all_has_passed),
        cmocka_unit_test(test_time_passes_between_failures),
        cmocka_unit_test(test_penalties_have_a_highest_time),
        cmocka_unit_test(test_the_loopback_is_exempt),
        cmocka_unit_test(test_the_table_has_a_limit_and_forgets_what_has_passed),
        cmocka_unit_test(test_rules_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
