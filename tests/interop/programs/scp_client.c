/* Copies with SCP, once.
 *
 *     scp_client PORT USER IDENTITY KNOWN_HOSTS OPTIONS SOURCE... TARGET
 *
 * OPTIONS is letters: r recurse, p preserve, s keep special modes, e go on after errors, v tell progress, f quote all,
 * w quote nothing, l lax names, c cancel when the first block has been copied, b small blocks, n do
 * not look whether the connection is still good afterwards; "-" is none. A
 * path that begins with "conn:" is on a connection that is open; others are texts as sshio_scp takes them. "conn" alone
 * is its home. Errors that were passed over and progress are lines on stdout, with tabs. */
#include <sshio.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sshio_task *self;
static bool cancels;

static int tell_progress(const char *srcpath, const char *dstpath, uint64_t bytes, uint64_t total, void *user)
{
    (void)user;
    printf("progress\t%s\t%s\t%" PRIu64 "\t%" PRIu64 "\n", srcpath, dstpath, bytes, total);
    if (cancels)
        sshio_cancel(self);
    return 0;
}

static int tell_error(const sshio_error *error, void *user)
{
    (void)user;
    printf("error\t%s\t%s\t%s\t%s\n", sshio_error_name(error->code), error->srcpath, error->dstpath, error->message);
    return 0;
}

static bool has(const char *options, char letter)
{
    return strchr(options, letter) != NULL;
}

static const char *path_of(const char *text)
{
    return strncmp(text, "conn", 4) != 0 ? text : text[4] == ':' ? text + 5 : NULL;
}

static sshio_scp_path place_of(const char *text, sshio_conn *conn)
{
    sshio_scp_path place = { .path = path_of(text), .conn = strncmp(text, "conn", 4) == 0 ? conn : NULL };
    return place;
}

/* All sources are on one side: that of the first. */
static int copy(sshio_conn *conn, const sshio_client_options *connect, const char *letters, char **paths, int count)
{
    const char **sources = calloc((size_t)count, sizeof *sources);
    sshio_copy_options copy;
    sshio_scp_options options;
    sshio_scp_path from = place_of(paths[0], conn);
    for (int i = 0; i + 1 < count; i++)
        sources[i] = path_of(paths[i]);
    if (count > 2)
        from.paths = sources;
    sshio_copy_options_init(&copy);
    copy.recurse = has(letters, 'r');
    copy.preserve = has(letters, 'p');
    copy.keep_special_modes = has(letters, 's');
    copy.error_handler = has(letters, 'e') ? tell_error : NULL;
    copy.progress = has(letters, 'v') || cancels ? tell_progress : NULL;
    copy.block_size = has(letters, 'b') ? 8192 : 0;
    sshio_scp_options_init(&options);
    options.copy = &copy;
    options.connect = connect;
    options.path_quoting = has(letters, 'f')   ? SSHIO_SCP_QUOTE_FULL
                           : has(letters, 'w') ? SSHIO_SCP_QUOTE_RAW
                                               : SSHIO_SCP_QUOTE_GLOB;
    options.strict_filenames = has(letters, 'l') ? SSHIO_NO : SSHIO_UNSET;
    int rc = sshio_scp_paths(from, place_of(paths[count - 1], conn), &options);
    free(sources);
    return rc;
}

/* After a copy on an open connection that is still good. */
static int check_connection(sshio_conn *conn)
{
    sshio_result *result = NULL;
    int rc = sshio_run(conn, SSHIO_SESSION(.command = "exit 0"), &result);
    sshio_result_free(result);
    return rc;
}

static int work(void *arg)
{
    char **argv = arg;
    int count = 0;
    sshio_conn *conn = NULL;
    const sshio_client_options *connect = SSHIO_CLIENT(.username = argv[2], .port = atoi(argv[1]),
                                                       .client_keys = SSHIO_KEYS({ .file = argv[3] }),
                                                       .known_hosts = SSHIO_FILES(argv[4]));
    self = sshio_task_self();
    cancels = has(argv[5], 'c');
    while (argv[6 + count] != NULL)
        count++;
    int rc = sshio_connect("127.0.0.1", connect, &conn);
    if (rc == 0)
        rc = copy(conn, connect, argv[5], argv + 6, count);
    if (rc != 0 && rc != SSHIO_EINVAL) {
        const sshio_error *e = sshio_error_last();
        fprintf(stderr, "%s\t%s\t%s\t%s\n", sshio_error_name(rc), e->srcpath != NULL ? e->srcpath : "",
                e->dstpath != NULL ? e->dstpath : "", e->message);
    } else if (rc != 0) {
        fprintf(stderr, "%s\t%s\n", sshio_error_name(rc), sshio_error_message());
    }
    if (conn != NULL && !has(argv[5], 'n') && check_connection(conn) != 0)
        fprintf(stderr, "the connection is lost: %s\n", sshio_error_message());
    sshio_conn_unref(conn);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc < 8) {
        fprintf(stderr, "usage: scp_client PORT USER IDENTITY KNOWN_HOSTS OPTIONS SOURCE... TARGET\n");
        return 2;
    }
    return sshio_main(work, argv) == 0 ? 0 : 1;
}
