/* Packets in the log, at debug level 3: names, numbers, lengths, and what is in them, before compression and encryption
 * or behind them. What may hold a password or an answer of the user's is left out. */
#ifndef SSHIO_ENGINE_PACKET_LOG_H
#define SSHIO_ENGINE_PACKET_LOG_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/log.h"

/* A payload in two pieces, the second of which may be empty. */
void packet_log(sshio_logger *logger, bool sent, struct span head, struct span body);

#endif
