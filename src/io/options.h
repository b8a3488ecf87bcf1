/* Option structs as callers hand them in: their first member is their size, and a program that was built with an older
 * or newer header has another size than we do. The members that both know are taken, the rest are defaults. */
#ifndef SSHIO_IO_OPTIONS_H
#define SSHIO_IO_OPTIONS_H

#include <stddef.h>

/* options NULL = all defaults. SSHIO_EINVAL, recorded as the last error, when the size was not set: a struct that was
 * made without its macro and without its _init function would silently count for nothing. */
int options_take(void *to, size_t size, const void *options);

#define OPTIONS_TAKE(to, options) options_take((to), sizeof *(to), (options))

#endif
