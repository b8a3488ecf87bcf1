/* sshio/session.h: handlers of channels and the keyword arguments of client sessions.
 * Reference: SSHClientSession, SSHServerSession, "create_session". */
#ifndef SSHIO_SESSION_H
#define SSHIO_SESSION_H
#include "base.h"
#include "options.h"
SSHIO_BEGIN

/* What happens on a channel. All are callbacks: they must not wait, and may call everything else, closing included.
 * NULL takes the default. connection_made comes first, connection_lost last and exactly once. */
typedef struct sshio_session_handlers {
    void (*connection_made)(sshio_chan *chan, void *user); /* the channel is open */
    void (*session_started)(sshio_chan *chan, void *user); /* the other side took what was asked of it: data may come */
    /* data is borrowed until the handler returns; datatype is 0 or SSHIO_EXTENDED_DATA_STDERR. */
    void (*data_received)(sshio_chan *chan, const void *data, size_t len, int datatype, void *user);
    int (*eof_received)(sshio_chan *chan, void *user); /* 1 = keep our side open; default 0: send EOF too */
    void (*exit_status_received)(sshio_chan *chan, int status, void *user);                      /* client sessions */
    void (*exit_signal_received)(sshio_chan *chan, const sshio_exit_signal *signal, void *user); /* client sessions */
    void (*connection_lost)(sshio_chan *chan, const sshio_error *error, void *user); /* error NULL = clean */
    void (*pause_writing)(sshio_chan *chan, void *user);  /* more than the high mark is queued */
    void (*resume_writing)(sshio_chan *chan, void *user); /* the low mark is reached again */
    void (*xon_xoff_requested)(sshio_chan *chan, bool client_can_do,
                               void *user); /* client sessions; whether ^S and ^Q may be acted on here */
    /* Server sessions; the questions answer 1 or 0. term_type is text of the client's, "" if it named none; what is
     * refused is not stored. Comes before the session starts; default 1. */
    int (*pty_requested)(sshio_chan *chan, const char *term_type, const sshio_term_size *term_size,
                         const sshio_term_mode *term_modes, void *user);
    int (*shell_requested)(sshio_chan *chan, void *user);                            /* default 0 */
    int (*exec_requested)(sshio_chan *chan, const char *command, void *user);        /* default 0 */
    int (*subsystem_requested)(sshio_chan *chan, const char *subsystem, void *user); /* default 0 */
    int (*break_received)(sshio_chan *chan, int msec, void *user);             /* 0 = as long as is usual; default 0 */
    void (*signal_received)(sshio_chan *chan, const char *signal, void *user); /* "INT" */
    void (*terminal_size_changed)(sshio_chan *chan, const sshio_term_size *term_size,
                                  void *user); /* of the client's terminal */
    void (*reserved[8])(void);
} sshio_session_handlers;

/* A source or target of redirection, by value: .out = SSHIO_FILE("log"). Zero is PIPE (leave as it is). The macros make
 * one of each kind. */
typedef enum sshio_io_kind {
    SSHIO_IO_PIPE = 0,
    SSHIO_IO_DEVNULL,
    SSHIO_IO_STDOUT,
    SSHIO_IO_FILE,
    SSHIO_IO_FD,
    SSHIO_IO_READER,
    SSHIO_IO_WRITER,
    SSHIO_IO_STREAM
} sshio_io_kind;
typedef struct sshio_io {
    sshio_io_kind kind;   /* which of the next it is */
    const char *file;     /* ~ expanded; as target created or truncated */
    int fd;               /* file, pipe, terminal or socket; a duplicate is used, so it stays the caller's */
    sshio_reader *reader; /* of another session of this thread, as source */
    sshio_writer *writer; /* of another session of this thread, as target */
    void *stream; /* a uv_stream_t of the program on this thread's loop, not closed; while it is a source its data
                     pointer is not the program's */
    void *reserved[2];
} sshio_io;
#define SSHIO_PIPE                                                                                                     \
    {                                                                                                                  \
        .kind = SSHIO_IO_PIPE                                                                                          \
    }
#define SSHIO_DEVNULL                                                                                                  \
    {                                                                                                                  \
        .kind = SSHIO_IO_DEVNULL                                                                                       \
    }
#define SSHIO_STDOUT                                                                                                   \
    {                                                                                                                  \
        .kind = SSHIO_IO_STDOUT                                                                                        \
    } /* .err of a client only: into what stdout goes to */
#define SSHIO_FILE(name)                                                                                               \
    {                                                                                                                  \
        .kind = SSHIO_IO_FILE, .file = (name)                                                                          \
    }
#define SSHIO_FD(number)                                                                                               \
    {                                                                                                                  \
        .kind = SSHIO_IO_FD, .fd = (number)                                                                            \
    }
#define SSHIO_FROM_READER(from)                                                                                        \
    {                                                                                                                  \
        .kind = SSHIO_IO_READER, .reader = (from)                                                                      \
    }
#define SSHIO_TO_WRITER(to)                                                                                            \
    {                                                                                                                  \
        .kind = SSHIO_IO_WRITER, .writer = (to)                                                                        \
    }
#define SSHIO_STREAM(uv_stream)                                                                                        \
    {                                                                                                                  \
        .kind = SSHIO_IO_STREAM, .stream = (uv_stream)                                                                 \
    }

/* Arguments of create_session, open_session, create_process, create_subprocess and run: SSHIO_SESSION(.command = "ls").
 * What is unset is taken from the connection's options of the same name. */
typedef struct sshio_session_options {
    size_t size;
    const char *command;               /* SSHIO_NONE: a shell or the subsystem */
    const char *subsystem;             /* name of a subsystem, as "sftp"; .command wins */
    sshio_span input;                  /* process, run: written, then EOF: SSHIO_TEXT("1\n") */
    sshio_io in, out, err;             /* process, run: stdin, stdout, stderr; default PIPE */
    bool check;                        /* run: EPROCESS unless it exits with 0; default false */
    double timeout;                    /* run: s; EPROCESS_TIMEOUT, the channel is closed; default never */
    size_t max_output;                 /* run: bytes; ELIMIT beyond; default no limit */
    const char *const *env;            /* "NAME=value"; wins over .send_env */
    const char *const *send_env;       /* names and patterns of variables of this process: SSHIO_LIST("LANG", "LC_*") */
    sshio_pty_choice request_pty;      /* whether to ask for a terminal */
    const char *term_type;             /* "xterm-256color" */
    sshio_term_size term_size;         /* columns, rows, and pixels if known */
    const sshio_term_mode *term_modes; /* SSHIO_MODES(…) */
    const char *encoding;     /* "latin1", as iconv has it; SSHIO_NONE: bytes. With one, the program sees UTF-8 */
    sshio_text_errors errors; /* what is done with bytes that are not in the encoding */
    uint32_t window;          /* bytes */
    uint32_t max_pktsize;     /* bytes */
    size_t bufsize;           /* of redirection, bytes read at a time at most; default what suits the source */
    sshio_tri send_eof;       /* EOF when .in ends; default yes */
    sshio_tri recv_eof;       /* EOF passes to the targets of .out and .err; default yes */
    bool kill_on_cancel;      /* run, process: signal KILL before closing; default false */
} sshio_session_options;
#define SSHIO_SESSION(...) SSHIO_OPTIONS(sshio_session_options, __VA_ARGS__)
SSHIO_API void sshio_session_options_init(sshio_session_options *options); /* defaults and .size */

SSHIO_END
#endif
