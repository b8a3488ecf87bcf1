/* Patterns of paths. The first line is a pattern; each that follows is an entry of a small tree: a letter for the
 * folder that it is in ("a" is the top, "b" the first entry …), one for its type (d, f, or u for a folder that a
 * listing says nothing of), and its name, which may be any bytes. What a pattern matches, and what is found in the
 * tree, is computed here once more in the plainest way. */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "io/last_error.h"
#include "sftp/attrs.h"
#include "sftp/glob.h"
#include "sftp/path.h"

enum { INPUT_MAX = 1024, NODES_MAX = 26, PARTS_MAX = 20 };

/* ---- one component ---- */

struct chars {
    uint32_t at[INPUT_MAX + 1];
    size_t count;
};

static void split_chars(const char *text, bool utf8, struct chars *chars)
{
    struct span rest = span_of(text);
    chars->count = 0;
    while (rest.len != 0) {
        uint32_t c = rest.data[0];
        size_t len = utf8 ? utf8_char(rest, &c) : 1;
        chars->at[chars->count++] = c;
        rest = SPAN(rest.data + len, rest.len - len);
    }
    chars->at[chars->count] = 0;
}

/* Where the set that begins at this bracket ends, behind its closing one; 0 = nowhere. */
static size_t end_of_set(const struct chars *p, size_t at)
{
    size_t first = at + 1 + (p->at[at + 1] == '!');
    for (size_t i = first; i < p->count; i++) {
        if (p->at[i] == ']' && i != first)
            return i + 1;
        if (i + 2 < p->count && p->at[i + 1] == '-' && p->at[i + 2] != ']')
            i += 2;
    }
    return 0;
}

static bool is_in_set(const struct chars *p, size_t at, size_t end, uint32_t c)
{
    bool negated = p->at[at + 1] == '!', found = false;
    for (size_t i = at + 1 + negated; i + 1 < end; i++) {
        bool is_range = i + 2 < p->count && p->at[i + 1] == '-' && p->at[i + 2] != ']';
        found |= p->at[i] <= c && c <= p->at[i + (is_range ? 2 : 0)];
        i += is_range ? 2 : 0;
    }
    return found != negated;
}

/* After each element of the pattern: at which places of the name one may be. */
static bool matches_plainly(const char *pattern, const char *name)
{
    static struct chars p, n;
    static bool places[INPUT_MAX + 2], next[INPUT_MAX + 2];
    bool utf8 = utf8_valid(span_of(pattern)) && utf8_valid(span_of(name));
    split_chars(pattern, utf8, &p);
    split_chars(name, utf8, &n);
    memset(places, 0, sizeof places);
    places[0] = true;
    for (size_t at = 0, end; at < p.count; at = end) {
        size_t set = p.at[at] == '[' ? end_of_set(&p, at) : 0;
        end = set != 0 ? set : at + 1;
        memset(next, 0, sizeof next);
        for (size_t i = 0; i <= n.count; i++) {
            if (p.at[at] == '*')
                next[i] = places[i] || (i != 0 && next[i - 1]);
            else if (places[i] && i < n.count)
                next[i + 1] = set != 0 ? is_in_set(&p, at, end, n.at[i]) : p.at[at] == '?' || p.at[at] == n.at[i];
        }
        memcpy(places, next, sizeof places);
    }
    return places[n.count];
}

/* ---- the tree ---- */

struct node {
    size_t parent;
    char type;
    const char *name;
};
static struct node nodes[NODES_MAX];
static size_t node_count;

static bool is_dir(size_t node)
{
    return nodes[node].type != 'f';
}

static size_t child_called(size_t parent, const char *name, size_t len)
{
    for (size_t i = 1; i < node_count; i++)
        if (nodes[i].parent == parent && strlen(nodes[i].name) == len && memcmp(nodes[i].name, name, len) == 0)
            return i;
    return NODES_MAX;
}

/* NODES_MAX = it is not there. */
static size_t node_at(const char *path)
{
    size_t node = 0;
    while (*path != '\0' && node != NODES_MAX) {
        size_t len = strcspn(path, "/");
        if (len != 0)
            node = is_dir(node) ? child_called(node, path, len) : NODES_MAX;
        path += len + (path[len] == '/');
    }
    return node;
}

static int missing(void)
{
    return error_set_reason(last_error(), SSHIO_ESFTP_NO_SUCH_FILE, SSHIO_FX_NO_SUCH_FILE, "no such file");
}

static sshio_filexfer_type type_of(size_t node)
{
    return is_dir(node) ? SSHIO_FILEXFER_TYPE_DIRECTORY : SSHIO_FILEXFER_TYPE_REGULAR;
}

static int stat_tree(sshio_sftp *s, const char *path, bool follow, facts *found)
{
    size_t node = node_at(path);
    (void)s, (void)follow;
    if (node == NODES_MAX)
        return missing();
    *found = (facts){ .struct_size = sizeof *found, .type = type_of(node) };
    return 0;
}

static int list_tree(sshio_sftp *s, const char *path, struct name_list *list)
{
    size_t node = node_at(strcmp(path, ".") == 0 ? "" : path);
    (void)s;
    *list = (struct name_list){ .count = 0 };
    if (node == NODES_MAX || !is_dir(node))
        return missing();
    for (size_t i = 1; i < node_count; i++) {
        sshio_sftp_attrs attrs = { .struct_size = sizeof attrs, .type = type_of(i) };
        struct attrs_wire wire;
        if (nodes[i].parent != node)
            continue;
        if (nodes[i].type == 'u')
            attrs.type = SSHIO_FILEXFER_TYPE_UNKNOWN;
        attrs_to_wire(&attrs, &wire);
        must(name_list_add(list, name_new(span_of(nodes[i].name), SPAN("", 0), &wire), last_error()) == 0);
    }
    return 0;
}

static const struct side tree = { .stat = stat_tree, .list = list_tree };

static void add_node(const char *line)
{
    size_t parent = (size_t)(line[0] - 'a');
    if (node_count == NODES_MAX || parent >= node_count || !is_dir(parent) || strchr("dfu", line[1]) == NULL ||
        child_called(parent, line + 2, strlen(line + 2)) != NODES_MAX)
        return;
    nodes[node_count++] = (struct node){ parent, line[1], line + 2 };
}

/* ---- what is to be found ---- */

static struct {
    char *parts[PARTS_MAX];
    size_t count;
    bool only_dirs;
    bool seen[PARTS_MAX][NODES_MAX], expected[NODES_MAX];
} plan;

static void expect(size_t node)
{
    plan.expected[node] |= !plan.only_dirs || is_dir(node);
}

static void look(size_t part, size_t node, bool is_named);

static void look_plainly(size_t part, size_t node)
{
    for (; part < plan.count && !glob_is_pattern(plan.parts[part], strlen(plan.parts[part])); part++) {
        node = is_dir(node) ? child_called(node, plan.parts[part], strlen(plan.parts[part])) : NODES_MAX;
        if (node == NODES_MAX)
            return;
    }
    if (part == plan.count)
        expect(node);
    else if (is_dir(node))
        look(part, node, true);
}

/* is_named: the folder has a name by itself, and is not just where a relative pattern begins. */
static void look(size_t part, size_t node, bool is_named)
{
    const char *text = plan.parts[part];
    bool any = strcmp(text, "**") == 0, last = part + 1 == plan.count;
    if (plan.seen[part][node])
        return;
    plan.seen[part][node] = true;
    if (!glob_is_pattern(text, strlen(text))) {
        look_plainly(part, node);
        return;
    }
    if (any && !last)
        look(part + 1, node, is_named);
    if (any && last && is_named)
        expect(node);
    for (size_t i = 1; i < node_count; i++) {
        if (nodes[i].parent != node || !path_name_is_safe(nodes[i].name) || (!any && !glob_match(text, nodes[i].name)))
            continue;
        if (last)
            expect(i);
        if (is_dir(i) && (any || !last))
            look(any ? part : part + 1, i, true);
    }
}

/* False = of more components than are tried here. */
static bool make_plan(char *pattern)
{
    memset(&plan, 0, sizeof plan);
    for (char *at = pattern; *at != '\0';) {
        size_t len = strcspn(at, "/");
        plan.only_dirs = at[len] == '/';
        if (len != 0 && plan.count == PARTS_MAX)
            return false;
        if (len != 0)
            plan.parts[plan.count++] = at;
        at += len;
        if (*at == '/')
            *at++ = '\0';
    }
    return true;
}

static void check_found(const char *pattern, const struct glob_list *list, bool only_dirs)
{
    bool found[NODES_MAX] = { false };
    for (size_t i = 0; i < list->count; i++) {
        const char *path = list->items[i].path;
        size_t node = node_at(path);
        must(node != NODES_MAX && !found[node] && plan.expected[node]);
        must((path[0] == '/') == (pattern[0] == '/') && list->items[i].attrs.type == type_of(node));
        must(!only_dirs || path[strlen(path) - 1] == '/');
        found[node] = true;
    }
    must(memcmp(found, plan.expected, sizeof found) == 0);
}

static void find(const char *pattern)
{
    struct glob_list list = { .count = 0 };
    char *copy = mem_strdup(pattern);
    if (make_plan(copy)) {
        if (plan.count != 0)
            look(0, 0, pattern[0] == '/');
        else if (pattern[0] != '\0')
            expect(0);
        int rc = glob_expand(&tree, NULL, pattern, &list);
        must((rc == 0) == (list.count != 0 || pattern[0] == '\0'));
        check_found(pattern, &list, plan.only_dirs);
        glob_list_done(&list);
    }
    mem_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = size <= INPUT_MAX ? span_dup_text(SPAN(data, size)) : NULL;
    if (text == NULL)
        return 0;
    sshio_set_log_level(SSHIO_LOG_ERROR); /* there are warnings of unsafe names */
    char *rest = strchr(text, '\n');
    nodes[0] = (struct node){ .type = 'd', .name = "" };
    node_count = 1;
    if (rest != NULL)
        *rest++ = '\0';
    for (char *line = rest, *end; line != NULL; line = end) {
        end = strchr(line, '\n');
        if (end != NULL)
            *end++ = '\0';
        must(glob_match(text, line) == matches_plainly(text, line));
        if (strlen(line) >= 2)
            add_node(line);
    }
    find(text);
    mem_free(text);
    return 0;
}
