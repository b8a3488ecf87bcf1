/* The keyboard-interactive method (RFC 4256): the request, the challenges of the server and the answers of the client.
 *
 * A dialogue has as many rounds as the server likes, up to limits.kbdint_rounds; a challenge may ask nothing, and is
 * answered all the same (3.4). Counts on the wire are only believed as far as there are bytes for them (A9). */
#include "base/memory.h"
#include "base/utf8.h"
#include "engine/auth.h"
#include "engine/internal.h"

#define PROMPT_LEN_MIN 5 /* an empty text and its echo flag */

/* Text that will be shown to people or given to the owner; what is not UTF-8 fails the reader. */
static struct span read_utf8(struct reader *r)
{
    struct span text = read_text(r);
    if (!utf8_valid(text))
        r->failed = true;
    return text;
}

static struct span read_lang(struct reader *r)
{
    struct span lang = read_text(r);
    if (!utf8_is_ascii(lang))
        r->failed = true;
    return lang;
}

/* ---- client: challenges ---- */

/* False = there are too many, or no memory; the connection has ended. */
static bool read_prompts(struct engine *e, struct reader *r, struct auth_challenge *c, struct auth_prompt **prompts)
{
    uint32_t count = read_u32(r);
    if (count > reader_left(r) / PROMPT_LEN_MIN) {
        auth_malformed(e);
        return false;
    }
    if (count > e->config->limits.kbdint_prompts) {
        engine_protocol_error(e, "Challenge with %u prompts", (unsigned)count);
        return false;
    }
    *prompts = mem_array(count + 1, sizeof **prompts);
    if (*prompts == NULL) {
        engine_out_of_memory(e);
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        (*prompts)[i].text = read_utf8(r);
        (*prompts)[i].echo = read_bool(r);
    }
    c->prompts = *prompts;
    c->count = count;
    return true;
}

static void take_challenge(struct engine *e, const struct auth_challenge *challenge)
{
    struct auth *a = &e->auth;
    if (a->rounds >= e->config->limits.kbdint_rounds) {
        engine_protocol_error(e, "More than %u challenges", (unsigned)a->rounds);
        return;
    }
    a->rounds++;
    a->prompts = (uint32_t)challenge->count;
    a->pending = NULL;
    a->dialogue = &auth_kbdint;
    e->events->auth_challenged(e->owner, challenge);
}

static void on_challenge(struct engine *e, struct reader *r)
{
    struct auth_challenge challenge = { .count = 0 };
    struct auth_prompt *prompts = NULL;
    challenge.name = read_utf8(r);
    challenge.instructions = read_utf8(r);
    challenge.lang = read_lang(r);
    if (!read_prompts(e, r, &challenge, &prompts))
        return;
    if (reader_done(r))
        take_challenge(e, &challenge);
    else
        auth_malformed(e);
    mem_free(prompts);
}

/* ---- server: requests and responses ---- */

static bool read_request(struct engine *e, struct reader *r)
{
    struct auth *a = &e->auth;
    struct span lang = read_lang(r);
    struct span submethods = read_utf8(r);
    if (!reader_done(r))
        return false;
    a->rounds = 0;
    a->lang = span_dup_text(lang);
    a->submethods = span_dup_text(submethods);
    if (a->lang == NULL || a->submethods == NULL) {
        engine_out_of_memory(e);
        return false;
    }
    a->request.lang = a->lang;
    a->request.submethods = a->submethods;
    return true;
}

/* Reads all of them, and keeps them while they are fit to be looked at. */
static bool read_responses(struct engine *e, struct reader *r, bool *fit)
{
    struct auth *a = &e->auth;
    uint32_t count = read_u32(r);
    *fit = count == a->prompts;
    for (uint32_t i = 0; i < count && !reader_failed(r); i++) {
        struct span response = read_utf8(r);
        *fit = *fit && response.len <= e->config->limits.password_len;
        if (*fit && !reader_failed(r) && !texts_add_len(&a->responses, (const char *)response.data, response.len)) {
            engine_out_of_memory(e);
            return false;
        }
    }
    if (reader_done(r))
        return true;
    auth_malformed(e);
    return false;
}

static void on_responses(struct engine *e, struct reader *r)
{
    struct auth *a = &e->auth;
    bool fit;
    a->dialogue = NULL;
    if (!read_responses(e, r, &fit)) {
        texts_done(&a->responses);
        return;
    }
    a->request = (struct auth_request){
        .method = fit ? AUTH_KBDINT : AUTH_UNKNOWN,
        .method_name = span_of(auth_kbdint.name),
        .is_response = true,
        .responses = texts_items(&a->responses),
        .response_count = fit ? a->responses.count : 0,
    };
    auth_ask(e);
}

static void on_message(struct engine *e, struct reader *r)
{
    if (e->message_number == MSG_USERAUTH_INFO_REQUEST)
        on_challenge(e, r);
    else
        on_responses(e, r);
}

const struct auth_method_row auth_kbdint = {
    .name = "keyboard-interactive",
    .method = AUTH_KBDINT,
    .read_request = read_request,
    .on_message = on_message,
};

/* ---- client: requests and responses ---- */

int engine_auth_kbdint(struct engine *e, const char *user, const char *submethods)
{
    struct writer *w = auth_begin_request(e, &auth_kbdint, user);
    if (w == NULL)
        return SSHIO_EINVAL;
    e->auth.rounds = 0;
    put_text(w, "");
    put_text(w, submethods);
    auth_send_request(e, &auth_kbdint);
    return 0;
}

int engine_auth_respond(struct engine *e, const char *const *responses, size_t count)
{
    struct auth *a = &e->auth;
    if (e->config->server || e->ended || a->dialogue != &auth_kbdint || count != a->prompts)
        return SSHIO_EINVAL;
    struct writer *w = engine_message(e, MSG_USERAUTH_INFO_RESPONSE);
    put_u32(w, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        put_text(w, responses[i]);
    a->dialogue = NULL;
    a->pending = &auth_kbdint;
    engine_send_padded(e);
    return 0;
}

/* ---- server: challenges ---- */

static void send_challenge(struct engine *e, const char *name, const char *instructions, const char *lang,
                           const sshio_prompt *prompts, size_t count)
{
    struct writer *w = engine_message(e, MSG_USERAUTH_INFO_REQUEST);
    put_text(w, name);
    put_text(w, instructions);
    put_text(w, lang);
    put_u32(w, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        put_text(w, prompts[i].text);
        put_bool(w, prompts[i].echo);
    }
    engine_send(e);
}

int engine_auth_challenge(struct engine *e, const char *name, const char *instructions, const char *lang,
                          const sshio_prompt *prompts, size_t count)
{
    struct auth *a = &e->auth;
    const struct limits *limits = &e->config->limits;
    if (!a->asked || e->ended || a->request.method != AUTH_KBDINT)
        return SSHIO_EINVAL;
    if (count > limits->kbdint_prompts || a->rounds >= limits->kbdint_rounds)
        return SSHIO_ELIMIT;
    engine_enter(e);
    a->rounds++;
    a->prompts = (uint32_t)count;
    auth_begin_dialogue(e, &auth_kbdint);
    send_challenge(e, name, instructions, lang, prompts, count);
    engine_leave(e);
    return 0;
}
