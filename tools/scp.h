/* The parts of sshio scp.
 *
 *     scp.c           the command line, and who goes where
 *     scp_sftp.c      by SFTP, to and from a host
 *     scp_between.c   by SFTP, from host to host through here
 *     scp_old.c       by the protocol of old (-O) */
#ifndef SSHIO_TOOLS_SCP_H
#define SSHIO_TOOLS_SCP_H

#include "copying.h"
#include "remote.h"

#define SCP_FAILED 1
#define SCP_FATAL 255

struct place { /* an operand */
    const char *text;
    bool is_remote;
    struct destination destination; /* of a remote one */
    struct place *same;             /* an earlier one on the same host, whose connection this one takes */
    struct remote remote;
};

struct scp {
    struct remote_settings remote;
    struct copying copying;
    struct meter meter;
    struct account account;
    int quiet, recurse, preserve, old, by_source, through_here, any_names;
    const char *extra;
    size_t source_count;
    struct place *sources, *target;
};

/* The connection, or the session of SFTP, of a remote place, opened when it is first asked for. NULL = there is none,
 * and that was said. */
struct remote *place_connect(struct scp *scp, struct place *place);
sshio_sftp *place_sftp(struct scp *scp, struct place *place);

/* As SFTP wants it: "" and "~" are where one begins. NULL = "~user" is not to be had, which was said. */
const char *place_path(const struct place *place);

/* Each copies one source to the target; the exit status. */
int scp_upload(struct scp *scp, struct place *source);
int scp_download(struct scp *scp, struct place *source);
int scp_between(struct scp *scp, struct place *source);

/* Likewise with the old protocol; upload takes all sources that are here. */
int scp_old_upload(struct scp *scp);
int scp_old_download(struct scp *scp, struct place *source);
int scp_old_between(struct scp *scp, struct place *source);

/* Paths that match a remote source, in order. 0, or the exit status; what is wrong was said. */
int scp_expand(struct scp *scp, struct place *source, sshio_texts *paths);
/* Whether a remote target is a folder; with several sources it is made. False = failed, which was said. */
bool scp_check_target(struct scp *scp, sshio_sftp *sftp, const char *path, bool *into);

#endif
