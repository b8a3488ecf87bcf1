/* Random operations of our client on our server, compared with the same ones on a second folder; see model.h. Versions
 * 3 to 6 in turn, without a root and below one.
 *
 * SSHIO_OPERATIONS says how many, SSHIO_SEED with which seed to begin. A failure prints its seed. In TMPDIR, or /tmp:
 * in memory a server does at once what it gives to workers elsewhere. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "session/run.h"
#include "sftp/model.h"
#include "surroundings.h"

#define OPERATIONS_DEFAULT 5000
#define OPERATIONS_OF_A_SEED 250 /* of each kind of server */
#define OPERATIONS_BETWEEN_LOOKS 25

static char base[TWIN_ROOT - 16];
static struct model model;

/* ---- what decides ---- */

uint32_t model_roll(struct model *m, uint32_t sides)
{
    m->random = m->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(m->random >> 33) % sides;
}

bool model_one_in(struct model *m, uint32_t chances)
{
    return model_roll(m, chances) == 0;
}

/* Few names, so that they meet. Below a root the text of a path is cleaned before anything is looked up: what is said
 * twice or leads up there is no matter for the twin. */
void model_pick(struct model *m, struct paths *paths)
{
    static const char *const names[] = { "a", "b", "c", "d", "\xc3\xbc b" };
    char rest[TWIN_PATH - TWIN_ROOT - 4] = "";
    uint32_t depth = model_one_in(m, 2) ? 1 : model_one_in(m, 2) ? 2 : 3;
    const char *end = !m->rooted && model_one_in(m, 64) ? "/" : "";
    for (uint32_t i = 0; i < depth; i++) {
        size_t len = strlen(rest);
        const char *gap = i == 0 ? "" : model_one_in(m, 64) ? "//" : model_one_in(m, 64) ? "/./" : "/";
        snprintf(rest + len, sizeof rest - len, "%s%s", gap, names[model_roll(m, COUNT(names))]);
    }
    if (model_one_in(m, 200))
        snprintf(rest, sizeof rest, "%0300d", 0);
    const char *front = m->rooted && model_one_in(m, 16) ? "//.." : model_mine(m);
    snprintf(paths->mine, sizeof paths->mine, "%s/%s%s", front, rest, end);
    snprintf(paths->twin, sizeof paths->twin, "%s/%s%s", m->twin, rest, end);
}

const char *model_mine(const struct model *m)
{
    return m->rooted ? "" : m->mine;
}

void model_roll_attrs(struct model *m, sshio_sftp_attrs *attrs)
{
    const uint32_t times = SSHIO_FILEXFER_ATTR_ACCESSTIME | SSHIO_FILEXFER_ATTR_MODIFYTIME;
    static const uint32_t kinds[] = { SSHIO_FILEXFER_ATTR_SIZE, SSHIO_FILEXFER_ATTR_PERMISSIONS, times };
    int64_t earliest = m->version >= 4 ? -1000000 : 0;
    *attrs = (sshio_sftp_attrs){ .struct_size = sizeof *attrs, .valid = kinds[model_roll(m, COUNT(kinds))] };
    if (model_one_in(m, 3))
        attrs->valid |= kinds[model_roll(m, COUNT(kinds))];
    attrs->size = model_roll(m, 100000);
    attrs->permissions = 0700 | model_roll(m, 010000);
    attrs->atime = earliest + model_roll(m, 1000000000);
    attrs->mtime = earliest + model_roll(m, 1000000000);
    if (m->version >= 4 && model_one_in(m, 3))
        attrs->valid &= model_one_in(m, 2) ? ~(uint32_t)SSHIO_FILEXFER_ATTR_ACCESSTIME
                                           : ~(uint32_t)SSHIO_FILEXFER_ATTR_MODIFYTIME;
    if (m->version >= 4 && (attrs->valid & times) != 0 && model_one_in(m, 2)) {
        attrs->valid |= SSHIO_FILEXFER_ATTR_SUBSECOND_TIMES;
        attrs->atime_ns = model_roll(m, 1000000000);
        attrs->mtime_ns = model_roll(m, 1000000000);
    }
    if ((attrs->valid & ~(uint32_t)SSHIO_FILEXFER_ATTR_SUBSECOND_TIMES) == 0)
        attrs->valid = SSHIO_FILEXFER_ATTR_PERMISSIONS;
}

void model_times(const struct model *m, const sshio_sftp_attrs *a, struct timespec times[2])
{
    (void)m;
    bool fine = (a->valid & SSHIO_FILEXFER_ATTR_SUBSECOND_TIMES) != 0;
    times[0] = (struct timespec){ .tv_sec = a->atime, .tv_nsec = fine ? a->atime_ns : 0 };
    times[1] = (struct timespec){ .tv_sec = a->mtime, .tv_nsec = fine ? a->mtime_ns : 0 };
    if ((a->valid & SSHIO_FILEXFER_ATTR_ACCESSTIME) == 0)
        times[0].tv_nsec = UTIME_OMIT;
    if ((a->valid & SSHIO_FILEXFER_ATTR_MODIFYTIME) == 0)
        times[1].tv_nsec = UTIME_OMIT;
}

/* ---- what is compared ---- */

void model_note(struct model *m, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(m->notes[m->note_count++ % MODEL_NOTES], sizeof m->notes[0], format, args);
    va_end(args);
}

void model_check(struct model *m, bool holds, const char *what)
{
    if (holds)
        return;
    unsigned first = m->note_count > MODEL_NOTES ? m->note_count - MODEL_NOTES : 0;
    for (unsigned i = first; i < m->note_count; i++)
        fprintf(stderr, "%4u  %s\n", i, m->notes[i % MODEL_NOTES]);
    fprintf(stderr, "seed %llu, version %d, %s: not %s\n", (unsigned long long)m->seed, m->version,
            m->rooted ? "below a root" : "without a root", what);
    fprintf(stderr, "replay: SSHIO_SEED=%llu SSHIO_OPERATIONS=1 build/tests/unit/sftp_test_model\n",
            (unsigned long long)m->seed);
    fail();
}

void model_expect(struct model *m, int rc, int expected)
{
    char text[256];
    snprintf(text, sizeof text, "the same result: %d (%s) rather than %d (%s)", rc,
             rc != 0 ? sshio_error_message() : "", expected, sshio_error_text(expected));
    model_check(m, rc == expected, text);
    m->done += rc == 0;
    m->failed += rc != 0;
}

void model_expect_os(struct model *m, int rc, int os_rc)
{
    model_expect(m, rc, os_rc == 0 ? 0 : twin_error(errno, m->version));
}

/* Below a root each path is looked up by itself: which of two that are both bad is told of is not for the system to
 * say.
 */
void model_expect_of_two(struct model *m, int rc, int os_rc)
{
    if (m->rooted && rc != 0 && os_rc != 0)
        model_check(m, sshio_error_is(rc, SSHIO_E_SFTP), "an SFTP error");
    else
        model_expect_os(m, rc, os_rc);
}

static sshio_filexfer_type type_of(mode_t mode)
{
    return S_ISREG(mode)   ? SSHIO_FILEXFER_TYPE_REGULAR
           : S_ISDIR(mode) ? SSHIO_FILEXFER_TYPE_DIRECTORY
                           : SSHIO_FILEXFER_TYPE_SYMLINK;
}

static void check_time(struct model *m, int64_t seconds, uint32_t ns, const struct timespec *t)
{
    bool fine = m->version >= 4;
    if (twin_time_was_set(t))
        model_check(m, seconds == t->tv_sec && (!fine || ns == t->tv_nsec), "the same time");
}

void model_check_attrs(struct model *m, const sshio_sftp_attrs *attrs, const struct stat *st)
{
    bool is_dir = S_ISDIR(st->st_mode);
    model_check(m, attrs->type == type_of(st->st_mode), "the same type");
    model_check(m, (attrs->permissions & 07777) == (st->st_mode & 07777), "the same permissions");
    if (S_ISREG(st->st_mode))
        model_check(m, attrs->size == (uint64_t)st->st_size, "the same size");
    if (m->version >= 6 && !is_dir)
        model_check(m, attrs->nlink == st->st_nlink, "as many names");
    check_time(m, attrs->mtime, attrs->mtime_ns, &st->st_mtim);
    if (S_ISREG(st->st_mode))
        check_time(m, attrs->atime, attrs->atime_ns, &st->st_atim);
}

/* ---- seeds ---- */

static void act(struct model *m)
{
    const struct model_row *row = model_one_in(m, 16) ? model_pipeline : model_one_in(m, 2) ? model_names : model_files;
    uint32_t sum = 0;
    for (const struct model_row *r = row; r->act != NULL; r++)
        sum += r->weight;
    uint32_t left = model_roll(m, sum);
    for (; left >= row->weight; row++)
        left -= row->weight;
    row->act(m);
}

static void look(struct model *m)
{
    char difference[3 * TWIN_PATH];
    if (!twin_trees_are_equal(m->mine, m->twin, difference, sizeof difference))
        model_check(m, false, difference);
}

/* Links may lead one directory up: the folders have one each above them. */
static void make_folders(struct model *m)
{
    char command[384];
    snprintf(command, sizeof command, "rm -rf %s/mine/* %s/twin/* && mkdir -p %s/mine/root %s/twin/root", base, base,
             base, base);
    assert_int_equal(system(command), 0);
    snprintf(m->mine, sizeof m->mine, "%s/mine/root", base);
    snprintf(m->twin, sizeof m->twin, "%s/twin/root", base);
}

static void run_seed(sshio_conn *conn, uint64_t seed, bool rooted)
{
    struct model *m = &model;
    unsigned done = m->done, failed = m->failed;
    memset(m, 0, offsetof(struct model, data));
    m->done = done;
    m->failed = failed;
    m->seed = seed;
    m->random = seed * 2654435761u + 1;
    m->version = 3 + (int)(seed % 4);
    m->rooted = rooted;
    make_folders(m);
    model_expect(m, sshio_start_sftp_client(conn, SSHIO_SFTP(.sftp_version = m->version), &m->sftp), 0);
    while (m->note_count < OPERATIONS_OF_A_SEED) {
        act(m);
        if (m->note_count % OPERATIONS_BETWEEN_LOOKS == 0)
            look(m);
    }
    model_close_all(m);
    look(m);
    sshio_sftp_unref(m->sftp);
}

static void run_seeds(struct loopback *l, bool rooted)
{
    uint64_t first = setting("SSHIO_SEED", 1), count = setting("SSHIO_OPERATIONS", OPERATIONS_DEFAULT);
    sshio_conn *conn = loopback_connect(l);
    model.done = model.failed = 0;
    for (uint64_t seed = first; (seed - first) * 2 * OPERATIONS_OF_A_SEED < count; seed++)
        run_seed(conn, seed, rooted);
    sshio_conn_unref(conn);
    print_message("# %u operations went well, %u were refused\n", model.done, model.failed);
    if (count >= OPERATIONS_DEFAULT) /* what always fails proves nothing */
        assert_true(model.done > count / 6 && model.failed > count / 12);
}

/* ---- the two kinds of server ---- */

static void run_without_root(struct loopback *l)
{
    run_seeds(l, false);
}

static void run_below_root(struct loopback *l)
{
    run_seeds(l, true);
}

static void serve(struct loopback *l, const char *chroot)
{
    static sshio_sftp_server_options options;
    sshio_sftp_server_options_init(&options);
    options.chroot = chroot;
    l->server_options.sftp_server = &options;
    l->server_options.sftp_version = 6;
}

static void serve_all(struct loopback *l)
{
    serve(l, NULL);
}

static void serve_root(struct loopback *l)
{
    static char root[TWIN_ROOT];
    snprintf(root, sizeof root, "%s/mine/root", base);
    serve(l, root);
}

static void test_operations_without_a_root_are_those_of_the_system(void **state)
{
    (void)state;
    run_with(run_without_root, serve_all);
}

static void test_operations_below_a_root_are_those_of_the_system(void **state)
{
    (void)state;
    run_with(run_below_root, serve_root);
}

static int make_base(void **state)
{
    (void)state;
    const char *where = getenv("TMPDIR");
    snprintf(base, sizeof base, "%s/sshio-model-XXXXXX",
             where != NULL && strlen(where) < TWIN_ROOT / 2 ? where : "/tmp");
    return mkdtemp(base) == NULL;
}

static int remove_base(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", base);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_operations_without_a_root_are_those_of_the_system, make_base, remove_base),
        cmocka_unit_test_setup_teardown(test_operations_below_a_root_are_those_of_the_system, make_base, remove_base),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
