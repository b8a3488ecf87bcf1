/* Name look-up, on libuv's threads so that a stuck resolver never stops file or key work. */
#ifndef SSHIO_IO_RESOLVER_H
#define SSHIO_IO_RESOLVER_H

#include <netdb.h>

#include "base/error.h"

struct loop;

/* Waits. Duplicates are removed. ERESOLVE names the host. Freed with resolver_free. */
int resolver_lookup(struct loop *loop, const char *host, int port, int family, int flags, struct addrinfo **list,
                    struct error *e);
void resolver_free(struct addrinfo *list);

#endif
