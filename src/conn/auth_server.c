/* The server's side of authentication: each request is judged in a task of its own, so that handlers may wait; the
 * engine reads on when the answer was given. (RFC 4252; rules A1 to A5)
 *
 * A method that succeeds is one step of the policy (auth_policy.h); what has been passed belongs to a user name, and
 * goes with it. What failed, and whether the user exists, is told neither by the reply nor by its time. */
#include "conn/auth_server.h"

#include <string.h>

#include <sshio/authorized_keys.h>

#include "base/memory.h"
#include "conn/prepared.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "io/last_error.h"
#include "io/task.h"

#define DELAY_LEAST 0.005  /* s; a user's own delay is this and up to … */
#define DELAY_SPREAD 0.004 /* … that more */

/* ---- judging ---- */

/* A new user name drops what was gathered for the one before. (RFC 4252 5, rule A3) */
static int begin_user(struct auth_server *auth)
{
    sshio_conn *conn = auth->conn;
    const sshio_server_handlers *h = &conn->settings->handlers;
    char *name = NULL, escaped[256];
    int rc = prepared_username(auth->request->user, SSHIO_EILLEGAL_USER_NAME, &name, last_error());
    if (rc != 0)
        return rc;
    if (conn->username != NULL && strcmp(conn->username, name) == 0) {
        mem_free(name);
        return VERDICT_REFUSE;
    }
    mem_free(conn->username);
    conn->username = name;
    sshio_authorized_keys_unref(conn->authorized_keys);
    conn->authorized_keys = NULL;
    auth_progress_reset(&auth->progress);
    log_info(conn->logger, "Beginning auth for user %s", log_escaped(span_of(name), escaped, sizeof escaped));
    rc = h->begin_auth != NULL ? h->begin_auth(conn, conn->username, conn->user) : 0;
    return rc < 0 ? rc : rc == SSHIO_ACCEPT ? VERDICT_LET_IN : VERDICT_REFUSE;
}

static const struct auth_server_method *find_method(enum auth_method method)
{
    for (size_t i = 0; i < auth_server_method_count; i++)
        if (auth_server_methods[i].method == method)
            return &auth_server_methods[i];
    return NULL;
}

/* Of use now: switched on, supported, and the next of what is required. */
static bool is_offered(struct auth_server *auth, const struct auth_server_method *method)
{
    return auth_progress_allows(&auth->progress, method->name) && method->supported(auth);
}

static int judge(struct auth_server *auth)
{
    int verdict = begin_user(auth);
    if (verdict != VERDICT_REFUSE || auth->over)
        return verdict;
    const struct auth_server_method *method = find_method(auth->request->method);
    if (method == NULL || !(auth->request->is_response || is_offered(auth, method)))
        return VERDICT_REFUSE;
    verdict = method->judge(auth);
    if (verdict != VERDICT_ACCEPT)
        return verdict;
    struct span device = method->method == AUTH_KBDINT ? span_of(auth->device) : SPAN(NULL, 0);
    log_info(auth->conn->logger, "%s auth succeeded", method->name);
    return auth_progress_pass(&auth->progress, method->name, device) ? VERDICT_LET_IN : VERDICT_ACCEPT;
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

/* FAILURE with what may be tried next. */
static void refuse(struct auth_server *auth, bool partial_success)
{
    char list[128];
    struct writer w;
    writer_init_fixed(&w, list, sizeof list);
    for (size_t i = 0; i < auth_server_method_count; i++) {
        if (!is_offered(auth, &auth_server_methods[i]))
            continue;
        put_chars(&w, w.len != 0 ? "," : "");
        put_chars(&w, auth_server_methods[i].name);
    }
    put_u8(&w, '\0');
    engine_auth_refuse(auth->conn->engine, list, partial_success);
}

/* A dialogue without end is refused. */
static void challenge(struct auth_server *auth)
{
    const struct texts *texts = &auth->answer.texts;
    char *const *items = texts->items;
    size_t count = texts->count - 3;
    sshio_prompt *prompts = mem_array(count + 1, sizeof *prompts);
    for (size_t i = 0; prompts != NULL && i < count; i++)
        prompts[i] = (sshio_prompt){ .text = items[3 + i], .echo = auth->answer.echo[i] };
    if (prompts == NULL || engine_auth_challenge(auth->conn->engine, items[0], items[1], items[2], prompts, count) != 0)
        refuse(auth, false);
    mem_free(prompts);
}

static void reply(struct auth_server *auth, int verdict)
{
    struct engine *engine = auth->conn->engine;
    switch (verdict) {
    case VERDICT_LET_IN:
        engine_auth_accept(engine);
        break;
    case VERDICT_ACCEPT:
        refuse(auth, true);
        break;
    case VERDICT_KEY_OK:
        engine_auth_key_ok(engine);
        break;
    case VERDICT_CHALLENGE:
        challenge(auth);
        break;
    case VERDICT_CHANGE_PASSWORD:
        engine_auth_change_password(engine, auth->prompt.items[0], auth->prompt.items[1]);
        break;
    case VERDICT_REFUSE:
        refuse(auth, false);
        break;
    }
}

/* ---- the task of a request ---- */

static int run(void *arg)
{
    struct auth_server *auth = arg;
    int verdict = auth->over ? VERDICT_REFUSE : judge(auth);
    if (!auth->over && verdict == VERDICT_REFUSE)
        wait_before_refusal(auth);
    if (!auth->over && verdict < 0)
        conn_handler_failed(auth->conn, verdict, last_error());
    return verdict;
}

static void run_done(int verdict, void *arg)
{
    struct auth_server *auth = arg;
    sshio_conn *conn = auth->conn;
    auth->task = NULL;
    if (!auth->over && verdict >= 0 && !engine_ended(conn->engine)) {
        reply(auth, verdict);
        conn_verdict_given(conn);
    }
    texts_done(&auth->prompt);
    request_done(&auth->answer);
    auth->request = NULL;
    if (conn->authenticated)
        auth_server_free(conn);
    conn_release(conn);
}

static struct auth_server *get_auth(sshio_conn *conn)
{
    struct auth_server *auth = conn->auth_server;
    if (auth != NULL)
        return auth;
    auth = mem_zalloc(sizeof *auth);
    if (auth == NULL || !auth_progress_init(&auth->progress, &conn->settings->required_auth)) {
        mem_free(auth);
        return NULL;
    }
    auth->conn = conn;
    conn->auth_server = auth;
    return auth;
}

static int start(sshio_conn *conn, const struct auth_request *request, struct error *e)
{
    struct auth_server *auth = get_auth(conn);
    if (auth == NULL)
        return error_nomem(e);
    auth->request = request;
    auth->started_ms = loop_now_ms(conn->loop);
    conn_hold(conn);
    int rc = task_start(conn->loop, run, auth, run_done, &auth->task, e);
    if (rc != 0)
        conn_release(conn);
    return rc;
}

void auth_server_requested(sshio_conn *conn, const struct auth_request *request)
{
    struct error e;
    error_init(&e);
    if (start(conn, request, &e) != 0)
        conn_fail_later(conn, &e);
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

void auth_server_free(sshio_conn *conn)
{
    struct auth_server *auth = conn->auth_server;
    if (auth == NULL)
        return;
    conn->auth_server = NULL;
    auth_progress_done(&auth->progress);
    mem_free(auth->device);
    mem_free(auth);
}
