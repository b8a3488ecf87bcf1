/* Public functions of known hosts: arguments are checked, failures become the last error. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "config/known_hosts.h"
#include "config/known_hosts_write.h"
#include "config/text_lines.h"
#include "conn/sources.h"
#include "io/completion.h"
#include "io/last_error.h"
#include "io/replace_file.h"
#include "io/worker.h"

#define PORT_MAX 65535

int sshio_import_known_hosts(const char *data, size_t len, sshio_known_hosts **hosts)
{
    if (hosts == NULL || (data == NULL && len != 0))
        return fail(SSHIO_EINVAL, "import_known_hosts: no text, or no place for the result");
    const sshio_source source = { .data = { data, len } };
    return source_known_hosts(&source, hosts);
}

int sshio_read_known_hosts(const char *const *files, sshio_known_hosts **hosts)
{
    if (hosts == NULL || files == NULL)
        return fail(SSHIO_EINVAL, "read_known_hosts: no files, or no place for the result");
    const sshio_source source = { .files = files };
    return source_known_hosts(&source, hosts);
}

sshio_known_hosts *sshio_known_hosts_ref(sshio_known_hosts *hosts)
{
    return known_hosts_ref(hosts);
}

void sshio_known_hosts_unref(sshio_known_hosts *hosts)
{
    known_hosts_unref(hosts);
}

sshio_host_status sshio_known_hosts_status(const sshio_known_hosts *hosts, const char *host, const char *addr, int port,
                                           const sshio_key *key)
{
    const struct host_query query = { .host = host, .addr = addr, .port = port };

    if (hosts == NULL || key == NULL || port < 0)
        return SSHIO_HOST_UNKNOWN;
    return known_hosts_match(hosts, &query, key, NULL);
}

static int check_query(const struct host_query *query, const void *result)
{
    if (query->host != NULL && query->port >= 0 && query->port <= PORT_MAX && result != NULL)
        return 0;
    return fail(SSHIO_EINVAL, "match_known_hosts: no host, no place for the result, or port %d, which is none",
                query->port);
}

int sshio_known_hosts_match(const sshio_known_hosts *hosts, const char *host, const char *addr, int port,
                            sshio_host_keys **keys)
{
    const struct host_query query = { .host = host, .addr = addr, .port = port };
    int rc = hosts != NULL ? check_query(&query, keys) : fail(SSHIO_EINVAL, "known_hosts_match: no known hosts");
    return rc == 0 ? known_hosts_keys(hosts, &query, keys, last_error()) : rc;
}

int sshio_match_known_hosts(const sshio_source *known_hosts, const char *host, const char *addr, int port,
                            sshio_host_keys **keys)
{
    sshio_known_hosts *hosts = NULL;
    int rc = known_hosts != NULL ? 0 : fail(SSHIO_EINVAL, "match_known_hosts: no source");
    if (rc == 0)
        rc = source_known_hosts(known_hosts, &hosts);
    if (rc == 0)
        rc = sshio_known_hosts_match(hosts, host, addr, port, keys);
    known_hosts_unref(hosts);
    return rc;
}

void sshio_host_keys_free(sshio_host_keys *keys)
{
    known_hosts_keys_free(keys);
}

/* ---- writing ---- */

#define LINE_MAX_LEN (256u * 1024)

struct addition { /* of a line to a file, on a worker */
    char *path;
    struct span line;
    int os_errno;
};

/* A line of our own must not become the end of one that somebody left unfinished. */
static bool ends_in_line(int fd)
{
    char last;
    off_t size = lseek(fd, 0, SEEK_END);
    return size <= 0 || pread(fd, &last, 1, size - 1) != 1 || last == '\n';
}

static bool write_all(int fd, const uint8_t *data, size_t len)
{
    while (len != 0) {
        ssize_t written = write(fd, data, len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        data += written;
        len -= (size_t)written;
    }
    return true;
}

/* One write for the whole, so that others who append do not get between. */
static bool append_line(int fd, struct span line)
{
    struct writer text;
    writer_init(&text, LINE_MAX_LEN + 1);
    if (!ends_in_line(fd))
        put_u8(&text, '\n');
    put_bytes(&text, line.data, line.len);
    bool ok = !writer_failed(&text) && write_all(fd, text.data, text.len);
    if (writer_failed(&text))
        errno = ENOMEM;
    writer_done(&text);
    return ok;
}

static void make_directory(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return;
    *slash = '\0';
    (void)mkdir(path, 0700); /* opening the file says what is wrong */
    *slash = '/';
}

static int add_line(void *arg)
{
    struct addition *a = arg;

    make_directory(a->path);
    int fd = open(a->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd < 0 || !append_line(fd, a->line))
        a->os_errno = errno;
    if (fd >= 0)
        close(fd);
    return 0;
}

int sshio_add_known_host(const char *file, const char *host, int port, const sshio_key *key, bool hash)
{
    const struct host_query query = { .host = host, .port = port };
    struct writer line;
    int rc = completion_can_wait();

    if (rc != 0)
        return rc;
    if (file == NULL || host == NULL || key == NULL || port < 0 || port > PORT_MAX)
        return fail(SSHIO_EINVAL, "add_known_host: no file, host or key, or a port that is none");
    writer_init(&line, LINE_MAX_LEN);
    struct addition a = { .path = expand_home(file) };
    rc = a.path != NULL ? known_hosts_put_line(&line, &query, key, hash, last_error()) : fail_nomem();
    if (rc == 0) {
        a.line = writer_span(&line);
        rc = worker_run(add_line, &a);
    }
    if (rc == 0 && a.os_errno != 0)
        rc = error_set_errno(last_error(), a.os_errno, "cannot add a host to %s", a.path);
    writer_done(&line);
    mem_free(a.path);
    return rc;
}

static int remove_lines(const char *path, const struct host_query *query, size_t *removed)
{
    uint8_t *data = NULL;
    size_t len = 0;
    struct writer kept;
    writer_init(&kept, TEXT_FILE_MAX_LEN);
    int rc = worker_read_file(path, TEXT_FILE_MAX_LEN, &data, &len, last_error());
    if (rc == 0)
        rc = known_hosts_put_without(&kept, SPAN(data, len), query, removed, last_error());
    if (rc == 0 && *removed != 0)
        rc = replace_file_content(path, writer_span(&kept), last_error());
    mem_free_secret(data, len);
    writer_done(&kept);
    return rc;
}

int sshio_remove_known_host(const char *file, const char *host, int port, size_t *removed)
{
    const struct host_query query = { .host = host, .port = port };
    size_t count = 0;
    int rc = completion_can_wait();

    if (rc != 0)
        return rc;
    if (file == NULL || host == NULL || host[0] == '\0' || port < 0 || port > PORT_MAX)
        return fail(SSHIO_EINVAL, "remove_known_host: no file or host, or a port that is none");
    char *path = expand_home(file);
    rc = path != NULL ? remove_lines(path, &query, &count) : fail_nomem();
    mem_free(path);
    if (rc == 0 && removed != NULL)
        *removed = count;
    return rc;
}
