/* See copying.h. */
#include "copying.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "talk.h"

#define REQUESTS_MAX 1024
#define BLOCK_MAX (4 << 20)
/* With a limit there is little under way, so that the rate is even. */
#define LIMITED_BLOCK 16384
#define LIMITED_REQUESTS 4

/* ---- options ---- */

static bool take_number(const char *text, long max, long *number, const char *what)
{
    char *end;

    errno = 0;
    *number = strtol(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && *number > 0 && *number <= max)
        return true;
    say("Invalid %s \"%s\": %s", what, text,
        *end != '\0' || end == text ? "invalid"
        : *number <= 0              ? "too small"
                                    : "too large");
    return false;
}

static bool take_requests(struct copying *c, const char *text)
{
    long number;
    if (!take_number(text, REQUESTS_MAX, &number, "number of requests"))
        return false;
    c->max_requests = (int)number;
    return true;
}

static bool take_buffer(struct copying *c, const char *text)
{
    long number;
    if (!take_number(text, BLOCK_MAX, &number, "buffer size"))
        return false;
    c->block_size = number;
    return true;
}

bool copying_take_options(struct copying *c)
{
    long kilobits = 0;

    if ((c->requests != NULL && !take_requests(c, c->requests)) ||
        (c->buffer_size != NULL && !take_buffer(c, c->buffer_size)) ||
        (c->limit != NULL && !take_number(c->limit, 100 * 1024 * 1024, &kilobits, "limit")))
        return false;
    c->meter->limit = (uint64_t)kilobits * 1024 / 8;
    if (kilobits > 0 && c->block_size == 0)
        c->block_size = LIMITED_BLOCK;
    if (kilobits > 0 && c->max_requests == 0)
        c->max_requests = LIMITED_REQUESTS;
    return true;
}

bool copying_take_extra(struct copying *c, const char *text)
{
    char *copy = strdup(text), *rest = copy, *part;
    bool ok = copy != NULL;

    while (ok && (part = strsep(&rest, ",")) != NULL) {
        if (strncmp(part, "nrequests=", 10) == 0) {
            ok = take_requests(c, part + 10);
        } else if (strncmp(part, "buffer=", 7) == 0) {
            ok = take_buffer(c, part + 7);
        } else {
            say("Invalid -X option");
            ok = false;
        }
    }
    free(copy);
    return ok;
}

/* ---- paths ---- */

char *path_join(const char *folder, const char *name)
{
    size_t len = strlen(folder);
    char *path;
    bool ends = len != 0 && folder[len - 1] == '/';
    return asprintf(&path, "%s%s%s", folder, len != 0 && !ends ? "/" : "", name) >= 0 ? path : NULL;
}

char *path_last(const char *path)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    const char *slash = memrchr(path, '/', end);
    const char *start = slash != NULL && end > 1 ? slash + 1 : path;
    return strndup(start, end - (size_t)(start - path));
}

bool path_is_local_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* ---- transfers ---- */

static void forget_written(struct copying *c)
{
    for (size_t i = 0; i < c->written_count; i++)
        free(c->written[i]);
    free(c->written);
    c->written = NULL;
    c->written_count = 0;
}

static int note_written(struct copying *c, const char *path)
{
    char **grown = realloc(c->written, (c->written_count + 1) * sizeof *grown);
    if (grown == NULL)
        return SSHIO_ENOMEM;
    c->written = grown;
    grown[c->written_count] = strdup(path);
    return grown[c->written_count++] != NULL ? 0 : SSHIO_ENOMEM;
}

static int progress(const char *srcpath, const char *dstpath, uint64_t bytes, uint64_t total, void *user)
{
    struct copying *c = user;
    if (c->flush && bytes >= total && note_written(c, dstpath) != 0)
        return SSHIO_ENOMEM;
    return meter_progress(srcpath, dstpath, bytes, total, c->meter);
}

/* Of a directory that was named the path ends in a slash, which sftp shows of those that are here. */
static void announce(const char *srcpath, const char *dstpath, void *user)
{
    const struct copying *c = user;
    size_t len = strlen(srcpath);
    char shown[4096];

    (void)dstpath;
    talk_escape(srcpath, shown, sizeof shown);
    if (c->is_download && len > 1 && srcpath[len - 1] == '/')
        shown[strlen(shown) - 1] = '\0';
    printf("%s %s\n", c->is_download ? "Retrieving" : "Entering", shown);
}

static const char *path_of(const char *path)
{
    return path != NULL ? path : "";
}

/* What failed is known by the side that it failed on, and by whether anything had been copied. */
static void say_failure(const struct copying *c, const sshio_error *error)
{
    bool began = error->offset != 0, is_local = error->code == SSHIO_ESYSTEM;
    bool is_remote = sshio_error_is(error->code, SSHIO_E_SFTP);
    const char *local = path_of(c->is_download ? error->dstpath : error->srcpath);
    const char *remote = path_of(c->is_download ? error->srcpath : error->dstpath);

    meter_end(c->meter);
    if (error->code == SSHIO_ECANCELED)
        return;
    if (!is_local && !is_remote)
        say("%s", sshio_error_message());
    else if (is_local)
        say("%s local \"%s\": %s", !began ? "open" : c->is_download ? "write" : "read", local, remote_reason());
    else if (c->is_download)
        say("%s remote \"%s\": %s", began ? "read" : "open", remote, remote_reason());
    else
        say("%s \"%s\": %s", began ? "write remote" : "dest open", remote, remote_reason());
}

static int item_failed(const sshio_error *error, void *user)
{
    struct copying *c = user;
    bool is_over = error->code == SSHIO_ECANCELED || remote_is_lost(error->code) || error->code == SSHIO_ENOMEM;

    say_failure(c, error);
    if (c->failed == 0)
        c->failed = error->code;
    return is_over ? error->code : 0;
}

static int flush_local(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc = fd >= 0 ? fsync(fd) : -1;
    if (rc != 0)
        say("local sync \"%s\": %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return rc == 0 ? 0 : SSHIO_ESYSTEM;
}

static int flush_remote(sshio_sftp *sftp, const char *path)
{
    sshio_sftp_file *file = NULL;
    int rc = sshio_sftp_open(sftp, path, "r+", NULL, &file);
    if (rc == 0)
        rc = sshio_sftp_file_fsync(file);
    if (rc != 0 && rc != SSHIO_ESFTP_OP_UNSUPPORTED)
        say("remote fsync \"%s\": %s", path, remote_reason());
    sshio_sftp_file_close(file);
    return rc == SSHIO_ESFTP_OP_UNSUPPORTED ? 0 : rc;
}

static int flush_written(struct copying *c)
{
    int rc = 0;
    for (size_t i = 0; i < c->written_count; i++) {
        int one = c->is_download ? flush_local(c->written[i]) : flush_remote(c->sftp, c->written[i]);
        rc = rc != 0 ? rc : one;
    }
    forget_written(c);
    return rc;
}

/* A link that was named itself stands for what it leads to. */
static void set_options(struct copying *c, bool is_folder, sshio_copy_options *options)
{
    c->failed = 0;
    sshio_copy_options_init(options);
    options->recurse = c->recurse;
    options->preserve = c->preserve;
    options->resume = c->resume;
    options->follow_symlinks = c->follow || !is_folder;
    options->skip_symlinks = !options->follow_symlinks;
    options->source_modes = true;
    options->block_size = c->block_size;
    options->max_requests = c->max_requests;
    options->max_files = c->meter->limit != 0 ? 1 : 0;
    options->error_handler = item_failed;
    options->user = c;
    if (c->announces)
        options->directory = announce;
    if (c->meter->shown || c->meter->limit != 0 || c->flush)
        options->progress = progress;
}

/* Of a folder the contents go, so that it becomes the target rather than something in it. */
static int transfer(struct copying *c, const char *source, const char *target, bool is_folder,
                    int (*move)(sshio_sftp *sftp, const char *from, const char *to, const sshio_copy_options *options))
{
    sshio_copy_options options;
    char *from = is_folder ? path_join(source, "") : strdup(source);

    if (from == NULL)
        return SSHIO_ENOMEM;
    set_options(c, is_folder, &options);
    meter_start(c->meter);
    int rc = move(c->sftp, from, target, &options);
    if (rc != 0 && c->failed == 0)
        say_failure(c, sshio_error_last());
    meter_end(c->meter);
    free(from);
    int flushed = flush_written(c);
    return rc != 0 ? rc : c->failed != 0 ? c->failed : flushed;
}

/* What is announced of a folder over there is its whole path, without links. */
static int get_folder(struct copying *c, const char *remote, const char *local)
{
    char *whole = NULL;
    int rc = sshio_sftp_realpath(c->sftp, remote, &whole);

    if (rc == 0)
        rc = transfer(c, whole, local, true, sshio_sftp_get);
    else
        say("download \"%s\": path canonicalization failed", remote);
    sshio_free(whole);
    return rc;
}

int copying_get(struct copying *c, sshio_sftp *sftp, const char *remote, const char *local)
{
    sshio_sftp_attrs *attrs = NULL;
    int rc = sshio_sftp_stat(sftp, remote, &attrs);

    c->sftp = sftp;
    c->is_download = true;
    if (rc != 0) {
        say("stat remote \"%s\": %s", remote, remote_reason());
        return rc;
    }
    bool is_folder = attrs->type == SSHIO_FILEXFER_TYPE_DIRECTORY;
    bool is_file = attrs->type == SSHIO_FILEXFER_TYPE_REGULAR || attrs->type == 0 ||
                   attrs->type == SSHIO_FILEXFER_TYPE_UNKNOWN;
    sshio_sftp_attrs_free(attrs);
    if (!is_file && !(is_folder && c->recurse)) {
        say("download %s%s: not a regular file", remote, is_folder && remote[strlen(remote) - 1] != '/' ? "/" : "");
        return SSHIO_EINVAL;
    }
    return is_folder && c->announces ? get_folder(c, remote, local)
                                     : transfer(c, remote, local, is_folder, sshio_sftp_get);
}

int copying_put(struct copying *c, sshio_sftp *sftp, const char *local, const char *remote)
{
    struct stat st;

    c->sftp = sftp;
    c->is_download = false;
    if (stat(local, &st) != 0) {
        say("stat local \"%s\": %s", local, strerror(errno));
        return SSHIO_ESYSTEM;
    }
    if (!S_ISREG(st.st_mode) && !(S_ISDIR(st.st_mode) && c->recurse)) {
        say("local \"%s\" is not a regular file", local);
        return SSHIO_EINVAL;
    }
    return transfer(c, local, remote, S_ISDIR(st.st_mode), sshio_sftp_put);
}
