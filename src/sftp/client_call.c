/* Requests that a task waits for, and what many of them have in common: paths and handles; see client.h. */
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/last_error.h"
#include "session/encoding.h"
#include "sftp/attrs.h"
#include "sftp/client.h"

/* ---- paths ---- */

struct converted {
    char *text;
    size_t len;
    bool failed;
};

static void append(void *user, const void *data, size_t len)
{
    struct converted *c = user;
    char *grown = c->failed ? NULL : mem_grow(c->text, c->len + len + 1);
    c->failed = grown == NULL;
    if (grown == NULL)
        return;
    memcpy(grown + c->len, data, len);
    c->text = grown;
    c->len += len;
    c->text[c->len] = '\0';
}

typedef int (*convert_fn)(struct encoding *enc, unsigned type, struct span in, bool last, encoding_fn out, void *user);

static int convert(sshio_sftp *s, convert_fn fn, struct span in, char **text)
{
    struct converted c = { .text = NULL };
    int rc = fn(s->encoding, 0, in, true, append, &c);
    if (rc == 0 && c.text == NULL && !c.failed)
        append(&c, "", 0);
    if (rc == 0 && !c.failed) {
        *text = c.text;
        return 0;
    }
    mem_free(c.text);
    return rc != 0 ? rc : SSHIO_ENOMEM;
}

int client_text(sshio_sftp *s, const char *path, char **encoded)
{
    char name[512];
    if (path == NULL)
        return fail(SSHIO_EINVAL, "no path was given");
    int rc = s->encoding != NULL                     ? convert(s, encoding_encode, span_of(path), encoded)
             : (*encoded = mem_strdup(path)) != NULL ? 0
                                                     : SSHIO_ENOMEM;
    if (rc == SSHIO_ENOMEM)
        return fail_nomem();
    if (rc != 0)
        return error_set_reason(last_error(), SSHIO_ESFTP_BAD_MESSAGE, SSHIO_FX_BAD_MESSAGE,
                                "%s: the path is not text in %s", log_escaped(span_of(path), name, sizeof name),
                                encoding_name(s->encoding));
    return 0;
}

int client_decode(sshio_sftp *s, struct span name, char **text, struct error *e)
{
    char shown[512];
    if (s->encoding == NULL) {
        *text = span_has_nul(name) ? NULL : span_dup_text(name);
        return *text != NULL ? 0 : error_nomem(e);
    }
    int rc = convert(s, encoding_decode, name, text);
    if (rc == SSHIO_ENOMEM)
        return error_nomem(e);
    if (rc != 0)
        return error_set_reason(e, SSHIO_ESFTP_BAD_MESSAGE, SSHIO_FX_BAD_MESSAGE, "%s: Unable to decode name",
                                log_escaped(name, shown, sizeof shown));
    return 0;
}

/* Relative paths are those of the working directory, which the server knows nothing of. */
static char *compose(const char *cwd, char *path)
{
    size_t cwd_len = cwd != NULL ? strlen(cwd) : 0, len = strlen(path);
    if (cwd == NULL || path[0] == '/')
        return path;
    bool slash = cwd_len == 0 || cwd[cwd_len - 1] != '/';
    char *whole = mem_alloc(cwd_len + slash + len + 1);
    if (whole != NULL) {
        memcpy(whole, cwd, cwd_len);
        if (slash)
            whole[cwd_len] = '/';
        memcpy(whole + cwd_len + slash, path, len + 1);
    }
    mem_free(path);
    return whole;
}

char *client_path(sshio_sftp *s, const char *path)
{
    char *encoded = NULL;
    if (client_text(s, path, &encoded) != 0)
        return NULL;
    char *whole = compose(s->cwd, encoded);
    if (whole == NULL)
        fail_nomem();
    return whole;
}

/* ---- calls ---- */

static void cancel_call(struct completion *c, int code)
{
    struct call *call = c->user;
    request_abandon(call->sftp, &call->rq);
    completion_complete(c, code);
}

/* What is wrong with a reply, behind what it is about. */
static void name_error(struct call *call, int rc)
{
    char name[512];
    struct error e;
    if (rc != SSHIO_ESFTP_BAD_MESSAGE || call->what == NULL)
        return;
    error_init(&e);
    error_move(&e, &call->error);
    error_set_reason(&call->error, rc, SSHIO_FX_BAD_MESSAGE, "%s: %s",
                     log_escaped(span_of(call->what), name, sizeof name), error_message(&e));
    error_clear(&e);
}

static void replied(struct request *rq, uint8_t type, struct reader *body)
{
    struct call *call = LIST_ENTRY(rq, struct call, rq);
    int rc = reply_check(call->sftp, type, body, call->wanted, call->what, &call->error);
    if (rc == 0 && call->take != NULL) {
        rc = call->take(call, body);
        name_error(call, rc);
    }
    if (rc == 0 && call->wanted != FXP_STATUS)
        rc = reply_end(call->sftp, body, call->what, &call->error);
    completion_complete(&call->completion, rc);
}

int client_check_open(const sshio_sftp *s)
{
    if (!s->ended && !s->exited)
        return 0;
    return error_set_reason(last_error(), SSHIO_ESFTP_NO_CONNECTION, SSHIO_FX_NO_CONNECTION, "Connection not open");
}

static int wait_for_room(sshio_sftp *s)
{
    int rc = client_check_open(s);
    while (rc == 0 && !client_has_room(s)) {
        rc = waiters_wait(&s->room);
        if (rc == 0)
            rc = client_check_open(s);
    }
    return rc;
}

void call_begin(struct call *call, sshio_sftp *s, uint8_t type, const char *what)
{
    *call = (struct call){ .rq.replied = replied, .sftp = s, .what = what };
    error_init(&call->error);
    client_hold(s);
    call->rc = completion_can_wait();
    if (call->rc == 0)
        call->rc = wait_for_room(s);
    call->w = request_begin(s, type);
}

void call_extended(struct call *call, sshio_sftp *s, enum sftp_extension extension, const char *what)
{
    call_begin(call, s, FXP_EXTENDED, what);
    put_text(call->w, extension_name(extension));
    if (call->rc == 0 && (s->extensions & EXT_BIT(extension)) == 0)
        call->rc = error_set_reason(last_error(), SSHIO_ESFTP_OP_UNSUPPORTED, SSHIO_FX_OP_UNSUPPORTED,
                                    "The server does not support %s", extension_name(extension));
}

static void put_owned(struct call *call, char *text)
{
    if (text != NULL)
        put_text(call->w, text);
    mem_free(text);
}

void call_path(struct call *call, const char *path)
{
    char *whole = call->rc == 0 ? client_path(call->sftp, path) : NULL;
    if (call->rc == 0 && whole == NULL)
        call->rc = error_code(last_error());
    put_owned(call, whole);
}

void call_text(struct call *call, const char *path)
{
    char *text = NULL;
    if (call->rc == 0)
        call->rc = client_text(call->sftp, path, &text);
    put_owned(call, text);
}

void call_attrs(struct call *call, const sshio_sftp_attrs *attrs)
{
    if (call->rc == 0)
        call->rc = attrs_put(call->w, &call->sftp->dialect, attrs, last_error());
}

void call_handle(struct call *call, struct span handle)
{
    put_span(call->w, handle);
}

int call_wait(struct call *call, uint8_t wanted, int (*take)(struct call *call, struct reader *body), void *out)
{
    struct call *c = call;
    int rc = c->rc;
    c->wanted = wanted;
    c->take = take;
    c->out = out;
    if (rc == 0) {
        completion_init(&c->completion, cancel_call, c);
        rc = request_send(c->sftp, &c->rq, last_error());
        if (rc == 0) {
            rc = completion_wait(&c->completion);
            if (rc < 0 && rc == error_code(&c->error))
                error_move(last_error(), &c->error);
        }
    }
    error_clear(&c->error);
    client_release(c->sftp);
    return rc;
}

int call_status(struct call *call)
{
    return call_wait(call, FXP_STATUS, NULL, NULL);
}

/* ---- handles ---- */

int take_handle(struct call *call, struct reader *body)
{
    struct handle *handle = call->out;
    struct span bytes = read_string(body);
    if (bytes.len == 0 || bytes.len > CLIENT_HANDLE_MAX)
        return error_set_reason(&call->error, SSHIO_ESFTP_BAD_MESSAGE, SSHIO_FX_BAD_MESSAGE,
                                "a handle of %zu bytes, where 1 to %u are possible", bytes.len, CLIENT_HANDLE_MAX);
    memcpy(handle->bytes, bytes.data, bytes.len);
    handle->len = bytes.len;
    return 0;
}

struct span handle_span(const struct handle *handle)
{
    return SPAN(handle->bytes, handle->len);
}

int client_close(sshio_sftp *s, const struct handle *handle, const char *what)
{
    struct call call;
    call_begin(&call, s, FXP_CLOSE, what);
    call_handle(&call, handle_span(handle));
    return call_status(&call);
}

void client_close_later(sshio_sftp *s, const struct handle *handle)
{
    put_span(request_begin(s, FXP_CLOSE), handle_span(handle));
    request_send_and_forget(s);
}

static int take_attrs(struct call *call, struct reader *body)
{
    struct attrs_wire wire;
    sshio_sftp_attrs **out = call->out;
    int rc = attrs_read(body, &call->sftp->dialect, &wire, &call->error);
    if (rc != 0)
        return rc;
    *out = attrs_new(&wire);
    return *out != NULL ? 0 : error_nomem(&call->error);
}

int call_take_attrs(struct call *call, sshio_sftp_attrs **attrs)
{
    sshio_sftp_attrs *got = NULL;
    int rc = call_wait(call, FXP_ATTRS, take_attrs, &got);
    if (rc == 0)
        *attrs = got;
    else
        sshio_sftp_attrs_free(got);
    return rc;
}

int client_fstat(sshio_sftp *s, const struct handle *handle, const char *what, sshio_sftp_attrs **attrs)
{
    struct call call;
    call_begin(&call, s, FXP_FSTAT, what);
    call_handle(&call, handle_span(handle));
    if (s->dialect.version >= 4)
        put_u32(call.w, SSHIO_FILEXFER_ATTR_DEFINED_V4);
    return call_take_attrs(&call, attrs);
}

int client_fsetstat(sshio_sftp *s, const struct handle *handle, const char *what, const sshio_sftp_attrs *attrs)
{
    struct call call;
    call_begin(&call, s, FXP_FSETSTAT, what);
    call_handle(&call, handle_span(handle));
    call_attrs(&call, attrs);
    return call_status(&call);
}

int client_copy_data(sshio_sftp *s, const struct handle *from, uint64_t offset, uint64_t len, const struct handle *to,
                     uint64_t to_offset, const char *what)
{
    struct call call;
    call_extended(&call, s, EXT_COPY_DATA, what);
    call_handle(&call, handle_span(from));
    put_u64(call.w, offset);
    put_u64(call.w, len);
    call_handle(&call, handle_span(to));
    put_u64(call.w, to_offset);
    return call_status(&call);
}

/* ---- ranges of data ---- */

void ranges_done(struct ranges *ranges)
{
    mem_free(ranges->items);
    *ranges = (struct ranges){ .count = 0 };
}

struct asked_ranges {
    uint64_t offset, len;
    struct ranges *ranges;
};

/* They lie in what was asked for, hold something, and follow each other. */
static int take_ranges(struct call *call, struct reader *body)
{
    struct asked_ranges *asked = call->out;
    uint64_t at = asked->offset, end = asked->offset + asked->len;
    uint32_t count = read_u32(body);
    struct ranges got = { .count = count };
    bool good = count <= reader_left(body) / 16;
    got.items = good ? mem_array(count + 1, sizeof *got.items) : NULL;
    if (good && got.items == NULL)
        return error_nomem(&call->error);
    for (uint32_t i = 0; good && i < count; i++) {
        struct range r = { .offset = read_u64(body), .len = read_u64(body) };
        good = r.len != 0 && r.offset >= at && r.offset < end && r.len <= end - r.offset;
        at = r.offset + r.len;
        got.items[i] = r;
    }
    got.at_end = read_bool(body);
    if (good && !reader_failed(body)) {
        *asked->ranges = got;
        return 0;
    }
    mem_free(got.items);
    return error_set_reason(&call->error, SSHIO_ESFTP_BAD_MESSAGE, SSHIO_FX_BAD_MESSAGE,
                            "ranges of data that are not in order, or not where they were asked for");
}

int client_ranges(sshio_sftp *s, const struct handle *handle, uint64_t offset, uint64_t len, const char *what,
                  struct ranges *ranges)
{
    struct call call;
    struct asked_ranges asked = { offset, len, ranges };
    *ranges = (struct ranges){ .at_end = true };
    call_extended(&call, s, EXT_RANGES, what);
    call_handle(&call, handle_span(handle));
    put_u64(call.w, offset);
    put_u64(call.w, len);
    int rc = call_wait(&call, FXP_EXTENDED_REPLY, take_ranges, &asked);
    if (rc != 0)
        ranges_done(ranges);
    ranges->at_end |= rc == SSHIO_ESFTP_EOF;
    return rc == SSHIO_ESFTP_EOF ? 0 : rc;
}
