/* See pipes.h. The stream is read on while nobody takes what has come, until it holds a block. */
#include "scp/pipes.h"

#include <string.h>

#include "base/memory.h"
#include "io/completion.h"
#include "io/last_error.h"
#include "io/loop.h"
#include "io/outbox.h"
#include "io/stream.h"

#define OUTPUT_HIGH (512u * 1024) /* unsent bytes above which a write waits … */
#define OUTPUT_LOW (256u * 1024)  /* … until so few are left */
#define OUTPUT_MAX (64u * 1024 * 1024)

struct scp_pipes {
    struct stream *stream; /* NULL = closed */
    uint8_t *place;        /* of who reads; NULL = nobody does */
    size_t room, got;
    size_t left; /* in the stream, and not taken */
    struct outbox out;
    bool ended, failed, closing;
    struct error error; /* of a failure */
    struct waiters readable, writable;
};

/* ---- the stream ---- */

static void close_now(struct scp_pipes *p)
{
    struct stream *stream = p->stream;
    p->stream = NULL;
    if (stream != NULL)
        stream_close(stream);
}

static size_t received(void *owner, uint8_t *data, size_t len)
{
    struct scp_pipes *p = owner;
    size_t part = p->place == NULL ? 0 : len < p->room - p->got ? len : p->room - p->got;
    if (p->closing)
        return len;
    if (part != 0) {
        memcpy(p->place + p->got, data, part);
        p->got += part;
        waiters_wake(&p->readable, 0);
    }
    p->left = len - part;
    return part;
}

static void ended(void *owner, const struct error *error)
{
    struct scp_pipes *p = owner;
    p->ended = true;
    if (error != NULL) {
        p->failed = true;
        error_copy(&p->error, error);
    }
    waiters_wake(&p->readable, 0);
    waiters_wake(&p->writable, 0);
    if (p->closing && p->failed)
        close_now(p);
}

static struct span output(void *owner)
{
    struct scp_pipes *p = owner;
    return outbox_output(&p->out);
}

static void sent(void *owner, size_t len)
{
    struct scp_pipes *p = owner;
    outbox_sent(&p->out, len);
    if (outbox_len(&p->out) <= OUTPUT_LOW)
        waiters_wake(&p->writable, 0);
    if (p->closing && outbox_len(&p->out) == 0)
        close_now(p);
}

static void closed(void *owner)
{
    struct scp_pipes *p = owner;
    outbox_done(&p->out);
    error_clear(&p->error);
    mem_free(p);
}

static const struct stream_events stream_events = { received, ended, output, sent, closed };

/* ---- the wire ---- */

static int pipes_read(struct scp_wire *w, void *buffer, size_t size, size_t *got)
{
    struct scp_pipes *p = w->user;
    int rc = 0;
    p->place = buffer;
    p->room = size;
    p->got = 0;
    if (p->left != 0)
        stream_read_again(p->stream);
    while (rc == 0 && p->got == 0 && (p->left != 0 || !p->ended))
        rc = waiters_wait(&p->readable);
    p->place = NULL;
    *got = p->got;
    if (p->got != 0 || rc != 0)
        return p->got != 0 ? 0 : rc;
    return p->failed ? fail_with(&p->error) : SSHIO_EEOF;
}

/* One that has said all it has to say may still listen. */
static int pipes_write(struct scp_wire *w, const void *data, size_t len)
{
    struct scp_pipes *p = w->user;
    int rc = 0;
    if (!p->failed && !outbox_put(&p->out, data, len))
        return fail_nomem();
    if (!p->failed)
        stream_want_write(p->stream);
    if (outbox_len(&p->out) > OUTPUT_HIGH)
        while (rc == 0 && !p->failed && outbox_len(&p->out) > OUTPUT_LOW)
            rc = waiters_wait(&p->writable);
    return rc == 0 && p->failed ? wire_lost(w) : rc;
}

/* ---- opening and closing ---- */

int scp_pipes_open(struct scp_wire *wire, const sshio_scp_path *path, const char *command, struct scp_pipes **pipes)
{
    struct scp_pipes *p = mem_zalloc(sizeof *p);
    struct loop *loop = loop_current();
    int in = -1, out = -1;
    int rc = p != NULL && loop != NULL ? 0 : fail_nomem();
    if (rc == 0)
        rc = path->start(command, &in, &out, path->user);
    if (rc != 0 && error_code(last_error()) != rc)
        fail(rc, "the program of the other side was not started");
    if (rc == 0)
        rc = stream_from_pipes(loop, in, out, &p->stream, last_error());
    if (rc != 0) {
        mem_free(p);
        return rc;
    }
    outbox_init(&p->out, OUTPUT_MAX);
    error_init(&p->error);
    waiters_init(&p->readable);
    waiters_init(&p->writable);
    stream_set_owner(p->stream, &stream_events, p);
    stream_read_start(p->stream);
    wire->read = pipes_read;
    wire->write = pipes_write;
    wire->user = p;
    *pipes = p;
    return 0;
}

void scp_pipes_close(struct scp_pipes *p, bool at_once)
{
    p->closing = true;
    if (at_once || p->failed || outbox_len(&p->out) == 0)
        close_now(p);
}
