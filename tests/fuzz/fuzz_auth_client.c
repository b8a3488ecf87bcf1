/* A client during authentication: whatever the server sends, an answer is reported only to a request that is out, and
 * nobody is logged in by anything but the answer to one. */
#include "fuzz_engine.h"

#define PROMPTS_MAX 64

struct client {
    struct engine *e;
    bool pending, query, kbdint;
    bool challenged;
    size_t prompts;
};

static void answered(struct client *c)
{
    must(c->pending);
    c->pending = false;
}

static void auth_failed(void *owner, struct span methods, bool partial_success)
{
    struct span name;
    (void)partial_success;
    while (name_list_next(&methods, &name))
        must(name.len > 0);
    answered(owner);
}

static void auth_key_accepted(void *owner, struct span alg, struct span blob)
{
    struct client *c = owner;
    must(c->query && span_is(alg, "alg") && span_is(blob, "blob"));
    answered(c);
}

static void auth_password_change(void *owner, struct span prompt, struct span lang)
{
    (void)prompt, (void)lang;
    answered(owner);
}

static void auth_challenged(void *owner, const struct auth_challenge *challenge)
{
    struct client *c = owner;
    must(c->kbdint && challenge->count <= limits_default.kbdint_prompts);
    for (size_t i = 0; i < challenge->count; i++)
        must(!span_has_nul(challenge->prompts[i].text));
    c->challenged = true;
    c->prompts = challenge->count;
    answered(c);
}

static void authenticated(void *owner)
{
    struct client *c = owner;
    must(!c->query);
    answered(c);
}

static void auth_ready(void *owner)
{
    (void)owner;
}

static void auth_banner(void *owner, struct span msg, struct span lang)
{
    (void)owner, (void)msg, (void)lang;
}

static void global_request(void *owner, struct span name, bool want_reply, struct span data)
{
    struct client *c = owner;
    (void)name, (void)want_reply, (void)data;
    engine_global_reply(c->e, false, SPAN(NULL, 0));
}

static const struct engine_events events = {
    .channel_requested = fuzz_refuse_channel,
    .global_request = global_request,
    .auth_ready = auth_ready,
    .auth_failed = auth_failed,
    .auth_key_accepted = auth_key_accepted,
    .auth_password_change = auth_password_change,
    .auth_challenged = auth_challenged,
    .auth_banner = auth_banner,
    .authenticated = authenticated,
};

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
static void respond(struct client *c, uint8_t operation)
{
    static const char *responses[PROMPTS_MAX + 1];
    size_t count = c->prompts + ((operation - FUZZ_LOCAL) / 7 % 4 == 3);
    for (size_t i = 0; i < count; i++)
        responses[i] = "answer";
    bool may = c->challenged && count == c->prompts && !engine_ended(c->e);
    must((engine_auth_respond(c->e, responses, count) == 0) == may);
    if (may) {
        c->challenged = false;
        c->pending = true;
    }
}

static void act(struct client *c, uint8_t operation)
{
    if ((operation - FUZZ_LOCAL) % 7 == 6) {
        respond(c, operation);
        return;
    }
    uint8_t kind = (uint8_t)((operation - FUZZ_LOCAL) % 7);
    bool may = !c->pending && c->e->auth.stage == AUTH_RUNNING && !engine_ended(c->e);
    must((request(c->e, kind) == 0) == may);
    if (may) {
        c->pending = true;
        c->query = kind == 3;
        c->kbdint = kind == 5;
        c->challenged = false;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct engine_config config = { .version = "sshio_fuzz", .limits = limits_default };
    struct engine_buffers buffers;
    struct client c = { .pending = false };
    struct fuzz_record record;
    struct reader r;
    reader_init(&r, data, size);
    c.e = fuzz_engine_new(&config, &events, &c, &buffers, size % 2 == 0 ? AUTH_SERVICE : AUTH_RUNNING);
    while (!engine_ended(c.e) && fuzz_next(&r, &record)) {
        if (record.operation >= FUZZ_LOCAL)
            act(&c, record.operation);
        else
            fuzz_receive(c.e, record.operation, record.bytes);
        fuzz_drop_output(c.e);
    }
    fuzz_engine_done(c.e, &buffers);
    return 0;
}
