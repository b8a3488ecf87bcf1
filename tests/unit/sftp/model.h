/* Random operations of our client on our server, each done to a twin folder through the system as well. Whatever the
 * order, both have the same result and leave the same behind. A seed decides the operations; see test_model.c. */
#ifndef TESTS_MODEL_H
#define TESTS_MODEL_H

#include <sshio.h>

#include "sftp/twin.h"

#define MODEL_FILES 6
#define MODEL_NOTES 24u
#define MODEL_DATA_MAX (600u * 1024)

/* A file that is open on both sides. */
struct open_pair {
    sshio_sftp_file *file; /* NULL = none */
    int fd;
    bool appends, has_position;
    uint64_t position;
    char doomed[TWIN_PATH]; /* the name that goes when it is closed; "" = none */
};

struct paths {
    char mine[TWIN_PATH]; /* as our client names it */
    char twin[TWIN_PATH];
};

struct model {
    sshio_sftp *sftp;
    int version;
    bool rooted; /* the server shows the folder as its root */
    uint64_t seed, random;
    char mine[TWIN_ROOT], twin[TWIN_ROOT]; /* the two folders, by the system's names */
    struct open_pair files[MODEL_FILES];
    char notes[MODEL_NOTES][2 * TWIN_PATH]; /* what was done last */
    unsigned note_count;
    unsigned done, failed; /* what came out as it was to, of all seeds */
    uint8_t data[2][MODEL_DATA_MAX];
};

/* ---- test_model.c ---- */
uint32_t model_roll(struct model *m, uint32_t sides); /* 0 … sides - 1 */
bool model_one_in(struct model *m, uint32_t chances);
void model_pick(struct model *m, struct paths *paths); /* some name, which may be there or not */
const char *model_mine(const struct model *m);         /* what our client writes in front of an absolute path */
void model_note(struct model *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
void model_check(struct model *m, bool holds, const char *what);
void model_expect(struct model *m, int rc, int expected);
void model_expect_os(struct model *m, int rc, int os_rc);     /* of a call of the system, -1 with errno */
void model_expect_of_two(struct model *m, int rc, int os_rc); /* of a call that takes two paths */
void model_check_attrs(struct model *m, const sshio_sftp_attrs *attrs, const struct stat *st);
/* Attributes of some kinds: size, permissions, times. The kinds are those of SSHIO_FILEXFER_ATTR_…. */
void model_roll_attrs(struct model *m, sshio_sftp_attrs *attrs);
void model_times(const struct model *m, const sshio_sftp_attrs *attrs, struct timespec times[2]);

typedef void (*model_act)(struct model *m);
struct model_row {
    model_act act;
    uint32_t weight;
};
extern const struct model_row model_names[], model_files[], model_pipeline[]; /* each ends with NULL */
void model_close_all(struct model *m);

#endif
