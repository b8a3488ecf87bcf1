/* Authentication, of both roles. A client is told an answer only to a request that is out, and is logged in by nothing
 * but the answer to one. A server has given a verdict before anybody is logged in, and is shown no request that breaks
 * what engine.h promises of it. */
#include "owner.h"

#define PROMPTS_MAX 64

/* ---- client ---- */

static void answered(struct owner *o)
{
    must(o->client.pending);
    o->client.pending = false;
}

void owner_auth_ready(void *owner)
{
    (void)owner;
}

void owner_auth_failed(void *owner, struct span methods, bool partial_success)
{
    struct span name;
    (void)partial_success;
    while (name_list_next(&methods, &name))
        must(name.len > 0);
    answered(owner);
}

void owner_auth_key_accepted(void *owner, struct span alg, struct span blob)
{
    struct owner *o = owner;
    must(o->client.query && span_is(alg, "alg") && span_is(blob, "blob"));
    answered(o);
}

void owner_auth_password_change(void *owner, struct span prompt, struct span lang)
{
    (void)prompt, (void)lang;
    answered(owner);
}

void owner_auth_challenged(void *owner, const struct auth_challenge *challenge)
{
    struct owner *o = owner;
    must(o->client.kbdint && challenge->count <= limits_default.kbdint_prompts);
    for (size_t i = 0; i < challenge->count; i++)
        must(!span_has_nul(challenge->prompts[i].text));
    o->client.challenged = true;
    o->client.prompts = challenge->count;
    answered(o);
}

void owner_auth_banner(void *owner, struct span msg, struct span lang)
{
    (void)owner, (void)msg, (void)lang;
}

static int request(struct engine *e, uint8_t kind)
{
    switch (kind) {
    case 0:
        return engine_auth_none(e, "user");
    case 1:
        return engine_auth_password(e, "user", "password");
    case 2:
        return engine_auth_password_new(e, "user", "old", "new");
    case 3:
        return engine_auth_query(e, "user", span_of("alg"), span_of("blob"));
    case 5:
        return engine_auth_kbdint(e, "user", "");
    default:
        return engine_auth_publickey(e, "user", span_of("alg"), span_of("blob"), span_of("signature"));
    }
}

/* Now and then with one answer too many. */
static void respond(struct owner *o, uint8_t operation)
{
    static const char *responses[PROMPTS_MAX + 1];
    size_t count = o->client.prompts + ((operation - FUZZ_LOCAL) / 7 % 4 == 3);
    for (size_t i = 0; i < count; i++)
        responses[i] = "answer";
    bool may = o->client.challenged && count == o->client.prompts && !engine_ended(o->e);
    must((engine_auth_respond(o->e, responses, count) == 0) == may);
    if (may) {
        o->client.challenged = false;
        o->client.pending = true;
    }
}

/* What tells no secret may be asked before the service was accepted. */
static bool is_time_for(const struct engine *e, uint8_t kind)
{
    bool tells_no_secret = kind == 0 || kind == 3 || kind == 4;
    return e->auth.stage == AUTH_RUNNING || (e->auth.stage == AUTH_SERVICE && tells_no_secret);
}

static void ask(struct owner *o, uint8_t operation)
{
    uint8_t kind = (uint8_t)((operation - FUZZ_LOCAL) % 7);
    if (kind == 6) {
        respond(o, operation);
        return;
    }
    bool may = !o->client.pending && is_time_for(o->e, kind) && !engine_ended(o->e);
    must((request(o->e, kind) == 0) == may);
    if (may) {
        o->client.pending = true;
        o->client.query = kind == 3;
        o->client.kbdint = kind == 5;
        o->client.challenged = false;
    }
}

/* ---- server ---- */

static void check_responses(const struct owner *o, const struct auth_request *request)
{
    must(!request->is_response || o->server.asked);
    if (request->method != AUTH_KBDINT || !request->is_response)
        return;
    must(request->response_count == o->server.prompts);
    for (size_t i = 0; i < request->response_count; i++)
        must(strlen(request->responses[i]) <= limits_default.password_len);
}

void owner_auth_requested(void *owner, const struct auth_request *request)
{
    struct owner *o = owner;
    must(!o->server.open && !o->server.accepted);
    must(strlen(request->user) <= limits_default.user_len);
    must(request->password == NULL || strlen(request->password) <= limits_default.password_len);
    must(request->method != AUTH_KBDINT || request->is_response || request->submethods != NULL);
    check_responses(o, request);
    must((request->method == AUTH_PASSWORD) == (request->password != NULL));
    must(!request->has_signature || request->signed_data.len > request->key_blob.len);
    o->server.open = true;
}

static bool challenge(struct owner *o, uint8_t operation)
{
    static const sshio_prompt prompts[] = { { .text = "one" }, { .text = "", .echo = true }, { .text = "three" } };
    bool is_kbdint = o->e->auth.request.method == AUTH_KBDINT;
    o->server.prompts = operation / 8 % 4;
    o->server.asked = operation % 4 == 1 && is_kbdint &&
                      engine_auth_challenge(o->e, "name", "", "", prompts, o->server.prompts) == 0;
    return o->server.asked;
}

static void decide(struct owner *o, uint8_t operation)
{
    if (!o->server.open)
        return;
    bool is_query = o->e->auth.request.method == AUTH_PUBLICKEY && !o->e->auth.request.has_signature;
    bool is_password = o->e->auth.request.method == AUTH_PASSWORD;
    o->server.open = false;
    if (challenge(o, operation))
        return;
    if (operation % 4 == 0 && is_query)
        engine_auth_key_ok(o->e);
    else if (operation % 4 == 1 && is_password)
        engine_auth_change_password(o->e, "prompt", "");
    else if (operation % 4 == 2)
        engine_auth_refuse(o->e, "publickey,password", operation % 8 == 2);
    else if ((o->server.accepted = !engine_ended(o->e)))
        engine_auth_accept(o->e);
}

/* ---- both ---- */

void owner_authenticated(void *owner)
{
    struct owner *o = owner;
    if (o->e->config->server) {
        must(o->server.accepted);
        return;
    }
    must(!o->client.query);
    o->client.logged_in = true;
    answered(o);
}

void owner_authenticate(struct owner *o, uint8_t operation)
{
    if (o->e->config->server)
        decide(o, operation);
    else
        ask(o, operation);
}
