/* The publickey method (RFC 4252 section 7): query, PK_OK, and the signed request.
 *
 * A query leaves no state on the server (A1): the signed request carries everything again and
 * decides alone. */
#include "engine/auth.h"
#include "engine/internal.h"

/* What the signature covers: the session and the request up to the signature. */
static void put_signed_data(const struct engine *e, struct writer *w, const char *user, struct span alg,
                            struct span blob)
{
    put_span(w, engine_session_id(e));
    put_u8(w, MSG_USERAUTH_REQUEST);
    put_text(w, user);
    put_text(w, AUTH_SERVICE_NAME);
    put_text(w, auth_publickey.name);
    put_bool(w, true);
    put_span(w, alg);
    put_span(w, blob);
}

static bool read_request(struct engine *e, struct reader *r)
{
    struct auth *a = &e->auth;
    struct auth_request *request = &a->request;
    request->has_signature = read_bool(r);
    request->key_alg = read_text(r);
    request->key_blob = read_string(r);
    if (request->has_signature)
        request->signature = read_string(r);
    if (!reader_done(r) || !request->has_signature)
        return reader_done(r);
    put_signed_data(e, &a->signed_data, a->user, request->key_alg, request->key_blob);
    if (writer_failed(&a->signed_data)) {
        engine_out_of_memory(e);
        return false;
    }
    request->signed_data = writer_span(&a->signed_data);
    return true;
}

/* PK_OK */
static void on_message(struct engine *e, struct reader *r)
{
    struct auth *a = &e->auth;
    struct span answer = read_rest(&(struct reader){ .at = r->at, .end = r->end });
    struct span alg = read_string(r);
    struct span blob = read_string(r);
    if (e->message_number != MSG_USERAUTH_PK_OK || !a->query || !reader_done(r)) {
        engine_protocol_error(e, "Unexpected answer to a publickey request");
        return;
    }
    if (!span_equal(answer, writer_span(&a->queried))) {
        engine_protocol_error(e, "Key mismatch");
        return;
    }
    a->pending = NULL;
    a->query = false;
    e->events->auth_key_accepted(e->owner, alg, blob);
}

const struct auth_method_row auth_publickey = {
    .name = "publickey",
    .method = AUTH_PUBLICKEY,
    .read_request = read_request,
    .on_message = on_message,
};

/* ---- client ---- */

int engine_auth_query(struct engine *e, const char *user, struct span alg, struct span blob)
{
    struct auth *a = &e->auth;
    struct writer *w = auth_begin_request(e, &auth_publickey, user);
    if (w == NULL)
        return SSHIO_EINVAL;
    writer_reset(&a->queried);
    put_span(&a->queried, alg);
    put_span(&a->queried, blob);
    if (writer_failed(&a->queried))
        return SSHIO_ENOMEM;
    put_bool(w, false);
    put_span(w, alg);
    put_span(w, blob);
    auth_send_request(e, &auth_publickey);
    a->query = true;
    return 0;
}

int engine_auth_signed_data(struct engine *e, const char *user, struct span alg, struct span blob, struct writer *w)
{
    put_signed_data(e, w, user, alg, blob);
    return writer_failed(w) ? SSHIO_ENOMEM : 0;
}

int engine_auth_publickey(struct engine *e, const char *user, struct span alg, struct span blob, struct span signature)
{
    struct writer *w = auth_begin_request(e, &auth_publickey, user);
    if (w == NULL)
        return SSHIO_EINVAL;
    put_bool(w, true);
    put_span(w, alg);
    put_span(w, blob);
    put_span(w, signature);
    auth_send_request(e, &auth_publickey);
    return 0;
}

/* ---- server ---- */

void engine_auth_key_ok(struct engine *e)
{
    const struct auth_request *request = &e->auth.request;
    if (!e->auth.asked || e->ended || request->method != AUTH_PUBLICKEY || request->has_signature)
        return;
    engine_enter(e);
    struct writer *w = engine_message(e, MSG_USERAUTH_PK_OK);
    put_span(w, request->key_alg);
    put_span(w, request->key_blob);
    engine_send(e);
    auth_end_question(e);
    engine_leave(e);
}
