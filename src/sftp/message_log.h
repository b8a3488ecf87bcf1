/* SFTP packets in the log. Debug level 1: a line for each, with its fields; 2: with its length; 3: also what is in it.
 */
#ifndef SSHIO_SFTP_MESSAGE_LOG_H
#define SSHIO_SFTP_MESSAGE_LOG_H

#include "base/bytes.h"
#include "base/log.h"

/* From the type on, in two pieces of which the second, data of a file, may be empty. */
void message_log(sshio_logger *logger, bool sent, int version, struct span head, struct span data);

#endif
