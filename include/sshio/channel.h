/* sshio/channel.h: channels. Reference: SSHClientChannel, SSHServerChannel, SSHTCPChannel. Handlers get the channel
 * borrowed. Calling what a kind of channel does not have is SSHIO_EINVAL (or NULL, 0). */
#ifndef SSHIO_CHANNEL_H
#define SSHIO_CHANNEL_H
#include "base.h"
#include "session.h"
SSHIO_BEGIN

/* Arguments of TCP channels and of prepared ones: SSHIO_CHANNEL(.window = 65536). */
typedef struct sshio_channel_options {
    size_t size;
    const char *orig_host;    /* originator, as the other side is told; default ""; not of prepared channels */
    int orig_port;            /* default 0; not of prepared channels */
    const char *encoding;     /* as iconv has it; default bytes, for a session's channel the server's; SSHIO_NONE */
    sshio_text_errors errors; /* default strict, for a session's channel the server's */
    uint32_t window;          /* bytes; default that of the connection */
    uint32_t max_pktsize;     /* bytes; default that of the connection */
} sshio_channel_options;
#define SSHIO_CHANNEL(...) SSHIO_OPTIONS(sshio_channel_options, __VA_ARGS__)
SSHIO_API void sshio_channel_options_init(sshio_channel_options *options); /* defaults and .size */

/* ---- all kinds of channels ---- */
/* Count references to a channel: one more, which is also the result, and one given back. */
SSHIO_API sshio_chan *sshio_chan_ref(sshio_chan *chan);
SSHIO_API void sshio_chan_unref(sshio_chan *chan); /* the last one closes; takes NULL */

/* What the handlers of a channel get as user. */
SSHIO_API void sshio_chan_set_user(sshio_chan *chan, void *user);  /* from now on */
SSHIO_API void *sshio_chan_user(const sshio_chan *chan);           /* now */
SSHIO_API sshio_conn *sshio_chan_conn(const sshio_chan *chan);     /* the connection of a channel; borrowed */
SSHIO_API sshio_logger *sshio_chan_logger(const sshio_chan *chan); /* the logger of a channel; borrowed */

/* Text about the channel, borrowed: what set_extra_info stored; local_peername and remote_peername of TCP channels;
 * what the connection knows; else def. */
SSHIO_API const char *sshio_chan_get_extra_info(const sshio_chan *chan, const char *name, const char *def);
SSHIO_API int sshio_chan_set_extra_info(sshio_chan *chan, const char *name,
                                        const char *value); /* copied; NULL removes; EINVAL, ENOMEM */

/* The two ends of a TCP channel as both sides were told, ours and theirs; borrowed; NULL = it is of another kind. */
SSHIO_API const sshio_address *sshio_chan_local_peername(const sshio_chan *chan);
SSHIO_API const sshio_address *sshio_chan_remote_peername(const sshio_chan *chan);

/* Stops the delivery of data, and lets it go on. */
SSHIO_API void sshio_chan_pause_reading(sshio_chan *chan);  /* at most one window is buffered meanwhile */
SSHIO_API void sshio_chan_resume_reading(sshio_chan *chan); /* what waited is delivered later in this turn */

SSHIO_API bool sshio_chan_can_write_eof(const sshio_chan *chan);           /* whether there is an EOF to write: true */
SSHIO_API size_t sshio_chan_get_write_buffer_size(const sshio_chan *chan); /* bytes written and not yet framed */
/* Sets from where on the queue counts as full, and as empty again, for pause_writing, resume_writing and sshio_drain:
 * bytes; 0 = default: high 64 KiB, low a quarter of high. SSHIO_EINVAL when low is above high. */
SSHIO_API int sshio_chan_set_write_buffer_limits(sshio_chan *chan, size_t high, size_t low);
/* Queues len bytes (copied, or sealed at once); does not wait. datatype 0, or SSHIO_EXTENDED_DATA_STDERR on a server's
 * session. SSHIO_ECLOSED after EOF or close, SSHIO_EINVAL for another datatype, SSHIO_ENOMEM. */
SSHIO_API int sshio_chan_write(sshio_chan *chan, const void *data, size_t len, int datatype);
SSHIO_API int sshio_chan_puts(sshio_chan *chan, const char *text); /* a write of the text alone */
SSHIO_API int sshio_chan_printf(sshio_chan *chan, const char *format, ...)
    SSHIO_PRINTF(2, 3); /* a write of what is formatted */
SSHIO_API int sshio_chan_writelines(sshio_chan *chan, const sshio_span *parts, size_t count,
                                    int datatype); /* one write of them all */

SSHIO_API int sshio_chan_write_eof(
    sshio_chan *chan); /* sends EOF, after what is queued; receiving goes on; again it does nothing */

/* Close a channel. Each may be repeated. */
SSHIO_API void sshio_chan_abort(sshio_chan *chan); /* drops what is queued and closes */
SSHIO_API void sshio_chan_close(sshio_chan *chan); /* after what is queued; does not wait */
SSHIO_API bool sshio_chan_is_closing(
    const sshio_chan *chan);                            /* whether it is closed or being closed; also after write_eof */
SSHIO_API int sshio_chan_wait_closed(sshio_chan *chan); /* waits until it is closed */

/* Sets the encoding of a channel: what the peer writes and reads is text in it (as iconv has it), and UTF-8 here; NULL
 * or SSHIO_NONE: bytes. Half a character that was under way ends in the old one. SSHIO_EINVAL: not known; SSHIO_ENOMEM.
 */
SSHIO_API int sshio_chan_set_encoding(sshio_chan *chan, const char *encoding, sshio_text_errors errors);
SSHIO_API const char *sshio_chan_get_encoding(const sshio_chan *chan); /* its encoding; borrowed; NULL = bytes */

/* ---- sessions, on both sides ---- */
/* What a session runs, and with what. */
SSHIO_API const char *const *sshio_chan_get_environment(
    const sshio_chan *chan);                                            /* "NAME=value", NULL-terminated; borrowed */
SSHIO_API const char *sshio_chan_get_command(const sshio_chan *chan);   /* the command; borrowed; NULL = none */
SSHIO_API const char *sshio_chan_get_subsystem(const sshio_chan *chan); /* the subsystem; borrowed; NULL = none */

/* ---- client sessions ---- */
/* How the program ended. */
SSHIO_API int sshio_chan_get_exit_status(const sshio_chan *chan); /* returns 0-255, -1 = by a signal, SSHIO_NO_STATUS */
SSHIO_API const sshio_exit_signal *sshio_chan_get_exit_signal(
    const sshio_chan *chan); /* the signal; borrowed; NULL = none */
SSHIO_API int sshio_chan_get_returncode(
    const sshio_chan *chan); /* returns the status, -signal number, SSHIO_NO_STATUS */

/* Send something to the program, and neither wait nor hear what becomes of it. SSHIO_EINVAL, SSHIO_ECLOSED: the channel
 * is not open. A signal is named as "INT" or by its number here, as "2"; a break of 0 ms is as long as is usual there.
 */
SSHIO_API int sshio_chan_change_terminal_size(sshio_chan *chan, sshio_term_size term_size);
SSHIO_API int sshio_chan_send_break(sshio_chan *chan, int msec);
SSHIO_API int sshio_chan_send_signal(sshio_chan *chan, const char *signal);
SSHIO_API int sshio_chan_terminate(sshio_chan *chan); /* signal TERM */
SSHIO_API int sshio_chan_kill(sshio_chan *chan);      /* signal KILL */

/* ---- server sessions ---- */
/* What the client said of its terminal; known from session_started on. */
SSHIO_API const char *sshio_chan_get_terminal_type(
    const sshio_chan *chan); /* as "xterm"; borrowed; NULL = no terminal */
SSHIO_API sshio_term_size sshio_chan_get_terminal_size(const sshio_chan *chan); /* zeros = unknown */
SSHIO_API bool sshio_chan_get_terminal_mode(const sshio_chan *chan, uint8_t op,
                                            uint32_t *value); /* SSHIO_PTY_…; false = it was not named */
SSHIO_API const sshio_term_mode *sshio_chan_get_terminal_modes(const sshio_chan *chan); /* borrowed; ends with op 0 */

/* As sshio_chan_write and sshio_chan_writelines, to the client's stderr. */
SSHIO_API int sshio_chan_write_stderr(sshio_chan *chan, const void *data, size_t len);
SSHIO_API int sshio_chan_writelines_stderr(sshio_chan *chan, const sshio_span *parts, size_t count);

/* Tells the client whether it may act on ^S and ^Q (RFC 4254 section 6.8). SSHIO_EINVAL, SSHIO_ECLOSED. */
SSHIO_API int sshio_chan_set_xon_xoff(sshio_chan *chan, bool client_can_do);
/* Say how the program ended, write what is queued and close; nothing when that was done before. */
SSHIO_API int sshio_chan_exit(sshio_chan *chan, int status); /* 0-255 */
SSHIO_API int sshio_chan_exit_with_signal(sshio_chan *chan, const sshio_exit_signal *signal);

SSHIO_END
#endif
