/* Expanding patterns; see glob.h. */
#include "sftp/glob.h"

#include <search.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/path.h"

#define DEPTH_MAX 128u
#define COMPONENTS_MAX 256u
#define TURN 1024u /* entries after which others have their turn */

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
    bool only_dirs; /* the pattern ends in a slash */
    bool matched;
    struct glob_list *list;
    void *places; /* a tree of struct place */
    unsigned steps;
};

/* A directory. However many ways of "**" lead to it, it is listed once, and gone through once for each component. */
struct place {
    char *path;
    bool listed;
    struct name_list names;
    uint64_t begun[COMPONENTS_MAX / 64]; /* a bit for each component */
};

static int by_path(const void *a, const void *b)
{
    const struct place *left = a, *right = b;
    return strcmp(left->path, right->path);
}

static void free_place(void *arg)
{
    struct place *place = arg;
    name_list_done(&place->names);
    mem_free(place->path);
    mem_free(place);
}

static struct place *place_of(struct globbing *g, const char *path)
{
    struct place key = { .path = (char *)path };
    struct place **found = tfind(&key, &g->places, by_path);
    if (found != NULL)
        return *found;
    struct place *place = mem_zalloc(sizeof *place);
    if (place != NULL && (place->path = mem_strdup(path)) != NULL && tsearch(place, &g->places, by_path) != NULL)
        return place;
    if (place != NULL)
        free_place(place);
    fail_nomem();
    return NULL;
}

static bool begin(struct place *place, size_t component)
{
    uint64_t bit = (uint64_t)1 << component % 64, *begun = &place->begun[component / 64];
    bool is_new = (*begun & bit) == 0;
    *begun |= bit;
    return is_new;
}

/* What cannot be listed has nothing that matches. */
static int list_place(struct globbing *g, struct place *place)
{
    if (place->listed)
        return 0;
    int rc = g->side->list(g->sftp, place->path[0] != '\0' ? place->path : ".", &place->names);
    if (rc != 0 && !side_is_missing(rc))
        return rc;
    place->listed = true;
    return 0;
}

/* Long computations on what is known already let others go on, and can be cancelled. */
static int take_turns(struct globbing *g)
{
    return ++g->steps % TURN == 0 ? sshio_sleep(0) : 0;
}

static int found(struct globbing *g, const char *path, const facts *attrs, const sshio_sftp_attrs *full)
{
    char *slashed = NULL;
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
    int rc = glob_list_take(g->list, whole, attrs, full);
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

static int expand_listing(struct globbing *g, struct place *place, size_t at, unsigned depth)
{
    const struct component *part = &g->parts[at];
    sshio_logger *logger = g->side->is_remote ? g->sftp->logger : log_base();
    int rc = list_place(g, place);
    for (size_t i = 0; rc == 0 && i < place->names.count; i++) {
        const sshio_sftp_name *entry = place->names.items[i];
        bool matches = part->any || glob_match(part->text, entry->filename);
        if (matches && path_entry_is_taken(entry->filename, logger))
            rc = expand_entry(g, place->path, at, entry, depth);
        if (rc == 0)
            rc = take_turns(g);
    }
    return rc;
}

static int expand(struct globbing *g, const char *base, size_t at, unsigned depth)
{
    facts dir = { .struct_size = sizeof dir, .type = SSHIO_FILEXFER_TYPE_DIRECTORY };
    int rc = 0;
    if (depth > DEPTH_MAX || at == g->count)
        return 0;
    struct place *place = place_of(g, base);
    if (place == NULL)
        return SSHIO_ENOMEM;
    if (!begin(place, at))
        return 0;
    const struct component *part = &g->parts[at];
    if (!part->magic)
        return expand_plain(g, base, at, depth);
    if (part->any && at + 1 < g->count)
        rc = expand(g, base, at + 1, depth + 1); /* no directory at all */
    else if (part->any && base[0] != '\0')
        rc = found(g, base, &dir, NULL);
    return rc == 0 ? expand_listing(g, place, at, depth) : rc;
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
            bool again = part.any && g->count != 0 && g->parts[g->count - 1].any; /* which says nothing new */
            g->count -= again;
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
        tdestroy(g->places, free_place);
    mem_free(g);
    mem_free(text);
    return rc == 0 && !matched ? no_match(side, s, pattern) : rc;
}
