/* Command line options: each tool has one table, from which options are parsed and the usage and help texts are made.
 *
 * Options are one letter, may stand together (-xT) and may have their argument in the same word (-p2222). "--" ends
 * them. */
#ifndef SSHIO_TOOLS_OPTIONS_H
#define SSHIO_TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <sshio.h>

enum option_kind {
    OPTION_KEYWORD,    /* its argument is the value of the row's keyword */
    OPTION_SETTING,    /* a switch: applies the row's "Keyword=value" */
    OPTION_ASSIGNMENT, /* its argument is a "Keyword=value" of its own */
    OPTION_COUNT,      /* an int that counts how often it stands there; applies the row's setting, if it has one */
    OPTION_TEXT,       /* a const char * that takes its argument; the last one counts */
    OPTION_ACCEPTED,   /* asks for what is so anyway; its argument, if any, must be the row's keyword */
    OPTION_MISSING,    /* what it asks for is not there */
    OPTION_HELP,
    OPTION_VERSION,
};

struct tool_option {
    char letter;
    enum option_kind kind;
    const char *argument; /* its name in the usage; NULL = takes none */
    const char *keyword;  /* of OPTION_KEYWORD, OPTION_SETTING and OPTION_COUNT; or NULL */
    size_t offset;        /* of OPTION_COUNT and OPTION_TEXT, in the tool's settings */
    const char *help;
};

struct tool {
    const char *name; /* "ssh" */
    const char *summary;
    const char *operands; /* what follows the options in the usage */
    int failed;           /* exit status of usage errors and of own failures */
    int (*run)(int argc, char **argv);
    const struct tool_option *options;
    size_t option_count;
};

struct config_lines { /* what the options say, as the text of a config file */
    char *text;
    size_t len;
};

/* False = out of memory, or a line break in the line. */
bool config_lines_add(struct config_lines *lines, const char *line);
/* Adds a keyword with one literal value, whatever characters it has. */
bool config_lines_add_value(struct config_lines *lines, const char *keyword, const char *value);

struct command_line {
    const struct tool *tool;
    int argc;
    char **argv;
    int next;   /* index of the next word */
    bool ended; /* "--" stood there */
    void *settings;
    struct config_lines *lines;
    /* Is told of each option that was taken; NULL = nobody is. */
    void (*taken)(const struct tool_option *option, const char *argument, void *user);
    void *user; /* of taken */
};

/* Takes options up to the first word that is none. True = go on; false = the tool ends with *status, and all is said.
 */
bool options_take(struct command_line *line, int *status);

void options_usage(const struct tool *tool, FILE *to);
void options_help(const struct tool *tool, FILE *to);

/* The value of a keyword that is a switch. */
sshio_tri options_tri(const sshio_config *config, const char *keyword);

/* Its first value, NULL when it is "none", fallback when it is not set. */
const char *options_text(const sshio_config *config, const char *keyword, const char *fallback);

/* Says why a configuration could not be loaded. */
void options_explain_config(void);

#endif
