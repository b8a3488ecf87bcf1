/* The parts of sshio sftp.
 *
 *     sftp.c            the command line, and the loop over commands
 *     sftp_commands.c   the table of commands, and a line as a call of one of them
 *     sftp_files.c      commands that change files over there, and tell of them
 *     sftp_list.c       ls and df
 *     sftp_local.c      commands that work here
 *     sftp_transfer.c   get and put
 *     sftp_input.c      where lines come from
 *     sftp_edit.c       lines that are edited, with history and completion (libedit) */
#ifndef SSHIO_TOOLS_SFTP_H
#define SSHIO_TOOLS_SFTP_H

#include "copying.h"
#include "remote.h"
#include "words.h"

struct input;

struct sftp {
    sshio_sftp *sftp;
    const char *host;   /* as it was named */
    const char *server; /* that runs here; NULL = none */
    char *directory;    /* that remote paths begin at; absolute */
    bool quiet, interactive, stops_at_errors;
    bool ended; /* by a command */
    bool recurse, preserve, resume, flush;
    struct meter meter;
    struct copying copying;
    struct input *input;
    sshio_task *running; /* the command that an interrupt ends; NULL = none */
    int result;          /* of it */
};

/* ---- commands ---- */

struct command;

struct call {
    const struct command *command;
    char flags[16];  /* letters that were given */
    bool tolerant;   /* "-" stood in front: its failure does not stop a batch */
    bool silent;     /* "@" stood in front: it is not shown */
    char *rest;      /* of the line, for the shell; NULL = none */
    unsigned number; /* of those that take one */
    struct words words;
    struct word *operands; /* behind the command, its flags and number */
    size_t operand_count;
};

/* What a command works on, for its checks and for completion. */
enum operands {
    OPERANDS_NONE,
    OPERANDS_REMOTE,        /* a path or none */
    OPERANDS_LOCAL,         /* likewise */
    OPERANDS_ONE_REMOTE,    /* a path */
    OPERANDS_ONE_LOCAL,     /* likewise */
    OPERANDS_TWO_REMOTE,    /* two of them */
    OPERANDS_NUMBER,        /* a number */
    OPERANDS_NUMBER_REMOTE, /* a number and a path */
    OPERANDS_DOWNLOAD,      /* a remote path and perhaps a local one */
    OPERANDS_UPLOAD,        /* a local path and perhaps a remote one */
    OPERANDS_SHELL,         /* the rest of the line */
};

struct command {
    const char *name;
    const char *flags; /* letters that it takes */
    enum operands operands;
    const char *usage; /* what stands behind its name; NULL = not listed, as it is another's second name */
    const char *help;
    int base; /* of its number */
    /* 0, or an error that was said. */
    int (*run)(struct sftp *sftp, const struct call *call);
};

extern const struct command sftp_commands[];
extern const size_t sftp_command_count;

/* False = there is no such command, or it is used wrongly, and that was said. call->command is NULL for a line with
 * nothing to do. call_done in any case. */
bool call_parse(const char *line, struct call *call);
void call_done(struct call *call);
bool call_has(const struct call *call, char flag);
const struct command *command_find(const char *name);

int sftp_help(struct sftp *sftp, const struct call *call);
int sftp_quit(struct sftp *sftp, const struct call *call);

/* ---- files over there ---- */

/* A path from the working directory on, and a pattern; freed by the caller, NULL = out of memory. */
char *remote_path(const struct sftp *sftp, const char *path);
char *remote_pattern(const struct sftp *sftp, const char *pattern);
/* Paths that match, in order; none = SSHIO_ESFTP_NO_SUCH_FILE, and said with this format of one text, if there is one.
 */
int remote_expand(const struct sftp *sftp, const struct word *word, const char *message, sshio_texts *paths);
bool remote_is_folder(sshio_sftp *sftp, const char *path);

int sftp_cd(struct sftp *sftp, const struct call *call);
int sftp_pwd(struct sftp *sftp, const struct call *call);
int sftp_mkdir(struct sftp *sftp, const struct call *call);
int sftp_rmdir(struct sftp *sftp, const struct call *call);
int sftp_rm(struct sftp *sftp, const struct call *call);
int sftp_rename(struct sftp *sftp, const struct call *call);
int sftp_ln(struct sftp *sftp, const struct call *call);
int sftp_symlink(struct sftp *sftp, const struct call *call);
int sftp_copy(struct sftp *sftp, const struct call *call);
int sftp_chmod(struct sftp *sftp, const struct call *call);
int sftp_chown(struct sftp *sftp, const struct call *call);
int sftp_chgrp(struct sftp *sftp, const struct call *call);
int sftp_version(struct sftp *sftp, const struct call *call);
int sftp_ls(struct sftp *sftp, const struct call *call);
int sftp_df(struct sftp *sftp, const struct call *call);

/* ---- here ---- */

int sftp_lcd(struct sftp *sftp, const struct call *call);
int sftp_lls(struct sftp *sftp, const struct call *call);
int sftp_lmkdir(struct sftp *sftp, const struct call *call);
int sftp_lpwd(struct sftp *sftp, const struct call *call);
int sftp_lumask(struct sftp *sftp, const struct call *call);
int sftp_shell(struct sftp *sftp, const struct call *call);
int sftp_progress(struct sftp *sftp, const struct call *call);

/* ---- transfers ---- */

int sftp_get(struct sftp *sftp, const struct call *call);
int sftp_put(struct sftp *sftp, const struct call *call);
int sftp_reget(struct sftp *sftp, const struct call *call);
int sftp_reput(struct sftp *sftp, const struct call *call);
/* What the operand of the program names: a folder becomes the working directory, a file is brought here. *transferred:
 * it was a file. */
int sftp_begin(struct sftp *sftp, const char *path, const char *local, bool *transferred);

/* ---- lines ---- */

/* fd: is taken over. editable: a person types at a terminal. NULL = out of memory. */
struct input *input_open(struct sftp *sftp, int fd, bool editable);
/* Waits. The next line, without its end; freed by the caller. NULL = there is none, or it was interrupted. */
char *input_line(struct input *input, const char *prompt, bool *interrupted);
void input_interrupt(struct input *input); /* on the thread of the loop */
void input_refresh(struct input *input);   /* likewise: the terminal has changed, or others have written on it */
void input_close(struct input *input);     /* takes NULL */

/* On the worker thread that reads: the next octet. False = the end, or an interrupt. */
bool input_byte(struct input *input, char *byte);

struct editor;
struct editor *editor_open(struct sftp *sftp, struct input *input); /* NULL = there is none */
char *editor_line(struct editor *editor, const char *prompt);       /* on the worker thread; as input_line */
void editor_refresh(struct editor *editor);                         /* within editor_line: shows it anew */
void editor_close(struct editor *editor);                           /* takes NULL */

/* Completion: how the last word of a line goes on. *insertion is what is to be typed, *choices all that it could be;
 * both are the caller's. Waits. 0, or there is none. */
int sftp_complete(struct sftp *sftp, const char *line, char **insertion, sshio_texts *choices);

#endif
