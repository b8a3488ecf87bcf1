/* SSHWriter; see streams.h. */
#include <string.h>

#include "io/last_error.h"
#include "session/streams.h"

int sshio_write(sshio_writer *writer, const void *data, size_t len)
{
    return sshio_chan_write(writer->streams->chan, data, len, writer->datatype);
}

int sshio_puts(sshio_writer *writer, const char *text)
{
    return sshio_write(writer, text, strlen(text));
}

int sshio_vprintf(sshio_writer *writer, const char *format, va_list args)
{
    return chan_vprintf(writer->streams->chan, writer->datatype, format, args);
}

int sshio_printf(sshio_writer *writer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int rc = sshio_vprintf(writer, format, args);
    va_end(args);
    return rc;
}

int sshio_writelines(sshio_writer *writer, const sshio_span *parts, size_t count)
{
    return sshio_chan_writelines(writer->streams->chan, parts, count, writer->datatype);
}

int sshio_write_eof(sshio_writer *writer)
{
    return sshio_chan_write_eof(writer->streams->chan);
}

/* Until the queue is low and what feeds the writer has ended. */
int sshio_drain(sshio_writer *writer)
{
    struct streams *s = writer->streams;
    int rc = completion_can_wait();
    while (rc == 0 && (s->chan->writing_paused || writer->source != NULL) && !s->chan->ended) {
        streams_hold(s);
        rc = waiters_wait(&s->writable);
        streams_release(s);
    }
    if (rc != 0 || !s->chan->ended)
        return rc;
    if (error_code(&s->chan->error) != 0)
        return fail_with(&s->chan->error);
    return s->chan->writing_paused ? fail(SSHIO_ECLOSED, "channel was closed with data still queued") : 0;
}

bool sshio_writer_can_write_eof(const sshio_writer *writer)
{
    return sshio_chan_can_write_eof(writer->streams->chan);
}

void sshio_writer_close(sshio_writer *writer)
{
    sshio_chan_close(writer->streams->chan);
}

bool sshio_writer_is_closing(const sshio_writer *writer)
{
    return sshio_chan_is_closing(writer->streams->chan);
}

int sshio_writer_wait_closed(sshio_writer *writer)
{
    return sshio_chan_wait_closed(writer->streams->chan);
}

sshio_chan *sshio_writer_channel(const sshio_writer *writer)
{
    return writer->streams->chan;
}

sshio_logger *sshio_writer_logger(const sshio_writer *writer)
{
    return sshio_chan_logger(writer->streams->chan);
}

const char *sshio_writer_get_extra_info(const sshio_writer *writer, const char *name, const char *def)
{
    return sshio_chan_get_extra_info(writer->streams->chan, name, def);
}

sshio_writer *sshio_writer_ref(sshio_writer *writer)
{
    streams_user_ref(writer->streams);
    return writer;
}

void sshio_writer_unref(sshio_writer *writer)
{
    if (writer != NULL)
        streams_user_unref(writer->streams);
}
