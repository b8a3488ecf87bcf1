/* See replace_file.h. Runs on a worker, because a disk may take its time. */
#include "io/replace_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "crypto/random.h"
#include "io/last_error.h"
#include "io/worker.h"

struct replacing {
    const char *path;
    const char *temporary;
    unsigned int mode;
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

static int failed(const struct replacing *r, const char *what)
{
    return error_set_errno(r->e, errno, "cannot %s %s", what, r->path);
}

static int write_and_rename(const struct replacing *r)
{
    int fd = open(r->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, (mode_t)r->mode);
    if (fd < 0)
        return failed(r, "create");
    int rc = write_all(fd, r->content) == 0 ? 0 : failed(r, "write");
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

int replace_file(const char *path, unsigned int mode, struct span content, struct error *e)
{
    char *temporary = temporary_name(path);
    if (temporary == NULL)
        return error_nomem(e);
    struct replacing r = { path, temporary, mode, content, e };
    int rc = worker_run(run, &r);
    if (rc != 0 && e != NULL && error_code(e) != rc)
        error_copy(e, last_error()); /* the worker did not run: no task, or cancelled */
    mem_free(temporary);
    return rc;
}
