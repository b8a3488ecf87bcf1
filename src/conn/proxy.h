/* A program whose input and output is the connection (ProxyCommand). It runs without a shell in a session of its own;
 * its stderr is ours. */
#ifndef SSHIO_CONN_PROXY_H
#define SSHIO_CONN_PROXY_H

#include "base/error.h"

struct loop;
struct proxy;
struct stream;

/* The words of a command, with the quoting of shells, in place of argv when argv is NULL. A leading "exec" is dropped.
 * SSHIO_EINVAL, SSHIO_ESYSTEM: the program cannot be started. */
int proxy_start(struct loop *loop, const char *command, const char *const *argv, struct proxy **proxy,
                struct stream **stream, struct error *e);

/* The connection is over: the program is told to end. Takes NULL. */
void proxy_end(struct proxy *proxy);

#endif
