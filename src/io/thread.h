/* What a thread has of this library: a loop, and the record of its last error. Both go when the
 * thread ends. */
#ifndef SSHIO_IO_THREAD_H
#define SSHIO_IO_THREAD_H

void thread_watch_end(void); /* so that they do; harmless to repeat */

#endif
