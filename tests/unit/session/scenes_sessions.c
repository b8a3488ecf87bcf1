/* Scenes on a connection that is there already: sessions, processes, redirection, other hosts. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "session/scenes.h"

#define MUCH "source 3000000" /* more than a window */

/* ---- sessions ---- */

static int run_with_options(sshio_conn *conn, const sshio_session_options *options)
{
    sshio_result *result = NULL;
    int rc = sshio_run(conn, options, &result);
    sshio_result_free(result);
    return rc;
}

static int run(sshio_conn *conn)
{
    return run_with_options(conn, SSHIO_SESSION(.command = "echo", .input = SSHIO_TEXT("words"), .check = true));
}

static int run_much(sshio_conn *conn)
{
    return run_with_options(conn, SSHIO_SESSION(.command = MUCH, .timeout = 60));
}

static int run_killing(sshio_conn *conn)
{
    return run_with_options(conn,
                            SSHIO_SESSION(.command = "exec cat", .input = SSHIO_TEXT("x"), .kill_on_cancel = true));
}

static int run_on_terminal(sshio_conn *conn)
{
    return run_with_options(conn, SSHIO_SESSION(.command = "exec tty", .term_type = "vt220"));
}

static int run_there(sshio_conn *conn)
{
    return run_with_options(conn, SSHIO_SESSION(.command = "elsewhere", .check = true));
}

static int files(sshio_conn *conn)
{
    return run_with_options(conn, SSHIO_SESSION(.command = "echo", .in = SSHIO_FILE("/etc/passwd"),
                                                .out = SSHIO_FILE("/dev/null"), .err = SSHIO_STDOUT));
}

static int server_file(sshio_conn *conn)
{
    return run_with_options(conn, SSHIO_SESSION(.command = "from a file"));
}

static int pipes(sshio_conn *conn)
{
    int to[2], from[2];
    char text[16];
    if (pipe2(to, O_CLOEXEC) != 0)
        return sshio_raise_errno(errno, "pipe");
    if (pipe2(from, O_CLOEXEC) != 0) {
        close(to[0]), close(to[1]);
        return sshio_raise_errno(errno, "pipe");
    }
    ssize_t put = write(to[1], "words", 5);
    close(to[1]);
    int rc = run_with_options(conn, SSHIO_SESSION(.command = "echo", .in = SSHIO_FD(to[0]), .out = SSHIO_FD(from[1])));
    close(to[0]), close(from[1]);
    if (rc == 0 && read(from[0], text, sizeof text) != put)
        rc = sshio_raise(SSHIO_EEOF, "nothing came through the pipes");
    close(from[0]);
    return rc;
}

static int finish_process(sshio_client_process *process)
{
    sshio_result *result = NULL;
    int rc = sshio_client_process_wait(process, true, 60, &result);
    sshio_result_free(result);
    return rc != 0 ? rc : sshio_client_process_wait_closed(process);
}

static int talk(sshio_client_process *process)
{
    char *line;
    size_t len;
    int rc = sshio_readline(sshio_client_process_stdout(process), &line, &len);
    if (rc == 0)
        rc = sshio_puts(sshio_client_process_stdin(process), "one\n");
    if (rc == 0)
        rc = sshio_drain(sshio_client_process_stdin(process));
    if (rc == 0)
        rc = sshio_readuntil(sshio_client_process_stdout(process), SSHIO_LIST("NE\n"), &line, &len);
    if (rc == 0)
        rc = sshio_puts(sshio_client_process_stdin(process), "bye\n");
    return rc != 0 ? rc : finish_process(process);
}

static int conversation(sshio_conn *conn)
{
    sshio_client_process *process = NULL;
    int rc = sshio_create_process(
        conn, SSHIO_SESSION(.command = "upper-lines", .term_type = "vt220", .env = SSHIO_LIST("A=1")), &process);
    if (rc == 0)
        rc = talk(process);
    sshio_client_process_unref(process);
    return rc;
}

static int communicate(sshio_conn *conn)
{
    sshio_client_process *process = NULL;
    sshio_bytes out = { 0 }, err = { 0 };
    int rc = sshio_create_process(conn, SSHIO_SESSION(.command = "exec cat; echo e >&2"), &process);
    if (rc == 0)
        rc = sshio_client_process_communicate(process, (sshio_span)SSHIO_TEXT("words"), &out, &err);
    sshio_bytes_free(&out);
    sshio_bytes_free(&err);
    sshio_client_process_unref(process);
    return rc;
}

/* One that would not end by itself, nor by the end of its input. */
static int end_program(sshio_conn *conn, const sshio_session_options *options)
{
    sshio_client_process *process = NULL;
    sshio_result *result = NULL;
    char *line;
    size_t len;
    int rc = sshio_create_process(conn, options, &process);
    if (rc == 0)
        rc = sshio_readline(sshio_client_process_stdout(process), &line, &len);
    if (rc == 0)
        rc = sshio_client_process_send_signal(process, "INT");
    if (rc == 0)
        rc = sshio_client_process_wait(process, false, 0, &result);
    sshio_result_free(result);
    sshio_client_process_unref(process);
    return rc;
}

#define STAYS "exec echo here; exec sleep 1000"

static int end_on_pipes(sshio_conn *conn)
{
    return end_program(conn, SSHIO_SESSION(.command = STAYS));
}

static int end_on_terminal(sshio_conn *conn)
{
    return end_program(conn, SSHIO_SESSION(.command = STAYS, .term_type = "vt220"));
}

/* Closing sends what is queued, more than a window of it. */
static int close_with_much_to_send(sshio_conn *conn)
{
    static const char block[500000];
    sshio_client_process *process = NULL;
    int rc = sshio_create_process(conn, SSHIO_SESSION(.command = "sink"), &process);
    for (int i = 0; i < 6 && rc == 0; i++)
        rc = sshio_write(sshio_client_process_stdin(process), block, sizeof block);
    if (rc == 0) {
        sshio_client_process_close(process);
        rc = sshio_client_process_wait_closed(process);
    }
    sshio_client_process_unref(process);
    sshio_conn_close(conn);
    return rc != 0 ? rc : sshio_conn_wait_closed(conn);
}

static int run_one(void *arg)
{
    return run(*(sshio_conn *const *)arg);
}

static int run_several(sshio_conn *conn)
{
    sshio_conn *each[] = { conn, conn, conn };
    return sshio_gather(run_one, each, 3, sizeof each[0]);
}

static int chain(sshio_conn *conn)
{
    sshio_client_process *first = NULL, *second = NULL;
    int rc = sshio_create_process(conn, SSHIO_SESSION(.command = MUCH), &first);
    if (rc == 0)
        rc = sshio_create_process(
            conn, SSHIO_SESSION(.command = "sink", .in = SSHIO_FROM_READER(sshio_client_process_stdout(first))),
            &second);
    if (rc == 0)
        rc = finish_process(second);
    sshio_client_process_unref(second);
    sshio_client_process_unref(first);
    return rc;
}

static int session_streams(sshio_conn *conn)
{
    sshio_writer *in = NULL;
    sshio_reader *out = NULL, *err = NULL;
    sshio_bytes all = { 0 };
    char text[5];
    int rc = sshio_open_session(conn, SSHIO_SESSION(.command = "echo"), &in, &out, &err);
    if (rc == 0)
        rc = sshio_puts(in, "words and more");
    if (rc == 0)
        rc = sshio_readexactly(out, text, sizeof text);
    if (rc == 0)
        rc = sshio_write_eof(in);
    if (rc == 0)
        rc = sshio_read_all(out, &all);
    if (rc == 0)
        rc = sshio_writer_wait_closed(in);
    sshio_bytes_free(&all);
    sshio_writer_unref(in);
    sshio_reader_unref(out);
    sshio_reader_unref(err);
    return rc;
}

static int session_handlers(sshio_conn *conn)
{
    static const sshio_session_handlers none;
    sshio_chan *chan = NULL;
    int rc = sshio_create_session(conn, &none, NULL, SSHIO_SESSION(.command = "both"), &chan);
    if (rc == 0)
        rc = sshio_chan_wait_closed(chan);
    sshio_chan_unref(chan);
    return rc;
}

static int subprocess(sshio_conn *conn)
{
    static const sshio_subprocess_handlers none;
    sshio_client_process *process = NULL;
    int rc = sshio_create_subprocess(conn, &none, NULL, SSHIO_SESSION(.command = "both"), &process);
    if (rc == 0)
        rc = sshio_client_process_wait_closed(process);
    sshio_client_process_unref(process);
    return rc;
}

static int rekey(sshio_conn *conn)
{
    int rc = sshio_conn_rekey(conn);
    return rc != 0 ? rc : run(conn);
}

/* ---- failing ---- */

static int run_too_long(sshio_conn *conn)
{
    return scene_failed(
        run_with_options(conn, SSHIO_SESSION(.command = STAYS, .timeout = 0.02, .kill_on_cancel = true)),
        SSHIO_EPROCESS_TIMEOUT);
}

static int run_too_much(sshio_conn *conn)
{
    return scene_failed(run_with_options(conn, SSHIO_SESSION(.command = MUCH, .max_output = 1000)), SSHIO_ELIMIT);
}

static int run_without_success(sshio_conn *conn)
{
    return scene_failed(run_with_options(conn, SSHIO_SESSION(.command = "both", .check = true)), SSHIO_EPROCESS);
}

static int run_without_file(sshio_conn *conn)
{
    return scene_failed(run_with_options(conn, SSHIO_SESSION(.command = "echo", .in = SSHIO_FILE("/no such file"))),
                        SSHIO_ESYSTEM);
}

/* ---- other hosts ---- */

static int read_a_line_from(sshio_conn *conn, const char *host, const char *text)
{
    sshio_reader *reader = NULL;
    sshio_writer *writer = NULL;
    char *line;
    size_t len;
    int rc = sshio_open_connection(conn, host, 1, NULL, &reader, &writer);
    if (rc == 0)
        rc = sshio_puts(writer, text);
    if (rc == 0)
        rc = sshio_readline(reader, &line, &len);
    if (rc == 0) {
        sshio_writer_close(writer);
        rc = sshio_writer_wait_closed(writer);
    }
    sshio_reader_unref(reader);
    sshio_writer_unref(writer);
    return rc;
}

static int streams_there(sshio_conn *conn)
{
    return read_a_line_from(conn, "lines", "words\n");
}

static int forwarding(sshio_conn *conn)
{
    return read_a_line_from(conn, "here", "SSH-2.0-scene\r\n");
}

static int forbidden(sshio_conn *conn)
{
    return scene_failed(read_a_line_from(conn, "forbidden", ""), SSHIO_ECHANNEL_OPEN);
}

static int tunnel(sshio_conn *conn)
{
    sshio_conn *inner = NULL;
    int rc = sshio_connect(
        "here", SSHIO_CLIENT(.username = "open", .port = scenes_port, .known_hosts = SSHIO_NONE, .tunnel = conn),
        &inner);
    if (rc == 0)
        rc = run(inner);
    sshio_conn_unref(inner);
    return rc;
}

static int redirected_streams(sshio_conn *conn)
{
    sshio_reader *reader = NULL;
    sshio_writer *writer = NULL;
    int rc = sshio_open_connection(conn, "lines", 1, NULL, &reader, &writer);
    if (rc == 0)
        rc = sshio_redirect_streams(reader, writer,
                                    SSHIO_REDIRECT(.in = SSHIO_FILE("/etc/passwd"), .out = SSHIO_DEVNULL));
    sshio_reader_unref(reader);
    sshio_writer_unref(writer);
    return rc;
}

/* ---- all of them ---- */

const struct scene session_scenes[] = {
    { "connect through a connection", .on_connection = tunnel },
    { "run", .on_connection = run },
    { "run with much output", .on_connection = run_much },
    { "run, killing what is cancelled", .on_connection = run_killing },
    { "run a program on a terminal", .on_connection = run_on_terminal },
    { "run what runs something on another host", .on_connection = run_there },
    { "run with files", .on_connection = files },
    { "run with pipes", .on_connection = pipes },
    { "run what sends a file", .on_connection = server_file },
    { "run during a key exchange", .on_connection = rekey },
    { "talk with a process", .on_connection = conversation },
    { "communicate with a program", .on_connection = communicate },
    { "end a program on pipes", .on_connection = end_on_pipes },
    { "end a program on a terminal", .on_connection = end_on_terminal },
    { "close with much to send", .on_connection = close_with_much_to_send },
    { "run several at once", .on_connection = run_several },
    { "feed a process from another", .on_connection = chain },
    { "open a session", .on_connection = session_streams },
    { "create a session with handlers", .on_connection = session_handlers },
    { "create a subprocess", .on_connection = subprocess },
    { "open a connection", .on_connection = streams_there },
    { "open a connection that is forwarded", .on_connection = forwarding },
    { "open a connection that is refused", .on_connection = forbidden },
    { "run what takes too long", .on_connection = run_too_long, .times_out = true },
    { "run with too much output", .on_connection = run_too_much },
    { "run without success", .on_connection = run_without_success },
    { "run with a file that is not there", .on_connection = run_without_file },
    { "redirect the streams of a connection", .on_connection = redirected_streams },
    { 0 },
};
