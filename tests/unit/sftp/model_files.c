/* What is done to open files; see model.h. */
#include "sftp/model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PIECE (256u * 1024) /* of a copy on the server */
#define BURST 8

/* ---- opening and closing ---- */

static struct open_pair *free_pair(struct model *m)
{
    for (unsigned i = 0; i < MODEL_FILES; i++)
        if (m->files[i].file == NULL)
            return &m->files[i];
    return NULL;
}

/* NULL = it was none this time. */
static struct open_pair *some_pair(struct model *m)
{
    struct open_pair *pair = &m->files[model_roll(m, MODEL_FILES)];
    return pair->file != NULL ? pair : NULL;
}

/* What has come to stand there in its place stays. */
static void remove_doomed(struct open_pair *pair)
{
    struct stat name, file;
    if (pair->doomed[0] != '\0' && lstat(pair->doomed, &name) == 0 && fstat(pair->fd, &file) == 0 &&
        name.st_dev == file.st_dev && name.st_ino == file.st_ino)
        unlink(pair->doomed);
    pair->doomed[0] = '\0';
}

static void close_pair(struct model *m, struct open_pair *pair)
{
    int rc = sshio_sftp_file_close(pair->file);
    pair->file = NULL;
    remove_doomed(pair);
    model_expect_os(m, rc, close(pair->fd));
}

void model_close_all(struct model *m)
{
    for (unsigned i = 0; i < MODEL_FILES; i++)
        if (m->files[i].file != NULL)
            close_pair(m, &m->files[i]);
}

static void act_close(struct model *m)
{
    struct open_pair *pair = some_pair(m);
    if (pair == NULL)
        return;
    model_note(m, "close %d", (int)(pair - m->files));
    close_pair(m, pair);
}

static void opened(struct model *m, struct open_pair *pair, int rc, const char *twin, int flags, mode_t mode)
{
    pair->fd = open(twin, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, mode);
    model_expect_os(m, rc, pair->fd < 0 ? -1 : 0);
}

/* What versions 5 and 6 make of flags differs in odd cases: EXCL needs CREAT, and APPEND alone writes. */
static int flags_of(const struct model *m, uint32_t pflags)
{
    bool creates = (pflags & SSHIO_FXF_CREAT) != 0, excludes = (pflags & SSHIO_FXF_EXCL) != 0;
    bool truncates = (pflags & SSHIO_FXF_TRUNC) != 0, appends = (pflags & SSHIO_FXF_APPEND) != 0;
    bool writes = (pflags & SSHIO_FXF_WRITE) != 0 || (m->version >= 5 && appends);
    int flags = writes ? (pflags & SSHIO_FXF_READ) != 0 ? O_RDWR : O_WRONLY : O_RDONLY;
    if (m->version >= 5 && !creates)
        excludes = false;
    if (m->version >= 5 && creates && excludes)
        truncates = false;
    flags |= creates || excludes ? O_CREAT : 0;
    flags |= excludes ? O_EXCL : 0;
    flags |= truncates ? O_TRUNC : 0;
    return appends ? flags | O_APPEND : flags;
}

static uint32_t roll_pflags(struct model *m, const char **mode)
{
    static const struct {
        const char *mode;
        uint32_t pflags;
    } rows[] = {
        { "r", SSHIO_FXF_READ },
        { "r+", SSHIO_FXF_READ | SSHIO_FXF_WRITE },
        { "w", SSHIO_FXF_WRITE | SSHIO_FXF_CREAT | SSHIO_FXF_TRUNC },
        { "w+b", SSHIO_FXF_READ | SSHIO_FXF_WRITE | SSHIO_FXF_CREAT | SSHIO_FXF_TRUNC },
        { "a", SSHIO_FXF_WRITE | SSHIO_FXF_CREAT | SSHIO_FXF_APPEND },
        { "a+", SSHIO_FXF_READ | SSHIO_FXF_WRITE | SSHIO_FXF_CREAT | SSHIO_FXF_APPEND },
        { "x", SSHIO_FXF_WRITE | SSHIO_FXF_CREAT | SSHIO_FXF_EXCL },
        { "x+", SSHIO_FXF_READ | SSHIO_FXF_WRITE | SSHIO_FXF_CREAT | SSHIO_FXF_EXCL },
    };
    uint32_t row = model_roll(m, sizeof rows / sizeof rows[0]);
    *mode = rows[row].mode;
    return rows[row].pflags;
}

static void act_open(struct model *m)
{
    struct paths p;
    struct open_pair *pair = free_pair(m);
    const char *mode = NULL;
    sshio_sftp_attrs attrs = { .struct_size = sizeof attrs,
                               .valid = SSHIO_FILEXFER_ATTR_PERMISSIONS,
                               .permissions = 0600 | model_roll(m, 010000) };
    bool by_flags = model_one_in(m, 4), given = model_one_in(m, 3);
    if (pair == NULL)
        return;
    model_pick(m, &p);
    uint32_t pflags = by_flags ? 1 + model_roll(m, SSHIO_FXF_TEXT - 1) : roll_pflags(m, &mode);
    model_note(m, "open %d: %s %s %x", (int)(pair - m->files), p.mine, by_flags ? "" : mode, (unsigned)pflags);
    int rc = sshio_sftp_open(m->sftp, p.mine, mode,
                             SSHIO_SFTP_OPEN(.pflags = by_flags ? pflags : 0, .attrs = given ? &attrs : NULL),
                             &pair->file);
    opened(m, pair, rc, p.twin, flags_of(m, pflags), given ? attrs.permissions : 0666);
    pair->appends = (pflags & SSHIO_FXF_APPEND) != 0;
    pair->has_position = !pair->appends;
    pair->position = 0;
}

/* Dispositions 5 to 7 are none. */
static int flags_of_56(uint32_t access, uint32_t flags)
{
    static const int dispositions[] = { O_CREAT | O_EXCL, O_CREAT | O_TRUNC, 0, O_CREAT, O_TRUNC };
    bool writes = (access & (SSHIO_ACE4_WRITE_DATA | SSHIO_ACE4_APPEND_DATA)) != 0;
    bool appends = (access & SSHIO_ACE4_APPEND_DATA) != 0 ||
                   (flags & (SSHIO_FXF_APPEND_DATA | SSHIO_FXF_APPEND_DATA_ATOMIC)) != 0;
    int how = writes ? (access & SSHIO_ACE4_READ_DATA) != 0 ? O_RDWR : O_WRONLY : O_RDONLY;
    how |= (flags & (SSHIO_FXF_NOFOLLOW | SSHIO_FXF_DELETE_ON_CLOSE)) != 0 ? O_NOFOLLOW : 0;
    return how | dispositions[flags & SSHIO_FXF_ACCESS_DISPOSITION] | (appends ? O_APPEND : 0);
}

static uint32_t roll_flags(struct model *m)
{
    uint32_t flags = model_roll(m, 6);
    if (model_one_in(m, 3))
        flags |= model_one_in(m, 2) ? SSHIO_FXF_APPEND_DATA : SSHIO_FXF_APPEND_DATA_ATOMIC;
    if (m->version >= 6 && model_one_in(m, 3))
        flags |= model_one_in(m, 2) ? SSHIO_FXF_NOFOLLOW : SSHIO_FXF_DELETE_ON_CLOSE;
    return flags;
}

static bool is_dir(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The access that no server of ours has, and dispositions that are none, are refused before anything is looked at. */
static void act_open56(struct model *m)
{
    struct paths p;
    struct open_pair *pair = free_pair(m);
    uint32_t access = model_roll(m, 8) | SSHIO_ACE4_READ_ATTRIBUTES, flags = roll_flags(m);
    if (pair == NULL || m->version < 5)
        return;
    model_pick(m, &p);
    if (model_one_in(m, 16))
        access |= SSHIO_ACE4_DELETE_CHILD;
    model_note(m, "open56 %d: %s %x %x", (int)(pair - m->files), p.mine, (unsigned)access, (unsigned)flags);
    int rc = sshio_sftp_open56(m->sftp, p.mine, access, flags, NULL, &pair->file);
    pair->appends = pair->has_position = false;
    if ((access & SSHIO_ACE4_DELETE_CHILD) != 0 ||
        (flags & SSHIO_FXF_ACCESS_DISPOSITION) > SSHIO_FXF_TRUNCATE_EXISTING) {
        model_expect(m, rc, twin_error(EINVAL, m->version));
        return;
    }
    bool dooms = (flags & SSHIO_FXF_DELETE_ON_CLOSE) != 0;
    if (dooms && is_dir(p.twin) && (flags & SSHIO_FXF_ACCESS_DISPOSITION) != SSHIO_FXF_CREATE_NEW) {
        model_expect(m, rc, twin_error(EISDIR, m->version));
        return;
    }
    opened(m, pair, rc, p.twin, flags_of_56(access, flags), 0666);
    if (dooms && rc == 0)
        snprintf(pair->doomed, sizeof pair->doomed, "%s", p.twin);
    pair->appends = (access & SSHIO_ACE4_APPEND_DATA) != 0 ||
                    (flags & (SSHIO_FXF_APPEND_DATA | SSHIO_FXF_APPEND_DATA_ATOMIC)) != 0;
    pair->has_position = !pair->appends;
    pair->position = 0;
}

/* ---- reading and writing ---- */

static uint32_t roll_len(struct model *m)
{
    return 1 + (model_one_in(m, 20) ? model_roll(m, MODEL_DATA_MAX) : model_roll(m, model_one_in(m, 4) ? 60000 : 900));
}

static void fill(struct model *m, size_t len)
{
    uint32_t salt = model_roll(m, 1u << 24);
    for (size_t i = 0; i < len; i++)
        m->data[0][i] = (uint8_t)((i * 2654435761u + salt) >> 13);
}

static void act_read(struct model *m)
{
    struct open_pair *pair = some_pair(m);
    uint32_t len = roll_len(m), at = model_roll(m, 200000);
    size_t got = 0;
    if (pair == NULL)
        return;
    bool here = model_one_in(m, 2);
    model_note(m, "read %d: %u at %u%s", (int)(pair - m->files), (unsigned)len, (unsigned)at, here ? ", or here" : "");
    int rc = here ? sshio_sftp_file_read(pair->file, m->data[0], len, &got)
                  : sshio_sftp_file_pread(pair->file, m->data[0], len, at, &got);
    if (here && !pair->has_position) {
        model_expect(m, rc, SSHIO_EEOF);
        return;
    }
    uint64_t from = here ? pair->position : at;
    ssize_t n = pread(pair->fd, m->data[1], len, (off_t)from);
    if (n == 0) {
        model_expect(m, rc, SSHIO_EEOF);
        return;
    }
    model_expect_os(m, rc, n < 0 ? -1 : 0);
    if (n < 0)
        return;
    model_check(m, got == (size_t)n && memcmp(m->data[0], m->data[1], got) == 0, "the same data");
    pair->position = from + got;
    pair->has_position = true;
}

/* At once, or as much of it as there is room for. */
static int write_twin(const struct open_pair *pair, const uint8_t *data, size_t len, uint64_t offset)
{
    ssize_t n = pair->appends ? write(pair->fd, data, len) : pwrite(pair->fd, data, len, (off_t)offset);
    return n == (ssize_t)len ? 0 : -1;
}

static void act_write(struct model *m)
{
    struct open_pair *pair = some_pair(m);
    uint32_t len = roll_len(m), at = model_roll(m, 200000);
    if (pair == NULL)
        return;
    bool here = model_one_in(m, 2);
    fill(m, len);
    model_note(m, "write %d: %u at %u%s", (int)(pair - m->files), (unsigned)len, (unsigned)at, here ? ", or here" : "");
    int rc = here ? sshio_sftp_file_write(pair->file, m->data[0], len)
                  : sshio_sftp_file_pwrite(pair->file, m->data[0], len, at);
    uint64_t from = !here ? at : pair->has_position ? pair->position : 0;
    model_expect_os(m, rc, write_twin(pair, m->data[0], len, from));
    if (rc != 0)
        return;
    pair->position = from + len;
    pair->has_position = !pair->appends;
}

struct burst_write {
    const struct open_pair *pair;
    const uint8_t *data;
    size_t len;
    uint64_t offset;
};

static int write_one(void *arg)
{
    const struct burst_write *w = arg;
    return sshio_sftp_file_pwrite(w->pair->file, w->data, w->len, w->offset);
}

/* Writes that are all under way together have the effect of one after the other. */
static void act_burst(struct model *m)
{
    struct open_pair *pair = some_pair(m);
    struct burst_write writes[BURST];
    sshio_task *tasks[BURST];
    if (pair == NULL)
        return;
    fill(m, 70000);
    model_note(m, "a burst of writes %d", (int)(pair - m->files));
    for (unsigned i = 0; i < BURST; i++) {
        writes[i] = (struct burst_write){ pair, m->data[0] + model_roll(m, 50000), 1 + model_roll(m, 20000),
                                          model_roll(m, 40000) };
        model_expect(m, sshio_spawn(write_one, &writes[i], &tasks[i]), 0);
    }
    for (unsigned i = 0; i < BURST; i++) {
        int rc = 0;
        sshio_join(tasks[i], &rc);
        model_expect_os(m, rc, write_twin(pair, writes[i].data, writes[i].len, writes[i].offset));
    }
    model_expect(m, sshio_sftp_file_seek(pair->file, 0, SEEK_SET, &pair->position), 0);
    pair->has_position = true;
}

/* ---- positions ---- */

static bool size_of(const struct open_pair *pair, uint64_t *size)
{
    struct stat st;
    if (fstat(pair->fd, &st) != 0 || S_ISDIR(st.st_mode))
        return false;
    *size = (uint64_t)st.st_size;
    return true;
}

static void act_seek(struct model *m)
{
    struct open_pair *pair = some_pair(m);
    uint64_t size, position = 0;
    if (pair == NULL || !size_of(pair, &size))
        return;
    int whence = (int)model_roll(m, 3);
    int64_t offset = (int64_t)model_roll(m, 100000) - 50000;
    uint64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR && pair->has_position ? pair->position : size;
    model_note(m, "seek %d: %d from %d", (int)(pair - m->files), (int)offset, whence);
    int rc = sshio_sftp_file_seek(pair->file, offset, whence, &position);
    if ((int64_t)base + offset < 0) {
        model_expect(m, rc, SSHIO_EINVAL);
        return;
    }
    model_expect(m, rc, 0);
    pair->position = (uint64_t)((int64_t)base + offset);
    pair->has_position = true;
    model_check(m, position == pair->position, "the position");
}

static void act_tell(struct model *m)
{
    struct open_pair *pair = some_pair(m);
    uint64_t size, position = 0;
    if (pair == NULL || !size_of(pair, &size))
        return;
    model_note(m, "tell %d", (int)(pair - m->files));
    model_expect(m, sshio_sftp_file_tell(pair->file, &position), 0);
    if (!pair->has_position)
        pair->position = size;
    pair->has_position = true;
    model_check(m, position == pair->position, "the position");
}

/* ---- attributes ---- */

static void act_fstat(struct model *m)
{
    struct open_pair *pair = some_pair(m);
    struct stat st;
    sshio_sftp_attrs *attrs = NULL;
    if (pair == NULL)
        return;
    model_note(m, "fstat %d", (int)(pair - m->files));
    int rc = sshio_sftp_file_stat(pair->file, &attrs);
    model_expect_os(m, rc, fstat(pair->fd, &st));
    model_check_attrs(m, attrs, &st);
    sshio_sftp_attrs_free(attrs);
}

static int set_twin(const struct model *m, int fd, const sshio_sftp_attrs *a)
{
    struct timespec times[2];
    model_times(m, a, times);
    if ((a->valid & SSHIO_FILEXFER_ATTR_SIZE) != 0 && ftruncate(fd, (off_t)a->size) != 0)
        return -1;
    if ((a->valid & SSHIO_FILEXFER_ATTR_PERMISSIONS) != 0 && fchmod(fd, a->permissions) != 0)
        return -1;
    return futimens(fd, times);
}

static void act_fsetstat(struct model *m)
{
    struct open_pair *pair = some_pair(m);
    sshio_sftp_attrs attrs;
    if (pair == NULL)
        return;
    model_roll_attrs(m, &attrs);
    model_note(m, "fsetstat %d: %x, size %u, mode %o", (int)(pair - m->files), (unsigned)attrs.valid,
               (unsigned)attrs.size, attrs.permissions);
    int rc = sshio_sftp_file_setstat(pair->file, &attrs);
    model_expect_os(m, rc, set_twin(m, pair->fd, &attrs));
}

static void act_cut_here(struct model *m)
{
    struct open_pair *pair = some_pair(m);
    uint64_t size;
    if (pair == NULL || !size_of(pair, &size))
        return;
    model_note(m, "truncate %d where it is", (int)(pair - m->files));
    int rc = sshio_sftp_file_truncate(pair->file, -1);
    model_expect_os(m, rc, ftruncate(pair->fd, (off_t)(pair->has_position ? pair->position : size)));
}

static void act_fsync(struct model *m)
{
    struct open_pair *pair = some_pair(m);
    if (pair == NULL)
        return;
    model_note(m, "fsync %d", (int)(pair - m->files));
    int rc = sshio_sftp_file_fsync(pair->file);
    model_expect_os(m, rc, fsync(pair->fd));
}

/* ---- copies on the server ---- */

static bool is_same_file(const struct open_pair *a, const struct open_pair *b)
{
    struct stat x, y;
    return fstat(a->fd, &x) == 0 && fstat(b->fd, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* The error that is to come. The end of the source before so much was copied is one; length 0 = to the end. */
static int copy_twin(struct model *m, const struct open_pair *from, uint64_t at, uint64_t length,
                     const struct open_pair *to, uint64_t to_at)
{
    if (is_same_file(from, to))
        return twin_error(EINVAL, m->version);
    for (uint64_t left = length != 0 ? length : UINT64_MAX; left != 0;) {
        size_t len = left < PIECE ? (size_t)left : PIECE;
        ssize_t n = pread(from->fd, m->data[0], len, (off_t)at);
        if (n == 0)
            return length != 0 ? twin_status(SSHIO_FX_EOF, m->version) : 0;
        if (n < 0 || write_twin(to, m->data[0], (size_t)n, to_at) != 0)
            return twin_error(errno, m->version);
        at += (size_t)n;
        to_at += (size_t)n;
        left -= (size_t)n;
    }
    return 0;
}

static void act_copy(struct model *m)
{
    struct open_pair *from = some_pair(m), *to = some_pair(m);
    uint32_t at = model_roll(m, 30000), to_at = model_roll(m, 30000), length = model_roll(m, 3) * roll_len(m);
    if (from == NULL || to == NULL)
        return;
    model_note(m, "copy %d %u, %u to %d %u", (int)(from - m->files), (unsigned)at, (unsigned)length,
               (int)(to - m->files), (unsigned)to_at);
    int rc = sshio_sftp_remote_copy(m->sftp, from->file, at, length, to->file, to_at);
    model_expect(m, rc, copy_twin(m, from, at, length, to, to_at));
}

const struct model_row model_files[] = {
    { act_open, 12 },    { act_open56, 4 }, { act_close, 6 }, { act_read, 10 }, { act_write, 10 },
    { act_burst, 1 },    { act_seek, 2 },   { act_tell, 1 },  { act_fstat, 3 }, { act_fsetstat, 3 },
    { act_cut_here, 1 }, { act_copy, 3 },   { act_fsync, 1 }, { NULL, 0 },
};
