/* Files for the client on libssh. WORDS: put LOCAL REMOTE; get REMOTE LOCAL; check FOLDER: what the library can do,
 * with what came of it on the disk. Ends the program when something fails. */
#ifndef LIBSSH_FILES_H
#define LIBSSH_FILES_H

#include <libssh/libssh.h>

void do_files(ssh_session session, char **words);

#endif
