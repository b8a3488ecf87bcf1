/* What is typed while sshio ssh has a terminal; see ssh.h. The person's commands come from the keyboard's thread to the
 * loop, where the connection is. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "keyboard.h"
#include "ssh.h"
#include "talk.h"

#define BREAK_MS 1000

static struct {
    int source, to;       /* of the pipe; 0 = stdin is used, and there is none */
    unsigned char escape; /* the character */
    char name[3];         /* and how it is written: "~", "^B" */
    sshio_conn *conn;
    sshio_client_process *process; /* NULL = the session is over, or has not begun */
    bool ended;                    /* by a command */
} typing;

/* False = there is none. */
static bool choose_escape(const struct login *login, bool *is_valid)
{
    const char *text = options_text(login->config, "EscapeChar", "~");
    *is_valid = text == NULL || escapes_parse(text, &typing.escape);
    if (text == NULL || !*is_valid)
        return false;
    snprintf(typing.name, sizeof typing.name, "%s%c", typing.escape < ' ' ? "^" : "",
             typing.escape < ' ' ? typing.escape + '@' : typing.escape);
    return true;
}

bool typing_is_valid(const struct login *login)
{
    bool is_valid;
    choose_escape(login, &is_valid);
    if (!is_valid)
        say("Bad escape character '%s'.", options_text(login->config, "EscapeChar", ""));
    return is_valid;
}

void typing_open(const struct login *login)
{
    int ends[2];
    bool is_valid;
    if (!choose_escape(login, &is_valid) || pipe2(ends, O_CLOEXEC) != 0)
        return;
    typing.source = ends[0];
    typing.to = ends[1];
}

int typing_source(void)
{
    return typing.source;
}

/* ---- commands ---- */

static void print_help(void)
{
    fprintf(stderr, "At the beginning of a line these speak to this program:\r\n");
    for (int i = ESCAPE_NOTHING + 1; i < ESCAPE_COMMANDS; i++) {
        const char *key, *help = escapes_help((enum escape_command)i, &key);
        fprintf(stderr, "  %s%-3s %s\r\n", typing.name, key, help);
    }
    fprintf(stderr, "  %s%-3s type the character itself\r\n", typing.name, typing.name);
}

static void obey(enum escape_command command)
{
    const char *key;
    if (typing.process == NULL)
        return;
    escapes_help(command, &key);
    fprintf(stderr, "%s%s\r\n", typing.name, key);
    switch (command) {
    case ESCAPE_END:
        typing.ended = true;
        sshio_conn_abort(typing.conn);
        break;
    case ESCAPE_SUSPEND:
        kill(getpid(), SIGTSTP);
        break;
    case ESCAPE_BREAK:
        sshio_client_process_send_break(typing.process, BREAK_MS);
        break;
    case ESCAPE_REKEY:
        sshio_conn_rekey(typing.conn);
        break;
    default:
        print_help();
    }
}

void typing_begin(sshio_conn *conn, sshio_client_process *process, bool on_terminal)
{
    if (typing.source == 0)
        return;
    typing.conn = conn;
    typing.process = process;
    close(typing.source); /* the session has a duplicate */
    if (!keyboard_start(typing.to, on_terminal ? &typing.escape : NULL, obey))
        close(typing.to);
}

bool typing_end(void)
{
    typing.process = NULL;
    return typing.ended;
}
