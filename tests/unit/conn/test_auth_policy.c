/* What a login takes, and how far one has come: AuthenticationMethods of sshd_config(5). */
#include "unit.h"

#include "base/memory.h"
#include "conn/auth_policy.h"

#define MAX 4

static void set(struct texts *policy, const char *const *lists)
{
    *policy = (struct texts){ 0 };
    assert_int_equal(auth_policy_set(policy, lists, NULL), 0);
}

static void test_lists_of_known_methods_are_taken(void **state)
{
    (void)state;
    static const struct {
        const char *lists[MAX];
        int code;
        size_t count;
    } rows[] = {
        { { NULL }, 0, 0 },
        { { "any" }, 0, 0 },
        { { "publickey" }, 0, 1 },
        { { "publickey,password", "keyboard-interactive:pam" }, 0, 2 },
        { { "publickey,publickey,keyboard-interactive:a,keyboard-interactive:b" }, 0, 1 },
        { { "any", "publickey" }, SSHIO_EINVAL, 0 },
        { { "" }, SSHIO_EINVAL, 0 },
        { { "publickey," }, SSHIO_EINVAL, 0 },
        { { "publickey,,password" }, SSHIO_EINVAL, 0 },
        { { "publickey password" }, SSHIO_EINVAL, 0 },
        { { "none" }, SSHIO_EINVAL, 0 },
        { { "password:pam" }, SSHIO_EINVAL, 0 },
        { { "password:" }, SSHIO_EINVAL, 0 },
        { { "keyboard-interactive:" }, SSHIO_EINVAL, 0 },
        { { "publickey", "magic" }, SSHIO_EINVAL, 0 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct texts policy = { 0 };
        assert_int_equal(auth_policy_set(&policy, rows[i].lists, NULL), rows[i].code);
        assert_int_equal(policy.count, rows[i].count);
        texts_done(&policy);
    }
    struct texts policy = { 0 };
    assert_int_equal(auth_policy_set(&policy, NULL, NULL), 0);
    assert_int_equal(auth_policy_set(&policy, SSHIO_NONE, NULL), 0);
    assert_int_equal(policy.count, 0);
}

/* What is allowed before each step, as the first letters of publickey, keyboard-interactive and password. */
static void show(const struct auth_progress *p, char *text)
{
    static const char *const methods[] = { "publickey", "keyboard-interactive", "password" };
    size_t len = 0;
    for (size_t i = 0; i < 3; i++)
        if (auth_progress_allows(p, methods[i]))
            text[len++] = i == 2 ? 'w' : methods[i][0];
    text[len] = '\0';
}

static const struct walk {
    const char *lists[MAX];
    struct {
        const char *allowed, *method, *device;
        bool complete;
    } steps[5];
} walks[] = {
    { { NULL }, { { "pkw", "password", "", true } } },
    { { "publickey,password" }, { { "p", "publickey", "", false }, { "w", "password", "", true } } },
    { { "publickey,publickey" }, { { "p", "publickey", "", false }, { "p", "publickey", "", true } } },
    { { "publickey,password", "publickey,keyboard-interactive" },
      { { "p", "publickey", "", false }, { "kw", "keyboard-interactive", "", true } } },
    /* a list waits where it is */
    { { "publickey,password", "password,publickey" },
      { { "pw", "password", "", false }, { "p", "publickey", "", true } } },
    { { "password,publickey,password", "keyboard-interactive" },
      { { "kw", "password", "", false }, { "pk", "publickey", "", false }, { "kw", "password", "", true } } },
    /* devices */
    { { "keyboard-interactive:otp,password" },
      { { "k", "keyboard-interactive", "pam", false },
        { "k", "keyboard-interactive", "otp", false },
        { "w", "password", "", true } } },
    { { "keyboard-interactive,password" },
      { { "k", "keyboard-interactive", "otp", false }, { "w", "password", "", true } } },
};

static void test_a_list_is_gone_through_in_its_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(walks); i++) {
        struct texts policy;
        struct auth_progress p;
        char allowed[4];
        set(&policy, walks[i].lists);
        assert_true(auth_progress_init(&p, &policy));
        for (int again = 0; again < 2; again++) { /* A3: another user begins at the beginning */
            for (size_t k = 0; walks[i].steps[k].method != NULL; k++) {
                show(&p, allowed);
                assert_string_equal(allowed, walks[i].steps[k].allowed);
                assert_int_equal(auth_progress_pass(&p, walks[i].steps[k].method, span_of(walks[i].steps[k].device)),
                                 walks[i].steps[k].complete);
            }
            auth_progress_reset(&p);
        }
        auth_progress_done(&p);
        texts_done(&policy);
    }
}

static void test_device_is_one_that_client_and_policy_name(void **state)
{
    (void)state;
    static const struct {
        const char *lists[MAX], *wishes, *device; /* device NULL = none will do */
    } rows[] = {
        { { NULL }, "pam,otp", "" },
        { { "keyboard-interactive" }, "pam,otp", "" },
        { { "keyboard-interactive:otp" }, "", "otp" },
        { { "keyboard-interactive:otp" }, "pam,otp", "otp" },
        { { "keyboard-interactive:otp" }, "pam", NULL },
        { { "keyboard-interactive:otp", "keyboard-interactive:pam" }, "pam", "pam" },
        { { "keyboard-interactive:otp", "keyboard-interactive:pam" }, "", "otp" },
        { { "keyboard-interactive:otp", "keyboard-interactive" }, "pam", "" },
        { { "password,keyboard-interactive:otp" }, "", NULL },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct texts policy;
        struct auth_progress p;
        struct span device;
        set(&policy, rows[i].lists);
        assert_true(auth_progress_init(&p, &policy));
        assert_int_equal(auth_progress_device(&p, span_of(rows[i].wishes), &device), rows[i].device != NULL);
        if (rows[i].device != NULL)
            assert_text(device, rows[i].device);
        auth_progress_done(&p);
        texts_done(&policy);
    }
}

static void test_key_counts_once(void **state)
{
    (void)state;
    struct texts policy = { 0 };
    struct auth_progress p;
    assert_true(auth_progress_init(&p, &policy));
    assert_false(auth_progress_key_is_used(&p, span_of("one")));
    assert_true(auth_progress_use_key(&p, span_of("one")));
    assert_true(auth_progress_use_key(&p, span_of("two")));
    assert_true(auth_progress_key_is_used(&p, span_of("one")));
    assert_true(auth_progress_key_is_used(&p, span_of("two")));
    assert_false(auth_progress_key_is_used(&p, span_of("on")));
    auth_progress_reset(&p);
    assert_false(auth_progress_key_is_used(&p, span_of("one")));
    auth_progress_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists_of_known_methods_are_taken),
        cmocka_unit_test(test_a_list_is_gone_through_in_its_order),
        cmocka_unit_test(test_device_is_one_that_client_and_policy_name),
        cmocka_unit_test(test_key_counts_once),
    };
    return cmocka_run_group_tests_name("auth_policy", tests, NULL, NULL);
}
