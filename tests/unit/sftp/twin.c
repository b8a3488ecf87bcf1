/* See twin.h. */
#include "sftp/twin.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sshio.h>

#define ENTRIES_MAX 64
#define NAME_LEN 256
#define CLOCK_BEGINS 1500000000 /* s since 1970; earlier times were set */

/* ---- errors ---- */

/* The code of an error of the system, and the first version that has it; before that it is a failure. */
static const struct {
    int os_errno;
    uint32_t code;
    int since;
} rows[] = {
    { ENOENT, SSHIO_FX_NO_SUCH_FILE, 3 },           { EACCES, SSHIO_FX_PERMISSION_DENIED, 3 },
    { EPERM, SSHIO_FX_PERMISSION_DENIED, 3 },       { EOPNOTSUPP, SSHIO_FX_OP_UNSUPPORTED, 3 },
    { EBADF, SSHIO_FX_INVALID_HANDLE, 4 },          { EEXIST, SSHIO_FX_FILE_ALREADY_EXISTS, 4 },
    { EROFS, SSHIO_FX_WRITE_PROTECT, 4 },           { ENOSPC, SSHIO_FX_NO_SPACE_ON_FILESYSTEM, 5 },
    { ENOTEMPTY, SSHIO_FX_DIR_NOT_EMPTY, 6 },       { ENOTDIR, SSHIO_FX_NOT_A_DIRECTORY, 6 },
    { ENAMETOOLONG, SSHIO_FX_INVALID_FILENAME, 6 }, { ELOOP, SSHIO_FX_LINK_LOOP, 6 },
    { EINVAL, SSHIO_FX_INVALID_PARAMETER, 6 },      { EISDIR, SSHIO_FX_FILE_IS_A_DIRECTORY, 6 },
};

static int error_of(uint32_t code)
{
    return SSHIO_ESFTP - (int)code;
}

int twin_error(int os_errno, int version)
{
    if (os_errno == 0)
        return 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].os_errno == os_errno && version >= rows[i].since)
            return error_of(rows[i].code);
    return error_of(os_errno == ENOTDIR ? SSHIO_FX_NO_SUCH_FILE : SSHIO_FX_FAILURE);
}

int twin_status(uint32_t code, int version)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].code == code)
            return twin_error(rows[i].os_errno, version);
    return error_of(code);
}

/* ---- trees ---- */

struct comparing {
    const char *roots[2];
    char *difference;
    size_t size;
};

static bool differ(const struct comparing *c, const char *path, const char *what)
{
    snprintf(c->difference, c->size, "%s: %s", path, what);
    return false;
}

struct listing {
    unsigned count;
    char names[ENTRIES_MAX][NAME_LEN];
};

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static bool list(const char *path, struct listing *l)
{
    const struct dirent *entry;
    DIR *dir = opendir(path);
    l->count = 0;
    if (dir == NULL)
        return false;
    while (l->count < ENTRIES_MAX && (entry = readdir(dir)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            snprintf(l->names[l->count++], NAME_LEN, "%s", entry->d_name);
    closedir(dir);
    qsort(l->names, l->count, NAME_LEN, by_name);
    return true;
}

static char *contents(const char *path, size_t size)
{
    char *data = malloc(size + 1);
    int fd = open(path, O_RDONLY);
    if (fd < 0 || data == NULL || pread(fd, data, size, 0) != (ssize_t)size) {
        free(data);
        data = NULL;
    }
    if (fd >= 0)
        close(fd);
    return data;
}

/* What neither of them may read is equal. */
static bool same_file(const char *a, const char *b, size_t size)
{
    char *x = contents(a, size), *y = contents(b, size);
    bool same = x == NULL || y == NULL ? x == y : memcmp(x, y, size) == 0;
    free(x);
    free(y);
    return same;
}

static const char *text_below(const char *root, const char *text)
{
    size_t len = strlen(root);
    return strncmp(text, root, len) == 0 ? text + len : text;
}

static bool same_link(const struct comparing *c, const char *a, const char *b)
{
    char x[TWIN_PATH] = "", y[TWIN_PATH] = "";
    return readlink(a, x, sizeof x - 1) >= 0 && readlink(b, y, sizeof y - 1) >= 0 &&
           strcmp(text_below(c->roots[0], x), text_below(c->roots[1], y)) == 0;
}

bool twin_time_was_set(const struct timespec *t)
{
    return t->tv_sec < CLOCK_BEGINS;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    if (!twin_time_was_set(a) && !twin_time_was_set(b))
        return true;
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_entry(const struct comparing *c, const char *a, const char *b);

static bool same_folder(const struct comparing *c, const char *a, const char *b)
{
    struct listing *lists = malloc(2 * sizeof *lists);
    bool same = lists != NULL && list(a, &lists[0]) && list(b, &lists[1]);
    if (!same || lists[0].count != lists[1].count || lists[0].count == ENTRIES_MAX)
        same = differ(c, a, "number of entries");
    for (unsigned i = 0; same && i < lists[0].count; i++) {
        char x[TWIN_PATH + NAME_LEN], y[TWIN_PATH + NAME_LEN];
        snprintf(x, sizeof x, "%s/%s", a, lists[0].names[i]);
        snprintf(y, sizeof y, "%s/%s", b, lists[1].names[i]);
        same = strcmp(lists[0].names[i], lists[1].names[i]) == 0 ? same_entry(c, x, y) : differ(c, x, "name");
    }
    free(lists);
    return same;
}

static bool same_entry(const struct comparing *c, const char *a, const char *b)
{
    struct stat x, y;
    if (lstat(a, &x) != 0 || lstat(b, &y) != 0)
        return differ(c, a, "cannot be looked at");
    if (x.st_mode != y.st_mode)
        return differ(c, a, "type or mode");
    if (!S_ISDIR(x.st_mode) && x.st_nlink != y.st_nlink)
        return differ(c, a, "number of names");
    if (!same_time(&x.st_mtim, &y.st_mtim))
        return differ(c, a, "modification time");
    if (S_ISDIR(x.st_mode))
        return same_folder(c, a, b);
    if (S_ISLNK(x.st_mode))
        return same_link(c, a, b) || differ(c, a, "text of a link");
    if (x.st_size != y.st_size)
        return differ(c, a, "size");
    return same_file(a, b, (size_t)x.st_size) || differ(c, a, "contents");
}

bool twin_trees_are_equal(const char *a_root, const char *b_root, char *difference, size_t size)
{
    const struct comparing c = { { a_root, b_root }, difference, size };
    return same_folder(&c, a_root, b_root);
}
