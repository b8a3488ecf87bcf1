/* What both sides of a transfer share; see side.h. */
#include "sftp/side.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/path.h"

struct folder *folder_ref(struct folder *folder)
{
    if (folder != NULL)
        folder->refs++;
    return folder;
}

void folder_unref(struct folder *folder)
{
    if (folder == NULL || --folder->refs > 0)
        return;
    if (folder->fd >= 0)
        close(folder->fd);
    mem_free(folder->path);
    mem_free(folder);
}

bool spot_in(struct spot *spot, struct folder *folder, const char *name)
{
    char *path = path_append(folder->path, name);
    if (path == NULL)
        return false;
    *spot = (struct spot){ .folder = folder_ref(folder), .path = path };
    spot->name = path + strlen(path) - strlen(name);
    return true;
}

bool spot_at(struct spot *spot, const char *path)
{
    *spot = (struct spot){ .path = mem_strdup(path) };
    spot->name = spot->path;
    return spot->path != NULL;
}

void spot_done(struct spot *spot)
{
    folder_unref(spot->folder);
    mem_free(spot->path);
    *spot = (struct spot){ .folder = NULL };
}

struct end side_end(const struct side *side, const struct open_file *file)
{
    if (side->is_remote)
        return (struct end){ .kind = END_REMOTE, .handle = &file->handle };
    return (struct end){ .kind = END_LOCAL, .fd = file->fd, .at_once = file->at_once };
}

bool side_is_missing(int rc)
{
    int e = rc == SSHIO_ESYSTEM ? last_error()->pub.os_errno : 0;
    return client_is_missing(rc) || e == ENOENT || e == ENOTDIR || e == EACCES;
}

void facts_take(facts *to, const sshio_sftp_attrs *from)
{
    const uint32_t kept = SSHIO_FILEXFER_ATTR_SIZE | SSHIO_FILEXFER_ATTR_PERMISSIONS | SSHIO_FILEXFER_ATTR_ACCESSTIME |
                          SSHIO_FILEXFER_ATTR_MODIFYTIME | SSHIO_FILEXFER_ATTR_SUBSECOND_TIMES;
    *to = (facts){ .struct_size = sizeof *to,
                   .valid = from->valid & kept,
                   .type = from->type,
                   .size = from->size,
                   .permissions = from->permissions,
                   .atime = from->atime,
                   .atime_ns = from->atime_ns,
                   .mtime = from->mtime,
                   .mtime_ns = from->mtime_ns };
}

sshio_filexfer_type facts_type(const facts *f)
{
    return f->type != 0 ? f->type : SSHIO_FILEXFER_TYPE_UNKNOWN;
}
