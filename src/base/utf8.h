/* UTF-8 as RFC 3629 has it: nothing overlong, no surrogates, nothing above U+10FFFF. */
#ifndef SSHIO_BASE_UTF8_H
#define SSHIO_BASE_UTF8_H

#include "base/bytes.h"

/* The length of the character at the start of a text, and which it is; 0 when the text is empty or does not begin with
 * one. */
size_t utf8_char(struct span text, uint32_t *code_point);
bool utf8_valid(struct span text);

#endif
