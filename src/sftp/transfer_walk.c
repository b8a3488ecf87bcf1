/* Copying items: directories with what is in them, links, and what is set on them; see transfer.h. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/path.h"
#include "sftp/transfer.h"

static int refuse(const char *path, const char *text)
{
    char name[512];
    return error_set_reason(last_error(), SSHIO_ESFTP_FAILURE, SSHIO_FX_FAILURE, "%s: %s",
                            log_escaped(span_of(path), name, sizeof name), text);
}

/* ---- the ends of directories ---- */

static int prepare_end(struct transfer *t, const struct item *item, struct folder *folder)
{
    struct folder_end *end = mem_zalloc(sizeof *end);
    char *src = mem_strdup(item->src);
    if (end == NULL || src == NULL) {
        mem_free(end);
        mem_free(src);
        return fail_nomem();
    }
    *end = (struct folder_end){ .above = folder_ref(item->dst->folder),
                                .attrs = transfer_kept(t, &item->attrs),
                                .srcpath = src };
    folder->end = end;
    return 0;
}

/* Gives a folder back. With the last one who does so it ends, and perhaps the one above it as well. */
static int leave_folder(struct transfer *t, struct folder *folder)
{
    int rc = 0;
    while (folder != NULL) {
        struct folder_end *end = folder->refs == 1 ? folder->end : NULL;
        struct folder *above = end != NULL ? end->above : NULL;
        if (end != NULL && !end->spoiled && rc == 0 && transfer_goes_on(t)) {
            rc = t->to->set_folder(t->sftp, folder, &end->attrs);
            rc = transfer_item_failed(t, rc, end->srcpath, folder->path);
        }
        if (end != NULL)
            mem_free(end->srcpath);
        mem_free(end);
        folder_unref(folder);
        folder = above;
    }
    return rc;
}

/* ---- links ---- */

/* Whether a link with this text, so many directories below the first, stays inside. */
static bool link_is_safe(const char *text, unsigned depth)
{
    int level = (int)depth;
    if (text[0] == '/')
        return false;
    while (*text != '\0') {
        size_t len = strcspn(text, "/");
        if (len == 2 && text[0] == '.' && text[1] == '.')
            level--;
        else if (len != 0 && !(len == 1 && text[0] == '.'))
            level++;
        if (level < 0)
            return false;
        text += len + (text[len] == '/');
    }
    return true;
}

static int copy_link(struct transfer *t, const struct item *item)
{
    char *text = NULL;
    int rc = t->from->readlink(t->sftp, item->src, &text);
    if (rc == 0 && t->o.safe_links && !link_is_safe(text, item->safe_depth))
        rc = refuse(item->src, "is a link that leads out of what is transferred");
    if (rc == 0)
        rc = t->to->make_link(t->sftp, item->dst, text);
    mem_free(text);
    if (rc == 0 && t->o.preserve) {
        facts kept = transfer_kept(t, &item->attrs);
        rc = t->to->set_link(t->sftp, item->dst, &kept);
    }
    return rc;
}

/* ---- beside the walk ---- */

static int copy_leaf(struct transfer *t, const struct item *item)
{
    int rc = facts_type(&item->attrs) == SSHIO_FILEXFER_TYPE_SYMLINK ? copy_link(t, item) : transfer_file(t, item);
    return transfer_item_failed(t, rc, item->src, item->dst->path);
}

struct leaf {
    struct transfer *t;
    struct item item;
    struct spot dst;
    char *src;
};

static void free_leaf(struct leaf *leaf)
{
    spot_done(&leaf->dst);
    mem_free(leaf->src);
    mem_free(leaf);
}

static int run_leaf(void *arg)
{
    struct leaf *leaf = arg;
    struct transfer *t = leaf->t;
    struct folder *folder = leaf->dst.folder;
    if (transfer_goes_on(t))
        gang_error_note(&t->failed, copy_leaf(t, &leaf->item));
    leaf->dst.folder = NULL;
    free_leaf(leaf);
    gang_error_note(&t->failed, leave_folder(t, folder));
    return 0;
}

static int copy_beside(struct transfer *t, const struct item *item)
{
    struct leaf *leaf = mem_zalloc(sizeof *leaf);
    char *src = mem_strdup(item->src), *path = mem_strdup(item->dst->path);
    if (leaf == NULL || src == NULL || path == NULL) {
        mem_free(leaf);
        mem_free(src);
        mem_free(path);
        return fail_nomem();
    }
    leaf->t = t;
    leaf->item = *item;
    leaf->item.src = leaf->src = src;
    leaf->item.dst = &leaf->dst;
    leaf->item.above = NULL;
    leaf->dst = (struct spot){ .folder = folder_ref(item->dst->folder),
                               .path = path,
                               .name = path + (item->dst->name - item->dst->path) };
    int rc = gang_start(&t->gang, run_leaf, leaf);
    if (rc != 0)
        free_leaf(leaf);
    return rc;
}

/* Whether it is over soon: a link, or a file of one block. */
static bool is_small(const struct transfer *t, const facts *attrs)
{
    size_t block = blocks_size(t->sftp, true, true, t->o.block_size);
    bool sized = (attrs->valid & SSHIO_FILEXFER_ATTR_SIZE) != 0;
    return facts_type(attrs) == SSHIO_FILEXFER_TYPE_SYMLINK || (sized && attrs->size <= block);
}

/* ---- directories ---- */

static int by_name(const void *a, const void *b)
{
    const sshio_sftp_name *const *left = a, *const *right = b;
    return strcmp((*left)->filename, (*right)->filename);
}

static int bad_listing(struct transfer *t, const struct item *item, const char *name, const char *text)
{
    char shown[512];
    int rc = error_set_reason(last_error(), SSHIO_ESFTP_BAD_MESSAGE, SSHIO_FX_BAD_MESSAGE, "%s: %s: %s", item->src,
                              text, log_escaped(span_of(name), shown, sizeof shown));
    log_warning(t->sftp->logger, "%s", error_message(last_error()));
    return transfer_item_failed(t, rc, item->src, item->dst->path);
}

/* A name that stands twice is taken out, and so is one that is no name of an entry: both are errors. */
static int check_listing(struct transfer *t, const struct item *item, struct name_list *list)
{
    int rc = 0;
    size_t count = list->count;
    sshio_sftp_name **sorted = mem_array(count + 1, sizeof *sorted);
    if (sorted == NULL)
        return fail_nomem();
    if (count != 0)
        memcpy(sorted, list->items, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_name);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        char *name = (char *)sorted[i]->filename;
        if (path_is_dots(name))
            continue;
        if (!path_name_is_safe(name))
            rc = bad_listing(t, item, name, "Unsafe file name in directory listing");
        else if (i != 0 && strcmp(name, sorted[i - 1]->filename) == 0)
            rc = bad_listing(t, item, name, "Twice in a directory listing");
        else
            continue;
        sorted[i]->attrs.type = SSHIO_FILEXFER_TYPE_SPECIAL;
        sorted[i]->longname = NULL; /* which marks it */
    }
    mem_free(sorted);
    return rc;
}

static int copy_entry(struct transfer *t, const struct item *dir, struct folder *folder, const sshio_sftp_name *entry,
                      const struct chain *chain)
{
    struct spot spot;
    char *src = path_append(dir->src, entry->filename);
    if (src == NULL || !spot_in(&spot, folder, entry->filename)) {
        mem_free(src);
        return fail_nomem();
    }
    struct item item = { .src = src, .dst = &spot, .depth = dir->depth + 1, .safe_depth = dir->depth, .above = chain };
    facts_take(&item.attrs, &entry->attrs);
    int rc = transfer_item(t, &item);
    spot_done(&spot);
    mem_free(src);
    return rc;
}

static int copy_entries(struct transfer *t, const struct item *item, struct folder *folder, const struct chain *chain)
{
    struct name_list list;
    int rc = t->from->list(t->sftp, item->src, &list);
    if (rc == 0)
        rc = check_listing(t, item, &list);
    for (size_t i = 0; rc == 0 && i < list.count && transfer_goes_on(t); i++) {
        const sshio_sftp_name *entry = list.items[i];
        if (entry->longname != NULL && !path_is_dots(entry->filename))
            rc = copy_entry(t, item, folder, entry, chain);
    }
    name_list_done(&list);
    return rc;
}

/* A directory that we are in already would have no end. */
static int check_chain(struct transfer *t, const struct item *item, struct chain *chain, char **real)
{
    int rc = t->from->real(t->sftp, item->src, real);
    for (const struct chain *c = item->above; rc == 0 && c != NULL; c = c->above)
        if (strcmp(c->real, *real) == 0)
            rc = client_fail_v6(t->sftp, SSHIO_ESFTP_LINK_LOOP, item->src, "leads to a directory that it is in");
    *chain = (struct chain){ item->above, *real };
    return rc;
}

/* The error that there is stays the last one: nothing is set after it. */
static int end_directory(struct transfer *t, struct folder *folder, int rc)
{
    if (rc != 0 && folder != NULL && folder->end != NULL)
        folder->end->spoiled = true;
    int left = leave_folder(t, folder);
    return rc != 0 ? rc : left;
}

static int copy_directory(struct transfer *t, const struct item *item)
{
    struct folder *folder = NULL;
    struct chain chain;
    char *real = NULL;
    if (!t->o.recurse)
        return client_fail_v6(t->sftp, SSHIO_ESFTP_FILE_IS_A_DIRECTORY, item->src, "is a directory");
    if (item->depth > TRANSFER_DEPTH_MAX)
        return refuse(item->src, "is nested too deeply");
    log_info(t->sftp->logger, "Copying directory %s", item->src);
    struct spot spot = *item->dst;
    spot.mode = transfer_first_mode(t, &item->attrs, 0700);
    int rc = t->o.follow_symlinks ? check_chain(t, item, &chain, &real) : 0;
    if (rc == 0)
        rc = t->to->make_folder(t->sftp, &spot, &folder);
    if (rc == 0 && t->o.preserve)
        rc = prepare_end(t, item, folder);
    if (rc == 0)
        rc = copy_entries(t, item, folder, real != NULL ? &chain : NULL);
    mem_free(real);
    return end_directory(t, folder, rc);
}

/* ---- items ---- */

/* What the listing did not tell, or what a link leads to. */
static int look_closer(struct transfer *t, struct item *item)
{
    sshio_filexfer_type type = facts_type(&item->attrs);
    bool follow = t->o.follow_symlinks;
    if (type == SSHIO_FILEXFER_TYPE_UNKNOWN || (type == SSHIO_FILEXFER_TYPE_SYMLINK && follow))
        return t->from->stat(t->sftp, item->src, follow, &item->attrs);
    return 0;
}

static bool is_left_out(const struct transfer *t, const struct item *item)
{
    return t->o.skip_symlinks && item->depth != 0 && facts_type(&item->attrs) == SSHIO_FILEXFER_TYPE_SYMLINK;
}

static int copy_looked_at(struct transfer *t, const struct item *item)
{
    int rc;
    if (is_left_out(t, item)) {
        log_info(t->sftp->logger, "Leaving out the link %s", item->src);
        return 0;
    }
    switch (facts_type(&item->attrs)) {
    case SSHIO_FILEXFER_TYPE_DIRECTORY:
        rc = copy_directory(t, item);
        return transfer_item_failed(t, rc, item->src, item->dst->path);
    case SSHIO_FILEXFER_TYPE_REGULAR:
    case SSHIO_FILEXFER_TYPE_UNKNOWN:
    case SSHIO_FILEXFER_TYPE_SYMLINK:
        if ((item->depth != 0 || t->many) && is_small(t, &item->attrs))
            return copy_beside(t, item);
        rc = gang_wait(&t->gang);
        return rc != 0 || !transfer_goes_on(t) ? rc : copy_leaf(t, item);
    default:
        return transfer_item_failed(t, refuse(item->src, "not a regular file"), item->src, item->dst->path);
    }
}

int transfer_item(struct transfer *t, const struct item *given)
{
    struct item item = *given;
    int rc = look_closer(t, &item);
    if (rc != 0)
        return transfer_item_failed(t, rc, item.src, item.dst->path);
    return copy_looked_at(t, &item);
}
