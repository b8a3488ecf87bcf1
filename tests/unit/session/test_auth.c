/* Authentication from end to end, client and server in one process, with handlers that wait. Rules A1 to A5 and A16 of
 * the security checklist; RFC 4252, RFC 4256. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "session/run.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What happened, as words in their order. */
static char client_story[1024], server_story[1024];

static void tell(char *story, const char *word)
{
    size_t len = strlen(story);
    snprintf(story + len, sizeof client_story - len, "%s%s", len != 0 ? " " : "", word);
}

/* Which handler is to fail; what the failed connection of the server ended with. */
static const char *failing;
static int server_error;
static char server_message[256];
static int waited; /* what a handler that waits for ever got */

static int setup(void **state)
{
    (void)state;
    client_story[0] = server_story[0] = server_message[0] = '\0';
    failing = NULL;
    server_error = waited = 0;
    return 0;
}

/* Each handler says that it runs, and waits a little; it may be told to fail, or to wait until it is cancelled. */
static int enter(char *story, const char *handler)
{
    tell(story, handler);
    if (failing == NULL || strcmp(failing, handler) != 0)
        return sshio_sleep(0.001);
    if (waited == 0)
        return sshio_raise(SSHIO_ELIMIT, "%s failed", handler);
    waited = sshio_sleep(60);
    return waited;
}

/* ---- the server ---- */

static int s_begin_auth(sshio_conn *conn, const char *username, void *user)
{
    (void)conn, (void)user;
    int rc = enter(server_story, "begin_auth");
    return rc != 0 ? rc : strcmp(username, "open") == 0 ? SSHIO_ACCEPT : SSHIO_REFUSE;
}

static int yes(sshio_conn *conn, void *user)
{
    (void)conn, (void)user;
    return SSHIO_ACCEPT;
}

static int s_validate_public_key(sshio_conn *conn, const char *username, sshio_key *key, void *user)
{
    (void)conn, (void)key, (void)user;
    int rc = enter(server_story, "validate_public_key");
    return rc != 0 ? rc : strcmp(username, "guest") == 0;
}

static int s_validate_password(sshio_conn *conn, const char *username, const char *password, void *user)
{
    (void)conn, (void)user, (void)username;
    int rc = enter(server_story, "validate_password");
    if (rc == 0 && strcmp(password, "old") == 0)
        return sshio_raise_password_change_required("Choose another", "en");
    return rc != 0 ? rc : strcmp(password, "secret") == 0;
}

static int s_change_password(sshio_conn *conn, const char *username, const char *old_password, const char *new_password,
                             void *user)
{
    (void)conn, (void)user, (void)username;
    int rc = enter(server_story, "change_password");
    if (rc != 0 || strcmp(old_password, "old") != 0)
        return rc;
    return strcmp(new_password, "weak") == 0 ? sshio_raise_password_change_required("Too weak", NULL)
                                             : strcmp(new_password, "new") == 0;
}

static int s_kbdint_challenge(sshio_conn *conn, const char *username, const char *lang, const char *submethods,
                              sshio_request *req, void *user)
{
    static const sshio_prompt prompts[] = { { .text = "Colour: ", .echo = true }, { .text = "PIN: " } };
    (void)conn, (void)user, (void)lang;
    tell(server_story, submethods[0] != '\0' ? submethods : "-");
    int rc = enter(server_story, "get_kbdint_challenge");
    if (rc != 0)
        return rc;
    if (strcmp(username, "trivial") == 0)
        return sshio_answer_challenge(req, NULL, "hello", NULL, NULL, 0);
    return sshio_answer_challenge(req, "Login", "Two questions", "en", prompts, 2);
}

static int s_kbdint_response(sshio_conn *conn, const char *username, const char *const *responses, size_t count,
                             sshio_request *req, void *user)
{
    static const sshio_prompt more = { .text = "Once more: " };
    (void)conn, (void)user;
    int rc = enter(server_story, "validate_kbdint_response");
    if (rc != 0)
        return rc;
    if (strcmp(username, "trivial") == 0)
        return SSHIO_ACCEPT;
    if (count == 2)
        return strcmp(responses[0], "blue") == 0 && strcmp(responses[1], "1234") == 0
                   ? sshio_answer_challenge(req, NULL, NULL, NULL, &more, 1)
                   : SSHIO_REFUSE;
    if (count == 1)
        return strcmp(responses[0], "yes") == 0 ? sshio_answer_challenge(req, NULL, "Welcome", NULL, NULL, 0)
                                                : SSHIO_REFUSE;
    return SSHIO_ACCEPT;
}

static void s_error(sshio_conn *conn, const sshio_error *error, void *user)
{
    (void)conn, (void)user;
    server_error = error != NULL ? error->code : 1;
    snprintf(server_message, sizeof server_message, "%s", error != NULL ? error->message : "");
}

static const sshio_server_handlers all_methods = {
    .begin_auth = s_begin_auth,
    .public_key_auth_supported = yes,
    .validate_public_key = s_validate_public_key,
    .password_auth_supported = yes,
    .validate_password = s_validate_password,
    .change_password = s_change_password,
    .kbdint_auth_supported = yes,
    .get_kbdint_challenge = s_kbdint_challenge,
    .validate_kbdint_response = s_kbdint_response,
};

static const sshio_server_handlers passwords_only = {
    .password_auth_supported = yes,
    .validate_password = s_validate_password,
    .change_password = s_change_password,
};

static void prepare(struct loopback *l)
{
    l->server_options.handlers = &all_methods;
    l->server_options.error_handler = s_error;
    l->authorized[0] = '\0';
}

static void prepare_passwords(struct loopback *l)
{
    prepare(l);
    l->server_options.handlers = &passwords_only;
    l->server_options.public_key_auth = SSHIO_NO;
}

/* ---- the client ---- */

static int c_password(sshio_conn *conn, sshio_request *req, void *user)
{
    (void)conn, (void)user;
    int rc = enter(client_story, "password_auth_requested");
    return rc != 0 ? rc : sshio_answer_text(req, "secret");
}

static int change_count;

static int c_password_change(sshio_conn *conn, const char *prompt, const char *lang, sshio_request *req, void *user)
{
    (void)conn, (void)user;
    int rc = enter(client_story, "password_change_requested");
    if (rc != 0)
        return rc;
    assert_string_equal(prompt, change_count == 0 ? "Choose another" : "Too weak");
    assert_string_equal(lang, change_count == 0 ? "en" : "en-US");
    return sshio_answer_passwords(req, "old", change_count++ == 0 ? "weak" : "new");
}

static void c_changed(sshio_conn *conn, void *user)
{
    (void)conn, (void)user;
    tell(client_story, "password_changed");
}

static void c_change_failed(sshio_conn *conn, void *user)
{
    (void)conn, (void)user;
    tell(client_story, "password_change_failed");
}

static void c_completed(sshio_conn *conn, void *user)
{
    (void)conn, (void)user;
    tell(client_story, "auth_completed");
}

static void c_lost(sshio_conn *conn, const sshio_error *error, void *user)
{
    (void)conn, (void)user, (void)error;
    tell(client_story, "lost");
}

static int kbdint_asked;

static int c_kbdint(sshio_conn *conn, sshio_request *req, void *user)
{
    (void)conn, (void)user;
    int rc = enter(client_story, "kbdint_auth_requested");
    return rc != 0 ? rc : kbdint_asked++ == 0 ? sshio_answer_text(req, "pam") : SSHIO_REFUSE;
}

static int c_challenge(sshio_conn *conn, const char *name, const char *instructions, const char *lang,
                       const sshio_prompt *prompts, size_t count, sshio_request *req, void *user)
{
    static const char *const answers[] = { "blue", "1234", NULL };
    (void)conn, (void)user;
    int rc = enter(client_story, "kbdint_challenge_received");
    if (rc != 0)
        return rc;
    if (count == 2) {
        assert_string_equal(name, "Login");
        assert_string_equal(instructions, "Two questions");
        assert_string_equal(lang, "en");
        assert_string_equal(prompts[0].text, "Colour: ");
        assert_true(prompts[0].echo && !prompts[1].echo);
        return sshio_answer_texts(req, answers);
    }
    return sshio_answer_texts(req, count == 1 ? SSHIO_LIST("yes") : NULL);
}

struct keys {
    sshio_key *keys[3];
    size_t next;
};

static int c_public_key(sshio_conn *conn, sshio_request *req, void *user)
{
    struct keys *keys = user;
    (void)conn;
    int rc = enter(client_story, "public_key_auth_requested");
    if (rc != 0 || keys == NULL || keys->next == COUNT(keys->keys))
        return rc;
    sshio_keyref refs[2] = { { .key = keys->keys[keys->next++] } };
    return sshio_answer_keys(req, refs);
}

static const sshio_client_handlers all_handlers = {
    .connection_lost = c_lost,
    .auth_completed = c_completed,
    .public_key_auth_requested = c_public_key,
    .password_auth_requested = c_password,
    .password_change_requested = c_password_change,
    .password_changed = c_changed,
    .password_change_failed = c_change_failed,
    .kbdint_auth_requested = c_kbdint,
    .kbdint_challenge_received = c_challenge,
};

static sshio_client_options client_options(struct loopback *l)
{
    sshio_client_options options = loopback_client(l);
    options.client_keys = NULL;
    change_count = kbdint_asked = 0;
    client_story[0] = server_story[0] = '\0';
    return options;
}

static void connect_expecting(const sshio_client_options *options, int expected)
{
    sshio_conn *conn = NULL;
    int rc = sshio_connect("127.0.0.1", options, &conn);
    if (rc != expected)
        fail_msg("%s instead of %s: %s", sshio_error_name(rc), sshio_error_name(expected), sshio_error_message());
    if (rc == 0) {
        sshio_conn_close(conn);
        assert_int_equal(sshio_conn_wait_closed(conn), 0);
    }
    sshio_conn_unref(conn);
}

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
    run_with(kbdint, prepare);
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
    run_with(change, prepare);
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
    run_with(no_change, prepare);
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
    run_with(more_keys, prepare);
}

/* ---- several methods ---- */

static void prepare_two(struct loopback *l)
{
    static const char *const lists[] = { "publickey,password", "publickey,keyboard-interactive:otp", NULL };
    prepare(l);
    l->server_options.required_auth_methods = lists;
}

static void two_methods(struct loopback *l)
{
    sshio_client_options options = client_options(l);
    sshio_keyref keys[2] = { { .key = l->user_key } };
    options.client_keys = keys;
    options.password = "secret";
    connect_expecting(&options, 0);
    assert_string_equal(server_story, "begin_auth validate_public_key validate_public_key otp "
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
    prepare(l);
    l->server_options.required_auth_methods = lists;
}

static void two_keys(struct loopback *l)
{
    sshio_client_options options = client_options(l);
    sshio_keyref keys[3] = { { .key = l->user_key }, { .key = l->user_key } };
    options.client_keys = keys;
    connect_expecting(&options, SSHIO_EPERMISSION_DENIED);
    assert_string_equal(server_story, "begin_auth validate_public_key validate_public_key");
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
    run_with(order, prepare);
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
    run_with(trivial, prepare);
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
    run_with(probe, prepare);
}

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
    prepare(l);
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
    run_with(fail_each, prepare);
}

static void cancel_each(struct loopback *l)
{
    struct keys keys;
    for (size_t i = 0; i < COUNT(failing_cases); i++) {
        sshio_client_options options = failing_options(l, &failing_cases[i], &keys);
        sshio_conn *conn = NULL;
        failing = failing_cases[i].handler;
        waited = 1;
        options.connect_timeout = 0.1;
        assert_int_equal(sshio_connect("127.0.0.1", &options, &conn), SSHIO_ETIMEDOUT);
        while (waited == 1)
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
    run_with(cancel_each, prepare);
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
    handlers = (sshio_client_handlers){ .kbdint_auth_requested = c_kbdint, .kbdint_challenge_received = too_few };
    options.preferred_auth = "keyboard-interactive";
    options.handlers = &handlers;
    connect_expecting(&options, SSHIO_EINVAL);
    assert_string_equal(sshio_error_message(), "sshio_answer_texts: 1 answers to 2 prompts");
}

static void test_question_takes_its_own_kind_of_answer(void **state)
{
    (void)state;
    run_with(answers, prepare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_kbdint_goes_on_for_several_rounds, setup),
        cmocka_unit_test_setup(test_password_answers_a_challenge_for_one, setup),
        cmocka_unit_test_setup(test_password_of_the_options_is_used_once_over_both_methods, setup),
        cmocka_unit_test_setup(test_password_auth_off_is_off_for_kbdint_too, setup),
        cmocka_unit_test_setup(test_password_is_changed_when_the_server_wants_it, setup),
        cmocka_unit_test_setup(test_client_may_decline_to_change_its_password, setup),
        cmocka_unit_test_setup(test_a5_tries_of_all_methods_are_limited, setup),
        cmocka_unit_test_setup(test_a5_refusal_takes_its_time, setup),
        cmocka_unit_test_setup(test_application_is_asked_for_keys_until_it_has_none, setup),
        cmocka_unit_test_setup(test_required_methods_are_passed_in_their_order, setup),
        cmocka_unit_test_setup(test_required_keys_are_different_ones, setup),
        cmocka_unit_test_setup(test_preferred_auth_is_order_and_filter, setup),
        cmocka_unit_test_setup(test_trivial_login_is_refused_on_request, setup),
        cmocka_unit_test_setup(test_server_is_asked_for_its_methods, setup),
        cmocka_unit_test_setup(test_user_names_are_prepared, setup),
        cmocka_unit_test_setup(test_handler_that_fails_ends_its_own_connection_only, setup),
        cmocka_unit_test_setup(test_handler_that_waits_is_cancelled_with_its_connection, setup),
        cmocka_unit_test_setup(test_question_takes_its_own_kind_of_answer, setup),
    };
    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests_name("auth", tests, NULL, NULL);
}
