/* The two sides of a transfer, local and remote, as one kind of thing: where files, directories and links are looked at
 * and made. All functions wait, and record the last error.
 *
 * What is made stands at a spot: a name in a folder. On the local side a folder is an open directory, and below the
 * first one nothing is reached through a symbolic link, so that no one who plants links can lead a transfer elsewhere.
 */
#ifndef SSHIO_SFTP_SIDE_H
#define SSHIO_SFTP_SIDE_H

#include "sftp/blocks.h"
#include "sftp/client_dirs.h"

struct folder {
    int refs;
    int fd;                 /* local; AT_FDCWD for none */
    bool at_once;           /* local: in memory */
    bool is_new;            /* local: make_folder made it */
    char *path;             /* "" = the working directory */
    struct folder_end *end; /* what a transfer does when nothing more comes into it; NULL = nothing */
};
struct folder *folder_ref(struct folder *folder);
void folder_unref(struct folder *folder); /* takes NULL */

struct spot {
    struct folder *folder; /* NULL = the path says it all, and may lead through links */
    const char *name;      /* in the folder; points into path */
    char *path;            /* whole */
    unsigned mode;         /* of what is made there, but for the umask; 0 = what is usual */
};
/* Of an entry in a folder, or of a path; false = out of memory. */
bool spot_in(struct spot *spot, struct folder *folder, const char *name);
bool spot_at(struct spot *spot, const char *path);
void spot_done(struct spot *spot);

struct open_file { /* of either side */
    bool is_open;
    int fd;
    bool at_once;
    struct handle handle;
    const char *path; /* borrowed: for errors */
    uint64_t size;    /* when it was opened; 0 where it is not known */
    bool has_holes;   /* perhaps */
};

/* What is kept of a file's attributes: type, size, permissions, times. */
typedef sshio_sftp_attrs facts;

struct side {
    bool is_remote;

    /* looking */
    int (*stat)(sshio_sftp *s, const char *path, bool follow, facts *found);
    int (*list)(sshio_sftp *s, const char *path, struct name_list *list);
    int (*readlink)(sshio_sftp *s, const char *path, char **text);
    int (*real)(sshio_sftp *s, const char *path, char **real); /* the one path of several for the same thing */

    /* making; make_folder takes an existing directory */
    int (*make_folder)(sshio_sftp *s, const struct spot *spot, struct folder **folder);
    int (*open_folder)(sshio_sftp *s, const char *path, struct folder **folder);
    int (*make_link)(sshio_sftp *s, const struct spot *spot, const char *text);
    int (*set_folder)(sshio_sftp *s, const struct folder *folder, const facts *attrs); /* permissions, times */
    int (*set_link)(sshio_sftp *s, const struct spot *spot, const facts *attrs);       /* times */
    int (*rename)(sshio_sftp *s, const struct spot *from, const struct spot *to);      /* replaces */
    int (*remove)(sshio_sftp *s, const struct spot *spot);

    /* files */
    int (*open)(sshio_sftp *s, const char *path, bool follow, struct open_file *file);
    int (*create)(sshio_sftp *s, const struct spot *spot, bool keep, struct open_file *file); /* keep: what is in it */
    int (*close)(sshio_sftp *s, struct open_file *file, bool written);            /* nothing if it is not open */
    int (*fset)(sshio_sftp *s, const struct open_file *file, const facts *attrs); /* size, permissions, times */
    int (*sync)(sshio_sftp *s, const struct open_file *file);
    int (*measure)(sshio_sftp *s, const struct open_file *file, uint64_t *size); /* as it is now */
    int (*read)(sshio_sftp *s, const struct open_file *file, uint64_t offset, uint8_t *data,
                size_t *len); /* a little */
    int (*ranges)(sshio_sftp *s, const struct open_file *file, uint64_t offset, uint64_t len, struct ranges *ranges);
};

extern const struct side side_local, side_remote;

struct end side_end(const struct side *side, const struct open_file *file);
bool side_is_missing(int rc); /* nothing there that we could reach, by the last error */
void facts_take(facts *to, const sshio_sftp_attrs *from);
sshio_filexfer_type facts_type(const facts *f); /* UNKNOWN rather than 0 */

#endif
