/* Programs that sftp and scp run here, with our stdin, stdout and stderr. */
#ifndef SSHIO_TOOLS_CHILD_H
#define SSHIO_TOOLS_CHILD_H

/* Waits, on a worker thread. The program is looked for in PATH. 0, with its status as waitpid has it; an error was
 * said.
 */
int child_run(char *const argv[], int *status);

#endif
