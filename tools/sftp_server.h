/* What sshio sftp-server and the internal-sftp of sshio sshd have in common: options, and what they come to. */
#ifndef SSHIO_TOOLS_SFTP_SERVER_H
#define SSHIO_TOOLS_SFTP_SERVER_H

#include <stdbool.h>

#include <sshio.h>

#include "files.h"

struct sftp_arguments {
    int read_only;
    int to_stderr;
    const char *start_dir, *umask, *level, *facility, *allow, *deny, *query;
    /* what they come to; lists and texts are the arguments' */
    char *start_path, *allow_text, *deny_text, *words_text;
    const char **allow_list, **deny_list;
    unsigned mask; /* of umask */
    bool has_mask;
};

/* Reads the options of argv, whose first word is the program. False = it ends with *status, and all is said. */
bool sftp_arguments_take(struct sftp_arguments *arguments, int argc, char **argv, const struct account *account,
                         int *status);
/* The same of a line of a configuration: "internal-sftp -R -u 077". False = all is said. */
bool sftp_arguments_take_line(struct sftp_arguments *arguments, const char *line, const struct account *account);
void sftp_arguments_done(struct sftp_arguments *arguments);
void sftp_arguments_apply(const struct sftp_arguments *arguments, sshio_sftp_server_options *options); /* borrows */

#endif
