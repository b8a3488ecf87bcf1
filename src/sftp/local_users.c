/* Names of users and groups, and the lines of ls -l; see local.h. Names are remembered: asking the system reads a file,
 * or asks a server, each time. */
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/attrs.h"
#include "sftp/local.h"

#define RECORD_SIZE (16u * 1024) /* of a user or a group with its members */
#define HALF_A_YEAR (365 * 86400 / 2)

typedef bool (*name_fn)(uint32_t number, char *memory, char *name, size_t size);

static bool ask_user(uint32_t uid, char *memory, char *name, size_t size)
{
    struct passwd pw, *found = NULL;
    if (getpwuid_r(uid, &pw, memory, RECORD_SIZE, &found) != 0 || found == NULL)
        return false;
    return (size_t)snprintf(name, size, "%s", pw.pw_name) < size;
}

static bool ask_group(uint32_t gid, char *memory, char *name, size_t size)
{
    struct group gr, *found = NULL;
    if (getgrgid_r(gid, &gr, memory, RECORD_SIZE, &found) != 0 || found == NULL)
        return false;
    return (size_t)snprintf(name, size, "%s", gr.gr_name) < size;
}

static void find_name(uint32_t number, name_fn ask, char *name, size_t size)
{
    char *memory = mem_alloc(RECORD_SIZE);
    if (memory == NULL || !ask(number, memory, name, size))
        snprintf(name, size, "%" PRIu32, number);
    mem_free(memory);
}

static void remembered_name(struct local *local, struct local_owner *rows, uint32_t number, name_fn ask, char *name,
                            size_t size)
{
    struct local_owner *row = &rows[number % LOCAL_NAMES];
    pthread_mutex_lock(&local->lock);
    bool known = row->used && row->number == number;
    if (known)
        snprintf(name, size, "%s", row->name);
    pthread_mutex_unlock(&local->lock);
    if (known)
        return;
    find_name(number, ask, name, size);
    pthread_mutex_lock(&local->lock);
    row->used = (size_t)snprintf(row->name, sizeof row->name, "%s", name) < sizeof row->name;
    row->number = number;
    pthread_mutex_unlock(&local->lock);
}

void local_user_name(struct local *local, uint32_t uid, char *name, size_t size)
{
    remembered_name(local, local->users, uid, ask_user, name, size);
}

void local_group_name(struct local *local, uint32_t gid, char *name, size_t size)
{
    remembered_name(local, local->groups, gid, ask_group, name, size);
}

/* ---- from names to numbers ---- */

static bool parse_number(const char *name, uint32_t *number)
{
    char *end;
    if (name[0] < '0' || name[0] > '9')
        return false;
    errno = 0;
    unsigned long long value = strtoull(name, &end, 10);
    if (errno != 0 || *end != '\0' || value >= UINT32_MAX)
        return false;
    *number = (uint32_t)value;
    return true;
}

bool local_find_user(const char *name, uint32_t *uid)
{
    struct passwd pw, *found = NULL;
    char *memory = mem_alloc(RECORD_SIZE);
    bool known = memory != NULL && getpwnam_r(name, &pw, memory, RECORD_SIZE, &found) == 0 && found != NULL;
    if (known)
        *uid = pw.pw_uid;
    mem_free(memory);
    return known || parse_number(name, uid);
}

bool local_find_group(const char *name, uint32_t *gid)
{
    struct group gr, *found = NULL;
    char *memory = mem_alloc(RECORD_SIZE);
    bool known = memory != NULL && getgrnam_r(name, &gr, memory, RECORD_SIZE, &found) == 0 && found != NULL;
    if (known)
        *gid = gr.gr_gid;
    mem_free(memory);
    return known || parse_number(name, gid);
}

/* ---- ls -l ---- */

static char type_letter(sshio_filexfer_type type)
{
    static const char letters[] = "?-dl??scbp";
    return type < sizeof letters - 1 ? letters[type] : '?';
}

static char last_letter(uint32_t mode, uint32_t special, uint32_t execute, char with, char without)
{
    if ((mode & special) != 0)
        return (mode & execute) != 0 ? with : without;
    return (mode & execute) != 0 ? 'x' : '-';
}

static void format_mode(const sshio_sftp_attrs *a, char text[11])
{
    static const char rwx[] = "rwxrwxrwx";
    uint32_t mode = a->permissions;
    if ((a->valid & SSHIO_FILEXFER_ATTR_PERMISSIONS) == 0) {
        text[0] = '\0';
        return;
    }
    text[0] = type_letter(a->type);
    for (int i = 0; i < 9; i++)
        text[1 + i] = (mode >> (8 - i) & 1) != 0 ? rwx[i] : '-';
    text[3] = last_letter(mode, 04000, 0100, 's', 'S');
    text[6] = last_letter(mode, 02000, 0010, 's', 'S');
    text[9] = last_letter(mode, 01000, 0001, 't', 'T');
    text[10] = '\0';
}

/* The C locale's names whatever the program's locale is; this host's time. */
static void format_date(int64_t seconds, int64_t now, char *text, size_t size)
{
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    time_t at = seconds;
    struct tm tm;
    text[0] = '\0';
    if (localtime_r(&at, &tm) == NULL)
        return;
    if (seconds <= now && now - seconds < HALF_A_YEAR)
        snprintf(text, size, "%s %2d %02d:%02d", months[tm.tm_mon], tm.tm_mday, tm.tm_hour, tm.tm_min);
    else
        snprintf(text, size, "%s %2d  %d", months[tm.tm_mon], tm.tm_mday, tm.tm_year + 1900);
}

int local_longname(const sshio_sftp_name *name, const char *user, const char *group, int64_t now, char **line)
{
    const sshio_sftp_attrs *a = &name->attrs;
    char mode[11], links[16] = "", bytes[24] = "", date[32] = "";
    format_mode(a, mode);
    if ((a->valid & SSHIO_FILEXFER_ATTR_LINK_COUNT) != 0 && a->nlink != 0)
        snprintf(links, sizeof links, "%" PRIu32, a->nlink);
    if ((a->valid & SSHIO_FILEXFER_ATTR_SIZE) != 0)
        snprintf(bytes, sizeof bytes, "%" PRIu64, a->size);
    if ((a->valid & SSHIO_FILEXFER_ATTR_MODIFYTIME) != 0)
        format_date(a->mtime, now, date, sizeof date);
    size_t size = 80 + strlen(user) + strlen(group) + strlen(name->filename);
    char *text = mem_alloc(size);
    if (text == NULL)
        return fail_nomem();
    snprintf(text, size, "%-10s %4s %-8s %-8s %8s %-12s %s", mode, links, user, group, bytes, date, name->filename);
    *line = text;
    return 0;
}
