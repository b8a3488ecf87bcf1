/* SSHReader: waiting for bytes, lines and exact numbers of bytes; see streams.h. */
#include <string.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "session/streams.h"

/* Waits until more than had bytes are buffered: 0; SSHIO_EEOF at the end, or the error that ended the channel. */
static int wait_for_more(sshio_reader *r, size_t had)
{
    struct streams *s = r->streams;
    int rc = completion_can_wait();
    while (rc == 0 && r->buffer.len <= had) {
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

static void take(sshio_reader *r, size_t len)
{
    read_buffer_take(&r->buffer, len);
    streams_took(r->streams, len);
}

int sshio_read(sshio_reader *reader, void *buffer, size_t size, size_t *got)
{
    if (size == 0) {
        *got = 0;
        return 0;
    }
    int rc = wait_for_data(reader, 0);
    if (rc != 0)
        return rc;
    size_t len = reader->buffer.len < size ? reader->buffer.len : size;
    memcpy(buffer, read_buffer_at(&reader->buffer), len);
    take(reader, len);
    *got = len;
    return 0;
}

int sshio_read_all(sshio_reader *reader, sshio_bytes *data)
{
    struct read_buffer all = { 0 };
    int rc;
    while ((rc = wait_for_more(reader, 0)) == 0) {
        if (!read_buffer_append(&all, read_buffer_at(&reader->buffer), reader->buffer.len)) {
            rc = fail_nomem();
            break;
        }
        take(reader, reader->buffer.len);
    }
    if (rc == SSHIO_EEOF)
        rc = read_buffer_append(&all, "", 1) ? 0 : fail_nomem();
    if (rc == 0)
        *data = (sshio_bytes){ .data = (char *)all.data, .len = all.len - 1 };
    else
        read_buffer_done(&all);
    return rc;
}

/* Copies the first len bytes to memory that stays until the next read, whatever arrives meanwhile. */
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
    if (len != 0)
        memcpy(r->lent, read_buffer_at(&r->buffer), len);
    r->lent[len] = '\0';
    take(r, len);
    return 0;
}

int sshio_readline(sshio_reader *reader, char **line, size_t *len)
{
    size_t searched = 0;
    for (;;) {
        const uint8_t *end = NULL;
        if (reader->buffer.len > searched)
            end = memchr(read_buffer_at(&reader->buffer) + searched, '\n', reader->buffer.len - searched);
        size_t found = end != NULL ? (size_t)(end - read_buffer_at(&reader->buffer)) + 1 : reader->buffer.len;
        searched = reader->buffer.len;
        bool full = end == NULL && reader->streams->full;
        int rc = end != NULL || full ? 0 : wait_for_more(reader, searched);
        if (rc == 0 && end == NULL && !full)
            continue;
        if (rc != 0 && (rc != SSHIO_EEOF || searched == 0))
            return rc == SSHIO_EEOF ? fail(rc, "end of stream") : rc;
        rc = lend(reader, found);
        if (rc == 0) {
            *line = reader->lent;
            *len = found;
        }
        return rc;
    }
}

int sshio_readexactly(sshio_reader *reader, void *buffer, size_t size)
{
    size_t done = 0;
    while (done < size) {
        int rc = wait_for_more(reader, 0);
        if (rc == SSHIO_EEOF) {
            struct error *e = last_error();
            error_set(e, SSHIO_EINCOMPLETE_READ, "end of stream after %zu of %zu bytes", done, size);
            e->pub.partial = (sshio_span){ .data = buffer, .len = done };
            return SSHIO_EINCOMPLETE_READ;
        }
        if (rc != 0)
            return rc;
        size_t len = reader->buffer.len < size - done ? reader->buffer.len : size - done;
        memcpy((char *)buffer + done, read_buffer_at(&reader->buffer), len);
        take(reader, len);
        done += len;
    }
    return 0;
}

bool sshio_reader_at_eof(const sshio_reader *reader)
{
    return reader->streams->eof && reader->buffer.len == 0;
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
