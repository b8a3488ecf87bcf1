/* Terminal modes of the protocol and those of this system's terminals. (RFC 4254 section 8, RFC 8160) */
#ifndef SSHIO_IO_TERM_MODES_H
#define SSHIO_IO_TERM_MODES_H

#include <termios.h>

#include <sshio/base.h>

/* Changes what the list names; ops that are not known here are passed over. NULL = nothing. */
void term_modes_apply(const sshio_term_mode *modes, struct termios *t);
/* The other way: at most size entries, the last of which has op 0. */
void term_modes_of(const struct termios *t, sshio_term_mode *modes, size_t size);

#endif
