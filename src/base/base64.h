/* Base64 (RFC 4648 section 4). */
#ifndef SSHIO_BASE_BASE64_H
#define SSHIO_BASE_BASE64_H

#include <stdbool.h>

#include "base/bytes.h"

void put_base64(struct writer *w, struct span data, bool padded,
                size_t column); /* column 0 = one line; otherwise each line ends with \n */
bool base64_decode(struct span text,
                   struct writer *w); /* strict alphabet and padding; white space and line ends are skipped */

#endif
