/* Reading and writing parts of local files: at once where the data is in memory, else on a worker. Also whole calls
 * that may have to wait for a disk. */
#ifndef SSHIO_SFTP_LOCAL_IO_H
#define SSHIO_SFTP_LOCAL_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct local_io {
    int fd;
    uint8_t *data;
    size_t len;
    uint64_t offset;
    bool writes;
    size_t done;                          /* bytes; fewer than len were read only at the end of the file */
    int os_errno;                         /* 0 = it went well */
    void (*done_fn)(struct local_io *io); /* on the loop; for what is done at once, before local_io_start returns */
};

/* at_once: the file is in memory. Otherwise what is cached is read here, until *missed says that this is in vain. */
void local_io_start(struct local_io *io, bool at_once, bool *missed);

/* The same for a task, which waits unless it is done at once; done_fn is not called. 0, or an interruption. */
int local_io_wait(struct local_io *io, bool at_once, bool *missed);

bool local_is_memory(int fd); /* of a file system in memory */

/* Waits, unless at_once: fn(arg) is a call that may have to wait for a disk. Its result; errors as the last one. */
int local_run(bool at_once, int (*fn)(void *arg), void *arg);

#endif
