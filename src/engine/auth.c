/* The frame of user authentication (RFC 4252 sections 3 to 6): the service, one request at a time,
 * verdicts, counting, banners. What is particular to a method stands in auth_<method>.c. */
#include "engine/auth.h"

#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "engine/internal.h"
#include "engine/peer_text.h"
#include "engine/quirks.h"

#define SERVICE "ssh-userauth"
#define BANNERS_MAX (64u * 1024) /* that wait for the service */

static const struct auth_method_row *const methods[] = {
    &auth_none,
    &auth_password,
    &auth_publickey,
    &auth_kbdint,
};

void auth_init(struct auth *a)
{
    *a = (struct auth){ .stage = AUTH_IDLE };
    writer_init(&a->queried, 1024 * 1024);
    writer_init(&a->signed_data, 1024 * 1024);
    writer_init(&a->banners, BANNERS_MAX);
}

static void free_text(char **text)
{
    if (*text != NULL)
        mem_free_secret(*text, strlen(*text));
    *text = NULL;
}

/* Nothing of the last question is left but whose it was. */
static void forget_question(struct auth *a)
{
    if (a->copy != NULL)
        mem_free_secret(a->copy, a->copy_len);
    a->copy = NULL;
    free_text(&a->password);
    free_text(&a->new_password);
    free_text(&a->lang);
    free_text(&a->submethods);
    texts_done(&a->responses);
    writer_reset(&a->signed_data);
    a->request = (struct auth_request){ .user = NULL };
    a->asked = false;
}

static void forget_request(struct auth *a)
{
    forget_question(a);
    free_text(&a->user);
    a->dialogue = NULL;
}

void auth_done(struct auth *a)
{
    forget_request(a);
    writer_done(&a->queried);
    writer_done(&a->signed_data);
    writer_done(&a->banners);
}

/* A request that was asked stays as long as the engine: its judge may still be looking at it. */
void auth_end(struct engine *e)
{
    if (!e->auth.asked)
        auth_done(&e->auth);
    e->auth.pending = NULL;
    e->waiting = false;
}

static void log_in(struct engine *e)
{
    struct auth *a = &e->auth;
    a->stage = AUTH_DONE;
    auth_done(a);
    engine_logged_in(e);
}

void auth_malformed(struct engine *e)
{
    engine_protocol_error(e, "Invalid %s", message_name(e->message_number));
}

/* ---- the service ---- */

static void send_service(struct engine *e, uint8_t number)
{
    put_text(engine_message(e, number), SERVICE);
    engine_send(e);
}

static bool waits_for_service(const struct engine *e)
{
    return (e->quirks & QUIRK_LOST_BY_EARLY_LOGIN) != 0;
}

static void tell_asked(struct engine *e)
{
    if (e->events->auth_asked != NULL)
        e->events->auth_asked(e->owner);
}

/* The client's first request goes out with the one for the service, which saves a round trip: a server that refuses the
 * service ends the connection, and nobody has been told a secret by then. */
void auth_start(struct engine *e)
{
    e->auth.stage = AUTH_SERVICE;
    if (e->config->server)
        return;
    send_service(e, MSG_SERVICE_REQUEST);
    if (!waits_for_service(e))
        tell_asked(e);
}

/* Asking again is let through by admission for known peers only. */
static bool service_is_awaited(const struct engine *e)
{
    return e->auth.stage == AUTH_SERVICE || (e->config->server && e->auth.stage == AUTH_RUNNING);
}

/* Whether the message names the service that is awaited, now; if not, the connection has ended. */
static bool check_service(struct engine *e, struct reader *r)
{
    struct span name = read_text(r);
    if (!reader_done(r)) {
        auth_malformed(e);
        return false;
    }
    if (!service_is_awaited(e) || !span_is(name, SERVICE)) {
        engine_error(e, SSHIO_ESERVICE_NOT_AVAILABLE, "Unexpected service in %s", message_name(e->message_number));
        return false;
    }
    return true;
}

static void send_banner(struct engine *e, struct span msg, struct span lang)
{
    struct writer *w = engine_message(e, MSG_USERAUTH_BANNER);
    put_span(w, msg);
    put_span(w, lang);
    engine_send(e);
}

static void send_held_banners(struct engine *e)
{
    struct span held = writer_span(&e->auth.banners);
    struct reader r;
    reader_init(&r, held.data, held.len);
    while (reader_left(&r) > 0) {
        struct span msg = read_string(&r);
        struct span lang = read_string(&r);
        send_banner(e, msg, lang);
    }
    writer_reset(&e->auth.banners);
}

void auth_on_service_request(struct engine *e, struct reader *r)
{
    if (!check_service(e, r))
        return;
    e->auth.stage = AUTH_RUNNING;
    send_service(e, MSG_SERVICE_ACCEPT);
    send_held_banners(e);
}

void auth_on_service_accept(struct engine *e, struct reader *r)
{
    if (!check_service(e, r))
        return;
    e->auth.stage = AUTH_RUNNING;
    if (waits_for_service(e))
        tell_asked(e);
    if (e->events->auth_ready != NULL)
        e->events->auth_ready(e->owner);
}

/* ---- client ---- */

struct writer *auth_begin_request(struct engine *e, const struct auth_method_row *method, const char *user)
{
    struct auth *a = &e->auth;
    bool may_be_early = (method == &auth_none || method == &auth_publickey) && !waits_for_service(e);
    bool in_time = a->stage == AUTH_RUNNING || (a->stage == AUTH_SERVICE && may_be_early);
    if (e->config->server || e->ended || !in_time || a->pending != NULL)
        return NULL;
    /* A server that refuses for ever must not keep a client busy for ever. */
    if (a->requests >= e->config->limits.auth_requests) {
        engine_error(e, SSHIO_EPERMISSION_DENIED, "Too many authentication requests");
        return NULL;
    }
    a->requests++;
    a->dialogue = NULL;
    struct writer *w = engine_message(e, MSG_USERAUTH_REQUEST);
    put_text(w, user);
    put_text(w, AUTH_SERVICE_NAME);
    put_text(w, method->name);
    return w;
}

void auth_send_request(struct engine *e, const struct auth_method_row *method)
{
    e->auth.pending = method;
    e->auth.query = false;
    if (method->is_secret)
        engine_send_padded(e);
    else
        engine_send(e);
}

/* Whether a request of ours is out that this message may answer (S3); if not, the connection has
 * ended. */
static bool check_pending(struct engine *e)
{
    if (e->auth.pending != NULL)
        return true;
    engine_protocol_error(e, "%s without a request", message_name(e->message_number));
    return false;
}

void auth_on_failure(struct engine *e, struct reader *r)
{
    struct span list = read_name_list(r);
    bool partial_success = read_bool(r);
    if (!reader_done(r)) {
        auth_malformed(e);
    } else if (check_pending(e)) {
        e->auth.pending = NULL;
        e->events->auth_failed(e->owner, list, partial_success);
    }
}

void auth_on_success(struct engine *e, struct reader *r)
{
    if (!reader_done(r)) {
        auth_malformed(e);
    } else if (check_pending(e)) {
        e->auth.pending = NULL;
        if (e->auth.query)
            engine_protocol_error(e, "Success in answer to a key query");
        else
            log_in(e);
    }
}

void auth_on_banner(struct engine *e, struct reader *r)
{
    struct span msg = read_text(r);
    struct span lang = read_text(r);
    struct peer_text banner;
    if (!reader_done(r)) {
        auth_malformed(e);
    } else if (peer_text_read(&banner, e, message_name(e->message_number), msg, lang)) {
        e->events->auth_banner(e->owner, banner.text, lang);
        peer_text_done(&banner);
    }
}

void auth_on_method_message(struct engine *e, struct reader *r)
{
    const struct auth_method_row *method = e->config->server ? e->auth.dialogue : e->auth.pending;
    if (method == NULL || method->on_message == NULL)
        engine_protocol_error(e, "Unexpected authentication message %u", (unsigned)e->message_number);
    else
        method->on_message(e, r);
}

/* ---- server: requests ---- */

static const struct auth_method_row *find_method(struct span name)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (span_is(name, methods[i]->name))
            return methods[i];
    return NULL;
}

/* Whether a request can be looked at at all; if not, the connection has ended. */
static bool check_request(struct engine *e, struct span user, struct span service)
{
    const struct limits *limits = &e->config->limits;
    if (e->auth.requests >= limits->auth_requests)
        engine_error(e, SSHIO_EPERMISSION_DENIED, "Too many authentication requests");
    else if (user.len > limits->user_len)
        engine_error(e, SSHIO_EILLEGAL_USER_NAME, "User name of %zu bytes", user.len);
    else if (span_has_nul(user) || !utf8_valid(user))
        engine_error(e, SSHIO_EILLEGAL_USER_NAME, "User name is not valid text");
    else if (!span_is(service, AUTH_SERVICE_NAME))
        engine_error(e, SSHIO_ESERVICE_NOT_AVAILABLE, "Unexpected service in %s", message_name(e->message_number));
    else
        return true;
    return false;
}

/* Reads the request out of its copy. False = it was malformed, or there is no memory; the
 * connection has ended. */
static bool read_request(struct engine *e)
{
    struct auth *a = &e->auth;
    struct auth_request *request = &a->request;
    struct reader r;
    reader_init(&r, a->copy, a->copy_len);
    struct span user = read_string(&r);
    (void)read_string(&r);
    request->method_name = read_text(&r);
    request->method = AUTH_UNKNOWN;
    a->user = span_dup_text(user);
    if (a->user == NULL) {
        engine_out_of_memory(e);
        return false;
    }
    const struct auth_method_row *method = find_method(request->method_name);
    if (method == NULL && !reader_failed(&r))
        return true;
    if (method != NULL) {
        request->method = method->method;
        if (method->read_request(e, &r) && reader_done(&r))
            return true;
    }
    if (!e->ended)
        auth_malformed(e);
    return false;
}

static void take_request(struct engine *e, struct span message)
{
    struct auth *a = &e->auth;
    if (!span_dup(message, &a->copy)) {
        engine_out_of_memory(e);
        return;
    }
    a->copy_len = message.len;
    if (!read_request(e)) {
        forget_request(a);
        return;
    }
    auth_ask(e);
}

void auth_ask(struct engine *e)
{
    struct auth *a = &e->auth;
    a->request.user = a->user;
    a->asked = true;
    e->waiting = true;
    e->events->auth_requested(e->owner, &a->request);
}

void auth_on_request(struct engine *e, struct reader *r)
{
    struct auth *a = &e->auth;
    struct reader whole = *r;
    struct span user = read_string(r);
    struct span service = read_string(r);
    if (a->stage == AUTH_DONE) {
        /* RFC 4252 5.1: what came before the client saw the success is dropped; afterwards it
         * knows. */
        if (a->connection_seen)
            engine_protocol_error(e, "Authentication request after login");
        return;
    }
    if (reader_failed(r) || a->stage != AUTH_RUNNING || a->asked) {
        auth_malformed(e);
        return;
    }
    if (!check_request(e, user, service))
        return;
    a->requests++;
    forget_request(a);
    take_request(e, read_rest(&whole));
}

bool auth_read_secret(struct reader *r, char **text)
{
    struct span s = read_text(r);
    if (!reader_failed(r))
        *text = span_dup_text(s);
    return !reader_failed(r) && *text != NULL;
}

/* ---- server: verdicts ---- */

void auth_end_question(struct engine *e)
{
    forget_request(&e->auth);
    e->waiting = false;
}

void auth_begin_dialogue(struct engine *e, const struct auth_method_row *method)
{
    forget_question(&e->auth);
    e->auth.dialogue = method;
    e->waiting = false;
}

void engine_auth_accept(struct engine *e)
{
    if (!e->auth.asked || e->ended)
        return;
    engine_enter(e);
    auth_end_question(e);
    (void)engine_message(e, MSG_USERAUTH_SUCCESS);
    engine_send(e);
    if (!e->ended)
        log_in(e);
    engine_leave(e);
}

/* Whether the refusal uses up a try: not progress, nor the none that every client begins with. */
static bool counts(const struct auth *a, bool partial_success)
{
    return !partial_success && !(a->requests == 1 && a->request.method == AUTH_NONE);
}

void engine_auth_refuse(struct engine *e, const char *list, bool partial_success)
{
    struct auth *a = &e->auth;
    if (!a->asked || e->ended)
        return;
    engine_enter(e);
    if (counts(a, partial_success))
        a->tries++;
    auth_end_question(e);
    if (a->tries >= e->config->limits.auth_tries) {
        engine_error(e, SSHIO_EPERMISSION_DENIED, "Too many authentication failures");
    } else {
        struct writer *w = engine_message(e, MSG_USERAUTH_FAILURE);
        put_text(w, list);
        put_bool(w, partial_success);
        engine_send(e);
    }
    engine_leave(e);
}

void engine_auth_banner(struct engine *e, const char *msg, const char *lang)
{
    struct auth *a = &e->auth;
    if (e->ended || a->stage == AUTH_DONE)
        return;
    if (a->stage == AUTH_RUNNING) {
        send_banner(e, span_of(msg), span_of(lang));
        return;
    }
    put_text(&a->banners, msg);
    put_text(&a->banners, lang);
    if (writer_failed(&a->banners))
        engine_out_of_memory(e);
}
