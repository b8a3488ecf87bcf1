/* Other programs that sftp and scp reach files by: one that makes the connection as ssh does (-S), or a server of files
 * that runs here (-D). What they are called with is what OpenSSH's tools call them with, word for word. */
#ifndef SSHIO_TOOLS_PROGRAM_H
#define SSHIO_TOOLS_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "options.h"

struct destination;

struct arguments { /* of a program; ended by NULL */
    char **items;
    size_t count;
    bool failed; /* out of memory */
};

void arguments_add(struct arguments *arguments, const char *format, ...) SSHIO_PRINTF(2, 3);
void arguments_done(struct arguments *arguments);

struct program_style; /* how a tool says things */
extern const struct program_style program_of_scp, program_of_sftp;

struct program_settings { /* what the options of a tool say */
    const struct program_style *style;
    const char *ssh;    /* of -S; NULL = our own connection */
    const char *server; /* of -D: a command line; NULL = none */
    const char *port;
    int forwards_agent;      /* -A */
    bool keeps_interrupts;   /* an interrupt at the terminal is not the program's */
    struct arguments passed; /* what is the program's to know, in order */
};

/* As `taken` of a command line, whose user is a struct program_settings. */
void program_take_option(const struct tool_option *option, const char *argument, void *user);
/* False = an option that only -S makes sense of, which was said. */
bool program_check(const struct program_settings *settings, const char *tool);
/* Some other program is to be used. */
bool program_is_used(const struct program_settings *settings);

/* Starts it, and gives our end of its stdin and stdout. command: what is to run over there; is_subsystem: it is the
 * name of one. A server of -D gets none of that. False = that was said. */
bool program_start(const struct program_settings *settings, const struct destination *destination, const char *command,
                   bool is_subsystem, pid_t *pid, int *fd);
/* Runs a command over there with our stdin, stdout and stderr. Waits; as child_run. */
int program_run(const struct program_settings *settings, const struct destination *destination, const char *command,
                int *status);

#endif
