/* The files of this host for SCP: those of the local side of SFTP's transfers, which goes from descriptor to descriptor
 * where something is made, and follows no link there. See job.h. */
#include "scp/local_files.h"

#include <sys/stat.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/local_io.h"
#include "sftp/path.h"
#include "sftp/side.h"

struct node {
    char *path;
    struct open_file file;
    struct folder *folder; /* a sink's directory */
    struct spot spot;      /* where what a sink makes stands */
    struct name_list list; /* a source's directory */
    bool is_listed, is_sink, missed;
    size_t at; /* of the list */
};

static struct node *node_new(const struct node *dir, const char *name)
{
    struct node *n = mem_zalloc(sizeof *n);
    if (n == NULL)
        return NULL;
    n->path = dir != NULL ? path_append(dir->path, name) : mem_strdup(name);
    if (n->path != NULL)
        return n;
    mem_free(n);
    return NULL;
}

static void node_free(struct node *n)
{
    folder_unref(n->folder);
    spot_done(&n->spot);
    name_list_done(&n->list);
    mem_free(n->path);
    mem_free(n);
}

/* ---- a source's ---- */

struct looking {
    const char *path;
    struct scp_attrs *attrs;
};

static int run_look(void *arg)
{
    struct looking *l = arg;
    struct stat st;
    if (stat(l->path, &st) != 0)
        return error_set_errno(last_error(), errno, "%s", l->path);
    *l->attrs = (struct scp_attrs){
        .type = S_ISREG(st.st_mode)   ? SCP_TYPE_FILE
                : S_ISDIR(st.st_mode) ? SCP_TYPE_DIRECTORY
                                      : SCP_TYPE_SPECIAL,
        .mode = st.st_mode & SCP_MODE_MASK,
        .size = (uint64_t)st.st_size,
        .mtime = st.st_mtim.tv_sec,
        .atime = st.st_atim.tv_sec,
        .id = { st.st_dev, st.st_ino },
    };
    return 0;
}

static int files_open(struct scp_files *f, void *dir, const char *name, void **node, struct scp_attrs *attrs)
{
    struct node *n = node_new(dir, name);
    (void)f;
    if (n == NULL)
        return fail_nomem();
    struct looking l = { n->path, attrs };
    int rc = local_run(false, run_look, &l);
    if (rc == 0 && attrs->type == SCP_TYPE_FILE) {
        rc = side_local.open(NULL, n->path, true, &n->file);
        attrs->size = n->file.size;
    }
    if (rc == 0)
        *node = n;
    else
        node_free(n);
    return rc;
}

static int move_bytes(struct node *n, struct local_io *io)
{
    int rc = local_io_wait(io, n->file.at_once, &n->missed);
    if (rc == 0 && io->os_errno != 0)
        rc = error_set_errno(last_error(), io->os_errno, "%s", n->path);
    return rc;
}

static int files_read(struct scp_files *f, void *node, uint64_t offset, void *buffer, size_t size, size_t *got)
{
    struct node *n = node;
    struct local_io io = { .fd = n->file.fd, .data = buffer, .len = size, .offset = offset };
    (void)f;
    int rc = move_bytes(n, &io);
    *got = io.done;
    return rc;
}

static int files_next(struct scp_files *f, void *dir, const char **name)
{
    struct node *n = dir;
    (void)f;
    int rc = n->is_listed ? 0 : side_local.list(NULL, n->path, &n->list);
    n->is_listed = true;
    if (rc != 0)
        return rc;
    if (n->at == n->list.count)
        return SSHIO_EEOF;
    *name = n->list.items[n->at++]->filename;
    return 0;
}

/* ---- a sink's ---- */

static int sink_node(struct node *dir, const char *name, uint32_t mode, struct node **node)
{
    struct node *n = node_new(dir, name);
    if (n == NULL)
        return fail_nomem();
    n->is_sink = true;
    if (!(dir != NULL ? spot_in(&n->spot, dir->folder, name) : spot_at(&n->spot, name))) {
        node_free(n);
        return fail_nomem();
    }
    n->spot.mode = mode & 0777u;
    *node = n;
    return 0;
}

static int files_create(struct scp_files *f, void *dir, const char *name, uint32_t mode, void **node)
{
    struct node *n = NULL;
    (void)f;
    int rc = sink_node(dir, name, mode, &n);
    if (rc != 0)
        return rc;
    rc = side_local.create(NULL, &n->spot, false, &n->file);
    if (rc == 0)
        *node = n;
    else
        node_free(n);
    return rc;
}

static int files_enter(struct scp_files *f, void *dir, const char *name, bool make, uint32_t *mode, bool *made,
                       void **node)
{
    struct node *n = NULL;
    struct stat st;
    (void)f;
    int rc = sink_node(dir, name, *mode, &n);
    if (rc != 0)
        return rc;
    rc = make ? side_local.make_folder(NULL, &n->spot, &n->folder) : side_local.open_folder(NULL, n->path, &n->folder);
    if (rc == 0 && fstat(n->folder->fd, &st) != 0)
        rc = error_set_errno(last_error(), errno, "%s", n->path);
    if (rc != 0) {
        node_free(n);
        return rc;
    }
    *mode = st.st_mode & SCP_MODE_MASK;
    *made = n->folder->is_new;
    *node = n;
    return 0;
}

static int files_write(struct scp_files *f, void *node, uint64_t offset, const void *data, size_t len)
{
    struct node *n = node;
    struct local_io io = {
        .fd = n->file.fd, .data = (uint8_t *)(uintptr_t)data, .len = len, .offset = offset, .writes = true
    };
    (void)f;
    return move_bytes(n, &io);
}

static int files_change(struct scp_files *f, void *node, const struct scp_changes *changes)
{
    struct node *n = node;
    facts attrs = { .permissions = changes->mode, .mtime = changes->mtime, .atime = changes->atime };
    (void)f;
    if (changes->set_mode)
        attrs.valid |= SSHIO_FILEXFER_ATTR_PERMISSIONS;
    if (changes->set_times)
        attrs.valid |= SSHIO_FILEXFER_ATTR_ACCESSTIME | SSHIO_FILEXFER_ATTR_MODIFYTIME;
    return n->folder != NULL ? side_local.set_folder(NULL, n->folder, &attrs) : side_local.fset(NULL, &n->file, &attrs);
}

static int files_close(struct scp_files *f, void *node)
{
    struct node *n = node;
    (void)f;
    int rc = side_local.close(NULL, &n->file, n->is_sink);
    node_free(n);
    return rc;
}

const struct scp_files local_files = {
    .open = files_open,
    .read = files_read,
    .next = files_next,
    .create = files_create,
    .enter = files_enter,
    .write = files_write,
    .change = files_change,
    .close = files_close,
};
