/* sshio/process.h: processes. A client process is one that we started on a server (SSHClientProcess); a process is the
 * one that we are for a client (SSHServerProcess). */
#ifndef SSHIO_PROCESS_H
#define SSHIO_PROCESS_H
#include "base.h"
#include "session.h"
SSHIO_BEGIN

/* How a command ended (SSHCompletedProcess); read only. */
typedef struct sshio_result {
    size_t size;
    int exit_status;                      /* 0-255, -1 = ended by a signal, SSHIO_NO_STATUS */
    sshio_bytes out, err;                 /* stdout and stderr, empty where redirected */
    int returncode;                       /* exit status, -signal number, SSHIO_NO_STATUS */
    const sshio_exit_signal *exit_signal; /* NULL = none */
    const char *command, *subsystem;      /* NULL = none */
    const char *const *env;               /* "NAME=value", NULL-terminated */
} sshio_result;
SSHIO_API void sshio_result_free(sshio_result *result); /* frees it all; takes NULL */

/* Arguments of redirect: SSHIO_REDIRECT(.out = SSHIO_FILE("log")). On a server's process .in is a target, .out and .err
 * are sources. */
typedef struct sshio_redirect_options {
    size_t size;
    sshio_io in, out, err; /* default: leave as it is */
    size_t bufsize;        /* bytes that are read from a source at a time, at most; default what suits it */
    sshio_tri send_eof;    /* EOF when a source ends; NO: another source may follow, or writing; default yes */
    sshio_tri recv_eof;    /* EOF passes to writers, sockets and streams that are targets; default yes */
} sshio_redirect_options;
#define SSHIO_REDIRECT(...) SSHIO_OPTIONS(sshio_redirect_options, __VA_ARGS__)
SSHIO_API void sshio_redirect_options_init(sshio_redirect_options *options); /* defaults and .size */

#define SSHIO_TERM_MODES_MAX 80 /* modes that a terminal has at most */

/* What a terminal of this program is like, to tell a server of it: its size, and at most max modes, of which the last
 * has op 0. size and modes may be NULL. SSHIO_ESYSTEM: fd is no terminal. (newer than the reference) */
SSHIO_API int sshio_get_terminal(int fd, sshio_term_size *size, sshio_term_mode *modes, size_t max);
/* Feeds the writer from .in and sends what the reader gets to .out, both of one TCP channel, and waits until that is
 * closed; this happens by itself when both directions have ended. Returns 0, or why the channel ended, SSHIO_EINVAL,
 * SSHIO_ESYSTEM. When it is cancelled the streams are the program's again. (newer than the reference) */
SSHIO_API int sshio_redirect_streams(sshio_reader *reader, sshio_writer *writer, const sshio_redirect_options *options);

/* ---- client processes ---- */
/* Programs that we started, as sshio_create_process and sshio_create_subprocess hand them out. */

/* Count references to a process: one more, which is also the result, and one given back. Reference:
 * SSHClientProcess. */
SSHIO_API sshio_client_process *sshio_client_process_ref(sshio_client_process *process);
SSHIO_API void sshio_client_process_unref(sshio_client_process *process); /* the last one closes; takes NULL */

/* The streams of the program. Borrowed; NULL = redirected. */
SSHIO_API sshio_writer *sshio_client_process_stdin(const sshio_client_process *process);
SSHIO_API sshio_reader *sshio_client_process_stdout(const sshio_client_process *process);
SSHIO_API sshio_reader *sshio_client_process_stderr(const sshio_client_process *process);

/* What there is to know of a process; borrowed. */
SSHIO_API sshio_chan *sshio_client_process_channel(const sshio_client_process *process);  /* its channel */
SSHIO_API sshio_logger *sshio_client_process_logger(const sshio_client_process *process); /* its logger */
SSHIO_API const char *const *sshio_client_process_env(
    const sshio_client_process *process); /* what was sent: "NAME=value" */
SSHIO_API const char *sshio_client_process_command(const sshio_client_process *process);   /* NULL = none */
SSHIO_API const char *sshio_client_process_subsystem(const sshio_client_process *process); /* NULL = none */
SSHIO_API int sshio_client_process_exit_status(
    const sshio_client_process *process); /* returns 0-255, -1 = by a signal, SSHIO_NO_STATUS */
SSHIO_API const sshio_exit_signal *sshio_client_process_exit_signal(
    const sshio_client_process *process); /* NULL = none */
SSHIO_API int sshio_client_process_returncode(
    const sshio_client_process *process); /* returns the exit status, -signal number, SSHIO_NO_STATUS */
SSHIO_API const char *sshio_client_process_get_extra_info(const sshio_client_process *process, const char *name,
                                                          const char *def); /* of its channel */

/* Redirects the streams of a process: from now on stdin is fed from, and stdout and stderr go to, somewhere else; what
 * is buffered goes there first. Waits (opens files). Again and again: a new one takes the place of the old.
 * SSHIO_EINVAL, SSHIO_ESYSTEM. A source that fails later counts as ended, a target that fails swallows the rest; both
 * are logged. */
SSHIO_API int sshio_client_process_redirect(sshio_client_process *process, const sshio_redirect_options *options);
/* Waits until the process has ended and all output is here. check: EPROCESS unless it exits with 0. timeout in s, 0 =
 * never: EPROCESS_TIMEOUT with the output so far in sshio_error_last()->result; the process goes on and may be waited
 * for again. */
SSHIO_API int sshio_client_process_wait(sshio_client_process *process, bool check, double timeout,
                                        sshio_result **result);
/* Collect the output of stdout and stderr, to be freed with sshio_bytes_free. Reference: SSHClientProcess.communicate,
 * collect_output. */
SSHIO_API int sshio_client_process_communicate(sshio_client_process *process, sshio_span input, sshio_bytes *out,
                                               sshio_bytes *err); /* writes the input and waits for the end */
SSHIO_API int sshio_client_process_collect_output(sshio_client_process *process, sshio_bytes *out,
                                                  sshio_bytes *err); /* what is there now; does not wait */

/* Send something to the program and do not wait; as the functions of its channel. SSHIO_EINVAL, SSHIO_ECLOSED. */
SSHIO_API int sshio_client_process_change_terminal_size(sshio_client_process *process, sshio_term_size term_size);
SSHIO_API int sshio_client_process_send_break(sshio_client_process *process, int msec);
SSHIO_API int sshio_client_process_send_signal(sshio_client_process *process, const char *signal);
SSHIO_API int sshio_client_process_terminate(sshio_client_process *process);
SSHIO_API int sshio_client_process_kill(sshio_client_process *process);

/* Close the channel of a process, whether the program has ended or not. */
SSHIO_API void sshio_client_process_close(sshio_client_process *process); /* does not wait */
SSHIO_API bool sshio_client_process_is_closing(const sshio_client_process *process);
SSHIO_API int sshio_client_process_wait_closed(sshio_client_process *process); /* waits until it is, for targets too */

/* ---- processes of a server ---- */
/* What a process_handler gets, borrowed: the program that we are for a client. It ends (status 0 if none was sent) when
 * the handler returns. */

/* Count references to a process: one more, which is also the result and keeps it beyond its handler, and one given
 * back. Reference: SSHServerProcess. */
SSHIO_API sshio_process *sshio_process_ref(sshio_process *process);
SSHIO_API void sshio_process_unref(sshio_process *process); /* takes NULL */

/* The streams of a process: what the client sends, and what it gets. Borrowed. */
SSHIO_API sshio_reader *sshio_process_stdin(const sshio_process *process);
SSHIO_API sshio_writer *sshio_process_stdout(const sshio_process *process);
SSHIO_API sshio_writer *sshio_process_stderr(const sshio_process *process);

/* What a client asked for, and who it is; borrowed. */
SSHIO_API sshio_conn *sshio_process_conn(const sshio_process *process);       /* its connection */
SSHIO_API sshio_chan *sshio_process_channel(const sshio_process *process);    /* its channel */
SSHIO_API sshio_logger *sshio_process_logger(const sshio_process *process);   /* its logger */
SSHIO_API const char *sshio_process_command(const sshio_process *process);    /* NULL = shell or subsystem */
SSHIO_API const char *sshio_process_subsystem(const sshio_process *process);  /* NULL = none */
SSHIO_API const char *const *sshio_process_env(const sshio_process *process); /* "NAME=value" */
SSHIO_API const char *sshio_process_getenv(const sshio_process *process,
                                           const char *name);                    /* the value; NULL = not set */
SSHIO_API const char *sshio_process_term_type(const sshio_process *process);     /* as "xterm"; NULL = no terminal */
SSHIO_API sshio_term_size sshio_process_term_size(const sshio_process *process); /* as it is now; zeros = unknown */
SSHIO_API const sshio_term_mode *sshio_process_term_modes(const sshio_process *process); /* ends with op 0 */
SSHIO_API const char *sshio_process_get_extra_info(const sshio_process *process, const char *name,
                                                   const char *def); /* of its channel */

/* As sshio_client_process_redirect, the other way: .in is where the client's input goes, .out and .err are what feeds
 * its output. A terminal that is the target takes the size of the client's, now and whenever that changes. */
SSHIO_API int sshio_process_redirect(sshio_process *process, const sshio_redirect_options *options);
/* Say how the program ended, write what is queued and close; nothing when that was done before. */
SSHIO_API int sshio_process_exit(sshio_process *process, int status); /* 0-255 */
SSHIO_API int sshio_process_exit_with_signal(sshio_process *process, const sshio_exit_signal *signal);

/* Close the channel of a process. */
SSHIO_API void sshio_process_close(sshio_process *process); /* does not wait */
SSHIO_API bool sshio_process_is_closing(const sshio_process *process);
SSHIO_API int sshio_process_wait_closed(sshio_process *process); /* waits until it is closed */

/* A local program in our place: SSHIO_EXEC(.argv = …). */
typedef struct sshio_exec_options {
    size_t size;
    const char *file;        /* looked up in PATH when it has no slash; default argv[0], or the shell in $SHELL */
    const char *const *argv; /* NULL-terminated; default: the client's command by the shell's -c, or a login shell */
    const char *const *env;  /* "NAME=value"; default this process's; TERM and SSH_TTY are set on a terminal */
    const char *cwd;         /* default this process's */
    sshio_tri new_session;   /* in a session of its own; default yes */
    sshio_tri pty;           /* on a terminal; default when the client asked for one */
    const char *root;        /* directory that becomes the root of the program, in which .file and .cwd are then: takes
                                the right to chroot(2); default this process's */
} sshio_exec_options;
#define SSHIO_EXEC(...) SSHIO_OPTIONS(sshio_exec_options, __VA_ARGS__)
SSHIO_API void sshio_exec_options_init(sshio_exec_options *options); /* defaults and .size */
/* Runs a program, and waits for its end: with pipes, or a terminal of the client's size and modes, that are joined to
 * the client's stdin, stdout and stderr, and sends its exit status or signal. Signals are passed on, on a terminal to
 * what is in the foreground, and so are changes of the size. When the client closes first the program gets SIGHUP. A
 * terminal is given up when the program has ended; from pipes also what it left behind may write until it closes them.
 * ESYSTEM when it cannot be started: then nothing was sent. */
SSHIO_API int sshio_process_exec(sshio_process *process, const sshio_exec_options *options);

/* ---- the subprocess API ---- */
/* A client process that pushes its output to handlers; its transport is the client process. */

/* What happens to a process of the subprocess API. All are callbacks; NULL does nothing. Reference:
 * SSHSubprocessProtocol. */
typedef struct sshio_subprocess_handlers {
    void (*connection_made)(sshio_client_process *transport, void *user); /* the channel is open, nothing runs yet */
    /* fd 1 or 2, those that are not redirected; data is borrowed until the handler returns. */
    void (*pipe_data_received)(sshio_client_process *transport, int fd, const void *data, size_t len, void *user);
    void (*pipe_connection_lost)(sshio_client_process *transport, int fd, const sshio_error *error,
                                 void *user);                            /* fd 1, then 2; last; error NULL = clean */
    void (*process_exited)(sshio_client_process *transport, void *user); /* may come before the last data */
    void (*reserved[4])(void);
} sshio_subprocess_handlers;

/* What a transport tells of itself. Reference: SSHSubprocessTransport. */
SSHIO_API int sshio_client_process_get_pid(const sshio_client_process *transport); /* returns -1: no peer tells it */
SSHIO_API sshio_pipe *sshio_client_process_get_pipe_transport(
    sshio_client_process *transport, int fd); /* borrowed, lives as long as the transport; fd 0 to 2, else NULL */
SSHIO_API int sshio_client_process_get_returncode(
    const sshio_client_process *transport); /* returns what sshio_client_process_returncode does */

SSHIO_API const char *sshio_pipe_get_extra_info(const sshio_pipe *pipe, const char *name,
                                                const char *def); /* text about the channel of a pipe; borrowed */
SSHIO_API void sshio_pipe_close(sshio_pipe *pipe);                /* closes the channel of the pipe; does not wait */

/* Stop the delivery of data, and let it go on. */
SSHIO_API void sshio_pipe_pause_reading(sshio_pipe *pipe);  /* read pipes; holds the whole channel back … */
SSHIO_API void sshio_pipe_resume_reading(sshio_pipe *pipe); /* … until all pipes that were paused are resumed */

/* Write to the write pipe, fd 0, as the functions of the channel do; a read pipe gives SSHIO_EINVAL, false or 0. They
 * do not wait. */
SSHIO_API bool sshio_pipe_can_write_eof(const sshio_pipe *pipe);
SSHIO_API size_t sshio_pipe_get_write_buffer_size(const sshio_pipe *pipe);
SSHIO_API int sshio_pipe_set_write_buffer_limits(sshio_pipe *pipe, size_t high, size_t low);
SSHIO_API int sshio_pipe_write(sshio_pipe *pipe, const void *data, size_t len);
SSHIO_API int sshio_pipe_writelines(sshio_pipe *pipe, const sshio_span *parts, size_t count);
SSHIO_API int sshio_pipe_write_eof(sshio_pipe *pipe);
SSHIO_API void sshio_pipe_abort(sshio_pipe *pipe); /* drops what is queued and closes the channel */

SSHIO_END
#endif
