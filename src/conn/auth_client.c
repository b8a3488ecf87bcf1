/* The client's side of authentication, as straight-line code in a task: ask with none what the server takes, then try
 * each key, then the password. The codecs are the engine's. (RFC 4252) */
#include <string.h>

#include "base/memory.h"
#include "conn/conn.h"
#include "conn/request.h"
#include "conn/sig_choice.h"
#include "io/last_error.h"
#include "io/task.h"
#include "io/worker.h"
#include "key/key.h"

#define SIGNED_DATA_MAX (64u * 1024)
#define SIGNATURE_MAX 4096

enum answer { ANSWER_NONE, ANSWER_SUCCESS, ANSWER_FAILURE, ANSWER_KEY_OK, ANSWER_PASSWORD_CHANGE };

struct auth_client {
    sshio_conn *conn;
    sshio_task *task;
    struct completion *waiting; /* for the answer to a request */
    enum answer answer;
    char *methods; /* of the last FAILURE */
    bool partial_success;
    bool over; /* the connection has ended */
    bool password_used;
};

/* ---- answers, from the engine's events ---- */

static void answered(sshio_conn *conn, enum answer answer)
{
    struct auth_client *auth = conn->auth_client;
    if (auth == NULL)
        return;
    auth->answer = answer;
    struct completion *waiting = auth->waiting;
    auth->waiting = NULL;
    if (waiting != NULL)
        completion_complete(waiting, 0);
}

void auth_client_failed(sshio_conn *conn, struct span methods, bool partial_success)
{
    struct auth_client *auth = conn->auth_client;
    char escaped[256];
    if (auth == NULL)
        return;
    mem_free(auth->methods);
    auth->methods = span_dup_text(methods);
    auth->partial_success = partial_success;
    log_debug(conn->logger, 1, "Server takes authentication by: %s", log_escaped(methods, escaped, sizeof escaped));
    answered(conn, ANSWER_FAILURE);
}

void auth_client_key_accepted(sshio_conn *conn, struct span alg, struct span blob)
{
    (void)alg, (void)blob; /* the engine has compared them with the query */
    answered(conn, ANSWER_KEY_OK);
}

void auth_client_password_change(sshio_conn *conn, struct span prompt, struct span lang)
{
    char escaped[256];
    (void)lang;
    log_info(conn->logger, "Server asks for a new password: %s", log_escaped(prompt, escaped, sizeof escaped));
    answered(conn, ANSWER_PASSWORD_CHANGE);
}

void auth_client_success(sshio_conn *conn)
{
    answered(conn, ANSWER_SUCCESS);
}

void auth_client_banner(sshio_conn *conn, struct span msg, struct span lang)
{
    char escaped[512];
    log_debug(conn->logger, 1, "Banner: %s", log_escaped(msg, escaped, sizeof escaped));
    if (conn->settings->client.auth_banner_received == NULL)
        return;
    char *text = span_dup_text(msg), *language = span_dup_text(lang);
    if (text != NULL && language != NULL)
        conn->settings->client.auth_banner_received(conn, text, language, conn->user);
    mem_free(text);
    mem_free(language);
}

/* ---- requests ---- */

static void cancel_answer(struct completion *c, int code)
{
    struct auth_client *auth = c->user;
    auth->waiting = NULL;
    completion_complete(c, code);
}

/* Waits for what the server says to a request that was just made; negative when the connection is over or memory is. */
static int wait_answer(struct auth_client *auth, int rc)
{
    struct completion c;
    if (rc != 0 || auth->over)
        return rc != 0 ? rc : SSHIO_ECLOSED;
    if (auth->answer == ANSWER_NONE) {
        completion_init(&c, cancel_answer, auth);
        auth->waiting = &c;
        rc = completion_wait(&c);
    }
    if (auth->over)
        return SSHIO_ECLOSED;
    return rc != 0 ? rc : (int)auth->answer;
}

static int ask_none(struct auth_client *auth)
{
    auth->answer = ANSWER_NONE;
    return wait_answer(auth, engine_auth_none(auth->conn->engine, auth->conn->username));
}

static int query_key(struct auth_client *auth, const struct sig_alg *alg, struct span blob)
{
    auth->answer = ANSWER_NONE;
    return wait_answer(auth, engine_auth_query(auth->conn->engine, auth->conn->username, span_of(alg->name), blob));
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

static int send_signed(struct auth_client *auth, const sshio_key *key, const struct sig_alg *alg)
{
    struct engine *engine = auth->conn->engine;
    const char *user = auth->conn->username;
    struct span blob = key_public_blob(key);
    struct writer data, signature;
    writer_init(&data, SIGNED_DATA_MAX);
    writer_init(&signature, SIGNATURE_MAX);
    auth->answer = ANSWER_NONE;
    int rc = engine_auth_signed_data(engine, user, span_of(alg->name), blob, &data);
    if (rc == 0)
        rc = sign_request(key, alg, writer_span(&data), &signature);
    if (rc == 0)
        rc = engine_auth_publickey(engine, user, span_of(alg->name), blob, writer_span(&signature));
    writer_done(&data);
    writer_done(&signature);
    return wait_answer(auth, rc);
}

static int try_key_with(struct auth_client *auth, const sshio_key *key, const struct sig_alg *alg)
{
    log_debug(auth->conn->logger, 1, "Offering %s key", alg->name);
    int answer = query_key(auth, alg, key_public_blob(key));
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

static int try_key(struct auth_client *auth, const sshio_key *key)
{
    const struct sig_alg *algs[SIG_CHOICE_MOST];
    size_t count = choose_algs(auth->conn, key, algs);
    int answer = ANSWER_FAILURE;
    for (size_t i = 0; i < count && answer == ANSWER_FAILURE && !auth->partial_success; i++)
        answer = try_key_with(auth, key, algs[i]);
    return answer;
}

static int try_password(struct auth_client *auth, const char *password)
{
    log_debug(auth->conn->logger, 1, "Trying password auth");
    auth->answer = ANSWER_NONE;
    return wait_answer(auth, engine_auth_password(auth->conn->engine, auth->conn->username, password));
}

/* ---- methods: each returns an answer, FAILURE when it has nothing (more) to offer ---- */

static bool offered(const struct auth_client *auth, const char *method)
{
    return auth->methods != NULL && name_list_has(span_of(auth->methods), method);
}

static int publickey_auth(struct auth_client *auth)
{
    const struct settings *s = auth->conn->settings;
    int answer = ANSWER_FAILURE;
    for (size_t i = 0; s->keys[i] != NULL && answer == ANSWER_FAILURE && offered(auth, "publickey"); i++)
        answer = try_key(auth, s->keys[i]);
    return answer;
}

/* Asks the application; 1 = there is one in req. */
static int ask_password(struct auth_client *auth, sshio_request *req)
{
    sshio_conn *conn = auth->conn;
    const struct settings *s = conn->settings;
    req->wants_text = true;
    int verdict = 0;
    if (s->password_handler != NULL)
        verdict = s->password_handler(conn->username, req, conn->user);
    else if (s->client.password_auth_requested != NULL)
        verdict = s->client.password_auth_requested(conn, req, conn->user);
    return verdict == SSHIO_ANSWERED && req->text != NULL ? 1 : verdict < 0 ? verdict : 0;
}

static int password_auth(struct auth_client *auth)
{
    int answer = ANSWER_FAILURE;
    const char *given = auth->conn->settings->password;
    if (given != NULL && !auth->password_used && offered(auth, "password")) {
        auth->password_used = true;
        answer = try_password(auth, given);
    }
    while (answer == ANSWER_FAILURE && offered(auth, "password")) {
        sshio_request req;
        request_init(&req, auth->conn);
        int rc = ask_password(auth, &req);
        if (rc > 0)
            answer = try_password(auth, req.text);
        request_done(&req);
        if (rc <= 0)
            return rc < 0 ? rc : ANSWER_FAILURE;
    }
    return answer == ANSWER_PASSWORD_CHANGE ? ANSWER_FAILURE : answer;
}

static int try_all(struct auth_client *auth)
{
    const struct settings *s = auth->conn->settings;
    int answer = ask_none(auth);
    bool again = answer == ANSWER_FAILURE;
    while (again) {
        auth->partial_success = false;
        answer = s->public_key_auth ? publickey_auth(auth) : ANSWER_FAILURE;
        if (answer == ANSWER_FAILURE && !auth->partial_success && s->password_auth)
            answer = password_auth(auth);
        again = answer == ANSWER_FAILURE && auth->partial_success && !auth->over;
    }
    return answer;
}

/* ---- the task ---- */

static void give_up(struct auth_client *auth, int answer)
{
    sshio_conn *conn = auth->conn;
    struct error e;
    error_init(&e);
    if (answer < 0 && answer != SSHIO_ECLOSED)
        error_copy(&e, last_error());
    if (error_code(&e) == 0)
        error_set(&e, SSHIO_EPERMISSION_DENIED, "Permission denied for user %s on host %s (server takes: %s)",
                  conn->username, conn->host != NULL && conn->host[0] != '\0' ? conn->host : conn->peer.host,
                  auth->methods != NULL && auth->methods[0] != '\0' ? auth->methods : "nothing more");
    conn_fail_later(conn, &e);
    error_clear(&e);
}

static int run(void *arg)
{
    struct auth_client *auth = arg;
    int answer = auth->over ? SSHIO_ECLOSED : try_all(auth);
    if (answer != ANSWER_SUCCESS && !auth->over)
        give_up(auth, answer);
    return 0;
}

static void run_done(int result, void *arg)
{
    struct auth_client *auth = arg;
    sshio_conn *conn = auth->conn;
    (void)result;
    conn->auth_client = NULL;
    mem_free(auth->methods);
    mem_free(auth);
    conn_release(conn);
}

static int start(sshio_conn *conn, struct error *e)
{
    struct auth_client *auth = mem_zalloc(sizeof *auth);
    conn->username = mem_strdup(conn->settings->username);
    if (auth == NULL || conn->username == NULL) {
        mem_free(auth);
        return error_nomem(e);
    }
    auth->conn = conn;
    conn->auth_client = auth;
    conn_hold(conn);
    int rc = task_start(conn->loop, run, auth, run_done, &auth->task, e);
    if (rc != 0)
        run_done(rc, auth);
    return rc;
}

void auth_client_ready(sshio_conn *conn)
{
    struct error e;
    error_init(&e);
    log_info(conn->logger, "Beginning auth for user %s", conn->settings->username);
    if (conn->settings->client.begin_auth != NULL)
        conn->settings->client.begin_auth(conn, conn->settings->username, conn->user);
    if (start(conn, &e) != 0)
        conn_fail_later(conn, &e);
    error_clear(&e);
}

void auth_client_end(sshio_conn *conn)
{
    struct auth_client *auth = conn->auth_client;
    if (auth == NULL || auth->over)
        return;
    auth->over = true;
    if (auth->waiting != NULL)
        answered(conn, ANSWER_NONE);
    else if (auth->task != NULL)
        sshio_cancel(auth->task); /* it waits in a handler of the user's */
}
