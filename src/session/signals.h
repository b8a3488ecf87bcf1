/* Signal names as they travel (without SIG), and this system's numbers. (RFC 4254 6.10) */
#ifndef SSHIO_SESSION_SIGNALS_H
#define SSHIO_SESSION_SIGNALS_H

int signal_number(const char *name); /* 0 = not known here */
const char *signal_name(int number); /* NULL = has no name */

#endif
