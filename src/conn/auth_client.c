/* The client's side of authentication, as straight-line code in a task: ask with none what the server takes, or begin
 * with the credential that would be the first anyway, which saves a round trip; then go through the methods in the
 * order of the options, each with its next credential, from the start again after every refusal, until nothing is left
 * to offer. The codecs are the engine's. (RFC 4252 5) */
#include "conn/auth_client.h"

#include "base/memory.h"
#include "conn/key_files.h"
#include "io/last_error.h"
#include "io/task.h"

/* ---- answers, from the engine's events ---- */

static void forget_answer(struct auth_client *auth)
{
    texts_done(&auth->texts);
    mem_free(auth->echo);
    auth->echo = NULL;
}

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

/* An answer that finds no memory ends the connection. */
static void out_of_memory(sshio_conn *conn)
{
    struct error e;
    error_init(&e);
    error_nomem(&e);
    conn_fail_later(conn, &e);
}

/* What the application hears of a change of password, if one is under way: as soon as it is known, and before
 * auth_completed. */
static void tell_change(sshio_conn *conn, bool changed)
{
    const sshio_client_handlers *h = &conn->settings->client;
    if (!conn->auth_client->changing)
        return;
    conn->auth_client->changing = false;
    void (*tell)(sshio_conn *, void *) = changed ? h->password_changed : h->password_change_failed;
    if (tell != NULL)
        tell(conn, conn->user);
}

void auth_client_failed(sshio_conn *conn, struct span methods, bool partial_success)
{
    char escaped[256];
    if (conn->auth_client == NULL)
        return;
    mem_free(conn->auth_methods);
    conn->auth_methods = span_dup_text(methods);
    log_debug(conn->logger, 1, "%sServer takes authentication by: %s", partial_success ? "Partial success; " : "",
              log_escaped(methods, escaped, sizeof escaped));
    conn->auth_client->partial_success = partial_success;
    tell_change(conn, partial_success);
    answered(conn, ANSWER_FAILURE);
}

void auth_client_key_accepted(sshio_conn *conn, struct span alg, struct span blob)
{
    (void)alg, (void)blob; /* the engine has compared them with the query */
    answered(conn, ANSWER_KEY_OK);
}

void auth_client_password_change(sshio_conn *conn, struct span prompt, struct span lang)
{
    struct auth_client *auth = conn->auth_client;
    char escaped[256];
    if (auth == NULL)
        return;
    log_info(conn->logger, "Server asks for a new password: %s", log_escaped(prompt, escaped, sizeof escaped));
    tell_change(conn, false);
    forget_answer(auth);
    if (texts_add_len(&auth->texts, (const char *)prompt.data, prompt.len) &&
        texts_add_len(&auth->texts, (const char *)lang.data, lang.len))
        answered(conn, ANSWER_PASSWORD_CHANGE);
    else
        out_of_memory(conn);
}

static bool keep_challenge(struct auth_client *auth, const struct auth_challenge *c)
{
    const struct span heads[] = { c->name, c->instructions, c->lang };
    auth->echo = mem_array(c->count + 1, sizeof *auth->echo);
    if (auth->echo == NULL)
        return false;
    for (size_t i = 0; i < 3; i++)
        if (!texts_add_len(&auth->texts, (const char *)heads[i].data, heads[i].len))
            return false;
    for (size_t i = 0; i < c->count; i++) {
        auth->echo[i] = c->prompts[i].echo;
        if (!texts_add_len(&auth->texts, (const char *)c->prompts[i].text.data, c->prompts[i].text.len))
            return false;
    }
    return true;
}

void auth_client_challenged(sshio_conn *conn, const struct auth_challenge *challenge)
{
    struct auth_client *auth = conn->auth_client;
    if (auth == NULL)
        return;
    log_debug(conn->logger, 1, "Received keyboard-interactive challenge with %zu prompt(s)", challenge->count);
    forget_answer(auth);
    if (keep_challenge(auth, challenge))
        answered(conn, ANSWER_CHALLENGE);
    else
        out_of_memory(conn);
}

static void refuse_trivial(sshio_conn *conn)
{
    struct error e;
    error_init(&e);
    error_set(&e, SSHIO_EPERMISSION_DENIED, "Trivial auth disabled: the server let user %s in without a credential",
              conn->username);
    engine_fail(conn->engine, &e);
    error_clear(&e);
}

bool auth_client_success(sshio_conn *conn)
{
    const struct auth_client *auth = conn->auth_client;
    if (auth == NULL)
        return true;
    if (conn->settings->disable_trivial_auth && !auth->gave_something) {
        refuse_trivial(conn);
        return false;
    }
    tell_change(conn, true);
    answered(conn, ANSWER_SUCCESS);
    return true;
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

/* ---- waiting for them ---- */

static void cancel_answer(struct completion *c, int code)
{
    struct auth_client *auth = c->user;
    auth->waiting = NULL;
    completion_complete(c, code);
}

void auth_client_begin(struct auth_client *auth)
{
    auth->answer = ANSWER_NONE;
}

int auth_client_wait(struct auth_client *auth, int rc)
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

/* ---- the task ---- */

static int ask_none(struct auth_client *auth)
{
    auth_client_begin(auth);
    return auth_client_wait(auth, engine_auth_none(auth->conn->engine, auth->conn->username));
}

static const struct auth_client_method *find_method(struct span name)
{
    for (const struct auth_client_method *m = auth_client_methods; m->name != NULL; m++)
        if (span_is(name, m->name))
            return m;
    return NULL;
}

/* One attempt: with the first method of ours that the server takes and that has something to offer. */
static int try_next(struct auth_client *auth)
{
    const sshio_conn *conn = auth->conn;
    struct span rest = span_of(conn->settings->preferred_auth), name;
    while (!auth->over && name_list_next(&rest, &name)) {
        const struct auth_client_method *method = find_method(name);
        if (method == NULL || conn->auth_methods == NULL || !name_list_has(span_of(conn->auth_methods), method->name))
            continue;
        int answer = method->try(auth);
        if (answer != ANSWER_DECLINED)
            return answer;
    }
    return auth->over ? SSHIO_ECLOSED : ANSWER_DECLINED;
}

static int open_dialogue(struct auth_client *auth)
{
    const struct settings *s = auth->conn->settings;
    struct span rest = span_of(s->preferred_auth), name;
    const struct auth_client_method *first = NULL;
    while (first == NULL && name_list_next(&rest, &name))
        first = find_method(name);
    int answer = ANSWER_DECLINED;
    if (first != NULL && first->open != NULL && s->probe == PROBE_NOTHING)
        answer = first->open(auth);
    return answer == ANSWER_DECLINED ? ask_none(auth) : answer;
}

static int log_in(struct auth_client *auth)
{
    int answer = open_dialogue(auth);
    while (answer == ANSWER_FAILURE && auth->conn->settings->probe != PROBE_AUTH_METHODS)
        answer = try_next(auth);
    return answer;
}

static void give_up(struct auth_client *auth)
{
    sshio_conn *conn = auth->conn;
    const char *methods = conn->auth_methods != NULL && conn->auth_methods[0] != '\0' ? conn->auth_methods : "nothing";
    char escaped[256];
    struct error e;
    error_init(&e);
    error_set(&e, SSHIO_EPERMISSION_DENIED, "Permission denied for user %s on host %s (server takes: %s)",
              conn->username, conn->host != NULL && conn->host[0] != '\0' ? conn->host : conn->peer.host,
              log_escaped(span_of(methods), escaped, sizeof escaped));
    conn_fail_later(conn, &e);
    error_clear(&e);
}

static int run(void *arg)
{
    struct auth_client *auth = arg;
    sshio_conn *conn = auth->conn;
    int answer = auth->over ? SSHIO_ECLOSED : log_in(auth);
    if (auth->over || answer == ANSWER_SUCCESS)
        return 0;
    if (conn->settings->probe == PROBE_AUTH_METHODS && answer == ANSWER_FAILURE)
        sshio_conn_close(conn);
    else if (answer < 0 && answer != SSHIO_ECLOSED)
        conn_handler_failed(conn, answer, last_error());
    else
        give_up(auth);
    return 0;
}

static void run_done(int result, void *arg)
{
    struct auth_client *auth = arg;
    sshio_conn *conn = auth->conn;
    (void)result;
    conn->auth_client = NULL;
    forget_answer(auth);
    key_files_free(auth->more_keys);
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
