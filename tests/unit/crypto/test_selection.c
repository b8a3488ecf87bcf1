/* The selection syntax of algorithm options. */
#include "vectors.h"

#include "base/memory.h"
#include "crypto/selection.h"

static const struct selection_name possible[] = {
    { "alpha-gcm", true }, { "alpha-ctr", true }, { "beta-ctr", true }, { "beta-cbc", false }, { "gamma", false },
};
#define COUNT (sizeof possible / sizeof possible[0])

static const struct selection_rules caller = { .kind = "encryption" };
static const struct selection_rules config = { .kind = "encryption", .from_config = true };

static const struct {
    const char *text;
    const char *names;
} good[] = {
    { NULL, "alpha-gcm,alpha-ctr,beta-ctr" },
    { "default", "alpha-gcm,alpha-ctr,beta-ctr" },
    { "gamma", "gamma" },
    { "gamma,alpha-ctr", "gamma,alpha-ctr" },
    { "*-ctr", "alpha-ctr,beta-ctr" },
    { "beta-*,*-ctr", "beta-ctr,beta-cbc,alpha-ctr" },
    { "*", "alpha-gcm,alpha-ctr,beta-ctr,beta-cbc,gamma" },
    { "gamm?", "gamma" },
    { "^beta-ctr", "beta-ctr,alpha-gcm,alpha-ctr" },
    { "^gamma", "gamma,alpha-gcm,alpha-ctr,beta-ctr" },
    { "+gamma", "alpha-gcm,alpha-ctr,beta-ctr,gamma" },
    { "+alpha-ctr", "alpha-gcm,alpha-ctr,beta-ctr" },
    { "-*-ctr", "alpha-gcm" },
    { "-gamma", "alpha-gcm,alpha-ctr,beta-ctr" },
    { "-alpha-gcm,beta-*", "alpha-ctr" },
};

static void test_selections_expand(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct texts names = { 0 };
        struct error e;
        error_init(&e);
        assert_int_equal(selection_expand(possible, COUNT, good[i].text, &caller, &names, &e), 0);
        char *joined = texts_join(&names, ",");
        assert_string_equal(joined, good[i].names);
        mem_free(joined);
        texts_done(&names);
        error_clear(&e);
    }
}

static const struct {
    const char *text;
    const char *message;
} bad[] = {
    { "delta", "\"delta\" matches no valid encryption algorithms" },
    { "gamma,delta*", "\"delta*\" matches no valid encryption algorithms" },
    { "gamma,", "\"\" matches no valid encryption algorithms" },
    { "[ab]*", "\"[ab]*\" matches no valid encryption algorithms" },
    { "GAMMA", "\"GAMMA\" matches no valid encryption algorithms" },
    { "^", "\"\" matches no valid encryption algorithms" },
    { "+^gamma", "\"^gamma\" matches no valid encryption algorithms" },
    { "none", "\"none\" matches no valid encryption algorithms" },
    { "!gamma", "\"!gamma\" is negated, which is not allowed in encryption algorithms" },
    { "", "No encryption algorithms selected" },
    { "-*", "No encryption algorithms selected" },
};

static void test_wrong_selections_say_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct texts names = { 0 };
        struct error e;
        error_init(&e);
        assert_int_equal(selection_expand(possible, COUNT, bad[i].text, &caller, &names, &e), SSHIO_EINVAL);
        assert_string_equal(error_message(&e), bad[i].message);
        assert_int_equal(names.count, 0);
        error_clear(&e);
    }
}

static void test_config_ignores_unknown_patterns_but_not_emptiness(void **state)
{
    (void)state;
    struct texts names = { 0 };
    assert_int_equal(selection_expand(possible, COUNT, "future,gamma", &config, &names, NULL), 0);
    assert_int_equal(names.count, 1);
    assert_string_equal(names.items[0], "gamma");
    assert_int_equal(selection_expand(possible, COUNT, "future", &config, &names, NULL), SSHIO_EINVAL);
    assert_int_equal(selection_expand(possible, COUNT, "none", &config, &names, NULL), SSHIO_EINVAL);
    assert_int_equal(selection_expand(possible, COUNT, "!gamma", &config, &names, NULL), SSHIO_EINVAL);
    assert_int_equal(names.count, 1);
    texts_done(&names);
}

static void test_nothing_is_legal_for_mac_and_compression(void **state)
{
    (void)state;
    static const struct selection_name compression[] = { { "none", true }, { "zlib", false } };
    static const struct selection_rules mac_rules = { "MAC", true, false };
    static const struct selection_rules mac_config = { "MAC", true, true };
    static const struct selection_rules compression_rules = { "compression", true, false };
    struct texts names = { 0 };
    assert_int_equal(selection_expand(possible, COUNT, "", &mac_rules, &names, NULL), 0);
    assert_int_equal(names.count, 0);
    assert_int_equal(selection_expand(possible, COUNT, "none", &mac_config, &names, NULL), 0);
    assert_int_equal(names.count, 0);
    assert_int_equal(selection_expand(compression, 2, "", &compression_rules, &names, NULL), 0);
    assert_int_equal(names.count, 1);
    assert_string_equal(names.items[0], "none");
    texts_done(&names);
}

/* Every allocation fails once; the result is an error or right, and nothing leaks. */
static void test_lack_of_memory_is_an_error(void **state)
{
    (void)state;
    int rc = SSHIO_ENOMEM;
    for (uint64_t nth = 1; rc != 0; nth++) {
        struct texts names = { 0 };
        mem_fail_at(nth);
        rc = selection_expand(possible, COUNT, "^*-c*", &caller, &names, NULL);
        mem_fail_at(0);
        assert_true(rc == 0 || rc == SSHIO_ENOMEM);
        texts_done(&names);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_selections_expand),
        cmocka_unit_test(test_wrong_selections_say_why),
        cmocka_unit_test(test_config_ignores_unknown_patterns_but_not_emptiness),
        cmocka_unit_test(test_nothing_is_legal_for_mac_and_compression),
        cmocka_unit_test(test_lack_of_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
