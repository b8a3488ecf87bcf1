/* sshio/stream.h: readers and writers over a channel. The I/O verbs are bare (sshio_read, sshio_write); the rest has
 * the type's prefix. Data is bytes; with a session's .encoding it is UTF-8 here. At the end all reads return
 * SSHIO_EEOF, so that loops read `while (sshio_readline(…) == 0)`. On a server's stdin they also return
 * SSHIO_EBREAK_RECEIVED, SSHIO_ESIGNAL_RECEIVED and SSHIO_ETERMINAL_SIZE_CHANGED, once each and at their place among
 * the data, with what they tell in sshio_error_last(); sshio_error_is(rc, SSHIO_E_IN_BAND) holds for all three. A call
 * that finds data first returns that. Reference: SSHReader, SSHWriter. */
#ifndef SSHIO_STREAM_H
#define SSHIO_STREAM_H
#include "base.h"
SSHIO_BEGIN

/* Serves a connection. Task; its return closes the channel. Both streams are borrowed. */
typedef void (*sshio_stream_fn)(sshio_reader *reader, sshio_writer *writer, void *user);

/* ---- reading ---- */
/* All reads wait. Those on one reader are served one after another. One that is cancelled or times out loses no data.
 * When the connection broke: its error, after what came before. */

/* Read bytes, or all of them. SSHIO_EEOF and the errors in-band. */
SSHIO_API int sshio_read(sshio_reader *reader, void *buffer, size_t size, size_t *got); /* 1 to size bytes */
SSHIO_API int sshio_read_all(sshio_reader *reader, sshio_bytes *data); /* until EOF, which is no error here, or until
                                                                          something in-band */

/* Reads a line, with its \n and a NUL; borrowed until the next read. The last line may lack the \n, and so may one that
 * fills the buffer. SSHIO_EEOF and the errors in-band. */
SSHIO_API int sshio_readline(sshio_reader *reader, char **line, size_t *len);
/* Reads up to the end of the separator that begins first; of those that begin at one place the first in the list, which
 * ends with NULL, counts: SSHIO_LIST("\r\n", "\n"). Borrowed as a line, with a NUL. SSHIO_EINCOMPLETE_READ when the
 * end, something in-band or a full buffer (its size is the session's .window) comes before: what there is stands in
 * .partial until the next read and is taken, so that records of any length can be put together. SSHIO_EINVAL: no
 * separator, or an empty one. */
SSHIO_API int sshio_readuntil(sshio_reader *reader, const char *const *separators, char **data, size_t *len);
/* Reads up to what a function finds: it says where the match ends in data, 0 = it is not all here. It is called
 * whenever more has come, with all that is here, and must not call this library. Errors as sshio_readuntil. */
typedef size_t (*sshio_match_fn)(const char *data, size_t len, void *user);
SSHIO_API int sshio_readuntil_match(sshio_reader *reader, sshio_match_fn match, void *user, char **data, size_t *len);
/* Reads size bytes. SSHIO_EINCOMPLETE_READ: the end or something in-band came before, and what there was stands in
 * .partial; SSHIO_EEOF if that is nothing. */
SSHIO_API int sshio_readexactly(sshio_reader *reader, void *buffer, size_t size);

/* ---- readers ---- */
SSHIO_API bool sshio_reader_at_eof(const sshio_reader *reader); /* whether EOF came and nothing is buffered */
/* Feed a reader as if the peer had sent it; nothing is counted against its window. EOF is that of all readers of the
 * session. They do not wait. SSHIO_ECLOSED behind EOF, SSHIO_ENOMEM, SSHIO_ELIMIT. */
SSHIO_API int sshio_reader_feed_data(sshio_reader *reader, const void *data, size_t len);
SSHIO_API int sshio_reader_feed_eof(sshio_reader *reader);

/* What a reader belongs to; borrowed. */
SSHIO_API sshio_chan *sshio_reader_channel(const sshio_reader *reader);  /* its channel */
SSHIO_API sshio_logger *sshio_reader_logger(const sshio_reader *reader); /* its logger */
SSHIO_API const char *sshio_reader_get_extra_info(const sshio_reader *reader, const char *name,
                                                  const char *def); /* of its channel */

/* Count references to a reader: one more, which is also the result, and one given back. */
SSHIO_API sshio_reader *sshio_reader_ref(sshio_reader *reader);
SSHIO_API void sshio_reader_unref(
    sshio_reader *reader); /* what open_session handed out; a handler's are borrowed; takes NULL */

/* ---- writing ---- */
/* Queue data, and do not wait; sshio_drain bounds the queue. SSHIO_ECLOSED after EOF or close, SSHIO_ENOMEM;
 * SSHIO_EDECODE: the session's encoding cannot carry this text; then nothing was queued. */
SSHIO_API int sshio_write(sshio_writer *writer, const void *data, size_t len);
SSHIO_API int sshio_puts(sshio_writer *writer, const char *text); /* the text alone, no \n added */
SSHIO_API int sshio_printf(sshio_writer *writer, const char *format, ...) SSHIO_PRINTF(2, 3);
SSHIO_API int sshio_vprintf(sshio_writer *writer, const char *format, va_list args) SSHIO_PRINTF(2, 0);
SSHIO_API int sshio_writelines(sshio_writer *writer, const sshio_span *parts, size_t count);

/* Sends EOF of the channel, after what is queued: stdout's is also stderr's. Does not wait. */
SSHIO_API int sshio_write_eof(sshio_writer *writer);
/* Waits while more than the high mark is queued, and while a redirection feeds the writer. SSHIO_ECLOSED, or why the
 * connection broke. */
SSHIO_API int sshio_drain(sshio_writer *writer);

/* ---- writers ---- */
SSHIO_API bool sshio_writer_can_write_eof(const sshio_writer *writer); /* whether there is an EOF to write: true */

/* Close the channel of a writer. */
SSHIO_API void sshio_writer_close(sshio_writer *writer); /* after what is queued; does not wait */
SSHIO_API bool sshio_writer_is_closing(const sshio_writer *writer);
SSHIO_API int sshio_writer_wait_closed(sshio_writer *writer); /* waits until it is closed */

/* What a writer belongs to; borrowed. */
SSHIO_API sshio_chan *sshio_writer_channel(const sshio_writer *writer);  /* its channel */
SSHIO_API sshio_logger *sshio_writer_logger(const sshio_writer *writer); /* its logger */
SSHIO_API const char *sshio_writer_get_extra_info(const sshio_writer *writer, const char *name,
                                                  const char *def); /* of its channel */

/* Count references to a writer: one more, which is also the result, and one given back. */
SSHIO_API sshio_writer *sshio_writer_ref(sshio_writer *writer);
SSHIO_API void sshio_writer_unref(sshio_writer *writer); /* takes NULL */

SSHIO_END
#endif
