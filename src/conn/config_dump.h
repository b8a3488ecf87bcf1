/* The effective configuration as text: one keyword a line, in lower case. */
#ifndef SSHIO_CONN_CONFIG_DUMP_H
#define SSHIO_CONN_CONFIG_DUMP_H

#include "config/config.h"

int config_dump(const sshio_config *config, sshio_bytes *text, struct error *e);

#endif
