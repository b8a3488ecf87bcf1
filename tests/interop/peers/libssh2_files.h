/* Files for the client on libssh2. WORDS: put LOCAL REMOTE; get REMOTE LOCAL; check FOLDER: what the library can do,
 * with what came of it on the disk. Ends the program when something fails. */
#ifndef LIBSSH2_FILES_H
#define LIBSSH2_FILES_H

#include <libssh2.h>

void do_files(LIBSSH2_SESSION *session, char **words);

#endif
