/* See auth_site.h. */
#include "session/auth_site.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* What happened, as words in their order. */
char client_story[1024], server_story[1024];

void tell(char *story, const char *word)
{
    size_t len = strlen(story);
    snprintf(story + len, sizeof client_story - len, "%s%s", len != 0 ? " " : "", word);
}

/* Which handler is to fail; what the failed connection of the server ended with. */
const char *failing;
int server_error;
char server_message[256];
int waited; /* what a handler that waits for ever got */

int auth_site_setup(void **state)
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
    waited = 2;
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

const sshio_server_handlers all_methods = {
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

const sshio_server_handlers passwords_only = {
    .password_auth_supported = yes,
    .validate_password = s_validate_password,
    .change_password = s_change_password,
};

void prepare_auth(struct loopback *l)
{
    l->server_options.handlers = &all_methods;
    l->server_options.error_handler = s_error;
    l->authorized[0] = '\0';
}

void prepare_passwords(struct loopback *l)
{
    prepare_auth(l);
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

static int c_public_key(sshio_conn *conn, sshio_request *req, void *user)
{
    struct keys *keys = user;
    (void)conn;
    int rc = enter(client_story, "public_key_auth_requested");
    if (rc != 0 || keys == NULL || keys->next == AUTH_SITE_KEYS)
        return rc;
    sshio_keyref refs[2] = { { .key = keys->keys[keys->next++] } };
    return sshio_answer_keys(req, refs);
}

const sshio_client_handlers all_handlers = {
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

sshio_client_options client_options(struct loopback *l)
{
    sshio_client_options options = loopback_client(l);
    options.client_keys = NULL;
    change_count = kbdint_asked = 0;
    client_story[0] = server_story[0] = '\0';
    return options;
}

void connect_expecting(const sshio_client_options *options, int expected)
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
