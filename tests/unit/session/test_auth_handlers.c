/* What handlers of authentication are given, how they answer, and what becomes of one that fails or still waits when
 * its connection ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "session/auth_site.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- user names ---- */

static char seen_name[64];

static int keep_name(sshio_conn *conn, const char *username, void *user)
{
    (void)conn, (void)user;
    snprintf(seen_name, sizeof seen_name, "%s", username);
    return SSHIO_ACCEPT;
}

static void names(struct loopback *l)
{
    static char long_name[1025];
    sshio_client_options options = client_options(l);
    memset(long_name, 'u', 1024);
    options.username = "j\xc3\xb6rg";
    sshio_conn *conn = NULL;
    int rc = sshio_connect("127.0.0.1", &options, &conn);
    if (rc == 0)
        assert_string_equal(seen_name, "j\xc3\xb6rg");
    else
        assert_int_equal(rc, SSHIO_EINVAL); /* a build without libidn */
    sshio_conn_unref(conn);
    options.username = "a\nb";
    connect_expecting(&options, SSHIO_EINVAL);
    options.username = long_name;
    connect_expecting(&options, SSHIO_EINVAL);
}

static void prepare_names(struct loopback *l)
{
    static const sshio_server_handlers handlers = { .begin_auth = keep_name };
    prepare_auth(l);
    l->server_options.handlers = &handlers;
}

/* RFC 4252 5, RFC 4013 */
static void test_user_names_are_prepared(void **state)
{
    (void)state;
    run_with(names, prepare_names);
}

/* ---- handlers that fail, and such that still wait ---- */

static const struct failing_case {
    const char *handler, *methods, *password;
    bool of_server;
} failing_cases[] = {
    { "begin_auth", "password", "secret", true },
    { "validate_public_key", "publickey", NULL, true },
    { "validate_password", "password", "secret", true },
    { "change_password", "password", "old", true },
    { "get_kbdint_challenge", "keyboard-interactive", NULL, true },
    { "validate_kbdint_response", "keyboard-interactive", NULL, true },
    { "public_key_auth_requested", "publickey", NULL, false },
    { "password_auth_requested", "password", NULL, false },
    { "password_change_requested", "password", "old", false },
    { "kbdint_auth_requested", "keyboard-interactive", NULL, false },
    { "kbdint_challenge_received", "keyboard-interactive", NULL, false },
};

static sshio_client_options failing_options(struct loopback *l, const struct failing_case *c, struct keys *keys)
{
    sshio_client_options options = client_options(l);
    *keys = (struct keys){ .keys = { l->user_key, l->user_key, l->user_key } };
    options.preferred_auth = c->methods;
    options.password = c->password;
    options.handlers = &all_handlers;
    options.user = keys;
    server_error = 0;
    return options;
}

static void wait_for_server_error(void)
{
    while (server_error == 0)
        sshio_sleep(0.001);
}

static void fail_each(struct loopback *l)
{
    struct keys keys;
    sshio_client_options plain = client_options(l);
    sshio_conn *other = NULL;
    plain.username = "open";
    assert_int_equal(sshio_connect("127.0.0.1", &plain, &other), 0);
    for (size_t i = 0; i < COUNT(failing_cases); i++) {
        const struct failing_case *c = &failing_cases[i];
        sshio_client_options options = failing_options(l, c, &keys);
        sshio_conn *conn = NULL;
        char message[64];
        failing = c->handler;
        snprintf(message, sizeof message, "%s failed", c->handler);
        int rc = sshio_connect("127.0.0.1", &options, &conn);
        if (c->of_server) {
            assert_true(rc < 0);
            wait_for_server_error();
            assert_int_equal(server_error, SSHIO_ELIMIT);
            assert_string_equal(server_message, message);
        } else {
            assert_int_equal(rc, SSHIO_ELIMIT);
            assert_string_equal(sshio_error_message(), message);
            wait_for_server_error();
        }
        failing = NULL;
    }
    sshio_result *result = NULL;
    assert_int_equal(sshio_run(other, SSHIO_SESSION(.command = "both"), &result), 0);
    sshio_result_free(result);
    sshio_conn_unref(other);
}

static void test_handler_that_fails_ends_its_own_connection_only(void **state)
{
    (void)state;
    run_with(fail_each, prepare_auth);
}

static int connect_with(void *options)
{
    sshio_conn *conn = NULL;
    return sshio_connect("127.0.0.1", options, &conn);
}

static void cancel_each(struct loopback *l)
{
    struct keys keys;
    for (size_t i = 0; i < COUNT(failing_cases); i++) {
        sshio_client_options options = failing_options(l, &failing_cases[i], &keys);
        sshio_task *task;
        int result = 0;
        failing = failing_cases[i].handler;
        waited = 1;
        assert_int_equal(sshio_spawn(connect_with, &options, &task), 0);
        while (waited == 1) /* until the handler waits */
            sshio_sleep(0.001);
        sshio_cancel(task);
        assert_int_equal(sshio_join(task, &result), 0);
        assert_int_equal(result, SSHIO_ECANCELED);
        while (waited == 2)
            sshio_sleep(0.001);
        assert_int_equal(waited, SSHIO_ECANCELED);
        wait_for_server_error();
        failing = NULL;
        waited = 0;
    }
}

/* The end of the connection interrupts what a handler waits for. */
static void test_handler_that_waits_is_cancelled_with_its_connection(void **state)
{
    (void)state;
    run_with(cancel_each, prepare_auth);
}

/* ---- answers ---- */

static int wrong_kind(sshio_conn *conn, sshio_request *req, void *user)
{
    (void)conn, (void)user;
    assert_int_equal(sshio_answer_texts(req, SSHIO_LIST("a")), SSHIO_EINVAL);
    assert_int_equal(sshio_answer_keys(req, NULL), SSHIO_EINVAL);
    assert_int_equal(sshio_answer_passwords(req, "a", "b"), SSHIO_EINVAL);
    assert_int_equal(sshio_answer_challenge(req, NULL, NULL, NULL, NULL, 0), SSHIO_EINVAL);
    assert_int_equal(sshio_answer_text(req, NULL), SSHIO_EINVAL);
    assert_int_equal(sshio_answer_text(req, "wrong"), SSHIO_ANSWERED);
    return sshio_answer_text(req, "secret"); /* the last one counts */
}

static int too_few(sshio_conn *conn, const char *name, const char *instructions, const char *lang,
                   const sshio_prompt *prompts, size_t count, sshio_request *req, void *user)
{
    (void)conn, (void)name, (void)instructions, (void)lang, (void)prompts, (void)user;
    assert_int_equal(count, 2);
    return sshio_answer_texts(req, SSHIO_LIST("blue"));
}

static void answers(struct loopback *l)
{
    sshio_client_options options = client_options(l);
    sshio_client_handlers handlers = { .password_auth_requested = wrong_kind };
    options.preferred_auth = "password";
    options.handlers = &handlers;
    connect_expecting(&options, 0);
    options = client_options(l);
    handlers = all_handlers;
    handlers.kbdint_challenge_received = too_few;
    options.preferred_auth = "keyboard-interactive";
    options.handlers = &handlers;
    connect_expecting(&options, SSHIO_EINVAL);
    assert_string_equal(sshio_error_message(), "sshio_answer_texts: 1 answers to 2 prompts");
}

static void test_question_takes_its_own_kind_of_answer(void **state)
{
    (void)state;
    run_with(answers, prepare_auth);
}

/* ---- keys that are looked up by user ---- */

static struct loopback *own;

/* For "other" another key than the server's, for "none" no key at all, for "missing" those of a file that is not there.
 */
static int set_keys(sshio_conn *conn, const char *username, void *user)
{
    sshio_bytes line = { 0 };
    (void)user;
    assert_int_equal(sshio_conn_set_authorized_keys(conn, NULL), SSHIO_EINVAL);
    if (strcmp(username, "other") == 0) {
        assert_int_equal(sshio_key_export_public_key(own->other_key, SSHIO_FORMAT_OPENSSH, &line), 0);
        assert_int_equal(sshio_conn_set_authorized_keys(conn, SSHIO_SOURCE(.data = { line.data, line.len })), 0);
        sshio_bytes_free(&line);
    } else if (strcmp(username, "none") == 0) {
        assert_int_equal(sshio_conn_set_authorized_keys(conn, SSHIO_SOURCE(.data = SSHIO_TEXT(""))), 0);
    } else if (strcmp(username, "missing") == 0) {
        assert_int_equal(sshio_conn_set_authorized_keys(conn, SSHIO_FILES("/no/such/file")), SSHIO_ESYSTEM);
    }
    return SSHIO_REFUSE;
}

static void keys_by_user(struct loopback *l)
{
    static const struct {
        const char *username;
        bool with_users_key, with_other_key;
    } rows[] = {
        { "guest", true, false },
        { "other", false, true },
        { "none", false, false },
        { "missing", true, false },
    };
    sshio_client_options options = loopback_client(l);
    own = l;
    for (size_t i = 0; i < COUNT(rows); i++) {
        options.username = rows[i].username;
        options.client_keys = SSHIO_KEYS({ .key = l->user_key });
        connect_expecting(&options, rows[i].with_users_key ? 0 : SSHIO_EPERMISSION_DENIED);
        options.client_keys = SSHIO_KEYS({ .key = l->other_key });
        connect_expecting(&options, rows[i].with_other_key ? 0 : SSHIO_EPERMISSION_DENIED);
    }
    sshio_conn *conn = loopback_connect(l);
    assert_int_equal(sshio_conn_set_authorized_keys(conn, SSHIO_SOURCE(.data = SSHIO_TEXT(""))), SSHIO_EINVAL);
    sshio_conn_unref(conn);
}

static void prepare_keys(struct loopback *l)
{
    static const sshio_server_handlers handlers = { .begin_auth = set_keys };
    l->server_options.handlers = &handlers;
}

/* 3-algorithms-config D.1: they take the place of the server's, for this connection. */
static void test_authorized_keys_are_set_by_user(void **state)
{
    (void)state;
    run_with(keys_by_user, prepare_keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_user_names_are_prepared, auth_site_setup),
        cmocka_unit_test_setup(test_handler_that_fails_ends_its_own_connection_only, auth_site_setup),
        cmocka_unit_test_setup(test_handler_that_waits_is_cancelled_with_its_connection, auth_site_setup),
        cmocka_unit_test_setup(test_question_takes_its_own_kind_of_answer, auth_site_setup),
        cmocka_unit_test_setup(test_authorized_keys_are_set_by_user, auth_site_setup),
    };
    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests_name("auth_handlers", tests, NULL, NULL);
}
