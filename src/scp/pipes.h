/* A remote "scp -t" or "scp -f" that the application started by other means than a connection of ours, as the wire of a
 * job: two descriptors. */
#ifndef SSHIO_SCP_PIPES_H
#define SSHIO_SCP_PIPES_H

#include <sshio/scp.h>

#include "scp/wire.h"

struct scp_pipes;

/* Has the command started, and sets read, write and user of the wire. Waits, if start does. ENOMEM, ESYSTEM, or what
 * start failed with. */
int scp_pipes_open(struct scp_wire *wire, const sshio_scp_path *path, const char *command, struct scp_pipes **pipes);
/* Ends it, and does not wait; at_once: without what is still queued. The wire is not used any more. */
void scp_pipes_close(struct scp_pipes *pipes, bool at_once);

#endif
