/* The version exchange (RFC 4253 section 4.2): one line each way, and before the server's any
 * text. */
#ifndef SSHIO_ENGINE_VERSION_H
#define SSHIO_ENGINE_VERSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/limits.h"

#define VERSION_MAX_LEN 255 /* of an identification line, without its end */

enum version_result {
    VERSION_PARTIAL, /* more bytes are needed */
    VERSION_TEXT,    /* a line of text before the version: to be skipped */
    VERSION_FOUND,   /* the identification */
    VERSION_BAD      /* error says why */
};

struct version_line {
    struct span text; /* without its end */
    size_t used;      /* with it */
};

/* The first line of data. `server` is our role: clients send no text before their version. */
enum version_result version_read(struct span data, bool server, const struct limits *limits, struct version_line *line,
                                 struct error *error);

/* "SSH-2.0-<version>"; NULL when out of memory. */
char *version_format(const char *version);

#endif
