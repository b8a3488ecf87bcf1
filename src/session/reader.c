/* SSHReader: waiting for bytes, lines and exact numbers of bytes; see streams.h. */
#include "base/memory.h"
#include "io/last_error.h"
#include "session/streams.h"

/* Waits until more than had bytes are buffered: 0; SSHIO_EEOF at the end, or the error that ended the channel. */
static int wait_for_more(sshio_reader *r, size_t had)
{
    struct streams *s = r->streams;
    int rc = completion_can_wait();
    while (rc == 0 && read_buffer_len(&r->buffer) <= had) {
        if (s->eof && error_code(&s->error) != 0)
            return fail_with(&s->error);
        if (s->eof)
            return SSHIO_EEOF;
        streams_hold(s);
        rc = waiters_wait(&r->waiters);
        streams_release(s);
    }
    return rc;
}

/* EEOF is an expected end: recorded only where it leaves the API. */
static int wait_for_data(sshio_reader *r, size_t had)
{
    int rc = wait_for_more(r, had);
    return rc == SSHIO_EEOF ? fail(rc, "end of stream") : rc;
}

/* Moves up to size bytes out of the buffer. */
static size_t take(sshio_reader *r, void *to, size_t size)
{
    size_t len = read_buffer_read(&r->buffer, to, size);
    streams_took(r->streams, len);
    return len;
}

int sshio_read(sshio_reader *reader, void *buffer, size_t size, size_t *got)
{
    int rc = size != 0 ? wait_for_data(reader, 0) : 0;
    if (rc == 0)
        *got = take(reader, buffer, size);
    return rc;
}

int reader_take_all(sshio_reader *reader, sshio_bytes *bytes)
{
    size_t len = read_buffer_len(&reader->buffer);
    char *data = mem_alloc(len + 1);
    if (data == NULL)
        return fail_nomem();
    take(reader, data, len);
    data[len] = '\0';
    *bytes = (sshio_bytes){ .data = data, .len = len };
    return 0;
}

/* Waits until size bytes are buffered and takes none: whoever is interrupted has lost nothing. */
static int gather(sshio_reader *r, size_t size)
{
    streams_want(r, size);
    int rc = size != 0 ? wait_for_more(r, size - 1) : 0;
    streams_want(r, 0);
    return rc;
}

int sshio_read_all(sshio_reader *reader, sshio_bytes *data)
{
    int rc = gather(reader, SIZE_MAX);
    return rc == SSHIO_EEOF ? reader_take_all(reader, data) : rc;
}

/* Moves the first len bytes to memory that stays until the next read, whatever arrives meanwhile. */
static int lend(sshio_reader *r, size_t len)
{
    if (len + 1 > r->lent_size) {
        size_t size = r->lent_size * 2 > len + 1 ? r->lent_size * 2 : len + 1;
        char *memory = mem_alloc(size);
        if (memory == NULL)
            return fail_nomem();
        mem_free(r->lent);
        r->lent = memory;
        r->lent_size = size;
    }
    take(r, r->lent, len);
    r->lent[len] = '\0';
    return 0;
}

/* How long the next line is, as far as can be told now: 0 = more has to arrive. A buffer that is full holds all that
 * will. */
static size_t line_len(const sshio_reader *r, size_t searched)
{
    size_t at;
    if (read_buffer_find(&r->buffer, '\n', searched, &at))
        return at + 1;
    return r->streams->full || r->streams->eof ? read_buffer_len(&r->buffer) : 0;
}

int sshio_readline(sshio_reader *reader, char **line, size_t *len)
{
    size_t searched = 0, found;
    while ((found = line_len(reader, searched)) == 0) {
        searched = read_buffer_len(&reader->buffer);
        int rc = wait_for_more(reader, searched);
        if (rc != 0 && (rc != SSHIO_EEOF || searched == 0))
            return rc == SSHIO_EEOF ? fail(rc, "end of stream") : rc;
    }
    int rc = lend(reader, found);
    if (rc == 0) {
        *line = reader->lent;
        *len = found;
    }
    return rc;
}

int sshio_readexactly(sshio_reader *reader, void *buffer, size_t size)
{
    int rc = gather(reader, size);
    if (rc == 0)
        take(reader, buffer, size);
    if (rc != SSHIO_EEOF)
        return rc;
    size_t done = take(reader, buffer, size);
    struct error *e = last_error();
    error_set(e, SSHIO_EINCOMPLETE_READ, "end of stream after %zu of %zu bytes", done, size);
    e->pub.partial = (sshio_span){ .data = buffer, .len = done };
    return SSHIO_EINCOMPLETE_READ;
}

bool sshio_reader_at_eof(const sshio_reader *reader)
{
    return reader->streams->eof && read_buffer_len(&reader->buffer) == 0;
}

sshio_chan *sshio_reader_channel(const sshio_reader *reader)
{
    return reader->streams->chan;
}

sshio_logger *sshio_reader_logger(const sshio_reader *reader)
{
    return sshio_chan_logger(reader->streams->chan);
}

sshio_reader *sshio_reader_ref(sshio_reader *reader)
{
    streams_user_ref(reader->streams);
    return reader;
}

void sshio_reader_unref(sshio_reader *reader)
{
    if (reader != NULL)
        streams_user_unref(reader->streams);
}
