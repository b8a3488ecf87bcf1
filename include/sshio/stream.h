/* sshio/stream.h: readers and writers over a channel. The I/O verbs are bare (sshio_read, sshio_write); the rest has
 * the type's prefix. Data is bytes. At the end all reads return SSHIO_EEOF, so that loops read `while
 * (sshio_readline(…) == 0)`. Reference: SSHReader, SSHWriter. */
#ifndef SSHIO_STREAM_H
#define SSHIO_STREAM_H
#include "base.h"
SSHIO_BEGIN

/* Serves a connection. Task; its return closes the channel. Both streams are borrowed. */
typedef void (*sshio_stream_fn)(sshio_reader *reader, sshio_writer *writer, void *user);

/* reading: all wait. A read that is cancelled or times out loses no data. When the connection broke: its error, after
 * what came before. */
SSHIO_API int sshio_read(sshio_reader *reader, void *buffer, size_t size, size_t *got); /* 1 to size bytes */
SSHIO_API int sshio_read_all(sshio_reader *reader, sshio_bytes *data); /* until EOF, which is no error here */
SSHIO_API int sshio_readline(sshio_reader *reader, char **line,
                             size_t *len); /* with its \n and a NUL; borrowed until the next
                                              read; the last line may lack the \n */
SSHIO_API int sshio_readexactly(sshio_reader *reader, void *buffer,
                                size_t size); /* EINCOMPLETE_READ, with what came in .partial */

SSHIO_API bool sshio_reader_at_eof(const sshio_reader *reader);          /* EOF came and nothing is buffered */
SSHIO_API sshio_chan *sshio_reader_channel(const sshio_reader *reader);  /* borrowed */
SSHIO_API sshio_logger *sshio_reader_logger(const sshio_reader *reader); /* borrowed */
SSHIO_API sshio_reader *sshio_reader_ref(sshio_reader *reader);
SSHIO_API void sshio_reader_unref(
    sshio_reader *reader); /* what open_session handed out; a handler's are borrowed; takes NULL */

/* writing: queues and does not wait; sshio_drain bounds the queue. SSHIO_ECLOSED after EOF or close, SSHIO_ENOMEM */
SSHIO_API int sshio_write(sshio_writer *writer, const void *data, size_t len);
SSHIO_API int sshio_puts(sshio_writer *writer, const char *text); /* the text alone, no \n added */
SSHIO_API int sshio_printf(sshio_writer *writer, const char *format, ...) SSHIO_PRINTF(2, 3);
SSHIO_API int sshio_vprintf(sshio_writer *writer, const char *format, va_list args) SSHIO_PRINTF(2, 0);
SSHIO_API int sshio_writelines(sshio_writer *writer, const sshio_span *parts, size_t count);
SSHIO_API int sshio_write_eof(sshio_writer *writer); /* of the channel: stdout's EOF is also stderr's */
SSHIO_API int sshio_drain(sshio_writer *writer);     /* waits while more than the high mark is queued */

SSHIO_API bool sshio_writer_can_write_eof(const sshio_writer *writer);
SSHIO_API void sshio_writer_close(sshio_writer *writer); /* closes the channel; does not wait */
SSHIO_API bool sshio_writer_is_closing(const sshio_writer *writer);
SSHIO_API int sshio_writer_wait_closed(sshio_writer *writer);            /* waits */
SSHIO_API sshio_chan *sshio_writer_channel(const sshio_writer *writer);  /* borrowed */
SSHIO_API sshio_logger *sshio_writer_logger(const sshio_writer *writer); /* borrowed */
SSHIO_API sshio_writer *sshio_writer_ref(sshio_writer *writer);
SSHIO_API void sshio_writer_unref(sshio_writer *writer); /* takes NULL */

SSHIO_END
#endif
