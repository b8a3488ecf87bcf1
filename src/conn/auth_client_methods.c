/* What a client offers by each method: keys, answers to challenges, passwords (RFC 4252 sections 7 and 8, RFC 4256).
 * Each credential is used once; then the application is asked for another, until it declines. */
#include <string.h>

#include "base/memory.h"
#include "conn/auth_client.h"
#include "conn/key_files.h"
#include "conn/prepared.h"
#include "conn/sig_choice.h"
#include "io/last_error.h"
#include "io/worker.h"
#include "key/key.h"

#define SIGNED_DATA_MAX (64u * 1024)
#define SIGNATURE_MAX 4096

/* ---- publickey ---- */

static int query_key(struct auth_client *auth, const struct sig_alg *alg, struct span blob)
{
    auth_client_begin(auth);
    return auth_client_wait(auth,
                            engine_auth_query(auth->conn->engine, auth->conn->username, span_of(alg->name), blob));
}

struct signing { /* on a worker, where it takes long */
    const sshio_key *key;
    const struct sig_alg *alg;
    struct span data;
    struct writer *signature;
};

static int sign_now(void *arg)
{
    struct signing *s = arg;
    return key_sign(s->key, s->alg, s->data, s->signature, last_error());
}

static int sign_request(const sshio_key *key, const struct sig_alg *alg, struct span data, struct writer *signature)
{
    struct signing s = { key, alg, data, signature };
    return key_is_slow(key) ? worker_run(sign_now, &s) : sign_now(&s);
}

/* 0 = the signature of the request is there. */
static int make_signature(struct auth_client *auth, const sshio_key *key, const struct sig_alg *alg,
                          struct writer *signature)
{
    struct writer data;
    writer_init(&data, SIGNED_DATA_MAX);
    int rc = engine_auth_signed_data(auth->conn->engine, auth->conn->username, span_of(alg->name), key_public_blob(key),
                                     &data);
    if (rc == 0)
        rc = sign_request(key, alg, writer_span(&data), signature);
    writer_done(&data);
    return rc;
}

/* A key that cannot sign is passed over: another one may do. */
static int send_signed(struct auth_client *auth, const sshio_key *key, const struct sig_alg *alg)
{
    sshio_conn *conn = auth->conn;
    struct writer signature;
    writer_init(&signature, SIGNATURE_MAX);
    int rc = make_signature(auth, key, alg, &signature);
    bool passed_over = rc != 0 && rc != SSHIO_ENOMEM && rc != SSHIO_ECANCELED;
    if (passed_over)
        log_info(conn->logger, "A %s key did not sign: %s", alg->name, error_message(last_error()));
    auth_client_begin(auth);
    if (rc == 0 && !auth->over)
        rc = engine_auth_publickey(conn->engine, conn->username, span_of(alg->name), key_public_blob(key),
                                   writer_span(&signature));
    auth->gave_something = auth->gave_something || rc == 0;
    writer_done(&signature);
    return passed_over ? ANSWER_DECLINED : auth_client_wait(auth, rc);
}

/* To ask first whether the server would take a key costs a round trip, and a signature in vain may cost more. */
static int try_key_with(struct auth_client *auth, const sshio_key *key, const struct sig_alg *alg)
{
    log_debug(auth->conn->logger, 1, "Offering %s key", alg->name);
    int answer = key_is_slow(key) ? query_key(auth, alg, key_public_blob(key)) : ANSWER_KEY_OK;
    return answer == ANSWER_KEY_OK ? send_signed(auth, key, alg) : answer;
}

/* What to try with a key, in order; why nothing is tried goes to the log. */
static size_t choose_algs(const sshio_conn *conn, const sshio_key *key, const struct sig_alg **algs)
{
    const struct sig_choice_server server = { .list = engine_server_sig_algs(conn->engine),
                                              .quirks = engine_peer_quirks(conn->engine) };
    struct error e;
    size_t count = 0;
    error_init(&e);
    if (key_check_size(key, conn->settings->required_rsa_size, &e) == 0)
        count = sig_choice(key, (const struct sig_alg *const *)conn->settings->sig_algs, &server, algs);
    if (count == 0)
        log_info(conn->logger, "A %s key is passed over: %s", sshio_key_get_algorithm(key),
                 error_code(&e) != 0 ? error_message(&e) : "no signature algorithm is enabled that the server takes");
    error_clear(&e);
    return count;
}

/* One credential, even where it takes two requests to find the algorithm that the server knows. */
static int try_key(struct auth_client *auth, const sshio_key *key)
{
    const struct sig_alg *algs[SIG_CHOICE_MOST];
    size_t count = choose_algs(auth->conn, key, algs);
    int answer = ANSWER_DECLINED;
    for (size_t i = 0; i < count; i++) {
        answer = try_key_with(auth, key, algs[i]);
        if (answer != ANSWER_FAILURE || auth->partial_success)
            break;
    }
    return answer;
}

/* The first keys of the list, from *next on, that the server does not need to be asked about are passed over. */
static int try_keys(struct auth_client *auth, sshio_key *const *keys, size_t *next)
{
    int answer = ANSWER_DECLINED;
    while (keys != NULL && keys[*next] != NULL && answer == ANSWER_DECLINED)
        answer = try_key(auth, keys[(*next)++]);
    return answer;
}

/* 1 = there are more keys, 0 = there are none. */
static int ask_keys(struct auth_client *auth)
{
    sshio_conn *conn = auth->conn;
    const sshio_client_handlers *h = &conn->settings->client;
    sshio_request req;
    key_files_free(auth->more_keys);
    auth->more_keys = NULL;
    auth->next_more = 0;
    if (h->public_key_auth_requested == NULL)
        return 0;
    request_init(&req, conn, TAKES_KEYS);
    int rc = request_verdict(&req, h->public_key_auth_requested(conn, &req, conn->user));
    if (rc == 1) {
        auth->more_keys = req.keys;
        req.keys = NULL;
    }
    request_done(&req);
    return rc == SSHIO_DEFAULT ? 0 : rc;
}

/* Keys of which none can be offered are the last that are asked for. */
static int publickey_auth(struct auth_client *auth)
{
    const struct settings *s = auth->conn->settings;
    if (!s->public_key_auth)
        return ANSWER_DECLINED;
    int answer = try_keys(auth, s->keys, &auth->next_key);
    if (answer == ANSWER_DECLINED)
        answer = try_keys(auth, auth->more_keys, &auth->next_more);
    if (answer != ANSWER_DECLINED)
        return answer;
    int rc = ask_keys(auth);
    return rc < 0 ? rc : try_keys(auth, auth->more_keys, &auth->next_more);
}

/* Only where the first key signs quickly: a signature in vain costs less than asking. */
static int publickey_open(struct auth_client *auth)
{
    const struct settings *s = auth->conn->settings;
    bool suits = s->public_key_auth && s->keys != NULL && s->keys[0] != NULL && !key_is_slow(s->keys[0]);
    return suits ? try_key(auth, s->keys[auth->next_key++]) : ANSWER_DECLINED;
}

/* ---- passwords, for both methods that use them ---- */

/* The next password: of the options once, then of the handlers. 1 = it is in req. */
static int next_password(struct auth_client *auth, sshio_request *req)
{
    sshio_conn *conn = auth->conn;
    const struct settings *s = conn->settings;
    int rc = 0;
    if (s->password != NULL && !auth->password_used) {
        auth->password_used = true;
        rc = request_verdict(req, sshio_answer_text(req, s->password));
    } else if (s->password_handler != NULL) {
        rc = request_verdict(req, s->password_handler(conn->username, req, conn->user));
    } else if (s->client.password_auth_requested != NULL) {
        rc = request_verdict(req, s->client.password_auth_requested(conn, req, conn->user));
    }
    return rc == SSHIO_DEFAULT ? 0 : rc;
}

/* ---- keyboard-interactive ---- */

static bool may_emulate(const struct auth_client *auth)
{
    const struct settings *s = auth->conn->settings;
    bool has_password = (s->password != NULL && !auth->password_used) || s->password_handler != NULL;
    return has_password && s->password_auth;
}

/* 1 = the submethods are in req, 0 = not this method. */
static int ask_submethods(struct auth_client *auth, sshio_request *req)
{
    sshio_conn *conn = auth->conn;
    const sshio_client_handlers *h = &conn->settings->client;
    int rc = SSHIO_DEFAULT;
    auth->emulating = false;
    if (h->kbdint_auth_requested != NULL)
        rc = request_verdict(req, h->kbdint_auth_requested(conn, req, conn->user));
    if (rc != SSHIO_DEFAULT)
        return rc;
    if (auth->kbdint_emulated || !may_emulate(auth))
        return 0;
    auth->kbdint_emulated = auth->emulating = true;
    return request_verdict(req, sshio_answer_text(req, ""));
}

static bool asks_for_password(const char *prompt)
{
    return strcasestr(prompt, "password") != NULL || strcasestr(prompt, "passcode") != NULL;
}

/* The password answers a single prompt for one; no prompts are answered by nothing. */
static int emulate(struct auth_client *auth, sshio_request *req)
{
    const struct texts *challenge = &auth->texts;
    const char *const none[] = { NULL };
    if (req->takes_count == 0)
        return request_verdict(req, sshio_answer_texts(req, none));
    if (req->takes_count != 1 || !may_emulate(auth) || !asks_for_password(challenge->items[3]))
        return 0;
    sshio_request password;
    char *prepared = NULL;
    request_init(&password, auth->conn, TAKES_TEXT);
    int rc = next_password(auth, &password);
    if (rc == 1)
        rc = prepared_own_password(password.texts.items[0], &prepared, last_error());
    if (prepared != NULL) {
        const char *const answers[] = { prepared, NULL };
        rc = request_verdict(req, sshio_answer_texts(req, answers));
    }
    prepared_free(prepared);
    request_done(&password);
    return rc;
}

/* 1 = the answers to auth->texts are in req, 0 = there are none. */
static int ask_responses(struct auth_client *auth, sshio_request *req)
{
    sshio_conn *conn = auth->conn;
    const sshio_client_handlers *h = &conn->settings->client;
    char *const *items = auth->texts.items;
    if (auth->emulating || h->kbdint_challenge_received == NULL)
        return emulate(auth, req);
    sshio_prompt *prompts = mem_array(req->takes_count + 1, sizeof *prompts);
    if (prompts == NULL)
        return fail_nomem();
    for (size_t i = 0; i < req->takes_count; i++)
        prompts[i] = (sshio_prompt){ .text = items[3 + i], .echo = auth->echo[i] };
    int rc = request_verdict(req, h->kbdint_challenge_received(conn, items[0], items[1], items[2], prompts,
                                                               req->takes_count, req, conn->user));
    mem_free(prompts);
    return rc == SSHIO_DEFAULT ? emulate(auth, req) : rc;
}

/* Answers one challenge; DECLINED = the dialogue is given up. */
static int respond(struct auth_client *auth)
{
    sshio_request req;
    request_init(&req, auth->conn, TAKES_TEXTS);
    req.takes_count = auth->texts.count - 3;
    int rc = ask_responses(auth, &req);
    if (rc == 1) {
        auth->gave_something = auth->gave_something || req.takes_count != 0;
        auth_client_begin(auth);
        rc = auth_client_wait(
            auth, auth->over ? SSHIO_ECLOSED
                             : engine_auth_respond(auth->conn->engine, texts_items(&req.texts), req.texts.count));
    } else if (rc == 0) {
        rc = ANSWER_DECLINED;
    }
    request_done(&req);
    return rc;
}

static int kbdint_auth(struct auth_client *auth)
{
    sshio_conn *conn = auth->conn;
    sshio_request req;
    if (!conn->settings->kbdint_auth)
        return ANSWER_DECLINED;
    request_init(&req, conn, TAKES_TEXT);
    int answer = ask_submethods(auth, &req);
    if (answer == 1 && !auth->over) {
        log_debug(conn->logger, 1, "Trying keyboard-interactive auth");
        auth_client_begin(auth);
        answer = auth_client_wait(auth, engine_auth_kbdint(conn->engine, conn->username, req.texts.items[0]));
        while (answer == ANSWER_CHALLENGE)
            answer = respond(auth);
    } else if (answer >= 0) {
        answer = ANSWER_DECLINED;
    }
    request_done(&req);
    return answer;
}

/* ---- password ---- */

static int send_password(struct auth_client *auth, const char *password)
{
    char *prepared = NULL;
    int rc = prepared_own_password(password, &prepared, last_error());
    auth_client_begin(auth);
    if (rc == 0)
        rc = engine_auth_password(auth->conn->engine, auth->conn->username, prepared);
    prepared_free(prepared);
    auth->gave_something = auth->gave_something || rc == 0;
    return auth_client_wait(auth, rc);
}

static int send_new_password(struct auth_client *auth, const char *old_password, const char *new_password)
{
    char *old_prepared = NULL, *new_prepared = NULL;
    int rc = prepared_own_password(old_password, &old_prepared, last_error());
    if (rc == 0)
        rc = prepared_own_password(new_password, &new_prepared, last_error());
    auth_client_begin(auth);
    if (rc == 0)
        rc = engine_auth_password_new(auth->conn->engine, auth->conn->username, old_prepared, new_prepared);
    prepared_free(old_prepared);
    prepared_free(new_prepared);
    auth->changing = rc == 0;
    return auth_client_wait(auth, rc);
}

/* Answers the demand for a new password, which stands in auth->texts. */
static int change_password(struct auth_client *auth)
{
    sshio_conn *conn = auth->conn;
    const sshio_client_handlers *h = &conn->settings->client;
    sshio_request req;
    if (h->password_change_requested == NULL)
        return ANSWER_DECLINED;
    request_init(&req, conn, TAKES_PASSWORDS);
    int answer = request_verdict(
        &req, h->password_change_requested(conn, auth->texts.items[0], auth->texts.items[1], &req, conn->user));
    if (answer == 1 && !auth->over)
        answer = send_new_password(auth, req.texts.items[0], req.texts.items[1]);
    else if (answer >= 0)
        answer = ANSWER_DECLINED;
    request_done(&req);
    return answer;
}

static int password_auth(struct auth_client *auth)
{
    sshio_request req;
    if (!auth->conn->settings->password_auth)
        return ANSWER_DECLINED;
    request_init(&req, auth->conn, TAKES_TEXT);
    int answer = next_password(auth, &req);
    if (answer == 1 && !auth->over) {
        log_debug(auth->conn->logger, 1, "Trying password auth");
        answer = send_password(auth, req.texts.items[0]);
    } else if (answer >= 0) {
        answer = ANSWER_DECLINED;
    }
    request_done(&req);
    while (answer == ANSWER_PASSWORD_CHANGE)
        answer = change_password(auth);
    return answer;
}

const struct auth_client_method auth_client_methods[] = {
    { "publickey", publickey_auth, .open = publickey_open },
    { "keyboard-interactive", kbdint_auth },
    { "password", password_auth },
    { NULL, NULL },
};
