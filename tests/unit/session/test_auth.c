/* The methods of authentication from end to end, client and server in one process, with handlers that wait. Rules A1 to
 * A5 and A16 of the security checklist; RFC 4252, RFC 4256. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "session/auth_site.h"

/* ---- keyboard-interactive ---- */

static void kbdint(struct loopback *l)
{
    sshio_client_options options = client_options(l);
    options.preferred_auth = "keyboard-interactive";
    options.handlers = &all_handlers;
    connect_expecting(&options, 0);
    assert_string_equal(client_story, "kbdint_auth_requested kbdint_challenge_received kbdint_challenge_received "
                                      "kbdint_challenge_received auth_completed lost");
    assert_string_equal(server_story, "begin_auth pam get_kbdint_challenge validate_kbdint_response "
                                      "validate_kbdint_response validate_kbdint_response");
}

/* Two prompts, one prompt, a mere message. */
static void test_kbdint_goes_on_for_several_rounds(void **state)
{
    (void)state;
    run_with(kbdint, prepare_auth);
}

static void emulated(struct loopback *l)
{
    sshio_client_options options = client_options(l);
    options.preferred_auth = "keyboard-interactive";
    options.password = "secret";
    connect_expecting(&options, 0);
    assert_string_equal(server_story, "validate_password");
    options.password = "wrong";
    connect_expecting(&options, SSHIO_EPERMISSION_DENIED);
    assert_string_equal(sshio_error_message(), "Permission denied for user guest on host 127.0.0.1 (server takes: "
                                               "keyboard-interactive,password)");
    options.password = "old"; /* there is no asking for a new one here */
    connect_expecting(&options, SSHIO_EPERMISSION_DENIED);
    options.password = "secret";
    options.kbdint_auth = SSHIO_NO;
    connect_expecting(&options, SSHIO_EPERMISSION_DENIED);
    options.kbdint_auth = SSHIO_UNSET;
    options.password_auth = SSHIO_NO;
    connect_expecting(&options, SSHIO_EPERMISSION_DENIED);
}

static void test_password_answers_a_challenge_for_one(void **state)
{
    (void)state;
    run_with(emulated, prepare_passwords);
}

static void password_once(struct loopback *l)
{
    sshio_client_options options = client_options(l);
    options.password = "wrong";
    options.handlers = &all_handlers;
    sshio_client_handlers handlers = all_handlers;
    handlers.kbdint_auth_requested = NULL;
    options.handlers = &handlers;
    connect_expecting(&options, 0);
    assert_string_equal(server_story, "validate_password validate_password");
    assert_string_equal(client_story, "password_auth_requested auth_completed lost");
}

static void test_password_of_the_options_is_used_once_over_both_methods(void **state)
{
    (void)state;
    run_with(password_once, prepare_passwords);
}

static void prepare_no_passwords(struct loopback *l)
{
    prepare_passwords(l);
    l->server_options.password_auth = SSHIO_NO;
}

static void methods(struct loopback *l)
{
    sshio_client_options options = client_options(l);
    sshio_texts list = { 0 };
    assert_int_equal(sshio_get_server_auth_methods("127.0.0.1", &options, &list), 0);
    assert_int_equal(list.count, 0);
    sshio_texts_free(&list);
}

/* With passwords switched off, they are not taken by the other way either. */
static void test_password_auth_off_is_off_for_kbdint_too(void **state)
{
    (void)state;
    run_with(methods, prepare_no_passwords);
}

/* ---- passwords ---- */

static void change(struct loopback *l)
{
    sshio_client_options options = client_options(l);
    options.preferred_auth = "password";
    options.password = "old";
    options.handlers = &all_handlers;
    connect_expecting(&options, 0);
    assert_string_equal(client_story, "password_change_requested password_change_failed password_change_requested "
                                      "password_changed auth_completed lost");
    assert_string_equal(server_story, "begin_auth validate_password change_password change_password");
}

static void test_password_is_changed_when_the_server_wants_it(void **state)
{
    (void)state;
    run_with(change, prepare_auth);
}

static int refuse_change(sshio_conn *conn, const char *prompt, const char *lang, sshio_request *req, void *user)
{
    (void)conn, (void)prompt, (void)lang, (void)req, (void)user;
    tell(client_story, "refused");
    return SSHIO_DEFAULT;
}

static void no_change(struct loopback *l)
{
    sshio_client_options options = client_options(l);
    sshio_client_handlers handlers = { .password_change_requested = refuse_change };
    options.preferred_auth = "password";
    options.password = "old";
    connect_expecting(&options, SSHIO_EPERMISSION_DENIED);
    options.handlers = &handlers;
    connect_expecting(&options, SSHIO_EPERMISSION_DENIED);
    assert_string_equal(client_story, "refused");
}

static void test_client_may_decline_to_change_its_password(void **state)
{
    (void)state;
    run_with(no_change, prepare_auth);
}

static int always_wrong(const char *what, sshio_request *req, void *user)
{
    int *asked = user;
    (void)what;
    ++*asked;
    return sshio_answer_text(req, "wrong");
}

static void tries(struct loopback *l)
{
    sshio_client_options options = client_options(l);
    int asked = 0;
    options.preferred_auth = "password";
    options.password_handler = always_wrong;
    options.user = &asked;
    connect_expecting(&options, SSHIO_EPERMISSION_DENIED);
    assert_string_equal(sshio_error_message(), "Too many authentication failures");
    assert_int_equal(asked, 6);
    options.preferred_auth = "keyboard-interactive,password"; /* both count together */
    asked = 0;
    connect_expecting(&options, SSHIO_EPERMISSION_DENIED);
    assert_int_equal(asked, 6);
}

/* A5 */
static void test_a5_tries_of_all_methods_are_limited(void **state)
{
    (void)state;
    run_with(tries, prepare_passwords);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void delay(struct loopback *l)
{
    sshio_client_options options = client_options(l);
    options.preferred_auth = "password";
    options.password = "wrong";
    double before = now();
    connect_expecting(&options, SSHIO_EPERMISSION_DENIED);
    assert_true(now() - before >= 0.05);
    options.password = "secret";
    connect_expecting(&options, 0);
}

static void prepare_delay(struct loopback *l)
{
    prepare_passwords(l);
    l->server_options.auth_failure_delay = 0.05;
}

/* A5: not sooner than that, whatever the reason. */
static void test_a5_refusal_takes_its_time(void **state)
{
    (void)state;
    run_with(delay, prepare_delay);
}

/* ---- keys ---- */

static void more_keys(struct loopback *l)
{
    sshio_client_options options = client_options(l);
    struct keys keys = { .keys = { l->other_key, l->host_key, l->user_key } };
    sshio_keyref first[2] = { { .key = l->user_key } };
    options.username = "nobody";
    options.client_keys = first;
    options.preferred_auth = "publickey";
    options.handlers = &all_handlers;
    options.user = &keys;
    connect_expecting(&options, SSHIO_EPERMISSION_DENIED);
    assert_string_equal(server_story, "begin_auth validate_public_key validate_public_key validate_public_key "
                                      "validate_public_key");
    assert_string_equal(client_story, "public_key_auth_requested public_key_auth_requested public_key_auth_requested "
                                      "public_key_auth_requested lost");
    keys.next = 0;
    options.username = "guest";
    options.client_keys = NULL;
    client_story[0] = '\0';
    connect_expecting(&options, 0);
    assert_string_equal(client_story, "public_key_auth_requested auth_completed lost");
}

static void test_application_is_asked_for_keys_until_it_has_none(void **state)
{
    (void)state;
    run_with(more_keys, prepare_auth);
}

/* ---- several methods ---- */

static void prepare_two(struct loopback *l)
{
    static const char *const lists[] = { "publickey,password", "publickey,keyboard-interactive:otp", NULL };
    prepare_auth(l);
    l->server_options.required_auth_methods = lists;
}

static void two_methods(struct loopback *l)
{
    sshio_client_options options = client_options(l);
    sshio_keyref keys[2] = { { .key = l->user_key } };
    options.client_keys = keys;
    options.password = "secret";
    connect_expecting(&options, 0);
    assert_string_equal(server_story, "begin_auth validate_public_key otp "
                                      "get_kbdint_challenge validate_password"); /* two prompts take no password */

    options = client_options(l);
    options.password = "secret"; /* no key: the password alone is not even looked at */
    connect_expecting(&options, SSHIO_EPERMISSION_DENIED);
    assert_non_null(strstr(sshio_error_message(), "(server takes: publickey)"));
    assert_string_equal(server_story, "begin_auth");

    options = client_options(l);
    options.client_keys = keys;
    connect_expecting(&options, SSHIO_EPERMISSION_DENIED);
    assert_non_null(strstr(sshio_error_message(), "(server takes: keyboard-interactive,password)"));

    options = client_options(l);
    options.client_keys = keys;
    options.preferred_auth = "publickey,keyboard-interactive";
    sshio_client_handlers handlers = all_handlers;
    handlers.public_key_auth_requested = NULL;
    options.handlers = &handlers;
    connect_expecting(&options, SSHIO_EPERMISSION_DENIED); /* it wants the device "pam", and then no more */
    assert_null(strstr(server_story, "get_kbdint_challenge"));
}

static void test_required_methods_are_passed_in_their_order(void **state)
{
    (void)state;
    run_with(two_methods, prepare_two);
}

static void prepare_two_keys(struct loopback *l)
{
    static const char *const lists[] = { "publickey,publickey", NULL };
    prepare_auth(l);
    l->server_options.required_auth_methods = lists;
}

static void two_keys(struct loopback *l)
{
    sshio_client_options options = client_options(l);
    sshio_keyref keys[3] = { { .key = l->user_key }, { .key = l->user_key } };
    options.client_keys = keys;
    connect_expecting(&options, SSHIO_EPERMISSION_DENIED);
    assert_string_equal(server_story, "begin_auth validate_public_key");
    keys[1].key = l->other_key;
    connect_expecting(&options, 0);
}

static void test_required_keys_are_different_ones(void **state)
{
    (void)state;
    run_with(two_keys, prepare_two_keys);
}

static void order(struct loopback *l)
{
    sshio_client_options options = client_options(l);
    sshio_keyref keys[2] = { { .key = l->user_key } };
    options.client_keys = keys;
    options.password = "secret";
    options.preferred_auth = "gssapi-with-mic,password";
    connect_expecting(&options, 0);
    assert_string_equal(server_story, "begin_auth validate_password");
    options.preferred_auth = "password,,publickey";
    connect_expecting(&options, SSHIO_EINVAL);
}

static void test_preferred_auth_is_order_and_filter(void **state)
{
    (void)state;
    run_with(order, prepare_auth);
}

/* ---- trivial logins ---- */

static void trivial(struct loopback *l)
{
    sshio_client_options options = client_options(l);
    options.disable_trivial_auth = SSHIO_YES;
    options.username = "open";
    connect_expecting(&options, SSHIO_EPERMISSION_DENIED);
    assert_non_null(strstr(sshio_error_message(), "Trivial auth disabled"));

    options = client_options(l);
    options.disable_trivial_auth = SSHIO_YES;
    options.username = "trivial";
    options.preferred_auth = "keyboard-interactive";
    options.password = "not asked for";
    connect_expecting(&options, SSHIO_EPERMISSION_DENIED);
    assert_non_null(strstr(sshio_error_message(), "Trivial auth disabled"));

    options = client_options(l);
    options.disable_trivial_auth = SSHIO_YES;
    options.preferred_auth = "keyboard-interactive";
    options.handlers = &all_handlers;
    connect_expecting(&options, 0);

    options = client_options(l);
    options.disable_trivial_auth = SSHIO_YES;
    options.preferred_auth = "password";
    options.password = "secret";
    connect_expecting(&options, 0);

    sshio_keyref keys[2] = { { .key = l->user_key } };
    options = client_options(l);
    options.disable_trivial_auth = SSHIO_YES;
    options.client_keys = keys;
    connect_expecting(&options, 0);
}

/* CVE-2021-36368 */
static void test_trivial_login_is_refused_on_request(void **state)
{
    (void)state;
    run_with(trivial, prepare_auth);
}

/* ---- what a server takes ---- */

static void probe(struct loopback *l)
{
    sshio_client_options options = client_options(l);
    sshio_texts list = { 0 };
    sshio_conn *conn = NULL;
    options.password = "secret";
    assert_int_equal(sshio_get_server_auth_methods("127.0.0.1", &options, &list), 0);
    assert_int_equal(list.count, 3);
    assert_string_equal(list.items[0], "publickey");
    assert_string_equal(list.items[1], "keyboard-interactive");
    assert_string_equal(list.items[2], "password");
    sshio_texts_free(&list);
    assert_string_equal(server_story, "begin_auth"); /* nothing was tried */
    options.username = "open";
    assert_int_equal(sshio_get_server_auth_methods("127.0.0.1", &options, &list), 0);
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0], "none");
    sshio_texts_free(&list);
    options.known_hosts = NULL;
    assert_int_equal(sshio_get_server_auth_methods("127.0.0.1", &options, &list), SSHIO_EHOST_KEY_NOT_VERIFIABLE);
    options = client_options(l);
    options.password = "secret";
    assert_int_equal(sshio_connect("127.0.0.1", &options, &conn), 0);
    assert_int_equal(sshio_conn_get_server_auth_methods(conn, &list), 0);
    assert_int_equal(list.count, 3);
    sshio_texts_free(&list);
    sshio_conn_unref(conn);
}

static void test_server_is_asked_for_its_methods(void **state)
{
    (void)state;
    run_with(probe, prepare_auth);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_kbdint_goes_on_for_several_rounds, auth_site_setup),
        cmocka_unit_test_setup(test_password_answers_a_challenge_for_one, auth_site_setup),
        cmocka_unit_test_setup(test_password_of_the_options_is_used_once_over_both_methods, auth_site_setup),
        cmocka_unit_test_setup(test_password_auth_off_is_off_for_kbdint_too, auth_site_setup),
        cmocka_unit_test_setup(test_password_is_changed_when_the_server_wants_it, auth_site_setup),
        cmocka_unit_test_setup(test_client_may_decline_to_change_its_password, auth_site_setup),
        cmocka_unit_test_setup(test_a5_tries_of_all_methods_are_limited, auth_site_setup),
        cmocka_unit_test_setup(test_a5_refusal_takes_its_time, auth_site_setup),
        cmocka_unit_test_setup(test_application_is_asked_for_keys_until_it_has_none, auth_site_setup),
        cmocka_unit_test_setup(test_required_methods_are_passed_in_their_order, auth_site_setup),
        cmocka_unit_test_setup(test_required_keys_are_different_ones, auth_site_setup),
        cmocka_unit_test_setup(test_preferred_auth_is_order_and_filter, auth_site_setup),
        cmocka_unit_test_setup(test_trivial_login_is_refused_on_request, auth_site_setup),
        cmocka_unit_test_setup(test_server_is_asked_for_its_methods, auth_site_setup),
    };
    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests_name("auth", tests, NULL, NULL);
}
