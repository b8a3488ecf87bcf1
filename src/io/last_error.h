/* The last error of the current task, else of the thread: the edge between error records and the public API. */
#ifndef SSHIO_IO_LAST_ERROR_H
#define SSHIO_IO_LAST_ERROR_H

#include "base/error.h"

struct error *last_error(void);                                 /* where to record; valid until the task ends */
int fail(int code, const char *format, ...) SSHIO_PRINTF(2, 3); /* records and returns code */
int fail_with(const struct error *e); /* copies the record, returns its code (0 if it holds none) */
int fail_nomem(void);

#endif
