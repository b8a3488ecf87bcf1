/* The local file system, as a server shows it to its clients: what its operations do unless a handler does something
 * else.
 *
 *     local_paths.c   texts of paths: what a client's path stands for, and what it is told of ours
 *     local_place.c   finding where a path is, inside the root if there is one
 *     local_files.c   open files
 *     local_copy.c    copies inside the server
 *     local_names.c   what is done to names: remove, rename, links, directories
 *     local_attrs.c   attributes, both ways
 *     local_dirs.c    listing directories
 *     local_users.c   names of users and groups, and ls -l
 *
 * All of it blocks: it is called on workers, and for what cannot block on the loop. Every function returns 0 or a
 * negative code with the last error of its thread set. A struct local does not change once it is made, but for its
 * memory of names, which has a lock. */
#ifndef SSHIO_SFTP_LOCAL_H
#define SSHIO_SFTP_LOCAL_H

#include <pthread.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <sshio/sftp.h>

#include "base/list.h"

#define LOCAL_PATH_MAX 4096u  /* of a path that is resolved here */
#define LOCAL_LINKS_MAX 40u   /* followed in one path, as the system does */
#define LOCAL_NAMES 64u       /* users and groups that are remembered */
#define LOCAL_LOCKS_MAX 1024u /* of an open file */

struct local_owner {
    bool used;
    uint32_t number;
    char name[64];
};

struct local {
    int root;        /* descriptor; -1 = there is none */
    char *root_path; /* without links and without a slash at its end; "" for / itself */
    char *start_dir; /* NULL = the process's working directory, or the root */
    mode_t no_mode;  /* bits that new files do not get */
    bool follow_outside_links;
    pthread_mutex_t lock; /* of the two below */
    struct local_owner users[LOCAL_NAMES], groups[LOCAL_NAMES];
};

struct local_options {
    const char *chroot, *start_dir;
    uint32_t no_mode;
    bool follow_outside_links;
};
int local_new(const struct local_options *options, struct local **local);
void local_free(struct local *local); /* takes NULL */

int local_fail(const char *what);                     /* by errno */
int local_fail_sftp(uint32_t code, const char *text); /* SSHIO_FX_… */

/* ---- local_paths.c: each result is the caller's, for mem_free ---- */
int local_map(const struct local *local, const char *path, char **mapped);         /* a client's path, on this host */
int local_reverse_map(const struct local *local, const char *path, char **mapped); /* and back */
/* Joins and cleans: the result is absolute, without ".", ".." and double slashes; ".." at the top stays there. */
int path_clean(const char *base, const char *path, char **clean);
int path_join(const char *front, const char *back, char **joined); /* one behind the other, with nothing between */
const char *path_below(const char *root, const char *path); /* what follows the root, "" for itself; NULL = not below */

/* ---- local_place.c ---- */
struct place {
    int dir; /* the descriptor that name is relative to */
    bool owned;
    bool confined; /* name is one component, and must not be followed if it is a link */
    char *name;
};
enum place_follow { PLACE_LINK, PLACE_FOLLOW };
/* mapped: what local_map or a handler made of a client's path. Whether the last component is there is not said. */
int place_find(const struct local *local, const char *mapped, enum place_follow follow, struct place *place);
int place_resolve(const struct local *local, const char *mapped, char **resolved); /* on this host; all links followed,
                                                                                   a tail that is not there is kept */
int place_open(const struct place *place, int flags, mode_t mode);                 /* as openat; -1 and errno */
void place_done(struct place *place);

/* ---- local_files.c ---- */
struct local_lock {
    struct list link;
    uint64_t offset, length;
};
struct local_file {
    struct list link; /* in the server's files */
    int fd;
    bool append, regular;
    bool never_waits; /* it lies in memory: reads and writes are memory copies */
    dev_t dev;
    ino_t ino;
    struct list locks;
    unsigned lock_count;
    bool is_doomed; /* its name is removed when it is closed: */
    struct place doomed;
};
int local_open(struct local *local, const char *mapped, uint32_t pflags, const sshio_sftp_attrs *attrs,
               struct local_file **file);
int local_open56(struct local *local, const char *mapped, uint32_t access, uint32_t flags,
                 const sshio_sftp_attrs *attrs, struct local_file **file);
/* With the system's flags; O_EXCL and O_NOFOLLOW follow no link at the end. */
int local_open_as(struct local *local, const char *mapped, int flags, const sshio_sftp_attrs *attrs,
                  struct local_file **file);
int local_close(struct local_file *file); /* gives it back, also when it fails */
int local_read(const struct local_file *file, uint64_t offset, void *buffer, size_t size, size_t *got);
/* Reads without waiting for a disk: false = that is not possible, nothing is said. */
bool local_read_now(const struct local_file *file, uint64_t offset, void *buffer, size_t size, size_t *got);
int local_write(const struct local_file *file, uint64_t offset, const void *data, size_t len);
int local_fsync(const struct local_file *file);
int local_lock(struct local_file *file, uint64_t offset, uint64_t length, uint32_t flags);
int local_unlock(struct local_file *file, uint64_t offset, uint64_t length);
struct local_range {
    uint64_t offset, length;
};
int local_ranges(const struct local_file *file, uint64_t offset, uint64_t length, struct local_range *ranges,
                 size_t max, size_t *count, bool *at_end);

/* ---- local_copy.c ---- */
int local_copy(const struct local_file *from, uint64_t from_offset, uint64_t length, const struct local_file *to,
               uint64_t to_offset, const bool *stop);
int local_copy_file(struct local *local, const char *from, const char *to, bool overwrite, const bool *stop);
int local_open_whole(struct local *local, const char *mapped, struct local_file **file); /* a regular one, to be read */

/* ---- local_names.c ---- */
int local_rename(struct local *local, const char *from, const char *to);       /* never replaces */
int local_posix_rename(struct local *local, const char *from, const char *to); /* replaces */
int local_remove(struct local *local, const char *path);
int local_rmdir(struct local *local, const char *path);
int local_mkdir(struct local *local, const char *path, const sshio_sftp_attrs *attrs);
int local_link(struct local *local, const char *from, const char *to);
int local_symlink(struct local *local, const char *target, const char *link); /* target as the client gave it */
int local_readlink(struct local *local, const char *path, char **target);     /* as the client is told */
int local_realpath(struct local *local, const char *path, char **real);       /* on this host */

/* ---- local_attrs.c ---- */
struct local_attrs { /* with the texts that it points to */
    sshio_sftp_attrs attrs;
    char owner[64], group[64];
};
int local_stat(struct local *local, const char *path, enum place_follow follow, struct local_attrs *attrs);
int local_fstat(struct local *local, const struct local_file *file, struct local_attrs *attrs);
int local_stat_entry(struct local *local, int dir, const char *name, struct local_attrs *attrs); /* of the directory */
int local_setstat(struct local *local, const char *path, enum place_follow follow, const sshio_sftp_attrs *attrs);
int local_fsetstat(struct local *local, const struct local_file *file, const sshio_sftp_attrs *attrs);
int local_statvfs(struct local *local, const char *path, sshio_sftp_vfs_attrs *vfs);
int local_fstatvfs(const struct local_file *file, sshio_sftp_vfs_attrs *vfs);

/* ---- local_dirs.c ---- */
struct local_dir;
int local_opendir(struct local *local, const char *path, struct local_dir **dir);
/* The next entry, "." and ".." first: name is borrowed until the next call. SSHIO_EEOF. */
int local_readdir(struct local *local, struct local_dir *dir, const char **name, struct local_attrs *attrs);
void local_closedir(struct local_dir *dir); /* takes NULL */

/* ---- local_users.c ---- */
void local_user_name(struct local *local, uint32_t uid, char *name, size_t size); /* decimal when there is none */
void local_group_name(struct local *local, uint32_t gid, char *name, size_t size);
bool local_find_user(const char *name, uint32_t *uid); /* a name, or a number */
bool local_find_group(const char *name, uint32_t *gid);
/* A line as of ls -l; now in seconds since 1970. */
int local_longname(const sshio_sftp_name *name, const char *user, const char *group, int64_t now, char **line);

#endif
