/* What is made of bytes that should be UTF-8 and are not: sshio_text_errors. */
#ifndef SSHIO_BASE_UTF8_ERRORS_H
#define SSHIO_BASE_UTF8_ERRORS_H

#include <stdbool.h>

#include <sshio/options.h>

#include "base/bytes.h"
#include "base/error.h"

#define STAND_IN_MAX 12u /* bytes that stand for the 3 of the longest beginning of a character */

int text_errors_check(const char *option, sshio_text_errors errors, struct error *e); /* EINVAL: it is none of them */

/* Puts what stands for bad, which is at most 3 bytes that are not text. Nothing with STRICT, which has no stand-in. */
void put_stand_in(struct writer *w, struct span bad, sshio_text_errors errors);

/* Puts in, with stand-ins where it is not UTF-8. False = errors is STRICT and something is not: what came before it has
 * been put. */
bool utf8_decode(struct span in, sshio_text_errors errors, struct writer *w);

#endif
