/* The tools of this binary. */
#ifndef SSHIO_TOOLS_TOOLS_H
#define SSHIO_TOOLS_TOOLS_H

#include "options.h"

extern const struct tool tool_keygen;
extern const struct tool tool_scp;
extern const struct tool tool_sftp;
extern const struct tool tool_sftp_server;
extern const struct tool tool_ssh;
extern const struct tool tool_sshd;

#endif
