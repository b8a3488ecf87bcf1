/* Paths below the root of a server. Lines: a path; what two links of the tree say ("l" at the top, "d/m" below); what a
 * client would have a link say. Texts are cleaned once more from their end; whatever the links say, what is found lies
 * below the root. */
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "sftp/local.h"

enum { INPUT_MAX = 8192, LINES = 4, PATHS_LEN = 64 };

static char place[PATHS_LEN], root[PATHS_LEN]; /* place/root, and beside it place/outside with a canary */
static struct local *local;
static struct stat outside[3]; /* what is never to be reached */

/* ---- the tree ---- */

static const char *const made[] = { "root",           "root/d", "root/d/deep", "outside",  "root/d/f",
                                    "outside/canary", "root/l", "root/d/m",    "root/made" };
enum { FOLDERS = 4, FILES = 6, ALL = sizeof made / sizeof made[0] };

static const char *at(const char *name)
{
    static char path[PATHS_LEN * 2];
    snprintf(path, sizeof path, "%s/%s", place, name);
    return path;
}

static void remove_tree(void)
{
    local_free(local);
    for (size_t i = ALL; i-- > 0;)
        remove(at(made[i]));
    rmdir(place);
}

static void make_tree(void)
{
    snprintf(place, sizeof place, "/tmp/sshio-fuzz-XXXXXX");
    must(mkdtemp(place) != NULL);
    for (size_t i = 0; i < FOLDERS; i++)
        must(mkdir(at(made[i]), 0700) == 0);
    for (size_t i = FOLDERS; i < FILES; i++)
        must(mknod(at(made[i]), S_IFREG | 0600, 0) == 0);
    must(stat(place, &outside[0]) == 0 && stat(at("outside"), &outside[1]) == 0);
    must(stat(at("outside/canary"), &outside[2]) == 0);
    must(realpath(at("root"), root) != NULL);
    must(local_new(&(struct local_options){ .chroot = root }, &local) == 0);
    atexit(remove_tree);
}

static void make_link(const char *text, const char *name)
{
    unlink(at(name));
    if (symlink(text, at(name)) != 0)
        must(text[0] == '\0' || strlen(text) > 255); /* which not every file system takes */
}

/* ---- texts ---- */

/* From the end to the front: ".." leaves the next out that is a name. */
static const char *clean_backwards(const char *base, const char *path, char *buffer, size_t size)
{
    char *joined = mem_alloc(size), *front = buffer + size - 1;
    size_t len = (size_t)snprintf(joined, size, "%s/%s", path[0] == '/' ? "" : base, path), skip = 0;
    *front = '\0';
    while (len != 0) {
        size_t end = len;
        while (len != 0 && joined[len - 1] != '/')
            len--;
        size_t n = end - len;
        const char *part = joined + len;
        len -= len != 0;
        if (n == 0 || (n == 1 && part[0] == '.'))
            continue;
        if (n == 2 && strncmp(part, "..", 2) == 0) {
            skip++;
        } else if (skip != 0) {
            skip--;
        } else {
            front -= n;
            memcpy(front, part, n);
            *--front = '/';
        }
    }
    if (*front == '\0')
        *--front = '/';
    mem_free(joined);
    return front;
}

static void check_clean(const char *base, const char *path)
{
    static char buffer[2 * INPUT_MAX + 8];
    char *clean = NULL;
    must(path_clean(base, path, &clean) == 0);
    must(strcmp(clean, clean_backwards(base, path, buffer, sizeof buffer)) == 0);
    mem_free(clean);
}

/* A client's path, mapped and back, is the path cleaned. */
static char *check_mapping(const char *path)
{
    char *clean = NULL, *mapped = NULL, *back = NULL;
    must(path_clean("/", path, &clean) == 0);
    must(local_map(local, path, &mapped) == 0 && path_below(root, mapped) != NULL);
    must(local_reverse_map(local, mapped, &back) == 0 && strcmp(back, clean) == 0);
    mem_free(clean);
    mem_free(back);
    return mapped;
}

/* ---- places ---- */

static void check_inside(int fd)
{
    char name[32], path[4096];
    struct stat st;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(name, path, sizeof path - 1);
    must(len > 0 && fstat(fd, &st) == 0);
    path[len] = '\0';
    must(path_below(root, path) != NULL);
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
        must(st.st_dev != outside[i].st_dev || st.st_ino != outside[i].st_ino);
}

static void check_place(const char *mapped, enum place_follow follow)
{
    struct place found;
    struct stat st;
    if (place_find(local, mapped, follow, &found) != 0)
        return;
    must(found.confined && found.name[0] != '\0' && strchr(found.name, '/') == NULL && strcmp(found.name, "..") != 0);
    check_inside(found.dir);
    int fd = place_open(&found, O_PATH, 0);
    if (fd >= 0) {
        check_inside(fd);
        must(fstat(fd, &st) == 0 && (follow == PLACE_LINK || !S_ISLNK(st.st_mode)));
        close(fd);
    }
    place_done(&found);
}

/* What is there has no links in it. */
static void check_resolved(const char *mapped)
{
    char *resolved = NULL;
    if (place_resolve(local, mapped, &resolved) != 0)
        return;
    must(path_below(root, resolved) != NULL);
    char *real = realpath(resolved, NULL);
    must(real == NULL || strcmp(real, resolved) == 0);
    free(real);
    mem_free(resolved);
}

static void check_path(const char *path)
{
    char *mapped = check_mapping(path);
    check_place(mapped, PLACE_FOLLOW);
    check_place(mapped, PLACE_LINK);
    check_resolved(mapped);
    mem_free(mapped);
    check_place(path, PLACE_FOLLOW); /* as a handler's own mapping might be */
    check_resolved(path);
}

/* A link that a client makes leads nowhere else than it says when it is read. */
static void check_new_link(const char *target)
{
    char *link = NULL, *text = NULL;
    must(local_map(local, "made", &link) == 0);
    if (local_symlink(local, target, link) == 0) {
        must(local_readlink(local, link, &text) == 0);
        check_path("made");
        check_path("made/x");
    }
    mem_free(text);
    mem_free(link);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *lines[LINES] = { "", "", "", "" };
    char *text = size <= INPUT_MAX ? span_dup_text(SPAN(data, size)) : NULL;
    if (text == NULL)
        return 0;
    if (local == NULL)
        make_tree();
    char *rest = text;
    for (size_t i = 0; i < LINES && rest != NULL; i++) {
        lines[i] = rest;
        rest = strchr(rest, '\n');
        if (rest != NULL)
            *rest++ = '\0';
    }
    make_link(lines[1], "root/l");
    make_link(lines[2], "root/d/m");
    unlink(at("root/made"));
    check_clean("/", lines[0]);
    check_clean(lines[1], lines[0]);
    check_path(lines[0]);
    check_new_link(lines[3]);
    mem_free(text);
    return 0;
}
