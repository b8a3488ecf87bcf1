/* Listing directories of the local file system; see local.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/local.h"

static const char *const dots[] = { ".", ".." };
#define DOT_COUNT (sizeof dots / sizeof dots[0])

struct local_dir {
    DIR *stream;
    size_t dots_told;
    bool at_root; /* ".." is the directory itself */
};

/* The root of what a client sees has nothing above it. */
static bool is_root(const struct local *local, int fd)
{
    struct stat dir, root;
    return local->root >= 0 && fstat(fd, &dir) == 0 && fstat(local->root, &root) == 0 && dir.st_dev == root.st_dev &&
           dir.st_ino == root.st_ino;
}

static int dir_new(const struct local *local, int fd, struct local_dir **opened)
{
    struct local_dir *dir = mem_zalloc(sizeof *dir);
    if (dir == NULL) {
        close(fd);
        return fail_nomem();
    }
    dir->at_root = is_root(local, fd);
    dir->stream = fdopendir(fd);
    if (dir->stream == NULL) {
        int rc = local_fail("opendir");
        close(fd);
        mem_free(dir);
        return rc;
    }
    *opened = dir;
    return 0;
}

int local_opendir(struct local *local, const char *path, struct local_dir **dir)
{
    struct place place;
    int rc = place_find(local, path, PLACE_FOLLOW, &place);
    if (rc != 0)
        return rc;
    int fd = place_open(&place, O_RDONLY | O_DIRECTORY, 0);
    rc = fd >= 0 ? dir_new(local, fd, dir) : local_fail("opendir");
    place_done(&place);
    return rc;
}

static const char *next_name(struct local_dir *dir)
{
    if (dir->dots_told < DOT_COUNT)
        return dots[dir->dots_told++];
    struct dirent *entry;
    do {
        errno = 0;
        entry = readdir(dir->stream);
    } while (entry != NULL && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
    return entry != NULL ? entry->d_name : NULL;
}

/* What has gone since it was listed is left out. */
int local_readdir(struct local *local, struct local_dir *dir, const char **name, struct local_attrs *attrs)
{
    for (;;) {
        const char *next = next_name(dir);
        if (next == NULL && errno != 0)
            return local_fail("readdir");
        if (next == NULL)
            return fail(SSHIO_EEOF, "end of directory");
        const char *looked_at = dir->at_root && strcmp(next, "..") == 0 ? "." : next;
        int rc = local_stat_entry(local, dirfd(dir->stream), looked_at, attrs);
        if (rc == 0)
            *name = next;
        if (rc == 0 || last_error()->pub.os_errno != ENOENT)
            return rc;
    }
}

void local_closedir(struct local_dir *dir)
{
    if (dir == NULL)
        return;
    closedir(dir->stream);
    mem_free(dir);
}
