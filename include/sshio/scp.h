/* sshio/scp.h: copying with scp, local to remote, remote to local, remote to remote. Where the peer has SFTP, that is
 * the better choice. Reference: scp. */
#ifndef SSHIO_SCP_H
#define SSHIO_SCP_H
#include "base.h"
#include "options.h"
#include "sftp.h"
SSHIO_BEGIN

/* How a remote path is told to the other side, where a shell reads it. */
typedef enum sshio_scp_quoting {
    SSHIO_SCP_QUOTE_GLOB = 0, /* of a source: * ? [ ] and a leading ~ work there; all else stands for itself */
    SSHIO_SCP_QUOTE_FULL,     /* everything stands for itself */
    SSHIO_SCP_QUOTE_RAW       /* as it is: the shell there runs what is in it, so never with text of somebody else */
} sshio_scp_quoting;

SSHIO_END
#endif
