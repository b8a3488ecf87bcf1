/* Text encodings of a channel. The application sees UTF-8, the peer what the channel's encoding says; each direction of
 * each data type is converted by itself, and a character that is split between two pieces waits for its rest.
 *
 * With the encoding UTF-8 nothing is converted but everything checked: what is valid is handed on from where it lies.
 * Bytes that are not in the encoding are an error, left out, replaced (U+FFFD, or ? towards the peer), shown as \xNN,
 * or carried as surrogates (U+DC80 to U+DCFF in three bytes, which no valid text contains) that become those bytes
 * again on the way out. */
#ifndef SSHIO_SESSION_ENCODING_H
#define SSHIO_SESSION_ENCODING_H

#include <stdbool.h>
#include <stddef.h>

#include <sshio/options.h>

#include "base/bytes.h"
#include "base/error.h"

#define ENCODING_TYPES 2u /* of data: stdout and stderr */

struct encoding;

/* NULL, with EINVAL for an encoding that is not known here, or ENOMEM. One reference. */
struct encoding *encoding_new(const char *name, sshio_text_errors errors, struct error *e);
struct encoding *encoding_ref(struct encoding *enc);
void encoding_unref(struct encoding *enc); /* takes NULL */
const char *encoding_name(const struct encoding *enc);

/* What comes out, in pieces; it may drop its reference of enc. */
typedef void (*encoding_fn)(void *user, const void *data, size_t len);

/* From the peer; last: nothing follows, so that half a character is an error. 0, EDECODE or ENOMEM: then what came
 * before was handed out. */
int encoding_decode(struct encoding *enc, unsigned type, struct span in, bool last, encoding_fn out, void *user);
int encoding_encode(struct encoding *enc, unsigned type, struct span in, bool last, encoding_fn out, void *user);

/* Whether this text goes out as it is. */
bool encoding_passes(const struct encoding *enc, unsigned type, struct span in);

#endif
