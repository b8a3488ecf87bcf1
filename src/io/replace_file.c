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

static int write_and_rename(const struct replacing *r, const char *temporary)
{
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, (mode_t)r->mode);
    if (fd < 0)
        return failed(r, "create");
    int rc = write_all(fd, r->content) == 0 ? 0 : failed(r, "write");
    if (close(fd) != 0 && rc == 0)
        rc = failed(r, "write");
    if (rc == 0 && rename(temporary, r->path) != 0)
        rc = failed(r, "replace");
    if (rc != 0)
        unlink(temporary);
    return rc;
}

static int run(void *arg)
{
    const struct replacing *r = arg;
    uint64_t suffix = 0;
    size_t size = strlen(r->path) + sizeof ".0123456789abcdef";
    char *temporary = mem_alloc(size);

    if (temporary == NULL || !random_bytes(&suffix, sizeof suffix)) {
        mem_free(temporary);
        return error_nomem(r->e);
    }
    snprintf(temporary, size, "%s.%016llx", r->path, (unsigned long long)suffix);
    int rc = write_and_rename(r, temporary);
    mem_free(temporary);
    return rc;
}

int replace_file(const char *path, unsigned int mode, struct span content, struct error *e)
{
    struct replacing r = { path, mode, content, e };
    int rc = worker_run(run, &r);
    if (rc != 0 && e != NULL && error_code(e) != rc)
        error_copy(e, last_error());        /* the worker did not run: no task, or cancelled */
    return rc;
}
