/* UTF-8 as RFC 3629 has it: nothing overlong, no surrogates, nothing above U+10FFFF. */
#ifndef SSHIO_BASE_UTF8_H
#define SSHIO_BASE_UTF8_H

#include "base/bytes.h"

/* The length of the character at the start of a text, and which it is; 0 when the text is empty or does not begin with
 * one. */
size_t utf8_char(struct span text, uint32_t *code_point);
bool utf8_valid(struct span text);
bool utf8_is_ascii(struct span text);
size_t utf8_prefix(struct span text); /* how many bytes from the start are whole, valid characters */

/* How many bytes from the start, at most 3, could begin a valid character that does not end there; as many as text has:
 * more may follow. */
size_t utf8_begun(struct span text);

#endif
