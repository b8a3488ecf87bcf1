/* One source to one target, in either direction: what sftp and scp have in common. */
#ifndef SSHIO_TOOLS_COPYING_H
#define SSHIO_TOOLS_COPYING_H

#include "meter.h"
#include "remote.h"

struct copying {
    bool recurse, preserve, resume, flush; /* flush: what was copied is on the disk before it goes on */
    bool follow;                           /* links in directories, which are left out else */
    bool announces;                        /* each directory that is entered */
    bool is_download;                      /* set by the functions below, as all that follows */
    sshio_sftp *sftp;
    struct meter *meter;
    const char *buffer_size, *requests, *limit; /* of the options; NULL = what is usual */
    int64_t block_size;
    int max_requests;
    int failed; /* the first error; SSHIO_ECANCELED among them */
    char **written;
    size_t written_count;
};

/* Reads buffer_size, requests and limit. False = one of them is wrong, and that was said. */
bool copying_take_options(struct copying *copying);
/* "nrequests=64,buffer=32768", as of -X. Likewise. */
bool copying_take_extra(struct copying *copying, const char *text);

/* target is the new name, not a folder that the source goes into. A source that is a folder needs recurse. 0, or the
 * first error; each was said. */
int copying_get(struct copying *copying, sshio_sftp *sftp, const char *remote, const char *local);
int copying_put(struct copying *copying, sshio_sftp *sftp, const char *local, const char *remote);

/* "folder/name"; freed by the caller, NULL = out of memory. */
char *path_join(const char *folder, const char *name);
/* What stands behind the last slash, slashes at the end not counted; freed by the caller, NULL = out of memory. */
char *path_last(const char *path);
bool path_is_local_folder(const char *path);

#endif
