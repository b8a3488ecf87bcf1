/* Lines and words of configuration texts: what known_hosts, authorized_keys and option files have in common. */
#ifndef SSHIO_CONFIG_TEXT_LINES_H
#define SSHIO_CONFIG_TEXT_LINES_H

#include <stdbool.h>

#include "base/bytes.h"

#define TEXT_LINE_MAX_LEN 65536 /* an RSA-16384 key with long options must fit */
#define TEXT_FILE_MAX_LEN (64u * 1024 * 1024)

struct text_lines {
    struct span rest;
    int number; /* of the line handed out last, from 1 */
};

void text_lines_init(struct text_lines *lines, struct span text); /* skips a byte order mark */

/* The next line without its end and without white space around it; false at the end. A line longer than the limit is
 * handed out whole as well: callers look at text_line_too_long first, so that its tail can never pass for a line of its
 * own. */
bool text_lines_next(struct text_lines *lines, struct span *line);
bool text_line_too_long(struct span line);
bool text_line_is_empty(struct span line); /* nothing but white space, or a comment */

bool text_is_blank(uint8_t c); /* space, tab, CR, FF */
struct span text_trim(struct span text);
struct span text_word(struct span *rest); /* takes the next run without blanks; empty at the end */

/* Takes the next element of a comma list, which may be empty; false at the end. */
bool text_comma_next(struct span *rest, struct span *element);

#endif
