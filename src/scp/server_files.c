/* The files of an SFTP server for SCP. Each operation is the handler's, or else what happens without one; see
 * server_files.h. Messages have the client's path, never ours. */
#include "scp/server_files.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "io/last_error.h"
#include "sftp/attrs.h"
#include "sftp/path.h"
#include "sftp/status.h"

/* The handler of this name, or else the default. */
#define CALL(rc, server, name, ...)                                                                                    \
    do {                                                                                                               \
        (rc) = (server)->handlers.name != NULL ? (server)->handlers.name((server), __VA_ARGS__, (server)->user)        \
                                               : SSHIO_DEFAULT;                                                        \
        if ((rc) == SSHIO_DEFAULT)                                                                                     \
            (rc) = sshio_sftp_server_##name((server), __VA_ARGS__);                                                    \
    } while (0)

struct node {
    char *path; /* as the client sees it */
    void *file; /* NULL = a directory */
    struct listing *listing;
    bool is_listed, at_end;
    sshio_sftp_names names; /* a batch */
    size_t next;
};

static sshio_sftp_server *server_of(const struct scp_files *f)
{
    return f->user;
}

/* Puts the path in front of what failed. */
static int named(int rc, const char *path)
{
    char text[512];
    if (rc >= 0 || rc == SSHIO_ECANCELED || rc == SSHIO_ETIMEDOUT || rc == SSHIO_ENOMEM)
        return rc <= 0 ? rc : fail(SSHIO_EINVAL, "a handler of the SFTP server gave %d", rc);
    const sshio_error *e = error_code(last_error()) == rc ? &last_error()->pub : NULL;
    snprintf(text, sizeof text, "%s", e != NULL ? status_text(e) : sshio_error_text(rc));
    uint32_t status = e != NULL ? status_of_error(e) : SSHIO_FX_FAILURE;
    return error_set_reason(last_error(), error_of_status(status), status, "%s: %s", path, text);
}

/* What the server's rules say of the SFTP request that would do the same. */
static int allow(const sshio_sftp_server *server, const char *request)
{
    return sftp_server_denies(server, request) ? local_fail_sftp(SSHIO_FX_PERMISSION_DENIED, "Permission denied") : 0;
}

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
    listing_close(n->listing);
    sshio_sftp_names_free(&n->names);
    mem_free(n->path);
    mem_free(n);
}

/* ---- looking ---- */

static int look(sshio_sftp_server *server, const char *path, sshio_sftp_attrs **attrs)
{
    int rc = allow(server, "stat");
    if (rc != 0)
        return rc;
    struct sftp_request *q = mem_zalloc(sizeof *q);
    if (q == NULL)
        return fail_nomem();
    q->server = server;
    q->path = (char *)(uintptr_t)path;
    rc = ask_stat(q);
    if (rc == SSHIO_DEFAULT)
        rc = sshio_sftp_server_stat(server, path, attrs);
    else if (rc == 0)
        *attrs = q->out_attrs_own;
    else
        sshio_sftp_attrs_free(q->out_attrs_own);
    error_clear(&q->error);
    mem_free(q);
    return rc;
}

static sshio_filexfer_type type_of(const sshio_sftp_attrs *a)
{
    bool unknown = a->type == 0 || a->type == SSHIO_FILEXFER_TYPE_UNKNOWN;
    return unknown && (a->valid & SSHIO_FILEXFER_ATTR_PERMISSIONS) != 0 ? attrs_type_of_mode(a->permissions) : a->type;
}

static void take_attrs(const sshio_sftp_attrs *a, struct scp_attrs *attrs)
{
    sshio_filexfer_type type = type_of(a);
    *attrs = (struct scp_attrs){
        .type = type == SSHIO_FILEXFER_TYPE_REGULAR     ? SCP_TYPE_FILE
                : type == SSHIO_FILEXFER_TYPE_DIRECTORY ? SCP_TYPE_DIRECTORY
                                                        : SCP_TYPE_SPECIAL,
        .mode = a->permissions & SCP_MODE_MASK,
        .size = (a->valid & SSHIO_FILEXFER_ATTR_SIZE) != 0 ? a->size : 0,
        .mtime = a->mtime,
        .atime = a->atime,
    };
}

static int real_path(sshio_sftp_server *server, const char *path, char **real)
{
    struct sftp_request *q = mem_zalloc(sizeof *q);
    if (q == NULL)
        return fail_nomem();
    q->server = server;
    q->path = (char *)(uintptr_t)path;
    int rc = ask_realpath(q);
    *real = q->text;
    if (rc == SSHIO_DEFAULT)
        rc = sshio_sftp_server_realpath(server, path, real);
    error_clear(&q->error);
    mem_free(q);
    return rc;
}

/* A directory is told from others by its one path. Where that is not known, only the depth is limited. */
static void identify(sshio_sftp_server *server, const char *path, struct scp_attrs *attrs)
{
    uint8_t digest[HASH_MAX_LEN];
    char *real = NULL;
    if (real_path(server, path, &real) == 0 && hash_once(hash_find("sha256"), span_of(real), digest))
        memcpy(attrs->id, digest, sizeof attrs->id);
    mem_free(real);
}

static int stat_attrs(sshio_sftp_server *server, const char *path, struct scp_attrs *attrs)
{
    sshio_sftp_attrs *found = NULL;
    int rc = look(server, path, &found);
    if (rc == 0)
        take_attrs(found, attrs);
    sshio_sftp_attrs_free(found);
    if (rc == 0 && attrs->type == SCP_TYPE_DIRECTORY)
        identify(server, path, attrs);
    return rc;
}

/* ---- a source's ---- */

static int open_file(sshio_sftp_server *server, struct node *n, uint32_t pflags, uint32_t mode)
{
    const sshio_sftp_attrs attrs = {
        .struct_size = sizeof attrs,
        .valid = (pflags & SSHIO_FXF_CREAT) != 0 ? SSHIO_FILEXFER_ATTR_PERMISSIONS : 0,
        .permissions = mode,
    };
    int rc = allow(server, "open");
    if (rc == 0)
        rc = allow(server, (pflags & SSHIO_FXF_WRITE) != 0 ? "write" : "read");
    if (rc == 0)
        CALL(rc, server, open, n->path, pflags, &attrs, &n->file);
    return rc;
}

static int files_open(struct scp_files *f, void *dir, const char *name, void **node, struct scp_attrs *attrs)
{
    struct node *n = node_new(dir, name);
    if (n == NULL)
        return fail_nomem();
    int rc = stat_attrs(server_of(f), n->path, attrs);
    if (rc == 0 && attrs->type == SCP_TYPE_FILE)
        rc = open_file(server_of(f), n, SSHIO_FXF_READ, 0);
    if (rc == 0) {
        *node = n;
        return 0;
    }
    rc = named(rc, n->path);
    node_free(n);
    return rc;
}

static int files_read(struct scp_files *f, void *node, uint64_t offset, void *buffer, size_t size, size_t *got)
{
    struct node *n = node;
    int rc;
    CALL(rc, server_of(f), read, n->file, offset, buffer, size, got);
    if (rc == 0 && *got > size)
        rc = fail(SSHIO_EINVAL, "an SFTP read handler gave more than was asked");
    return named(rc, n->path);
}

/* The next batch; SSHIO_EEOF. */
static int fetch(struct scp_files *f, struct node *n)
{
    int rc = n->is_listed ? 0 : allow(server_of(f), "opendir");
    if (rc == 0 && !n->is_listed)
        rc = listing_open(server_of(f), n->path, true, &n->listing);
    n->is_listed = true;
    sshio_sftp_names_free(&n->names);
    n->names = (sshio_sftp_names){ 0, NULL };
    n->next = 0;
    if (rc == 0)
        rc = n->at_end ? SSHIO_ESFTP_EOF : listing_fetch(n->listing, &n->names, &n->at_end);
    return rc == SSHIO_ESFTP_EOF ? SSHIO_EEOF : named(rc, n->path);
}

static int files_next(struct scp_files *f, void *dir, const char **name)
{
    struct node *n = dir;
    while (n->next == n->names.count) {
        int rc = fetch(f, n);
        if (rc != 0)
            return rc;
    }
    *name = n->names.items[n->next++]->filename;
    return 0;
}

/* ---- a sink's ---- */

static int files_create(struct scp_files *f, void *dir, const char *name, uint32_t mode, void **node)
{
    struct node *n = node_new(dir, name);
    if (n == NULL)
        return fail_nomem();
    int rc = open_file(server_of(f), n, SSHIO_FXF_WRITE | SSHIO_FXF_CREAT | SSHIO_FXF_TRUNC, mode & 0777u);
    if (rc == 0) {
        *node = n;
        return 0;
    }
    rc = named(rc, n->path);
    node_free(n);
    return rc;
}

static int make_directory(sshio_sftp_server *server, const char *path, uint32_t mode)
{
    const sshio_sftp_attrs attrs = { .struct_size = sizeof attrs,
                                     .valid = SSHIO_FILEXFER_ATTR_PERMISSIONS,
                                     .permissions = mode & 0777u };
    int rc = allow(server, "mkdir");
    if (rc == 0)
        CALL(rc, server, mkdir, path, &attrs);
    return rc;
}

static int enter(sshio_sftp_server *server, const char *path, bool make, uint32_t *mode, bool *made)
{
    struct scp_attrs attrs;
    int rc = stat_attrs(server, path, &attrs);
    *made = false;
    if (rc == SSHIO_ECANCELED || rc == SSHIO_ETIMEDOUT || (rc != 0 && !make))
        return rc;
    if (rc != 0) {
        rc = make_directory(server, path, *mode);
        *made = rc == 0;
        if (rc == 0)
            rc = stat_attrs(server, path, &attrs);
    }
    if (rc == 0 && attrs.type != SCP_TYPE_DIRECTORY)
        rc = local_fail_sftp(SSHIO_FX_FAILURE, "Not a directory");
    if (rc == 0)
        *mode = attrs.mode;
    return rc;
}

static int files_enter(struct scp_files *f, void *dir, const char *name, bool make, uint32_t *mode, bool *made,
                       void **node)
{
    struct node *n = node_new(dir, name);
    if (n == NULL)
        return fail_nomem();
    int rc = enter(server_of(f), n->path, make, mode, made);
    if (rc == 0) {
        *node = n;
        return 0;
    }
    rc = named(rc, n->path);
    node_free(n);
    return rc;
}

static int files_write(struct scp_files *f, void *node, uint64_t offset, const void *data, size_t len)
{
    struct node *n = node;
    int rc;
    CALL(rc, server_of(f), write, n->file, offset, data, len);
    return named(rc, n->path);
}

static int files_change(struct scp_files *f, void *node, const struct scp_changes *changes)
{
    struct node *n = node;
    sshio_sftp_attrs attrs = { .struct_size = sizeof attrs, .permissions = changes->mode };
    int rc = allow(server_of(f), n->file != NULL ? "fsetstat" : "setstat");
    if (changes->set_mode)
        attrs.valid |= SSHIO_FILEXFER_ATTR_PERMISSIONS;
    if (changes->set_times) {
        attrs.valid |= SSHIO_FILEXFER_ATTR_ACCESSTIME | SSHIO_FILEXFER_ATTR_MODIFYTIME;
        attrs.mtime = changes->mtime;
        attrs.atime = changes->atime;
    }
    if (rc == 0 && n->file != NULL)
        CALL(rc, server_of(f), fsetstat, n->file, &attrs);
    else if (rc == 0)
        CALL(rc, server_of(f), setstat, n->path, &attrs);
    return named(rc, n->path);
}

static int files_close(struct scp_files *f, void *node)
{
    struct node *n = node;
    int rc = 0;
    if (n->file != NULL)
        CALL(rc, server_of(f), close, n->file);
    rc = named(rc, n->path);
    node_free(n);
    return rc;
}

void server_files_init(struct scp_files *files, sshio_sftp_server *server)
{
    *files = (struct scp_files){
        .open = files_open,
        .read = files_read,
        .next = files_next,
        .create = files_create,
        .enter = files_enter,
        .write = files_write,
        .change = files_change,
        .close = files_close,
        .user = server,
    };
}

/* ---- patterns: the server as one side of a transfer, which is looked at only ---- */

static struct scp_files *files_of(sshio_sftp *s)
{
    return (struct scp_files *)(void *)s; /* what glob_expand was given below */
}

static int side_stat(sshio_sftp *s, const char *path, bool follow, facts *found)
{
    sshio_sftp_attrs *attrs = NULL;
    (void)follow; /* entries are listed with their own attributes */
    int rc = look(server_of(files_of(s)), path, &attrs);
    if (rc == 0) {
        facts_take(found, attrs);
        found->type = type_of(attrs);
    }
    sshio_sftp_attrs_free(attrs);
    return named(rc, path);
}

static int side_list(sshio_sftp *s, const char *path, struct name_list *list)
{
    struct node n = { .path = (char *)(uintptr_t)(path[0] != '\0' ? path : ".") };
    int rc = 0;
    *list = (struct name_list){ .count = 0 };
    while (rc == 0) {
        rc = fetch(files_of(s), &n);
        for (size_t i = 0; rc == 0 && i < n.names.count; i++) {
            rc = name_list_add(list, n.names.items[i], last_error());
            if (rc == 0)
                n.names.items[i] = NULL; /* the list's now */
        }
    }
    listing_close(n.listing);
    sshio_sftp_names_free(&n.names);
    if (rc != SSHIO_EEOF)
        name_list_done(list);
    return rc == SSHIO_EEOF ? 0 : rc;
}

static const struct side side_server = { .is_remote = false, .stat = side_stat, .list = side_list };

int server_files_expand(struct scp_files *files, const char *path, struct glob_list *list)
{
    sshio_sftp *s = (sshio_sftp *)(void *)files;
    facts found = { .valid = 0 };
    if (glob_is_pattern(path, strlen(path)) && side_stat(s, path, true, &found) != 0)
        return glob_expand(&side_server, s, path, list);
    return glob_list_add(list, path, &found);
}
