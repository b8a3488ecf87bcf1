/* Streams over descriptors that cannot be polled; stream_from_fd chooses. */
#ifndef SSHIO_IO_STREAM_FILE_H
#define SSHIO_IO_STREAM_FILE_H

#include "base/error.h"
#include "io/stream.h"

int stream_from_file(struct loop *loop, int fd, struct stream **s, struct error *e); /* takes fd over */

#endif
