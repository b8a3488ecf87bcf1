/* Copying by SFTP from one host to another: the bytes come here and go on at once. Names that the first host tells are
 * plain ones, or the directory is refused; see scp.h. */
#include <stdlib.h>
#include <string.h>

#include "scp.h"
#include "talk.h"

#define DEPTH_MAX 64
#define KEPT (SSHIO_FILEXFER_ATTR_PERMISSIONS | SSHIO_FILEXFER_ATTR_ACCESSTIME | SSHIO_FILEXFER_ATTR_MODIFYTIME)
#define PERMISSIONS 0777u
#define ALL_PERMISSIONS 07777u

struct between {
    struct scp *scp;
    sshio_sftp *from, *to;
};

/* ---- files ---- */

struct pouring {
    struct between *b;
    sshio_sftp_file *target;
    const char *path, *target_path;
    uint64_t done, total;
    bool target_failed;
};

static int pour(uint64_t offset, const void *data, size_t len, void *user)
{
    struct pouring *p = user;
    int rc = sshio_sftp_file_pwrite(p->target, data, len, offset);

    p->target_failed = rc != 0;
    p->done += len;
    if (rc == 0 && len > 0)
        meter_progress(p->path, p->target_path, p->done, p->total > p->done ? p->total : p->done, &p->b->scp->meter);
    return rc;
}

static int copy_opened(struct pouring *p, sshio_sftp_file *source, const sshio_sftp_attrs *attrs)
{
    int rc = sshio_sftp_file_read_parallel(source, -1, 0, pour, p);

    if (rc != 0)
        say("%s \"%s\": %s", p->target_failed ? "write dest" : "read origin",
            p->target_failed ? p->target_path : p->path, remote_reason());
    else if (p->b->scp->preserve > 0)
        rc = sshio_sftp_file_setstat(p->target, SSHIO_SFTP_ATTRS(.valid = attrs->valid & KEPT,
                                                                 .permissions = attrs->permissions & ALL_PERMISSIONS,
                                                                 .atime = attrs->atime, .mtime = attrs->mtime));
    return rc;
}

static int copy_file(struct between *b, const char *path, const sshio_sftp_attrs *attrs, const char *target)
{
    struct pouring p = { .b = b, .path = path, .target_path = target, .total = attrs->size };
    sshio_sftp_file *source = NULL;
    int rc = sshio_sftp_open(b->from, path, "r", NULL, &source);

    if (rc != 0)
        say("origin open \"%s\": %s", path, remote_reason());
    if (rc == 0) {
        rc = sshio_sftp_open(
            b->to, target, "w",
            SSHIO_SFTP_OPEN(.attrs = SSHIO_SFTP_ATTRS(.valid = SSHIO_FILEXFER_ATTR_PERMISSIONS,
                                                      .permissions = attrs->permissions & PERMISSIONS)),
            &p.target);
        if (rc != 0)
            say("dest open \"%s\": %s", target, remote_reason());
    }
    meter_start(&b->scp->meter);
    if (rc == 0)
        rc = copy_opened(&p, source, attrs);
    meter_end(&b->scp->meter);
    sshio_sftp_file_close(source);
    int closed = sshio_sftp_file_close(p.target);
    return rc != 0 ? rc : closed;
}

/* ---- directories ---- */

static int copy_item(struct between *b, const char *path, const char *target, int depth);

static bool is_plain_name(const char *name)
{
    return name[0] != '\0' && strchr(name, '/') == NULL;
}

static int copy_entry(struct between *b, const char *folder, const char *target, const char *name, int depth)
{
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return 0;
    if (!is_plain_name(name)) {
        say("Server sent suspect path \"%s\" during readdir of \"%s\"", name, folder);
        return SSHIO_ESFTP_BAD_MESSAGE;
    }
    char *from = path_join(folder, name), *to = path_join(target, name);
    int rc = from != NULL && to != NULL ? copy_item(b, from, to, depth + 1) : SSHIO_ENOMEM;
    free(from);
    free(to);
    return rc;
}

static int make_folder(struct between *b, const char *target, const sshio_sftp_attrs *attrs)
{
    bool is_there = false;

    if (sshio_sftp_isdir(b->to, target, &is_there) == 0 && is_there)
        return 0;
    int rc = sshio_sftp_mkdir(b->to, target,
                              SSHIO_SFTP_ATTRS(.valid = SSHIO_FILEXFER_ATTR_PERMISSIONS,
                                               .permissions = (attrs->permissions & PERMISSIONS) | 0700u));
    if (rc != 0)
        say("remote mkdir \"%s\": %s", target, remote_reason());
    return rc;
}

static int copy_folder(struct between *b, const char *path, const sshio_sftp_attrs *attrs, const char *target,
                       int depth)
{
    sshio_sftp_names names = { 0, NULL };
    int rc = make_folder(b, target, attrs);

    if (rc != 0)
        return rc;
    rc = sshio_sftp_readdir(b->from, path, &names);
    if (rc != 0)
        say("remote readdir(\"%s\"): %s", path, remote_reason());
    for (size_t i = 0; i < names.count && !remote_is_lost(rc); i++) {
        int one = copy_entry(b, path, target, names.items[i]->filename, depth);
        rc = one != 0 ? one : rc;
    }
    sshio_sftp_names_free(&names);
    if (b->scp->preserve > 0 && rc == 0)
        rc = sshio_sftp_setstat(b->to, target,
                                SSHIO_SFTP_ATTRS(.valid = attrs->valid & KEPT,
                                                 .permissions = attrs->permissions & ALL_PERMISSIONS,
                                                 .atime = attrs->atime, .mtime = attrs->mtime),
                                SSHIO_YES);
    return rc;
}

static int copy_item(struct between *b, const char *path, const char *target, int depth)
{
    sshio_sftp_attrs *attrs = NULL;
    int rc = sshio_sftp_stat(b->from, path, &attrs);

    if (rc != 0) {
        say("stat remote \"%s\": %s", path, remote_reason());
    } else if (depth > DEPTH_MAX) {
        say("Maximum directory depth exceeded: %d levels", DEPTH_MAX);
        rc = SSHIO_ELIMIT;
    } else if (attrs->type == SSHIO_FILEXFER_TYPE_DIRECTORY && b->scp->recurse > 0) {
        rc = copy_folder(b, path, attrs, target, depth);
    } else if (attrs->type == SSHIO_FILEXFER_TYPE_REGULAR) {
        rc = copy_file(b, path, attrs, target);
    } else {
        say("origin \"%s\": not a regular file", path);
        rc = SSHIO_EINVAL;
    }
    sshio_sftp_attrs_free(attrs);
    return rc;
}

/* ---- a source ---- */

static int copy_source(struct between *b, const char *path, const char *target, bool into)
{
    char *name = path_last(path);
    char *whole = name == NULL ? NULL : into ? path_join(target, name) : strdup(target);
    int rc = whole != NULL ? copy_item(b, path, whole, 0) : SSHIO_ENOMEM;

    free(name);
    free(whole);
    return rc;
}

int scp_between(struct scp *scp, struct place *source)
{
    struct between b = { scp, place_sftp(scp, source), NULL };
    sshio_texts paths = { 0, NULL };
    bool into = false;

    if (b.from == NULL || (b.to = place_sftp(scp, scp->target)) == NULL)
        return SCP_FATAL;
    const char *target = place_path(scp->target);
    if (target == NULL || !scp_check_target(scp, b.to, target, &into))
        return SCP_FATAL;
    int status = scp_expand(scp, source, &paths);
    if (status == 0 && paths.count > 1 && !into) {
        say("Multiple files match pattern, but destination \"%s\" is not a directory", target);
        status = SCP_FAILED;
    } else {
        for (size_t i = 0; i < paths.count && status != SCP_FATAL; i++) {
            int rc = copy_source(&b, paths.items[i], target, into);
            if (rc != 0)
                status = remote_is_lost(rc) ? SCP_FATAL : SCP_FAILED;
        }
    }
    sshio_texts_free(&paths);
    return status;
}
