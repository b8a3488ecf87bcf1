/* The command of the far side of SCP: said by a client, understood by a server.
 *
 * A remote shell reads what a client says. Unless told otherwise only what a shell makes of wildcards and of ~ is left
 * to it; every other byte stands for itself. (CVE-2020-15778) */
#ifndef SSHIO_SCP_COMMAND_H
#define SSHIO_SCP_COMMAND_H

#include <sshio/scp.h>

#include "base/error.h"

#define SCP_COMMAND "scp " /* how one begins */

struct scp_command {
    bool sink;      /* -t; else -f, a source */
    bool directory; /* -d: the path must be a directory */
    bool preserve, recurse;
    char *path; /* owned by who parsed it */
};

/* "scp -t -r path". EINVAL: the path cannot be said; ENOMEM. *text is freed with mem_free. */
int scp_command_format(const struct scp_command *command, sshio_scp_quoting quoting, char **text, struct error *e);

/* Of an exec request that begins with "scp ". SSHIO_EINVAL with a message for the client. */
int scp_command_parse(const char *text, struct scp_command *command, struct error *e);
bool scp_command_is_one(const char *text);

#endif
