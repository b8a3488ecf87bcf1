/* The channel types that a peer may open, and who takes them. */
#include "conn/channel_type.h"

#include <stddef.h>

#include "session/server_session.h"
#include "session/tcp_channel.h"

const struct channel_type channel_types[] = {
    { "session", true, server_session_requested },
    { "direct-tcpip", true, tcp_channel_requested },
    { NULL, false, NULL },
};
