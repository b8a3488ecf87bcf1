/* Ways over other hosts (ProxyJump): each is a connection through the one before. */
#ifndef SSHIO_CONN_JUMP_H
#define SSHIO_CONN_JUMP_H

#include <sshio/options.h>

#define JUMPS_MAX 16u /* hosts on the way in all, those that the first ones' own configuration adds included */

bool jump_is_wanted(const char *text); /* a value of .proxy_jump; neither NULL, SSHIO_NONE nor "none" */

/* Waits: connects to the hosts of .proxy_jump, in their order. *last is the last one, with a user's reference, and
 * keeps the others. Errors are the last error: SSHIO_EINVAL, of the text or when there are too many hosts; those of
 * sshio_connect; what the handler returned. */
int jump_open(const sshio_client_options *options, unsigned *jumps_left, sshio_conn **last);

#endif
