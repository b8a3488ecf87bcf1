/* Passwords against hashes of crypt(3), made by "correct horse". */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../tools/password.h"

static const char *const hashes[] = {
    "$6$rounds=1000$saltsalt$4GMtaIz3E1AdDi2SmCokEW0ehi.HdxNDcL3fGE1XXuzvo6kbx7UOloZKONqEk5H3JrQA4NOfU8BmqFPrpGqwA1",
    "$5$rounds=1000$saltsalt$R6e4P8ccT9iMqkYg7Z8YtpId/lfsIfnuPkp8WXposU8",
};

static void test_the_password_of_a_hash_fits_and_others_do_not(void **state)
{
    (void)state;
    static const char *const others[] = { "", "correct", "correct horse ", "Correct horse" };
    for (size_t i = 0; i < COUNT(hashes); i++) {
        assert_true(password_fits(hashes[i], "correct horse"));
        for (size_t k = 0; k < COUNT(others); k++)
            assert_false(password_fits(hashes[i], others[k]));
    }
}

/* A hash that is empty, locked or damaged lets nobody in, and least of all who says it. */
static void test_what_is_no_hash_fits_no_password(void **state)
{
    (void)state;
    char locked[256];
    snprintf(locked, sizeof locked, "!%s", hashes[0]);
    const char *const bad[] = { "", "*", "!", "!!", "x", "*0", "*1", "$", "$6$", "$unknown$salt$hash", locked };
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_false(password_fits(bad[i], ""));
        assert_false(password_fits(bad[i], bad[i]));
        assert_false(password_fits(bad[i], "correct horse"));
    }
}

static void test_passwords_that_are_too_long_are_not_hashed(void **state)
{
    (void)state;
    char *password = calloc(1, 100001);
    memset(password, 'a', 100000);
    assert_false(password_fits(hashes[0], password));
    free(password);
}

static void test_accounts_without_an_entry_have_no_password(void **state)
{
    (void)state;
    assert_false(password_is_checkable("no-such-account"));
    assert_false(password_is_right("no-such-account", ""));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_password_of_a_hash_fits_and_others_do_not),
        cmocka_unit_test(test_what_is_no_hash_fits_no_password),
        cmocka_unit_test(test_passwords_that_are_too_long_are_not_hashed),
        cmocka_unit_test(test_accounts_without_an_entry_have_no_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
