/* Options that a configuration gives: it fills the fields of an options struct that the caller has left at zero. */
#ifndef SSHIO_CONN_CONFIG_OPTIONS_H
#define SSHIO_CONN_CONFIG_OPTIONS_H

#include <sshio/client.h>
#include <sshio/options.h>
#include <sshio/server.h>

#include "conn/config_load.h"

/* What the filled fields point to: it has to live as long as they are used. */
struct configured {
    sshio_config *config; /* NULL = none was asked for */
    struct texts texts;
    sshio_keyref *keys;
    struct texts key_files;
    sshio_source source; /* of known hosts or authorized keys */
    struct texts source_files;
};

/* *host becomes that of the Hostname keyword. Both wait when there are files to be read. configured is to be done with
 * in either case. */
int configure_client(sshio_client_options *options, const char **host, struct configured *c, struct error *e);
int configure_server(sshio_server_options *options, struct configured *c, struct error *e);
void configured_done(struct configured *c);

#endif
