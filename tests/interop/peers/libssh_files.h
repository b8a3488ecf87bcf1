/* Files for the client on libssh. WORDS: put LOCAL REMOTE; get REMOTE LOCAL; check FOLDER: what the library can do,
 * with what came of it on the disk. Ends the program when something fails. */
#include <libssh/libssh.h>

void do_files(ssh_session session, char **words);
