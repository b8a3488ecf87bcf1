/* How a server judges the request of each method (RFC 4252 sections 7 and 8, RFC 4256; rules A1, A2, A6, A9, A14).
 *
 * The key that signed decides: a query leaves no state behind, and the signed request is judged anew. Only the one
 * value for success is success; everything else is a refusal, or an error that ends the connection. */
#include <string.h>

#include "base/memory.h"
#include "config/authorized_keys.h"
#include "conn/auth_server.h"
#include "conn/prepared.h"
#include "io/last_error.h"
#include "key/key.h"

/* What a yes-or-no question came to. */
static int verdict_of(int answer)
{
    return answer < 0 ? answer : answer == SSHIO_ACCEPT ? VERDICT_ACCEPT : VERDICT_REFUSE;
}

/* ---- publickey ---- */

static bool publickey_supported(struct auth_server *auth)
{
    sshio_conn *conn = auth->conn;
    const struct settings *s = conn->settings;
    if (!s->public_key_auth)
        return false;
    if (s->authorized_keys != NULL || conn->authorized_keys != NULL)
        return true;
    return s->handlers.public_key_auth_supported != NULL &&
           s->handlers.public_key_auth_supported(conn, conn->user) == SSHIO_ACCEPT;
}

static bool is_authorized(const sshio_conn *conn, struct span blob)
{
    const sshio_authorized_keys *own = conn->authorized_keys;
    const sshio_authorized_keys *keys = own != NULL ? own : conn->settings->authorized_keys;
    return keys != NULL && authorized_keys_find(keys, blob);
}

/* Would this key do? */
static int check_key(struct auth_server *auth, sshio_key *key)
{
    sshio_conn *conn = auth->conn;
    const struct settings *s = conn->settings;
    if (is_authorized(conn, auth->request->key_blob))
        return VERDICT_ACCEPT;
    if (s->handlers.validate_public_key == NULL)
        return VERDICT_REFUSE;
    return verdict_of(s->handlers.validate_public_key(conn, conn->username, key, conn->user));
}

static bool is_accepted_alg(const struct settings *s, const struct sig_alg *alg)
{
    for (size_t i = 0; s->sig_algs[i] != NULL; i++)
        if (s->sig_algs[i] == (const void *)alg)
            return true;
    return false;
}

/* The algorithm must be one that is accepted, and the key of its type: checked before the key is parsed. */
static const struct sig_alg *request_alg(const struct settings *s, const struct auth_request *request)
{
    const struct sig_alg *alg = sig_alg_find(request->key_alg);
    struct reader r;
    reader_init(&r, request->key_blob.data, request->key_blob.len);
    struct span type = read_string(&r);
    bool fits = alg != NULL && is_accepted_alg(s, alg) && span_is(type, alg->type->name);
    return fits ? alg : NULL;
}

static int judge_key(struct auth_server *auth, sshio_key *key, const struct sig_alg *alg)
{
    const struct auth_request *request = auth->request;
    if (key_check_size(key, auth->conn->settings->required_rsa_size, NULL) != 0)
        return VERDICT_REFUSE;
    int verdict = check_key(auth, key);
    if (verdict != VERDICT_ACCEPT)
        return verdict;
    if (!request->has_signature)
        return VERDICT_KEY_OK;
    if (!key_verify(key, alg, request->signed_data, request->signature))
        return VERDICT_REFUSE;
    return auth_progress_use_key(&auth->progress, request->key_blob) ? VERDICT_ACCEPT : fail_nomem();
}

/* A key that was a factor already is none again. */
static int judge_publickey(struct auth_server *auth)
{
    const struct auth_request *request = auth->request;
    const struct sig_alg *alg = request_alg(auth->conn->settings, request);
    sshio_key *key = NULL;
    if (alg == NULL || auth_progress_key_is_used(&auth->progress, request->key_blob) ||
        key_from_public_blob(request->key_blob, &key, NULL) != 0)
        return VERDICT_REFUSE;
    int verdict = judge_key(auth, key, alg);
    sshio_key_unref(key);
    return verdict;
}

/* ---- password ---- */

static bool password_supported(struct auth_server *auth)
{
    sshio_conn *conn = auth->conn;
    const struct settings *s = conn->settings;
    return s->password_auth && s->handlers.password_auth_supported != NULL &&
           s->handlers.password_auth_supported(conn, conn->user) == SSHIO_ACCEPT;
}

/* The last error is what the handler raised, if it raised anything. */
static int keep_prompt(struct auth_server *auth)
{
    const struct error *e = last_error();
    bool raised = error_code(e) == SSHIO_EPASSWORD_CHANGE_REQUIRED;
    texts_done(&auth->prompt);
    if (!texts_add(&auth->prompt, raised ? error_message(e) : "") ||
        !texts_add(&auth->prompt, raised ? e->pub.lang : ""))
        return fail_nomem();
    return VERDICT_CHANGE_PASSWORD;
}

static int ask_validate(struct auth_server *auth, const char *password)
{
    sshio_conn *conn = auth->conn;
    const sshio_server_handlers *h = &conn->settings->handlers;
    return h->validate_password != NULL ? h->validate_password(conn, conn->username, password, conn->user) : 0;
}

static int ask_change(struct auth_server *auth, const char *old_password)
{
    sshio_conn *conn = auth->conn;
    const sshio_server_handlers *h = &conn->settings->handlers;
    char *new_password = NULL;
    if (h->change_password == NULL)
        return 0;
    int rc = prepared_password(auth->request->new_password, &new_password, last_error());
    if (rc == 0)
        rc = h->change_password(conn, conn->username, old_password, new_password, conn->user);
    prepared_free(new_password);
    return rc;
}

static int judge_password(struct auth_server *auth)
{
    char *password = NULL;
    int rc = prepared_password(auth->request->password, &password, last_error());
    if (rc == 0)
        rc = auth->request->password_change ? ask_change(auth, password) : ask_validate(auth, password);
    prepared_free(password);
    return rc == SSHIO_EPASSWORD_CHANGE_REQUIRED ? keep_prompt(auth) : verdict_of(rc);
}

/* ---- keyboard-interactive ---- */

/* It may be only another way to ask for the password. */
static bool kbdint_supported(struct auth_server *auth)
{
    sshio_conn *conn = auth->conn;
    const sshio_server_handlers *h = &conn->settings->handlers;
    if (!conn->settings->kbdint_auth)
        return false;
    int answer = h->kbdint_auth_supported != NULL ? h->kbdint_auth_supported(conn, conn->user) : SSHIO_DEFAULT;
    auth->emulates = answer == SSHIO_DEFAULT;
    return auth->emulates ? password_supported(auth) : answer == SSHIO_ACCEPT;
}

static int ask_for_password(struct auth_server *auth)
{
    static const sshio_prompt prompt = { .text = "Password:" };
    return sshio_answer_challenge(&auth->answer, NULL, NULL, NULL, &prompt, 1);
}

static int begin_kbdint(struct auth_server *auth)
{
    sshio_conn *conn = auth->conn;
    const struct auth_request *request = auth->request;
    const sshio_server_handlers *h = &conn->settings->handlers;
    struct span device;
    if (!auth_progress_device(&auth->progress, span_of(request->submethods), &device))
        return SSHIO_REFUSE;
    mem_free(auth->device);
    auth->device = span_dup_text(device);
    if (auth->device == NULL)
        return fail_nomem();
    if (auth->emulates)
        return ask_for_password(auth);
    const char *submethods = auth->device[0] != '\0' ? auth->device : request->submethods;
    return h->get_kbdint_challenge != NULL
               ? h->get_kbdint_challenge(conn, conn->username, request->lang, submethods, &auth->answer, conn->user)
               : 0;
}

/* A password that has to be changed cannot be here. */
static int check_password_response(struct auth_server *auth)
{
    char *password = NULL;
    if (auth->request->response_count != 1)
        return 0;
    int rc = prepared_password(auth->request->responses[0], &password, last_error());
    if (rc == 0)
        rc = ask_validate(auth, password);
    prepared_free(password);
    return rc == SSHIO_EPASSWORD_CHANGE_REQUIRED || rc == SSHIO_EPROTOCOL ? 0 : rc;
}

static int go_on_kbdint(struct auth_server *auth)
{
    sshio_conn *conn = auth->conn;
    const sshio_server_handlers *h = &conn->settings->handlers;
    if (auth->emulates)
        return check_password_response(auth);
    return h->validate_kbdint_response != NULL
               ? h->validate_kbdint_response(conn, conn->username, auth->request->responses,
                                             auth->request->response_count, &auth->answer, conn->user)
               : 0;
}

static int judge_kbdint(struct auth_server *auth)
{
    request_done(&auth->answer);
    request_init(&auth->answer, auth->conn, TAKES_CHALLENGE);
    int answer = auth->request->is_response ? go_on_kbdint(auth) : begin_kbdint(auth);
    return answer == SSHIO_ANSWERED && auth->answer.answered ? VERDICT_CHALLENGE : verdict_of(answer);
}

const struct auth_server_method auth_server_methods[] = {
    { "publickey", AUTH_PUBLICKEY, publickey_supported, judge_publickey },
    { "keyboard-interactive", AUTH_KBDINT, kbdint_supported, judge_kbdint },
    { "password", AUTH_PASSWORD, password_supported, judge_password },
};
const size_t auth_server_method_count = sizeof auth_server_methods / sizeof auth_server_methods[0];
