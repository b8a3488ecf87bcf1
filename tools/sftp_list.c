/* ls and df of sftp; see sftp.h. Lines of ls -l are made here, of attributes; names of users and groups come from the
 * lines that a server of version 3 makes itself. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sftp.h"
#include "talk.h"
#include "terminal.h"

#define HALF_A_YEAR (365 * 24 * 60 * 60 / 2)
#define NAMES_MAX 256 /* of users and groups that are remembered while a list is made */
#define NAME_SIZE 64
#define LINE_SIZE 4096

struct owner {
    bool is_group;
    uint32_t id;
    char name[NAME_SIZE];
};

struct listing {
    struct sftp *sftp;
    const struct call *call;
    size_t owner_count;
    struct owner owners[NAMES_MAX];
};

/* ---- names of users and groups ---- */

static const char *owner_of(const struct listing *l, bool is_group, uint32_t id)
{
    for (size_t i = 0; i < l->owner_count; i++)
        if (l->owners[i].is_group == is_group && l->owners[i].id == id)
            return l->owners[i].name;
    return NULL;
}

static void learn(struct listing *l, bool is_group, uint32_t id, const char *name, size_t len)
{
    if (l->owner_count == NAMES_MAX || len == 0 || len >= NAME_SIZE || owner_of(l, is_group, id) != NULL)
        return;
    struct owner *owner = &l->owners[l->owner_count++];
    owner->is_group = is_group;
    owner->id = id;
    memcpy(owner->name, name, len);
    owner->name[len] = '\0';
}

/* "-rw-r--r--    1 user     group  …": the third and the fourth word. */
static void learn_from(struct listing *l, const sshio_sftp_name *name)
{
    const char *at = name->longname;

    if (at == NULL || (name->attrs.valid & SSHIO_FILEXFER_ATTR_UIDGID) == 0)
        return;
    for (int word = 0; word < 4; word++) {
        at += strspn(at, " ");
        size_t len = strcspn(at, " ");
        if (word >= 2)
            learn(l, word == 3, word == 3 ? name->attrs.gid : name->attrs.uid, at, len);
        at += len;
    }
}

static void learn_folder(struct listing *l, const char *folder)
{
    sshio_sftp_dir *dir = NULL;
    const sshio_sftp_name *name;

    if (sshio_sftp_scandir(l->sftp->sftp, folder, &dir) != 0)
        return;
    while (sshio_sftp_dir_next(dir, &name) == 0)
        learn_from(l, name);
    sshio_sftp_dir_close(dir);
}

/* ---- a line ---- */

static char type_of(const sshio_sftp_attrs *a)
{
    static const struct {
        uint32_t bits;
        char letter;
    } rows[] = { { S_IFREG, '-' }, { S_IFDIR, 'd' }, { S_IFLNK, 'l' }, { S_IFSOCK, 's' },
                 { S_IFCHR, 'c' }, { S_IFBLK, 'b' }, { S_IFIFO, 'p' } };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if ((a->permissions & S_IFMT) == rows[i].bits)
            return rows[i].letter;
    return a->type == SSHIO_FILEXFER_TYPE_DIRECTORY ? 'd'
           : a->type == SSHIO_FILEXFER_TYPE_SYMLINK ? 'l'
           : a->type == SSHIO_FILEXFER_TYPE_REGULAR ? '-'
                                                    : '?';
}

static void put_special(char *place, bool is_set, char letter)
{
    if (is_set)
        *place = *place == 'x' ? letter : (char)(letter - 'a' + 'A');
}

static void format_mode(const sshio_sftp_attrs *a, char text[12])
{
    text[0] = type_of(a);
    for (int i = 0; i < 9; i++)
        text[1 + i] = (a->permissions & (0400u >> i)) != 0 ? "rwx"[i % 3] : '-';
    put_special(&text[3], (a->permissions & S_ISUID) != 0, 's');
    put_special(&text[6], (a->permissions & S_ISGID) != 0, 's');
    put_special(&text[9], (a->permissions & S_ISVTX) != 0, 't');
    text[10] = ' ';
    text[11] = '\0';
}

static void format_owner(const struct listing *l, const sshio_sftp_attrs *a, bool is_group, char text[NAME_SIZE])
{
    const char *told = is_group ? a->group : a->owner;
    const char *known = owner_of(l, is_group, is_group ? a->gid : a->uid);

    if ((a->valid & SSHIO_FILEXFER_ATTR_OWNERGROUP) != 0 && told != NULL)
        snprintf(text, NAME_SIZE, "%s", told);
    else if (known != NULL && !call_has(l->call, 'n'))
        snprintf(text, NAME_SIZE, "%s", known);
    else
        snprintf(text, NAME_SIZE, "%" PRIu32, is_group ? a->gid : a->uid);
}

static void format_time(int64_t when, char *text, size_t size)
{
    time_t t = (time_t)when;
    struct tm tm;
    if (localtime_r(&t, &tm) == NULL ||
        strftime(text, size, time(NULL) - t < HALF_A_YEAR ? "%b %e %H:%M" : "%b %e  %Y", &tm) == 0)
        snprintf(text, size, "?");
}

static void print_name(const char *name)
{
    char shown[LINE_SIZE];
    talk_escape(name, shown, sizeof shown);
    fputs(shown, stdout);
}

static void print_long(const struct listing *l, const char *name, const sshio_sftp_attrs *a)
{
    char mode[12], user[NAME_SIZE], group[NAME_SIZE], size[32], when[64] = "", links[16] = "?";

    format_mode(a, mode);
    format_owner(l, a, false, user);
    format_owner(l, a, true, group);
    format_time(a->mtime, when, sizeof when);
    if (call_has(l->call, 'h'))
        meter_format_size(size, sizeof size, a->size);
    else
        snprintf(size, sizeof size, "%" PRIu64, a->size);
    if ((a->valid & SSHIO_FILEXFER_ATTR_LINK_COUNT) != 0)
        snprintf(links, sizeof links, "%" PRIu32, a->nlink);
    printf("%s %3s %-8s %-8s %8s %s ", mode, links, user, group, size, when);
    print_name(name);
    putchar('\n');
}

/* ---- many of them ---- */

static bool is_long(const struct listing *l)
{
    return call_has(l->call, 'l') || call_has(l->call, 'n');
}

static int compare(const void *a, const void *b, void *arg)
{
    const sshio_sftp_name *x = *(sshio_sftp_name *const *)a, *y = *(sshio_sftp_name *const *)b;
    const struct call *call = arg;
    int order;

    if (call_has(call, 't'))
        order = (x->attrs.mtime < y->attrs.mtime) - (x->attrs.mtime > y->attrs.mtime);
    else if (call_has(call, 'S'))
        order = (x->attrs.size < y->attrs.size) - (x->attrs.size > y->attrs.size);
    else
        order = strcmp(x->filename, y->filename);
    return call_has(call, 'r') ? -order : order;
}

static void sort(const struct listing *l, sshio_sftp_names *names)
{
    if (!call_has(l->call, 'f'))
        qsort_r(names->items, names->count, sizeof *names->items, compare, (void *)l->call);
}

static bool is_hidden(const struct listing *l, const sshio_sftp_name *name)
{
    return name->filename[0] == '.' && !call_has(l->call, 'a');
}

struct columns {
    int count, width, at;
};

static struct columns columns_for(const struct listing *l, size_t longest)
{
    int whole = terminal_columns(STDOUT_FILENO), widest = longest < INT16_MAX ? (int)longest : INT16_MAX;
    struct columns c = { .count = call_has(l->call, '1') ? 1 : whole / (widest + 2) };
    if (c.count < 1)
        c.count = 1;
    c.width = whole / c.count < whole ? whole / c.count : whole;
    return c;
}

static void print_short(const struct listing *l, struct columns *c, const char *name)
{
    char shown[LINE_SIZE];

    talk_escape(name, shown, sizeof shown);
    if (call_has(l->call, '1')) {
        puts(shown);
        return;
    }
    printf("%-*s", c->width, shown);
    if (++c->at == c->count) {
        putchar('\n');
        c->at = 0;
    }
}

static void end_columns(const struct columns *c)
{
    if (c->at != 0)
        putchar('\n');
}

/* A path as it is shown: from the working directory on, if it was given so. */
static const char *shown_path(const struct listing *l, const char *path)
{
    const char *base = l->sftp->directory;
    size_t len = strlen(base);
    bool is_relative = l->call->operand_count == 0 || l->call->operands[0].text[0] != '/';

    if (!is_relative || strncmp(path, base, len) != 0)
        return path;
    if (len > 0 && base[len - 1] == '/')
        return path + len;
    return path[len] == '/' ? path + len + 1 : path[len] == '\0' ? path + len : path;
}

/* ---- a directory ---- */

static size_t longest_of(const struct listing *l, const sshio_sftp_names *names)
{
    size_t longest = 0;
    for (size_t i = 0; i < names->count; i++)
        if (!is_hidden(l, names->items[i]) && strlen(names->items[i]->filename) > longest)
            longest = strlen(names->items[i]->filename);
    return longest;
}

static int print_folder(struct listing *l, const char *path, const sshio_sftp_names *names)
{
    const char *prefix = shown_path(l, path);
    struct columns c = columns_for(l, longest_of(l, names) + strlen(prefix));

    for (size_t i = 0; i < names->count && !sshio_cancelled(); i++) {
        if (is_hidden(l, names->items[i]))
            continue;
        char *shown = path_join(prefix, names->items[i]->filename);
        if (shown == NULL)
            return SSHIO_ENOMEM;
        if (is_long(l))
            print_long(l, shown, &names->items[i]->attrs);
        else
            print_short(l, &c, shown);
        free(shown);
    }
    end_columns(&c);
    return 0;
}

static int list_folder(struct listing *l, const char *path)
{
    sshio_sftp_names names = { 0, NULL };
    int rc = sshio_sftp_readdir(l->sftp->sftp, path, &names);

    if (rc != 0) {
        say("remote readdir(\"%s\"): %s", path, remote_reason());
        return rc;
    }
    for (size_t i = 0; is_long(l) && i < names.count; i++)
        learn_from(l, names.items[i]);
    sort(l, &names);
    rc = print_folder(l, path, &names);
    sshio_sftp_names_free(&names);
    return rc;
}

/* ---- what matches a pattern ---- */

/* Directories are marked by a slash. */
static int print_found(struct listing *l, const sshio_sftp_names *names)
{
    struct columns c = columns_for(l, longest_of(l, names));

    for (size_t i = 0; i < names->count && !sshio_cancelled(); i++) {
        const sshio_sftp_name *name = names->items[i];
        const char *path = shown_path(l, name->filename);
        char *shown = name->attrs.type == SSHIO_FILEXFER_TYPE_DIRECTORY ? path_join(path, "") : strdup(path);
        if (shown == NULL)
            return SSHIO_ENOMEM;
        if (is_long(l))
            print_long(l, shown, &name->attrs);
        else
            print_short(l, &c, shown);
        free(shown);
    }
    end_columns(&c);
    return 0;
}

static void learn_parents(struct listing *l, const sshio_sftp_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        const sshio_sftp_attrs *a = &names->items[i]->attrs;
        bool knows = owner_of(l, false, a->uid) != NULL && owner_of(l, true, a->gid) != NULL;
        const char *slash = strrchr(names->items[i]->filename, '/');
        char *folder = slash != NULL && !knows
                           ? strndup(names->items[i]->filename, (size_t)(slash - names->items[i]->filename) + 1)
                           : NULL;
        if (folder != NULL)
            learn_folder(l, folder);
        free(folder);
    }
}

/* What links lead to counts, as for all patterns. */
static void follow_links(const struct listing *l, sshio_sftp_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        sshio_sftp_attrs *attrs = NULL;
        if (sshio_sftp_stat(l->sftp->sftp, names->items[i]->filename, &attrs) != 0)
            continue;
        names->items[i]->attrs.permissions = attrs->permissions;
        names->items[i]->attrs.type = attrs->type;
        names->items[i]->attrs.size = attrs->size;
        names->items[i]->attrs.mtime = attrs->mtime;
        names->items[i]->attrs.uid = attrs->uid;
        names->items[i]->attrs.gid = attrs->gid;
        names->items[i]->attrs.valid |= attrs->valid & ~(uint32_t)SSHIO_FILEXFER_ATTR_OWNERGROUP;
        sshio_sftp_attrs_free(attrs);
    }
}

static int list_found(struct listing *l, sshio_sftp_names *names)
{
    follow_links(l, names);
    if (names->count == 1 && names->items[0]->attrs.type == SSHIO_FILEXFER_TYPE_DIRECTORY)
        return list_folder(l, names->items[0]->filename);
    if (is_long(l) && !call_has(l->call, 'n'))
        learn_parents(l, names);
    sort(l, names);
    return print_found(l, names);
}

static int list_pattern(struct listing *l, const struct word *word)
{
    sshio_sftp_names names = { 0, NULL };
    char *pattern = remote_pattern(l->sftp, word->pattern), *path = remote_path(l->sftp, word->text);
    int rc = pattern != NULL && path != NULL ? sshio_sftp_glob_sftpname(l->sftp->sftp, SSHIO_LIST(pattern), &names)
                                             : SSHIO_ENOMEM;

    if (rc == SSHIO_ESFTP_NO_SUCH_FILE || rc == SSHIO_ESFTP_NO_SUCH_PATH)
        say("Can't ls: \"%s\" not found", path);
    else if (rc != 0 && rc != SSHIO_ECANCELED)
        say("Can't ls: %s", rc == SSHIO_ENOMEM ? "out of memory" : remote_reason());
    else
        rc = list_found(l, &names);
    sshio_sftp_names_free(&names);
    free(pattern);
    free(path);
    return rc;
}

int sftp_ls(struct sftp *sftp, const struct call *call)
{
    struct listing *l = calloc(1, sizeof *l);

    if (l == NULL)
        return SSHIO_ENOMEM;
    l->sftp = sftp;
    l->call = call;
    int rc = call->operand_count > 0 ? list_pattern(l, &call->operands[0]) : list_folder(l, sftp->directory);
    free(l);
    return rc;
}

/* ---- df ---- */

static void format_capacity(char *text, size_t size, uint64_t used, uint64_t all)
{
    if (all == 0)
        snprintf(text, size, "ERR");
    else
        snprintf(text, size, "%3" PRIu64 "%%", 100 * used / all);
}

static void print_inodes(const sshio_sftp_vfs_attrs *a)
{
    char capacity[32];
    format_capacity(capacity, sizeof capacity, a->files - a->ffree, a->files);
    printf("     Inodes        Used       Avail      (root)    %%Capacity\n");
    printf("%11" PRIu64 " %11" PRIu64 " %11" PRIu64 " %11" PRIu64 "         %s\n", a->files, a->files - a->ffree,
           a->favail, a->ffree, capacity);
}

static void print_blocks(const sshio_sftp_vfs_attrs *a, bool with_units)
{
    const uint64_t counts[] = { a->blocks, a->blocks - a->bfree, a->bavail, a->bfree };
    char capacity[32], text[32];

    format_capacity(capacity, sizeof capacity, a->blocks - a->bfree, a->blocks);
    puts(with_units ? "    Size     Used    Avail   (root)    %Capacity"
                    : "        Size         Used        Avail       (root)    %Capacity");
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        meter_format_size(text, sizeof text, counts[i] * a->frsize);
        if (with_units)
            printf("%s%7sB", i != 0 ? " " : "", text);
        else
            printf("%s%12" PRIu64, i != 0 ? " " : "", counts[i] * a->frsize / 1024);
    }
    printf("         %s\n", capacity);
}

int sftp_df(struct sftp *sftp, const struct call *call)
{
    sshio_sftp_vfs_attrs attrs;
    char *path = call->operand_count > 0 ? remote_path(sftp, call->operands[0].text) : strdup(sftp->directory);
    int rc = path != NULL ? sshio_sftp_statvfs(sftp->sftp, path, &attrs) : SSHIO_ENOMEM;

    if (rc == SSHIO_ESFTP_OP_UNSUPPORTED)
        say("Server does not support statvfs@openssh.com extension");
    else if (rc != 0)
        say("remote statvfs: %s", remote_reason());
    else if (call_has(call, 'i'))
        print_inodes(&attrs);
    else
        print_blocks(&attrs, call_has(call, 'h'));
    free(path);
    return rc;
}
