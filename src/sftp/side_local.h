/* What the two files of the local side share; see side.h. */
#ifndef SSHIO_SFTP_SIDE_LOCAL_H
#define SSHIO_SFTP_SIDE_LOCAL_H

#include <time.h>

#include "sftp/side.h"

int local_failed(const char *what, const char *path);       /* by errno */
int local_refuse(const char *path, const char *text);       /* ESFTP_FAILURE */
int spot_dir(const struct spot *spot);                      /* what its name is relative to */
bool spot_at_once(const struct spot *spot);                 /* it is in memory */
void facts_times(const facts *f, struct timespec times[2]); /* for utimensat */

int side_local_open(sshio_sftp *s, const char *path, bool follow, struct open_file *file);
int side_local_create(sshio_sftp *s, const struct spot *spot, bool keep, struct open_file *file);
int side_local_close(sshio_sftp *s, struct open_file *file, bool written);
int side_local_fset(sshio_sftp *s, const struct open_file *file, const facts *attrs);
int side_local_sync(sshio_sftp *s, const struct open_file *file);
int side_local_read(sshio_sftp *s, const struct open_file *file, uint64_t offset, uint8_t *data, size_t *len);
int side_local_measure(sshio_sftp *s, const struct open_file *file, uint64_t *size);
int side_local_ranges(sshio_sftp *s, const struct open_file *file, uint64_t offset, uint64_t len,
                      struct ranges *ranges);

#endif
