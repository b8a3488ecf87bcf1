/* See replace_file.h. Runs on a worker, because a disk may take its time. */
#include "io/replace_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "crypto/random.h"
#include "io/last_error.h"
#include "io/worker.h"

struct replacing {
    const char *path;
    const char *temporary;
    unsigned int mode;
    const struct stat *before; /* whose mode and owner it gets; NULL = nobody's */
    struct span content;
    struct error *e;
};

static int write_all(int fd, struct span content)
{
    while (content.len != 0) {
        ssize_t n = write(fd, content.data, content.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        content = SPAN(content.data + n, content.len - (size_t)n);
    }
    return fsync(fd);
}

/* A group that we are not in is given up. */
static int make_alike(int fd, const struct stat *before)
{
    struct stat now;
    if (fstat(fd, &now) != 0)
        return -1;
    bool alike = now.st_uid == before->st_uid && now.st_gid == before->st_gid;
    if (!alike && fchown(fd, before->st_uid, before->st_gid) != 0 && fchown(fd, before->st_uid, (gid_t)-1) != 0)
        return -1;
    return fchmod(fd, before->st_mode & 0777);
}

static int failed(const struct replacing *r, const char *what)
{
    return error_set_errno(r->e, errno, "cannot %s %s", what, r->path);
}

static int write_and_rename(const struct replacing *r)
{
    int fd = open(r->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, (mode_t)r->mode);
    if (fd < 0)
        return failed(r, "create");
    int rc = r->before == NULL || make_alike(fd, r->before) == 0 ? 0 : failed(r, "keep the owner of");
    if (rc == 0 && write_all(fd, r->content) != 0)
        rc = failed(r, "write");
    if (close(fd) != 0 && rc == 0)
        rc = failed(r, "write");
    if (rc == 0 && rename(r->temporary, r->path) != 0)
        rc = failed(r, "replace");
    if (rc != 0)
        unlink(r->temporary);
    return rc;
}

static int run(void *arg)
{
    return write_and_rename(arg);
}

/* The random name is made here, not on the worker, so that libcrypto sets up no generator for that
 * thread. */
static char *temporary_name(const char *path)
{
    uint64_t suffix = 0;
    size_t size = strlen(path) + sizeof ".0123456789abcdef";
    char *name = random_bytes(&suffix, sizeof suffix) ? mem_alloc(size) : NULL;
    if (name != NULL)
        snprintf(name, size, "%s.%016llx", path, (unsigned long long)suffix);
    return name;
}

static int run_on_worker(int (*job)(void *arg), void *arg, struct error *e)
{
    int rc = worker_run(job, arg);
    if (rc != 0 && e != NULL && error_code(e) != rc)
        error_copy(e, last_error()); /* the worker did not run: no task, or cancelled */
    return rc;
}

static int replace(const char *path, unsigned int mode, const struct stat *before, struct span content, struct error *e)
{
    char *temporary = temporary_name(path);
    if (temporary == NULL)
        return error_nomem(e);
    struct replacing r = { path, temporary, mode, before, content, e };
    int rc = run_on_worker(run, &r, e);
    mem_free(temporary);
    return rc;
}

int replace_file(const char *path, unsigned int mode, struct span content, struct error *e)
{
    return replace(path, mode, NULL, content, e);
}

struct place {
    const char *path;
    char real[PATH_MAX];
    struct stat before;
    struct error *e;
};

static int look(void *arg)
{
    struct place *place = arg;
    if (realpath(place->path, place->real) != NULL && stat(place->real, &place->before) == 0)
        return 0;
    return error_set_errno(place->e, errno, "cannot replace %s", place->path);
}

int replace_file_content(const char *path, struct span content, struct error *e)
{
    struct place *place = mem_zalloc(sizeof *place);
    if (place == NULL)
        return error_nomem(e);
    place->path = path;
    place->e = e;
    int rc = run_on_worker(look, place, e);
    if (rc == 0)
        rc = replace(place->real, 0600, &place->before, content, e);
    mem_free(place);
    return rc;
}
