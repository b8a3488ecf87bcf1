/* The terminal of the user: raw mode while a session has it, and its state given back whatever ends this program. */
#ifndef SSHIO_TOOLS_TERMINAL_H
#define SSHIO_TOOLS_TERMINAL_H

#include <stdbool.h>
#include <sys/types.h>

/* Every key goes to the other side. False: stdin is no terminal that could be changed. terminal_restore undoes it, as
 * do exit and the signals that end a program. */
bool terminal_make_raw(void);
/* What is typed on the terminal fd is not shown. */
bool terminal_hide_input(int fd);
/* Nothing changes now, but what others change is undone as well. */
bool terminal_keep(void);
void terminal_restore(void); /* takes no harm from being called when nothing was changed */

/* From here on a signal that ends programs says so on stderr and exits with this status, with the terminal and the
 * descriptors 0 to 2 as they were; and SIGTSTP stops this program with them as they were, and takes the terminal again
 * when it goes on. To be called while there is one thread. */
void terminal_guard(int exit_status);

/* Calls changed as a callback on the loop of the main thread whenever the terminal has a new size; after
 * terminal_guard. */
void terminal_watch_size(void (*changed)(void *user), void *user);

/* From here on SIGINT ends nothing: it calls interrupted, likewise. */
void terminal_on_interrupt(void (*interrupted)(void *user), void *user);

/* A child that is stopped, continued and ended with this program, until it is unfollowed: after it was reaped. */
void terminal_follow(pid_t pid);
void terminal_unfollow(pid_t pid);

/* Columns of the terminal fd, 80 when it is none. */
int terminal_columns(int fd);

#endif
