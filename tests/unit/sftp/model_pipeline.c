/* Several operations that are all under way at once, of files and of names: they have the effect of one after the
 * other, in the order in which they were begun, whoever works on them. See model.h. (draft-ietf-secsh-filexfer-13
 * section 4.1)
 */
#include "sftp/model.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIPELINE 8u
#define LEN_MAX 20000u /* of one request each */
#define PLACE_MAX 40000u

enum kind { WRITE_FILE, READ_FILE, CUT_FILE, LOOK_AT_FILE, LOOK_AT_NAME, CUT_NAME, RENAME, REMOVE, MAKE, KINDS };

struct piped {
    struct model *m;
    enum kind kind;
    struct open_pair *pair;
    struct paths path, to;
    uint32_t len, place;
    uint8_t data[LEN_MAX]; /* to be written, or what was read */
    size_t got;
    sshio_sftp_attrs *attrs;
    int rc;
};

static struct piped line[PIPELINE];

/* ---- through the client ---- */

static int ask(void *arg)
{
    struct piped *p = arg;
    sshio_sftp *sftp = p->m->sftp;
    switch (p->kind) {
    case WRITE_FILE:
        return p->rc = sshio_sftp_file_pwrite(p->pair->file, p->data, p->len, p->place);
    case READ_FILE:
        return p->rc = sshio_sftp_file_pread(p->pair->file, p->data, p->len, p->place, &p->got);
    case CUT_FILE:
        return p->rc = sshio_sftp_file_truncate(p->pair->file, p->place);
    case LOOK_AT_FILE:
        return p->rc = sshio_sftp_file_stat(p->pair->file, &p->attrs);
    case LOOK_AT_NAME:
        return p->rc = sshio_sftp_stat(sftp, p->path.mine, &p->attrs);
    case CUT_NAME:
        return p->rc = sshio_sftp_truncate(sftp, p->path.mine, p->place);
    case RENAME:
        return p->rc = sshio_sftp_posix_rename(sftp, p->path.mine, p->to.mine);
    case REMOVE:
        return p->rc = sshio_sftp_remove(sftp, p->path.mine);
    default:
        return p->rc = sshio_sftp_mkdir(sftp, p->path.mine, NULL);
    }
}

/* ---- in the twin ---- */

/* Of a read that met the end the rest was asked for once more, when later ones may have made the file longer. */
static void compare_read(struct model *m, const struct piped *p)
{
    ssize_t n = pread(p->pair->fd, m->data[1], p->len, (off_t)p->place);
    if (n < 0) {
        model_expect_os(m, p->rc, -1);
        return;
    }
    if (n == 0 && p->rc == SSHIO_EEOF)
        return;
    model_expect(m, p->rc, 0);
    model_check(m, n > 0 && p->got >= (size_t)n && memcmp(p->data, m->data[1], (size_t)n) == 0, "the same data");
}

static void compare_look(struct model *m, struct piped *p, int os_rc, const struct stat *st)
{
    model_expect_os(m, p->rc, os_rc);
    if (p->rc == 0)
        model_check_attrs(m, p->attrs, st);
    sshio_sftp_attrs_free(p->attrs);
    p->attrs = NULL;
}

static ssize_t write_twin(const struct piped *p)
{
    return p->pair->appends ? write(p->pair->fd, p->data, p->len)
                            : pwrite(p->pair->fd, p->data, p->len, (off_t)p->place);
}

static void compare(struct model *m, struct piped *p)
{
    struct stat st;
    switch (p->kind) {
    case WRITE_FILE:
        model_expect_os(m, p->rc, write_twin(p) == (ssize_t)p->len ? 0 : -1);
        break;
    case READ_FILE:
        compare_read(m, p);
        break;
    case CUT_FILE:
        model_expect_os(m, p->rc, ftruncate(p->pair->fd, p->place));
        break;
    case LOOK_AT_FILE:
        compare_look(m, p, fstat(p->pair->fd, &st), &st);
        break;
    case LOOK_AT_NAME:
        compare_look(m, p, stat(p->path.twin, &st), &st);
        break;
    case CUT_NAME:
        model_expect_os(m, p->rc, truncate(p->path.twin, p->place));
        break;
    case RENAME:
        model_expect_of_two(m, p->rc, rename(p->path.twin, p->to.twin));
        break;
    case REMOVE:
        model_expect_os(m, p->rc, unlink(p->path.twin));
        break;
    default:
        model_expect_os(m, p->rc, mkdir(p->path.twin, 0777));
    }
}

/* ---- both ---- */

static void roll_piped(struct model *m, struct piped *p)
{
    static const enum kind of_files[] = { WRITE_FILE, READ_FILE, CUT_FILE, LOOK_AT_FILE };
    static const enum kind of_names[] = { LOOK_AT_NAME, CUT_NAME, RENAME, REMOVE, MAKE };
    struct open_pair *pair = &m->files[model_roll(m, MODEL_FILES)];
    bool is_file = pair->file != NULL && !model_one_in(m, 3);
    p->m = m;
    p->pair = pair;
    p->kind = is_file ? of_files[model_roll(m, 4)] : of_names[model_roll(m, 5)];
    p->len = 1 + model_roll(m, LEN_MAX - 1);
    p->place = model_roll(m, PLACE_MAX);
    p->got = 0;
    p->attrs = NULL;
    model_pick(m, &p->path);
    model_pick(m, &p->to);
    memset(p->data, (int)model_roll(m, 256), p->len);
}

/* Which position each has now depends on who ended last. */
static void find_positions(struct model *m)
{
    for (unsigned i = 0; i < MODEL_FILES; i++) {
        struct open_pair *pair = &m->files[i];
        if (pair->file == NULL)
            continue;
        model_expect(m, sshio_sftp_file_seek(pair->file, 0, SEEK_SET, &pair->position), 0);
        pair->has_position = true;
    }
}

static void act_pipeline(struct model *m)
{
    sshio_task *tasks[PIPELINE];
    model_note(m, "%u operations at once", PIPELINE);
    for (unsigned i = 0; i < PIPELINE; i++)
        roll_piped(m, &line[i]);
    for (unsigned i = 0; i < PIPELINE; i++)
        model_expect(m, sshio_spawn(ask, &line[i], &tasks[i]), 0);
    for (unsigned i = 0; i < PIPELINE; i++)
        sshio_join(tasks[i], NULL);
    for (unsigned i = 0; i < PIPELINE; i++) {
        struct piped *p = &line[i];
        model_note(m, "the %uth: kind %d, file %d, %u at %u, %s, %s", i, (int)p->kind, (int)(p->pair - m->files),
                   (unsigned)p->len, (unsigned)p->place, p->path.mine, p->to.mine);
        compare(m, p);
    }
    find_positions(m);
}

const struct model_row model_pipeline[] = { { act_pipeline, 1 }, { NULL, 0 } };
