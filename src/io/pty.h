/* Pseudo-terminals, and what terminals know: size, modes, foreground process group. */
#ifndef SSHIO_IO_PTY_H
#define SSHIO_IO_PTY_H

#include <sshio/base.h>

#include "base/error.h"

struct pty {
    int master, slave; /* close-on-exec; -1 = closed */
};

/* A new one of this size, with these modes (a list that ends with op 0; what this system lacks is passed over).
 * ESYSTEM.
 */
int pty_open(struct pty *pty, const sshio_term_size *size, const sshio_term_mode *modes, struct error *e);
void pty_close_slave(struct pty *pty);
void pty_close(struct pty *pty);
void pty_set_size(int fd, const sshio_term_size *size); /* nothing if fd is no terminal */
bool pty_signal(int master, int signal);                /* to the foreground; false = there is none */
bool pty_has_output(int master);                        /* that nobody has read */

#endif
