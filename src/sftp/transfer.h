/* get, put and copy: from one side to the other.
 *
 *     transfer.c        sources and targets, options, errors
 *     transfer_walk.c   directories and what is in them
 *     transfer_file.c   one file
 *
 * One task walks; files that fit into one block, and links, are copied by others meanwhile, as many at a time as
 * .max_files says. A larger file is copied alone, when they have ended, so that its progress is not mixed with others'.
 * The attributes of a directory are set when all that goes into it is there, since they change meanwhile: by who leaves
 * it last, the walk or one of the others. */
#ifndef SSHIO_SFTP_TRANSFER_H
#define SSHIO_SFTP_TRANSFER_H

#include "sftp/gang.h"
#include "sftp/side.h"

#define TRANSFER_DEPTH_MAX 128u

struct folder_end {       /* what is set on a directory at its end */
    struct folder *above; /* it ends later: held */
    facts attrs;
    char *srcpath;
    bool spoiled; /* not everything is in it: nothing is set */
};

struct transfer {
    sshio_sftp *sftp;
    const struct side *from, *to;
    sshio_copy_options o;
    bool is_copy; /* both sides remote */
    bool many;    /* there are several sources */
    struct gang gang;
    struct gang_error failed; /* of those who work beside the walk */
};

/* A thing to be copied. */
struct item {
    const char *src;
    const struct spot *dst;
    facts attrs;         /* of the source */
    unsigned depth;      /* below what the caller named */
    unsigned safe_depth; /* so many ".." a link there may have without leading out */
    const struct chain *above;
};
struct chain { /* the real paths of the directories that we are in, when links are followed */
    const struct chain *above;
    const char *real;
};

/* An error of an item that the transfer can do without: told to the handler. 0 = go on, else the result. */
int transfer_item_failed(struct transfer *t, int rc, const char *src, const char *dst);
bool transfer_goes_on(const struct transfer *t); /* nobody has failed for good */

int transfer_item(struct transfer *t, const struct item *item);    /* with all that is in it; its errors are handled */
int transfer_file(struct transfer *t, const struct item *item);    /* a regular one */
facts transfer_kept(const struct transfer *t, const facts *attrs); /* what of them a copy gets */
/* With which permissions it begins; 0 = the usual ones. What its owner could not write could not be filled. */
unsigned transfer_first_mode(const struct transfer *t, const facts *attrs, unsigned needed);

#endif
