/* sshio.h: the whole public API, one header a chapter. */
#ifndef SSHIO_H
#define SSHIO_H
#include "sshio/base.h"
#include "sshio/constants.h"
#include "sshio/algorithms.h"
#include "sshio/key.h"
#include "sshio/known_hosts.h"
#include "sshio/authorized_keys.h"
#include "sshio/config.h"
#include "sshio/options.h"
#include "sshio/session.h"
#include "sshio/channel.h"
#include "sshio/stream.h"
#include "sshio/process.h"
#include "sshio/client.h"
#include "sshio/server.h"
#include "sshio/connection.h"
#include "sshio/sftp.h"
#include "sshio/scp.h"
#endif
