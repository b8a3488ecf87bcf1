/* Questions to the user: on the terminal of the process, whatever stdin and stdout are, or by the program in
 * SSH_ASKPASS when there is no terminal, or when SSH_ASKPASS_REQUIRE says so. */
#ifndef SSHIO_TOOLS_PROMPT_H
#define SSHIO_TOOLS_PROMPT_H

#include <stdbool.h>

/* Waits, in a task. The line that was typed, without its end; NULL = there is nobody to ask, or no answer. Freed by
 * prompt_free, which wipes it. Text of a peer in the prompt is shown escaped. */
char *prompt_read(const char *text, bool echo);
void prompt_free(char *answer); /* takes NULL */

#endif
