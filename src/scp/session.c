/* A remote SCP on a session of its own; see session.h. What it says on its stderr is read whatever comes (F10), and the
 * beginning kept: it tells why there is nothing else. */
#include "scp/session.h"

#include <string.h>

#include <sshio/process.h>

#include "base/memory.h"
#include "io/last_error.h"

int scp_stream_read(sshio_reader *reader, void *buffer, size_t size, size_t *got)
{
    int rc = sshio_read(reader, buffer, size, got);
    while (sshio_error_is(rc, SSHIO_E_IN_BAND)) /* signals and the like mean nothing here */
        rc = sshio_read(reader, buffer, size, got);
    return rc;
}

int scp_stream_write(sshio_writer *writer, const void *data, size_t len)
{
    int rc = sshio_write(writer, data, len);
    return rc == 0 ? sshio_drain(writer) : rc;
}

static int session_read(struct scp_wire *w, void *buffer, size_t size, size_t *got)
{
    struct scp_session *s = w->user;
    return scp_stream_read(s->out, buffer, size, got);
}

/* One that has hung up may have said why before. */
static int session_write(struct scp_wire *w, const void *data, size_t len)
{
    struct scp_session *s = w->user;
    int rc = scp_stream_write(s->in, data, len);
    return rc == SSHIO_ECLOSED ? wire_lost(w) : rc;
}

static void complain(void *user, const void *bytes, size_t len)
{
    struct scp_session *s = user;
    size_t room = SESSION_COMPLAINT - s->complaint_len, part = len < room ? len : room;
    memcpy(s->complaint + s->complaint_len, bytes, part);
    s->complaint_len += part;
    while (s->complaint_len != 0 && s->complaint[s->complaint_len - 1] == '\n')
        s->complaint_len--;
    s->complaint[s->complaint_len] = '\0';
}

static void complaint_end(void *user)
{
    (void)user;
}

static int open_session(struct scp_session *s, sshio_conn *conn, const char *command)
{
    int rc = sshio_open_session(
        conn, SSHIO_SESSION(.command = command, .encoding = SSHIO_NONE, .request_pty = SSHIO_REQUEST_PTY_NO), &s->in,
        &s->out, &s->err);
    if (rc != 0)
        return rc;
    s->wire.read = session_read;
    s->wire.write = session_write;
    s->wire.user = s;
    s->wire.context = s->complaint;
    s->sink = (struct reader_sink){ .data = complain, .end = complaint_end, .user = s };
    reader_set_sink(s->err, &s->sink);
    return 0;
}

int scp_session_open(struct scp_session *s, const sshio_scp_path *path, const struct scp_command *command,
                     sshio_scp_quoting quoting)
{
    char *text;
    int rc = scp_command_format(command, quoting, &text, last_error());
    if (rc != 0)
        return rc;
    memset(s, 0, sizeof *s);
    wire_init(&s->wire);
    rc = path->start != NULL ? scp_pipes_open(&s->wire, path, text, &s->pipes) : open_session(s, path->conn, text);
    mem_free(text);
    return rc;
}

static void drop(void *user, const void *bytes, size_t len)
{
    (void)user, (void)bytes, (void)len;
}

void scp_session_close(struct scp_session *s, bool at_once)
{
    static const struct reader_sink dropped = { .data = drop, .end = complaint_end };
    if (s->pipes != NULL)
        scp_pipes_close(s->pipes, at_once);
    s->pipes = NULL;
    if (s->in == NULL)
        return;
    reader_set_sink(s->err, &dropped); /* the streams may outlive the session */
    if (at_once)
        sshio_chan_abort(sshio_writer_channel(s->in));
    else
        sshio_writer_close(s->in);
    sshio_reader_unref(s->err);
    sshio_reader_unref(s->out);
    sshio_writer_unref(s->in);
    s->in = NULL;
}
