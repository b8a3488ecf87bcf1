/* The local file system of a server: its life, and how it fails; see local.h. */
#include "sftp/local.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/status.h"

int local_fail(const char *what)
{
    return error_set_errno(last_error(), errno, "%s", what);
}

int local_fail_sftp(uint32_t code, const char *text)
{
    return error_set_reason(last_error(), error_of_status(code), code, "%s", text);
}

static int open_root(struct local *local, const char *chroot)
{
    char real[PATH_MAX];
    if (realpath(chroot, real) == NULL)
        return error_set_errno(last_error(), errno, "SFTP root %s", chroot);
    local->root_path = mem_strdup(strcmp(real, "/") == 0 ? "" : real);
    local->root = open(real, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (local->root < 0)
        return error_set_errno(last_error(), errno, "SFTP root %s", chroot);
    return local->root_path != NULL ? 0 : fail_nomem();
}

int local_new(const struct local_options *options, struct local **made)
{
    struct local *local = mem_zalloc(sizeof *local);
    int rc = 0;
    if (local == NULL)
        return fail_nomem();
    local->root = -1;
    local->no_mode = options->no_mode & 0777;
    local->follow_outside_links = options->follow_outside_links;
    pthread_mutex_init(&local->lock, NULL);
    if (options->start_dir != NULL && (local->start_dir = mem_strdup(options->start_dir)) == NULL)
        rc = fail_nomem();
    if (rc == 0 && options->chroot != NULL)
        rc = open_root(local, options->chroot);
    if (rc == 0)
        *made = local;
    else
        local_free(local);
    return rc;
}

void local_free(struct local *local)
{
    if (local == NULL)
        return;
    if (local->root >= 0)
        close(local->root);
    pthread_mutex_destroy(&local->lock);
    mem_free(local->root_path);
    mem_free(local->start_dir);
    mem_free(local);
}
