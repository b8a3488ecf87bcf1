/* An SFTP client that does what the lines of its stdin say, and answers each with a line: "ok" and what it found, or
 * "error", the name of the code, and the message. Words are separated by tabs; in them, and in answers, %XX stands for
 * a byte.
 *
 *     sftp_client PORT USER IDENTITY KNOWN_HOSTS VERSION [replace]
 *
 * With "replace" errors need not be UTF-8. */
#include <sshio.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define WORDS 12
#define LINE 65536

static sshio_sftp *sftp;
static char **word; /* of the command, its name first; NULL where it ends */

/* ---- answers ---- */

static void put_escaped(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        if (*c > ' ' && *c < 0x7f && *c != '%')
            putchar(*c);
        else
            printf("%%%02x", *c);
    }
}

static void put_attrs(const sshio_sftp_attrs *a)
{
    printf(" type=%d", a->type);
    if (a->valid & SSHIO_FILEXFER_ATTR_SIZE)
        printf(" size=%" PRIu64, a->size);
    if (a->valid & SSHIO_FILEXFER_ATTR_UIDGID)
        printf(" uid=%u gid=%u", (unsigned)a->uid, (unsigned)a->gid);
    if (a->valid & SSHIO_FILEXFER_ATTR_OWNERGROUP)
        printf(" owner=%s group=%s", a->owner, a->group);
    if (a->valid & SSHIO_FILEXFER_ATTR_PERMISSIONS)
        printf(" mode=%o", (unsigned)a->permissions & 07777);
    if (a->valid & SSHIO_FILEXFER_ATTR_MODIFYTIME)
        printf(" mtime=%" PRId64, a->mtime);
    if (a->valid & SSHIO_FILEXFER_ATTR_SUBSECOND_TIMES)
        printf(".%09u", (unsigned)a->mtime_ns);
}

static int answer(int rc)
{
    if (rc == 0)
        printf("ok");
    return rc;
}

static uint64_t number(const char *text)
{
    return text != NULL ? strtoull(text, NULL, 0) : 0;
}

static sshio_tri follows(const char *text)
{
    return text != NULL && strcmp(text, "nofollow") == 0 ? SSHIO_NO : SSHIO_YES;
}

/* ---- files and names ---- */

static int do_stat(void)
{
    sshio_sftp_attrs *a = NULL;
    int rc = word[0][0] == 'l' ? sshio_sftp_lstat(sftp, word[1], &a) : sshio_sftp_stat(sftp, word[1], &a);
    if (rc == 0) {
        printf("ok");
        put_attrs(a);
    }
    sshio_sftp_attrs_free(a);
    return rc;
}

static int do_list(void)
{
    sshio_texts names = { 0 };
    int rc = sshio_sftp_listdir(sftp, word[1], &names);
    printf(rc == 0 ? "ok" : "");
    for (size_t i = 0; i < names.count; i++) {
        putchar(' ');
        put_escaped(names.items[i]);
    }
    sshio_texts_free(&names);
    return rc;
}

static int do_count(void)
{
    sshio_sftp_dir *dir = NULL;
    const sshio_sftp_name *name;
    uint64_t count = 0, most = word[2] != NULL ? number(word[2]) : UINT64_MAX;
    int rc = sshio_sftp_scandir(sftp, word[1], &dir);
    while (rc == 0 && count < most && (rc = sshio_sftp_dir_next(dir, &name)) == 0)
        count++;
    sshio_sftp_dir_close(dir);
    if (rc == 0 || rc == SSHIO_EEOF)
        printf("ok %" PRIu64, count);
    return rc == SSHIO_EEOF ? 0 : rc;
}

/* A listing that was begun stays so until it is released. */
static sshio_sftp_dir *held;

static int do_hold(void)
{
    const sshio_sftp_name *name;
    int rc = sshio_sftp_scandir(sftp, word[1], &held);
    if (rc == 0)
        rc = sshio_sftp_dir_next(held, &name);
    return answer(rc);
}

static int do_release(void)
{
    sshio_sftp_dir_close(held);
    held = NULL;
    return answer(0);
}

static int do_glob(void)
{
    sshio_texts paths = { 0 };
    int rc = sshio_sftp_glob(sftp, (const char *const *)word + 1, &paths);
    printf(rc == 0 ? "ok" : "");
    for (size_t i = 0; i < paths.count; i++) {
        putchar(' ');
        put_escaped(paths.items[i]);
    }
    sshio_texts_free(&paths);
    return rc;
}

static int answer_text(int rc, char *text)
{
    if (rc == 0) {
        printf("ok ");
        put_escaped(text);
    }
    sshio_free(text);
    return rc;
}

static int do_readlink(void)
{
    char *text = NULL;
    int rc = sshio_sftp_readlink(sftp, word[1], &text);
    return answer_text(rc, text);
}

static int do_realpath(void)
{
    char *text = NULL;
    sshio_sftp_name *name = NULL;
    if (word[2] == NULL) {
        int rc = sshio_sftp_realpath(sftp, word[1], &text);
        return answer_text(rc, text);
    }
    int rc = sshio_sftp_realpath_check(sftp, word[1], (const char *const *)word + 3, (int)number(word[2]), &name);
    if (rc == 0) {
        printf("ok ");
        put_escaped(name->filename);
        put_attrs(&name->attrs);
    }
    sshio_sftp_name_free(name);
    return rc;
}

static int do_getcwd(void)
{
    char *text = NULL;
    int rc = sshio_sftp_getcwd(sftp, &text);
    return answer_text(rc, text);
}

static int do_question(void)
{
    static const struct {
        const char *name;
        int (*ask)(sshio_sftp *sftp, const char *path, bool *result);
    } questions[] = { { "exists", sshio_sftp_exists },
                      { "lexists", sshio_sftp_lexists },
                      { "isdir", sshio_sftp_isdir },
                      { "isfile", sshio_sftp_isfile },
                      { "islink", sshio_sftp_islink } };
    bool result = false;
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++)
        if (strcmp(word[0], questions[i].name) == 0) {
            int rc = questions[i].ask(sftp, word[1], &result);
            if (rc == 0)
                printf("ok %d", result);
            return rc;
        }
    return SSHIO_EINVAL;
}

static int do_times(void)
{
    double at, mt, cr;
    int64_t at_ns, mt_ns, cr_ns;
    int rc = sshio_sftp_getatime(sftp, word[1], &at);
    if (rc == 0)
        rc = sshio_sftp_getmtime(sftp, word[1], &mt);
    if (rc == 0)
        rc = sshio_sftp_getatime_ns(sftp, word[1], &at_ns);
    if (rc == 0)
        rc = sshio_sftp_getmtime_ns(sftp, word[1], &mt_ns);
    if (rc != 0)
        return rc;
    printf("ok %.3f %.3f %" PRId64 " %" PRId64, at, mt, at_ns, mt_ns);
    if (sshio_sftp_getcrtime(sftp, word[1], &cr) == 0 && sshio_sftp_getcrtime_ns(sftp, word[1], &cr_ns) == 0)
        printf(" %.3f %" PRId64, cr, cr_ns);
    return 0;
}

static int do_getsize(void)
{
    uint64_t size = 0;
    int rc = sshio_sftp_getsize(sftp, word[1], &size);
    if (rc == 0)
        printf("ok %" PRIu64, size);
    return rc;
}

static int do_statvfs(void)
{
    sshio_sftp_vfs_attrs v;
    int rc = sshio_sftp_statvfs(sftp, word[1], &v);
    if (rc == 0)
        printf("ok %" PRIu64 " %" PRIu64 " %" PRIu64, v.frsize, v.blocks, v.namemax);
    return rc;
}

static int do_remove(void)
{
    return answer(sshio_sftp_remove(sftp, word[1]));
}
static int do_unlink(void)
{
    return answer(sshio_sftp_unlink(sftp, word[1]));
}
static int do_rmdir(void)
{
    return answer(sshio_sftp_rmdir(sftp, word[1]));
}
static int do_mkdir(void)
{
    const sshio_sftp_attrs *attrs = word[2] == NULL ? NULL
                                                    : SSHIO_SFTP_ATTRS(.valid = SSHIO_FILEXFER_ATTR_PERMISSIONS,
                                                                       .permissions = (uint32_t)number(word[2]));
    return answer(sshio_sftp_mkdir(sftp, word[1], attrs));
}
static int do_makedirs(void)
{
    return answer(sshio_sftp_makedirs(sftp, word[1], NULL, word[2] != NULL));
}
static int do_rename(void)
{
    return answer(sshio_sftp_rename(sftp, word[1], word[2], (uint32_t)number(word[3])));
}
static int do_posix_rename(void)
{
    return answer(sshio_sftp_posix_rename(sftp, word[1], word[2]));
}
static int do_symlink(void)
{
    return answer(sshio_sftp_symlink(sftp, word[1], word[2]));
}
static int do_link(void)
{
    return answer(sshio_sftp_link(sftp, word[1], word[2]));
}
static int do_chdir(void)
{
    return answer(sshio_sftp_chdir(sftp, word[1]));
}
static int do_truncate(void)
{
    return answer(sshio_sftp_truncate(sftp, word[1], number(word[2])));
}
static int do_chmod(void)
{
    return answer(sshio_sftp_chmod(sftp, word[1], (uint32_t)number(word[2]), follows(word[3])));
}
static int do_chown(void)
{
    return answer(
        sshio_sftp_chown(sftp, word[1], (uint32_t)number(word[2]), (uint32_t)number(word[3]), follows(word[4])));
}
static int do_chown_names(void)
{
    return answer(sshio_sftp_chown_names(sftp, word[1], word[2], word[3], follows(word[4])));
}
static int do_utime(void)
{
    int64_t ns[2] = { (int64_t)number(word[2]), (int64_t)number(word[3]) };
    return answer(sshio_sftp_utime_ns(sftp, word[1], ns, follows(word[4])));
}
static int do_utime_s(void)
{
    double times[2] = { strtod(word[2], NULL), strtod(word[3], NULL) };
    return answer(sshio_sftp_utime(sftp, word[1], times, SSHIO_YES));
}

static int do_set_bits(void)
{
    const uint32_t valid = SSHIO_FILEXFER_ATTR_PERMISSIONS | SSHIO_FILEXFER_ATTR_BITS;
    const uint32_t mode = (uint32_t)number(word[2]), bits = (uint32_t)number(word[3]);
    return answer(sshio_sftp_setstat(
        sftp, word[1], SSHIO_SFTP_ATTRS(.valid = valid, .permissions = mode, .attrib_bits = bits, .attrib_valid = bits),
        SSHIO_UNSET));
}

static int told(const char *function, const char *path, const sshio_error *error, void *user)
{
    int *count = user;
    (void)path, (void)error;
    printf("[%s] ", function);
    ++*count;
    return 0;
}

static int do_rmtree(void)
{
    int count = 0;
    bool ignore = word[2] != NULL && strcmp(word[2], "ignore") == 0;
    return answer(sshio_sftp_rmtree(sftp, word[1], ignore, word[2] != NULL && !ignore ? told : NULL, &count));
}

/* ---- open files ---- */

/* What was opened is tried out at once: written, read back, moved about in, locked. */
static int do_write(void)
{
    sshio_sftp_file *file = NULL;
    int rc = sshio_sftp_open(sftp, word[1], word[2], NULL, &file);
    if (rc == 0)
        rc = sshio_sftp_file_write(file, word[3], strlen(word[3]));
    int closed = sshio_sftp_file_close(file);
    return answer(rc != 0 ? rc : closed);
}

static int do_read(void)
{
    sshio_sftp_file *file = NULL;
    sshio_bytes data = { 0 };
    int rc = sshio_sftp_open(sftp, word[1], word[2], NULL, &file);
    if (rc == 0)
        rc = sshio_sftp_file_read_all(file, &data);
    sshio_sftp_file_close(file);
    if (rc == 0) {
        printf("ok ");
        put_escaped(data.data);
    }
    sshio_bytes_free(&data);
    return rc;
}

static int do_pread(void)
{
    sshio_sftp_file *file = NULL;
    size_t size = number(word[3]), got = 0;
    char *buffer = calloc(size + 1, 1);
    int rc = sshio_sftp_open(sftp, word[1], "r", NULL, &file);
    if (rc == 0)
        rc = sshio_sftp_file_pread(file, buffer, size, number(word[2]), &got);
    sshio_sftp_file_close(file);
    if (rc == 0) {
        printf("ok %zu ", got);
        put_escaped(buffer);
    }
    free(buffer);
    return rc;
}

static int do_positions(void)
{
    sshio_sftp_file *file = NULL;
    uint64_t at[4] = { 0 };
    char buffer[8];
    size_t got = 0;
    int rc = sshio_sftp_open(sftp, word[1], "r+", NULL, &file);
    if (rc == 0)
        rc = sshio_sftp_file_seek(file, -4, SEEK_END, &at[0]);
    if (rc == 0)
        rc = sshio_sftp_file_read(file, buffer, 2, &got);
    if (rc == 0)
        rc = sshio_sftp_file_tell(file, &at[1]);
    if (rc == 0)
        rc = sshio_sftp_file_seek(file, 1, SEEK_CUR, &at[2]);
    if (rc == 0)
        rc = sshio_sftp_file_pwrite(file, "!", 1, 0);
    if (rc == 0)
        rc = sshio_sftp_file_tell(file, &at[3]);
    if (rc == 0)
        rc = sshio_sftp_file_truncate(file, 5);
    if (rc == 0 && sshio_sftp_file_seek(file, -1, SEEK_SET, NULL) != SSHIO_EINVAL)
        rc = SSHIO_EINVAL;
    sshio_sftp_file_close(file);
    if (rc == 0)
        printf("ok %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, at[0], at[1], at[2], at[3]);
    return rc;
}

static int do_file_attrs(void)
{
    sshio_sftp_file *file = NULL;
    sshio_sftp_attrs *attrs = NULL;
    int64_t ns[2] = { 1000000000, 2000000000 };
    int rc = sshio_sftp_open(sftp, word[1], "r+", NULL, &file);
    if (rc == 0)
        rc = sshio_sftp_file_chmod(file, 0640);
    if (rc == 0)
        rc = sshio_sftp_file_utime_ns(file, ns);
    if (rc == 0)
        rc = sshio_sftp_file_stat(file, &attrs);
    sshio_sftp_file_close(file);
    if (rc == 0) {
        printf("ok");
        put_attrs(attrs);
    }
    sshio_sftp_attrs_free(attrs);
    return rc;
}

static int do_fsync(void)
{
    sshio_sftp_file *file = NULL;
    int rc = sshio_sftp_open(sftp, word[1], "r+", NULL, &file);
    if (rc == 0)
        rc = sshio_sftp_file_fsync(file);
    sshio_sftp_file_close(file);
    return answer(rc);
}

static int do_file_statvfs(void)
{
    sshio_sftp_file *file = NULL;
    sshio_sftp_vfs_attrs v = { 0 };
    int rc = sshio_sftp_open(sftp, word[1], "r", NULL, &file);
    if (rc == 0)
        rc = sshio_sftp_file_statvfs(file, &v);
    sshio_sftp_file_close(file);
    if (rc == 0)
        printf("ok %" PRIu64, v.blocks);
    return rc;
}

static int do_lock(void)
{
    sshio_sftp_file *file = NULL;
    int rc = sshio_sftp_open(sftp, word[1], "r+", NULL, &file);
    if (rc == 0)
        rc = sshio_sftp_file_lock(file, 0, 10, SSHIO_FXF_BLOCK_WRITE);
    if (rc == 0)
        rc = sshio_sftp_file_unlock(file, 0, 10);
    sshio_sftp_file_close(file);
    return answer(rc);
}

static int do_open56(void)
{
    sshio_sftp_file *file = NULL;
    int rc = sshio_sftp_open56(sftp, word[1], (uint32_t)number(word[2]), (uint32_t)number(word[3]), NULL, &file);
    sshio_sftp_file_close(file);
    return answer(rc);
}

static int do_remote_copy(void)
{
    sshio_sftp_file *from = NULL, *to = NULL;
    int rc = sshio_sftp_open(sftp, word[1], "r", NULL, &from);
    if (rc == 0)
        rc = sshio_sftp_open(sftp, word[2], "w", NULL, &to);
    if (rc == 0)
        rc = sshio_sftp_remote_copy(sftp, from, number(word[3]), number(word[4]), to, 0);
    sshio_sftp_file_close(from);
    sshio_sftp_file_close(to);
    return answer(rc);
}

struct summing {
    uint64_t bytes, sum;
};

static int add_block(uint64_t offset, const void *data, size_t len, void *user)
{
    struct summing *s = user;
    const unsigned char *p = data;
    s->bytes += len;
    for (size_t i = 0; i < len; i++)
        s->sum += (offset + i) % 65521 * p[i]; /* by place, so that order does not matter */
    return 0;
}

static int do_parallel(void)
{
    sshio_sftp_file *file = NULL;
    struct summing s = { 0, 0 };
    int rc = sshio_sftp_open(sftp, word[1], "r", NULL, &file);
    if (rc == 0)
        rc = sshio_sftp_file_read_parallel(file, -1, -1, add_block, &s);
    sshio_sftp_file_close(file);
    if (rc == 0)
        printf("ok %" PRIu64 " %" PRIu64, s.bytes, s.sum);
    return rc;
}

/* The bytes of a file, or size of them from an offset on, read in one call. */
static int do_sum(void)
{
    sshio_sftp_file *file = NULL;
    struct summing s = { 0, 0 };
    sshio_bytes data = { NULL, 0 };
    size_t size = number(word[3]), got = 0;
    char *buffer = malloc(size + 1);
    int rc = sshio_sftp_open(sftp, word[1], "r", NULL, &file);
    if (rc == 0 && word[2] == NULL)
        rc = sshio_sftp_file_read_all(file, &data);
    else if (rc == 0)
        rc = sshio_sftp_file_pread(file, buffer, size, number(word[2]), &got);
    if (rc == 0)
        add_block(number(word[2]), word[2] == NULL ? data.data : buffer, word[2] == NULL ? data.len : got, &s);
    sshio_sftp_file_close(file);
    if (rc == 0)
        printf("ok %" PRIu64 " %" PRIu64, s.bytes, s.sum);
    sshio_bytes_free(&data);
    free(buffer);
    return rc;
}

/* ---- transfers ---- */

struct progress {
    unsigned calls;
    uint64_t last, total;
    bool fell;
    uint64_t stop_at;
};

static int progressed(const char *srcpath, const char *dstpath, uint64_t bytes, uint64_t total, void *user)
{
    struct progress *p = user;
    (void)srcpath, (void)dstpath;
    p->fell |= bytes < p->last && p->total == total && p->last != p->total;
    p->calls++;
    p->last = bytes;
    p->total = total;
    return p->stop_at != 0 && bytes >= p->stop_at ? sshio_raise(SSHIO_ECANCELED, "stopped by the program") : 0;
}

static int passed_over(const sshio_error *error, void *user)
{
    (void)user;
    printf("[%s ", sshio_error_name(error->code));
    put_escaped(error->srcpath != NULL ? error->srcpath : "-");
    printf("] ");
    return 0;
}

static int do_transfer(void)
{
    static const struct {
        const char *name;
        int (*run)(sshio_sftp *sftp, const char *from, const char *to, const sshio_copy_options *options);
    } kinds[] = { { "get", sshio_sftp_get },   { "put", sshio_sftp_put },   { "copy", sshio_sftp_copy },
                  { "mget", sshio_sftp_mget }, { "mput", sshio_sftp_mput }, { "mcopy", sshio_sftp_mcopy } };
    struct progress p = { 0 };
    sshio_copy_options o;
    const char *flags = word[3] != NULL ? word[3] : "";
    sshio_copy_options_init(&o);
    o.recurse = strchr(flags, 'r') != NULL;
    o.preserve = strchr(flags, 'p') != NULL;
    o.follow_symlinks = strchr(flags, 'L') != NULL;
    o.sparse = strchr(flags, 'S') != NULL ? SSHIO_NO : SSHIO_UNSET;
    o.remote_only = strchr(flags, 'o') != NULL;
    o.resume = strchr(flags, 'c') != NULL;
    o.atomic = strchr(flags, 'a') != NULL;
    o.safe_links = strchr(flags, 's') != NULL;
    o.error_handler = strchr(flags, 'e') != NULL ? passed_over : NULL;
    o.progress = strchr(flags, 'v') != NULL || strchr(flags, 'x') != NULL ? progressed : NULL;
    o.user = &p;
    if (word[3] != NULL && word[4] != NULL)
        o.block_size = (int64_t)number(word[4]);
    if (word[3] != NULL && word[4] != NULL && word[5] != NULL)
        p.stop_at = number(word[5]);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(word[0], kinds[i].name) == 0) {
            int rc = kinds[i].run(sftp, word[1], word[2][0] != '\0' ? word[2] : NULL, &o);
            if (rc == 0 && strchr(flags, 'v') != NULL)
                printf("ok %u %" PRIu64 " %" PRIu64 "%s", p.calls, p.last, p.total, p.fell ? " fell" : "");
            else if (rc == 0)
                printf("ok");
            return rc;
        }
    return SSHIO_EINVAL;
}

static int do_expand(void)
{
    char *path = NULL;
    int rc = sshio_sftp_expand_path(sftp, word[1], &path);
    return answer_text(rc, path);
}

static int do_home(void)
{
    char *path = NULL;
    int rc = sshio_sftp_home_directory(sftp, word[1], &path);
    return answer_text(rc, path);
}

/* Users and then, behind "-", groups. */
static int do_owners(void)
{
    uint32_t ids[2][16];
    size_t counts[2] = { 0, 0 }, kind = 0;
    sshio_texts names[2] = { { 0, NULL }, { 0, NULL } };
    for (size_t i = 1; word[i] != NULL && counts[kind] < 16; i++) {
        if (strcmp(word[i], "-") == 0)
            kind = 1;
        else
            ids[kind][counts[kind]++] = (uint32_t)number(word[i]);
    }
    int rc = sshio_sftp_lookup_ids(sftp, ids[0], counts[0], ids[1], counts[1], &names[0], &names[1]);
    if (rc == 0)
        printf("ok");
    for (int k = 0; k < 2 && rc == 0; k++)
        for (size_t i = 0; i < names[k].count; i++)
            printf(" [%s]", names[k].items[i]);
    sshio_texts_free(&names[0]);
    sshio_texts_free(&names[1]);
    return rc;
}

static int do_info(void)
{
    const sshio_sftp_limits *l = sshio_sftp_get_limits(sftp);
    printf("ok version=%d packet=%" PRIu64 " read=%" PRIu64 " write=%" PRIu64 " handles=%" PRIu64 " copy=%d",
           sshio_sftp_version(sftp), l->max_packet_len, l->max_read_len, l->max_write_len, l->max_open_handles,
           sshio_sftp_supports_remote_copy(sftp));
    return 0;
}

static int do_exit(void)
{
    sshio_sftp_exit(sftp);
    return answer(sshio_sftp_wait_closed(sftp));
}

/* ---- lines ---- */

static const struct {
    const char *name;
    int words; /* at least, behind the name */
    int (*run)(void);
} commands[] = {
    { "stat", 1, do_stat },
    { "lstat", 1, do_stat },
    { "list", 1, do_list },
    { "count", 1, do_count },
    { "hold", 1, do_hold },
    { "release", 0, do_release },
    { "glob", 1, do_glob },
    { "readlink", 1, do_readlink },
    { "realpath", 1, do_realpath },
    { "expand", 1, do_expand },
    { "home", 0, do_home },
    { "owners", 1, do_owners },
    { "getcwd", 0, do_getcwd },
    { "exists", 1, do_question },
    { "lexists", 1, do_question },
    { "isdir", 1, do_question },
    { "isfile", 1, do_question },
    { "islink", 1, do_question },
    { "times", 1, do_times },
    { "getsize", 1, do_getsize },
    { "statvfs", 1, do_statvfs },
    { "remove", 1, do_remove },
    { "unlink", 1, do_unlink },
    { "rmdir", 1, do_rmdir },
    { "mkdir", 1, do_mkdir },
    { "makedirs", 1, do_makedirs },
    { "rename", 2, do_rename },
    { "posix_rename", 2, do_posix_rename },
    { "symlink", 2, do_symlink },
    { "link", 2, do_link },
    { "chdir", 1, do_chdir },
    { "truncate", 2, do_truncate },
    { "chmod", 2, do_chmod },
    { "chown", 3, do_chown },
    { "chown_names", 3, do_chown_names },
    { "utime", 3, do_utime },
    { "utime_s", 3, do_utime_s },
    { "set_bits", 3, do_set_bits },
    { "rmtree", 1, do_rmtree },
    { "write", 3, do_write },
    { "read", 2, do_read },
    { "pread", 3, do_pread },
    { "positions", 1, do_positions },
    { "file_attrs", 1, do_file_attrs },
    { "fsync", 1, do_fsync },
    { "file_statvfs", 1, do_file_statvfs },
    { "lock", 1, do_lock },
    { "open56", 3, do_open56 },
    { "remote_copy", 4, do_remote_copy },
    { "parallel", 1, do_parallel },
    { "sum", 1, do_sum },
    { "get", 2, do_transfer },
    { "put", 2, do_transfer },
    { "copy", 2, do_transfer },
    { "mget", 2, do_transfer },
    { "mput", 2, do_transfer },
    { "mcopy", 2, do_transfer },
    { "info", 0, do_info },
    { "exit", 0, do_exit },
};

static void unescape(char *text)
{
    char *to = text;
    for (char *c = text; *c != '\0'; c++) {
        unsigned value;
        if (*c == '%' && sscanf(c + 1, "%2x", &value) == 1) {
            *to++ = (char)value;
            c += 2;
        } else {
            *to++ = *c;
        }
    }
    *to = '\0';
}

static int do_line(char *line)
{
    char *words[WORDS + 1] = { NULL };
    int count = 0;
    line[strcspn(line, "\n")] = '\0';
    for (char *rest = line; rest != NULL && count < WORDS; count++) {
        words[count] = rest;
        rest = strchr(rest, '\t');
        if (rest != NULL)
            *rest++ = '\0';
    }
    for (int i = 0; i < count; i++)
        unescape(words[i]);
    word = words;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(words[0], commands[i].name) == 0 && count > commands[i].words)
            return commands[i].run();
    return sshio_raise(SSHIO_EINVAL, "no such command, or too few words: %s", words[0]);
}

static int converse(void)
{
    char *line = malloc(LINE);
    while (line != NULL && fgets(line, LINE, stdin) != NULL) {
        int rc = do_line(line);
        if (rc != 0)
            printf("error %s %s", sshio_error_name(rc), sshio_error_message());
        printf("\n");
        fflush(stdout);
    }
    free(line);
    return 0;
}

static int run(void *arg)
{
    char **argv = arg;
    sshio_conn *conn = NULL;
    int rc = sshio_connect(
        "127.0.0.1",
        SSHIO_CLIENT(.port = atoi(argv[1]), .username = argv[2], .client_keys = SSHIO_KEYS({ .file = argv[3] }),
                     .known_hosts = SSHIO_FILES(argv[4]),
                     .utf8_decode_errors = argv[6] != NULL ? SSHIO_ERRORS_REPLACE : SSHIO_ERRORS_STRICT),
        &conn);
    if (rc == 0)
        rc = sshio_start_sftp_client(conn, SSHIO_SFTP(.sftp_version = atoi(argv[5])), &sftp);
    if (rc == 0)
        rc = converse();
    else
        printf("error %s %s\n", sshio_error_name(rc), sshio_error_message());
    sshio_sftp_unref(sftp);
    sshio_conn_unref(conn);
    return rc;
}

int main(int argc, char **argv)
{
    return argc == 6 || argc == 7 ? sshio_main(run, argv) != 0 : 2;
}
