/* The life of an SFTP client: the negotiation of the version, and its end; see client.h.
 * (draft-ietf-secsh-filexfer-13 sections 4 and 5) */
#include "sftp/client.h"

#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "engine/quirks.h"
#include "io/last_error.h"
#include "io/options.h"
#include "session/encoding.h"

#define PAIRS_MAX 256u
#define PAIR_NAME_MAX 256u
#define SAFE_LEN 16384u            /* what every server reads and writes at a time */
#define READ_LEN_MAX (256u * 1024) /* what "supported" may raise that to */
#define BUFFERS_KEPT 4u

void sshio_sftp_options_init(sshio_sftp_options *options)
{
    OPTIONS_TAKE(options, NULL);
}

/* ---- references ---- */

sshio_sftp *client_new(struct loop *loop, sshio_logger *logger)
{
    sshio_sftp *s = mem_zalloc(sizeof *s);
    if (s == NULL)
        return NULL;
    s->refs = 1;
    s->loop = loop;
    error_init(&s->error);
    framer_init(&s->framer, true, &framer_heap, NULL);
    writer_init(&s->out, CLIENT_REQUEST_LEN_MAX);
    waiters_init(&s->room);
    list_init(&s->blocked);
    pool_init(&s->buffers, CLIENT_HEAD_ROOM + CLIENT_BUFFER, BUFFERS_KEPT);
    s->limits = (sshio_sftp_limits){ .max_read_len = SAFE_LEN, .max_write_len = SAFE_LEN };
    s->logger = logger_child(logger, "sftp", NULL);
    return s;
}

void client_hold(sshio_sftp *s)
{
    s->refs++;
}

void client_release(sshio_sftp *s)
{
    if (--s->refs > 0)
        return;
    error_clear(&s->error);
    framer_done(&s->framer);
    writer_done(&s->out);
    pool_done(&s->buffers);
    mem_free(s->slots);
    mem_free(s->cwd);
    encoding_unref(s->encoding);
    logger_unref(s->logger);
    if (s->port != NULL)
        s->port->release(s);
    mem_free(s);
}

sshio_sftp *sshio_sftp_ref(sshio_sftp *sftp)
{
    if (sftp->user_refs++ == 0)
        client_hold(sftp);
    return sftp;
}

void sshio_sftp_unref(sshio_sftp *sftp)
{
    if (sftp == NULL || --sftp->user_refs > 0)
        return;
    sshio_sftp_exit(sftp);
    if (sftp->port != NULL)
        sftp->port->close(sftp, false);
    client_release(sftp);
}

/* ---- the end ---- */

void client_run_blocked(sshio_sftp *s)
{
    struct list blocked, *node;
    client_hold(s);
    list_init(&blocked);
    list_splice(&s->blocked, &blocked);
    while ((node = list_take(&blocked)) != NULL) {
        struct writable *w = LIST_ENTRY(node, struct writable, link);
        w->run(w);
    }
    client_release(s);
}

static void end(sshio_sftp *s)
{
    if (s->ended)
        return;
    s->ended = true;
    client_hold(s);
    client_answer_all(s);
    client_run_blocked(s);
    client_release(s);
}

void client_fail(sshio_sftp *s, const struct error *e)
{
    if (s->ended)
        return;
    error_copy(&s->error, e);
    log_info(s->logger, "SFTP client ends: %s", error_message(e));
    end(s);
    if (s->port != NULL)
        s->port->close(s, true);
}

void client_lose(sshio_sftp *s, const char *text)
{
    struct error e;
    if (s->ended)
        return;
    error_init(&e);
    error_set_reason(&e, SSHIO_ESFTP_CONNECTION_LOST, SSHIO_FX_CONNECTION_LOST, "%s", text);
    client_fail(s, &e);
    error_clear(&e);
}

void sshio_sftp_exit(sshio_sftp *sftp)
{
    if (sftp->exited || sftp->port == NULL)
        return;
    log_info(sftp->logger, "Exiting SFTP client");
    sftp->exited = true;
    sftp->port->eof(sftp);
}

int sshio_sftp_wait_closed(sshio_sftp *sftp)
{
    return sftp->port->wait_closed(sftp);
}

/* ---- FXP_VERSION ---- */

static int bad_version(struct error *e, const char *text)
{
    return error_set_reason(e, SSHIO_ESFTP_BAD_MESSAGE, SSHIO_FX_BAD_MESSAGE, "%s", text);
}

static void take_supported(sshio_sftp *s, struct span data)
{
    struct supported supported;
    if (!supported_read(data, s->dialect.version, &supported)) {
        log_info(s->logger, "What the server says that it supports is malformed, and counts for nothing");
        return;
    }
    uint32_t len = supported.max_read_len < READ_LEN_MAX ? supported.max_read_len : READ_LEN_MAX;
    if (len > SAFE_LEN)
        s->limits.max_read_len = len;
}

/* AsyncSSH's version 5 has the attribute bits of version 6. */
static void take_vendor(sshio_sftp *s, struct span data)
{
    struct vendor vendor;
    if (vendor_read(data, &vendor))
        s->dialect.bits_pair = s->dialect.version == 5 && span_is(vendor.product_name, "AsyncSSH");
}

static void take_pair(sshio_sftp *s, struct span name, struct span data)
{
    char shown[PAIR_NAME_MAX], value[256];
    enum sftp_extension extension = extension_find(name);
    log_debug(s->logger, 1, "  Server extension: %s=%s", log_escaped(name, shown, sizeof shown),
              log_escaped(data, value, sizeof value));
    if (extension != EXT_COUNT && extension_is_announced(extension, data))
        s->extensions |= EXT_BIT(extension);
    else if (span_is(name, s->dialect.version == 5 ? EXT_SUPPORTED : EXT_SUPPORTED2))
        take_supported(s, data);
    else if (span_is(name, EXT_VENDOR_ID))
        take_vendor(s, data);
    else if (span_is(name, EXT_SYMLINK_ORDER))
        s->symlink_reversed = span_is(data, EXT_ORDER_TARGET_FIRST);
}

/* What a server is known for, unless it says so itself. */
static bool reverses_symlink(const sshio_sftp *s)
{
    return (s->quirks & (s->dialect.version == 3 ? QUIRK_SYMLINK_TARGET_FIRST : QUIRK_SYMLINK_NEVER_LINK_FIRST)) != 0;
}

static int take_version(sshio_sftp *s, int offered, struct reader *r, struct error *e)
{
    struct span name, data;
    uint32_t version = read_u32(r);
    if (reader_failed(r))
        return bad_version(e, "Incomplete version of the server");
    if (version < SSHIO_MIN_SFTP_VERSION || version > (uint32_t)offered)
        return error_set_reason(e, SSHIO_ESFTP_BAD_MESSAGE, SSHIO_FX_BAD_MESSAGE,
                                "Unsupported version: %u, where 3 to %d were offered", (unsigned)version, offered);
    s->dialect.version = (int)version;
    s->symlink_reversed = reverses_symlink(s);
    s->one_at_a_time = (s->quirks & QUIRK_SFTP_HANDLES_TWICE) != 0;
    log_debug(s->logger, 1, "Received version %u", (unsigned)version);
    for (unsigned count = 0; extension_pair_read(r, &name, &data); count++) {
        if (count == PAIRS_MAX || name.len > PAIR_NAME_MAX)
            return bad_version(e, "The server announces more than 256 extensions, or one with too long a name");
        take_pair(s, name, data);
    }
    return reader_failed(r) ? bad_version(e, "Incomplete extensions of the server") : 0;
}

struct hello {
    struct request rq;
    sshio_sftp *sftp;
    struct completion completion;
    int offered;
    struct error error;
};

static void hello_replied(struct request *rq, uint8_t type, struct reader *body)
{
    struct hello *h = LIST_ENTRY(rq, struct hello, rq);
    int rc;
    if (type == 0) {
        error_copy(&h->error, &h->sftp->error);
        rc = error_code(&h->error);
    } else if (type != FXP_VERSION) {
        rc = bad_version(&h->error, "Unexpected message, where FXP_VERSION was due");
    } else {
        rc = take_version(h->sftp, h->offered, body, &h->error);
    }
    completion_complete(&h->completion, rc);
}

static void cancel_hello(struct completion *c, int code)
{
    struct hello *h = c->user;
    request_abandon(h->sftp, &h->rq);
    completion_complete(c, code);
}

/* Nothing but FXP_INIT goes out before the answer, and that has no id. */
static int send_hello(sshio_sftp *s, int offered)
{
    struct writer *w = request_begin(s, FXP_INIT);
    put_u32(w, (uint32_t)offered);
    if (writer_failed(w))
        return fail_nomem();
    store_u32(w->data, (uint32_t)w->len - 4);
    log_debug(s->logger, 1, "Sending init, version %d", offered);
    return s->port->write(s, w->data, w->len);
}

static int negotiate(sshio_sftp *s, int offered)
{
    struct hello h = { .rq.replied = hello_replied, .sftp = s, .offered = offered };
    error_init(&h.error);
    if (s->ended)
        return fail_with(&s->error);
    completion_init(&h.completion, cancel_hello, &h);
    s->hello = &h.rq;
    h.rq.under_way = true;
    int rc = send_hello(s, offered);
    if (rc == 0) {
        rc = completion_wait(&h.completion);
        if (rc < 0 && rc == error_code(&h.error))
            error_move(last_error(), &h.error);
    }
    s->hello = NULL;
    error_clear(&h.error);
    return rc;
}

/* ---- limits@openssh.com ---- */

static int take_limits(struct call *call, struct reader *body)
{
    sshio_sftp_limits *l = call->out;
    *l = (sshio_sftp_limits){ .max_packet_len = read_u64(body) };
    l->max_read_len = read_u64(body);
    l->max_write_len = read_u64(body);
    l->max_open_handles = read_u64(body);
    return 0;
}

static uint64_t stated(uint64_t value, uint64_t otherwise)
{
    return value != 0 ? value : otherwise;
}

/* A server that announces them and then has none is taken at its word. */
static int ask_limits(sshio_sftp *s)
{
    struct call call;
    sshio_sftp_limits l = { .max_packet_len = 0 };
    if ((s->extensions & EXT_BIT(EXT_LIMITS)) == 0)
        return 0;
    call_extended(&call, s, EXT_LIMITS, NULL);
    int rc = call_wait(&call, FXP_EXTENDED_REPLY, take_limits, &l);
    if (rc != 0 && rc != SSHIO_ESFTP_BAD_MESSAGE && sshio_error_is(rc, SSHIO_E_SFTP) && !s->ended) {
        s->extensions &= ~EXT_BIT(EXT_LIMITS);
        return 0;
    }
    if (rc != 0)
        return rc;
    s->limits.max_packet_len = l.max_packet_len;
    s->limits.max_read_len = stated(l.max_read_len, s->limits.max_read_len);
    s->limits.max_write_len = stated(l.max_write_len, s->limits.max_write_len);
    s->limits.max_open_handles = l.max_open_handles;
    return 0;
}

/* ---- starting ---- */

static int use_encoding(sshio_sftp *s, const sshio_sftp_options *o)
{
    if (o->path_encoding == NULL || o->path_encoding == (const char *)sshio_none)
        return 0;
    sshio_text_errors errors = o->path_errors != SSHIO_ERRORS_UNSET ? o->path_errors : SSHIO_ERRORS_STRICT;
    s->encoding = encoding_new(o->path_encoding, errors, last_error());
    return s->encoding != NULL ? 0 : error_code(last_error());
}

static int offered_version(const sshio_sftp_options *o)
{
    return o->sftp_version != 0 ? o->sftp_version : SSHIO_MIN_SFTP_VERSION;
}

int client_prepare(const sshio_sftp_options *options, sshio_sftp_options *known, struct loop *loop,
                   sshio_logger *logger, sshio_sftp **s)
{
    int rc = OPTIONS_TAKE(known, options);
    if (rc != 0)
        return rc;
    int version = offered_version(known);
    if (version < SSHIO_MIN_SFTP_VERSION || version > SSHIO_MAX_SFTP_VERSION)
        return fail(SSHIO_EINVAL, "SFTP version %d is not between 3 and 6", version);
    sshio_sftp *client = client_new(loop, logger);
    if (client == NULL)
        return fail_nomem();
    rc = use_encoding(client, known);
    if (rc == 0)
        *s = client;
    else
        client_release(client);
    return rc;
}

int client_begin(sshio_sftp *s, const sshio_sftp_options *options, int rc, sshio_sftp **sftp)
{
    if (rc == 0)
        rc = negotiate(s, offered_version(options));
    if (rc == 0) {
        s->ready = true;
        rc = ask_limits(s);
    }
    if (rc == 0) {
        log_info(s->logger, "SFTP client started, version %d", s->dialect.version);
        *sftp = sshio_sftp_ref(s);
    } else if (s->port != NULL) {
        s->ended = true;
        s->port->close(s, true);
    }
    client_release(s);
    return rc;
}

/* ---- what is known of it ---- */

sshio_logger *sshio_sftp_logger(const sshio_sftp *sftp)
{
    return sftp->logger;
}

int sshio_sftp_version(const sshio_sftp *sftp)
{
    return sftp->dialect.version;
}

const sshio_sftp_limits *sshio_sftp_get_limits(const sshio_sftp *sftp)
{
    return &sftp->limits;
}

bool sshio_sftp_supports_remote_copy(const sshio_sftp *sftp)
{
    return (sftp->extensions & EXT_BIT(EXT_COPY_DATA)) != 0;
}
