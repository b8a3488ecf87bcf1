/* What is done to names; see model.h. */
#include "sftp/model.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RENAME_IS_NEW 1u /* RENAME_NOREPLACE */
#define CLEAN_TEXTS 6u   /* the first ones of those that links get */

/* ---- directories ---- */

static void act_mkdir(struct model *m)
{
    struct paths p;
    sshio_sftp_attrs attrs = { .struct_size = sizeof attrs,
                               .valid = SSHIO_FILEXFER_ATTR_PERMISSIONS,
                               .permissions = 0700 | model_roll(m, 0100) };
    bool given = model_one_in(m, 2);
    model_pick(m, &p);
    model_note(m, "mkdir %s %o", p.mine, given ? attrs.permissions : 0777);
    int rc = sshio_sftp_mkdir(m->sftp, p.mine, given ? &attrs : NULL);
    model_expect_os(m, rc, mkdir(p.twin, given ? attrs.permissions : 0777));
}

static void act_rmdir(struct model *m)
{
    struct paths p;
    model_pick(m, &p);
    model_note(m, "rmdir %s", p.mine);
    int rc = sshio_sftp_rmdir(m->sftp, p.mine);
    model_expect_os(m, rc, rmdir(p.twin));
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

static void act_rmtree(struct model *m)
{
    struct paths p;
    struct stat st;
    model_pick(m, &p);
    if (lstat(p.twin, &st) != 0 || !S_ISDIR(st.st_mode))
        return;
    model_note(m, "rmtree %s", p.mine);
    int rc = sshio_sftp_rmtree(m->sftp, p.mine, false, NULL, NULL);
    model_expect_os(m, rc, nftw(p.twin, remove_entry, 8, FTW_DEPTH | FTW_PHYS));
}

static unsigned count_entries(const char *path)
{
    unsigned count = 0;
    DIR *dir = opendir(path);
    while (dir != NULL && readdir(dir) != NULL)
        count++;
    if (dir != NULL)
        closedir(dir);
    return count;
}

static void check_entries(struct model *m, const char *twin, const sshio_sftp_names *names)
{
    model_check(m, names->count == count_entries(twin), "as many entries");
    for (size_t i = 0; i < names->count; i++) {
        char path[2 * TWIN_PATH];
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", twin, names->items[i]->filename);
        model_check(m, lstat(path, &st) == 0, "an entry is there");
        model_check_attrs(m, &names->items[i]->attrs, &st);
    }
}

static void act_readdir(struct model *m)
{
    struct paths p;
    sshio_sftp_names names = { 0, NULL };
    model_pick(m, &p);
    model_note(m, "readdir %s", p.mine);
    int rc = sshio_sftp_readdir(m->sftp, p.mine, &names);
    DIR *dir = opendir(p.twin);
    model_expect_os(m, rc, dir != NULL ? 0 : -1);
    if (rc == 0)
        check_entries(m, p.twin, &names);
    if (dir != NULL)
        closedir(dir);
    sshio_sftp_names_free(&names);
}

/* ---- names ---- */

static void act_remove(struct model *m)
{
    struct paths p;
    model_pick(m, &p);
    model_note(m, "remove %s", p.mine);
    int rc = sshio_sftp_remove(m->sftp, p.mine);
    model_expect_os(m, rc, unlink(p.twin));
}

static void act_rename(struct model *m)
{
    struct paths from, to;
    model_pick(m, &from);
    model_pick(m, &to);
    model_note(m, "rename %s %s", from.mine, to.mine);
    int rc = sshio_sftp_rename(m->sftp, from.mine, to.mine, 0);
    model_expect_of_two(m, rc, (int)syscall(SYS_renameat2, AT_FDCWD, from.twin, AT_FDCWD, to.twin, RENAME_IS_NEW));
}

static void act_rename_over(struct model *m)
{
    struct paths from, to;
    model_pick(m, &from);
    model_pick(m, &to);
    uint32_t flags = model_roll(m, 8);
    model_note(m, "rename %s %s over what is there, %u", from.mine, to.mine, (unsigned)flags);
    int rc = flags == 0 ? sshio_sftp_posix_rename(m->sftp, from.mine, to.mine)
                        : sshio_sftp_rename(m->sftp, from.mine, to.mine, flags);
    model_expect_of_two(m, rc, rename(from.twin, to.twin));
}

/* ---- links ---- */

/* Relative texts lead on from where the link is, at most one directory up; below a root never up. Absolute ones are
 * stored there as the paths that they are, cleaned. */
static void roll_text(struct model *m, struct paths *text)
{
    static const char *const names[] = { "a", "b", "c", "a/b", "b/c", "missing", "./c", "a//a" };
    bool absolute = model_one_in(m, 3), up = !absolute && !m->rooted && model_one_in(m, 3);
    const char *name = names[model_roll(m, absolute ? CLEAN_TEXTS : sizeof names / sizeof names[0])];
    snprintf(text->mine, sizeof text->mine, "%s%s%s", absolute ? model_mine(m) : "",
             absolute ? "/"
             : up     ? "../"
                      : "",
             name);
    snprintf(text->twin, sizeof text->twin, "%s%s%s", absolute ? m->twin : "", absolute ? "/" : up ? "../" : "", name);
}

static void act_symlink(struct model *m)
{
    struct paths p, text;
    model_pick(m, &p);
    roll_text(m, &text);
    model_note(m, "symlink %s, which says %s", p.mine, text.mine);
    int rc = sshio_sftp_symlink(m->sftp, text.mine, p.mine);
    model_expect_os(m, rc, symlink(text.twin, p.twin));
}

static bool is_link(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

/* Below a root links get no second name. */
static void act_link(struct model *m)
{
    struct paths from, to;
    model_pick(m, &from);
    model_pick(m, &to);
    if (m->rooted && is_link(from.twin))
        return;
    model_note(m, "link %s %s", from.mine, to.mine);
    int rc = sshio_sftp_link(m->sftp, from.mine, to.mine);
    model_expect_of_two(m, rc, link(from.twin, to.twin));
}

/* A text of ours, as if the folder were the root. */
static const char *below(const char *front, const char *text)
{
    size_t len = strlen(front);
    if (strncmp(text, front, len) == 0 && (text[len] == '/' || text[len] == '\0'))
        text += len;
    return text[0] != '\0' ? text : "/";
}

static void check_text(struct model *m, const char *mine, const char *twin)
{
    model_check(m, strcmp(below(model_mine(m), mine), below(m->twin, twin)) == 0, "the same text");
}

static void act_readlink(struct model *m)
{
    struct paths p;
    char *text = NULL, twin[TWIN_PATH] = "";
    model_pick(m, &p);
    model_note(m, "readlink %s", p.mine);
    int rc = sshio_sftp_readlink(m->sftp, p.mine, &text);
    model_expect_os(m, rc, readlink(p.twin, twin, sizeof twin - 1) >= 0 ? 0 : -1);
    if (rc == 0)
        check_text(m, text, twin);
    sshio_free(text);
}

/* Of what is not there the path is told all the same. What a link led out to, where it may, is no matter. */
static void act_realpath(struct model *m)
{
    struct paths p;
    char *text = NULL, twin[PATH_MAX];
    model_pick(m, &p);
    if (realpath(p.twin, twin) == NULL)
        return;
    model_note(m, "realpath %s", p.mine);
    model_expect(m, sshio_sftp_realpath(m->sftp, p.mine, &text), 0);
    if (strncmp(twin, m->twin, strlen(m->twin)) == 0)
        check_text(m, text, twin);
    sshio_free(text);
}

/* ---- attributes ---- */

static void act_stat(struct model *m)
{
    struct paths p;
    struct stat st;
    sshio_sftp_attrs *attrs = NULL;
    bool follow = model_one_in(m, 2);
    model_pick(m, &p);
    model_note(m, "%s %s", follow ? "stat" : "lstat", p.mine);
    int rc = follow ? sshio_sftp_stat(m->sftp, p.mine, &attrs) : sshio_sftp_lstat(m->sftp, p.mine, &attrs);
    model_expect_os(m, rc, follow ? stat(p.twin, &st) : lstat(p.twin, &st));
    if (rc == 0)
        model_check_attrs(m, attrs, &st);
    sshio_sftp_attrs_free(attrs);
}

static int set_twin(const struct model *m, const char *path, const sshio_sftp_attrs *a, int flags)
{
    struct timespec times[2];
    model_times(m, a, times);
    if ((a->valid & SSHIO_FILEXFER_ATTR_SIZE) != 0 && truncate(path, (off_t)a->size) != 0)
        return -1;
    if ((a->valid & SSHIO_FILEXFER_ATTR_PERMISSIONS) != 0 && chmod(path, a->permissions) != 0)
        return -1;
    return utimensat(AT_FDCWD, path, times, flags);
}

static void roll_change(struct model *m, const char *what, struct paths *p, sshio_sftp_attrs *attrs)
{
    model_pick(m, p);
    model_roll_attrs(m, attrs);
    model_note(m, "%s %s: %x, size %u, mode %o", what, p->mine, (unsigned)attrs->valid, (unsigned)attrs->size,
               attrs->permissions);
}

static void act_setstat(struct model *m)
{
    struct paths p;
    sshio_sftp_attrs attrs;
    roll_change(m, "setstat", &p, &attrs);
    int rc = sshio_sftp_setstat(m->sftp, p.mine, &attrs, SSHIO_YES);
    model_expect_os(m, rc, set_twin(m, p.twin, &attrs, 0));
}

/* A link has times, and permissions that nobody can set; a size it has not. */
static void act_lsetstat(struct model *m)
{
    struct paths p;
    sshio_sftp_attrs attrs;
    roll_change(m, "lsetstat", &p, &attrs);
    int rc = sshio_sftp_setstat(m->sftp, p.mine, &attrs, SSHIO_NO);
    if (is_link(p.twin) && (attrs.valid & SSHIO_FILEXFER_ATTR_SIZE) != 0) {
        model_expect(m, rc, twin_error(EINVAL, m->version));
        return;
    }
    if (is_link(p.twin))
        attrs.valid &= ~(uint32_t)SSHIO_FILEXFER_ATTR_PERMISSIONS;
    model_expect_os(m, rc, set_twin(m, p.twin, &attrs, AT_SYMLINK_NOFOLLOW));
}

static void act_truncate(struct model *m)
{
    struct paths p;
    uint32_t size = model_roll(m, 300000);
    model_pick(m, &p);
    model_note(m, "truncate %s %u", p.mine, (unsigned)size);
    int rc = sshio_sftp_truncate(m->sftp, p.mine, size);
    model_expect_os(m, rc, truncate(p.twin, size));
}

static void act_questions(struct model *m)
{
    struct paths p;
    struct stat st;
    bool there, dir, file, link;
    model_pick(m, &p);
    model_note(m, "questions about %s", p.mine);
    int rc = stat(p.twin, &st);
    if (rc != 0 && errno != ENOENT && errno != ENOTDIR)
        return;
    model_expect(m, sshio_sftp_exists(m->sftp, p.mine, &there), 0);
    model_expect(m, sshio_sftp_isdir(m->sftp, p.mine, &dir), 0);
    model_expect(m, sshio_sftp_isfile(m->sftp, p.mine, &file), 0);
    model_expect(m, sshio_sftp_islink(m->sftp, p.mine, &link), 0);
    model_check(m, there == (rc == 0), "exists");
    model_check(m, dir == (rc == 0 && S_ISDIR(st.st_mode)), "isdir");
    model_check(m, file == (rc == 0 && S_ISREG(st.st_mode)), "isfile");
    model_check(m, link == is_link(p.twin), "islink");
}

const struct model_row model_names[] = {
    { act_mkdir, 14 },  { act_rmdir, 2 },    { act_rmtree, 1 },      { act_readdir, 4 },
    { act_remove, 2 },  { act_rename, 4 },   { act_rename_over, 3 }, { act_symlink, 5 },
    { act_link, 4 },    { act_readlink, 3 }, { act_realpath, 3 },    { act_stat, 5 },
    { act_setstat, 4 }, { act_lsetstat, 3 }, { act_truncate, 2 },    { act_questions, 2 },
    { NULL, 0 },
};
