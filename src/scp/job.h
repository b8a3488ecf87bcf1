/* One side of an SCP copy: a source that sends, or a sink that receives, over a wire and a file system.
 *
 *     wire.c     lines, answers and bytes          protocol.c   what they mean
 *     source.c   sends                             sink.c       receives
 *     disk.c     files of this host                server_files.c   files of an SFTP server
 *     client.c   sshio_scp                         server.c     "scp -t" and "scp -f" for clients
 *     relay.c    from one host to another
 *
 * What fails is of two kinds. The failure of an item (a file that cannot be opened, a warning of the other side) is
 * told to `failed`, which lets the job go on or ends it; everything that the protocol cannot go on after ends it. */
#ifndef SSHIO_SCP_JOB_H
#define SSHIO_SCP_JOB_H

#include "scp/wire.h"

#define SCP_DEPTH_MAX 128u
#define SCP_BLOCK (256u * 1024)
#define SCP_PIECE (64u * 1024) /* of a file, moved at a time: what was read is in the cache when it is encrypted */
#define SCP_BLOCK_MAX (16u * 1024 * 1024)

/* ---- file systems ---- */

enum scp_type { SCP_TYPE_FILE, SCP_TYPE_DIRECTORY, SCP_TYPE_SPECIAL };

struct scp_attrs {
    enum scp_type type;
    uint32_t mode; /* permissions alone */
    uint64_t size;
    int64_t mtime, atime; /* seconds since 1970 */
    uint64_t id[2];       /* the same for the same directory; both 0 = not known */
};

struct scp_changes { /* to a file or directory that is complete */
    bool set_mode, set_times;
    uint32_t mode;
    int64_t mtime, atime;
};

/* A node is an open file or directory. dir NULL: the name is a path of the user's; else it is an entry of dir. All may
 * wait, and fail with the last error set. */
struct scp_files {
    /* A source's, links followed; also of what is neither file nor directory. */
    int (*open)(struct scp_files *f, void *dir, const char *name, void **node, struct scp_attrs *attrs);
    int (*read)(struct scp_files *f, void *node, uint64_t offset, void *buffer, size_t size, size_t *got); /* 0 = end */
    int (*next)(struct scp_files *f, void *dir, const char **name); /* borrowed until the next; "." and ".." may be
                                                                       among them; SSHIO_EEOF */
    /* A sink's. No link is followed in a directory. */
    int (*create)(struct scp_files *f, void *dir, const char *name, uint32_t mode, void **node); /* emptied */
    /* Opens a directory; with make it is made, unless it is there. *mode is what it has, *made whether it is new. */
    int (*enter)(struct scp_files *f, void *dir, const char *name, bool make, uint32_t *mode, bool *made, void **node);
    int (*write)(struct scp_files *f, void *node, uint64_t offset, const void *data, size_t len);
    int (*change)(struct scp_files *f, void *node, const struct scp_changes *changes);
    int (*close)(struct scp_files *f, void *node); /* gives it back, also when it fails */
    void *user;
};

/* ---- where a job is, for errors and progress ---- */

struct scp_trail {
    struct writer path; /* on our side, whole */
    struct writer name; /* on the other side, below what was asked for */
};
struct scp_mark {
    size_t path_len, name_len;
};

/* ---- a job ---- */

struct scp_job {
    struct scp_wire *wire;
    struct scp_files *files;
    bool preserve, recurse;
    bool directory;          /* sink: the target has to be one */
    bool keep_special_modes; /* sink with preserve: setuid, setgid and sticky too */
    const char *asked;       /* sink: the remote path that was asked for, which names have to match; NULL = any */
    size_t block_size;       /* bytes between two calls of progress */
    size_t piece;            /* at most SCP_PIECE, and a block */
    uint8_t *pieces[2];      /* for so many bytes each */
    bool any_failed;         /* an item failed, here or there */
    /* The last error is of an item. 0 = go on, else the result of the job. */
    int (*failed)(struct scp_job *job);
    int (*progress)(struct scp_job *job, uint64_t bytes, uint64_t total); /* negative ends the job; may be NULL */
    void *user;
    struct scp_trail trail;
};

/* Both wait, and return 0 or the error that ended the job, as the last error. */
int scp_source_begin(struct scp_job *job);                  /* waits for the sink's first answer */
int scp_source_send(struct scp_job *job, const char *path); /* one item, with all that is in it */
int scp_sink_run(struct scp_job *job, const char *path);

/* job.c */
int scp_job_init(struct scp_job *job, struct scp_wire *wire, struct scp_files *files, size_t block_size); /* ENOMEM */
void scp_job_done(struct scp_job *job);
/* For the last error, which has code rc: interruptions and want of memory end a job, else `failed` decides. */
int scp_job_item_failed(struct scp_job *job, int rc);
int scp_job_report(struct scp_job *job, uint64_t bytes, uint64_t total); /* progress, at the end of a block */
/* Of a file of this size the bytes from there on that are moved next; a block ends with a part. */
size_t scp_job_part(const struct scp_job *job, uint64_t at, uint64_t size);
struct scp_mark scp_trail_mark(const struct scp_trail *trail);
void scp_trail_set(struct scp_trail *trail, const char *path);      /* begins anew */
void scp_trail_enter(struct scp_trail *trail, const char *name);    /* on both sides */
void scp_trail_add_name(struct scp_trail *trail, const char *name); /* on the other side alone */
void scp_trail_back(struct scp_trail *trail, struct scp_mark mark);
const char *scp_trail_path(struct scp_trail *trail); /* borrowed */
const char *scp_trail_name(struct scp_trail *trail);
const char *scp_basename(const char *path, size_t *len); /* the last component, without slashes at the end */

#endif
