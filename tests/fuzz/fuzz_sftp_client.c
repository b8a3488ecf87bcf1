/* What an SFTP client makes of a server's bytes. The first byte chooses the version, and how the rest is cut into
 * pieces. Before it comes, requests of every kind are under way, whose ids are 0, 1, 2 … in the order of `asks`; when
 * it has all come, the session is lost. Nothing is sent, and nothing waits for ever. */
#include "fuzz.h"

#include <string.h>

#include "base/memory.h"
#include "conn/conn.h"
#include "engine/internal.h"
#include "session/chan.h"
#include "sftp/client.h"

enum { FILE_LEN = 70000, PIECES_MAX = 64 };

int __wrap_chan_write_bytes(sshio_chan *chan, const void *bytes, size_t len, int datatype);

/* What is sent goes nowhere. */
int __wrap_chan_write_bytes(sshio_chan *chan, const void *bytes, size_t len, int datatype)
{
    (void)chan, (void)bytes, (void)len, (void)datatype;
    return 0;
}

static sshio_sftp *sftp;

static int ask_stat(void *arg)
{
    sshio_sftp_attrs *attrs = NULL;
    (void)arg;
    int rc = sshio_sftp_stat(sftp, "/", &attrs);
    sshio_sftp_attrs_free(attrs);
    return rc;
}

static int ask_status(void *arg)
{
    (void)arg;
    return sshio_sftp_remove(sftp, "/");
}

static int ask_path(void *arg)
{
    char *path = NULL;
    (void)arg;
    int rc = sshio_sftp_realpath(sftp, "/", &path);
    sshio_free(path);
    return rc;
}

static int ask_names(void *arg)
{
    sshio_sftp_names names = { 0, NULL };
    (void)arg;
    int rc = sshio_sftp_readdir(sftp, "/", &names);
    sshio_sftp_names_free(&names);
    return rc;
}

static int ask_vfs(void *arg)
{
    sshio_sftp_vfs_attrs vfs;
    (void)arg;
    return sshio_sftp_statvfs(sftp, "/", &vfs);
}

static int ask_ranges(void *arg)
{
    struct handle handle = { .bytes = "h", .len = 1 };
    struct ranges ranges;
    (void)arg;
    int rc = client_ranges(sftp, &handle, 0, 1 << 30, "/", &ranges);
    if (rc == 0)
        ranges_done(&ranges);
    return rc;
}

/* Data arrives in a buffer that is exactly as long as what was asked for. */
static int ask_data(void *arg)
{
    sshio_sftp_file *file = NULL;
    size_t got = 0;
    void *buffer = mem_alloc(FILE_LEN);
    (void)arg;
    int rc = sshio_sftp_open(sftp, "/", "r+", NULL, &file);
    if (rc == 0)
        rc = sshio_sftp_file_read(file, buffer, FILE_LEN, &got);
    must(rc != 0 || got <= FILE_LEN);
    if (rc == 0)
        rc = sshio_sftp_file_write(file, buffer, got);
    if (file != NULL)
        sshio_sftp_file_close(file);
    mem_free(buffer);
    return rc;
}

static int ask_tree(void *arg)
{
    (void)arg;
    return sshio_sftp_rmtree(sftp, "/x", false, NULL, NULL);
}

static int ask_glob(void *arg)
{
    sshio_texts paths = { 0, NULL };
    (void)arg;
    int rc = sshio_sftp_glob(sftp, SSHIO_LIST("/**/x*"), &paths);
    sshio_texts_free(&paths);
    return rc;
}

static const sshio_task_fn asks[] = { ask_stat,   ask_status, ask_path, ask_names, ask_vfs,
                                      ask_ranges, ask_data,   ask_tree, ask_glob };
enum { ASKS = sizeof asks / sizeof asks[0] };

struct input {
    const uint8_t *data;
    size_t size;
};

static void lose(void)
{
    struct error e;
    error_init(&e);
    error_set(&e, SSHIO_ESFTP_CONNECTION_LOST, "the end of the input");
    client_fail(sftp, &e);
    error_clear(&e);
}

static int play(void *arg)
{
    const struct input *in = arg;
    size_t piece = 1 + (in->data[0] >> 2) * 37u + in->size / PIECES_MAX;
    sshio_task *tasks[ASKS];
    for (size_t i = 0; i < ASKS; i++)
        must(sshio_spawn(asks[i], NULL, &tasks[i]) == 0);
    sshio_sleep(0);
    for (size_t at = 1; at < in->size; at += piece) {
        size_t len = in->size - at < piece ? in->size - at : piece;
        uint8_t *copy = mem_dup(in->data + at, len); /* so that what reads past it is seen */
        client_received(sftp, SPAN(copy, len));
        mem_free(copy);
        sshio_sleep(0);
    }
    lose();
    for (size_t i = 0; i < ASKS; i++) {
        int result = 0;
        must(sshio_join(tasks[i], &result) == 0);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    struct sshio_conn *conn;
    struct sshio_chan *chan;
    if (size == 0)
        return 0;
    conn = mem_zalloc(sizeof *conn);
    chan = mem_zalloc(sizeof *chan);
    conn->engine = mem_zalloc(sizeof *conn->engine); /* which is asked how long the way is, and does not know */
    conn->loop = loop_current();
    conn->refs = 1000; /* neither is anybody's to free */
    chan->refs = 1000;
    chan->conn = conn;
    sftp = client_new(conn);
    sftp->chan = chan;
    sftp->ready = true;
    sftp->dialect.version = 3 + (data[0] & 3);
    sftp->extensions = UINT32_MAX;
    must(sshio_main(play, &in) == 0);
    must(sftp->slots_used == 0);
    sftp->chan = NULL;
    client_release(sftp);
    mem_free(chan);
    mem_free(conn->engine);
    mem_free(conn);
    return 0;
}
