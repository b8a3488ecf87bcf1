/* SFTP sessions on two descriptors: what a program is that an SSH server runs as its subsystem. See server.h. */
#include <unistd.h>

#include "io/last_error.h"
#include "io/outbox.h"
#include "io/stream.h"
#include "sftp/server.h"

#define OUTPUT_HIGH (512u * 1024) /* unsent replies above which none is made */
#define OUTPUT_LOW (128u * 1024)
#define OUTPUT_MAX (64u * 1024 * 1024) /* never reached: a reply is made only while less than OUTPUT_HIGH is unsent */

struct stream_session {
    sshio_sftp_server *server;
    struct stream *stream;
    struct outbox out;
    bool full, reading, over, cleaned, closed;
    int status;
    struct waiters ended;
};

/* ---- the port ---- */

static void port_write(sshio_sftp_server *server, const void *data, size_t len)
{
    struct stream_session *s = server->port_user;
    if (s->over)
        return;
    if (!outbox_put(&s->out, data, len)) {
        log_warning(server->logger, "SFTP session ends: a reply found no memory");
        s->over = true;
        sftp_server_end(server, 1);
        return;
    }
    stream_want_write(s->stream);
    if (!s->full && outbox_len(&s->out) > OUTPUT_HIGH) {
        s->full = true;
        sftp_server_port_full(server, true);
    }
}

static void port_read_on(sshio_sftp_server *server)
{
    struct stream_session *s = server->port_user;
    if (!s->over)
        stream_read_start(s->stream);
}

static void finish_if_flushed(struct stream_session *s)
{
    if (s->cleaned && !s->closed && (s->over || outbox_len(&s->out) == 0)) {
        s->closed = true;
        stream_close(s->stream);
    }
}

static void port_cleaned(sshio_sftp_server *server, int status)
{
    struct stream_session *s = server->port_user;
    s->cleaned = true;
    s->status = status;
    finish_if_flushed(s);
}

static const struct sftp_port_ops stream_port = { port_write, port_read_on, port_cleaned };

/* ---- the stream ---- */

static size_t received(void *owner, uint8_t *data, size_t len)
{
    struct stream_session *s = owner;
    size_t used = sftp_server_feed(s->server, data, len);
    if (used < len)
        stream_read_stop(s->stream);
    return used;
}

static void ended(void *owner, const struct error *error)
{
    struct stream_session *s = owner;
    if (error == NULL) {
        sftp_server_eof(s->server);
        return;
    }
    s->over = true;
    sftp_server_lost(s->server);
    finish_if_flushed(s);
}

static struct span output(void *owner)
{
    struct stream_session *s = owner;
    return outbox_output(&s->out);
}

static void sent(void *owner, size_t len)
{
    struct stream_session *s = owner;
    outbox_sent(&s->out, len);
    if (s->full && outbox_len(&s->out) <= OUTPUT_LOW) {
        s->full = false;
        sftp_server_port_full(s->server, false);
    }
    finish_if_flushed(s);
}

static void closed(void *owner)
{
    struct stream_session *s = owner;
    s->stream = NULL;
    waiters_wake(&s->ended, 0);
}

static const struct stream_events stream_events = { received, ended, output, sent, closed };

/* ---- the whole of it ---- */

static int serve(struct stream_session *s)
{
    int rc = 0;
    sftp_server_start(s->server, &stream_port, s, log_base(), SSHIO_MIN_SFTP_VERSION);
    stream_read_start(s->stream);
    while (s->stream != NULL) {
        int interrupted = waiters_wait(&s->ended);
        if (interrupted == 0)
            continue;
        rc = interrupted;
        s->over = true;
        sftp_server_lost(s->server);
        finish_if_flushed(s);
    }
    return rc != 0 || s->status == 0 ? rc
                                     : fail(SSHIO_ESFTP_BAD_MESSAGE, "SFTP session was ended by what the client sent");
}

int sshio_run_sftp_server(int in, int out, const sshio_sftp_server_options *options)
{
    struct stream_session s = { .status = 1 };
    int rc = completion_can_wait();
    if (rc == 0)
        rc = sftp_server_new(options, &s.server);
    if (rc == 0) {
        rc = stream_from_pipes(s.server->loop, in, out, &s.stream, last_error());
    } else {
        close(in);
        if (out != in)
            close(out);
    }
    if (rc == 0) {
        stream_set_owner(s.stream, &stream_events, &s);
        waiters_init(&s.ended);
        outbox_init(&s.out, OUTPUT_MAX);
        s.server->alone = true;
        s.server->target_first = true;
        rc = serve(&s);
        outbox_done(&s.out);
    }
    sftp_server_release(s.server);
    return rc;
}
