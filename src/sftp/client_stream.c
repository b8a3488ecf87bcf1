/* SFTP clients on two descriptors, for servers that no connection of ours leads to: a program that serves files, or one
 * that reaches such a program; see client.h. */
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "engine/quirks.h"
#include "io/last_error.h"
#include "io/outbox.h"
#include "io/stream.h"
#include "sftp/client.h"

#define OUTPUT_LOW (CLIENT_QUEUE_HIGH / 4)
#define OUTPUT_MAX                                                                                                     \
    (64u * 1024 * 1024) /* never reached: data is put there only while less than CLIENT_QUEUE_HIGH waits */

/* The stream holds the session until it is closed. */
struct carrier {
    struct stream *stream; /* NULL = closed */
    struct outbox out;
    bool full, eof;
    struct waiters closed;
};

static struct carrier *carrier_of(const sshio_sftp *s)
{
    return s->carrier;
}

static void close_now(struct carrier *c)
{
    struct stream *stream = c->stream;
    c->stream = NULL;
    if (stream != NULL)
        stream_close(stream);
}

/* ---- the port ---- */

static int port_write(sshio_sftp *s, const void *data, size_t len)
{
    struct carrier *c = carrier_of(s);
    if (c->stream == NULL || c->eof)
        return SSHIO_ECLOSED;
    if (!outbox_put(&c->out, data, len))
        return SSHIO_ENOMEM;
    c->full = c->full || outbox_len(&c->out) > CLIENT_QUEUE_HIGH;
    stream_want_write(c->stream);
    return 0;
}

static bool port_is_full(const sshio_sftp *s)
{
    return carrier_of(s)->full;
}

/* Nobody knows: what is behind the descriptors may be near or far. */
static bool port_is_far(const sshio_sftp *s)
{
    (void)s;
    return false;
}

static void port_read_stop(sshio_sftp *s)
{
    if (carrier_of(s)->stream != NULL)
        stream_read_stop(carrier_of(s)->stream);
}

static void port_read_start(sshio_sftp *s)
{
    if (carrier_of(s)->stream != NULL)
        stream_read_start(carrier_of(s)->stream);
}

static void port_eof(sshio_sftp *s)
{
    struct carrier *c = carrier_of(s);
    if (c->stream != NULL && !c->eof)
        stream_shutdown(c->stream);
    c->eof = true;
}

static void port_close(sshio_sftp *s, bool at_once)
{
    if (at_once)
        close_now(carrier_of(s));
    else
        port_eof(s); /* the server hangs up then; before that it may have more to say, and must be able to */
}

static int port_wait_closed(sshio_sftp *s)
{
    struct carrier *c = carrier_of(s);
    int rc = 0;
    client_hold(s);
    while (rc == 0 && c->stream != NULL)
        rc = waiters_wait(&c->closed);
    client_release(s);
    return rc;
}

static void port_release(sshio_sftp *s)
{
    struct carrier *c = carrier_of(s);
    outbox_done(&c->out);
    mem_free(c);
}

static const struct client_port stream_port = {
    .write = port_write,
    .is_full = port_is_full,
    .is_far = port_is_far,
    .read_stop = port_read_stop,
    .read_start = port_read_start,
    .eof = port_eof,
    .close = port_close,
    .wait_closed = port_wait_closed,
    .release = port_release,
};

/* ---- the stream ---- */

static size_t received(void *owner, uint8_t *data, size_t len)
{
    client_received(owner, SPAN(data, len));
    return len;
}

static void ended(void *owner, const struct error *error)
{
    sshio_sftp *s = owner;
    client_hold(s);
    client_lose(s, error != NULL ? error_message(error) : "Connection closed");
    close_now(carrier_of(s));
    client_release(s);
}

static struct span output(void *owner)
{
    return outbox_output(&carrier_of(owner)->out);
}

static void sent(void *owner, size_t len)
{
    sshio_sftp *s = owner;
    struct carrier *c = carrier_of(s);
    outbox_sent(&c->out, len);
    if (c->full && outbox_len(&c->out) <= OUTPUT_LOW) {
        c->full = false;
        client_run_blocked(s);
    }
}

static void closed(void *owner)
{
    sshio_sftp *s = owner;
    waiters_wake(&carrier_of(s)->closed, 0);
    client_release(s);
}

static const struct stream_events stream_events = { received, ended, output, sent, closed };

/* ---- starting ---- */

static int open_stream(sshio_sftp *s, int in, int out)
{
    struct carrier *c = mem_zalloc(sizeof *c);
    if (c == NULL) {
        close(in);
        if (out != in)
            close(out);
        return fail_nomem();
    }
    int rc = stream_from_pipes(s->loop, in, out, &c->stream, last_error());
    if (rc != 0) {
        mem_free(c);
        return rc;
    }
    outbox_init(&c->out, OUTPUT_MAX);
    waiters_init(&c->closed);
    s->port = &stream_port;
    s->carrier = c;
    s->quirks = QUIRK_SYMLINK_TARGET_FIRST; /* as OpenSSH's servers are without being asked */
    client_hold(s);
    stream_set_owner(c->stream, &stream_events, s);
    stream_read_start(c->stream);
    return 0;
}

int sshio_run_sftp_client(int in, int out, const sshio_sftp_options *options, sshio_sftp **sftp)
{
    sshio_sftp_options known;
    sshio_sftp *s = NULL;
    struct loop *loop = loop_current();
    int rc = sftp == NULL   ? fail(SSHIO_EINVAL, "sshio_run_sftp_client: no place for the result")
             : loop == NULL ? fail_nomem()
                            : client_prepare(options, &known, loop, log_base(), &s);
    if (rc == 0)
        return client_begin(s, &known, open_stream(s, in, out), sftp);
    close(in);
    if (out != in)
        close(out);
    return rc;
}
