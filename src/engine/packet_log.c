/* See packet_log.h. */
#include "engine/packet_log.h"

#include <string.h>

#include "base/memory.h"
#include "engine/messages.h"

/* Of an authentication request: all where the method's fields are no secrets, else up to the method's name.
 * (RFC 4252 5) */
static size_t shown_of_request(struct span payload)
{
    struct reader r;
    reader_init(&r, payload.data, payload.len);
    (void)read_u8(&r);
    (void)read_string(&r); /* user */
    (void)read_string(&r); /* service */
    struct span method = read_string(&r);
    if (reader_failed(&r))
        return 1;
    return span_is(method, "none") || span_is(method, "publickey") ? payload.len : payload.len - reader_left(&r);
}

static size_t shown_len(struct span payload)
{
    switch (payload.data[0]) {
    case MSG_USERAUTH_REQUEST:
        return shown_of_request(payload);
    case MSG_USERAUTH_INFO_RESPONSE:
        return 1;
    default:
        return payload.len;
    }
}

static void dump(sshio_logger *logger, struct span payload)
{
    size_t len = shown_len(payload);
    log_dump(logger, SPAN(payload.data, len));
    if (len < payload.len)
        log_debug(logger, 3, "  %zu byte(s) more, which may hold a secret", payload.len - len);
}

static void dump_both(sshio_logger *logger, struct span head, struct span body)
{
    size_t len = head.len + body.len;
    uint8_t *whole = mem_alloc(len);
    if (whole == NULL)
        return;
    memcpy(whole, head.data, head.len);
    memcpy(whole + head.len, body.data, body.len);
    dump(logger, SPAN(whole, len));
    mem_free_secret(whole, len);
}

void packet_log(sshio_logger *logger, bool sent, struct span head, struct span body)
{
    if (!log_enabled(logger, SSHIO_LOG_DEBUG, 3))
        return;
    uint8_t number = head.data[0];
    log_debug(logger, 3, "%s %s (%u), %zu byte(s)", sent ? "Sent" : "Received", message_name(number), number,
              head.len + body.len);
    if (body.len == 0)
        dump(logger, head);
    else
        dump_both(logger, head, body);
}
