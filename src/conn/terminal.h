/* A terminal as a client describes it: type, size and modes, and how the last two stand on the wire. Nothing here opens
 * a terminal. (RFC 4254 sections 6.2, 6.7 and 8, RFC 8160) */
#ifndef SSHIO_CONN_TERMINAL_H
#define SSHIO_CONN_TERMINAL_H

#include <stdbool.h>

#include <sshio/base.h>

#include "base/bytes.h"
#include "base/error.h"

#define TERMINAL_TYPE_MAX_LEN 255u

struct terminal {
    char *type; /* NULL = there is none */
    sshio_term_size size;
    sshio_term_mode *modes; /* ends with op 0; NULL = none */
};

/* What a program hands in: the type is printable ASCII, sizes are not negative, modes have an op of 1 to 159. NULL is
 * nothing. SSHIO_EINVAL. */
int terminal_check(const char *type, const sshio_term_size *size, const sshio_term_mode *modes, struct error *e);
bool terminal_type_is_valid(struct span type);

const sshio_term_mode *terminal_modes(const struct terminal *t);              /* never NULL */
bool terminal_modes_copy(sshio_term_mode **to, const sshio_term_mode *modes); /* replaces; false = out of memory */
void terminal_done(struct terminal *t);

void put_term_size(struct writer *w, const sshio_term_size *size);
sshio_term_size read_term_size(struct reader *r); /* beyond INT_MAX counts as INT_MAX */

/* The mode string: op and value of each, then op 0. */
void put_term_modes(struct writer *w, const sshio_term_mode *modes);
/* Reads up to its end mark, to the first op above 159, whose form nobody knows, or to the end of the text. Of ops that
 * stand there twice the last value counts. SSHIO_EPROTOCOL when a value is cut short, SSHIO_ENOMEM. */
int term_modes_from(struct span text, sshio_term_mode **modes);

#endif
