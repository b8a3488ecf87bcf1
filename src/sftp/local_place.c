/* Where a path is. Without a root that is for the system to say. Below a root each component is opened by itself, from
 * the descriptor of the directory before it, and never through a link; links are read and followed here. Whatever
 * others do to names meanwhile, no descriptor outside the root comes into being. Where the system can resolve a path
 * below a directory (openat2), and the path meets no link that needs more thought, that is quicker and the same.
 *
 * A link's absolute text that begins with the root's path goes on at the root; another one leads outside. ".." above
 * the root stays there. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifdef SYS_openat2
#include <linux/openat2.h>
#endif

#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/local.h"

void place_done(struct place *place)
{
    if (place->owned)
        close(place->dir);
    mem_free(place->name);
    *place = (struct place){ .dir = -1 };
}

int place_open(const struct place *place, int flags, mode_t mode)
{
    return openat(place->dir, place->name, flags | O_CLOEXEC | (place->confined ? O_NOFOLLOW : 0), mode);
}

static int place_set(struct place *place, int dir, bool owned, const char *name, size_t len)
{
    *place = (struct place){ .dir = dir, .owned = owned, .confined = true, .name = mem_alloc(len + 1) };
    if (place->name == NULL) {
        place_done(place);
        return fail_nomem();
    }
    memcpy(place->name, name, len);
    place->name[len] = '\0';
    return 0;
}

/* ---- the walk ---- */

struct walk {
    const struct local *local;
    enum place_follow follow;
    bool keep_tail; /* for the text alone: what is not there is no error */
    int dir;        /* where done ends */
    bool owned;
    unsigned links;
    size_t done_len, rest_len;
    char done[LOCAL_PATH_MAX]; /* from the root on, clean, without links: "/a/b" */
    char rest[LOCAL_PATH_MAX]; /* still to go */
};

static void leave_dir(struct walk *w)
{
    if (w->owned)
        close(w->dir);
    w->owned = false;
    w->dir = w->local->root;
}

static int too_long(void)
{
    errno = ENAMETOOLONG;
    return local_fail("path");
}

/* Puts text and a slash in front of the rest. */
static int put_front(struct walk *w, const char *text, size_t len)
{
    size_t slash = w->rest_len != 0;
    if (len + slash + w->rest_len >= sizeof w->rest)
        return too_long();
    memmove(w->rest + len + slash, w->rest, w->rest_len);
    memcpy(w->rest, text, len);
    if (slash != 0)
        w->rest[len] = '/';
    w->rest_len += len + slash;
    return 0;
}

/* Begins again at the root, with done in front of the rest: it has no links, unless somebody has put one there since.
 */
static int restart(struct walk *w, size_t done_len)
{
    leave_dir(w);
    w->done_len = 0;
    return put_front(w, w->done, done_len);
}

static int go_up(struct walk *w)
{
    size_t len = w->done_len;
    while (len > 0 && w->done[--len] != '/')
        ;
    return restart(w, len);
}

static size_t next_component(struct walk *w)
{
    size_t skip = 0, len = 0;
    while (skip < w->rest_len && w->rest[skip] == '/')
        skip++;
    w->rest_len -= skip;
    memmove(w->rest, w->rest + skip, w->rest_len);
    while (len < w->rest_len && w->rest[len] != '/')
        len++;
    return len;
}

static bool is_last(const struct walk *w, size_t len)
{
    while (len < w->rest_len && w->rest[len] == '/')
        len++;
    return len == w->rest_len;
}

static void drop_component(struct walk *w, size_t len)
{
    w->rest_len -= len;
    memmove(w->rest, w->rest + len, w->rest_len);
}

static int add_done(struct walk *w, size_t len)
{
    if (w->done_len + 1 + len >= sizeof w->done)
        return too_long();
    w->done[w->done_len++] = '/';
    memcpy(w->done + w->done_len, w->rest, len);
    w->done_len += len;
    return 0;
}

static int outside(void)
{
    return local_fail_sftp(SSHIO_FX_NO_SUCH_FILE, "No such file");
}

/* fd is a link, and the first component of the rest. */
static int follow_link(struct walk *w, int fd, size_t len)
{
    char text[LOCAL_PATH_MAX];
    ssize_t size = readlinkat(fd, "", text, sizeof text - 1);
    if (size < 0)
        return local_fail("readlink");
    if (++w->links > LOCAL_LINKS_MAX) {
        errno = ELOOP;
        return local_fail("path");
    }
    text[size] = '\0';
    drop_component(w, len);
    if (text[0] != '/')
        return put_front(w, text, (size_t)size);
    const char *below = path_below(w->local->root_path, text);
    if (below == NULL)
        return outside();
    leave_dir(w);
    w->done_len = 0;
    return put_front(w, below, strlen(below));
}

static int enter(struct walk *w, int fd, size_t len)
{
    int rc = add_done(w, len);
    if (rc != 0) {
        close(fd);
        return rc;
    }
    drop_component(w, len);
    leave_dir(w);
    w->dir = fd;
    w->owned = true;
    return 0;
}

/* The first component of the rest, which is neither empty nor made of dots. stop: it is the last one, and no link to
 * follow. */
static int step(struct walk *w, size_t len, bool *stop)
{
    char name[NAME_MAX + 1];
    struct stat st;
    *stop = false;
    if (len > NAME_MAX)
        return too_long();
    memcpy(name, w->rest, len);
    name[len] = '\0';
    bool last = is_last(w, len);
    if (last && w->follow == PLACE_LINK) {
        *stop = true;
        return 0;
    }
    int fd = openat(w->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && (last || w->keep_tail)) {
        *stop = true;
        return 0;
    }
    if (fd < 0)
        return local_fail("path");
    int rc = fstat(fd, &st) != 0 ? local_fail("path") : 0;
    if (rc == 0 && S_ISLNK(st.st_mode)) {
        rc = follow_link(w, fd, len);
        close(fd);
        return rc;
    }
    if (rc == 0 && !last)
        return enter(w, fd, len);
    *stop = last;
    close(fd);
    return rc;
}

/* To the last component, which stays in the rest; the rest is empty when the path is the root. */
static int walk(struct walk *w)
{
    bool stop = false;
    int rc = 0;
    while (rc == 0 && !stop) {
        size_t len = next_component(w);
        if (len == 0)
            return 0;
        if (len == 1 && w->rest[0] == '.') {
            drop_component(w, len);
        } else if (len == 2 && memcmp(w->rest, "..", 2) == 0) {
            drop_component(w, len);
            rc = go_up(w);
        } else {
            rc = step(w, len, &stop);
        }
    }
    return rc;
}

static int walk_from_root(struct walk *w, const struct local *local, const char *below, enum place_follow follow)
{
    w->local = local;
    w->follow = follow;
    w->dir = local->root;
    int rc = put_front(w, below, strlen(below));
    return rc == 0 ? walk(w) : rc;
}

/* A directory that is reached at the end by "a/." or a link to "b/." has been entered: its name is the last of done. */
static int place_of_walk(struct walk *w, struct place *place)
{
    size_t len = next_component(w);
    if (len != 0) {
        int rc = place_set(place, w->dir, w->owned, w->rest, len);
        w->owned = false;
        return rc;
    }
    int rc = place_set(place, w->dir, w->owned, ".", 1);
    w->owned = false;
    return rc;
}

static int find_by_walk(const struct local *local, const char *below, enum place_follow follow, struct place *place)
{
    struct walk *w = mem_zalloc(sizeof *w);
    if (w == NULL)
        return fail_nomem();
    int rc = walk_from_root(w, local, below, follow);
    if (rc == 0)
        rc = place_of_walk(w, place);
    leave_dir(w);
    mem_free(w);
    return rc;
}

/* ---- the quick way ---- */

#ifdef SYS_openat2
static int open_below(const struct local *local, const char *below)
{
    struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                            .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
    return (int)syscall(SYS_openat2, local->root, below, &how, sizeof how);
}
#else
static int open_below(const struct local *local, const char *below)
{
    (void)local, (void)below;
    errno = ENOSYS;
    return -1;
}
#endif

/* below is clean and not the root. False = it takes a walk, or fails in a way that the walk will tell. */
static bool find_quickly(const struct local *local, const char *below, enum place_follow follow, struct place *place,
                         int *rc)
{
    const char *slash = strrchr(below, '/');
    char parent[LOCAL_PATH_MAX];
    struct stat st;
    size_t len = (size_t)(slash - below);
    if (len == 0 || len >= sizeof parent)
        return false;
    memcpy(parent, below + 1, len - 1);
    parent[len - 1] = '\0';
    int fd = open_below(local, parent[0] != '\0' ? parent : ".");
    if (fd < 0)
        return false;
    bool is_link = follow == PLACE_FOLLOW && fstatat(fd, slash + 1, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                   S_ISLNK(st.st_mode);
    if (is_link) {
        close(fd);
        return false;
    }
    *rc = place_set(place, fd, true, slash + 1, strlen(slash + 1));
    return true;
}

/* ---- both ---- */

static int find_anywhere(const char *mapped, struct place *place)
{
    *place = (struct place){ .dir = AT_FDCWD, .name = mem_strdup(mapped) };
    return place->name != NULL ? 0 : fail_nomem();
}

static int find_below(const struct local *local, const char *below, enum place_follow follow, struct place *place)
{
    int rc = 0;
    if (below[0] != '\0' && strcmp(below, "/") != 0 && find_quickly(local, below, follow, place, &rc))
        return rc;
    return find_by_walk(local, below, follow, place);
}

int place_find(const struct local *local, const char *mapped, enum place_follow follow, struct place *place)
{
    char *clean;
    if (local->root < 0 || local->follow_outside_links)
        return find_anywhere(mapped, place);
    int rc = path_clean("/", mapped, &clean);
    if (rc != 0)
        return rc;
    const char *below = path_below(local->root_path, clean);
    rc = below != NULL ? find_below(local, below, follow, place) : outside();
    mem_free(clean);
    return rc;
}

/* ---- resolving to a text ---- */

/* Cuts the last component off, with the slashes in front of it; the slash of an absolute path stays. */
static size_t cut_last(char *path, size_t len)
{
    while (len > 0 && path[len - 1] == '/')
        len--;
    while (len > 0 && path[len - 1] != '/')
        len--;
    path[len] = '\0';
    return len;
}

/* The longest part in front that is there, by the system's own lights, and the rest as it is. */
static int resolve_anywhere(const char *path, char **resolved)
{
    char real[PATH_MAX];
    char *front = mem_strdup(path);
    size_t len = strlen(path);
    if (front == NULL)
        return fail_nomem();
    while (realpath(len != 0 ? front : ".", real) == NULL) {
        if (errno != ENOENT || len == 0) {
            mem_free(front);
            return local_fail("realpath");
        }
        len = cut_last(front, len);
    }
    mem_free(front);
    const char *tail = path + len;
    while (*tail == '/')
        tail++;
    return path_clean(real, tail, resolved);
}

static int text_of_walk(struct walk *w, char **resolved)
{
    char *clean;
    w->rest[w->rest_len] = '\0';
    w->done[w->done_len] = '\0';
    int rc = path_clean(w->done, w->rest[0] == '/' ? w->rest + 1 : w->rest, &clean);
    if (rc != 0)
        return rc;
    const char *root = w->local->root_path;
    rc = path_join(root, strcmp(clean, "/") == 0 && root[0] != '\0' ? "" : clean, resolved);
    mem_free(clean);
    return rc;
}

static int resolve_below(const struct local *local, const char *below, char **resolved)
{
    struct walk *w = mem_zalloc(sizeof *w);
    if (w == NULL)
        return fail_nomem();
    w->keep_tail = true;
    int rc = walk_from_root(w, local, below, PLACE_FOLLOW);
    if (rc == 0)
        rc = text_of_walk(w, resolved);
    leave_dir(w);
    mem_free(w);
    return rc;
}

int place_resolve(const struct local *local, const char *mapped, char **resolved)
{
    char *clean;
    if (local->root < 0 || local->follow_outside_links)
        return resolve_anywhere(mapped, resolved);
    int rc = path_clean("/", mapped, &clean);
    if (rc != 0)
        return rc;
    const char *below = path_below(local->root_path, clean);
    rc = below != NULL ? resolve_below(local, below, resolved) : outside();
    mem_free(clean);
    return rc;
}
