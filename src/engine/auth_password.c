/* The password method (RFC 4252 section 8): request, request with a new password, and the server's
 * demand for one. */
#include "base/utf8.h"
#include "engine/auth.h"
#include "engine/internal.h"

/* Too long to be worth the cost of hashing: the owner sees a method that it does not know, and
 * refuses (A10). */
static bool is_too_long(const struct engine *e, const char *password)
{
    return password != NULL && strlen(password) > e->config->limits.password_len;
}

static bool read_request(struct engine *e, struct reader *r)
{
    struct auth *a = &e->auth;
    struct auth_request *request = &a->request;
    request->password_change = read_bool(r);
    if (!auth_read_secret(r, &a->password))
        return false;
    if (request->password_change && !auth_read_secret(r, &a->new_password))
        return false;
    if (is_too_long(e, a->password) || is_too_long(e, a->new_password)) {
        request->method = AUTH_UNKNOWN;
        return true;
    }
    request->password = a->password;
    request->new_password = a->new_password;
    return true;
}

/* PASSWD_CHANGEREQ */
static void on_message(struct engine *e, struct reader *r)
{
    struct span prompt = read_text(r);
    struct span lang = read_text(r);
    if (e->message_number != MSG_USERAUTH_PASSWD_CHANGEREQ || !reader_done(r) || !utf8_valid(prompt) ||
        !utf8_valid(lang)) {
        engine_protocol_error(e, "Invalid password change request");
        return;
    }
    e->auth.pending = NULL;
    e->events->auth_password_change(e->owner, prompt, lang);
}

const struct auth_method_row auth_password = {
    .name = "password",
    .method = AUTH_PASSWORD,
    .is_secret = true,
    .read_request = read_request,
    .on_message = on_message,
};

/* ---- client ---- */

int engine_auth_password(struct engine *e, const char *user, const char *password)
{
    struct writer *w = auth_begin_request(e, &auth_password, user);
    if (w == NULL)
        return SSHIO_EINVAL;
    put_bool(w, false);
    put_text(w, password);
    auth_send_request(e, &auth_password);
    return 0;
}

int engine_auth_password_new(struct engine *e, const char *user, const char *old_password, const char *new_password)
{
    struct writer *w = auth_begin_request(e, &auth_password, user);
    if (w == NULL)
        return SSHIO_EINVAL;
    put_bool(w, true);
    put_text(w, old_password);
    put_text(w, new_password);
    auth_send_request(e, &auth_password);
    return 0;
}

/* ---- server ---- */

void engine_auth_change_password(struct engine *e, const char *prompt, const char *lang)
{
    if (!e->auth.asked || e->ended || e->auth.request.method != AUTH_PASSWORD)
        return;
    engine_enter(e);
    auth_end_question(e);
    struct writer *w = engine_message(e, MSG_USERAUTH_PASSWD_CHANGEREQ);
    put_text(w, prompt);
    put_text(w, lang);
    engine_send(e);
    engine_leave(e);
}
