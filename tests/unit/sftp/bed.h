/* What tests of the client share: a folder of their own, and sessions with our server, which serves all files. */
#ifndef TESTS_SFTP_BED_H
#define TESTS_SFTP_BED_H

#include "unit.h"

#include "session/run.h"

extern char folder[64];
int make_folder(void **state); /* for each test's setup */
int remove_folder(void **state);

const char *at(const char *name); /* a path in the folder; good for three more calls */
void fill(const char *path, size_t size);
bool same(const char *a, const char *b); /* what the two files hold */

void serve_files(struct loopback *l); /* for run_with: versions 3 to 6 */
sshio_sftp *start(struct loopback *l, sshio_conn **conn, const sshio_sftp_options *options);
void finish(sshio_sftp *sftp, sshio_conn *conn);

#define must(call)                                                                                                     \
    do {                                                                                                               \
        if ((call) != 0)                                                                                               \
            fail_msg("line %d: %s", __LINE__, sshio_error_message());                                                  \
    } while (0)

#endif
