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
SSHIO_API void sshio_result_free(sshio_result *result); /* takes NULL */

/* SSHClientProcess: handed out by sshio_create_process */
SSHIO_API sshio_client_process *sshio_client_process_ref(sshio_client_process *process);
SSHIO_API void sshio_client_process_unref(sshio_client_process *process); /* the last one closes; takes NULL */
SSHIO_API sshio_writer *sshio_client_process_stdin(
    const sshio_client_process *process); /* borrowed, as the next two; NULL if redirected */
SSHIO_API sshio_reader *sshio_client_process_stdout(const sshio_client_process *process);
SSHIO_API sshio_reader *sshio_client_process_stderr(const sshio_client_process *process);
SSHIO_API sshio_chan *sshio_client_process_channel(const sshio_client_process *process);    /* borrowed */
SSHIO_API sshio_logger *sshio_client_process_logger(const sshio_client_process *process);   /* borrowed */
SSHIO_API const char *const *sshio_client_process_env(const sshio_client_process *process); /* borrowed "NAME=value" */
SSHIO_API const char *sshio_client_process_command(const sshio_client_process *process);    /* borrowed; NULL = none */
SSHIO_API const char *sshio_client_process_subsystem(const sshio_client_process *process);  /* borrowed; NULL = none */
SSHIO_API int sshio_client_process_exit_status(const sshio_client_process *process);        /* as in sshio_result */
SSHIO_API const sshio_exit_signal *sshio_client_process_exit_signal(const sshio_client_process *process);
SSHIO_API int sshio_client_process_returncode(const sshio_client_process *process);
/* Waits until the process has ended and all output is here. check: EPROCESS unless it exits with 0. timeout in s, 0 =
 * never: EPROCESS_TIMEOUT with the output so far in sshio_error_last()->result; the process goes on and may be waited
 * for again. */
SSHIO_API int sshio_client_process_wait(sshio_client_process *process, bool check, double timeout,
                                        sshio_result **result);
SSHIO_API int sshio_client_process_communicate(sshio_client_process *process, sshio_span input, sshio_bytes *out,
                                               sshio_bytes *err); /* waits */
SSHIO_API int sshio_client_process_collect_output(sshio_client_process *process, sshio_bytes *out,
                                                  sshio_bytes *err); /* what is there now */
SSHIO_API int sshio_client_process_send_signal(sshio_client_process *process, const char *signal);
SSHIO_API int sshio_client_process_terminate(sshio_client_process *process);
SSHIO_API int sshio_client_process_kill(sshio_client_process *process);
SSHIO_API void sshio_client_process_close(sshio_client_process *process); /* does not wait */
SSHIO_API bool sshio_client_process_is_closing(const sshio_client_process *process);
SSHIO_API int sshio_client_process_wait_closed(sshio_client_process *process); /* waits */

/* SSHServerProcess: what a process_handler gets, borrowed; it ends (status 0 if none was sent) when the handler returns
 */
SSHIO_API sshio_process *sshio_process_ref(sshio_process *process); /* keeps it beyond the handler */
SSHIO_API void sshio_process_unref(sshio_process *process);
SSHIO_API sshio_reader *sshio_process_stdin(const sshio_process *process); /* borrowed, as the next two */
SSHIO_API sshio_writer *sshio_process_stdout(const sshio_process *process);
SSHIO_API sshio_writer *sshio_process_stderr(const sshio_process *process);
SSHIO_API sshio_conn *sshio_process_conn(const sshio_process *process);       /* borrowed */
SSHIO_API sshio_chan *sshio_process_channel(const sshio_process *process);    /* borrowed */
SSHIO_API sshio_logger *sshio_process_logger(const sshio_process *process);   /* borrowed */
SSHIO_API const char *sshio_process_command(const sshio_process *process);    /* borrowed; NULL = shell or subsystem */
SSHIO_API const char *sshio_process_subsystem(const sshio_process *process);  /* borrowed; NULL = none */
SSHIO_API const char *const *sshio_process_env(const sshio_process *process); /* borrowed "NAME=value" */
SSHIO_API const char *sshio_process_getenv(const sshio_process *process,
                                           const char *name);         /* borrowed value; NULL = not set */
SSHIO_API int sshio_process_exit(sshio_process *process, int status); /* 0-255; flushes, then closes */
SSHIO_API int sshio_process_exit_with_signal(sshio_process *process, const sshio_exit_signal *signal);
SSHIO_API void sshio_process_close(sshio_process *process); /* does not wait */
SSHIO_API bool sshio_process_is_closing(const sshio_process *process);
SSHIO_API int sshio_process_wait_closed(sshio_process *process); /* waits */

/* A local program in our place: SSHIO_EXEC(.argv = …). */
typedef struct sshio_exec_options {
    size_t size;
    const char *file;        /* looked up in PATH when it has no slash; default argv[0] */
    const char *const *argv; /* needed; NULL-terminated */
    const char *const *env;  /* "NAME=value"; default this process's */
    const char *cwd;         /* default this process's */
    sshio_tri new_session;   /* in a session of its own; default yes */
} sshio_exec_options;
#define SSHIO_EXEC(...) SSHIO_OPTIONS(sshio_exec_options, __VA_ARGS__)
SSHIO_API void sshio_exec_options_init(sshio_exec_options *options); /* defaults and .size */
/* Waits: runs the program with pipes that are joined to the client's stdin, stdout and stderr, passes signals on, and
 * sends its exit status or signal. When the client closes first the program gets SIGHUP. ESYSTEM when it cannot be
 * started: then nothing was sent. */
SSHIO_API int sshio_process_exec(sshio_process *process, const sshio_exec_options *options);

SSHIO_END
#endif
