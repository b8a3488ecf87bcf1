/* The SFTP operations of sshio-bench: one call of the public API each, whose seconds alone are printed. */
#include <stdio.h>

#include "bench_client.h"

typedef int (*copy_fn)(sshio_sftp *sftp, const char *from, const char *to, const sshio_copy_options *options);

/* What was copied: files, and bytes of them. */
struct copied {
    uint64_t files, bytes;
};

static int count_file(const char *srcpath, const char *dstpath, uint64_t bytes, uint64_t total, void *user)
{
    struct copied *copied = user;

    (void)srcpath;
    (void)dstpath;
    if (bytes == total) {
        copied->files++;
        copied->bytes += total;
    }
    return 0;
}

/* Trees as well as files. */
static int run_copy(struct client *client, copy_fn copy)
{
    struct copied copied = { 0 };
    sshio_sftp *sftp = NULL;

    int rc = sshio_start_sftp_client(client->conn, NULL, &sftp);
    double start = bench_now();
    if (rc == 0)
        rc = copy(sftp, client->args->words[1], client->args->words[2],
                  SSHIO_COPY(.recurse = true, .progress = count_file, .user = &copied));
    if (rc == 0)
        printf("{\"seconds\": %.6f, \"bytes\": %llu, \"files\": %llu}\n", bench_now() - start,
               (unsigned long long)copied.bytes, (unsigned long long)copied.files);
    if (rc == 0 && client->args->holds)
        rc = client_hold();
    sshio_sftp_unref(sftp);
    return rc;
}

int client_run_sftp_get(struct client *client)
{
    return run_copy(client, sshio_sftp_get);
}

int client_run_sftp_put(struct client *client)
{
    return run_copy(client, sshio_sftp_put);
}

int client_run_sftp_list(struct client *client)
{
    sshio_sftp_names names = { 0 };
    sshio_sftp *sftp = NULL;

    int rc = sshio_start_sftp_client(client->conn, NULL, &sftp);
    double start = bench_now();
    if (rc == 0)
        rc = sshio_sftp_readdir(sftp, client->args->words[1], &names);
    if (rc == 0)
        printf("{\"seconds\": %.6f, \"entries\": %zu}\n", bench_now() - start, names.count);
    if (rc == 0 && client->args->holds)
        rc = client_hold();
    sshio_sftp_names_free(&names);
    sshio_sftp_unref(sftp);
    return rc;
}
