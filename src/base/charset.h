/* Names of text encodings, as iconv has them. */
#ifndef SSHIO_BASE_CHARSET_H
#define SSHIO_BASE_CHARSET_H

#include <stdbool.h>

bool charset_is_utf8(const char *name);
/* Whether text can be converted from and to it. What follows a slash would change the rules of iconv: no name has one.
 */
bool charset_is_known(const char *name);

#endif
