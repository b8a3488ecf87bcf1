/* What is done to names in the local file system; see local.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/local.h"

#define DIRECTORY_MODE 0777
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

/* ---- two places ---- */

typedef int (*pair_fn)(const struct place *from, const struct place *to);

static int with_pair(struct local *local, const char *from, const char *to, pair_fn act)
{
    struct place a, b;
    int rc = place_find(local, from, PLACE_LINK, &a);
    if (rc != 0)
        return rc;
    rc = place_find(local, to, PLACE_LINK, &b);
    if (rc == 0) {
        rc = act(&a, &b);
        place_done(&b);
    }
    place_done(&a);
    return rc;
}

static int is_there(void)
{
    return local_fail_sftp(SSHIO_FX_FILE_ALREADY_EXISTS, "File already exists");
}

/* Where the system cannot rename without replacing: a regular file gets a second name, which fails if that is taken. */
static int rename_by_link(const struct place *from, const struct place *to)
{
    struct stat st;
    if (fstatat(from->dir, from->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return local_fail("rename");
    if (S_ISREG(st.st_mode) && linkat(from->dir, from->name, to->dir, to->name, 0) == 0)
        return unlinkat(from->dir, from->name, 0) != 0 ? local_fail("rename") : 0;
    if (S_ISREG(st.st_mode) && errno == EEXIST)
        return is_there();
    if (fstatat(to->dir, to->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return is_there();
    return renameat(from->dir, from->name, to->dir, to->name) != 0 ? local_fail("rename") : 0;
}

static int rename_new(const struct place *from, const struct place *to)
{
    if (syscall(SYS_renameat2, from->dir, from->name, to->dir, to->name, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno == EEXIST)
        return is_there();
    if (errno == EINVAL || errno == ENOSYS)
        return rename_by_link(from, to);
    return local_fail("rename");
}

static int rename_over(const struct place *from, const struct place *to)
{
    return renameat(from->dir, from->name, to->dir, to->name) != 0 ? local_fail("rename") : 0;
}

/* Links to links are not made below a root: linkat does not follow them. */
static int link_new(const struct place *from, const struct place *to)
{
    struct stat st;
    if (from->confined && fstatat(from->dir, from->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
        return local_fail_sftp(SSHIO_FX_OP_UNSUPPORTED, "A symbolic link gets no second name");
    return linkat(from->dir, from->name, to->dir, to->name, 0) != 0 ? local_fail("link") : 0;
}

int local_rename(struct local *local, const char *from, const char *to)
{
    return with_pair(local, from, to, rename_new);
}

int local_posix_rename(struct local *local, const char *from, const char *to)
{
    return with_pair(local, from, to, rename_over);
}

int local_link(struct local *local, const char *from, const char *to)
{
    return with_pair(local, from, to, link_new);
}

/* ---- one place ---- */

static int remove_at(struct local *local, const char *path, int flags)
{
    struct place place;
    int rc = place_find(local, path, PLACE_LINK, &place);
    if (rc != 0)
        return rc;
    if (unlinkat(place.dir, place.name, flags) != 0)
        rc = local_fail("remove");
    place_done(&place);
    return rc;
}

int local_remove(struct local *local, const char *path)
{
    return remove_at(local, path, 0);
}

int local_rmdir(struct local *local, const char *path)
{
    return remove_at(local, path, AT_REMOVEDIR);
}

int local_mkdir(struct local *local, const char *path, const sshio_sftp_attrs *attrs)
{
    struct place place;
    bool given = attrs != NULL && (attrs->valid & SSHIO_FILEXFER_ATTR_PERMISSIONS) != 0;
    mode_t mode = (given ? attrs->permissions & 07777 : DIRECTORY_MODE) & ~local->no_mode;
    int rc = place_find(local, path, PLACE_LINK, &place);
    if (rc != 0)
        return rc;
    if (mkdirat(place.dir, place.name, mode) != 0)
        rc = local_fail("mkdir");
    place_done(&place);
    return rc;
}

/* ---- symbolic links ---- */

static int read_link(const struct place *place, char *text, size_t size)
{
    ssize_t n = readlinkat(place->dir, place->name, text, size - 1);
    if (n < 0)
        return local_fail("readlink");
    text[n] = '\0';
    return 0;
}

/* Where a link is, as a path from the root on: its directory with all links followed. */
static int directory_of(struct local *local, const char *mapped, char **below)
{
    char *real, *parent;
    int rc = path_clean("/", mapped, &parent);
    if (rc != 0)
        return rc;
    char *slash = strrchr(parent, '/');
    slash[slash == parent] = '\0';
    rc = place_resolve(local, parent, &real);
    mem_free(parent);
    if (rc != 0)
        return rc;
    rc = local_reverse_map(local, real, below);
    mem_free(real);
    return rc;
}

/* How often a relative text climbs above the root when it is read in this directory. */
static bool climbs_out(const char *dir, const char *text)
{
    int depth = 0;
    for (const char *at = dir; *at != '\0'; at++)
        depth += *at == '/' && at[1] != '/' && at[1] != '\0';
    while (*text != '\0') {
        size_t n = strcspn(text, "/");
        if (n == 2 && text[0] == '.' && text[1] == '.')
            depth--;
        else if (n != 0 && !(n == 1 && text[0] == '.'))
            depth++;
        if (depth < 0)
            return true;
        text += n + (text[n] == '/');
    }
    return false;
}

/* The way from a directory to a path, both clean and from the root on: up to the root, and down. */
static int relative_way(const char *dir, const char *to, char **text)
{
    size_t ups = 0;
    for (const char *at = dir; *at != '\0'; at++)
        ups += *at == '/' && at[1] != '\0';
    size_t size = 3 * ups + strlen(to) + 2, len = 0;
    char *way = mem_alloc(size);
    if (way == NULL)
        return fail_nomem();
    for (size_t i = 0; i < ups; i++, len += 3)
        memcpy(way + len, "../", 4);
    snprintf(way + len, size - len, "%s", to[1] != '\0' ? to + 1 : ".");
    *text = way;
    return 0;
}

/* What a new link says: nothing that leads out of the root. */
static int confine_target(struct local *local, const char *target, const char *link, char **text)
{
    char *dir, *clean;
    if (target[0] == '/')
        return local_map(local, target, text);
    int rc = directory_of(local, link, &dir);
    if (rc != 0)
        return rc;
    if (!climbs_out(dir, target)) {
        *text = mem_strdup(target);
        rc = *text != NULL ? 0 : fail_nomem();
    } else if ((rc = path_clean(dir, target, &clean)) == 0) {
        rc = relative_way(dir, clean, text);
        mem_free(clean);
    }
    mem_free(dir);
    return rc;
}

int local_symlink(struct local *local, const char *target, const char *link)
{
    struct place place;
    char *text = NULL;
    int rc = 0;
    if (local->root >= 0 && (rc = confine_target(local, target, link, &text)) != 0)
        return rc;
    rc = place_find(local, link, PLACE_LINK, &place);
    if (rc == 0) {
        if (symlinkat(text != NULL ? text : target, place.dir, place.name) != 0)
            rc = local_fail("symlink");
        place_done(&place);
    }
    mem_free(text);
    return rc;
}

/* A link that leads out is as good as not there. */
static int show_target(struct local *local, const char *path, const char *text, char **target)
{
    char *dir;
    if (text[0] == '/')
        return local_reverse_map(local, text, target);
    int rc = directory_of(local, path, &dir);
    if (rc != 0)
        return rc;
    bool out = climbs_out(dir, text);
    mem_free(dir);
    if (out)
        return local_fail_sftp(SSHIO_FX_NO_SUCH_FILE, "No such file");
    *target = mem_strdup(text);
    return *target != NULL ? 0 : fail_nomem();
}

int local_readlink(struct local *local, const char *path, char **target)
{
    char text[PATH_MAX];
    struct place place;
    int rc = place_find(local, path, PLACE_LINK, &place);
    if (rc != 0)
        return rc;
    rc = read_link(&place, text, sizeof text);
    place_done(&place);
    if (rc != 0)
        return rc;
    if (local->root >= 0)
        return show_target(local, path, text, target);
    *target = mem_strdup(text);
    return *target != NULL ? 0 : fail_nomem();
}

int local_realpath(struct local *local, const char *path, char **real)
{
    return place_resolve(local, path, real);
}
