/* One end of a copy as a text: a file of this host, or a host and a file there. */
#ifndef SSHIO_SCP_PLACE_H
#define SSHIO_SCP_PLACE_H

#include <stdbool.h>

#include "base/error.h"

struct scp_place { /* its texts are owned */
    char *host;    /* NULL = here */
    char *user;    /* NULL = none was named */
    int port;      /* 0 = none was named */
    char *path;    /* "" = the directory where one begins */
};

/* "path", "host:path", "user@host:path", "[v6]:path", "scp://[user@]host[:port]/path". What has a slash before its
 * first colon, or begins with a colon, is a path. EINVAL, ENOMEM. */
int scp_place_parse(const char *text, struct scp_place *place, struct error *e);
void scp_place_done(struct scp_place *place);

#endif
