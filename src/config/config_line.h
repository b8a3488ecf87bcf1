/* One line of an option file, or one -o: "Keyword arguments", "Keyword=arguments".
 *
 * The keyword ends at white space or "=". Arguments are separated by blanks; "…" and '…' protect them and may start
 * anywhere inside an argument; a backslash escapes quotes, a backslash and, outside quotes, a space, and is an ordinary
 * character before anything else; an unquoted # at the start of an argument begins a comment. */
#ifndef SSHIO_CONFIG_CONFIG_LINE_H
#define SSHIO_CONFIG_CONFIG_LINE_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/texts.h"

struct config_where { /* for messages */
    const char *filename;
    int line; /* 0 = it is no file */
};

/* False for an empty line and a comment. */
bool config_line_split(struct span line, struct span *keyword, struct span *rest);

/* Adds the arguments. SSHIO_ECONFIG_PARSE: an open quote, a NUL. */
int config_line_arguments(struct span rest, const struct config_where *where, struct texts *arguments, struct error *e);

/* Adds the whole rest as one argument, without reading quotes or comments in it. SSHIO_ECONFIG_PARSE: a NUL. */
int config_line_whole(struct span rest, const struct config_where *where, struct texts *arguments, struct error *e);

#endif
