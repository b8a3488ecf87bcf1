/* The files of this host, as a source and a sink of SCP see them. */
#ifndef SSHIO_SCP_LOCAL_FILES_H
#define SSHIO_SCP_LOCAL_FILES_H

#include "scp/job.h"

extern const struct scp_files local_files;

#endif
