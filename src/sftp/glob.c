/* Expanding patterns; see glob.h. */
#include "sftp/glob.h"

#include <search.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/attrs.h"
#include "sftp/path.h"

#define DEPTH_MAX 128u
#define COMPONENTS_MAX 256u

/* ---- what was found ---- */

static bool has_path(const struct glob_list *list, const char *path)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].path, path) == 0)
            return true;
    return false;
}

static int add(struct glob_list *list, const char *path, const facts *attrs, const sshio_sftp_attrs *full)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity != 0 ? list->capacity * 2 : 32;
        void *items = mem_grow(list->items, capacity * sizeof *list->items);
        if (items == NULL)
            return fail_nomem();
        list->items = items;
        list->capacity = capacity;
    }
    struct glob_entry entry = { .path = mem_strdup(path), .attrs = *attrs };
    if (full != NULL) {
        struct attrs_wire wire;
        attrs_to_wire(full, &wire);
        entry.full = attrs_new(&wire);
    }
    if (entry.path == NULL || (full != NULL && entry.full == NULL)) {
        mem_free(entry.path);
        sshio_sftp_attrs_free(entry.full);
        return fail_nomem();
    }
    list->items[list->count++] = entry;
    return 0;
}

int glob_list_add(struct glob_list *list, const char *path, const facts *attrs)
{
    return add(list, path, attrs, NULL);
}

void glob_list_done(struct glob_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        mem_free(list->items[i].path);
        sshio_sftp_attrs_free(list->items[i].full);
    }
    mem_free(list->items);
    *list = (struct glob_list){ .count = 0 };
}

/* ---- expanding ---- */

struct component {
    char *text;
    bool magic;
    bool any; /* "**" */
};

struct globbing {
    const struct side *side;
    sshio_sftp *sftp;
    struct component parts[COMPONENTS_MAX];
    size_t count;
    bool only_dirs;  /* the pattern ends in a slash */
    bool may_repeat; /* a path may be found twice */
    bool matched;
    struct glob_list *list;
    void *listings; /* a tree of struct cached: each directory is listed once */
};

struct cached {
    char *path;
    struct name_list names;
};

static int by_path(const void *a, const void *b)
{
    const struct cached *left = a, *right = b;
    return strcmp(left->path, right->path);
}

static void free_cached(void *arg)
{
    struct cached *c = arg;
    name_list_done(&c->names);
    mem_free(c->path);
    mem_free(c);
}

static int fetch(struct globbing *g, struct cached *c, const char *path)
{
    c->path = mem_strdup(path);
    if (c->path == NULL)
        return fail_nomem();
    return g->side->list(g->sftp, path[0] != '\0' ? path : ".", &c->names);
}

/* What cannot be listed has nothing that matches. */
static int listing(struct globbing *g, const char *path, const struct name_list **names)
{
    struct cached key = { .path = (char *)path };
    struct cached **found = tfind(&key, &g->listings, by_path);
    if (found != NULL) {
        *names = &(*found)->names;
        return 0;
    }
    struct cached *c = mem_zalloc(sizeof *c);
    int rc = c != NULL ? fetch(g, c, path) : fail_nomem();
    if (rc != 0 && c != NULL && c->path != NULL && side_is_missing(rc))
        rc = 0;
    if (rc == 0 && tsearch(c, &g->listings, by_path) == NULL)
        rc = fail_nomem();
    if (rc != 0 && c != NULL)
        free_cached(c);
    if (rc == 0)
        *names = &c->names;
    return rc;
}

static int found(struct globbing *g, const char *path, const facts *attrs, const sshio_sftp_attrs *full)
{
    char *slashed = NULL;
    int rc = 0;
    if (path[0] == '\0')
        return 0;
    if (g->only_dirs) {
        if (attrs->type != SSHIO_FILEXFER_TYPE_DIRECTORY)
            return 0;
        slashed = path_append(path, "");
        if (slashed == NULL)
            return fail_nomem();
    }
    const char *whole = slashed != NULL ? slashed : path;
    g->matched = true;
    if (!g->may_repeat || !has_path(g->list, whole))
        rc = add(g->list, whole, attrs, full);
    mem_free(slashed);
    return rc;
}

static int expand(struct globbing *g, const char *base, size_t at, unsigned depth);

/* Components without patterns, up to the next that is one: a single look at what they lead to. */
static int expand_plain(struct globbing *g, const char *base, size_t at, unsigned depth)
{
    facts attrs;
    char *path = mem_strdup(base);
    size_t i = at;
    for (; path != NULL && i < g->count && !g->parts[i].magic; i++) {
        char *longer = path_append(path, g->parts[i].text);
        mem_free(path);
        path = longer;
    }
    if (path == NULL)
        return fail_nomem();
    int rc = g->side->stat(g->sftp, path, true, &attrs);
    bool is_base = at == 0 && i < g->count && !g->side->is_remote; /* a local one that is missing is worth telling */
    if (rc != 0 && side_is_missing(rc) && !is_base)
        rc = 0;
    else if (rc == 0 && i == g->count)
        rc = found(g, path, &attrs, NULL);
    else if (rc == 0 && attrs.type == SSHIO_FILEXFER_TYPE_DIRECTORY)
        rc = expand(g, path, i, depth + 1);
    mem_free(path);
    return rc;
}

/* The type that an entry has itself; links to directories are not gone into. */
static int own_type(struct globbing *g, const char *path, const sshio_sftp_name *entry, sshio_filexfer_type *type)
{
    facts attrs;
    *type = entry->attrs.type;
    if (*type != 0 && *type != SSHIO_FILEXFER_TYPE_UNKNOWN)
        return 0;
    int rc = g->side->stat(g->sftp, path, false, &attrs);
    if (rc == 0)
        *type = attrs.type;
    return side_is_missing(rc) ? 0 : rc;
}

/* An entry that matches the component, or any below "**". */
static int expand_entry(struct globbing *g, const char *base, size_t at, const sshio_sftp_name *entry, unsigned depth)
{
    bool any = g->parts[at].any, last = at + 1 == g->count;
    sshio_filexfer_type type;
    facts attrs;
    char *path = path_append(base, entry->filename);
    if (path == NULL)
        return fail_nomem();
    int rc = own_type(g, path, entry, &type);
    facts_take(&attrs, &entry->attrs);
    attrs.type = type;
    if (rc == 0 && last)
        rc = found(g, path, &attrs, &entry->attrs);
    if (rc == 0 && type == SSHIO_FILEXFER_TYPE_DIRECTORY && (any || !last))
        rc = expand(g, path, any ? at : at + 1, depth + 1);
    mem_free(path);
    return rc;
}

static int expand_listing(struct globbing *g, const char *base, size_t at, unsigned depth)
{
    const struct name_list *names = NULL;
    const struct component *part = &g->parts[at];
    int rc = listing(g, base, &names);
    for (size_t i = 0; rc == 0 && i < names->count; i++) {
        const sshio_sftp_name *entry = names->items[i];
        if (path_name_is_safe(entry->filename) && (part->any || glob_match(part->text, entry->filename)))
            rc = expand_entry(g, base, at, entry, depth);
    }
    return rc;
}

static int expand(struct globbing *g, const char *base, size_t at, unsigned depth)
{
    facts dir = { .struct_size = sizeof dir, .type = SSHIO_FILEXFER_TYPE_DIRECTORY };
    int rc = 0;
    if (depth > DEPTH_MAX || at == g->count)
        return 0;
    const struct component *part = &g->parts[at];
    if (!part->magic)
        return expand_plain(g, base, at, depth);
    bool comes_again = depth != 0 && at + 1 == g->count; /* the entry itself was found where it was listed */
    if (part->any && at + 1 < g->count)
        rc = expand(g, base, at + 1, depth + 1); /* no directory at all */
    else if (part->any && base[0] != '\0' && !(comes_again && has_path(g->list, base)))
        rc = found(g, base, &dir, NULL);
    return rc == 0 ? expand_listing(g, base, at, depth) : rc;
}

/* ---- patterns ---- */

static int split(struct globbing *g, char *text)
{
    for (char *at = text; *at != '\0';) {
        size_t len = strcspn(at, "/");
        char *next = at + len + (at[len] == '/');
        g->only_dirs = at[len] == '/';
        if (len != 0) {
            if (g->count == COMPONENTS_MAX)
                return fail(SSHIO_EINVAL, "a pattern of more than %u components", COMPONENTS_MAX);
            struct component part = { .text = at, .magic = glob_is_pattern(at, len) };
            at[len] = '\0';
            part.any = strcmp(at, "**") == 0;
            g->may_repeat |= part.any;
            g->parts[g->count++] = part;
        }
        at = next;
    }
    return 0;
}

static int no_match(const struct side *side, const sshio_sftp *s, const char *pattern)
{
    bool has_path_code = side->is_remote && s->dialect.version >= 4;
    char shown[512];
    int rc = error_set_reason(last_error(), has_path_code ? SSHIO_ESFTP_NO_SUCH_PATH : SSHIO_ESFTP_NO_SUCH_FILE,
                              has_path_code ? SSHIO_FX_NO_SUCH_PATH : SSHIO_FX_NO_SUCH_FILE, "%s: No matches found",
                              log_escaped(span_of(pattern), shown, sizeof shown));
    error_set_paths(last_error(), pattern, NULL);
    return rc;
}

int glob_expand(const struct side *side, sshio_sftp *s, const char *pattern, struct glob_list *list)
{
    if (pattern[0] == '\0')
        return 0;
    char *text = mem_strdup(pattern);
    struct globbing *g = mem_zalloc(sizeof *g);
    int rc = text != NULL && g != NULL ? 0 : fail_nomem();
    if (rc == 0) {
        g->side = side;
        g->sftp = s;
        g->list = list;
        g->may_repeat = list->count != 0;
        rc = split(g, text);
    }
    if (rc == 0)
        rc = g->count != 0 ? expand(g, pattern[0] == '/' ? "/" : "", 0, 0) : 0;
    if (rc == 0 && g->count == 0) { /* slashes alone */
        facts attrs;
        rc = side->stat(s, "/", true, &attrs);
        rc = rc == 0 ? found(g, "/", &attrs, NULL) : rc;
    }
    bool matched = g != NULL && g->matched;
    if (g != NULL)
        tdestroy(g->listings, free_cached);
    mem_free(g);
    mem_free(text);
    return rc == 0 && !matched ? no_match(side, s, pattern) : rc;
}

/* ---- public ---- */

static int expand_all(sshio_sftp *s, const char *const *patterns, struct glob_list *list)
{
    int rc = patterns != NULL ? 0 : fail(SSHIO_EINVAL, "no patterns were given");
    *list = (struct glob_list){ .count = 0 };
    client_hold(s);
    for (size_t i = 0; rc == 0 && patterns[i] != NULL; i++)
        rc = glob_expand(&side_remote, s, patterns[i], list);
    client_release(s);
    if (rc != 0)
        glob_list_done(list);
    return rc;
}

int sshio_sftp_glob(sshio_sftp *sftp, const char *const *patterns, sshio_texts *paths)
{
    struct glob_list list;
    struct texts texts = { .count = 0 };
    bool added = true;
    if (paths == NULL)
        return fail(SSHIO_EINVAL, "sshio_sftp_glob: no place for the result");
    int rc = expand_all(sftp, patterns, &list);
    if (rc != 0)
        return rc;
    for (size_t i = 0; added && i < list.count; i++)
        added = texts_add(&texts, list.items[i].path);
    glob_list_done(&list);
    if (!added) {
        texts_done(&texts);
        return fail_nomem();
    }
    *paths = (sshio_texts){ .count = texts.count, .items = texts.items };
    return 0;
}

/* What was not listed is looked at once more, for all its attributes. */
static int name_of(sshio_sftp *s, struct glob_entry *entry, struct name_list *names)
{
    struct attrs_wire wire;
    int rc = entry->full == NULL ? sshio_sftp_stat(s, entry->path, &entry->full) : 0;
    if (rc != 0)
        return rc;
    attrs_to_wire(entry->full, &wire);
    sshio_sftp_name *name = name_new(span_of(entry->path), SPAN("", 0), &wire);
    if (name == NULL)
        return fail_nomem();
    rc = name_list_add(names, name, last_error());
    if (rc != 0)
        sshio_sftp_name_free(name);
    return rc;
}

int sshio_sftp_glob_sftpname(sshio_sftp *sftp, const char *const *patterns, sshio_sftp_names *names)
{
    struct glob_list list;
    struct name_list found_names = { .count = 0 };
    if (names == NULL)
        return fail(SSHIO_EINVAL, "sshio_sftp_glob_sftpname: no place for the result");
    int rc = expand_all(sftp, patterns, &list);
    for (size_t i = 0; rc == 0 && i < list.count; i++)
        rc = name_of(sftp, &list.items[i], &found_names);
    glob_list_done(&list);
    if (rc != 0) {
        name_list_done(&found_names);
        return rc;
    }
    *names = (sshio_sftp_names){ .count = found_names.count, .items = found_names.items };
    return 0;
}
