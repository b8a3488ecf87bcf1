/* What is typed on stdin, on its way to the other side: a thread reads it, takes the escape sequences out, and writes
 * the rest to a pipe. */
#ifndef SSHIO_TOOLS_KEYBOARD_H
#define SSHIO_TOOLS_KEYBOARD_H

#include "escapes.h"

/* to is closed when stdin ends. escape NULL: there are no escape sequences. command is called as a callback on the loop
 * of the main thread. Once in a process. False = there is no thread for it. */
bool keyboard_start(int to, const unsigned char *escape, void (*command)(enum escape_command command));

#endif
