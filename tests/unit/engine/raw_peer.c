/* See raw_peer.h. */
#include "engine/raw_peer.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "engine/channel_state.h"

/* ---- events as text ---- */

static void note(struct raw *raw, const char *format, ...) SSHIO_PRINTF(2, 3);

static void note(struct raw *raw, const char *format, ...)
{
    va_list args;
    if (raw->quiet)
        return;
    va_start(args, format);
    int len = vsnprintf(raw->log + raw->log_len, sizeof raw->log - raw->log_len, format, args);
    va_end(args);
    assert_true(len >= 0 && (size_t)len < sizeof raw->log - raw->log_len);
    raw->log_len += (size_t)len;
}

static void run_hook(struct raw *raw, const char *name, struct channel *ch)
{
    if (raw->hook != NULL && strcmp(raw->hook_name, name) == 0)
        raw->hook(raw, ch);
}

#define TEXT(s) (int)(s).len, (const char *)(s).data

static void opened(struct channel *ch, void *user, struct span data)
{
    note(user, "opened %.*s\n", TEXT(data));
    run_hook(user, "opened", ch);
}

static void open_failed(struct channel *ch, void *user, uint32_t code, struct span reason, struct span lang)
{
    note(user, "open_failed %" PRIu32 " %.*s %.*s\n", code, TEXT(reason), TEXT(lang));
    run_hook(user, "open_failed", ch);
}

static void data(struct channel *ch, void *user, uint32_t type, const uint8_t *bytes, size_t len)
{
    struct raw *raw = user;
    if (raw->data_is_counted)
        note(raw, "data %" PRIu32 " %zu\n", type, len);
    else
        note(raw, "data %" PRIu32 " %.*s\n", type, (int)len, (const char *)bytes);
    run_hook(raw, "data", ch);
}

static void eof(struct channel *ch, void *user)
{
    note(user, "eof\n");
    run_hook(user, "eof", ch);
}

static void request(struct channel *ch, void *user, struct span name, bool want_reply, struct span bytes)
{
    struct raw *raw = user;
    note(raw, "request %.*s %d %.*s\n", TEXT(name), want_reply, TEXT(bytes));
    run_hook(raw, "request", ch);
    if (raw->requests != RAW_KEEP_OPEN)
        channel_reply(ch, raw->requests == RAW_ANSWER_YES);
}

static void replied(struct channel *ch, void *user, bool ok)
{
    note(user, "replied %d\n", ok);
    run_hook(user, "replied", ch);
}

static void writable(struct channel *ch, void *user)
{
    note(user, "writable\n");
    run_hook(user, "writable", ch);
}

static void closed(struct channel *ch, void *user, const struct error *error)
{
    note(user, "closed %d\n", error != NULL ? error_code(error) : 0);
    run_hook(user, "closed", ch);
}

const struct channel_events raw_channel_events = { opened, open_failed, data, eof, request, replied, writable, closed };

static void channel_requested(void *owner, struct channel *ch, struct span type, struct span bytes)
{
    struct raw *raw = owner;
    note(raw, "channel_requested %.*s %.*s\n", TEXT(type), TEXT(bytes));
    if (raw->channel_count < RAW_CHANNELS)
        raw->channels[raw->channel_count++] = ch;
    run_hook(raw, "channel_requested", ch);
    if (raw->opens == RAW_ANSWER_YES) {
        channel_accept(ch, raw->window, raw->max_packet, SPAN(NULL, 0), &raw_channel_events, raw);
        channel_allow_extended(ch, raw->extended_types);
    } else if (raw->opens == RAW_ANSWER_NO) {
        channel_refuse(ch, 3, "Unknown channel type");
    }
}

static void global_request(void *owner, struct span name, bool want_reply, struct span bytes)
{
    struct raw *raw = owner;
    note(raw, "global_request %.*s %d %.*s\n", TEXT(name), want_reply, TEXT(bytes));
    run_hook(raw, "global_request", NULL);
    if (raw->globals != RAW_KEEP_OPEN)
        engine_global_reply(raw->e, raw->globals == RAW_ANSWER_YES, span_of("answer"));
}

static void ended(void *owner, const struct error *error)
{
    note(owner, "ended %d\n", error != NULL ? error_code(error) : 0);
}

static void auth_ready(void *owner)
{
    note(owner, "auth_ready\n");
}

static void auth_failed(void *owner, struct span methods, bool partial_success)
{
    note(owner, "auth_failed %.*s %d\n", TEXT(methods), partial_success);
    run_hook(owner, "auth_failed", NULL);
}

static void auth_key_accepted(void *owner, struct span alg, struct span blob)
{
    note(owner, "auth_key_accepted %.*s %.*s\n", TEXT(alg), TEXT(blob));
}

static void auth_password_change(void *owner, struct span prompt, struct span lang)
{
    note(owner, "auth_password_change %.*s %.*s\n", TEXT(prompt), TEXT(lang));
}

static void auth_challenged(void *owner, const struct auth_challenge *c)
{
    note(owner, "auth_challenged \"%.*s\" \"%.*s\" \"%.*s\"", TEXT(c->name), TEXT(c->instructions), TEXT(c->lang));
    for (size_t i = 0; i < c->count; i++)
        note(owner, " %.*s%s", TEXT(c->prompts[i].text), c->prompts[i].echo ? "+" : "-");
    note(owner, "\n");
    run_hook(owner, "auth_challenged", NULL);
}

static void auth_banner(void *owner, struct span msg, struct span lang)
{
    note(owner, "auth_banner %.*s %.*s\n", TEXT(msg), TEXT(lang));
}

static void auth_requested(void *owner, const struct auth_request *r)
{
    static const char *const names[] = { "none", "password", "publickey", "keyboard-interactive", "unknown" };
    note(owner, "auth_requested %s %s", r->user, names[r->method]);
    if (r->method == AUTH_PASSWORD)
        note(owner, " %s %s", r->password, r->password_change ? r->new_password : "-");
    if (r->method == AUTH_PUBLICKEY)
        note(owner, " %.*s %.*s %.*s", TEXT(r->key_alg), TEXT(r->key_blob), TEXT(r->signature));
    if (r->method == AUTH_KBDINT && !r->is_response)
        note(owner, " \"%s\" \"%s\"", r->lang, r->submethods);
    if (r->method == AUTH_KBDINT && r->is_response)
        note(owner, " answers");
    for (size_t i = 0; i < r->response_count; i++)
        note(owner, " %s", r->responses[i]);
    note(owner, "\n");
    run_hook(owner, "auth_requested", NULL);
}

static void authenticated(void *owner)
{
    note(owner, "authenticated\n");
}

static const struct engine_events engine_events = {
    .ended = ended,
    .auth_ready = auth_ready,
    .auth_failed = auth_failed,
    .auth_key_accepted = auth_key_accepted,
    .auth_password_change = auth_password_change,
    .auth_challenged = auth_challenged,
    .auth_banner = auth_banner,
    .auth_requested = auth_requested,
    .authenticated = authenticated,
    .channel_requested = channel_requested,
    .global_request = global_request,
};

/* ---- the bed ---- */

void raw_init(struct raw *raw, bool server, enum auth_stage stage)
{
    memset(raw, 0, sizeof *raw);
    raw->config = (struct engine_config){ .server = server, .version = "sshio_test", .limits = limits_default };
    raw->opens = raw->requests = raw->globals = RAW_ANSWER_YES;
    raw->window = CHANNEL_WINDOW_DEFAULT;
    raw->max_packet = CHANNEL_PACKET_DEFAULT;
    engine_buffers_init(&raw->buffers);
    raw->e = engine_new(&raw->config, &engine_events, raw, &raw->buffers, log_base(), 0);
    assert_non_null(raw->e);
    raw->e->phase = PHASE_SECURED;
    raw->e->auth.stage = stage;
    memset(raw->e->kex.session_id, 's', 4);
    raw->e->kex.session_id_len = 4;
    (void)engine_output(raw->e, 0); /* answered: from here on output is announced */
}

void raw_done(struct raw *raw)
{
    engine_free(raw->e);
    engine_buffers_done(&raw->buffers);
}

static void put_fields(struct writer *w, const char *format, va_list args)
{
    for (; *format != '\0'; format++) {
        const void *bytes;
        switch (*format) {
        case 'u':
            put_u32(w, va_arg(args, uint32_t));
            break;
        case 'b':
            put_bool(w, va_arg(args, int) != 0);
            break;
        case 's':
            put_text(w, va_arg(args, const char *));
            break;
        case 'S':
            bytes = va_arg(args, const void *);
            put_string(w, bytes, va_arg(args, size_t));
            break;
        case 'B':
            bytes = va_arg(args, const void *);
            put_bytes(w, bytes, va_arg(args, size_t));
            break;
        case 'r':
            put_chars(w, va_arg(args, const char *));
            break;
        default:
            fail_msg("field %c", *format);
        }
    }
}

void raw_feed(struct raw *raw)
{
    size_t used = engine_receive(raw->e, raw->in, raw->in_len, 0);
    raw->in_len -= used;
    memmove(raw->in, raw->in + used, raw->in_len);
}

void raw_send(struct raw *raw, int number, const char *format, ...)
{
    va_list args;
    struct writer w;
    writer_init_fixed(&w, raw->in + raw->in_len, sizeof raw->in - raw->in_len);
    put_u32(&w, 0);
    put_u8(&w, 0);
    put_u8(&w, (uint8_t)number);
    va_start(args, format);
    put_fields(&w, format, args);
    va_end(args);
    uint8_t padding = (uint8_t)(8 - w.len % 8);
    padding = (uint8_t)(padding < 4 ? padding + 8 : padding);
    put_bytes(&w, "padding padding", padding);
    assert_false(writer_failed(&w));
    store_u32(w.data, (uint32_t)(w.len - 4));
    w.data[4] = padding;
    raw->in_len += w.len;
    raw_feed(raw);
}

/* The fields behind the number: u uint32, b bool, s string, r the rest as characters, l a counted list of strings, p
 * what a challenge has more than other messages of its number: language and prompts. */
static const struct {
    int number;
    const char *fields;
} layouts[] = {
    { 1, "us" },     { 5, "s" },      { 6, "s" },     { 50, "sssr" }, { 51, "sb" }, { 52, "" },
    { 53, "ss" },    { 60, "ssp" },   { 61, "l" },    { 80, "sbr" },  { 81, "r" },  { 82, "" },
    { 90, "suuur" }, { 91, "uuuur" }, { 92, "uuss" }, { 93, "uu" },   { 94, "us" }, { 95, "uus" },
    { 96, "u" },     { 97, "u" },     { 98, "usbr" }, { 99, "u" },    { 100, "u" },
};

static const char *layout_of(int number)
{
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++)
        if (layouts[i].number == number)
            return layouts[i].fields;
    return "r";
}

/* Long data is shown by its length: "<32768>". */
static size_t show_bytes(char *text, size_t size, struct span s)
{
    int len = s.len > 64 ? snprintf(text, size, " <%zu>", s.len)
                         : snprintf(text, size, s.len > 0 ? " %.*s" : "", TEXT(s));
    return (size_t)len;
}

static size_t show_list(char *text, size_t size, struct reader *r)
{
    size_t at = 0;
    for (uint32_t left = read_u32(r); left > 0 && at < size; left--)
        at += show_bytes(text + at, size - at, read_string(r));
    return at;
}

static size_t show_prompts(char *text, size_t size, struct reader *r)
{
    if (reader_left(r) == 0)
        return 0;
    size_t at = show_bytes(text, size, read_string(r));
    for (uint32_t left = read_u32(r); left > 0 && at < size; left--) {
        at += show_bytes(text + at, size - at, read_string(r));
        at += (size_t)snprintf(text + at, size - at, read_bool(r) ? "+" : "-");
    }
    return at;
}

static void show_message(struct span payload, char *text, size_t size)
{
    struct reader r;
    reader_init(&r, payload.data, payload.len);
    int number = read_u8(&r);
    size_t at = (size_t)snprintf(text, size, "%d", number);
    for (const char *f = layout_of(number); *f != '\0'; f++) {
        assert_true(at < size);
        if (*f == 'u')
            at += (size_t)snprintf(text + at, size - at, " %" PRIu32, read_u32(&r));
        else if (*f == 'b')
            at += (size_t)snprintf(text + at, size - at, " %d", read_bool(&r));
        else if (*f == 'l')
            at += show_list(text + at, size - at, &r);
        else if (*f == 'p')
            at += show_prompts(text + at, size - at, &r);
        else
            at += show_bytes(text + at, size - at, *f == 's' ? read_string(&r) : read_rest(&r));
    }
    assert_false(reader_failed(&r));
}

bool raw_next(struct raw *raw, char *text, size_t size)
{
    struct span out = engine_output(raw->e, 0);
    if (out.len == 0)
        return false;
    struct reader r;
    reader_init(&r, out.data, out.len);
    uint32_t packet_len = read_u32(&r);
    uint8_t padding = read_u8(&r);
    struct span payload = read_bytes(&r, packet_len - 1 - padding);
    assert_false(reader_failed(&r));
    show_message(payload, text, size);
    engine_sent(raw->e, 4 + packet_len);
    return true;
}

void raw_expect(struct raw *raw, const char *text)
{
    char found[1024];
    if (!raw_next(raw, found, sizeof found))
        fail_msg("nothing was sent instead of \"%s\"", text);
    assert_string_equal(found, text);
}

void raw_expect_nothing(struct raw *raw)
{
    char found[1024];
    if (raw_next(raw, found, sizeof found))
        fail_msg("\"%s\" was sent instead of nothing", found);
}

void raw_expect_events(struct raw *raw, const char *lines)
{
    raw->log[raw->log_len] = '\0';
    assert_string_equal(raw->log, lines);
    raw->log_len = 0;
}

void raw_expect_ended(struct raw *raw, int code, const char *message)
{
    assert_true(engine_ended(raw->e));
    assert_int_equal(error_code(&raw->e->error), code);
    if (message != NULL)
        assert_string_equal(error_message(&raw->e->error), message);
}

void raw_drop_output(struct raw *raw)
{
    (void)raw_count(raw, 0);
}

size_t raw_count(struct raw *raw, int number)
{
    char text[1024];
    size_t count = 0;
    while (raw_next(raw, text, sizeof text)) {
        int found = 0;
        assert_int_equal(sscanf(text, "%d", &found), 1);
        count += found == number;
    }
    return count;
}

struct channel *raw_open(struct raw *raw, uint32_t window, uint32_t max_packet)
{
    struct channel *ch = NULL;
    assert_int_equal(channel_open(raw->e, "session", raw->window, raw->max_packet, SPAN(NULL, 0), &raw_channel_events,
                                  raw, &ch, NULL),
                     0);
    channel_allow_extended(ch, raw->extended_types);
    raw_send(raw, 91, "uuuu", channel_number(ch), 100u, window, max_packet);
    raw_drop_output(raw);
    raw->log_len = 0;
    return ch;
}

struct channel *raw_opened_by_peer(struct raw *raw, uint32_t window, uint32_t max_packet)
{
    raw_send(raw, 90, "suuu", "session", 100u, window, max_packet);
    raw_drop_output(raw);
    raw->log_len = 0;
    return raw->channels[raw->channel_count - 1];
}
