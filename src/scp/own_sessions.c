/* The table of sessions that the library serves by itself; see session/subsystem.h. */
#include "session/subsystem.h"

#include "scp/server.h"
#include "sftp/server.h"

const struct own_subsystem own_subsystems[] = {
    { .name = "sftp", .is_served = sftp_is_served, .take = sftp_take_session },
    { .command = SCP_COMMAND, .is_served = scp_is_served, .take = scp_take_session },
    { .is_served = NULL },
};
