/* Programs that sftp and scp run here. */
#ifndef SSHIO_TOOLS_CHILD_H
#define SSHIO_TOOLS_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

/* With our stdin, stdout and stderr. Waits, on a worker thread. The program is looked for in PATH. 0, with its status
 * as waitpid has it; an error was said. */
int child_run(char *const argv[], int *status);

/* With its stdin and stdout on a socket, whose other end is *fd, and our stderr. Signals that stop this program, end it
 * or let it go on are passed on. ignores_interrupts: SIGINT is not for it, unless it says so itself. False = that was
 * said. */
bool child_start(char *const argv[], bool ignores_interrupts, pid_t *pid, int *fd);
/* Its end, which it waits for on a worker thread if it is told to. False = it has not ended. status: as waitpid has it.
 */
bool child_wait(pid_t pid, bool wait, int *status);

#endif
