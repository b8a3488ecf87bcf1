/* Walking through a tree, one entry a call; see client.h. */
#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/client.h"
#include "sftp/client_dirs.h"
#include "sftp/path.h"

#define DEPTH_MAX 128u

struct level {
    char *path;
    sshio_sftp_dir *dir;
};

struct sshio_sftp_walk {
    sshio_sftp *sftp;
    struct level levels[DEPTH_MAX]; /* the directories that we are in */
    unsigned depth;
    char *path;    /* of what came last */
    bool is_ahead; /* it is a directory, and its entries come next */
    sshio_sftp_walk_entry entry;
};

static void leave(sshio_sftp_walk *walk)
{
    struct level *level = &walk->levels[--walk->depth];
    sshio_sftp_dir_close(level->dir);
    mem_free(level->path);
}

static int enter(sshio_sftp_walk *walk)
{
    walk->is_ahead = false;
    if (walk->depth == DEPTH_MAX)
        return client_fail_v6(walk->sftp, SSHIO_ESFTP_FAILURE, walk->path, "is nested too deeply");
    struct level *level = &walk->levels[walk->depth];
    int rc = sshio_sftp_scandir(walk->sftp, walk->path[0] != '\0' ? walk->path : ".", &level->dir);
    if (rc != 0)
        return rc;
    level->path = walk->path;
    walk->path = NULL;
    walk->depth++;
    return 0;
}

static int arrive(sshio_sftp_walk *walk, const sshio_sftp_name *name)
{
    mem_free(walk->path);
    walk->path = path_append(walk->levels[walk->depth - 1].path, name->filename);
    if (walk->path == NULL)
        return fail_nomem();
    walk->is_ahead = client_is_directory(walk->sftp, walk->path, &name->attrs);
    walk->entry = (sshio_sftp_walk_entry){ walk->path, name, walk->is_ahead, walk->depth };
    return 0;
}

int sshio_sftp_walk_open(sshio_sftp *sftp, const char *path, sshio_sftp_walk **out)
{
    if (out == NULL)
        return fail(SSHIO_EINVAL, "sshio_sftp_walk_open: no place for the result");
    sshio_sftp_walk *walk = mem_zalloc(sizeof *walk);
    char *start = mem_strdup(path != NULL ? path : "");
    if (walk == NULL || start == NULL) {
        mem_free(walk);
        mem_free(start);
        return fail_nomem();
    }
    client_hold(sftp);
    walk->sftp = sftp;
    walk->path = start;
    walk->is_ahead = true;
    *out = walk;
    return 0;
}

int sshio_sftp_walk_next(sshio_sftp_walk *walk, const sshio_sftp_walk_entry **entry)
{
    const sshio_sftp_name *name = NULL;
    int rc = entry != NULL ? 0 : fail(SSHIO_EINVAL, "sshio_sftp_walk_next: no place for the result");
    if (rc == 0 && walk->is_ahead)
        rc = enter(walk);
    while (rc == 0 && walk->depth != 0) {
        rc = sshio_sftp_dir_next(walk->levels[walk->depth - 1].dir, &name);
        if (rc == 0 && path_entry_is_taken(name->filename, walk->sftp->logger)) {
            rc = arrive(walk, name);
            *entry = &walk->entry;
            return rc;
        }
        if (rc != 0)
            leave(walk);
        if (rc == SSHIO_EEOF)
            rc = 0;
    }
    return rc == 0 ? fail(SSHIO_EEOF, "there is no more below") : rc;
}

void sshio_sftp_walk_prune(sshio_sftp_walk *walk)
{
    walk->is_ahead = false;
}

void sshio_sftp_walk_close(sshio_sftp_walk *walk)
{
    if (walk == NULL)
        return;
    while (walk->depth != 0)
        leave(walk);
    mem_free(walk->path);
    client_release(walk->sftp);
    mem_free(walk);
}
