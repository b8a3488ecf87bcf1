/* Words of a command line, quoted as POSIX shells quote (XCU 2.2), without anything else that shells do. */
#ifndef SSHIO_CONFIG_WORDS_H
#define SSHIO_CONFIG_WORDS_H

#include "base/error.h"
#include "base/texts.h"

/* Adds the words. SSHIO_EINVAL: an open quote, or a backslash at the end. */
int words_split(const char *text, struct texts *words, struct error *e);

#endif
