/* What options may be, where the type of their field takes more: choices, times and ports, in tables. */
#ifndef SSHIO_CONN_OPTION_CHECKS_H
#define SSHIO_CONN_OPTION_CHECKS_H

#include <sshio/options.h>

#include "base/error.h"

#define OPTION_SECONDS_MAX 4294967.0 /* the longest time that the engine's clocks take */

/* EINVAL, naming the first option that is wrong, and its value. */
int check_client_options(const sshio_client_options *options, struct error *e);
int check_server_options(const sshio_server_options *options, struct error *e);
int check_seconds(const char *option, double seconds, struct error *e); /* SSHIO_NEVER is good */

#endif
