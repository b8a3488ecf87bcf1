/* The server's side of authentication: each request is answered by a task of its own, so that handlers may wait; the
 * engine reads on when the answer was given. (RFC 4252; rules A1 to A5)
 *
 * The key that signed decides: a query leaves no state behind, and the signed request is judged anew. What failed, and
 * whether the user exists, is told neither by the reply nor by its time. */
#include <string.h>

#include "base/memory.h"
#include "config/authorized_keys.h"
#include "conn/conn.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "io/last_error.h"
#include "io/task.h"
#include "key/key.h"

#define DELAY_LEAST 0.005  /* s; a user's own delay is this and up to … */
#define DELAY_SPREAD 0.004 /* … that more */

struct auth_server {
    sshio_conn *conn;
    const struct auth_request *request; /* valid until the verdict; if there is none, as long as the engine */
    sshio_task *task;
    uint64_t started_ms;
    bool over; /* the connection has ended: no verdict is wanted any more */
};

enum verdict { VERDICT_REFUSE, VERDICT_ACCEPT, VERDICT_KEY_OK };

static bool publickey_supported(sshio_conn *conn)
{
    const struct settings *s = conn->settings;
    if (!s->public_key_auth)
        return false;
    if (s->authorized_keys != NULL || conn->authorized_keys != NULL)
        return true;
    return s->handlers.public_key_auth_supported != NULL && s->handlers.public_key_auth_supported(conn, conn->user) > 0;
}

static bool password_supported(sshio_conn *conn)
{
    const struct settings *s = conn->settings;
    return s->password_auth && s->handlers.password_auth_supported != NULL &&
           s->handlers.password_auth_supported(conn, conn->user) > 0;
}

/* ---- methods: SSHIO_E… = the connection ends ---- */

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
        return 1;
    if (s->handlers.validate_public_key == NULL)
        return 0;
    int rc = s->handlers.validate_public_key(conn, auth->request->user, key, conn->user);
    return rc > 0 ? 1 : rc;
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

static int judge_publickey(struct auth_server *auth)
{
    const struct auth_request *request = auth->request;
    const struct sig_alg *alg = request_alg(auth->conn->settings, request);
    sshio_key *key = NULL;
    if (!publickey_supported(auth->conn) || alg == NULL || key_from_public_blob(request->key_blob, &key, NULL) != 0)
        return VERDICT_REFUSE;
    bool long_enough = key_check_size(key, auth->conn->settings->required_rsa_size, NULL) == 0;
    int rc = long_enough ? check_key(auth, key) : 0;
    int verdict = rc < 0 ? rc : VERDICT_REFUSE;
    if (rc > 0 && !request->has_signature)
        verdict = VERDICT_KEY_OK;
    else if (rc > 0 && key_verify(key, alg, request->signed_data, request->signature))
        verdict = VERDICT_ACCEPT;
    sshio_key_unref(key);
    return verdict;
}

static int judge_password(struct auth_server *auth)
{
    sshio_conn *conn = auth->conn;
    const struct settings *s = conn->settings;
    if (!password_supported(conn) || s->handlers.validate_password == NULL || auth->request->password_change)
        return VERDICT_REFUSE;
    int rc = s->handlers.validate_password(conn, auth->request->user, auth->request->password, conn->user);
    return rc > 0 ? VERDICT_ACCEPT : rc;
}

/* A new user name drops what was gathered for the one before. (RFC 4252 5) */
static int begin_user(struct auth_server *auth)
{
    sshio_conn *conn = auth->conn;
    const char *user = auth->request->user;
    if (conn->username != NULL && strcmp(conn->username, user) == 0)
        return 0;
    mem_free(conn->username);
    sshio_authorized_keys_unref(conn->authorized_keys);
    conn->authorized_keys = NULL;
    conn->username = mem_strdup(user);
    if (conn->username == NULL)
        return fail_nomem();
    char escaped[256];
    log_info(conn->logger, "Beginning auth for user %s", log_escaped(span_of(user), escaped, sizeof escaped));
    if (conn->settings->handlers.begin_auth == NULL)
        return 0;
    int rc = conn->settings->handlers.begin_auth(conn, conn->username, conn->user);
    return rc > 0 ? VERDICT_ACCEPT : rc;
}

static int judge(struct auth_server *auth)
{
    int verdict = begin_user(auth);
    if (verdict != VERDICT_REFUSE || auth->over)
        return verdict;
    switch (auth->request->method) {
    case AUTH_PUBLICKEY:
        return judge_publickey(auth);
    case AUTH_PASSWORD:
        return judge_password(auth);
    case AUTH_NONE:
    case AUTH_UNKNOWN:
        break;
    }
    return VERDICT_REFUSE;
}

/* ---- the reply ---- */

/* The same for one user each time, and not to be told from outside. */
static double user_delay(const struct auth_server *auth)
{
    static _Thread_local uint8_t secret[32];
    static _Thread_local bool secret_made;
    uint8_t mac[HASH_MAX_LEN] = { 0 };
    double given = auth->conn->settings->auth_failure_delay;
    if (given > 0)
        return given;
    if (!secret_made)
        secret_made = random_bytes(secret, sizeof secret);
    hmac_once(hash_find("sha256"), SPAN(secret, sizeof secret), span_of(auth->request->user), mac);
    return DELAY_LEAST + DELAY_SPREAD * mac[0] / 255;
}

static void wait_before_refusal(struct auth_server *auth)
{
    double passed = (double)(loop_now_ms(auth->conn->loop) - auth->started_ms) / 1000;
    double delay = user_delay(auth);
    if (auth->request->method != AUTH_NONE && passed < delay)
        sshio_sleep(delay - passed);
}

static void refuse(struct auth_server *auth)
{
    sshio_conn *conn = auth->conn;
    bool publickey = publickey_supported(conn), password = password_supported(conn);
    engine_auth_refuse(conn->engine,
                       publickey && password ? "publickey,password"
                       : publickey           ? "publickey"
                       : password            ? "password"
                                             : "",
                       false);
}

static void reply(struct auth_server *auth, int verdict)
{
    struct engine *engine = auth->conn->engine;
    if (verdict == VERDICT_ACCEPT)
        engine_auth_accept(engine);
    else if (verdict == VERDICT_KEY_OK)
        engine_auth_key_ok(engine);
    else if (verdict == VERDICT_REFUSE)
        refuse(auth);
}

static int run(void *arg)
{
    struct auth_server *auth = arg;
    int verdict = auth->over ? VERDICT_REFUSE : judge(auth);
    if (!auth->over && verdict == VERDICT_REFUSE)
        wait_before_refusal(auth);
    if (!auth->over && verdict < 0)
        conn_fail_later(auth->conn, last_error());
    return verdict;
}

static void run_done(int verdict, void *arg)
{
    struct auth_server *auth = arg;
    sshio_conn *conn = auth->conn;
    conn->auth_server = NULL;
    if (!auth->over && !engine_ended(conn->engine)) {
        reply(auth, verdict);
        conn_verdict_given(conn);
    }
    mem_free(auth);
    conn_release(conn);
}

void auth_server_requested(sshio_conn *conn, const struct auth_request *request)
{
    struct error e;
    error_init(&e);
    struct auth_server *auth = mem_zalloc(sizeof *auth);
    if (auth == NULL) {
        error_nomem(&e);
        conn_fail_later(conn, &e);
        return;
    }
    *auth = (struct auth_server){ .conn = conn, .request = request, .started_ms = loop_now_ms(conn->loop) };
    conn->auth_server = auth;
    conn_hold(conn);
    int rc = task_start(conn->loop, run, auth, run_done, &auth->task, &e);
    if (rc != 0) {
        auth->over = true;
        conn_fail_later(conn, &e);
        run_done(rc, auth);
    }
    error_clear(&e);
}

void auth_server_end(sshio_conn *conn)
{
    struct auth_server *auth = conn->auth_server;
    if (auth == NULL || auth->over)
        return;
    auth->over = true;
    if (auth->task != NULL)
        sshio_cancel(auth->task);
}
