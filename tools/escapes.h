/* Escape sequences: what a person types at the beginning of a line of a terminal session to speak with this program
 * instead of the other side ("~."). A filter for what is typed, which knows nothing of terminals. */
#ifndef SSHIO_TOOLS_ESCAPES_H
#define SSHIO_TOOLS_ESCAPES_H

#include <stdbool.h>
#include <stddef.h>

enum escape_command {
    ESCAPE_NOTHING,
    ESCAPE_END,
    ESCAPE_SUSPEND,
    ESCAPE_BREAK,
    ESCAPE_REKEY,
    ESCAPE_HELP,
    ESCAPE_COMMANDS,
};

struct escapes {
    bool off; /* there are none */
    unsigned char character;
    bool inside_line; /* what comes next does not begin a line */
    bool begun;       /* the character was typed at the beginning of a line, and is held back */
};

/* The value of EscapeChar: a character, or ^ and a letter for a control character. False = it is neither. */
bool escapes_parse(const char *text, unsigned char *character);

/* Takes typed bytes up to the end of the first command among them, or all: how many. Those that go to the other side
 * are in out, which has room for len + 1. */
size_t escapes_filter(struct escapes *e, const char *typed, size_t len, char *out, size_t *out_len,
                      enum escape_command *command);

/* The key of a command, and what it does, as help; NULL for ESCAPE_NOTHING. */
const char *escapes_help(enum escape_command command, const char **key);

#endif
