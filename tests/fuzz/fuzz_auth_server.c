/* A server during authentication: whatever comes, a verdict has been given before anybody is logged in, and no request
 * is shown that breaks what engine.h promises of it. */
#include "fuzz_engine.h"

struct server {
    struct engine *e;
    bool accepted, open;
    bool asked;     /* the last verdict was a challenge … */
    size_t prompts; /* … with so many prompts */
};

static void check_responses(const struct server *s, const struct auth_request *request)
{
    must(!request->is_response || s->asked);
    if (request->method != AUTH_KBDINT || !request->is_response)
        return;
    must(request->response_count == s->prompts);
    for (size_t i = 0; i < request->response_count; i++)
        must(strlen(request->responses[i]) <= limits_default.password_len);
}

static void requested(void *owner, const struct auth_request *request)
{
    struct server *s = owner;
    must(!s->open && !s->accepted);
    must(strlen(request->user) <= limits_default.user_len);
    must(request->password == NULL || strlen(request->password) <= limits_default.password_len);
    must(request->method != AUTH_KBDINT || request->is_response || request->submethods != NULL);
    check_responses(s, request);
    must((request->method == AUTH_PASSWORD) == (request->password != NULL));
    must(!request->has_signature || request->signed_data.len > request->key_blob.len);
    s->open = true;
}

static void authenticated(void *owner)
{
    struct server *s = owner;
    must(s->accepted);
}

static void global_request(void *owner, struct span name, bool want_reply, struct span data)
{
    struct server *s = owner;
    (void)name, (void)want_reply, (void)data;
    engine_global_reply(s->e, false, SPAN(NULL, 0));
}

static const struct engine_events events = {
    .auth_requested = requested,
    .authenticated = authenticated,
    .channel_requested = fuzz_refuse_channel,
    .global_request = global_request,
};

static void act(struct server *s, uint8_t operation)
{
    static const sshio_prompt prompts[] = { { .text = "one" }, { .text = "", .echo = true }, { .text = "three" } };
    if (!s->open)
        return;
    bool is_kbdint = s->e->auth.request.method == AUTH_KBDINT;
    s->prompts = operation / 8 % 4;
    s->asked = operation % 4 == 1 && is_kbdint && engine_auth_challenge(s->e, "name", "", "", prompts, s->prompts) == 0;
    if (s->asked) {
        s->open = false;
        return;
    }
    bool is_query = s->e->auth.request.method == AUTH_PUBLICKEY && !s->e->auth.request.has_signature;
    bool is_password = s->e->auth.request.method == AUTH_PASSWORD;
    s->open = false;
    if (operation % 4 == 0 && is_query)
        engine_auth_key_ok(s->e);
    else if (operation % 4 == 1 && is_password)
        engine_auth_change_password(s->e, "prompt", "");
    else if (operation % 4 == 2)
        engine_auth_refuse(s->e, "publickey,password", operation % 8 == 2);
    else if ((s->accepted = !engine_ended(s->e)))
        engine_auth_accept(s->e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct engine_config config = { .server = true, .version = "sshio_fuzz", .limits = limits_default };
    struct engine_buffers buffers;
    struct server s = { .open = false };
    struct fuzz_record record;
    struct reader r;
    reader_init(&r, data, size);
    s.e = fuzz_engine_new(&config, &events, &s, &buffers, size % 2 == 0 ? AUTH_SERVICE : AUTH_RUNNING);
    while (!engine_ended(s.e) && fuzz_next(&r, &record)) {
        if (record.operation >= FUZZ_LOCAL)
            act(&s, record.operation);
        else if (!engine_waiting(s.e))
            fuzz_receive(s.e, record.operation, record.bytes);
        must(engine_is_authenticated(s.e) == s.accepted || engine_ended(s.e));
        fuzz_drop_output(s.e);
    }
    fuzz_engine_done(s.e, &buffers);
    return 0;
}
