/* "scp -t" and "scp -f" for a client, on the files of the SFTP server that the application has for it. */
#ifndef SSHIO_SCP_SERVER_H
#define SSHIO_SCP_SERVER_H

#include "scp/command.h"
#include "session/chan.h"

bool scp_is_served(const struct settings *settings);
bool scp_take_session(sshio_chan *chan); /* false = out of memory */

#endif
