/* What sshio ssh does on a connection: a command or a shell, with or without a terminal; nothing (-N); or stdin and
 * stdout connected with another host (-W). */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sshio/constants.h>

#include "ssh.h"
#include "talk.h"
#include "terminal.h"

static int own_failure(const char *what)
{
    if (!talk_is_silenced())
        say("%s%s", what, sshio_error_message());
    return SSH_OWN_FAILURE;
}

/* ---- nothing, and stdin and stdout of another host ---- */

static int wait_for_end(sshio_conn *conn)
{
    sshio_conn_wait_closed(conn);
    const sshio_error *error = sshio_conn_error(conn);
    if (error != NULL && !talk_is_silenced())
        say("%s", error->message);
    return SSH_OWN_FAILURE;
}

static int run_forward(sshio_conn *conn, const char *forward)
{
    sshio_reader *reader = NULL;
    sshio_writer *writer = NULL;
    const char *host, *port = NULL;

    char *place = strdup(forward);
    if (place == NULL || sshio_parse_host(place, &host, &port) != 0 || port == NULL) {
        say("Bad stdio forwarding specification '%s'", forward);
        free(place);
        return SSH_OWN_FAILURE;
    }
    int rc = sshio_open_connection(conn, host, atoi(port), NULL, &reader, &writer);
    free(place);
    if (rc != 0)
        return own_failure("stdio forwarding failed: ");
    rc = sshio_redirect_streams(reader, writer,
                                SSHIO_REDIRECT(.in = SSHIO_FD(STDIN_FILENO), .out = SSHIO_FD(STDOUT_FILENO)));
    sshio_reader_unref(reader);
    sshio_writer_unref(writer);
    return rc == 0 ? 0 : own_failure("");
}

/* ---- a terminal ---- */

enum wish { NO_TERMINAL, ON_A_TERMINAL, ANYWAY };

static enum wish wish_of_config(const struct login *login, bool is_shell)
{
    const char *choice = options_text(login->config, "RequestTTY", "auto");

    if (strcmp(choice, "force") == 0)
        return ANYWAY;
    if (strcmp(choice, "auto") == 0)
        return is_shell ? ON_A_TERMINAL : NO_TERMINAL;
    return strcmp(choice, "yes") == 0 || strcmp(choice, "true") == 0 ? ON_A_TERMINAL : NO_TERMINAL;
}

static bool needs_terminal(const struct login *login, const struct session_settings *settings, bool is_shell)
{
    enum wish wish = wish_of_config(login, is_shell);

    if (settings->no_terminal > 0)
        wish = NO_TERMINAL;
    else if (settings->want_terminal > 0)
        wish = settings->want_terminal > 1 ? ANYWAY : ON_A_TERMINAL;
    if (wish != ON_A_TERMINAL || (isatty(STDIN_FILENO) && settings->no_input == 0))
        return wish != NO_TERMINAL;
    if (talk_tells_notes())
        say_line("Pseudo-terminal will not be allocated because stdin is not a terminal.");
    return false;
}

static void size_changed(void *user)
{
    sshio_term_size size;
    if (sshio_get_terminal(STDIN_FILENO, &size, NULL, 0) == 0)
        sshio_client_process_change_terminal_size(user, size);
}

static void take_terminal(sshio_client_process *process)
{
    if (!terminal_make_raw())
        return;
    talk_on_raw_terminal(true);
    terminal_watch_size(size_changed, sshio_client_process_ref(process)); /* for as long as this program runs */
    size_changed(process);                                                /* it may have changed meanwhile */
}

static void give_terminal_back(const struct login *login, bool is_clean)
{
    terminal_restore();
    talk_on_raw_terminal(false);
    if (!talk_tells_notes())
        return;
    fprintf(stderr, "Connection to %s closed%s.\r\n", options_text(login->config, "Hostname", login->host),
            is_clean ? "" : " by remote host");
}

/* ---- a command ---- */

static void choose_program(const struct login *login, const struct session_settings *settings,
                           sshio_session_options *arguments)
{
    const char *command = settings->command != NULL ? settings->command
                                                    : options_text(login->config, "RemoteCommand", NULL);
    if (settings->subsystem > 0)
        arguments->subsystem = settings->command;
    else
        arguments->command = command != NULL ? command : SSHIO_NONE;
}

/* A server that gives no terminal may run the command without one. */
static int start(sshio_conn *conn, sshio_session_options *arguments, sshio_client_process **process)
{
    int rc = sshio_create_process(conn, arguments, process);
    bool refused = rc == SSHIO_ECHANNEL_OPEN && sshio_error_last()->reason == SSHIO_OPEN_REQUEST_PTY_FAILED;

    if (!refused)
        return rc;
    if (!talk_is_silenced())
        say_line("PTY allocation request failed");
    arguments->request_pty = SSHIO_REQUEST_PTY_NO;
    return sshio_create_process(conn, arguments, process);
}

/* 255 also for a command that ended by a signal, and for one that sent no status. */
static int wait_for_command(sshio_client_process *process, bool *is_clean)
{
    sshio_result *result = NULL;
    int rc = sshio_client_process_wait(process, false, 0, &result);
    int status = rc == 0 && result->exit_status >= 0 ? result->exit_status : SSH_OWN_FAILURE;

    *is_clean = rc == 0;
    sshio_result_free(result);
    return status;
}

static int run_command(const struct login *login, sshio_conn *conn, const struct session_settings *settings)
{
    sshio_term_mode modes[SSHIO_TERM_MODES_MAX] = { { 0, 0 } };
    const char *term = getenv("TERM");
    sshio_client_process *process = NULL;
    sshio_session_options arguments;
    bool is_clean;

    sshio_session_options_init(&arguments);
    choose_program(login, settings, &arguments);
    bool is_shell = arguments.subsystem == NULL && arguments.command == SSHIO_NONE;
    bool terminal = needs_terminal(login, settings, is_shell);
    arguments.request_pty = terminal ? SSHIO_REQUEST_PTY_FORCE : SSHIO_REQUEST_PTY_NO;
    if (terminal) {
        arguments.term_type = term != NULL ? term : "";
        arguments.term_modes = modes;
        sshio_get_terminal(STDIN_FILENO, &arguments.term_size, modes, SSHIO_TERM_MODES_MAX);
    }
    if (terminal && settings->no_input == 0)
        typing_open(login);
    arguments.in = settings->no_input > 0 ? (sshio_io)SSHIO_DEVNULL : (sshio_io)SSHIO_FD(typing_source());
    arguments.out = (sshio_io)SSHIO_FD(STDOUT_FILENO);
    arguments.err = (sshio_io)SSHIO_FD(STDERR_FILENO);
    if (start(conn, &arguments, &process) != 0)
        return own_failure("");
    terminal = arguments.request_pty == SSHIO_REQUEST_PTY_FORCE;
    if (terminal)
        take_terminal(process);
    typing_begin(conn, process, terminal);
    int status = wait_for_command(process, &is_clean);
    is_clean |= typing_end(); /* as it was told to */
    if (terminal)
        give_terminal_back(login, is_clean);
    if (!is_clean)
        own_failure("");
    sshio_client_process_unref(process);
    return status;
}

int session_run(const struct login *login, sshio_conn *conn, const struct session_settings *settings)
{
    if (settings->forward != NULL)
        return run_forward(conn, settings->forward);
    if (settings->no_command > 0)
        return wait_for_end(conn);
    return run_command(login, conn, settings);
}
