/* Redirection: life, and choosing by kind; see redirect.h. */
#include "session/redirect.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/memory.h"
#include "conn/sources.h"
#include "io/last_error.h"
#include "io/options.h"
#include "io/stream.h"
#include "io/worker.h"

void sshio_redirect_options_init(sshio_redirect_options *options)
{
    OPTIONS_TAKE(options, NULL);
}

struct redirect_options redirect_options_of(const sshio_redirect_options *o)
{
    return (struct redirect_options){
        .bufsize = o->bufsize,
        .send_eof = settings_tri(o->send_eof, true),
        .recv_eof = settings_tri(o->recv_eof, true),
    };
}

/* ---- life ---- */

void redirect_init(struct redirect *r, struct streams *s)
{
    r->refs = 1;
    r->streams = s;
    streams_hold(s);
    waiters_init(&r->waiters);
}

void redirect_release(struct redirect *r)
{
    if (--r->refs > 0)
        return;
    struct streams *s = r->streams;
    if (r->free != NULL)
        r->free(r);
    mem_free(r);
    streams_release(s);
}

/* Somebody may hold its source open for ever. */
static void lost(void *user)
{
    redirect_finish(user);
}

int redirect_feed(struct redirect *r, sshio_writer *writer, void (*writable)(void *user))
{
    if (writer->source != NULL)
        return fail(SSHIO_EINVAL, "the writer is fed by another redirection");
    r->writer = writer;
    r->source = (struct writer_source){ .writable = writable, .lost = lost, .user = r };
    writer->source = &r->source;
    return 0;
}

int redirect_empty(struct redirect *r, sshio_reader *reader, const struct reader_sink *sink)
{
    if (reader->sink != NULL)
        return fail(SSHIO_EINVAL, "the reader goes to another redirection");
    r->reader = reader;
    r->sink = *sink;
    r->sink.user = r;
    reader_set_sink(reader, &r->sink);
    return 0;
}

/* A writer is free for the next source, and whoever drains it goes on. A target that is done goes on swallowing what
 * still comes. */
void redirect_finish(struct redirect *r)
{
    if (r->done)
        return;
    r->done = true;
    r->stop(r);
    if (r->writer != NULL && r->writer->source == &r->source) {
        r->writer->source = NULL;
        streams_wake_writers(r->writer->streams);
    }
    waiters_wake(&r->waiters, 0);
}

int redirect_wait(struct redirect *r)
{
    int rc = 0;
    if (r == NULL)
        return 0;
    r->refs++;
    while (rc == 0 && !r->done)
        rc = waiters_wait(&r->waiters);
    redirect_release(r);
    return rc;
}

void redirect_free(struct redirect *r)
{
    if (r == NULL)
        return;
    redirect_finish(r);
    if (r->reader != NULL && r->reader->sink == &r->sink)
        reader_set_sink(r->reader, NULL);
    redirect_release(r);
}

/* ---- descriptors and files ---- */

struct opening {
    char *path;
    int flags;
    int fd;
    int os_errno;
};

static int open_job(void *arg)
{
    struct opening *o = arg;
    do
        o->fd = open(o->path, o->flags | O_CLOEXEC | O_NOCTTY, 0666);
    while (o->fd < 0 && errno == EINTR);
    o->os_errno = errno;
    return 0;
}

/* Waits. */
static int open_file(const char *name, int flags, int *fd)
{
    struct opening o = { .path = name != NULL ? expand_home(name) : NULL, .flags = flags, .fd = -1 };
    if (o.path == NULL)
        return name == NULL ? fail(SSHIO_EINVAL, "a redirection names no file") : fail_nomem();
    int rc = worker_run(open_job, &o);
    if (rc == 0 && o.fd < 0)
        rc = error_set_errno(last_error(), o.os_errno, "%s cannot be opened", o.path);
    if (rc != 0 && o.fd >= 0)
        close(o.fd);
    if (rc == 0)
        *fd = o.fd;
    mem_free(o.path);
    return rc;
}

static int open_descriptor(const sshio_io *io, int flags, int *fd)
{
    if (io->kind == SSHIO_IO_FILE)
        return open_file(io->file, flags, fd);
    *fd = fcntl(io->fd, F_DUPFD_CLOEXEC, 3);
    return *fd >= 0 ? 0 : error_set_errno(last_error(), errno, "descriptor %d cannot be redirected", io->fd);
}

static int open_stream(const sshio_io *io, struct streams *s, int flags, struct stream **stream, int *fd)
{
    struct loop *loop = s->chan->conn->loop;
    *fd = -1;
    if (io->kind == SSHIO_IO_STREAM)
        return stream_from_uv(loop, io->stream, stream, last_error());
    int rc = open_descriptor(io, flags, fd);
    return rc == 0 ? stream_from_fd(loop, *fd, stream, last_error()) : rc;
}

/* ---- by kind ---- */

static void replace(struct redirect **slot, struct redirect *by)
{
    redirect_free(*slot);
    *slot = by;
}

int redirect_writer(sshio_writer *writer, const sshio_io *io, const struct redirect_options *o, struct redirect **slot)
{
    struct stream *stream = NULL;
    int fd;
    replace(slot, NULL);
    switch (io->kind) {
    case SSHIO_IO_DEVNULL:
        return sshio_write_eof(writer);
    case SSHIO_IO_READER:
        if (io->reader == NULL)
            return fail(SSHIO_EINVAL, "a redirection names no reader");
        return redirect_between(io->reader, writer, o->send_eof, writer->streams, slot);
    case SSHIO_IO_FILE:
    case SSHIO_IO_FD:
    case SSHIO_IO_STREAM: {
        int rc = open_stream(io, writer->streams, O_RDONLY, &stream, &fd);
        return rc == 0 ? redirect_from_stream(writer, stream, o, slot) : rc;
    }
    default:
        return fail(SSHIO_EINVAL, "a redirection of kind %d is no source", (int)io->kind);
    }
}

int redirect_reader(sshio_reader *reader, const sshio_io *io, const struct redirect_options *o, struct redirect **slot)
{
    struct stream *stream = NULL;
    int fd = -1;
    replace(slot, NULL);
    switch (io->kind) {
    case SSHIO_IO_DEVNULL:
        return redirect_to_stream(reader, NULL, -1, o, slot);
    case SSHIO_IO_WRITER:
        if (io->writer == NULL)
            return fail(SSHIO_EINVAL, "a redirection names no writer");
        return redirect_between(reader, io->writer, o->recv_eof, reader->streams, slot);
    case SSHIO_IO_FILE:
    case SSHIO_IO_FD:
    case SSHIO_IO_STREAM: {
        int rc = open_stream(io, reader->streams, O_WRONLY | O_CREAT | O_TRUNC, &stream, &fd);
        return rc == 0 ? redirect_to_stream(reader, stream, fd, o, slot) : rc;
    }
    default:
        return fail(SSHIO_EINVAL, "a redirection of kind %d is no target", (int)io->kind);
    }
}
