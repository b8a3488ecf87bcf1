/* What patterns have found: entries in the order in which they came, each path once. See glob.h. */
#include <search.h>
#include <string.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/attrs.h"
#include "sftp/glob.h"

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void keep(void *path)
{
    (void)path; /* it is the entry's */
}

static void entry_done(struct glob_entry *entry)
{
    mem_free(entry->path);
    sshio_sftp_attrs_free(entry->full);
}

static bool has_room(struct glob_list *list)
{
    if (list->count < list->capacity)
        return true;
    size_t capacity = list->capacity != 0 ? list->capacity * 2 : 32;
    void *items = mem_grow(list->items, capacity * sizeof *list->items);
    if (items == NULL)
        return false;
    list->items = items;
    list->capacity = capacity;
    return true;
}

static bool copy_attrs(struct glob_entry *entry, const sshio_sftp_attrs *full)
{
    struct attrs_wire wire;
    if (full == NULL)
        return true;
    attrs_to_wire(full, &wire);
    entry->full = attrs_new(&wire);
    return entry->full != NULL;
}

int glob_list_take(struct glob_list *list, const char *path, const facts *attrs, const sshio_sftp_attrs *full)
{
    if (tfind(path, &list->paths, by_text) != NULL)
        return 0;
    struct glob_entry entry = { .path = mem_strdup(path), .attrs = *attrs };
    if (entry.path == NULL || !copy_attrs(&entry, full) || !has_room(list) ||
        tsearch(entry.path, &list->paths, by_text) == NULL) {
        entry_done(&entry);
        return fail_nomem();
    }
    list->items[list->count++] = entry;
    return 0;
}

int glob_list_add(struct glob_list *list, const char *path, const facts *attrs)
{
    return glob_list_take(list, path, attrs, NULL);
}

void glob_list_done(struct glob_list *list)
{
    tdestroy(list->paths, keep);
    for (size_t i = 0; i < list->count; i++)
        entry_done(&list->items[i]);
    mem_free(list->items);
    *list = (struct glob_list){ .count = 0 };
}
