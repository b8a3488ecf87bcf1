/* From one host to another: what a remote source says goes to a remote sink, and the answers back. */
#ifndef SSHIO_SCP_RELAY_H
#define SSHIO_SCP_RELAY_H

#include "scp/job.h"

/* Waits. job->wire is the source's, and job->files is not used. */
int scp_relay_run(struct scp_job *job, struct scp_wire *sink);

#endif
