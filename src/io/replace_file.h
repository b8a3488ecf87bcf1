/* Writing whole files: under a temporary name in the same directory, then renamed over the real
 * one. So the file is there whole or not at all, and has its mode from the first byte. */
#ifndef SSHIO_IO_REPLACE_FILE_H
#define SSHIO_IO_REPLACE_FILE_H

#include "base/bytes.h"
#include "base/error.h"

/* Waits. mode is that of open(2), less the umask. SSHIO_ESYSTEM; nothing is left behind then. */
int replace_file(const char *path, unsigned int mode, struct span content, struct error *e);
/* The same for a file that is there, if behind a link: it keeps its mode and owner. */
int replace_file_content(const char *path, struct span content, struct error *e);

#endif
