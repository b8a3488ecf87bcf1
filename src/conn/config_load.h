/* Loading configurations: reads the files that a source names, evaluates them for a host or a user, and puts in what
 * only the system knows. */
#ifndef SSHIO_CONN_CONFIG_LOAD_H
#define SSHIO_CONN_CONFIG_LOAD_H

#include <sshio/config.h>

#include "config/config.h"

/* Waits. SSHIO_ECONFIG_PARSE, SSHIO_ESYSTEM, SSHIO_ELIMIT. A configuration that the source has loaded before is
 * referenced. */
int config_load(enum config_side side, const sshio_source *source, const sshio_config_query *query,
                sshio_config **config, struct error *e);

#endif
