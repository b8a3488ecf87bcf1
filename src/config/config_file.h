/* Texts of configurations: lines in blocks that Host and Match open, and files that Include brings in.
 *
 * A block reaches to the next Host or Match line or the end of its file; every file begins with an active one, and what
 * it opens ends with it. Lines of a block that is not active are passed over, but an open quote in them is an error all
 * the same. What files are called and where they are is left to the caller, who reads them for Include. */
#ifndef SSHIO_CONFIG_CONFIG_FILE_H
#define SSHIO_CONFIG_CONFIG_FILE_H

#include "config/config.h"

#define INCLUDE_MAX_DEPTH 16

/* What Host and Match look at. Texts may be NULL: not known, which matches nothing. */
struct config_subject {
    const char *host;       /* client: as the caller wrote it */
    const char *user;       /* client: of the remote account, as the caller wrote it; server: who logs in */
    const char *local_user; /* client */
};

struct config_reader {
    sshio_config *config;
    const struct config_subject *subject;
    const struct token_values *tokens; /* for Hostname, whose %h is the host of the subject */
    /* Reads the files that a pattern of an Include line names, and gives each to config_read. */
    int (*include)(struct config_reader *r, const char *pattern, struct error *e);
    void *world; /* the include function's */
    int depth;   /* of Include; the first file is 0 */
};

/* Reads one text into r->config. filename: NULL = it is no file; it is copied. SSHIO_ECONFIG_PARSE with file and line,
 * and what include says. */
int config_read(struct config_reader *r, struct span text, const char *filename, struct error *e);

/* The host to connect to: Hostname, else the host of the subject. */
const char *config_host(const sshio_config *config, const struct config_subject *subject);

#endif
