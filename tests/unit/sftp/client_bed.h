/* What the tests of the SFTP client share: a folder of their own, and a session with our own server in the same
 * process. */
#ifndef SSHIO_TESTS_SFTP_CLIENT_BED_H
#define SSHIO_TESTS_SFTP_CLIENT_BED_H

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "session/run.h"
#include "sftp/client.h"

static char folder[64];

static inline void serve_files(struct loopback *l)
{
    static sshio_sftp_server_options options;
    sshio_sftp_server_options_init(&options);
    l->server_options.sftp_server = &options;
    l->server_options.sftp_version = 6;
}

static inline int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/sshio-sftp-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static inline int remove_folder(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static inline const char *at(const char *name)
{
    static char paths[4][192];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static inline void fill(const char *path, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (size_t i = 0; i < size; i++)
        fputc((int)(i * 7 + (i >> 13)) & 0xff, file);
    fclose(file);
}

static inline bool same(const char *a, const char *b)
{
    char command[512];
    snprintf(command, sizeof command, "cmp -s %s %s", a, b);
    return system(command) == 0;
}

#define must(call)                                                                                                     \
    do {                                                                                                               \
        if ((call) != 0)                                                                                               \
            fail_msg("line %d: %s", __LINE__, sshio_error_message());                                                  \
    } while (0)

static inline sshio_sftp *start(struct loopback *l, sshio_conn **conn, const sshio_sftp_options *options)
{
    sshio_sftp *sftp = NULL;
    *conn = loopback_connect(l);
    must(sshio_start_sftp_client(*conn, options, &sftp));
    return sftp;
}

static inline void finish(sshio_sftp *sftp, sshio_conn *conn)
{
    sshio_sftp_unref(sftp);
    sshio_conn_unref(conn);
}

#endif
