/* Wildcard patterns: '*' any run, '?' one character, everything else literal. Time is at most pattern length × text
 * length. */
#ifndef SSHIO_BASE_PATTERN_H
#define SSHIO_BASE_PATTERN_H

#include <stdbool.h>

#include "base/bytes.h"

bool pattern_match(struct span pattern, struct span text);
bool pattern_match_nocase(struct span pattern, struct span text); /* ASCII letters */

/* A comma list with "!negated" patterns: some positive one matches and no negated one does. Empty elements match
 * nothing. */
bool pattern_list_match(struct span list, struct span text);
bool pattern_list_match_nocase(struct span list, struct span text);

#endif
