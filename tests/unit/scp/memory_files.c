/* A file system and a wire in memory; see memory_files.h. */
#include "scp/memory_files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "io/last_error.h"

struct opened {
    struct memory_node *node;
    size_t at; /* of `next` */
};

static struct memory_files *of(struct scp_files *f)
{
    return f->user;
}

static int fail_errno(int os_errno, const char *name)
{
    return error_set_errno(last_error(), os_errno, "%s", name);
}

struct memory_node *memory_find(struct memory_files *m, const char *path)
{
    for (size_t i = 0; i < m->count; i++)
        if (strcmp(m->nodes[i].path, path) == 0)
            return &m->nodes[i];
    return NULL;
}

static struct memory_node *add(struct memory_files *m, const char *path, enum scp_type type, uint32_t mode)
{
    struct memory_node *node = m->count < MEMORY_NODES ? &m->nodes[m->count] : NULL;
    if (node == NULL)
        return NULL;
    *node = (struct memory_node){ .path = mem_strdup(path) };
    if (node->path == NULL)
        return NULL;
    m->count++;
    node->attrs = (struct scp_attrs){ .type = type, .mode = mode, .mtime = 1000, .atime = 2000 };
    node->attrs.id[0] = m->count;
    return node;
}

struct memory_node *memory_add_file(struct memory_files *m, const char *path, const char *content)
{
    struct memory_node *node = add(m, path, SCP_TYPE_FILE, 0644);
    node->len = strlen(content);
    node->content = mem_dup(content, node->len);
    node->attrs.size = node->len;
    return node;
}

struct memory_node *memory_add_directory(struct memory_files *m, const char *path)
{
    return add(m, path, SCP_TYPE_DIRECTORY, 0755);
}

/* ---- the operations ---- */

static void full_path(void *dir, const char *name, char *path, size_t size)
{
    struct opened *in = dir;
    size_t len = strlen(name);
    while (len > 1 && name[len - 1] == '/')
        len--;
    if (in == NULL)
        snprintf(path, size, "%.*s", (int)len, name);
    else if (strcmp(name, ".") == 0)
        snprintf(path, size, "%s", in->node->path);
    else
        snprintf(path, size, "%s/%s", in->node->path, name);
}

static int hand_out(struct memory_files *m, struct memory_node *node, void **out)
{
    struct opened *o = mem_zalloc(sizeof *o);
    if (o == NULL)
        return fail_nomem();
    o->node = node;
    m->open++;
    *out = o;
    return 0;
}

static int files_open(struct scp_files *f, void *dir, const char *name, void **node, struct scp_attrs *attrs)
{
    char path[8192];
    full_path(dir, name, path, sizeof path);
    struct memory_node *found = memory_find(of(f), path);
    if (found == NULL || found->refuses)
        return fail_errno(found == NULL ? ENOENT : EACCES, name);
    *attrs = found->attrs;
    return hand_out(of(f), found, node);
}

static int files_read(struct scp_files *f, void *node, uint64_t offset, void *buffer, size_t size, size_t *got)
{
    const struct memory_node *n = ((struct opened *)node)->node;
    size_t end = n->len - (n->short_by_one ? 1 : 0);
    (void)f;
    *got = offset >= end ? 0 : end - (size_t)offset < size ? end - (size_t)offset : size;
    memcpy(buffer, n->content + offset, *got);
    return 0;
}

static int files_next(struct scp_files *f, void *dir, const char **name)
{
    struct memory_files *m = of(f);
    struct opened *in = dir;
    size_t len = strlen(in->node->path);
    while (in->at < m->count) {
        const char *path = m->nodes[in->at++].path;
        if (strncmp(path, in->node->path, len) == 0 && path[len] == '/' && strchr(path + len + 1, '/') == NULL) {
            snprintf(m->name, sizeof m->name, "%s", path + len + 1);
            *name = m->name;
            return 0;
        }
    }
    return SSHIO_EEOF;
}

static int files_create(struct scp_files *f, void *dir, const char *name, uint32_t mode, void **node)
{
    char path[8192];
    full_path(dir, name, path, sizeof path);
    struct memory_node *n = memory_find(of(f), path);
    if (n != NULL && (n->refuses || n->attrs.type != SCP_TYPE_FILE))
        return fail_errno(n->refuses ? EACCES : EISDIR, name);
    if (n == NULL)
        n = add(of(f), path, SCP_TYPE_FILE, mode);
    if (n == NULL)
        return fail_errno(ENOSPC, name);
    n->len = 0;
    n->attrs.size = 0;
    return hand_out(of(f), n, node);
}

static int files_enter(struct scp_files *f, void *dir, const char *name, bool make, uint32_t *mode, bool *made,
                       void **node)
{
    char path[8192];
    full_path(dir, name, path, sizeof path);
    struct memory_node *n = memory_find(of(f), path);
    *made = n == NULL && make;
    if (*made)
        n = add(of(f), path, SCP_TYPE_DIRECTORY, *mode & 0777);
    if (n == NULL || n->refuses)
        return fail_errno(make ? EACCES : ENOENT, name);
    if (n->attrs.type != SCP_TYPE_DIRECTORY)
        return fail_errno(ENOTDIR, name);
    *mode = n->attrs.mode;
    return hand_out(of(f), n, node);
}

static int files_write(struct scp_files *f, void *node, uint64_t offset, const void *data, size_t len)
{
    struct memory_node *n = ((struct opened *)node)->node;
    (void)f;
    if (offset != n->len || len > MEMORY_CONTENT - n->len)
        return fail_errno(ENOSPC, n->path);
    uint8_t *grown = mem_grow(n->content, n->len + len);
    if (grown == NULL)
        return fail_nomem();
    memcpy(grown + n->len, data, len);
    n->content = grown;
    n->len += len;
    n->attrs.size = n->len;
    return 0;
}

static int files_change(struct scp_files *f, void *node, const struct scp_changes *changes)
{
    struct memory_node *n = ((struct opened *)node)->node;
    (void)f;
    if (changes->set_mode)
        n->attrs.mode = changes->mode;
    if (changes->set_times) {
        n->attrs.mtime = changes->mtime;
        n->attrs.atime = changes->atime;
    }
    return 0;
}

static int files_close(struct scp_files *f, void *node)
{
    of(f)->open--;
    mem_free(node);
    return 0;
}

void memory_files_init(struct memory_files *m)
{
    memset(m, 0, sizeof *m);
    m->files = (struct scp_files){
        .open = files_open,
        .read = files_read,
        .next = files_next,
        .create = files_create,
        .enter = files_enter,
        .write = files_write,
        .change = files_change,
        .close = files_close,
        .user = m,
    };
}

void memory_files_done(struct memory_files *m)
{
    for (size_t i = 0; i < m->count; i++) {
        mem_free(m->nodes[i].path);
        mem_free(m->nodes[i].content);
    }
    m->count = 0;
}

/* ---- the wire ---- */

static int wire_read(struct scp_wire *w, void *buffer, size_t size, size_t *got)
{
    struct memory_wire *m = w->user;
    if (m->in.len == 0)
        return SSHIO_EEOF;
    *got = size < m->in.len ? size : m->in.len;
    memcpy(buffer, m->in.data, *got);
    m->in = SPAN(m->in.data + *got, m->in.len - *got);
    return 0;
}

static int wire_write(struct scp_wire *w, const void *data, size_t len)
{
    struct memory_wire *m = w->user;
    put_bytes(&m->out, data, len);
    return writer_failed(&m->out) ? error_set(last_error(), SSHIO_ELIMIT, "too much was said") : 0;
}

void memory_wire_init(struct memory_wire *w, struct span says)
{
    wire_init(&w->wire);
    w->wire.read = wire_read;
    w->wire.write = wire_write;
    w->wire.user = w;
    w->in = says;
    writer_init(&w->out, 1u << 20);
}

void memory_wire_done(struct memory_wire *w)
{
    writer_done(&w->out);
}
