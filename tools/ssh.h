/* The parts of sshio ssh.
 *
 *     ssh.c          the command line, and what happens when
 *     ssh_query.c    -Q
 *     ssh_config.c   which files are read for a host
 *     ssh_login.c    connecting, through other hosts if asked for, and logging in
 *     ssh_hosts.c    whether a host is known
 *     ssh_session.c  what is done when logged in
 *     ssh_typing.c   what is typed meanwhile: escape sequences */
#ifndef SSHIO_TOOLS_SSH_H
#define SSHIO_TOOLS_SSH_H

#include "files.h"
#include "options.h"

#define SSH_OWN_FAILURE 255

/* A host to log in at: the one that was named, or one on the way. */
struct login {
    struct login *next; /* the ones before it on the way */
    const struct account *account;
    const char *config_file; /* NULL = the usual ones */
    struct config_lines lines;
    char *host; /* as it was written */
    sshio_config *config;

    sshio_keyref *keys; /* loaded; ends with an empty one */
    sshio_known_hosts *known_hosts;
    sshio_source known_hosts_source, config_source; /* of the two */
    sshio_conn *conn;                               /* from the start of a connection to the login */
    bool logged_in;
    bool explained;         /* what went wrong was said */
    sshio_key *changed_key; /* that the host has instead of the one that is known */
    bool passwords_off;     /* it may not be the host it should be */
    int password_prompts, challenges;
    bool challenged; /* in the last keyboard-interactive dialogue */
};

/* A name as [user@]host, which is cut, or ssh://[user@]host[:port]. */
bool login_set_destination(struct login *login, char *destination);
bool login_load_config(struct login *login); /* says what is wrong */
/* What every login begins with: who we are, and the configuration for the host, whose destination is set. config_file:
 * as of -F, NULL = the usual ones. False = what is wrong was said. */
bool login_configure(struct login *login, const struct account *account, const char *config_file);
/* 0, or the code of what went wrong, which was said. */
int login_open(struct login *login, sshio_conn **conn);
void login_done(struct login *login); /* and those before it */

/* Loads those that are there. False = something is wrong with them, and was said. */
bool hosts_load(struct login *login);
/* As the handler of a client. */
int hosts_validate(struct login *login, const char *host, const char *addr, int port, sshio_key *key);
/* Says why the host key was refused, after the connection has failed. */
void hosts_explain_refusal(const struct login *login);

struct session_settings {
    int no_input, no_command, subsystem, want_terminal, no_terminal;
    const char *command; /* NULL = that of the configuration, or a shell */
    const char *forward; /* host:port that stdin and stdout are connected with; NULL = none */
};

/* The exit status. */
int session_run(const struct login *login, sshio_conn *conn, const struct session_settings *settings);

/* What is typed goes to the session through a filter, which takes out what is meant for this program (escapes.h): on
 * terminals, unless EscapeChar is none. Without typing_open stdin is the session's own. */
bool typing_is_valid(const struct login *login); /* false = EscapeChar is no character, which was said */
void typing_open(const struct login *login);
int typing_source(void); /* the descriptor that the session reads */
/* The session is there. on_terminal: it got a terminal; if not, nothing is an escape sequence. */
void typing_begin(sshio_conn *conn, sshio_client_process *process, bool on_terminal);
bool typing_end(void); /* the session is over; true = an escape sequence ended it */

int ssh_run_query(const char *name);

#endif
