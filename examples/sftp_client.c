/* Fetches a file, and shows how far it is.
 *
 *     sftp_client file [host [port [user [key [known_hosts]]]]] */
#include <sshio.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static int show(const char *srcpath, const char *dstpath, uint64_t bytes, uint64_t total, void *user)
{
    (void)dstpath, (void)user;
    fprintf(stderr, "\r%s: %" PRIu64 " of %" PRIu64 " bytes", srcpath, bytes, total);
    return 0;
}

int main(int argc, char **argv)
{
    const char *file = argc > 1 ? argv[1] : "example.txt";
    const char *host = argc > 2 ? argv[2] : "localhost";
    int port = argc > 3 ? atoi(argv[3]) : 22;
    const char *user = argc > 4 ? argv[4] : NULL; /* the local user */
    const char *key = argc > 5 ? argv[5] : "~/.ssh/id_ed25519";
    const char *known_hosts = argc > 6 ? argv[6] : "~/.ssh/known_hosts";
    sshio_conn *conn = NULL;
    sshio_sftp *sftp = NULL;

    int rc = sshio_connect(host,
                           SSHIO_CLIENT(.username = user, .port = port, .client_keys = SSHIO_KEYS({ .file = key }),
                                        .known_hosts = SSHIO_FILES(known_hosts)),
                           &conn);
    if (rc == 0)
        rc = sshio_start_sftp_client(conn, NULL, &sftp);
    if (rc == 0)
        rc = sshio_sftp_get(sftp, file, NULL, SSHIO_COPY(.preserve = true, .recurse = true, .progress = show));
    if (rc != 0)
        sshio_report("SFTP operation failed");
    else
        fprintf(stderr, "\n");
    sshio_sftp_unref(sftp);
    sshio_conn_unref(conn);
    return rc != 0;
}
